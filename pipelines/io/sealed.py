"""Files of `_work`: each ends in a digest of its bytes, which is checked whenever the file is read.

A disk, a network and a person can change a file between the pass that wrote it and the pass that reads it. What was
changed must not become corpus, so a damaged or missing file is reported as `DamagedFile` and noted in the work folder,
where the run finds the note, whichever process or host read the file, and makes the file again.

The digest is a line at the end of the file itself rather than an entry of a manifest: checking it takes no second file
operation, and files that no manifest lists have one too.
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

WORK = "_work"  # the folder of an output in which all sealed files lie
NOTES = "damaged"  # its folder of notes about damaged files
SEAL = b"\nxxh3 %s\n"
SEAL_BYTES = len(SEAL % (b"0" * 16))
BLOCK_BYTES = 1 << 20


class DamagedFile(files.DamagedError):
    """A file of `_work` that is not as it was written: its path, and what is wrong with it."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(path, problem)
        self.path, self.problem = path, problem

    def __str__(self) -> str:
        return f"{self.path} {self.problem}"


@contextmanager
def write(path: str) -> Iterator[BinaryIO]:
    """Write a file that is whole and sealed, or absent."""
    with files.atomic_write(path) as f:
        sealing = Hashing(f)
        yield cast(BinaryIO, sealing)
        f.write(SEAL % sealing.hasher.hexdigest().encode())


def open_read(path: str) -> BinaryIO:
    """Open a sealed file whose bytes are as they were written.

    Raises:
        DamagedFile: they are not, or there is no file; a note of it lies in the work folder.
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
    except Exception as e:  # some object stores raise errors of their own, and only when they read
        if files.exists(path):
            raise e if isinstance(e, OSError) else OSError(f"{path}: {files.reason(e)}") from e
        raise damaged(path, "is missing") from None
    if size < 0 or seal != SEAL % hasher.hexdigest().encode():
        stream.close()
        raise damaged(path, "is not as it was written: its digest differs")
    stream.seek(0)
    return cast(BinaryIO, _Content(stream, size))


def write_json(path: str, value: object) -> None:
    """Write a small sealed JSON file."""
    with write(path) as f:
        f.write(orjson.dumps(value, option=orjson.OPT_INDENT_2))


def read_json(path: str) -> dict:
    """Read a small sealed JSON file.

    Raises:
        DamagedFile: it is not as it was written, or there is none.
    """
    with open_read(path) as f:
        return orjson.loads(f.read())


def peek_json(path: str) -> dict:
    """Read a small sealed JSON file unchecked, to show what is in it."""
    return orjson.loads(files.read_bytes(path)[:-SEAL_BYTES])


def noted(work: str) -> dict[str, str]:
    """Return the damaged files below a work folder that were met since the notes were deleted: path and problem."""
    found: dict[str, str] = {}
    for note in files.within(files.join(work, NOTES), "*.json"):
        with suppress(ValueError, KeyError):
            described = files.read_json(note.path)
            found[files.join(work, *described["path"])] = described["problem"]
    return found


def delete_notes(work: str) -> None:
    """Delete the notes about damaged files."""
    files.delete([note.path for note in files.within(files.join(work, NOTES), "*")])


def damaged(path: str, problem: str) -> DamagedFile:
    """Note a damaged file for the run, and return the error: on a cluster only its words come back."""
    output, in_work, below = path.rpartition(f"/{WORK}/")
    if in_work:
        folder = files.join(output, WORK, NOTES)
        files.make_folder(folder)
        name = f"{xxhash.xxh3_64_hexdigest(path.encode())}.json"
        files.write_json(files.join(folder, name), {"path": below.split("/"), "problem": problem})
    return DamagedFile(path, problem)


class Hashing(io.RawIOBase):
    """Passes on what is written, and hashes it; ``hasher`` may be replaced between two parts."""

    def __init__(self, stream: BinaryIO, hasher: Any = None) -> None:
        super().__init__()
        self._stream, self.hasher, self._at = stream, hasher or xxhash.xxh3_64(), 0

    def writable(self) -> bool:
        """Say that it can be written."""
        return True

    def write(self, data: ReadableBuffer) -> int:
        """Write and hash bytes."""
        view = memoryview(data).cast("B")
        self.hasher.update(view)
        self._stream.write(view)
        self._at += len(view)
        return len(view)

    def tell(self) -> int:
        """Return how many bytes were written."""
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
