"""The final order: every table of the corpus, cut into shards by a hash of the id and sorted within, on any runner.

The last pass writes *runs*: per slice, the rows of each output table sorted by shard, an Arrow record batch per shard,
whose place and digest are in the slice's manifest (a row group of Parquet is found through facts of all of them). A
shard is then made by one reader that takes its batch from every run, sorts, and writes one file. No row is ever sent
through the runner's shuffle, and neither the cutting of the input nor the number of workers shows in the result.
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
from pipelines.io.tables import DOCUMENTS, REJECTED, TOKENS, parquet_writer, signals_schema, with_columns
from pipelines.result.summary import SUMMARIZED, summarize

PART = re.compile(r"part-\d{5,}-of-\d{5,}\.(?:parquet|bin|idx)\b")  # names of the files of a result
SPILL_BYTES = 64_000_000
ROW_BYTES = 1_000  # a row that is held, beside its text or tokens: measured
ROWS_PER_SHARD = 1_000_000  # of rejections and signals
GATHER_ROWS = 250_000  # of small tables that are sorted at a time, or as many as have ``SPILL_BYTES``
READ_ROWS = 4096  # of them that are read at a time: a rejection is longer in `_work` than in the result
#: What the rows of a shard are sorted by; equal ids are the same page met twice.
ORDER = {
    "documents": ("id", "source"),
    "tokens": ("key", "id", "copy"),
    "rejected": ("id", "step", "rule", "detail", "source"),
    "signals": ("id", "step", "source"),
}
LARGE_COLUMNS = ("text", "input_ids")
#: Where a batch lies in a run: its first byte, its bytes, and their xxh3.
Place = tuple[int, int, str]
TOKEN_RUN = TOKENS.append(pa.field("key", pa.uint64()))


@dataclass(frozen=True, slots=True)
class Shards:
    """How many files each output table has, and how tokens are written."""

    documents: int
    tokens: int
    rejected: int
    signals: int
    measures: tuple[str, ...]  # reference filters whose quantities are among the signals
    seed: int
    formats: tuple[str, ...]
    token_type: str  # of ids in .bin files, as NumPy writes it; "" without tokens
    privacy: Privacy  # what is scrubbed beside the texts
    columns: Mapping[str, str]  # the user's own columns, and the kind of each

    def count(self, table: str) -> int:
        """Return the number of shards of a table."""
        return getattr(self, table)

    def schema(self, table: str) -> pa.Schema:
        """Return the schema of a run of a table."""
        own = [pa.field(name, column_type(kind)) for name, kind in self.columns.items()]
        known = {
            "documents": with_columns(DOCUMENTS, own),
            "tokens": TOKEN_RUN,
            "rejected": with_columns(REJECTED, own),
        }
        return known.get(table) or signals_schema(self.measures)

    def own_formats(self) -> dict[str, WriteRows]:
        """Return the functions of the user's own that write documents, by the name of their folder."""
        functions = [function for name in self.formats if (function := output_format(name))]
        return {function.__name__: function for function in functions}


@dataclass(frozen=True, slots=True)
class ShardTask:
    """One output file to make: the runs, and where in them the batches lie that hold its rows."""

    kind: str
    shard: int
    pieces: tuple[tuple[str, Place], ...]

    def facts(self, folder: str) -> str:
        """Path of what is known of the written file: ``files`` and ``summary``."""
        return files.join(folder, f"shard-{self.kind}-{self.shard:05d}.json")


def shard_of_id(document_id: str, count: int) -> int:
    """Return which of so many shards a document is in: each has a range of ids."""
    return int(document_id[:8], 16) * count >> 32


