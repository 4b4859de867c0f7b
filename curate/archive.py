"""The bytes of an archive file, uncompressed: plain, gzip or Zstandard, one member per record or one for all.

The bytes form one long stream with a mark where each compressed member begins. Damage ends the stream; `resume` finds
the next member behind it that starts a record.

>>> import gzip, io
>>> archive = Archive(io.BytesIO(gzip.compress(b"WARC/1.0 one") + gzip.compress(b"WARC/1.0 two")), "x.warc.gz")
>>> archive.have(24), archive.read(0, 24), archive.offset(11), archive.offset(12), archive.have(25), archive.damage
(True, b'WARC/1.0 oneWARC/1.0 two', 0, 32, False, '')
"""

from __future__ import annotations

import re
import struct
import zlib
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import BinaryIO

READ_BYTES = 1 << 16
PIECE_BYTES = 1 << 20  # what one call to a decompressor may give
START_BYTES = 512  # as much of a member as is looked at to see whether a record starts there
CHAIN_BYTES = 1 << 18  # of members in a row that prove the first; ours: four times the 64 KiB of `first_member`
MAX_WINDOW = 1 << 27  # bytes of history a Zstandard frame may ask for: what its command line tool accepts

GZIP = b"\x1f\x8b\x08"
ZSTD = b"\x28\xb5\x2f\xfd"
SKIPPABLE = re.compile(rb"[\x50-\x5f]\x2a\x4d\x18", re.DOTALL)
DICTIONARY = (
    b"\x5d\x2a\x4d\x18"  # a skippable frame that holds the dictionary (iipc.github.io/warc-specifications, zstd)
)

# The first line of a record. ARC 1 is URL, IP, date, media type, length; ARC 2 has five more before the length
# (archive.org/web/researcher/ArcFileFormat.php). The first address and date of a line decide ("(?>"): with each of them
# to try, a line of many would take a time that grows with its square.
RECORD_START = re.compile(
    rb"WARC/\d\.\d+[ \t]*\r?\n"
    rb"|[A-Za-z][A-Za-z0-9+.-]*+:(?>[^\r\n]*? (?:\d{1,3}\.){3}\d{1,3} \d{8,14} )(?:[^\r\n]* )?\d++[ \t]*\r?\n"
)


