"""Shards: every table of the corpus, split by ranges of ids and sorted within each shard, on any runner.

The last pass writes *sorted runs*: per slice, the rows of each output table sorted by shard, as one Arrow record batch
per shard. The slice's manifest has the place and digest of each batch. (In a Parquet file, finding one row group means
reading the metadata of all.) A shard is then written by one reader, which takes its batch from every run and sorts the
rows. No row passes through the runner's shuffle, and the result does not depend on how the input was split or on the
number of workers.

With many slices and shards that would be too many batches, and too small ones. Runs are then *merged*: they have a
batch per range of shards, and for each group of slices and each range, a worker writes merged runs with a batch per
shard. With G groups there are as many ranges as make G shards each, so that a merge reads and writes about as much as
one shard has. For S slices and D shards, S * D / G + D * G batches are read, not S * D.
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
from pipelines.io.places import Batch, Place, read_places, run_name
from pipelines.io.privacy import Privacy
from pipelines.io.sorted_rows import SortedRows, joined
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
#: The tables of which a run writes shards.
SHARDED = ("documents", "tokens", "rejected", "signals")
#: Batches of a table up to which runs are not merged: reading as many takes all workers together some hours of waiting
#: for an object store, at 50 ms each. Merging writes all rows once more. curate's own value.
MOST_BATCHES = 250_000
MERGE_BYTES = 128_000_000  # of rows that are merged at a time, and of a merged run; curate's own value
#: The columns of a sorted run of tokens: those of the table, and those that only its order depends on.
TOKEN_RUN = pa.schema([*TOKENS, ("key", pa.uint64()), ("source", pa.string())])


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
    groups: int = 1  # of slices, with a file of places each
    merged: bool = False  # whether runs are merged

    def batches(self, table: str) -> int:
        """Return the number of batches that a run of a table may have: one per shard, or per range of shards."""
        return -(-self.count(table) // self.groups) if self.merged else self.count(table)

    def batch_of(self, table: str, shards: np.ndarray) -> np.ndarray:
        """Return the number of the batch of each shard."""
        return shards * self.batches(table) // self.count(table)

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
    """One shard to write: the name of its table, and its number."""

    table: str
    shard: int

    @property
    def name(self) -> str:
        """Name of the JSON file about the written shard, without ending."""
        return f"shard-{self.table}-{self.shard:05d}"

    def __str__(self) -> str:
        return f"shard {self.shard} of {self.table}"

    def facts(self, folder: str) -> str:
        """Return the path of the JSON file about the written shard, with ``files`` and ``summary``."""
        return files.join(folder, f"{self.name}.json")


@dataclass(frozen=True, slots=True)
class MergeTask:
    """Runs to merge: those of a table and a group of slices, in one range of shards."""

    table: str
    group: int
    batch: int

    @property
    def name(self) -> str:
        """Beginning of the names of its merged runs, and of the JSON file with their places."""
        return f"merge-{self.table}-{self.group:05d}-{self.batch:05d}"


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
        self._rows: dict[str, list[Sequence[Any]]] = {}
        self._bytes = 0

    def keep(self, d: Document, row: dict[str, Any]) -> tuple[int, int]:
        """Add a document, and its tokens once per copy; return its bytes of text and its number of tokens."""
        count = 0 if d.tokens is None else len(d.tokens)
        privacy = self.shards.privacy
        shown = {"token_count": count, "url": privacy.url(d.url), "title": privacy.text(d.title)}
        values = [shown[name] if name in shown else getattr(d, name) for name in DOCUMENTS.names]
        values += [plain_value(d.extra.get(name)) for name in self.shards.columns]
        self._add("documents", values, getsizeof(d.text))
        self.keep_tokens(d)
        return row["text_bytes"], count

    def keep_tokens(self, d: Document) -> None:
        """Add the tokens of a document once per copy."""
        for row in token_rows(d, self.shards.seed):
            self._add("tokens", row, 4 * len(row[0]))

    def gather(self, table: str, paths: Iterable[str]) -> None:
        """Write the rows of a small table, which the passes wrote for this slice, as sorted runs."""
        for rows in _joined(paths, self._shown if table == "rejected" else None):
            self.write(table, rows, self.shards.batch_of(table, shards_of(rows, table, self.shards.count(table))))

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

    def _add(self, table: str, row: Sequence[Any], size: int) -> None:
        self._rows.setdefault(table, []).append(row)
        self._bytes += size + ROW_BYTES
        if self._bytes >= SPILL_BYTES:
            self.spill()

    def spill(self) -> None:
        """Write the rows in memory, as one run per table."""
        for table, rows in self._rows.items():
            schema = self.shards.schema(table)
            columns = zip(*rows, strict=True)
            arrays = [self._array(values, field) for values, field in zip(columns, schema, strict=True)]
            made = pa.Table.from_arrays(arrays, schema=schema)
            self.write(table, made, self.shards.batch_of(table, shards_of(made, table, self.shards.count(table))))
        self._rows, self._bytes = {}, 0

    def _array(self, values: Sequence[Any], field: pa.Field) -> pa.Array:
        type_name = self.shards.columns.get(field.name)
        return column_array(values, type_name) if type_name else pa.array(values, type=field.type)

    def write(self, table: str, rows: pa.Table, batches: np.ndarray) -> None:
        """Write rows as a run.

        Args:
            table: name of the table.
            rows: the rows.
            batches: the number of the batch of each row.
        """
        if len(rows):
            runs = self.written.setdefault(table, [])
            path = files.join(self.folder, run_name(table, self.index, len(runs)))
            runs.append(write_run(path, rows, batches))

    def __exit__(self, error_type: Any, error: Any, traceback: Any) -> None:
        if error_type is None:
            self.spill()


def shards_of(rows: pa.Table, table: str, count: int) -> np.ndarray:
    """Return which of ``count`` shards each row belongs to, as `shard_of_tokens` and `shard_of_id` do."""
    if table == "tokens":
        keys = rows["key"].to_numpy()
        # key * count >> 64, in halves of 32 bits, because there are no integers of 128 bits
        high, low = keys >> np.uint64(32), keys & np.uint64(0xFFFFFFFF)
        carried = low * np.uint64(count) >> np.uint64(32)
        return (high * np.uint64(count) + carried >> np.uint64(32)).astype(np.int64)
    heads = np.array([int(i[:8], 16) for i in rows["id"].to_pylist()], np.uint64)
    return (heads * np.uint64(count) >> np.uint64(32)).astype(np.int64)


def write_run(path: str, rows: pa.Table, batches: np.ndarray) -> dict[str, Any]:
    """Write rows as a sorted run, and return the numbers and the places of its batches.

    Args:
        path: path of the run.
        rows: the rows.
        batches: the number of the batch of each row; rows of a batch keep their order.
    """
    if (np.diff(batches) < 0).any():
        order = np.argsort(batches, kind="stable")
        rows, batches = rows.take(order), batches[order]
    present, first = np.unique(batches, return_index=True)
    options = pa.ipc.IpcWriteOptions(compression=WORK_COMPRESSION)
    places: list[Place] = []
    with files.atomic_write(path) as stream:
        f = sealed.Hashing(stream)
        with pa.ipc.new_stream(f, rows.schema, options=options) as writer:
            writer.write_batch(pa.RecordBatch.from_pylist([], rows.schema))  # the schema precedes the first batch
            for start, stop in zip(first, [*first[1:], len(batches)], strict=True):
                (batch,) = rows.slice(start, stop - start).combine_chunks().to_batches()
                f.hasher, begin = xxhash.xxh3_64(), f.tell()
                writer.write_batch(batch)
                places.append((begin, f.tell() - begin, f.hasher.hexdigest()))
    return {"shards": present.tolist(), "batches": places}


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


def shard_tasks(shards: Shards) -> list[ShardTask]:
    """List every shard."""
    return [ShardTask(table, shard) for table in SHARDED for shard in range(shards.count(table))]


def merge_tasks(shards: Shards) -> list[MergeTask]:
    """List the merges of runs; none if they are not merged."""
    groups = range(shards.groups if shards.merged else 0)
    return [
        MergeTask(table, group, batch)
        for table in SHARDED
        for group in groups
        for batch in range(shards.batches(table) if shards.count(table) else 0)
    ]


def merge_runs(task: MergeTask, folder: str, shards: Shards) -> None:
    """Write the rows of a group of slices in a range of shards as merged runs, unless that is done.

    Args:
        task: the group and the range.
        folder: folder of the runs.
        shards: the shards.
    """
    path = files.join(folder, f"{task.name}.json")
    if files.exists(path):
        return
    schema = shards.schema(task.table)
    runs: list[dict[str, Any]] = []
    batches = (read_batch(b, schema) for b in read_places(folder, task.table, task.group, task.batch))
    for rows in joined(batches, MERGE_BYTES):
        name = f"{task.name}-{len(runs):05d}.arrow"
        of_shard = shards_of(rows, task.table, shards.count(task.table))
        runs.append({"name": name, **write_run(files.join(folder, name), rows, of_shard)})
    sealed.write_json(path, {"runs": runs})


def batches_of(runs: Iterable[Mapping[str, Any]], folder: str, number: int) -> Iterator[Batch]:
    """Yield the batches of one number in some runs of a folder, each with its name."""
    for run in runs:
        for of, place in zip(run["shards"], run["batches"], strict=True):
            if of == number:
                yield files.join(folder, run["name"]), tuple(place)


def batches_of_shard(task: ShardTask, folder: str, shards: Shards) -> Iterator[Batch]:
    """Yield the batches with the rows of a shard, in order of slices.

    Args:
        task: the shard.
        folder: folder of the runs.
        shards: the shards.
    """
    if not shards.merged:
        for group in range(shards.groups):
            yield from read_places(folder, task.table, group, task.shard)
        return
    batch = int(shards.batch_of(task.table, np.array(task.shard)))
    for group in range(shards.groups):
        merged = sealed.read_json(files.join(folder, f"{MergeTask(task.table, group, batch).name}.json"))
        yield from batches_of(merged["runs"], folder, task.shard)


def write_shard(task: ShardTask, output: str, facts: str, shards: Shards) -> None:
    """Read one shard's rows from all runs, sort them, and write its files and a JSON file about them.

    Args:
        task: the shard.
        output: folder of the result.
        facts: folder of the sorted runs, and for the JSON file.
        shards: how shards are written.
    """
    table = task.table
    schema = shards.schema(table)
    large = [name for name in LARGE_COLUMNS if name in schema.names]
    narrow = {"input_ids": pa.large_list(pa.uint16())} if shards.token_type == "<u2" else {}
    batches = (read_batch(batch, schema) for batch in batches_of_shard(task, facts, shards))
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
