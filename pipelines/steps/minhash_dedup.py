"""Near-duplicate documents: band hashes find candidates, sketches verify them, and of each cluster the anchors stay."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import ClassVar, Literal

import apache_beam as beam
import numpy as np
import pyarrow as pa

from curate.dedup.clusters import anchor_threshold
from curate.dedup.minhash import MinHashConfig, minhash_keys
from curate.document import Document, Rejection
from pipelines.dedup.alarms import lost_shares
from pipelines.dedup.distributed import cluster_distributed
from pipelines.dedup.index import Piece, index_slices, read_manifest
from pipelines.dedup.keep_first import site
from pipelines.dedup.one_process import cluster_slices
from pipelines.dedup.order import Preference, rank_key, seconds
from pipelines.io import files, sealed
from pipelines.steps.base import MEMORY, CorpusStep, KeySlice, Losers, RunError, read_losers

LARGE_SHARE = 0.02  # of all documents: a cluster or a bucket of this share is an alarm
LEAST = 20  # documents in it, at least
BYTES_PER_DOCUMENT = 64  # that one process holds of a document: its rank, and of many documents pairs and addresses


@dataclass(frozen=True, slots=True)
class MinHashDedupConfig:
    """How near duplicates are found, from which similarity documents are, and which copy stays.

    ``threshold`` is the Jaccard similarity of two documents, in (0, 1]; it chooses the bands and rows unless
    ``minhash`` does. ``keep`` and ``sources`` are those of url_dedup. ``index`` names sketches (their
    ``sketch.json``) of earlier corpora, whose documents come before all of these: what is like one of them goes.
    ``clustering`` chooses where: in one process, on all workers of a cluster, or by size; the result is the same.
    """

    threshold: float = 0.8
    minhash: MinHashConfig | None = None
    keep: tuple[Preference, ...] = ("newest",)
    sources: tuple[str, ...] = ()
    index: tuple[str, ...] = ()
    clustering: Literal["auto", "one_process", "distributed"] = "auto"

    def __post_init__(self) -> None:
        chosen = MinHashConfig.for_threshold(self.threshold)
        object.__setattr__(self, "minhash", self.minhash or chosen)

    @property
    def hashing(self) -> MinHashConfig:
        """How keys are made: ``minhash``, given or chosen."""
        assert self.minhash
        return self.minhash


class MinHashDedup(CorpusStep):
    """Of each cluster of near duplicates the anchors stay, the first in the order above all."""

    config = MinHashDedupConfig
    key_settings = ("minhash", "keep", "sources")
    schema: ClassVar[pa.Schema] = pa.schema(
        [
            ("bands", pa.binary()),
            ("sketch", pa.binary()),
            ("rank", pa.binary()),
            ("date", pa.int64()),
            ("source", pa.string()),
            ("site", pa.string()),
        ]
    )
    losers_from_keys = False
    shuffles = "nothing: band hashes are sorted where they lie"

    def check(self, config: MinHashDedupConfig) -> None:
        """Read the manifests of the sketches."""
        for path in config.index:
            read_manifest(path, config.hashing)

    def describe(self, config: MinHashDedupConfig, folder: str) -> list[str]:
        """Show the S-curve, and the bytes that each stage went over."""
        hashing = config.hashing
        curve = ", ".join(f"{j:.1f}: {hashing.candidate_probability(j):.1%}" for j in (0.4, 0.5, 0.6, 0.7, 0.8, 0.9))
        found = [
            f"{hashing.ngram}-grams, {hashing.bands} bands of {hashing.rows} rows; probability that two documents of a "
            f"similarity become a candidate pair: {curve}; then pairs are verified from {config.threshold:.2f}, "
            f"and each document with the anchor that stays for it from {anchor_threshold(config.threshold):.2f}"
        ]
        path = files.join(folder, "account.json")
        with suppress(files.DamagedError, OSError):  # there is none before the decision
            account = sealed.peek_json(path)
            each = {k: n / max(account["documents"], 1) for k, n in account["stage_bytes"].items()}
            found.append("bytes per document: " + ", ".join(f"{stage} {n:,.0f}" for stage, n in each.items()))
        return found

    def needs(self, config: MinHashDedupConfig) -> Sequence[str]:
        """Scores, where the best copy stays."""
        return ("quality",) if "quality" in config.keep else ()

    def key_function(self, config: MinHashDedupConfig) -> Callable[[Document], tuple]:
        """Take band hashes and sketch, the place in the order, the date, and for alarms the source and the site."""
        rank, hashing = rank_key(config.keep, config.sources), config.hashing

        def key(document: Document) -> tuple:
            bands, sketch = minhash_keys(document.text, hashing)
            place = rank(document)
            return bands.tobytes(), sketch.tobytes(), place, seconds(document.date), document.source, site(document.url)

        return key

    def decide_all(
        self,
        config: MinHashDedupConfig,
        slices: Sequence[KeySlice],
        folder: str,
        pipeline: Callable[[], beam.Pipeline],
        memory: int = MEMORY,
        far: bool = False,
    ) -> None:
        """Cluster in one process, or on the runner's workers where there are some and the documents are too many."""
        try:
            index = with_index(config, ())  # here, where an error can be said
        except ValueError as e:
            raise RunError(str(e)) from None
        documents = sum(s.count()[0] for s in slices)
        if config.clustering == "distributed" or (
            config.clustering == "auto" and far and documents * BYTES_PER_DOCUMENT > memory
        ):
            pieces = [*index, *slices]
            account = cluster_distributed(pieces, config.hashing.bands, config.threshold, folder, pipeline)
            sealed.write_json(files.join(folder, "account.json"), asdict(account))
        else:
            with pipeline() as p:
                _ = p | beam.Create(list(slices)) | "OneProcess" >> OneProcess(config, index, folder, memory)
        sealed.write_json(files.join(folder, "warnings.json"), self.warn(config, slices, folder))

    def warn(self, config: MinHashDedupConfig, slices: Sequence[KeySlice], folder: str) -> list[str]:
        """Say which cluster or bucket holds a large share of the corpus, and which sources and sites are lost."""
        account = sealed.read_json(files.join(folder, "account.json"))
        documents, found = account["documents"], []
        for name, size, hint in (
            (
                "cluster",
                account["largest_cluster"],
                f"look at document {account['largest_cluster_first']}, first in it",
            ),
            ("bucket of a band", account["largest_bucket"], "its documents share a template, or are nearly empty"),
        ):
            if size >= LEAST and size > LARGE_SHARE * documents:
                found.append(f"one {name} holds {size:,} of {documents:,} documents ({size / documents:.1%}): {hint}")
        return found + lost_shares(slices, folder)

    def losers(self, config: MinHashDedupConfig, folder: str, index: int, keys: pa.Table | None) -> Losers:
        """Return every document but the anchors, with its similarity to the anchor that stays for it."""
        rows = read_losers(folder, index)
        limit = anchor_threshold(config.threshold)

        def rejection(i: int) -> Rejection:
            kept, cluster = rows["kept"][i].tobytes().hex(), rows["cluster"][i].tobytes().hex()
            detail = f"{kept} stays, cluster {cluster} of {rows['size'][i]}"
            return Rejection("near_duplicate", round(float(rows["similarity"][i]), 4), limit, detail)

        return Losers(rows["row"].astype(np.int64), rejection)


