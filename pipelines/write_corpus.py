"""Writing a ``PCollection`` of documents as the tables that a recipe writes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import apache_beam as beam
import pyarrow as pa
from apache_beam.transforms.display import DisplayDataItem

from curate.document import Document
from curate.filters.pii import PiiConfig
from pipelines.io import files
from pipelines.io.columns import column_array, column_type, merge_types, plain_value, types_of
from pipelines.io.privacy import Privacy
from pipelines.io.shards import (
    LARGE_COLUMNS,
    ORDER,
    ROWS_PER_SHARD,
    TOKEN_RUN,
    shard_of_id,
    shard_of_tokens,
    token_rows,
)
from pipelines.io.sorted_rows import SortedRows
from pipelines.io.tables import DOCUMENTS, REJECTED, TOKENS, parquet_writer, with_columns
from pipelines.recipe.model import Output
from pipelines.transforms import Rejected

Row = dict[str, Any]
SCHEMAS = {"documents": DOCUMENTS, "tokens": TOKEN_RUN, "rejected": REJECTED}
#: Columns that are not user-defined.
SCHEMA_NAMES = frozenset(name for schema in SCHEMAS.values() for name in schema.names)


class WriteCorpus(beam.PTransform):
    """Write ``documents/``, ``tokens/`` if documents have tokens, and ``rejected/``, as Parquet.

    The files are the same as those of a recipe that keeps the same documents: the same rows in the same order, split
    into shards by ranges of ids. Texts are shuffled once.

    Args:
        output: folder for the tables.
        settings: sizes of shards and the shuffle seed of tokens, as in a recipe.
        privacy: what to replace in URLs, titles, details and excerpts; texts are not changed.

    Returns:
        The path of each file that was written.
    """

    def __init__(self, output: str, settings: Output | None = None, privacy: PiiConfig | None = None) -> None:
        super().__init__()
        self.output, self.settings, self.privacy = output, settings or Output(), Privacy(privacy)

    def expand(self, documents: beam.PCollection[Document]) -> beam.PCollection[str]:
        """Write each table."""
        rows: dict[str, Any] = {
            "documents": documents | "Documents" >> beam.Map(_document_row, self.privacy),
            "tokens": documents | "Tokens" >> beam.FlatMap(_token_rows, self.settings.shuffle_seed),
        }
        sizes = {"documents": self.settings.bytes_per_shard, "tokens": self.settings.tokens_per_shard}
        if (rejected := getattr(documents, "rejected", None)) is not None:
            rows["rejected"] = rejected | "Rejected" >> beam.Map(_rejected_row, self.privacy)
            sizes["rejected"] = ROWS_PER_SHARD
        written = [
            collection | f"Write {table}" >> _WriteTable(self.output, table, sizes[table])
            for table, collection in rows.items()
        ]
        return written | "Written" >> beam.Flatten()

    def display_data(self) -> dict[str, Any]:
        """Show the output folder."""
        return {"output": DisplayDataItem(self.output, label="Output")}


class _WriteTable(beam.PTransform):
    def __init__(self, output: str, table: str, size_per_shard: int) -> None:
        super().__init__()
        self.output, self.table, self.size_per_shard = output, table, size_per_shard

    def expand(self, rows: beam.PCollection[Row]) -> beam.PCollection[str]:
        table = self.table
        size = rows | "Size" >> beam.Map(_size, table) | "Total" >> beam.CombineGlobally(sum)
        columns = rows | "Columns" >> beam.Map(_types)
        types = beam.pvalue.AsSingleton(columns | "Types" >> beam.CombineGlobally(merge_types))
        shards = beam.pvalue.AsSingleton(size | "Shards" >> beam.Map(lambda n: -(-n // self.size_per_shard)))
        numbered = rows | "Number" >> beam.Map(_numbered, table, shards).with_output_types(tuple[int, Any])
        empty = (
            rows.pipeline
            | "Any" >> beam.Create([table])
            | "Each" >> beam.FlatMap(_each, shards).with_output_types(tuple[int, Any])
        )
        return (
            (numbered, empty)
            | beam.Flatten()
            | "Group" >> beam.GroupByKey()
            | "Write" >> beam.Map(_write, self.output, table, shards, types)
        )


def _types(row: Row) -> dict[str, str]:
    return types_of(row.get("extra", {}))


def _document_row(d: Document, privacy: Privacy) -> Row:
    shown = {
        "token_count": 0 if d.tokens is None else len(d.tokens),
        "url": privacy.url(d.url),
        "title": privacy.text(d.title),
    }
    row = {name: shown[name] if name in shown else getattr(d, name) for name in DOCUMENTS.names}
    return row | {"extra": {name: plain_value(value) for name, value in d.extra.items()}}


def _token_rows(d: Document, seed: int) -> Iterator[Row]:
    for row in token_rows(d, seed):
        yield dict(zip(TOKEN_RUN.names, row, strict=True))


def _rejected_row(rejected: Rejected, privacy: Privacy) -> Row:
    d, why = rejected.document, rejected.rejection
    values = (d.id, privacy.url(d.url), d.date, d.source, d.language, rejected.step, why.rule, why.value, why.limit)
    row = dict(zip(REJECTED.names, (*values, privacy.detail(why.detail), privacy.excerpt(d.text)), strict=True))
    return row | {"extra": {name: plain_value(value) for name, value in d.extra.items()}}


def _size(row: Row, table: str) -> int:
    if table == "documents":
        return len(row["text"].encode("utf-8", "replace"))
    return len(row["input_ids"]) if table == "tokens" else 1


def _numbered(row: Row, table: str, shards: int) -> tuple[int, Row]:
    if table == "tokens":
        return shard_of_tokens(row["key"], shards), row
    return shard_of_id(row["id"], max(shards, 1)), row


def _each(table: str, shards: int) -> Iterator[tuple[int, None]]:
    """Yield the number of each shard: a shard without rows is written too, unless the table of tokens is empty."""
    for number in range(shards if table == "tokens" else max(shards, 1)):
        yield number, None


def _write(of_shard: tuple[int, Iterable[Row | None]], output: str, table: str, shards: int, types: dict) -> str:
    number, rows = of_shard
    columns = [pa.field(name, column_type(type_name)) for name, type_name in types.items()]
    schema = with_columns(SCHEMAS[table], columns if table != "tokens" else [])
    unsorted = _table([row for row in rows if row is not None], schema, types)
    large = [name for name in LARGE_COLUMNS if name in schema.names]
    ordered = SortedRows([unsorted], schema, ORDER[table], large)
    files.make_folder(files.join(output, table))
    path = files.join(output, table, f"part-{number:05d}-of-{max(shards, 1):05d}.parquet")
    written = TOKENS if table == "tokens" else schema
    with files.atomic_write(path) as f, parquet_writer(f, written) as writer:
        for group in ordered.groups(written.names):
            writer.write_table(group)
    return path


def _table(rows: Sequence[Row], schema: pa.Schema, types: dict[str, str]) -> pa.Table:
    arrays = [
        column_array([row["extra"].get(field.name) for row in rows], types[field.name])
        if field.name in types and field.name not in SCHEMA_NAMES
        else pa.array([row[field.name] for row in rows], field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(arrays, schema=schema)
