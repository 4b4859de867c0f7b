"""Which files of a package a source file is made of: it, and the modules of its own package that it imports."""

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
    """Return the files that a source file depends on below a folder, itself among them.

    Args:
        file: of Python source.
        root: the folder that absolute imports start from, as if it were the only entry of ``sys.path``.

    >>> here = Path(__file__)
    >>> sorted(path.name for path in imported_files(here, here.parents[2]))
    ['imports.py']
    """
    found: set[Path] = set()
    left = [file]
    while left:
        path = left.pop()
        if path not in found:
            found.add(path)
            left += _direct(path, root)
    return frozenset(found)


def forget_files() -> None:
    """Read all files again: some have been edited."""
    _direct.cache_clear()


@functools.cache
def _direct(file: Path, root: Path) -> frozenset[Path]:
    try:
        source = file.read_text("utf-8", "replace")
    except OSError:
        return frozenset()
    found: set[Path] = set()
    for match in _IMPORT.finditer(source):
        if match["modules"]:
            for module in match["modules"].split(","):
                found.update(_files(root, module.split()[0].split(".") if module.split() else ()))
            continue
        name = match["module"].lstrip(".")
        dots = len(match["module"]) - len(name)
        parts = [part for part in name.split(".") if part]
        base = file.parents[dots - 1] if dots else root
        found.update(_files(base, parts))
        for imported in _WORD.findall(match["names"]):
            found.update(_files(base, [*parts, imported]))
    return frozenset(found)


def _files(base: Path, parts: Iterable[str]) -> Iterable[Path]:
    """Yield the file of a module, and those of the packages that it is in."""
    place = base
    for part in parts:
        place = place / part
        for path in (place / "__init__.py", place.with_suffix(".py")):
            if path.is_file():
                yield path
