"""Find the files that a Python source file depends on: itself and the modules below a folder that it imports."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from pathlib import Path

_IMPORT = re.compile(
    r"^[ \t]*(?:from[ \t]+(?P<module>\.*[\w.]*)[ \t]+import[ \t]+(?P<names>\([^)]*\)|[^\n]+)"
    r"|import[ \t]+(?P<modules>[\w., \t]+))",
    re.MULTILINE,
)
_WORD = re.compile(r"(\w+)(?:[ \t]+as[ \t]+\w+)?")


def imported_files(file: Path, root: Path) -> frozenset[Path]:
    """Return the files below a folder that a source file depends on, itself included.

    Args:
        file: a Python source file.
        root: the folder that absolute imports start from, as if it were the only entry of ``sys.path``.

    >>> here = Path(__file__)
    >>> sorted(path.name for path in imported_files(here, here.parents[2]))
    ['imports.py']
    """
    files: set[Path] = set()
    left = [file]
    while left:
        path = left.pop()
        if path not in files:
            files.add(path)
            left += _direct(path, root)
    return frozenset(files)


def forget_files() -> None:
    """Read all files again on the next call, because some have been edited."""
    _direct.cache_clear()


@functools.cache
def _direct(file: Path, root: Path) -> frozenset[Path]:
    try:
        source = file.read_text("utf-8", "replace")
    except OSError:
        return frozenset()
    files: set[Path] = set()
    for match in _IMPORT.finditer(source):
        if match["modules"]:
            for module in match["modules"].split(","):
                files.update(_files(root, module.split()[0].split(".") if module.split() else ()))
            continue
        name = match["module"].lstrip(".")
        dots = len(match["module"]) - len(name)
        parts = [part for part in name.split(".") if part]
        base = file.parents[dots - 1] if dots else root
        files.update(_files(base, parts))
        for imported in _WORD.findall(match["names"]):
            files.update(_files(base, [*parts, imported]))
    return frozenset(files)


def _files(base: Path, parts: Iterable[str]) -> Iterable[Path]:
    """Yield the files of a module and of the packages that contain it."""
    place = base
    for part in parts:
        place = place / part
        for path in (place / "__init__.py", place.with_suffix(".py")):
            if path.is_file():
                yield path
