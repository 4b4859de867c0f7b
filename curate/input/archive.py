"""The uncompressed bytes of an archive file: plain, gzip or Zstandard, with one member per record or one for all.

The bytes form one long stream with a mark where each compressed member begins. Damage ends the stream; `resume` finds
the next member after the damage that starts a record.

>>> import gzip, io
>>> archive = Archive(io.BytesIO(gzip.compress(b"WARC/1.0 one") + gzip.compress(b"WARC/1.0 two")), "x.warc.gz")
>>> archive.have(24), archive.read(0, 24), archive.offset(11), archive.offset(12), archive.have(25), archive.damage
(True, b'WARC/1.0 oneWARC/1.0 two', 0, 32, False, '')
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import BinaryIO

import zstandard

from curate.input.decoders import Gzip, Plain, Zstd, zstd_decompressor
from curate.input.limits import FREE_BYTES, MAX_EXPANSION, is_bomb, too_many_rows
from curate.input.members import (
    DICTIONARY,
    GZIP,
    READ_BYTES,
    RECORD_START,
    START_BYTES,
    ZSTD,
    next_member,
    read_dictionary,
)

BOMBS = 16  # per file that are skipped; curate's own value: they take a minute at most
SKIPPABLE = re.compile(rb"[\x50-\x5f]\x2a\x4d\x18", re.DOTALL)


class _Marks:
    """Where members begin, by position in the uncompressed bytes: 16 bytes for each, because members can be tiny."""

    def __init__(self) -> None:
        self._positions, self._offsets = array("q"), array("q")
        self._first = 0  # earlier marks are dropped

    def __len__(self) -> int:
        return len(self._positions) - self._first

    def add(self, position: int, offset: int) -> None:
        """Mark a member, and drop the mark of an empty one before it."""
        if len(self._positions) > self._first and self._positions[-1] == position:
            self._offsets[-1] = offset
        else:
            self._positions.append(position)
            self._offsets.append(offset)

    def at(self, position: int) -> tuple[int, int]:
        """Return position and file offset of the member that contains a position."""
        place = bisect_right(self._positions, position, self._first) - 1
        return self._positions[place], self._offsets[place]

    def between(self, start: int, stop: int) -> Iterator[int]:
        """Yield the positions after ``start`` and before ``stop``."""
        first = bisect_right(self._positions, start, self._first)
        for place in range(first, bisect_left(self._positions, stop, first)):
            yield self._positions[place]

    def forget(self, position: int) -> None:
        """Drop the marks of members that end before a position."""
        self._first = max(bisect_right(self._positions, position, self._first) - 1, self._first)
        if 2 * self._first > len(self._positions):  # so rarely that each mark moves once on average
            del self._positions[: self._first], self._offsets[: self._first]
            self._first = 0


class Archive:
    """The uncompressed bytes of a file by position, read on demand.

    Args:
        stream: the file; must be seekable.
        name: of the file; its extension decides the compression if the file starts with damage.
        start: offset in the file of the first member to read.

    ``damage`` is why the bytes end where they do: empty at the end of the file, otherwise "truncated" or
    "damaged_compression", with ``detail`` for people.
    """

    def __init__(self, stream: BinaryIO, name: str = "", start: int = 0) -> None:
        self._stream = stream
        self._size = stream.seek(0, 2)
        self._name = name.lower()
        self._kind = ""
        self._dictionary = b""
        self._decompressor = zstd_decompressor()
        self._unusable = ""  # why the dictionary cannot be used
        self._data = bytearray()
        self._base = 0  # position of the first byte kept
        self._marks = _Marks()
        self._first = self._start = start
        self._skipped = self._settled = 0
        self.damage = self.detail = ""
        self._go_to(start)

    def _go_to(self, offset: int) -> None:
        self._stream.seek(offset)
        self._raw, self._at, self._raw_end = b"", 0, offset
        self._decoder: Plain | Gzip | Zstd | None = None
        self._done = False

    @property
    def _offset(self) -> int:
        """Offset in the file of the next byte to decode."""
        return self._raw_end - len(self._raw) + self._at

    @property
    def end(self) -> int:
        """Position after the last byte read so far."""
        return self._base + len(self._data)

    def too_many(self, records: int) -> bool:
        """Say whether that many records are too many for the compressed bytes read so far."""
        return self._kind != "plain" and too_many_rows(records, self._offset - self._first)

    def have(self, position: int) -> bool:
        """Read on until all bytes before ``position`` are available; False if the bytes end before that."""
        while self.end < position:
            if not self._fill():
                return False
        return True

    def read(self, start: int, stop: int) -> bytes:
        """Return those bytes from ``start`` to ``stop`` that were read and not dropped."""
        with memoryview(self._data) as view:
            return bytes(view[max(start - self._base, 0) : max(stop - self._base, 0)])

    def find(self, pattern: re.Pattern[bytes], start: int, stop: int) -> int | None:
        """Return where a pattern first matches between two positions, in the bytes read so far."""
        match = pattern.search(self._data, start - self._base, max(stop - self._base, 0))
        return match.start() + self._base if match else None

    def match(self, pattern: re.Pattern[bytes], position: int) -> re.Match[bytes] | None:
        """Match a pattern at a position."""
        return pattern.match(self._data, position - self._base)

    def drop(self, position: int) -> None:
        """Drop the bytes read so far that are before ``position``."""
        position = min(position, self.end)
        del self._data[: position - self._base]
        self._base = position
        self._marks.forget(position)

    def skip(self, position: int) -> None:
        """Skip all bytes before ``position``, read or not, because they give no record."""
        while True:
            self._skipped += min(position, self.end) - self._base
            self.drop(position)
            if self.end >= position or not self._fill():
                return

    def settle(self) -> None:
        """Stop counting the skipped bytes toward a bomb: the record they belong to is known."""
        self._settled += self._skipped
        self._start, self._skipped = self._offset, 0

    def offset(self, position: int) -> int:
        """Return the file offset of the member that contains the byte at ``position``; of the byte itself if plain."""
        begin, offset = self._marks.at(position)
        return offset + (position - begin if self._kind == "plain" else 0)

    def members(self, start: int, stop: int) -> Iterator[int]:
        """Yield the positions after ``start`` and before ``stop`` at which members read so far begin."""
        return self._marks.between(start, stop)

    def resume(self) -> int | None:
        """Find the next member after the damage that starts a record; return its position, or None if there is none.

        Also return None if all members together unpack to far more than their size without a record.
        """
        if not self.damage or self._kind == "plain":
            return None
        passed = self._settled + self._skipped
        if is_bomb(passed, self._offset - self._first, BOMBS * FREE_BYTES):
            return None
        offset = next_member(self._stream, self._suspect + 1, self._kind, self._dictionary)
        if offset is None:
            return None
        self.drop(self.end)
        self._marks = _Marks()
        self.damage = self.detail = ""
        self._go_to(offset)
        self.settle()
        return self.end

    def _stop(self, damage: str, detail: str, offset: int, suspect: int | None = None) -> bool:
        """End the bytes because of damage in the member at a file offset, or in the one before it; return False."""
        self.damage, self.detail, self.damage_offset = damage, detail, offset
        self._suspect = offset if suspect is None else suspect
        self._done = True
        return False

    def _fill(self) -> bool:
        """Read another piece; False at the end."""
        if self._done:
            return False
        if self._decoder is None and not self._open_member():
            self._done = True
            return False
        assert self._decoder is not None
        if not self._need(1):
            self._done = True
            if self._kind != "plain":
                self._stop("truncated", "the file ends inside a compressed member", self._marks.at(self.end)[1])
            return False
        piece, self._at, problem = self._decoder.decode(self._raw, self._at)
        self._data += piece
        if not problem and is_bomb(self._skipped, self._offset - self._start):
            problem = f"unpacks to more than {MAX_EXPANSION:,} times its size without a record"
        if problem:
            self._stop("damaged_compression", problem, self._marks.at(self.end)[1])
            return bool(piece)
        if self._decoder.ended:
            self._decoder = None
        return True

    def _open_member(self) -> bool:
        """Start the decoder of the next member; False if no member follows."""
        frame: int | None = None  # where the preceding skippable frame starts
        while True:
            while self._skip_zeros():
                pass
            start = self._need(8)
            if not start:
                return False
            if start.startswith(GZIP[:2]):
                kind = "gzip"
            elif start.startswith(ZSTD):
                kind = "zstd"
            elif SKIPPABLE.match(start) and len(start) == 8:
                frame = self._offset
                if not self._skip_frame(start):
                    return False
                continue
            elif len(start) < 4 and self._kind in ("gzip", "zstd"):
                detail = "the file ends where a compressed member starts"
                return self._stop("truncated", detail, self._offset, self._before())
            elif self._kind == "plain" or (not self._kind and self._looks_plain()):
                kind = "plain"
            else:
                self._kind = self._kind or ("zstd" if self._name.endswith(".zst") else "gzip")
                offset = self._offset if frame is None else frame  # the size of the frame may be wrong
                return self._stop("damaged_compression", "no member starts where one should", offset, self._before())
            self._kind = kind
            break
        self._marks.add(self.end, self._offset)
        if kind == "zstd" and self._unusable:
            return self._stop("damaged_compression", self._unusable, self._offset)
        self._decoder = Gzip() if kind == "gzip" else Zstd(self._decompressor) if kind == "zstd" else Plain()
        return True

    def _before(self) -> int | None:
        """Return the offset of the preceding member if its end is in doubt: a damaged Zstandard frame can decode the
        start of the next one as its own end, and most have no checksum."""
        return self._marks.at(self.end)[1] if self._kind == "zstd" and self._marks else None

    def _looks_plain(self) -> bool:
        return not self._name.endswith((".gz", ".zst")) or bool(RECORD_START.match(self._need(START_BYTES)))

    def _need(self, size: int) -> bytes:
        """Return the next bytes of the file, fewer at its end."""
        while len(self._raw) - self._at < size:
            more = self._stream.read(READ_BYTES)
            if not more:
                break
            self._raw, self._at = self._raw[self._at :] + more, 0
            self._raw_end += len(more)
        return self._raw[self._at : self._at + size]

    def _skip_zeros(self) -> bool:
        """Skip padding between members; True if there may be more."""
        if not self._kind or not self._need(1).startswith(b"\0"):
            return False
        self._raw, self._at = self._raw[self._at :].lstrip(b"\0"), 0
        return not self._raw

    def _skip_frame(self, head: bytes) -> bool:
        """Skip a skippable frame; if it is a dictionary, load it for all members that follow."""
        start, stop = self._offset, self._offset + 8 + int.from_bytes(head[4:], "little")
        self._kind = "zstd"
        if stop > self._size:
            return self._stop("truncated", "the file ends inside a skippable frame", start)
        if head.startswith(DICTIONARY):
            self._dictionary, self._unusable = read_dictionary(self._stream, start)
            try:
                self._decompressor = zstd_decompressor(self._dictionary)
            except zstandard.ZstdError as e:
                self._unusable = self._unusable or f"damaged dictionary: {e}"
        self._go_to(stop)
        return True
