"""A ``PCollection`` of documents as the tables that a recipe writes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import apache_beam as beam
import pyarrow as pa
from apache_beam.transforms.display import DisplayDataItem

from curate.document import Document
from curate.filters.pii import PiiConfig
from curate.text.hashing import stable_u64
from pipelines.io import files
from pipelines.io.columns import column_array, column_type, kinds_of, merge_kinds, plain_value
from pipelines.io.privacy import Privacy
from pipelines.io.shards import LARGE_COLUMNS, ORDER, ROWS_PER_SHARD, shard_of_id
from pipelines.io.sorted_rows import SortedRows
from pipelines.io.tables import DOCUMENTS, REJECTED, TOKENS, parquet_writer, with_columns
from pipelines.recipe.model import Output
from pipelines.transforms import Rejected

Row = dict[str, Any]
TOKEN_ROWS = TOKENS.append(pa.field("key", pa.uint64()))
SCHEMAS = {"documents": DOCUMENTS, "tokens": TOKEN_ROWS, "rejected": REJECTED}


class WriteCorpus(beam.PTransform):
    """Write ``documents/``, ``tokens/`` if documents have tokens, and ``rejected/``, as Parquet.

    The files are those of a recipe that keeps the same documents: the same rows in the same order, cut into shards by a
    hash of the id. Texts are shuffled once.

    Args:
        output: folder for the tables.
        settings: sizes of shards and the seed of the order of tokens, as a recipe has them.
        privacy: what is replaced in URLs, titles, details and excerpts; texts are written as they are.

    Returns:
        The path of each file that was written.
    """

    def __init__(self, output: str, settings: Output | None = None, privacy: PiiConfig | None = None) -> None:
        super().__init__()
        self.output, self.settings, self.privacy = output, settings or Output(), Privacy(privacy)

    def expand(self, documents: beam.PCollection[Document]) -> beam.PCollection[str]:
        """Write a table after the other."""
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
        """Show the folder."""
        return {"output": DisplayDataItem(self.output, label="Output")}


class _WriteTable(beam.PTransform):
    def __init__(self, output: str, table: str, size_per_shard: int) -> None:
        super().__init__()
        self.output, self.table, self.size_per_shard = output, table, size_per_shard

    def expand(self, rows: beam.PCollection[Row]) -> beam.PCollection[str]:
        table = self.table
        size = rows | "Size" >> beam.Map(_size, table) | "Total" >> beam.CombineGlobally(sum)
        columns = rows | "Columns" >> beam.Map(_kinds)
        kinds = beam.pvalue.AsSingleton(columns | "Kinds" >> beam.CombineGlobally(merge_kinds))
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
            | "Write" >> beam.Map(_write, self.output, table, shards, kinds)
        )


def _kinds(row: Row) -> dict[str, str]:
    return kinds_of(row.get("extra", {}))


def _document_row(d: Document, privacy: Privacy) -> Row:
    shown = {
        "token_count": 0 if d.tokens is None else len(d.tokens),
        "url": privacy.url(d.url),
        "title": privacy.text(d.title),
    }
    row = {name: shown[name] if name in shown else getattr(d, name) for name in DOCUMENTS.names}
    return row | {"extra": {name: plain_value(value) for name, value in d.extra.items()}}


def _token_rows(d: Document, seed: int) -> Iterator[Row]:
    for copy in range(d.copies if d.tokens is not None and len(d.tokens) else 0):
        key = stable_u64(f"{d.id}/{copy}", f"shuffle-{seed}")
        values = (d.tokens, d.id, copy, d.language, d.domain, key)
        yield dict(zip(TOKEN_ROWS.names, values, strict=True))


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
        return row["key"] * shards >> 64, row
    return shard_of_id(row["id"], max(shards, 1)), row


def _each(table: str, shards: int) -> Iterator[tuple[int, None]]:
    """Yield a number for each shard: one without rows is a file too, but a table of tokens without any is none."""
    for number in range(shards if table == "tokens" else max(shards, 1)):
        yield number, None


def _write(of_shard: tuple[int, Iterable[Row | None]], output: str, table: str, shards: int, kinds: dict) -> str:
    number, rows = of_shard
    own = [pa.field(name, column_type(kind)) for name, kind in kinds.items()]
    schema = with_columns(SCHEMAS[table], own if table != "tokens" else [])
    made = _table([row for row in rows if row is not None], schema, kinds)
    large = [name for name in LARGE_COLUMNS if name in schema.names]
    ordered = SortedRows([made], schema, ORDER[table], large)
    files.make_folder(files.join(output, table))
    path = files.join(output, table, f"part-{number:05d}-of-{max(shards, 1):05d}.parquet")
    written = TOKENS if table == "tokens" else schema
    with files.atomic_write(path) as f, parquet_writer(f, written) as writer:
        for group in ordered.groups(written.names):
            writer.write_table(group)
    return path


def _table(rows: Sequence[Row], schema: pa.Schema, kinds: dict[str, str]) -> pa.Table:
    arrays = [
        column_array([row["extra"].get(field.name) for row in rows], kinds[field.name])
        if field.name in kinds and field.name not in SCHEMA_NAMES
        else pa.array([row[field.name] for row in rows], field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


SCHEMA_NAMES = frozenset(name for schema in SCHEMAS.values() for name in schema.names)