class Archive:
    """The uncompressed bytes of a file by position, read as they are asked for.

    Args:
        stream: the file; must be able to seek.
        name: of the file; where the file starts with damage, its ending says what kind it is.
        start: offset in the file of the first member to read.

    ``damage`` is why the bytes end where they do: empty at the end of the file, else "truncated" or
    "damaged_compression", with ``detail`` for people.
    """

    def __init__(self, stream: BinaryIO, name: str = "", start: int = 0) -> None:
        self._stream = stream
        self._name = name.lower()
        self._kind = ""
        self._dictionary: bytes | None = None
        self._data = bytearray()
        self._base = 0  # position of the first byte that is kept
        self._marks: list[tuple[int, int]] = []  # position and file offset of each member that is kept
        self.damage = self.detail = ""
        self._go_to(start)

    def _go_to(self, offset: int) -> None:
        self._stream.seek(offset)
        self._raw, self._raw_offset = b"", offset
        self._decoder: _Plain | _Gzip | _Zstd | None = None
        self._done = False

    @property
    def end(self) -> int:
        """Position behind the last byte read so far."""
        return self._base + len(self._data)

    def have(self, position: int) -> bool:
        """Read on until all bytes before ``position`` are there; False where the bytes end before."""
        while self.end < position:
            if not self._fill():
                return False
        return True

    def read(self, start: int, stop: int) -> bytes:
        """Return the bytes from ``start`` to ``stop`` as far as they were read and not dropped."""
        with memoryview(self._data) as view:
            return bytes(view[max(start - self._base, 0) : max(stop - self._base, 0)])

    def find(self, pattern: re.Pattern[bytes], start: int, stop: int) -> int | None:
        """Return where a pattern first matches between two positions, of those read."""
        found = pattern.search(self._data, start - self._base, max(stop - self._base, 0))
        return found.start() + self._base if found else None

    def match(self, pattern: re.Pattern[bytes], position: int) -> re.Match[bytes] | None:
        """Match a pattern at a position."""
        return pattern.match(self._data, position - self._base)

    def drop(self, position: int) -> None:
        """Forget all bytes before ``position``, those not read yet among them."""
        while self.end < position:
            self._drop_read(self.end)
            if not self._fill():
                return
        self._drop_read(position)

    def _drop_read(self, position: int) -> None:
        del self._data[: position - self._base]
        self._base = position
        keep = bisect_right(self._marks, (position, 1 << 62)) - 1
        del self._marks[: max(keep, 0)]

    def offset(self, position: int) -> int:
        """Return the offset in the file of the member that holds the byte at ``position``, or of the byte if plain."""
        mark = self._marks[bisect_right(self._marks, (position, 1 << 62)) - 1]
        return mark[1] + (position - mark[0] if self._kind == "plain" else 0)

    def members(self, start: int, stop: int) -> Iterator[int]:
        """Yield the positions behind ``start`` and before ``stop`` at which members begin, of those read."""
        first = bisect_right(self._marks, (start, 1 << 62))
        for place in range(first, bisect_left(self._marks, (stop, 0))):
            yield self._marks[place][0]

    @property
    def damage_offset(self) -> int:
        """Return the offset in the file of the member that is damaged."""
        return self._marks[-1][1] if self._decoder else self._raw_offset

    def resume(self) -> int | None:
        """Find the next member, behind damage, that starts a record; return its position, or None if there is none."""
        if not self.damage or self._kind == "plain":
            return None
        found = _next_member(self._stream, self.damage_offset + 1, self._kind, self._dictionary)
        if found is None:
            return None
        self._drop_read(self.end)
        self._marks.clear()
        self.damage = self.detail = ""
        self._go_to(found)
        return self.end

    def _fill(self) -> bool:
        """Read a piece more; False at the end."""
        if self._done:
            return False
        if self._decoder is None and not self._open_member():
            self._done = True
            return False
        assert self._decoder is not None
        if not self._raw:
            self._raw = self._stream.read(READ_BYTES)
            if not self._raw:
                self._done = True
                if self._kind != "plain":
                    self.damage, self.detail = "truncated", "the file ends inside a compressed member"
                return False
        size = len(self._raw)
        piece, self._raw, problem = self._decoder.decode(self._raw)
        self._raw_offset += size - len(self._raw)
        self._data += piece
        if problem:
            self._done = True
            self.damage, self.detail = "damaged_compression", problem
            return bool(piece)
        if self._decoder.ended:
            self._decoder = None
        return True

    def _open_member(self) -> bool:
        """Start the decoder of the next member; False at the end of the file and where no member follows."""
        while True:
            while self._skip_zeros():
                pass
            self._need(8)
            if not self._raw:
                return False
            if self._raw.startswith(GZIP[:2]):
                kind = "gzip"
            elif self._raw.startswith(ZSTD):
                kind = "zstd"
            elif SKIPPABLE.match(self._raw) and len(self._raw) == 8:
                self._skip_frame()
                continue
            elif len(self._raw) < 4 and self._kind in ("gzip", "zstd"):
                self.damage, self.detail = "truncated", "the file ends where a compressed member starts"
                return False
            elif self._kind == "plain" or (not self._kind and self._looks_plain()):
                kind = "plain"
            else:
                self._kind = self._kind or ("zstd" if self._name.endswith(".zst") else "gzip")
                self.damage, self.detail = "damaged_compression", "no member starts where one should"
                return False
            self._kind = kind
            break
        self._marks.append((self.end, self._raw_offset))
        self._decoder = _Gzip() if kind == "gzip" else _Zstd(self._dictionary) if kind == "zstd" else _Plain()
        return True

    def _looks_plain(self) -> bool:
        return not self._name.endswith((".gz", ".zst")) or bool(RECORD_START.match(self._need(START_BYTES)))

    def _need(self, size: int) -> bytes:
        while len(self._raw) < size:
            more = self._stream.read(max(size - len(self._raw), 1))
            if not more:
                break
            self._raw += more
        return self._raw

    def _skip_zeros(self) -> bool:
        """Pass over padding between members; True if there may be more."""
        if not self._kind or not self._need(1).startswith(b"\0"):
            return False
        size = len(self._raw)
        self._raw = self._raw.lstrip(b"\0")
        self._raw_offset += size - len(self._raw)
        return not self._raw

    def _skip_frame(self) -> None:
        (size,) = struct.unpack("<I", self._raw[4:8])
        if self._raw.startswith(DICTIONARY):
            content = self._need(8 + min(size, MAX_WINDOW))[8 : 8 + size]
            if content.startswith(ZSTD):
                content = _Zstd(None).decode(content)[0]
            self._dictionary = content
        self._kind = "zstd"
        self._go_to(self._raw_offset + 8 + size)


class _Plain:
    ended = False

    def decode(self, raw: bytes) -> tuple[bytes, bytes, str]:
        return raw, b"", ""


class _Gzip:
    """One gzip member. ``decode`` returns what came out, what was not used, and what is wrong."""

    def __init__(self) -> None:
        self._decoder = zlib.decompressobj(31)

    @property
    def ended(self) -> bool:
        return self._decoder.eof

    def decode(self, raw: bytes) -> tuple[bytes, bytes, str]:
        before = self._decoder.copy()
        try:
            piece = self._decoder.decompress(raw, PIECE_BYTES)
        except zlib.error as e:
            return _until_error(before, raw), raw, str(e)
        return piece, self._decoder.unused_data or self._decoder.unconsumed_tail, ""


