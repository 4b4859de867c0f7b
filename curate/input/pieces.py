"""A stream over bytes that come in pieces.

>>> PieceStream(iter([b"one ", b"two"])).read()
b'one two'
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any


class PieceStream(io.RawIOBase):
    """A stream of what an iterator yields."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._piece, self._at = b"", 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read some of the bytes."""
        while self._at == len(self._piece):
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._piece, self._at = piece, 0
        size = min(len(buffer), len(self._piece) - self._at)
        buffer[:size] = self._piece[self._at : self._at + size]
        self._at += size
        return size
