"""URL and exact deduplication: of all documents with the same key, the first in a total order stays."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import apache_beam as beam
import numpy as np
import pyarrow as pa

from curate.document import Document, Rejection
from curate.hashing import stable_u64, text_hash
from curate.urls import normalize_url
from pipelines.corpus.base import (
    LOSER,
    PARTITIONS,
    CorpusStep,
    KeySlice,
    Losers,
    WriteLosers,
    id_bytes,
    read_losers,
    seconds,
)

ROW = np.dtype([("hash", "u8"), ("order", "i8"), ("id", "V16"), ("slice", "u4"), ("row", "u4")])


@dataclass(frozen=True, slots=True)
class UrlDedupConfig:
    """URL deduplication keeps the newest copy (Llama 3, section 3.1.1), then the smallest id."""


@dataclass(frozen=True, slots=True)
class ExactDedupConfig:
    """Exact deduplication keeps the newest copy, then the smallest id."""


class KeepFirst(CorpusStep):
    """Keeps one document per hash; a hash of 0 means: has no key, stays."""

    schema: ClassVar[pa.Schema] = pa.schema([("hash", pa.uint64()), ("order", pa.int64()), ("id", pa.string())])
    shuffles = "40 bytes"
    rule: ClassVar[str]

    def hash(self, document: Document) -> int:
        """Return what makes two documents the same, or 0."""
        raise NotImplementedError

    def key_function(self, config: Any) -> Callable[[Document], tuple]:
        """Take the hash, the age (newest first) and the id."""
        return lambda d: (self.hash(d), -seconds(d.date), d.id)

    def decide(self, config: Any, keys: beam.PCollection[KeySlice], folder: str) -> None:
        """Shuffle 40 bytes per document."""
        _ = (
            keys
            | "Blocks" >> beam.FlatMap(_blocks).with_output_types(tuple[int, bytes])
            | "GroupRanges" >> beam.GroupByKey()
            | "KeepFirst" >> beam.MapTuple(_all_but_first).with_output_types(bytes)
            | "WriteLosers" >> WriteLosers(folder)
        )

    def losers(self, config: Any, folder: str, index: int, keys: pa.Table | None) -> Losers:
        """Return every copy but the first; the detail names the id that stays."""
        rows = read_losers(folder, index)
        kept = rows["kept"]
        return Losers(rows["row"].astype(np.int64), lambda i: Rejection(self.rule, detail=kept[i].tobytes().hex()))


class UrlDedup(KeepFirst):
    """One document per normalised URL."""

    config = UrlDedupConfig
    rule = "older_copy"

    def hash(self, document: Document) -> int:
        """Hash the normalised URL; a document without a URL has no key."""
        return stable_u64(normalize_url(document.url)) if document.url else 0


class ExactDedup(KeepFirst):
    """One document per normalised text."""

    config = ExactDedupConfig
    rule = "exact_duplicate"

    def hash(self, document: Document) -> int:
        """Hash the normalised text."""
        return text_hash(document.text)


def _blocks(keys: KeySlice) -> Iterator[tuple[int, bytes]]:
    rows, table = keys.load()
    block = np.empty(len(rows), ROW)
    block["hash"], block["order"] = table["hash"].to_numpy(), table["order"].to_numpy()
    block["id"], block["slice"], block["row"] = id_bytes(table["id"].to_pylist()), keys.index, rows
    block = block[block["hash"] != 0]
    part = block["hash"] % np.uint64(PARTITIONS)
    for p in np.unique(part):
        yield int(p), block[part == p].tobytes()


def _all_but_first(_: int, blocks: Iterable[bytes]) -> bytes:
    rows = np.frombuffer(b"".join(blocks), ROW)
    high_low = np.ascontiguousarray(rows["id"]).view(">u8").reshape(-1, 2)
    order = np.lexsort((rows["row"], rows["slice"], high_low[:, 1], high_low[:, 0], rows["order"], rows["hash"]))
    rows = rows[order]
    first = np.ones(len(rows), bool)
    first[1:] = rows["hash"][1:] != rows["hash"][:-1]
    keeper = np.maximum.accumulate(np.where(first, np.arange(len(rows)), 0))
    lost = ~first
    out = np.empty(int(lost.sum()), LOSER)
    out["slice"], out["row"] = rows["slice"][lost], rows["row"][lost]
    out["kept"], out["value"] = rows["id"][keeper[lost]], np.nan
    return out.tobytes()
