"""Loading fastText models, with errors that say what is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

# github.com/facebookresearch/fastText, src/fasttext.cc: the first four bytes of every model file and the version after
# them.
MAGIC, VERSIONS = (793712314).to_bytes(4, "little"), (11, 12)


def load_fasttext(path: Path, name: str = "") -> Any:
    """Load a ``.bin`` or ``.ftz`` file.

    Args:
        path: of the file; fastText opens files by name only.
        name: for errors; by default the path.

    Raises:
        ValueError: not a fastText model, damaged, or of a version this library cannot read.
        ImportError: the installed ``fasttext`` module is missing or cannot load models.

    >>> load_fasttext(Path("/dev/null"), "an empty file")
    Traceback (most recent call last):
    ValueError: an empty file is not a fastText model (its first bytes are b'')
    """
    name = name or str(path)
    with path.open("rb") as file:
        magic, version = file.read(4), int.from_bytes(file.read(4), "little")
    if magic != MAGIC:
        raise ValueError(f"{name} is not a fastText model (its first bytes are {magic!r})")
    if version not in VERSIONS:
        raise ValueError(
            f"{name} was written by another build of fastText (file version {version}; this one reads "
            f"{' and '.join(map(str, VERSIONS))}): train it again here, or install the build that wrote it"
        )
    try:
        import fasttext
    except ImportError as error:
        raise ImportError("no module fasttext: pip install fasttext-community") from error
    try:
        return fasttext.load_model(str(path))
    except (ValueError, RuntimeError, MemoryError) as error:
        raise ValueError(f"fastText cannot read {name}, the file is damaged: {error}") from error
