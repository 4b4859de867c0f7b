"""Sealed files, in `_work`: each ends with a digest of its bytes, which is checked whenever the file is read.

A disk, a network or a person can change a file between the pass that wrote it and the pass that reads it. Changed data
must not reach the corpus, so a damaged or missing file raises `DamagedFile` and is noted in the work folder. The run
finds the note, whichever process or host read the file, and writes the file again.

The digest is a line at the end of the file rather than an entry in a manifest: checking it needs no second file, and it
also covers files that no manifest lists.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import orjson
import xxhash

from pipelines.io import files

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

WORK = "_work"  # the folder of an output that holds all sealed files
NOTES = "damaged"  # the folder in it that holds notes about damaged files
SEAL = b"\nxxh3 %s\n"
SEAL_BYTES = len(SEAL % (b"0" * 16))
BLOCK_BYTES = 1 << 20


class DamagedFile(files.DamagedError):
    """A sealed file has changed since it was written, or is missing."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(path, problem)
        self.path, self.problem = path, problem

    def __str__(self) -> str:
        return f"{self.path} {self.problem}"


@contextmanager
def write(path: str) -> Iterator[BinaryIO]:
    """Write a file that is either complete and sealed, or absent."""
    with files.atomic_write(path) as f:
        sealing = Hashing(f)
        yield cast(BinaryIO, sealing)
        f.write(SEAL % sealing.hasher.hexdigest().encode())


def open_read(path: str) -> BinaryIO:
    """Open a sealed file after checking its digest.

    Raises:
        DamagedFile: the file is damaged or missing; a note is written to the work folder.
    """
    try:
        stream = files.open_read(path)
        size = stream.seek(0, io.SEEK_END) - SEAL_BYTES
        stream.seek(0)
        hasher, left = xxhash.xxh3_64(), max(size, 0)
        while left and (block := stream.read(min(BLOCK_BYTES, left))):
            hasher.update(block)
            left -= len(block)
        seal = stream.read()
    except Exception as e:  # some object stores raise their own errors, and only on the first read
        if files.exists(path):
            raise e if isinstance(e, OSError) else OSError(f"{path}: {files.reason(e)}") from e
        raise damaged(path, "is missing") from None
    if size < 0 or seal != SEAL % hasher.hexdigest().encode():
        stream.close()
        raise damaged(path, "has changed since it was written: its digest differs")
    stream.seek(0)
    return cast(BinaryIO, _Content(stream, size))


def write_json(path: str, value: object) -> None:
    """Write a small sealed JSON file."""
    with write(path) as f:
        f.write(orjson.dumps(value, option=orjson.OPT_INDENT_2))


def read_json(path: str) -> dict:
    """Read a small sealed JSON file.

    Raises:
        DamagedFile: the file is damaged or missing.
    """
    with open_read(path) as f:
        return orjson.loads(f.read())


def peek_json(path: str) -> dict:
    """Read a small sealed JSON file without checking its digest."""
    return orjson.loads(files.read_bytes(path)[:-SEAL_BYTES])


def noted(work: str) -> dict[str, str]:
    """Return the damaged files noted in a work folder, as a mapping of paths to problems."""
    problems: dict[str, str] = {}
    for note in files.within(files.join(work, NOTES), "*.json"):
        with suppress(ValueError, KeyError):
            described = files.read_json(note.path)
            problems[files.join(work, *described["path"])] = described["problem"]
    return problems


def delete_notes(work: str) -> None:
    """Delete the notes about damaged files."""
    files.delete([note.path for note in files.within(files.join(work, NOTES), "*")])


def damaged(path: str, problem: str) -> DamagedFile:
    """Note a damaged file in the work folder, because a cluster returns only the text of an error; return the error."""
    output, in_work, below = path.rpartition(f"/{WORK}/")
    if in_work:
        folder = files.join(output, WORK, NOTES)
        files.make_folder(folder)
        name = f"{xxhash.xxh3_64_hexdigest(path.encode())}.json"
        files.write_json(files.join(folder, name), {"path": below.split("/"), "problem": problem})
    return DamagedFile(path, problem)


class Hashing(io.RawIOBase):
    """Passes on and hashes what is written; ``hasher`` may be replaced between writes."""

    def __init__(self, stream: BinaryIO, hasher: Any = None) -> None:
        super().__init__()
        self._stream, self.hasher, self._at = stream, hasher or xxhash.xxh3_64(), 0

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, data: ReadableBuffer) -> int:
        """Write and hash bytes."""
        view = memoryview(data).cast("B")
        self.hasher.update(view)
        self._stream.write(view)
        self._at += len(view)
        return len(view)

    def tell(self) -> int:
        """Return the number of bytes written."""
        return self._at


class _Content(io.RawIOBase):
    """The bytes of a sealed file before its seal."""

    def __init__(self, stream: BinaryIO, size: int) -> None:
        super().__init__()
        self._stream, self._size = stream, size

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._stream.tell(), io.SEEK_END: self._size}[whence]
        return self._stream.seek(start + offset)

    def tell(self) -> int:
        return self._stream.tell()

    def read(self, size: int | None = -1) -> bytes:
        left = max(self._size - self._stream.tell(), 0)
        return self._stream.read(left if size is None or size < 0 else min(size, left))

    def readall(self) -> bytes:
        return self.read()

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        data = self.read(len(view))
        view[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._stream.close()
        super().close()
