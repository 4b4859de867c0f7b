"""Rows of Parquet and Arrow files as documents, reading only the needed columns and a bounded number of bytes."""

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
MAX_PADDED = 64  # bytes of the magic and the zeros after it, as arrow-rs writes them
BUFFER_BYTES = 1 << 20  # read at a time from a column; without a buffer, Arrow reads the whole row group
ID_BYTES = 1 << 16  # of a value that is too large, from which the id of its broken record is computed
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
    """Yield the rows of an Arrow file, or of an Arrow stream, such as ``datasets.save_to_disk`` writes.

    A file is a stream with a footer that lists its batches, and is read as a stream.
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
    """Return the position of the first message: in a file, after the magic, padded to a multiple of 8 or 64 bytes."""
    head = stream.read(MAX_PADDED + 4)
    if not head.startswith(MAGIC):
        return 0
    return next((at for at in range(8, MAX_PADDED + 1, 8) if any(head[at : at + 4])), 8)


def _problems(messages: Messages, file: InputFile) -> Iterator[Dropped]:
    """Yield a broken record for each message that was skipped."""
    for problem in messages.problems:
        yield broken(file, problem)
    messages.problems.clear()


_BYTES = {pa.string(): pa.binary(), pa.large_string(): pa.large_binary()}


def _checked(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Validate the columns of a batch, because reading a damaged column can crash the process.

    Raises:
        pa.ArrowInvalid: a column is damaged. Text that is not UTF-8 passes and is rejected with its row.
    """
    for column in batch.columns:
        column.validate()
        for part in column.flatten() if pa.types.is_struct(column.type) else [column]:
            if _has_values(part.type):
                part.view(_BYTES.get(part.type, part.type)).validate(full=True)
    return batch


class _Rows:
    """Turns the rows of a file's batches into documents, and counts the bytes that they take."""

    def __init__(self, file: InputFile) -> None:
        self._file, self._bytes = file, 0

    def of(self, batch: pa.RecordBatch) -> Iterator[Document | Dropped]:
        """Yield the documents of a batch one by one, because decoded values can be far larger than the batch.

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
            record = _row(i, columns, below, self._file)
            if isinstance(record, Document):
                self._bytes += len(record.text) + len(record.html)
            yield record


def _has_values(type_: pa.DataType) -> bool:
    """Return whether a document field can be read from a column of this type: it can not from nested ones."""
    return not pa.types.is_nested(type_)


def _plain(column: pa.Array) -> pa.Array | None:
    """Return a column without its extension type; None if it is nested."""
    column = column.storage if isinstance(column.type, pa.BaseExtensionType) else column
    return column if _has_values(column.type) else None


def _row(i: int, columns: Columns, below: Columns, file: InputFile) -> Document | Dropped:
    """Return the document of a row; leave out values that cannot be read."""
    lost = ""
    row: dict[str, Any] = {}
    metadata: dict[str, Any] = {}
    for values, source in ((row, columns), (metadata, below)):
        for name, column in source.items():
            try:
                values[name] = None if column is None else _value(column[i])
            except _TooLargeValue as e:
                problem = f"a value of {e.value.size:,} bytes; the limit is {MAX_RECORD_BYTES:,}"
                return broken(file, problem, e.value.slice(0, ID_BYTES).to_pybytes())
            except Exception as e:  # a time outside the calendar, an unknown time zone
                lost = f"{name} cannot be read: {e}"
    if lost and not any(isinstance(row.get(name), str | bytes) for name in (file.text, "html")):
        return broken(file, lost)
    return row_document({**row, "metadata": metadata} if metadata else row, file)


class _TooLargeValue(Exception):
    def __init__(self, value: pa.Buffer) -> None:
        super().__init__()
        self.value = value


def _value(scalar: pa.Scalar) -> Any:
    """Return a value; text that is not UTF-8 as bytes."""
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
