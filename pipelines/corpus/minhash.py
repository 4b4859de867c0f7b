"""Near-duplicate documents: MinHash band keys, verified clusters around an anchor, every member but the anchor goes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import ClassVar

import apache_beam as beam
import numpy as np
import pyarrow as pa

from curate.document import Document, Rejection
from curate.minhash import SKETCH_BINS, MinHashConfig, minhash_keys
from pipelines.corpus.base import (
    LOSER,
    CorpusStep,
    KeySlice,
    Losers,
    WriteLosers,
    fixed,
    id_bytes,
    read_losers,
    seconds,
)


@dataclass(frozen=True, slots=True)
class MinHashDedupConfig:
    """The signature's settings, and the estimated similarity to the anchor from which a document is a duplicate."""

    minhash: MinHashConfig = field(default_factory=MinHashConfig)
    threshold: float = 0.8


class MinHashDedup(CorpusStep):
    """Of each cluster of near duplicates the anchor stays: the newest, then the smallest id."""

    config = MinHashDedupConfig
    key_settings = ("minhash",)
    shuffles = "bands and signature"
    schema: ClassVar[pa.Schema] = pa.schema(
        [("bands", pa.binary()), ("sketch", pa.binary()), ("order", pa.int64()), ("id", pa.string())]
    )

    def key_function(self, config: MinHashDedupConfig) -> Callable[[Document], tuple]:
        """Take band hashes, sketch, age and id."""

        def key(document: Document) -> tuple:
            bands, sketch = minhash_keys(document.text, config.minhash)
            return bands.tobytes(), sketch.tobytes(), -seconds(document.date), document.id

        return key

    def decide(self, config: MinHashDedupConfig, keys: beam.PCollection[KeySlice], folder: str) -> None:
        """Bring all signatures to one place and cluster them there."""
        _ = (
            keys
            | "Load" >> beam.Map(_load).with_output_types(tuple[int, tuple])
            | "Together" >> beam.GroupByKey()
            | "Cluster" >> beam.Map(_cluster, config).with_output_types(bytes)
            | "WriteLosers" >> WriteLosers(folder)
        )

    def losers(self, config: MinHashDedupConfig, folder: str, index: int, keys: pa.Table | None) -> Losers:
        """Return every member but the anchor, with its similarity to the anchor and the anchor's id."""
        rows = read_losers(folder, index)

        def rejection(i: int) -> Rejection:
            return Rejection(
                "near_duplicate", float(rows["value"][i]), config.threshold, rows["kept"][i].tobytes().hex()
            )

        return Losers(rows["row"].astype(np.int64), rejection)


def _load(keys: KeySlice) -> tuple[int, tuple]:
    rows, table = keys.load()
    width = len(table["bands"][0].as_py()) // 8 if len(rows) else 0
    bands = fixed(table["bands"], np.uint64, width) if width else np.empty((0, 0), np.uint64)
    signatures = fixed(table["sketch"], np.uint8, SKETCH_BINS) if width else bands
    return 0, (keys.index, rows, bands, signatures, table["order"].to_numpy(), id_bytes(table["id"].to_pylist()))


def _cluster(together: tuple[int, Iterable[tuple]], config: MinHashDedupConfig) -> bytes:
    from curate.clusters import cluster

    loaded = [p for p in sorted(together[1], key=lambda p: p[0]) if len(p[1])]
    if not loaded:
        return b""
    slices = np.concatenate([np.full(len(p[1]), p[0]) for p in loaded])
    rows, bands, signatures, order, ids = (np.concatenate([p[i] for p in loaded]) for i in range(1, 6))
    high_low = np.ascontiguousarray(ids).view(">u8").reshape(-1, 2)
    rank = np.empty(len(rows), np.int64)
    rank[np.lexsort((rows, slices, high_low[:, 1], high_low[:, 0], order))] = np.arange(len(rows))
    anchor, similarity, _ = cluster(bands, signatures, rank, config.threshold)
    lost = anchor != np.arange(len(rows))
    out = np.empty(int(lost.sum()), LOSER)
    out["slice"], out["row"] = slices[lost], rows[lost]
    out["kept"], out["value"] = ids[anchor[lost]], similarity[lost]
    return out.tobytes()
