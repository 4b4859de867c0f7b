"""Listings of the local file system that raise errors instead of silently skipping what cannot be read."""

from __future__ import annotations

import errno
import fnmatch
import glob
import os
from collections.abc import Iterator

#: Errors that mean a path does not exist. Any other error may be temporary.
ABSENT = (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP)


def status(path: str) -> os.stat_result | None:
    """Return the status of a path; None if nothing is there.

    Raises:
        OSError: the path cannot be accessed: a failing disk or mount, missing permissions.
    """
    try:
        return os.stat(path)
    except ValueError:  # a NUL in the name
        return None
    except OSError as e:
        _raise_unless_absent(e)
        return None


def names(folder: str) -> list[str]:
    """Return the names of the files in a folder, hidden ones too, without asking for the status of each.

    Raises:
        OSError: the folder cannot be listed.
    """
    return [entry.name for entry in _entries(folder) if not _is_folder(entry)]


def below(folder: str) -> Iterator[str]:
    """Yield the path of every file below a folder, except hidden files and files in hidden folders.

    Raises:
        OSError: a folder cannot be listed.
    """
    for where, folders, names in os.walk(folder, onerror=_raise_unless_absent):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (os.path.join(where, name) for name in names if not name.startswith("."))


def expand(pattern: str) -> Iterator[str]:
    """Expand a glob like `glob.glob`, but raise an error for a folder that cannot be listed.

    Args:
        pattern: an absolute path; ``**`` matches any number of nested folders.

    Raises:
        OSError: a folder cannot be listed.
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