def with_index(config: MinHashDedupConfig, slices: Sequence[KeySlice]) -> list[Piece]:
    """Return the parts of the sketches that the settings name, and then the slices.

    Raises:
        ValueError: a sketch that cannot be read, is damaged or was made in another way.
    """
    return [*index_slices(config.index, config.hashing, 8 * (len(config.keep) + 3)), *slices]


class OneProcess(beam.PTransform):
    """Cluster all slices where the last of them arrives, those of sketches before them, in a given memory."""

    def __init__(self, config: MinHashDedupConfig, index: Sequence[Piece], folder: str, memory: int) -> None:
        super().__init__()
        self.config, self.index, self.folder, self.memory = config, index, folder, memory

    def expand(self, slices: beam.PCollection[KeySlice]) -> beam.PCollection:
        """Shuffle the slices' names."""
        return (
            slices
            | "OnePlace" >> beam.Map(lambda s: (0, s)).with_output_types(tuple[int, KeySlice])
            | "Together" >> beam.GroupByKey()
            | "Cluster" >> beam.Map(_cluster, self.config, self.index, self.folder, self.memory)
        )


def _cluster(
    together: tuple[int, Iterable[KeySlice]],
    config: MinHashDedupConfig,
    index: Sequence[Piece],
    folder: str,
    memory: int,
) -> None:
    pieces = [*index, *sorted(together[1], key=lambda s: s.index)]
    account = cluster_slices(pieces, config.hashing.bands, config.threshold, folder, memory)
    sealed.write_json(files.join(folder, "account.json"), asdict(account))
