"""Load fastText models, with errors that say what is wrong."""

from __future__ import annotations

import mmap
from pathlib import Path
from typing import Any

from curate.input.checked_file import open_regular
from curate.models.fasttext_file import MAGIC, VERSIONS, check_fasttext
from curate.models.probe import probe


def load_fasttext(path: Path, name: str = "", key: str = "", trusted: bool = False) -> Any:
    """Load a ``.bin`` or ``.ftz`` file.

    The library trusts every number in a file and crashes on a wrong one, so the file is checked first, and then tried
    in a separate process (`curate.models.probe`).

    Args:
        path: of the file; fastText opens files by name only.
        name: for errors; by default the path.
        key: identifies the model for `curate.models.probe`; by default its path.
        trusted: skip the checks, because the file comes with curate or this process has just written it.

    Raises:
        ValueError: the file is not a fastText classifier, is damaged, has a version this library cannot read, or
            crashes it.
        ImportError: the ``fasttext`` module is missing.

    >>> load_fasttext(Path(__file__), "this file")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ValueError: this file is not a fastText model (its first bytes are ...)
    """
    name = name or str(path)
    try:
        import fasttext
    except ImportError as error:
        raise ImportError("the module fasttext is not installed: pip install fasttext-community") from error
    if not trusted:
        _check(path, name)
        probe("fasttext", path, name, key)
    try:
        return fasttext.load_model(str(path))
    except (ValueError, RuntimeError, MemoryError) as error:
        raise ValueError(f"fastText cannot read {name}; the file is damaged: {error}") from error


def is_fasttext(path: str | Path) -> bool:
    """Say whether a file is a fastText model, by its extension or its first bytes.

    >>> is_fasttext("lid.176.ftz"), is_fasttext(__file__), is_fasttext("no such file")
    (True, False, False)
    """
    if Path(path).suffix in (".bin", ".ftz"):
        return True
    try:
        with open_regular(path) as file:
            return file.read(len(MAGIC)) == MAGIC
    except (OSError, ValueError):  # missing or not a regular file; loading it as another model reports that
        return False


def predict(model: Any, line: str, most: int = -1, least: float = 0.0) -> list[tuple[str, float]]:
    """Return the labels of a line and their probabilities, the likeliest first.

    Args:
        model: from `load_fasttext`.
        line: a text without line ends and lone surrogates.
        most: number of labels to return, at most; -1 returns all.
        least: smallest probability of a label to return.

    Returns:
        Nothing if the model knows no word of the line. A label whose probability rounds to 0 can be missing.
    """
    # The method of the library's Python class returns arrays, and needs NumPy < 2 in some builds.
    predictions = model.f.predict(line + "\n", most, least, "strict")
    return [(label, min(float(score), 1.0)) for score, label in predictions]


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
            # Not closed here, because arrays over it may still be alive in the traceback of an error.
            check_fasttext(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        except ValueError as error:
            raise ValueError(f"{name} is damaged, or not a fastText classifier: {error}") from None
