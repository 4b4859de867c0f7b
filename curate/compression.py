"""Files as they were before gzip, bzip2, xz or Zstandard, by the endings of their names."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zlib
from typing import Any, BinaryIO

import zstandard

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

    Reading raises what is in `DAMAGE`.

    >>> decompressed(io.BytesIO(gzip.compress(b"page")), "pages.GZ").read()
    b'page'
    """
    match path.lower().rpartition(".")[2]:
        case "gz":
            return gzip.GzipFile(fileobj=stream)  # type: ignore[return-value]
        case "bz2":
            return bz2.BZ2File(stream)  # type: ignore[return-value]
        case "xz":
            return lzma.LZMAFile(stream)  # type: ignore[return-value]
        case "zst":
            return io.BufferedReader(_Zstd(stream), 1 << 20)
    return stream


class _Zstd(io.RawIOBase):
    """Zstandard frames one after the other; the library's own reader takes a file that was cut off for a whole one."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._frame: Any = None
        self._ready = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready:
            rest = self._frame.unused_data if self._frame and self._frame.eof else b""
            data = rest or self._stream.read(1 << 16)
            if not data:
                if self._frame and not self._frame.eof:
                    raise EOFError("the file ends inside a Zstandard frame")
                return 0
            if self._frame is None or self._frame.eof:
                self._frame = zstandard.ZstdDecompressor(max_window_size=2**31).decompressobj()
            self._ready = self._frame.decompress(data)
        size = min(len(buffer), len(self._ready))
        buffer[:size], self._ready = self._ready[:size], self._ready[size:]
        return size
