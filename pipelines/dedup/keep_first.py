"""Keep the first document of each hash, in a total order: the base of url_dedup and exact_dedup."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import apache_beam as beam
import numpy as np
import pyarrow as pa

from curate.document import Document, Rejection
from pipelines.dedup.key_ranges import key_ranges, split_rows
from pipelines.dedup.members import MEMBER, apply_members, by_block, fixed, id_of
from pipelines.dedup.order import Preference, fields_of, key_columns, key_ids, rank_key, sort_columns
from pipelines.steps.base import Applied, CorpusStep, DecisionTable, KeySource, from_settings


@dataclass(frozen=True, slots=True)
class KeepFirst(CorpusStep):
    """Keep one document per hash; a document with hash 0 has no key and is kept.

    Attributes:
        rule: rule of the rejections.
        hashed: document field that is hashed.
        clusters: whether a document that is kept records how many copies it stands for.
    """

    keep: tuple[Preference, ...] = ("newest",)
    sources: tuple[str, ...] = ()

    key_settings: ClassVar = ("keep", "sources")
    key_schema: ClassVar = pa.schema([("hash", pa.uint64()), ("rank", pa.binary())])
    removes_copies: ClassVar = True
    by_document: ClassVar = True
    shuffles: ClassVar = "48 bytes"
    judges: ClassVar = False
    rule: ClassVar[str]
    hashed: ClassVar[str]
    clusters: ClassVar[bool] = False

    @from_settings
    def reads(self) -> frozenset[str]:
        """The field that is hashed, and the fields that order documents."""
        return frozenset({self.hashed, *fields_of(self.keep)})

    def hash(self, document: Document) -> int:
        """Return the hash that copies share, or 0 for a document without a key."""
        raise NotImplementedError

    def key(self) -> Callable[[Document], tuple]:
        """Build the function that extracts the hash and the rank key."""
        rank = rank_key(self.keep, self.sources)
        return lambda d: (self.hash(d), rank(d))

    def key_bytes(self, keys: Sequence[KeySource]) -> int:
        """Return the bytes of all shuffled rows: 48 per document with one preference."""
        return sum(block.count()[0] for block in keys) * self._row_bytes()

    def _row_bytes(self) -> int:
        return _row(8 * (len(self.keep) + 3)).itemsize

    def decide(self, keys: beam.PCollection[KeySource]) -> beam.PCollection[tuple[str, bytes]]:
        """Shuffle the hash, rank key and address of each document."""
        return (
            keys
            | "Blocks"
            >> beam.FlatMap(_blocks, key_ranges(keys, self._row_bytes())).with_output_types(tuple[int, bytes])
            | "GroupRanges" >> beam.GroupByKey()
            | "KeepFirst" >> beam.FlatMap(_all_but_first).with_output_types(tuple[str, bytes])
        )

    def apply(self, decision: DecisionTable, keys: KeySource) -> Applied:
        """Reject every copy but the first; the detail names the id that is kept and the number of copies."""

        def rejection(row: np.void) -> Rejection:
            return Rejection(self.rule, detail=f"{id_of(row['kept'])} stays, of {row['size']} copies")

        return apply_members(decision, keys.index, rejection, self.clusters)


def _row(width: int) -> np.dtype:
    """Return the dtype of a row per document: its hash, its rank key of ``width`` bytes, and its address."""
    return np.dtype([("hash", "u8"), ("rank", "u1", (width,)), ("slice", "u4"), ("row", "u4")])


def _blocks(keys: KeySource, ranges: int) -> Iterator[tuple[int, bytes]]:
    rows, table = keys.load(["hash", "rank"])
    hashes = table["hash"].to_numpy()
    in_part = np.flatnonzero((hashes != 0) & (hashes // ranges % keys.parts == keys.part))
    if not len(in_part):
        return
    ranks = fixed(table["rank"], np.uint8)[in_part]
    block = np.empty(len(in_part), _row(ranks.shape[1]))
    block["hash"], block["rank"] = hashes[in_part], ranks
    block["slice"], block["row"] = keys.index, rows[in_part]
    for number, rows_of in split_rows(block, block["hash"] % np.uint64(ranges)):
        yield number, _with_width(rows_of)


def _with_width(block: np.ndarray) -> bytes:
    """Return rows as bytes after the width of their rank keys, which `_all_but_first` needs to read them."""
    return block.dtype["rank"].itemsize.to_bytes(2, "little") + block.tobytes()


def _all_but_first(blocks_of: tuple[int, Iterable[bytes]]) -> Iterator[tuple[str, bytes]]:
    _, blocks = blocks_of
    loaded = [np.frombuffer(b, _row(int.from_bytes(b[:2], "little")), offset=2) for b in blocks]
    rows = np.concatenate(loaded)
    del loaded
    ranks = key_columns(rows["rank"])
    order = sort_columns([rows["hash"], *ranks, rows["slice"].astype(np.uint64), rows["row"].astype(np.uint64)])
    hashes = rows["hash"][order]
    first = np.ones(len(rows), bool)
    first[1:] = hashes[1:] != hashes[:-1]
    starts = np.flatnonzero(first)
    sizes = np.diff(np.append(starts, len(rows)))
    group = np.cumsum(first) - 1
    copies = np.flatnonzero(sizes[group] > 1)
    out = np.empty(len(copies), MEMBER)
    out["slice"], out["row"], out["stays"] = rows["slice"][order[copies]], rows["row"][order[copies]], first[copies]
    kept = order[starts[group[copies]]]
    out["kept"] = out["cluster"] = key_ids(rows["rank"][kept]) if len(kept) else np.empty(0, "V16")
    out["similarity"], out["size"] = 1.0, sizes[group[copies]]
    yield from by_block(out)