class RunWriter(AbstractContextManager["RunWriter"]):
    """Collects a slice's rows for the output tables and writes them as sorted runs, a bounded number at a time."""

    def __init__(self, folder: str, index: int, shards: Shards) -> None:
        self.folder, self.index, self.shards = folder, index, shards
        self.written: dict[str, list[dict]] = {}
        self._rows: dict[str, list[tuple[int, Sequence[Any]]]] = {}
        self._bytes = 0

    def keep(self, d: Document, row: dict[str, Any]) -> tuple[int, int]:
        """Add a document of the corpus, and its tokens once per copy; returns its bytes of text and its tokens."""
        count = 0 if d.tokens is None else len(d.tokens)
        privacy = self.shards.privacy
        shown = {"token_count": count, "url": privacy.url(d.url), "title": privacy.text(d.title)}
        values = [shown[name] if name in shown else getattr(d, name) for name in DOCUMENTS.names]
        values += [plain_value(d.extra.get(name)) for name in self.shards.columns]
        self._add("documents", shard_of_id(d.id, self.shards.documents), values, getsizeof(d.text))
        for copy in range(d.copies if count else 0):
            key = stable_u64(f"{d.id}/{copy}", f"shuffle-{self.shards.seed}")
            copied = (d.tokens, d.id, copy, d.language, d.domain, key)
            self._add("tokens", key * self.shards.tokens >> 64, copied, 4 * count)
        return row["text_bytes"], count

    def gather(self, kind: str, paths: Iterable[str]) -> None:
        """Bring the rows of small tables, which the passes wrote for this slice, into sorted runs."""
        shown = self._shown if kind == "rejected" else None
        for table in _joined(paths, shown):
            heads = np.array([int(i[:8], 16) for i in table["id"].to_pylist()], np.uint64)
            shards = (heads * np.uint64(self.shards.count(kind)) >> np.uint64(32)).astype(np.int64)
            self._write(kind, table, shards)

    def _shown(self, rejected: pa.RecordBatch) -> pa.RecordBatch:
        """Make of the pieces that the passes kept of a rejected page what the result shows."""
        privacy = self.shards.privacy
        for name, show in (("url", privacy.url), ("detail", privacy.detail), ("excerpt", privacy.excerpt)):
            place = rejected.schema.get_field_index(name)
            values = pa.array([show(value) for value in rejected[name].to_pylist()], pa.string())
            rejected = rejected.set_column(place, rejected.schema.field(place), values)
        extra = [unpack_columns(data) for data in rejected["extra"].to_pylist()]
        arrays = [rejected[name] for name in REJECTED.names]
        arrays += [column_array([e.get(name) for e in extra], kind) for name, kind in self.shards.columns.items()]
        return pa.RecordBatch.from_arrays(arrays, schema=self.shards.schema("rejected"))

    def _add(self, kind: str, shard: int, row: Sequence[Any], size: int) -> None:
        self._rows.setdefault(kind, []).append((shard, row))
        self._bytes += size + ROW_BYTES
        if self._bytes >= SPILL_BYTES:
            self.spill()

    def spill(self) -> None:
        """Write the rows that are held as one run per table."""
        for kind, rows in self._rows.items():
            schema = self.shards.schema(kind)
            columns = zip(*(row for _, row in rows), strict=True)
            arrays = [self._array(values, field) for values, field in zip(columns, schema, strict=True)]
            self._write(kind, pa.Table.from_arrays(arrays, schema=schema), np.array([shard for shard, _ in rows]))
        self._rows, self._bytes = {}, 0

    def _array(self, values: Sequence[Any], field: pa.Field) -> pa.Array:
        kind = self.shards.columns.get(field.name)
        return column_array(values, kind) if kind else pa.array(values, type=field.type)

    def _write(self, kind: str, table: pa.Table, shards: np.ndarray) -> None:
        """Write a table as a run: a batch per shard, in order."""
        if not len(table):
            return
        order = np.argsort(shards, kind="stable")
        table, shards = table.take(order), shards[order]
        present, first = np.unique(shards, return_index=True)
        runs = self.written.setdefault(kind, [])
        name = f"run-{kind}-{self.index:05d}-{len(runs):05d}.arrow"
        options = pa.ipc.IpcWriteOptions(compression="zstd")
        batches: list[Place] = []
        with files.atomic_write(files.join(self.folder, name)) as stream:
            f = sealed.Hashing(stream)
            with pa.ipc.new_stream(f, table.schema, options=options) as writer:
                writer.write_batch(pa.RecordBatch.from_pylist([], table.schema))  # the schema goes with the first
                for start, stop in zip(first, [*first[1:], len(shards)], strict=True):
                    (batch,) = table.slice(start, stop - start).combine_chunks().to_batches()
                    f.hasher, begin = xxhash.xxh3_64(), f.tell()
                    writer.write_batch(batch)
                    batches.append((begin, f.tell() - begin, f.hasher.hexdigest()))
        runs.append({"name": name, "shards": present.tolist(), "batches": batches})

    def __exit__(self, kind: Any, value: Any, trace: Any) -> None:
        if kind is None:
            self.spill()


def _joined(
    paths: Iterable[str], shown: Callable[[pa.RecordBatch], pa.RecordBatch] | None = None
) -> Iterator[pa.Table]:
    """Yield the rows of several files in tables of ``GATHER_ROWS`` or ``SPILL_BYTES``, the last one aside.

    Args:
        paths: of the files.
        shown: what makes the rows of the result of those in the files.
    """
    held: list[pa.RecordBatch] = []
    rows = size = 0
    for path in paths:
        with sealed.open_read(path) as f:
            for batch in pq.ParquetFile(f).iter_batches(READ_ROWS):
                if len(batch):  # where nothing was measured, the columns of others are missing
                    held.append(shown(batch) if shown else batch)
                    rows, size = rows + len(batch), size + held[-1].nbytes
                if rows >= GATHER_ROWS or size >= SPILL_BYTES:
                    yield pa.Table.from_batches(held)
                    held, rows, size = [], 0, 0
    if held:
        yield pa.Table.from_batches(held)


