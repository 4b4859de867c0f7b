"""Decoders of one member of a compressed file, which take it in bites, so that time and memory stay bounded.

Each has ``decode(raw, at)``, which takes bytes from position ``at`` on and returns a piece of output, the position of
the first byte that was not used, and what is wrong ("" for nothing); ``ended``; and ``pending``, which is true if the
bytes already used hold more output.

>>> import gzip
>>> member = gzip.compress(b"page")
>>> decoder = Gzip()
>>> decoder.decode(member + b"next", 0) == (b"page", len(member), ""), decoder.ended
(True, True)
"""

from __future__ import annotations

import bz2
import lzma
import zlib
from typing import Any

import zstandard

from curate.input.limits import MAX_WINDOW

PIECE_BYTES = 1 << 20  # output of one call, about
BITES = 1 << 14, 1 << 16  # the first and the largest: bytes after a member are copied with its last bite
ZSTD_BITE = 256  # four bytes can unpack to 128 KiB (a block of one repeated byte), and a call gives all at once


class Plain:
    """Bytes as they are."""

    ended = pending = False

    def decode(self, raw: bytes, at: int) -> tuple[bytes, int, str]:
        """Return the rest of the bytes."""
        return raw[at:] if at else raw, len(raw), ""


class Gzip:
    """One gzip member."""

    pending = False

    def __init__(self) -> None:
        self._decoder = zlib.decompressobj(31)
        self._bite, largest = BITES
        self._largest = largest
        self._begun = False

    @property
    def ended(self) -> bool:
        """Whether the member is complete and its checksum correct."""
        return self._decoder.eof

    def decode(self, raw: bytes, at: int) -> tuple[bytes, int, str]:
        """Decode one bite."""
        bite = raw[at : at + self._bite]
        self._bite = min(2 * self._bite, self._largest)
        before = self._decoder.copy() if self._begun else None
        self._begun = True
        try:
            piece = self._decoder.decompress(bite, PIECE_BYTES)
        except zlib.error as e:
            return _until_error(before or zlib.decompressobj(31), bite), at, str(e)
        rest = self._decoder.unused_data or self._decoder.unconsumed_tail
        return piece, at + len(bite) - len(rest), ""


def _until_error(decoder: zlib._Decompress, bite: bytes) -> bytes:
    """Return what can be decoded before the error: a failed call returns none of it."""
    out = bytearray()
    try:
        for i in range(len(bite)):
            out += decoder.decompress(bite[i : i + 1])
    except zlib.error:
        pass
    return bytes(out)


class Bzip2OrXz:
    """One stream of bzip2 or xz.

    Args:
        decoder: a `bz2.BZ2Decompressor` or a `lzma.LZMADecompressor`.
    """

    def __init__(self, decoder: bz2.BZ2Decompressor | lzma.LZMADecompressor) -> None:
        self._decoder = decoder
        self._bite, self._largest = BITES
        self._full = False  # whether the last piece had the largest size allowed

    @property
    def ended(self) -> bool:
        """Whether the stream is complete and its checksums correct."""
        return self._decoder.eof

    @property
    def pending(self) -> bool:
        """Whether the bytes already used hold more output."""
        return not self._decoder.eof and (self._full or not self._decoder.needs_input)

    def decode(self, raw: bytes, at: int) -> tuple[bytes, int, str]:
        """Decode one bite, or the rest of the one before."""
        bite = b"" if self.pending else raw[at : at + self._bite]
        self._bite = min(2 * self._bite, self._largest)
        try:
            piece = self._decoder.decompress(bite, PIECE_BYTES)
        except (OSError, lzma.LZMAError) as e:
            return b"", at, str(e)
        self._full = len(piece) == PIECE_BYTES
        return piece, at + len(bite) - len(self._decoder.unused_data), ""


class Zstd:
    """One Zstandard frame.

    Args:
        decompressor: from `zstd_decompressor`; it decodes one frame at a time.
        bite: bytes decoded before the size of the output is checked.
    """

    pending = False

    def __init__(self, decompressor: zstandard.ZstdDecompressor, bite: int = ZSTD_BITE) -> None:
        self._decoder: Any = decompressor.decompressobj()
        self._bite = bite

    @property
    def ended(self) -> bool:
        """Whether the frame is complete."""
        return self._decoder.eof

    def decode(self, raw: bytes, at: int, enough: int = PIECE_BYTES) -> tuple[bytes, int, str]:
        """Decode bites until there are ``enough`` bytes of output."""
        decoder, bite, out = self._decoder, self._bite, bytearray()
        try:
            while at < len(raw) and len(out) < enough and not decoder.eof:
                out += decoder.decompress(raw[at : at + bite])
                at = min(at + bite, len(raw))
        except zstandard.ZstdError as e:
            return bytes(out), at, str(e)
        return bytes(out), at - len(decoder.unused_data), ""


def zstd_decompressor(dictionary: bytes = b"", window: int = MAX_WINDOW) -> zstandard.ZstdDecompressor:
    """Return a decompressor for frames with a dictionary, none by default, and a window of up to so many bytes.

    Raises:
        zstandard.ZstdError: the dictionary is damaged.
    """
    known = zstandard.ZstdCompressionDict(dictionary) if dictionary else None
    return zstandard.ZstdDecompressor(known, max_window_size=window)
