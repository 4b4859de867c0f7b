"""Shards: every table of the corpus, split by ranges of ids and sorted within each shard, on any runner.

The last pass writes *sorted runs*: per slice, the rows of each output table sorted by shard, as one Arrow record batch
per shard. The slice's manifest has the place and digest of each batch. (In a Parquet file, finding one row group means
reading the metadata of all.) A shard is then written by one reader, which takes its batch from every run and sorts the
rows. No row passes through the runner's shuffle, and the result does not depend on how the input was split or on the
number of workers.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from sys import getsizeof
from typing import Any, BinaryIO, cast

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import xxhash

from curate.document import Document
from curate.text.hashing import stable_u64
from curate.tokens.megatron import megatron_index
from pipelines.io import files, sealed
from pipelines.io.columns import column_array, column_type, plain_value, unpack_columns
from pipelines.io.formats import WriteRows, output_format
from pipelines.io.privacy import Privacy
from pipelines.io.sorted_rows import SortedRows
from pipelines.io.tables import (
    DOCUMENTS,
    REJECTED,
    TOKENS,
    WORK_COMPRESSION,
    parquet_writer,
    signals_schema,
    with_columns,
)
from pipelines.result.summary import SUMMARIZED, summarize

PART = re.compile(r"part-\d{5,}-of-\d{5,}\.(?:parquet|bin|idx)\b")  # names of the files of a result
SPILL_BYTES = 64_000_000
ROW_BYTES = 1_000  # of a row in memory, without its text or tokens; measured
ROWS_PER_SHARD = 1_000_000  # of rejections and signals
GATHER_ROWS = 250_000  # rows of small tables that are sorted at a time, at most
READ_ROWS = 4096  # rows of small tables that are read at a time: a rejection is longer in `_work` than in the result
#: The columns that the rows of a shard are sorted by; equal ids are the same page read twice.
ORDER = {
    "documents": ("id", "source"),
    "tokens": ("key", "id", "copy", "source"),
    "rejected": ("id", "step", "rule", "detail", "source"),
    "signals": ("id", "step", "source"),
}
LARGE_COLUMNS = ("text", "input_ids")
#: The place of a batch in a run: its first byte, its number of bytes, and their xxh3 digest.
Place = tuple[int, int, str]
Batch = tuple[str, Place]  #: The path of a run, and the place of a batch in it.
#: The columns of a sorted run of tokens: those of the table, and those that only its order depends on.
TOKEN_RUN = pa.schema([*TOKENS, ("key", pa.uint64()), ("source", pa.string())])
TOKEN_KEY = TOKEN_RUN.names.index("key")


@dataclass(frozen=True, slots=True)
class Shards:
    """The number of shards of each output table, and how they are written."""

    documents: int
    tokens: int
    rejected: int
    signals: int
    measures: tuple[str, ...]  # reference filters whose quantities are among the signals
    seed: int
    formats: tuple[str, ...]
    token_type: str  # NumPy type of ids in .bin files; "" without tokens
    privacy: Privacy  # what is scrubbed, other than texts
    columns: Mapping[str, str]  # user-defined columns, and the name of the type of each

    def count(self, table: str) -> int:
        """Return the number of shards of a table."""
        return getattr(self, table)

    def schema(self, table: str) -> pa.Schema:
        """Return the schema of the sorted runs of a table."""
        columns = [pa.field(name, column_type(type_name)) for name, type_name in self.columns.items()]
        known = {
            "documents": with_columns(DOCUMENTS, columns),
            "tokens": TOKEN_RUN,
            "rejected": with_columns(REJECTED, columns),
        }
        return known.get(table) or signals_schema(self.measures)

    def own_formats(self) -> dict[str, WriteRows]:
        """Return the user-defined functions that write documents, by the name of their folder."""
        functions = [function for name in self.formats if (function := output_format(name))]
        return {function.__name__: function for function in functions}


@dataclass(frozen=True, slots=True)
class ShardTask:
    """One shard to write.

    Attributes:
        table: name of the table.
        shard: number of the shard.
        batches: the batches that hold its rows.
    """

    table: str
    shard: int
    batches: tuple[Batch, ...]

    def facts(self, folder: str) -> str:
        """Return the path of the JSON file about the written shard, with ``files`` and ``summary``."""
        return files.join(folder, f"shard-{self.table}-{self.shard:05d}.json")


def shard_count(size: int, size_per_shard: int) -> int:
    """Return the number of shards for a number of bytes, tokens or rows; at least one."""
    return max(1, -(-size // size_per_shard))


def token_key(document_id: str, copy: int, seed: int) -> int:
    """Return the place of a copy of a document in the order of tokens, a number of 64 bits."""
    return stable_u64(f"{document_id}/{copy}", f"shuffle-{seed}")


def token_rows(d: Document, seed: int) -> Iterator[tuple[Any, ...]]:
    """Yield a document's rows of tokens, one per copy, with the columns of `TOKEN_RUN`; none without tokens."""
    for copy in range(d.copies if d.tokens is not None and len(d.tokens) else 0):
        yield d.tokens, d.id, copy, d.language, d.domain, token_key(d.id, copy, seed), d.source


