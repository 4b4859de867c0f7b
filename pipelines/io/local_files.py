"""What is on the local file system, with an error where that cannot be known: nothing vanishes in silence."""

from __future__ import annotations

import errno
import fnmatch
import glob
import os
from collections.abc import Iterator

#: What the operating system says of a path that surely is not there; any other error may pass, and decides nothing.
ABSENT = (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP)


def status(path: str) -> os.stat_result | None:
    """Return what the operating system knows of a path, None where there is nothing.

    Raises:
        OSError: it cannot say: a disk or mount that fails, a folder that may not be entered.
    """
    try:
        return os.stat(path)
    except ValueError:  # a NUL in the name
        return None
    except OSError as e:
        _raise_unless_absent(e)
        return None


def below(folder: str) -> Iterator[str]:
    """Yield the path of every file below a folder; hidden ones, and what is in hidden folders, are left out.

    Raises:
        OSError: a folder that cannot be listed.
    """
    for where, folders, names in os.walk(folder, onerror=_raise_unless_absent):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (os.path.join(where, name) for name in names if not name.startswith("."))


def expand(pattern: str) -> Iterator[str]:
    """Expand a glob as `glob.glob` does, which skips a folder that cannot be listed.

    Args:
        pattern: an absolute path; ``**`` stands for folders in folders.

    Raises:
        OSError: a folder that cannot be listed.
    """
    return _expand("/", pattern.strip("/").split("/"))


def _expand(folder: str, parts: list[str]) -> Iterator[str]:
    part, *rest = parts
    if part == "**":
        yield from _expand(folder, rest) if rest else [folder]
        for entry in _entries(folder):
            if entry.name.startswith("."):
                continue
            if _is_folder(entry):
                yield from _expand(entry.path, parts)
            elif not rest:
                yield entry.path
    elif glob.has_magic(part):
        for entry in _entries(folder):
            hidden = entry.name.startswith(".") and not part.startswith(".")
            if not hidden and fnmatch.fnmatchcase(entry.name, part):
                yield from _expand(entry.path, rest) if rest else [entry.path]
    elif status(path := os.path.join(folder, part)):
        yield from _expand(path, rest) if rest else [path]


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError as e:
        _raise_unless_absent(e)
        return []


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError as e:
        _raise_unless_absent(e)
        return False


def _raise_unless_absent(error: OSError) -> None:
    if error.errno not in ABSENT:
        raise error
