"""Rows of Parquet and Arrow files: the columns that documents are made of, a bounded number of bytes at a time."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from curate.document import Document
from curate.input.limits import FREE_ROW_BYTES, MAX_EXPANSION, MAX_RECORD_BYTES, is_bomb
from pipelines.io.arrow_messages import Messages
from pipelines.io.records import Dropped, broken, metadata_columns, row_document, wanted_columns
from pipelines.io.row_groups import TooLarge, read_footer, rows_at_a_time
from pipelines.io.sources import InputFile, Part

MAGIC = b"ARROW1"  # at the start of an Arrow file, with two zeros, and at its end
MAX_PADDED = 64  # bytes of the magic and the zeros after it: arrow-rs writes as many
BUFFER_BYTES = 1 << 20  # of a column, read at a time: without a buffer, all of a row group
ID_BYTES = 1 << 16  # of a value that is too large: what its id is made of
Columns = dict[str, pa.Array | None]
DAMAGE = (OSError, ValueError, MemoryError, pa.ArrowException)


def parquet_rows(stream: BinaryIO, part: Part) -> Iterator[Document | Dropped]:
    """Yield the rows of the row groups of a part of a Parquet file."""
    file = part.file
    try:
        footer = read_footer(stream)
        parquet = pq.ParquetFile(stream, buffer_size=BUFFER_BYTES, pre_buffer=False)
        wanted = {*wanted_columns(file), *(f"metadata.{name}" for name in metadata_columns(file))}
        flat = [(i, c.path) for i, c in enumerate(parquet.schema) if c.path in wanted and not c.max_repetition_level]
        numbers, columns = [i for i, _ in flat], [path for _, path in flat]
    except DAMAGE as e:
        if part.start == 0:
            yield broken(file, f"damaged Parquet: {e}")
        return
    count = parquet.metadata.num_row_groups
    rows = _Rows(file)
    for group in range(count):
        if not part.start <= file.size * group // count < part.stop or not parquet.metadata.row_group(group).num_rows:
            continue
        try:
            size = rows_at_a_time(stream, footer, parquet.metadata, group, numbers)
            for batch in parquet.iter_batches(size, row_groups=[group], columns=columns, use_threads=False):
                yield from rows.of(batch)
        except DAMAGE as e:
            lost = parquet.metadata.row_group(group).num_rows
            yield broken(file, f"damaged Parquet row group {group}, of {lost:,} rows: {e}")


def arrow_rows(stream: BinaryIO, part: Part) -> Iterator[Document | Dropped]:
    """Yield the rows of an Arrow file, or of an Arrow stream, which is what ``datasets.save_to_disk`` writes.

    A file is a stream with a footer that says where its batches are, and is read as one.
    """
    file = part.file
    start = _first_message(stream)
    messages: Messages | None = None
    rows = _Rows(file)
    try:
        stream.seek(start)
        schema = pa.ipc.open_stream(io.BufferedReader(Messages(stream))).schema
        wanted = [i for i, name in enumerate(schema.names) if name in {*wanted_columns(file), "metadata"}]
        options = pa.ipc.IpcReadOptions(use_threads=False, included_fields=wanted)
        stream.seek(start)
        messages = Messages(stream, [(schema.field(i).type, not wanted or i in wanted) for i in range(len(schema))])
        for batch in pa.ipc.open_stream(io.BufferedReader(messages), options=options):
            yield from _problems(messages, file)
            yield from rows.of(_checked(batch))
        if start and not (stream.seek(-len(MAGIC), 2) and stream.read() == MAGIC):
            raise ValueError("the file ends without its footer")
    except DAMAGE as e:
        if messages:
            yield from _problems(messages, file)
        yield broken(file, f"damaged Arrow: {e}")
    else:
        yield from _problems(messages, file)


def _first_message(stream: BinaryIO) -> int:
    """Return where the first message is: in a file after its magic and zeros, up to a multiple of 8 or of 64 bytes."""
    head = stream.read(MAX_PADDED + 4)
    if not head.startswith(MAGIC):
        return 0
    return next((at for at in range(8, MAX_PADDED + 1, 8) if any(head[at : at + 4])), 8)


def _problems(messages: Messages, file: InputFile) -> Iterator[Dropped]:
    """Yield the messages that were passed over."""
    for problem in messages.problems:
        yield broken(file, problem)
    messages.problems.clear()


_BYTES = {pa.string(): pa.binary(), pa.large_string(): pa.large_binary()}


def _checked(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return a batch whose columns are sound, those of values: reading a damaged one ends the process.

    Raises:
        pa.ArrowInvalid: one is damaged. Text that is no UTF-8 is not: it costs its row.
    """
    for column in batch.columns:
        column.validate()
        for part in column.flatten() if pa.types.is_struct(column.type) else [column]:
            if _has_values(part.type):
                part.view(_BYTES.get(part.type, part.type)).validate(full=True)
    return batch


