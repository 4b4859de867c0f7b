"""Loading fastText models, with errors that say what is wrong."""

from __future__ import annotations

import mmap
from pathlib import Path
from typing import Any

from curate.input.checked_file import open_regular
from curate.models.fasttext_file import MAGIC, VERSIONS, check_fasttext
from curate.models.probe import probe


def load_fasttext(path: Path, name: str = "", key: str = "", trusted: bool = False) -> Any:
    """Load a ``.bin`` or ``.ftz`` file.

    The library believes every number in a file and dies of a wrong one, so the file is checked first, and then tried
    in a process of its own (`curate.models.probe`).

    Args:
        path: of the file; fastText opens files by name only.
        name: for errors; by default the path.
        key: what tells the model from others, for `curate.models.probe`; by default its path.
        trusted: skip the checks: the file comes with curate, or this process has just made it.

    Raises:
        ValueError: not a fastText classifier, damaged, of a version this library cannot read, or one that kills it.
        ImportError: the installed ``fasttext`` module is missing or cannot load models.

    >>> load_fasttext(Path(__file__), "this file")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ValueError: this file is not a fastText model (its first bytes are ...)
    """
    name = name or str(path)
    try:
        import fasttext
    except ImportError as error:
        raise ImportError("no module fasttext: pip install fasttext-community") from error
    if not trusted:
        _check(path, name)
        probe("fasttext", path, name, key)
    try:
        return fasttext.load_model(str(path))
    except (ValueError, RuntimeError, MemoryError) as error:
        raise ValueError(f"fastText cannot read {name}, the file is damaged: {error}") from error


def is_fasttext(path: str | Path) -> bool:
    """Say whether a file is one of fastText, by its ending or its first bytes.

    >>> is_fasttext("lid.176.ftz"), is_fasttext(__file__), is_fasttext("no such file")
    (True, False, False)
    """
    if Path(path).suffix in (".bin", ".ftz"):
        return True
    try:
        with open_regular(path) as file:
            return file.read(len(MAGIC)) == MAGIC
    except (OSError, ValueError):  # absent, or no regular file: the error of a model of another kind says so
        return False


def predict(model: Any, line: str, most: int = -1, least: float = 0.0) -> list[tuple[str, float]]:
    """Return labels of a line and their probabilities, the likeliest first.

    Args:
        model: of `load_fasttext`.
        line: a text without a line end or a lone surrogate.
        most: labels that are returned; -1 returns all.
        least: probability of a label that is returned.

    Returns:
        Nothing for a line of which the model knows no word. A label whose probability rounds to 0 can be absent.
    """
    # The method of the library's own class needs NumPy < 2 in some builds, and makes arrays of it.
    found = model.f.predict(line + "\n", most, least, "strict")
    return [(label, min(float(score), 1.0)) for score, label in found]


def _check(path: Path, name: str) -> None:
    with open_regular(path) as file:
        magic, version = file.read(4), int.from_bytes(file.read(4), "little")
        if magic != MAGIC:
            raise ValueError(f"{name} is not a fastText model (its first bytes are {magic!r})")
        if version not in VERSIONS:
            raise ValueError(
                f"{name} was written by another build of fastText (file version {version}; this one reads "
                f"{' and '.join(map(str, VERSIONS))}): train it again here, or install the build that wrote it"
            )
        try:
            # Not closed here: the arrays over it go first, perhaps with the traceback of an error.
            check_fasttext(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        except ValueError as error:
            raise ValueError(f"{name} is damaged, or not a fastText classifier: {error}") from None