def shard_of_tokens(key: int, count: int) -> int:
    """Return which of ``count`` shards a row of tokens belongs to; each shard has a range of keys."""
    return key * count >> 64


def shard_of_id(document_id: str, count: int) -> int:
    """Return which of ``count`` shards a document belongs to; each shard has a range of ids."""
    return int(document_id[:8], 16) * count >> 32


class RunWriter(AbstractContextManager["RunWriter"]):
    """Collects a slice's rows for the output tables, and writes them as sorted runs before they fill the memory."""

    def __init__(self, folder: str, index: int, shards: Shards) -> None:
        self.folder, self.index, self.shards = folder, index, shards
        self.written: dict[str, list[dict]] = {}
        self._rows: dict[str, list[tuple[int, Sequence[Any]]]] = {}
        self._bytes = 0

    def keep(self, d: Document, row: dict[str, Any]) -> tuple[int, int]:
        """Add a document, and its tokens once per copy; return its bytes of text and its number of tokens."""
        count = 0 if d.tokens is None else len(d.tokens)
        privacy = self.shards.privacy
        shown = {"token_count": count, "url": privacy.url(d.url), "title": privacy.text(d.title)}
        values = [shown[name] if name in shown else getattr(d, name) for name in DOCUMENTS.names]
        values += [plain_value(d.extra.get(name)) for name in self.shards.columns]
        self._add("documents", shard_of_id(d.id, self.shards.documents), values, getsizeof(d.text))
        self.keep_tokens(d)
        return row["text_bytes"], count

    def keep_tokens(self, d: Document) -> None:
        """Add the tokens of a document once per copy."""
        for row in token_rows(d, self.shards.seed):
            self._add("tokens", shard_of_tokens(row[TOKEN_KEY], self.shards.tokens), row, 4 * len(row[0]))

    def gather(self, table: str, paths: Iterable[str]) -> None:
        """Write the rows of a small table, which the passes wrote for this slice, as sorted runs."""
        for rows in _joined(paths, self._shown if table == "rejected" else None):
            heads = np.array([int(i[:8], 16) for i in rows["id"].to_pylist()], np.uint64)
            shards = (heads * np.uint64(self.shards.count(table)) >> np.uint64(32)).astype(np.int64)
            self.write(table, rows, shards)

    def _shown(self, rejected: pa.RecordBatch) -> pa.RecordBatch:
        """Scrub and shorten rejections as the result shows them."""
        privacy = self.shards.privacy
        for name, show in (("url", privacy.url), ("detail", privacy.detail), ("excerpt", privacy.excerpt)):
            place = rejected.schema.get_field_index(name)
            values = pa.array([show(value) for value in rejected[name].to_pylist()], pa.string())
            rejected = rejected.set_column(place, rejected.schema.field(place), values)
        extra = [unpack_columns(data) for data in rejected["extra"].to_pylist()]
        arrays = [rejected[name] for name in REJECTED.names]
        arrays += [column_array([e.get(name) for e in extra], type_) for name, type_ in self.shards.columns.items()]
        return pa.RecordBatch.from_arrays(arrays, schema=self.shards.schema("rejected"))

    def _add(self, table: str, shard: int, row: Sequence[Any], size: int) -> None:
        self._rows.setdefault(table, []).append((shard, row))
        self._bytes += size + ROW_BYTES
        if self._bytes >= SPILL_BYTES:
            self.spill()

    def spill(self) -> None:
        """Write the rows in memory, as one run per table."""
        for table, rows in self._rows.items():
            schema = self.shards.schema(table)
            columns = zip(*(row for _, row in rows), strict=True)
            arrays = [self._array(values, field) for values, field in zip(columns, schema, strict=True)]
            self.write(table, pa.Table.from_arrays(arrays, schema=schema), np.array([shard for shard, _ in rows]))
        self._rows, self._bytes = {}, 0

    def _array(self, values: Sequence[Any], field: pa.Field) -> pa.Array:
        type_name = self.shards.columns.get(field.name)
        return column_array(values, type_name) if type_name else pa.array(values, type=field.type)

    def write(self, table: str, rows: pa.Table, shards: np.ndarray) -> None:
        """Write rows as a run: a batch per shard, in order of shards.

        Args:
            table: name of the table.
            rows: the rows.
            shards: the shard of each row.
        """
        if not len(rows):
            return
        if (np.diff(shards) < 0).any():
            order = np.argsort(shards, kind="stable")
            rows, shards = rows.take(order), shards[order]
        present, first = np.unique(shards, return_index=True)
        runs = self.written.setdefault(table, [])
        name = f"run-{table}-{self.index:05d}-{len(runs):05d}.arrow"
        options = pa.ipc.IpcWriteOptions(compression=WORK_COMPRESSION)
        batches: list[Place] = []
        with files.atomic_write(files.join(self.folder, name)) as stream:
            f = sealed.Hashing(stream)
            with pa.ipc.new_stream(f, rows.schema, options=options) as writer:
                writer.write_batch(pa.RecordBatch.from_pylist([], rows.schema))  # the schema precedes the first batch
                for start, stop in zip(first, [*first[1:], len(shards)], strict=True):
                    (batch,) = rows.slice(start, stop - start).combine_chunks().to_batches()
                    f.hasher, begin = xxhash.xxh3_64(), f.tell()
                    writer.write_batch(batch)
                    batches.append((begin, f.tell() - begin, f.hasher.hexdigest()))
        runs.append({"name": name, "shards": present.tolist(), "batches": batches})

    def __exit__(self, error_type: Any, error: Any, traceback: Any) -> None:
        if error_type is None:
            self.spill()


