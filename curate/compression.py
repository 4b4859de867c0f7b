"""Files as they were before gzip, bzip2, xz or Zstandard, by the endings of their names."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO

import zstandard

from curate.decoders import PIECE_BYTES, Zstd, zstd_decompressor
from curate.limits import MAX_WINDOW

READ_BYTES = 1 << 16
LONGEST_WINDOW = 1 << 31  # that Zstandard has (--long=31)
XZ_STATE = 1 << 20  # beside the dictionary; liblzma takes some 60 KiB

#: Endings of the files that `decompressed` uncompresses.
COMPRESSED = (".gz", ".bz2", ".xz", ".zst")
#: What reading them raises: EOFError where the file was cut off, the others where it is damaged.
DAMAGE = (EOFError, OSError, zlib.error, lzma.LZMAError, zstandard.ZstdError)


def split_compression(path: str) -> tuple[str, str]:
    """Return a file's name in small letters without the ending of its compression, and that ending.

    >>> split_compression("crawl/Pages.jsonl.GZ"), split_compression("pages.jsonl")
    (('pages.jsonl', '.gz'), ('pages.jsonl', ''))
    """
    name = path.lower().rpartition("/")[2]
    compression = next((ending for ending in COMPRESSED if name.endswith(ending)), "")
    return name.removesuffix(compression), compression


def decompressed(stream: BinaryIO, path: str) -> BinaryIO:
    """Return the bytes of a file with one of the endings in `COMPRESSED` uncompressed, of another file as they are.

    Reading raises what is in `DAMAGE`. It takes a bounded memory, and ``read`` unpacks no more than it was asked for,
    about.

    >>> decompressed(io.BytesIO(gzip.compress(b"page")), "pages.GZ").read()
    b'page'
    """
    match path.lower().rpartition(".")[2]:
        case "gz":
            return gzip.GzipFile(fileobj=stream)  # type: ignore[return-value]
        case "bz2":
            return bz2.BZ2File(stream)  # type: ignore[return-value]
        case "xz":
            return io.BufferedReader(_Unpacked(_xz_pieces(stream)), PIECE_BYTES)
        case "zst":
            return io.BufferedReader(_Unpacked(_zstd_pieces(stream)), PIECE_BYTES)
    return stream


class _Unpacked(io.RawIOBase):
    """What is unpacked piece by piece, as a stream of bytes."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._piece, self._at = b"", 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while self._at == len(self._piece):
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._piece, self._at = piece, 0
        size = min(len(buffer), len(self._piece) - self._at)
        buffer[:size] = self._piece[self._at : self._at + size]
        self._at += size
        return size


def _memory(stream: BinaryIO) -> int:
    """Return how many bytes a decoder may take: what data can need that was compressed with a larger window.

    A file with a window of 2 GiB (`zstd --long=31`) has more bytes than that, unless its window is a lie.
    """
    at = stream.tell()
    size = stream.seek(0, 2)
    stream.seek(at)
    return min(max(size, MAX_WINDOW), LONGEST_WINDOW)


def _zstd_pieces(stream: BinaryIO) -> Iterator[bytes]:
    """Unpack Zstandard frames one after the other; the library's own reader takes one that was cut off for a whole."""
    memory = _memory(stream)
    decompressor = zstd_decompressor(window=memory)
    frame: Zstd | None = None
    while raw := stream.read(READ_BYTES):
        at = 0
        while at < len(raw):
            frame = Zstd(decompressor) if frame is None or frame.ended else frame
            piece, at, problem = frame.decode(raw, at)
            yield piece
            if "too much memory" in problem:
                problem = f"it was compressed with a window of more than {memory:,} bytes: compress it without --long"
            if problem:
                raise zstandard.ZstdError(problem)
    if frame and not frame.ended:
        raise EOFError("the file ends inside a Zstandard frame")


def _xz_pieces(stream: BinaryIO) -> Iterator[bytes]:
    """Unpack xz streams one after the other; as in `lzma`, what follows them and is none is passed over."""
    memory = _memory(stream) + XZ_STATE
    raw, first = stream.read(READ_BYTES), True
    while raw or first:
        decoder = lzma.LZMADecompressor(memlimit=memory)
        try:
            yield decoder.decompress(raw, PIECE_BYTES)
        except lzma.LZMAError as e:
            if "Memory usage" in str(e):
                raise lzma.LZMAError(
                    f"it takes more than {memory:,} bytes to read: compress it with -9 or less"
                ) from None
            if first:
                raise
            return
        while not decoder.eof:
            raw = stream.read(READ_BYTES) if decoder.needs_input else b""
            if not raw and decoder.needs_input:
                raise EOFError("the file ends inside an xz stream")
            yield decoder.decompress(raw, PIECE_BYTES)
        raw, first = decoder.unused_data or stream.read(READ_BYTES), False
