"""The tables of a run: their schemas, and a writer that leaves either a complete Parquet file or none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from sys import getsizeof
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from curate.filters.signals import signal_names
from pipelines.io import sealed

#: What a run writes into its output folder, besides `_work`: folders of tables, and reports.
TABLES = ("documents", "tokens", "megatron", "rejected", "signals")
REPORTS = ("report.json", "report.html", "inputs.json", "manifest.json")

FLUSH_ROWS = 4096
#: Bytes of rows that a writer holds before it writes them, and so roughly the most that a row group takes when it is
#: read. curate's own value: two records of the largest size, and a fiftieth of what a process may take.
FLUSH_BYTES = 16_000_000

NUMBER_BYTES = 32  # of a number in a row that is held: a Python float or int, and the reference to it

READ_BYTES = 1 << 18  # read at a time from a column; without a buffer, Arrow reads the whole row group

#: Shares of languages in a text, the largest first.
LANGUAGES = pa.list_(pa.struct([("language", pa.string()), ("share", pa.float64())]))

#: The small fields of the documents that are left, one row each; ``*_row`` is the row in the file of a large field, or
#: -1 if the document has none.
STATE = pa.schema(
    [
        ("id", pa.string()),
        ("url", pa.string()),
        ("date", pa.string()),
        ("source", pa.string()),
        ("charset", pa.string()),
        ("canonical", pa.string()),
        ("title", pa.string()),
        ("language", pa.string()),
        ("language_score", pa.float64()),
        ("languages", LANGUAGES),
        ("domain", pa.string()),
        ("quality", pa.float64()),
        ("spam_score", pa.float64()),
        ("listing_score", pa.float64()),
        ("cluster", pa.string()),
        ("cluster_size", pa.int64()),
        ("copies", pa.int64()),
        ("text_format", pa.string()),
        ("page_type", pa.string()),
        ("text_confidence", pa.float64()),
        ("page_features", pa.list_(pa.float32())),
        ("extra", pa.binary()),
        ("text_bytes", pa.int64()),
        ("token_count", pa.int64()),
        ("html_row", pa.int64()),
        ("text_row", pa.int64()),
        ("tokens_row", pa.int64()),
    ]
)

#: The columns of ``STATE`` that are fields of a document.
FACTS = STATE.names[: STATE.names.index("page_features")]

#: The large fields, each in a separate file, written only by a pass that changes it.
LARGE = {
    "html": pa.schema([("html", pa.large_binary())]),
    "text": pa.schema([("text", pa.large_string())]),
    "tokens": pa.schema([("tokens", pa.large_list(pa.int32()))]),
}

REJECTED = pa.schema(
    [
        ("id", pa.string()),
        ("url", pa.string()),
        ("date", pa.string()),
        ("source", pa.string()),
        ("language", pa.string()),
        ("step", pa.string()),
        ("rule", pa.string()),
        ("value", pa.float64()),
        ("limit", pa.float64()),
        ("detail", pa.string()),
        ("excerpt", pa.string()),
    ]
)

#: Rejections in `_work`, with user-defined columns as JSON: their types are known only in the last pass.
REJECTED_IN_WORK = REJECTED.append(pa.field("extra", pa.binary()))

DOCUMENTS = pa.schema(
    [
        ("id", pa.string()),
        ("text", pa.large_string()),
        ("url", pa.string()),
        ("date", pa.string()),
        ("source", pa.string()),
        ("title", pa.string()),
        ("language", pa.string()),
        ("language_score", pa.float64()),
        ("languages", LANGUAGES),
        ("domain", pa.string()),
        ("quality", pa.float64()),
        ("spam_score", pa.float64()),
        ("listing_score", pa.float64()),
        ("cluster", pa.string()),
        ("cluster_size", pa.int64()),
        ("page_type", pa.string()),
        ("text_confidence", pa.float64()),
        ("token_count", pa.int64()),
        ("copies", pa.int64()),
    ]
)

TOKENS = pa.schema(
    [
        ("input_ids", pa.large_list(pa.int32())),
        ("id", pa.string()),
        ("copy", pa.int64()),
        ("language", pa.string()),
        ("domain", pa.string()),
    ]
)


def with_columns(schema: pa.Schema, columns: Sequence[pa.Field]) -> pa.Schema:
    """Return a schema with user-defined columns appended."""
    return pa.schema([*schema, *columns])


def signals_schema(measures: Sequence[str] = ()) -> pa.Schema:
    """Return the schema of stored signals: the document, then a column per signal, those of reference filters last."""
    who = [("id", pa.string()), ("step", pa.string()), ("source", pa.string()), ("language", pa.string())]
    measured = [(name, pa.float64()) for name in signal_names(measures)]
    return pa.schema([*who, ("text_bytes", pa.int64()), *measured])


#: Columns with dictionaries, because their values repeat. Dictionaries for all columns, Parquet's default, make no file
#: smaller, and the signals of 3,000 pages two times slower to write and three times slower to read.
REPEATED = ("source", "language", "domain", "step", "rule", "charset", "label", "group")


#: Compression of the files in `_work`, which are written once and read once or twice: less time than zstd, more bytes.
WORK_COMPRESSION = "lz4"


def parquet_writer(stream: BinaryIO, schema: pa.Schema, compression: str = "zstd") -> pq.ParquetWriter:
    """Return a Parquet writer with the settings that all tables share."""
    repeated = [name for name in schema.names if name in REPEATED]
    return pq.ParquetWriter(stream, schema, compression=compression, use_dictionary=repeated)


class TableWriter(AbstractContextManager["TableWriter"]):
    """Appends rows to a sealed Parquet file, which appears when the block ends without an error."""

    def __init__(self, path: str, schema: pa.Schema) -> None:
        self.schema, self.rows = schema, 0
        self._held: list[Sequence[Any]] = []
        self._bytes = 0
        self._varying = [i for i, field in enumerate(schema) if not pa.types.is_primitive(field.type)]
        self._fixed_bytes = NUMBER_BYTES * (len(schema) - len(self._varying))
        self._atomic = sealed.write(path)

    def __enter__(self) -> TableWriter:
        self._file: BinaryIO = self._atomic.__enter__()
        self._parquet = parquet_writer(self._file, self.schema, WORK_COMPRESSION)
        return self

    def append(self, row: Sequence[Any]) -> int:
        """Add a row, with values in the order of the schema; return its number."""
        self._held.append(row)
        self._bytes += self._fixed_bytes + sum([getsizeof(row[i]) for i in self._varying])
        self.rows += 1
        if len(self._held) >= FLUSH_ROWS or self._bytes >= FLUSH_BYTES:
            self._flush()
        return self.rows - 1

    def _flush(self) -> None:
        if self._held:
            columns = zip(*self._held, strict=True)
            arrays = [_array(column, field.type) for column, field in zip(columns, self.schema, strict=True)]
            self._parquet.write_table(pa.Table.from_arrays(arrays, schema=self.schema))
            self._held, self._bytes = [], 0

    def __exit__(self, error_type: Any, error: Any, traceback: Any) -> None:
        try:
            if error_type is None:
                self._flush()
            self._parquet.close()
        except BaseException as e:
            self._atomic.__exit__(type(e), e, e.__traceback__)
            raise
        self._atomic.__exit__(error_type, error, traceback)


def _array(values: Sequence[Any], type_: pa.DataType) -> pa.Array:
    try:
        return pa.array(values, type=type_)
    except UnicodeEncodeError:  # a lone surrogate, which UTF-8 cannot hold
        return pa.array([v.encode("utf-8", "replace").decode() if v else v for v in values], type=type_)


def read_table(path: str, columns: Sequence[str] | None = None) -> pa.Table:
    """Read a small sealed table as a whole."""
    with sealed.open_read(path) as f:
        return pq.read_table(f, columns=columns)


def iter_rows(path: str, batch: int = 1024, columns: Sequence[str] | None = None) -> Iterator[dict[str, Any]]:
    """Yield the rows of a sealed table one by one, with one batch in memory at a time."""
    with sealed.open_read(path) as f:
        for chunk in _batches(f, batch, columns):
            yield from chunk.to_pylist()


def _batches(stream: BinaryIO, rows: int, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
    """Yield batches of at most ``rows`` rows that do not span row groups, each of which has a bounded size."""
    table = pq.ParquetFile(stream, buffer_size=READ_BYTES, pre_buffer=False)
    for group in range(table.num_row_groups):
        yield from table.iter_batches(rows, row_groups=[group], columns=columns, use_threads=False)


class LargeColumn:
    """Reads one large field by ascending row number, with one batch in memory at a time."""

    def __init__(self, path: str, name: str) -> None:
        self._stream = sealed.open_read(path)
        self._name = name
        self._batches = _batches(self._stream, 256, [name])
        self._first, self._values = 0, pa.array([], type=LARGE[name].field(0).type)

    def __getitem__(self, row: int) -> Any:
        while row >= self._first + len(self._values):
            self._first += len(self._values)
            self._values = next(self._batches).column(0)
        value = self._values[row - self._first]
        if self._name == "tokens":
            return value.values.to_numpy()
        return value.as_py()