def _joined(
    paths: Iterable[str], shown: Callable[[pa.RecordBatch], pa.RecordBatch] | None = None
) -> Iterator[pa.Table]:
    """Yield the rows of several files in tables of ``GATHER_ROWS`` rows or ``SPILL_BYTES`` bytes.

    Args:
        paths: paths of the files.
        shown: converts the rows of the files to those of the result.
    """
    held: list[pa.RecordBatch] = []
    rows = size = 0
    for path in paths:
        with sealed.open_read(path) as f:
            for batch in pq.ParquetFile(f).iter_batches(READ_ROWS, use_threads=False):
                if len(batch):  # an empty table of signals may lack the columns of reference filters
                    held.append(shown(batch) if shown else batch)
                    rows, size = rows + len(batch), size + held[-1].nbytes
                if rows >= GATHER_ROWS or size >= SPILL_BYTES:
                    yield pa.Table.from_batches(held)
                    held, rows, size = [], 0, 0
    if held:
        yield pa.Table.from_batches(held)


def shard_tasks(shards: Shards, folder: str, manifests: Iterable[dict]) -> list[ShardTask]:
    """List every shard with the batches of its rows in the runs of a folder."""
    batches = batches_of(folder, manifests)
    return [
        ShardTask(table, shard, batches.get((table, shard), ()))
        for table in ("documents", "tokens", "rejected", "signals")
        for shard in range(shards.count(table))
    ]


