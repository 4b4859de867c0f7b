"""Files that are read in pieces over a network, each by one request."""

from __future__ import annotations

import io
from abc import abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

FIRST_READ, LARGEST_READ = 1 << 20, 8 << 20  # bytes per request: more and more, if a file is read from start to end


class RangedReader(io.RawIOBase):
    """A file that is read in pieces, each by one request; a small one as a whole, and only once."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path, self._at, self._size = path, 0, -1
        self._start, self._block = 0, b""  # the piece that is kept, and where it begins
        self._step = FIRST_READ

    @abstractmethod
    def request(self, start: int, size: int) -> tuple[int, bytes, int]:
        """Read a piece.

        Args:
            start: first byte.
            size: number of bytes; the file may end before.

        Returns:
            The first byte of what was read, the bytes, and the size of the file.
        """

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the position."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move the position; the size of the file comes with its first piece."""
        if whence == io.SEEK_END and self._size < 0:
            self._fetch(0, FIRST_READ)
        self._at = max(offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence], 0)
        return self._at

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Read some bytes."""
        view = memoryview(buffer).cast("B")
        end = self._start + len(self._block)
        if not self._start <= self._at < end:
            if 0 <= self._size <= self._at or not len(view):
                return 0
            self._step = min(2 * self._step, LARGEST_READ) if self._at == end and end else FIRST_READ
            if 0 <= self._size <= LARGEST_READ:
                self._fetch(0, self._size)
            else:
                self._fetch(self._at, max(self._step, len(view)))
        piece = self._block[self._at - self._start :][: len(view)]
        view[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)

    def _fetch(self, start: int, size: int) -> None:
        self._start, self._block, self._size = self.request(start, size)
