"""The messages of an Arrow stream, passed on to Arrow unless they claim too much.

A compressed buffer says how many bytes it unpacks to, and Arrow makes room for as many
(arrow.apache.org/docs/format/Columnar.html, "Serialization and Interprocess Communication"). The little that is looked
at is read from the Flatbuffers of a message by hand (flatbuffers.dev/internals).
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from typing import Any, BinaryIO

from curate.limits import too_many_rows

#: Bytes that a record batch or a dictionary may take, packed and unpacked. curate's own value: `datasets` writes 1,000
#: rows a batch, which leaves 256 KiB for each.
MAX_BATCH_BYTES = 256 << 20
MAX_HEAD_BYTES = 16 << 20  # of a message: its schema, or where its buffers are
PIECE_BYTES = 1 << 20
CONTINUES = b"\xff\xff\xff\xff"
DICTIONARY_BATCH, RECORD_BATCH = 2, 3  # union MessageHeader in Message.fbs


class Messages(io.RawIOBase):
    """The bytes of an Arrow stream, without the messages that claim too much; `problems` says which those were.

    Args:
        stream: the file, at the first message; must be able to seek.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        at = stream.tell()
        self._size = stream.seek(0, 2)
        stream.seek(at)
        self._pieces = self._messages()
        self._piece, self._at = b"", 0
        self._dictionaries: dict[int, int] = {}  # bytes of each, with what was added to it
        self.problems: list[str] = []

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

    def _messages(self) -> Iterator[bytes]:
        while prefix := self._stream.read(4):
            if prefix == CONTINUES:
                prefix += self._stream.read(4)
            size = int.from_bytes(prefix[-4:], "little")
            if not size or len(prefix) < 4:
                yield prefix
                return
            if size > MAX_HEAD_BYTES:
                raise ValueError(f"a message header of {size:,} bytes; the limit is {MAX_HEAD_BYTES:,}")
            head = self._stream.read(size)
            body = self._stream.tell()
            try:
                length, claimed = self._look(head, body)
            except (struct.error, IndexError) as e:
                raise ValueError(f"a message header is damaged: {e}") from None
            if claimed:
                self.problems.append(claimed)
                self._stream.seek(min(body + length, self._size))
                continue
            self._stream.seek(body)
            yield prefix + head
            while length > 0 and (piece := self._stream.read(min(length, PIECE_BYTES))):
                length -= len(piece)
                yield piece

    def _look(self, head: bytes, body: int) -> tuple[int, str]:
        """Return how many bytes follow the head of a message, and what it claims where that is too much."""
        message = _Table(head, _Table.root(head))
        kind, length = message.number(1, "<B"), message.number(3, "<q")
        if length < 0:
            raise IndexError("less than no bytes")
        if kind not in (DICTIONARY_BATCH, RECORD_BATCH):
            return length, "" if length <= MAX_BATCH_BYTES else f"a message of {length:,} bytes"
        batch = message.table(2)
        number, added = batch.number(0, "<q"), kind == DICTIONARY_BATCH and batch.number(2, "<B")
        if kind == DICTIONARY_BATCH:
            batch = batch.table(1)
        rows, room = batch.number(0, "<q"), length
        if batch.has(3) and length <= MAX_BATCH_BYTES:  # compressed
            for offset, size in batch.pairs(2):
                if size > 0 and 0 <= offset <= length:
                    self._stream.seek(body + offset)
                    room += max(int.from_bytes(self._stream.read(8), "little", signed=True), 0)
        if kind == DICTIONARY_BATCH:
            room += self._dictionaries.get(number, 0) if added else 0
            self._dictionaries[number] = min(room, MAX_BATCH_BYTES)
        if room > MAX_BATCH_BYTES:
            return length, f"a record batch of {rows:,} rows and {room:,} bytes; the limit is {MAX_BATCH_BYTES:,}"
        if too_many_rows(rows, len(head) + length):
            return length, f"a record batch of {rows:,} rows in {len(head) + length:,} bytes"
        return length, ""


class _Table:
    """A table of Flatbuffers: fields by their number, where they are there."""

    def __init__(self, data: bytes, at: int) -> None:
        self._data, self._at = data, at
        self._fields = at - struct.unpack_from("<i", data, at)[0]
        self._size = struct.unpack_from("<H", data, self._inside(self._fields))[0]

    @staticmethod
    def root(data: bytes) -> int:
        """Return where the root table is."""
        return struct.unpack_from("<I", data, 0)[0]

    def _inside(self, at: int) -> int:
        if not 0 <= at < len(self._data):
            raise IndexError("it points outside")
        return at

    def _place(self, field: int) -> int:
        entry = 4 + 2 * field
        if entry + 2 > self._size:
            return 0
        offset = struct.unpack_from("<H", self._data, self._fields + entry)[0]
        return self._inside(self._at + offset) if offset else 0

    def has(self, field: int) -> bool:
        """Say whether a field is there."""
        return bool(self._place(field))

    def number(self, field: int, form: str) -> int:
        """Return a number in a form of `struct`, 0 where it is not there."""
        place = self._place(field)
        return struct.unpack_from(form, self._data, place)[0] if place else 0

    def _pointed(self, field: int) -> int:
        place = self._place(field)
        if not place:
            raise IndexError(f"field {field} is missing")
        return self._inside(place + struct.unpack_from("<I", self._data, place)[0])

    def table(self, field: int) -> _Table:
        """Return a table that is a field."""
        return _Table(self._data, self._pointed(field))

    def pairs(self, field: int) -> Iterator[tuple[int, int]]:
        """Yield the pairs of 64-bit numbers of a vector."""
        at = self._pointed(field)
        count = struct.unpack_from("<I", self._data, at)[0]
        if at + 4 + 16 * count > len(self._data):
            raise IndexError("a vector ends outside")
        yield from struct.iter_unpack("<qq", self._data[at + 4 : at + 4 + 16 * count])