class _Rows:
    """The rows of a file's batches, and how many bytes they have taken."""

    def __init__(self, file: InputFile) -> None:
        self._file, self._bytes = file, 0

    def of(self, batch: pa.RecordBatch) -> Iterator[Document | Dropped]:
        """Yield the documents of a batch, a row at a time: decoded, its values can be far larger than in the batch.

        Raises:
            TooLarge: the rows of the file take far more bytes than the file.
        """
        columns = {n: _plain(c) for n, c in zip(batch.schema.names, batch.columns, strict=True) if n != "metadata"}
        below = {}
        if "metadata" in batch.schema.names:
            metadata = batch.column("metadata")
            if pa.types.is_struct(metadata.type):
                names = [metadata.type.field(i).name for i in range(metadata.type.num_fields)]
                below = {
                    n: _plain(pc.struct_field(metadata, n)) for n in metadata_columns(self._file) if names.count(n) == 1
                }
        for i in range(batch.num_rows):
            if is_bomb(self._bytes, self._file.size, FREE_ROW_BYTES):
                raise TooLarge(f"its rows have more than {MAX_EXPANSION:,} times the bytes of the file")
            found = _row(i, columns, below, self._file)
            if isinstance(found, Document):
                self._bytes += len(found.text) + len(found.html)
            yield found


def _has_values(type_: pa.DataType) -> bool:
    """Say whether a field can be read from a column of a type: not from lists and the like."""
    return not pa.types.is_nested(type_)


def _plain(column: pa.Array) -> pa.Array | None:
    """Return the values of a column, None where it has none that a field is made of."""
    column = column.storage if isinstance(column.type, pa.BaseExtensionType) else column
    return column if _has_values(column.type) else None


def _row(i: int, columns: Columns, below: Columns, file: InputFile) -> Document | Dropped:
    """Return the document of a row; a value that cannot be read costs that value."""
    lost = ""
    found: tuple[dict[str, Any], dict[str, Any]] = {}, {}
    for values, source in zip(found, (columns, below), strict=True):
        for name, column in source.items():
            try:
                values[name] = None if column is None else _value(column[i])
            except _TooLargeValue as e:
                problem = f"a value of {e.value.size:,} bytes; the limit is {MAX_RECORD_BYTES:,}"
                return broken(file, problem, e.value.slice(0, ID_BYTES).to_pybytes())
            except Exception as e:  # a time beyond the calendar, a zone that nobody knows
                lost = f"{name} cannot be read: {e}"
    row, metadata = found
    if lost and not any(isinstance(row.get(name), str | bytes) for name in (file.text, "html")):
        return broken(file, lost)
    return row_document({**row, "metadata": metadata} if metadata else row, file)


class _TooLargeValue(Exception):
    def __init__(self, value: pa.Buffer) -> None:
        super().__init__()
        self.value = value


def _value(scalar: pa.Scalar) -> Any:
    """Return a value; text that is no UTF-8 as bytes."""
    if isinstance(scalar, pa.DictionaryScalar | pa.RunEndEncodedScalar):
        scalar = scalar.value
        if scalar is None:
            return None
    if isinstance(scalar, pa.BinaryScalar | pa.LargeBinaryScalar):
        data = scalar.as_buffer()
        if data is None:
            return None
        if data.size > MAX_RECORD_BYTES:
            raise _TooLargeValue(data)
        if isinstance(scalar, pa.StringScalar | pa.LargeStringScalar):
            try:
                return str(data, "utf-8")
            except UnicodeDecodeError:
                pass
        return data.to_pybytes()
    return scalar.as_py()