def _until_error(decoder: zlib._Decompress, raw: bytes) -> bytes:
    """Return what can be decoded before the error: a call that fails returns none of it."""
    out = bytearray()
    try:
        for i in range(len(raw)):
            out += decoder.decompress(raw[i : i + 1])
    except zlib.error:
        pass
    return bytes(out)


class _Zstd:
    """One Zstandard frame, fed in small bites: four bytes can stand for 128 KiB, and a call gives all at once."""

    BITE = 256

    def __init__(self, dictionary: bytes | None) -> None:
        import zstandard

        self._unusable = ""  # what is wrong with the dictionary
        try:
            known = zstandard.ZstdCompressionDict(dictionary) if dictionary else None
            self._decoder = zstandard.ZstdDecompressor(known, max_window_size=MAX_WINDOW).decompressobj()
        except zstandard.ZstdError as e:
            self._unusable = f"damaged dictionary: {e}"
            self._decoder = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW).decompressobj()
        self._error = zstandard.ZstdError

    @property
    def ended(self) -> bool:
        return self._decoder.eof

    def decode(self, raw: bytes) -> tuple[bytes, bytes, str]:
        if self._unusable:
            return b"", raw, self._unusable
        out, at = bytearray(), 0
        try:
            while at < len(raw) and len(out) < PIECE_BYTES and not self._decoder.eof:
                out += self._decoder.decompress(raw[at : at + self.BITE])
                at += self.BITE
        except self._error as e:
            return bytes(out), raw[at:], str(e)
        return bytes(out), self._decoder.unused_data + raw[at:], ""


def _next_member(
    stream: BinaryIO, offset: int, kind: str, dictionary: bytes | None, before: int | None = None
) -> int | None:
    """Return the offset, ``offset`` or more, of the next member whose content starts like a record.

    What starts at ``before`` or behind it need not be found.
    """
    magic = GZIP if kind == "gzip" else ZSTD
    stream.seek(offset)
    window = b""
    while True:
        more = stream.read(1 << 20)
        window += more
        at = window.find(magic)
        while at >= 0 and (len(window) - at >= 4 * START_BYTES or not more):
            decoder = _Gzip() if kind == "gzip" else _Zstd(dictionary)
            if RECORD_START.match(decoder.decode(window[at : at + 4 * START_BYTES])[0].lstrip(b"\r\n")):
                return offset + at
            at = window.find(magic, at + 1)
        if not more or (before is not None and offset >= before):
            return None
        keep = at if at >= 0 else max(len(window) - len(magic) + 1, 0)
        offset += keep
        window = window[keep:]


def first_member(stream: BinaryIO, offset: int, before: int | None = None) -> int:
    """Return where the first gzip member at ``offset`` or behind it starts, or the file's size if there is none.

    With ``before`` the size may be returned, too, where there is none that starts before it: a file of one large member
    is not searched to its end for every range.

    Three bytes that look like a member are not enough, nor is one that looks like a record: a page can be an archive
    itself. A member counts if others follow it without a gap, each with the right checksum and each the start of a
    record, for 256 KiB or up to the end of the file. In a page, compressed data would be cut at least every 64 KiB by
    the header of a stored block (RFC 1951, section 3.2.4). So a false start is practically impossible, and a true one
    that is missed does no harm: the reader of the range before it misses it as well.

    >>> import gzip, io
    >>> one = gzip.compress(b"WARC/1.0\\r\\n")
    >>> first_member(io.BytesIO(one + one), 1) == len(one)
    True
    """
    size = stream.seek(0, 2)
    if offset <= 0:
        return 0
    while True:
        found = _next_member(stream, offset, "gzip", None, before)
        if found is None or (before is not None and found >= before):
            return size
        if _chain(stream, found):
            return found
        offset = found + 1


def _chain(stream: BinaryIO, offset: int) -> bool:
    """Say whether whole members, each the start of a record, follow each other from ``offset`` on for long enough."""
    stream.seek(offset)
    raw, taken = b"", 0
    while taken < CHAIN_BYTES:
        decoder, head = _Gzip(), b""
        while not decoder.ended:
            raw = raw or stream.read(READ_BYTES)
            if not raw:
                return False
            size = len(raw)
            piece, raw, problem = decoder.decode(raw)
            if problem:
                return False
            taken += size - len(raw)
            head += piece[: START_BYTES - len(head)]
        if not RECORD_START.match(head.lstrip(b"\r\n")):
            return False
        raw = raw or stream.read(READ_BYTES)
        if not raw:
            return True
    return True
