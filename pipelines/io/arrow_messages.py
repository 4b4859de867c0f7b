"""The messages of an Arrow stream, passed on to Arrow unless they claim too much memory.

A compressed buffer states its uncompressed size, and Arrow allocates that much
(arrow.apache.org/docs/format/Columnar.html, "Serialization and Interprocess Communication"). The few fields needed to
check this are read from the Flatbuffers of a message by hand (flatbuffers.dev/internals).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import BinaryIO

import pyarrow as pa

from curate.input.limits import too_many_rows
from curate.input.pieces import PieceStream

#: Uncompressed bytes that the columns to read of a record batch, or a dictionary, may take: as many as the pages of a
#: Parquet row group. MAX_HELD_BYTES also counts what Arrow holds meanwhile: compressed buffers and other columns.
#: curate's own values: writers put 65,536 rows in a batch, which leaves 5 KiB for each.
MAX_BATCH_BYTES = 352 << 20
MAX_HELD_BYTES = 2 * MAX_BATCH_BYTES
MAX_BUFFERS = 1 << 20  # as many as a message header can hold
MAX_HEAD_BYTES = 16 << 20  # of a message header: a schema, or the positions of buffers
PIECE_BYTES = 1 << 20
CONTINUES = b"\xff\xff\xff\xff"
DICTIONARY_BATCH, RECORD_BATCH = 2, 3  # union MessageHeader in Message.fbs
VERSION_5 = 4  # enum MetadataVersion in Schema.fbs: in earlier versions, unions had one more buffer
WRITE = "write it with fewer rows a batch (chunksize of write_feather, max_chunksize of write_table)"


class Messages(PieceStream):
    """The bytes of an Arrow stream, without the messages that claim too much; ``problems`` describes those.

    Args:
        stream: a seekable file, at its first message.
        columns: for each column of the schema, its type and whether it is read; if empty, all are read.
    """

    def __init__(self, stream: BinaryIO, columns: Sequence[tuple[pa.DataType, bool]] = ()) -> None:
        super().__init__(self._messages())
        self._columns = columns
        self._stream = stream
        at = stream.tell()
        self._size = stream.seek(0, 2)
        stream.seek(at)
        self._dictionaries: dict[int, int] = {}  # bytes of each, including deltas
        self.problems: list[str] = []

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
        """Return how many bytes follow the header of a message, and a problem if it claims too much."""
        message = _Table(head, _Table.root(head))
        header, length = message.number(1, "<B"), message.number(3, "<q")
        if length < 0:
            raise IndexError("less than no bytes")
        if header not in (DICTIONARY_BATCH, RECORD_BATCH):
            return length, "" if length <= MAX_HELD_BYTES else f"a message of {length:,} bytes"
        batch = message.table(2)
        number, is_delta = batch.number(0, "<q"), header == DICTIONARY_BATCH and batch.number(2, "<B")
        if header == DICTIONARY_BATCH:
            batch = batch.table(1)
        rows, room, held = batch.number(0, "<q"), 0, length
        if length <= MAX_HELD_BYTES:
            read = self._buffers_read(message, batch) if header == RECORD_BATCH else []
            for i, (offset, size) in enumerate(batch.pairs(2)):
                if size <= 0 or not 0 <= offset <= length or (read and not read[i]):
                    continue
                unpacked = -1
                if batch.has(3):  # compressed
                    self._stream.seek(body + offset)
                    unpacked = int.from_bytes(self._stream.read(8), "little", signed=True)
                room += unpacked if unpacked >= 0 else size
                held += max(unpacked, 0)
        if header == DICTIONARY_BATCH:
            room += self._dictionaries.get(number, 0) if is_delta else 0
            self._dictionaries[number] = min(room, MAX_BATCH_BYTES)
        for taken, limit in ((room, MAX_BATCH_BYTES), (held, MAX_HELD_BYTES)):
            if taken > limit:
                return length, f"a record batch of {rows:,} rows and {taken:,} bytes; the limit is {limit:,}: {WRITE}"
        if too_many_rows(rows, len(head) + length):
            return length, f"a record batch of {rows:,} rows in {len(head) + length:,} bytes"
        return length, ""

    def _buffers_read(self, message: _Table, batch: _Table) -> list[bool]:
        """Return, for each buffer of a record batch, whether its column is read; an empty list if that is unclear."""
        variadic, read = batch.numbers(4) if batch.has(4) else [], []
        for type_, is_read in self._columns:
            read += [is_read] * _count_buffers(type_, variadic)
        clear = message.number(0, "<h") == VERSION_5 and not variadic and len(read) == sum(1 for _ in batch.pairs(2))
        return read if clear else []


def _count_buffers(type_: pa.DataType, variadic: list[int]) -> int:
    """Return how many buffers a column has in a message; views take their variable number from ``variadic``."""
    if isinstance(type_, pa.BaseExtensionType):
        return _count_buffers(type_.storage_type, variadic)
    if pa.types.is_null(type_):
        return 0
    if pa.types.is_run_end_encoded(type_):
        return _count_buffers(type_.run_end_type, variadic) + _count_buffers(type_.value_type, variadic)
    if pa.types.is_string_view(type_) or pa.types.is_binary_view(type_):
        return 2 + min(max(variadic.pop(0) if variadic else 0, 0), MAX_BUFFERS)
    count = type_.num_buffers - pa.types.is_union(type_)  # Arrow counts a bitmap that unions no longer have
    if pa.types.is_nested(type_):
        count += sum(_count_buffers(type_.field(i).type, variadic) for i in range(type_.num_fields))
    return count


class _Table:
    """A table of Flatbuffers, whose fields are read by number."""

    def __init__(self, data: bytes, at: int) -> None:
        self._data, self._at = data, at
        self._fields = at - struct.unpack_from("<i", data, at)[0]
        self._size = struct.unpack_from("<H", data, self._inside(self._fields))[0]

    @staticmethod
    def root(data: bytes) -> int:
        """Return the position of the root table."""
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
        """Return whether a field is present."""
        return bool(self._place(field))

    def number(self, field: int, form: str) -> int:
        """Return a number in a format of `struct`; 0 if the field is absent."""
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

    def numbers(self, field: int) -> list[int]:
        """Return the 64-bit numbers of a vector."""
        at = self._pointed(field)
        count = struct.unpack_from("<I", self._data, at)[0]
        if at + 4 + 8 * count > len(self._data):
            raise IndexError("a vector ends outside")
        return list(struct.unpack_from(f"<{count}q", self._data, at + 4))

    def pairs(self, field: int) -> Iterator[tuple[int, int]]:
        """Yield the pairs of 64-bit numbers of a vector."""
        at = self._pointed(field)
        count = struct.unpack_from("<I", self._data, at)[0]
        if at + 4 + 16 * count > len(self._data):
            raise IndexError("a vector ends outside")
        yield from struct.iter_unpack("<qq", self._data[at + 4 : at + 4 + 16 * count])
