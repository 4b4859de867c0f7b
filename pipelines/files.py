"""Files on any file system that Beam knows: open, match, and write so that a file is either whole or absent."""

from __future__ import annotations

import os
import posixpath
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO

import orjson
from apache_beam.io.filesystem import CompressionTypes, FileMetadata
from apache_beam.io.filesystems import FileSystems

RAW = CompressionTypes.UNCOMPRESSED


def join(*parts: str) -> str:
    """Join path parts with the separator of the first one's file system."""
    return FileSystems.join(*parts)


def exists(path: str) -> bool:
    """Say whether ``path`` is there."""
    return FileSystems.exists(path)


def make_folder(path: str) -> None:
    """Create a folder and its parents where they are missing."""
    with suppress(OSError):
        FileSystems.mkdirs(path)


def match(pattern: str) -> list[FileMetadata]:
    """List the files that a path or glob names, sorted by path.

    A folder stands for every file below it.
    """
    found = FileSystems.match([pattern])[0].metadata_list
    if len(found) <= 1 and not any(c in pattern for c in "*?["):
        below = FileSystems.match([posixpath.join(pattern, "**")])[0].metadata_list
        found = below or found
    return sorted((f for f in found if f.size_in_bytes is not None and not f.path.endswith("/")), key=lambda f: f.path)


def open_read(path: str) -> BinaryIO:
    """Open a file for reading its bytes as they are, without decompression."""
    return FileSystems.open(path, compression_type=RAW)


def read_json(path: str) -> dict:
    """Read a small JSON file."""
    with open_read(path) as f:
        return orjson.loads(f.read())


@contextmanager
def atomic_write(path: str) -> Iterator[BinaryIO]:
    """Write a file under a temporary name and rename it when the block ends without an error."""
    temporary = f"{path}.{socket.gethostname()}-{os.getpid()}.incomplete"  # two attempts never share one
    with FileSystems.create(temporary, compression_type=RAW) as f:
        yield f
    with suppress(OSError):
        FileSystems.delete([path])
    FileSystems.rename([temporary], [path])


def write_json(path: str, value: object) -> None:
    """Write a small JSON file atomically, keys in the order given."""
    with atomic_write(path) as f:
        f.write(orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def delete(paths: list[str]) -> None:
    """Delete files and folders that are there."""
    for path in paths:
        if exists(path):
            FileSystems.delete([path])