def batches_of(folder: str, manifests: Iterable[dict]) -> dict[tuple[str, int], tuple[Batch, ...]]:
    """Return the batches in the runs of a folder, in order of their runs, by table and shard."""
    batches: dict[tuple[str, int], list[Batch]] = {}
    for manifest in manifests:
        for table, runs in manifest["runs"].items():
            for run in runs:
                for shard, place in zip(run["shards"], run["batches"], strict=True):
                    batch = (files.join(folder, run["name"]), tuple(place))
                    batches.setdefault((table, shard), []).append(batch)
    return {of: tuple(sorted(of_shard)) for of, of_shard in batches.items()}


def write_shard(task: ShardTask, output: str, facts: str, shards: Shards) -> None:
    """Read one shard's rows from all runs, sort them, and write its files and a JSON file about them.

    Args:
        task: the shard.
        output: folder of the result.
        facts: folder for the JSON file.
        shards: how shards are written.
    """
    table = task.table
    schema = shards.schema(table)
    large = [name for name in LARGE_COLUMNS if name in schema.names]
    narrow = {"input_ids": pa.large_list(pa.uint16())} if shards.token_type == "<u2" else {}
    batches = (read_batch(batch, schema) for batch in task.batches)
    rows = SortedRows(batches, schema, ORDER[table], large, narrow)
    count = len(rows.order)
    summary = summarize(table, rows.small.take(rows.order)) if table in SUMMARIZED else {}
    if table == "tokens":
        schema = TOKENS
    name = f"part-{task.shard:05d}-of-{shards.count(table):05d}"
    written: list[dict] = []
    if table != "tokens" or "parquet" in shards.formats:
        with _hashed(output, f"{table}/{name}.parquet", count, written) as f, parquet_writer(f, schema) as writer:
            for group in rows.groups(schema.names):
                writer.write_table(group)
                del group  # so that only one is in memory
    if table == "documents":
        for folder, write_rows in shards.own_formats().items():
            with _hashed(output, f"{folder}/{name}.{folder}", count, written) as f:
                write_rows((row for group in rows.groups(schema.names) for row in group.to_pylist()), f)
    if table == "tokens" and "megatron" in shards.formats:
        columns = (group["input_ids"].combine_chunks() for group in rows.groups(["input_ids"]))
        written += _megatron(columns, output, name, np.dtype(shards.token_type))
    del rows
    pa.default_memory_pool().release_unused()  # a worker writes many shards
    sealed.write_json(task.facts(facts), {"files": written, "summary": summary})


def _megatron(columns: Iterable[pa.LargeListArray], output: str, name: str, dtype: np.dtype) -> list[dict]:
    lengths = [np.empty(0, np.int64)]
    written: list[dict] = []
    with _hashed(output, f"megatron/{name}.bin", 0, written) as f:
        for column in columns:
            lengths.append(np.diff(column.offsets.to_numpy()))
            f.write(column.flatten().to_numpy().astype(dtype).tobytes())
            del column  # so that only one is in memory
    documents = np.concatenate(lengths)
    with _hashed(output, f"megatron/{name}.idx", 0, written) as f:
        f.write(megatron_index(documents, dtype))
    return [fact | {"rows": len(documents)} for fact in written]


@contextmanager
def _hashed(output: str, name: str, rows: int, written: list[dict]) -> Iterator[BinaryIO]:
    """Write a file of the result, and append its entry for the manifest to ``written``."""
    digest = hashlib.sha256()
    with files.atomic_write(files.join(output, *name.split("/"))) as stream:
        f = sealed.Hashing(stream, digest)
        yield cast(BinaryIO, f)
    written.append({"path": name, "rows": rows, "bytes": f.tell(), "sha256": digest.hexdigest()})


def read_batch(batch: Batch, schema: pa.Schema) -> pa.Table:
    """Read a batch of a sorted run.

    Raises:
        DamagedFile: its bytes are not those that were written.
    """
    path, (start, size, digest) = batch
    data = b""
    if files.exists(path):
        with files.open_read(path) as f:
            f.seek(start)
            data = f.read(size)
    if xxhash.xxh3_64_hexdigest(data) != digest:
        raise sealed.damaged(path, "has changed since it was written: the digest of a batch differs")
    return pa.Table.from_batches([pa.ipc.read_record_batch(pa.ipc.read_message(data), schema)])