def shard_tasks(shards: Shards, folder: str, manifests: Iterable[dict]) -> list[ShardTask]:
    """List every output file with the places of its rows in the runs of a folder."""
    pieces: dict[tuple[str, int], list[tuple[str, Place]]] = {
        (kind, s): [] for kind in ("documents", "tokens", "rejected", "signals") for s in range(shards.count(kind))
    }
    for manifest in manifests:
        for kind, runs in manifest["runs"].items():
            for run in runs:
                for shard, place in zip(run["shards"], run["batches"], strict=True):
                    pieces[kind, shard].append((files.join(folder, run["name"]), tuple(place)))
    return [ShardTask(kind, shard, tuple(sorted(found))) for (kind, shard), found in pieces.items()]


def write_shard(task: ShardTask, output: str, facts: str, shards: Shards) -> None:
    """Take one shard's rows from all runs, sort them, write its files, and leave facts of what was written."""
    schema = shards.schema(task.kind)
    large = [name for name in LARGE_COLUMNS if name in schema.names]
    narrow = {"input_ids": pa.large_list(pa.uint16())} if shards.token_type == "<u2" else {}
    rows = SortedRows((_batch(*piece, schema) for piece in task.pieces), schema, ORDER[task.kind], large, narrow)
    count = len(rows.order)
    summary = summarize(task.kind, rows.small.take(rows.order)) if task.kind in SUMMARIZED else {}
    if task.kind == "tokens":
        schema = TOKENS
    name = f"part-{task.shard:05d}-of-{shards.count(task.kind):05d}"
    written: list[dict] = []
    if task.kind != "tokens" or "parquet" in shards.formats:
        with _hashed(output, f"{task.kind}/{name}.parquet", count, written) as f, parquet_writer(f, schema) as writer:
            for group in rows.groups(schema.names):
                writer.write_table(group)
                del group  # before the next one is made
    if task.kind == "documents":
        for folder, write_rows in shards.own_formats().items():
            with _hashed(output, f"{folder}/{name}.{folder}", count, written) as f:
                write_rows((row for group in rows.groups(schema.names) for row in group.to_pylist()), f)
    if task.kind == "tokens" and "megatron" in shards.formats:
        columns = (group["input_ids"].combine_chunks() for group in rows.groups(["input_ids"]))
        written += _megatron(columns, output, name, np.dtype(shards.token_type))
    del rows
    pa.default_memory_pool().release_unused()  # a worker makes one shard after the other
    sealed.write_json(task.facts(facts), {"files": written, "summary": summary})


def _megatron(columns: Iterable[pa.LargeListArray], output: str, name: str, dtype: np.dtype) -> list[dict]:
    lengths = [np.empty(0, np.int64)]
    written: list[dict] = []
    with _hashed(output, f"megatron/{name}.bin", 0, written) as f:
        for column in columns:
            lengths.append(np.diff(column.offsets.to_numpy()))
            f.write(column.flatten().to_numpy().astype(dtype).tobytes())
            del column  # before the next one is made
    documents = np.concatenate(lengths)
    with _hashed(output, f"megatron/{name}.idx", 0, written) as f:
        f.write(megatron_index(documents, dtype))
    return [fact | {"rows": len(documents)} for fact in written]


@contextmanager
def _hashed(output: str, name: str, rows: int, written: list[dict]) -> Iterator[BinaryIO]:
    """Write a file of the result, and note what the manifest says of it."""
    digest = hashlib.sha256()
    with files.atomic_write(files.join(output, *name.split("/"))) as stream:
        f = sealed.Hashing(stream, digest)
        yield cast(BinaryIO, f)
    written.append({"path": name, "rows": rows, "bytes": f.tell(), "sha256": digest.hexdigest()})


def _batch(path: str, place: Place, schema: pa.Schema) -> pa.Table:
    start, size, digest = place
    data = b""
    if files.exists(path):
        with files.open_read(path) as f:
            f.seek(start)
            data = f.read(size)
    if xxhash.xxh3_64_hexdigest(data) != digest:
        raise sealed.damaged(path, "is not as it was written: the digest of a batch differs")
    return pa.Table.from_batches([pa.ipc.read_record_batch(pa.ipc.read_message(data), schema)])
