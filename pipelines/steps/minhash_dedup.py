"""MinHash deduplication: band hashes find candidates, sketches verify them, and the anchors of a cluster are kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Literal

import apache_beam as beam
import numpy as np
import pyarrow as pa

from curate.bounds import File
from curate.dedup.clusters import anchor_threshold
from curate.dedup.minhash import MinHashConfig, minhash_keys
from curate.document import Document, Rejection
from pipelines.dedup.distributed import cluster_distributed
from pipelines.dedup.index import IndexPart, index_parts, read_manifest
from pipelines.dedup.members import apply_members, by_block, id_of
from pipelines.dedup.one_process import cluster_keys
from pipelines.dedup.order import Preference, fields_of, rank_key, seconds
from pipelines.dedup.stages import Blocks
from pipelines.steps.base import (
    Applied,
    CorpusStep,
    DecisionTable,
    Jobs,
    KeyOptions,
    KeySource,
    RunError,
    from_settings,
    table_at,
    table_part,
)

LARGE_SHARE = 0.02  # share of all documents above which a cluster or bucket raises a warning; curate's own value
LEAST = 20  # smallest cluster or bucket that raises one
BYTES_PER_DOCUMENT = 64  # that one process holds: the rank of each document, pairs and addresses of candidates
CLUSTER_STATS = "account"  # address of `ClusterStats`


@dataclass(frozen=True, slots=True)
class MinHashDedup(CorpusStep):
    """Remove near duplicates: documents whose Jaccard similarity reaches ``threshold``, in (0, 1].

    ``threshold`` also chooses the bands and rows, unless ``minhash`` gives them. ``keep`` and ``sources`` are those of
    exact_dedup. ``index`` names sketches of earlier corpora (folders, or their ``sketch.json``), whose documents come
    before all of these: near duplicates of them are removed. ``clustering`` chooses whether clusters are computed in
    one process, on all workers of a cluster, or by size; the result is the same.
    """

    threshold: float = 0.8
    minhash: MinHashConfig | None = None
    keep: tuple[Preference, ...] = ("canonical", "newest")
    sources: tuple[str, ...] = ()
    index: tuple[File, ...] = ()
    clustering: Literal["auto", "one_process", "distributed"] = "auto"

    writes: ClassVar = frozenset({"cluster", "cluster_size"})
    key_settings: ClassVar = ("minhash", "keep", "sources")
    key_schema: ClassVar = pa.schema(
        [
            ("bands", pa.binary()),
            ("sketch", pa.binary()),
            ("rank", pa.binary()),
            ("date", pa.int64()),
        ]
    )
    removes_copies: ClassVar = True
    by_document: ClassVar = True
    must_reject: ClassVar = True
    judges: ClassVar = False
    shuffles: ClassVar = "nothing: band hashes are sorted in place"

    def __post_init__(self) -> None:
        chosen = MinHashConfig.for_threshold(self.threshold)
        object.__setattr__(self, "minhash", self.minhash or chosen)

    @from_settings
    def reads(self) -> frozenset[str]:
        """The text, and the fields that order documents."""
        return frozenset({"text", *fields_of(self.keep)})

    @property
    def hashing(self) -> MinHashConfig:
        """How keys are made: ``minhash``, or chosen for the threshold."""
        assert self.minhash
        return self.minhash

    def check(self) -> None:
        """Read the manifests of the sketches."""
        for path in self.index:
            read_manifest(path, self.hashing)

    def describe(self, decision: DecisionTable | None = None) -> list[str]:
        """Describe the S-curve, and the bytes that each stage processed."""
        hashing = self.hashing
        curve = ", ".join(f"{j:.1f}: {hashing.candidate_probability(j):.1%}" for j in (0.4, 0.5, 0.6, 0.7, 0.8, 0.9))
        sentences = [
            f"{hashing.ngram}-grams, {hashing.bands} bands of {hashing.rows} rows; probability that two documents "
            f"become a candidate pair, by similarity: {curve}; pairs are verified at {self.threshold:.2f}, "
            f"and each document against its anchor at {anchor_threshold(self.threshold):.2f}"
        ]
        if decision:
            stats = table_at(decision, CLUSTER_STATS)
            each = {k: n / max(stats["documents"], 1) for k, n in stats["stage_bytes"].items()}
            sentences.append("bytes per document: " + ", ".join(f"{stage} {n:,.0f}" for stage, n in each.items()))
        return sentences

    def key(self) -> Callable[[Document], tuple]:
        """Build the function that extracts band hashes, sketch, rank key and date."""
        rank, hashing = rank_key(self.keep, self.sources), self.hashing

        def key(document: Document) -> tuple:
            bands, sketch = minhash_keys(document.text, hashing)
            date = seconds(document.date)
            return bands.tobytes(), sketch.tobytes(), rank(document), date

        return key

    def index_parts(self) -> list[IndexPart]:
        """Return the parts of the sketches that the settings name.

        Raises:
            RunError: a sketch cannot be read, is damaged or was made with other settings.
        """
        try:
            return index_parts(self.index, self.hashing, 8 * (len(self.keep) + 3))
        except ValueError as e:
            raise RunError(str(e)) from None

    def decide(self, keys: beam.PCollection[KeySource]) -> beam.PCollection[tuple[str, bytes]]:
        """Cluster all documents in one worker, within the memory budget; documents of sketches come first."""
        options = keys.pipeline.options.view_as(KeyOptions)
        return (
            keys
            | "OnePlace" >> beam.Map(lambda block: (0, block)).with_output_types(tuple[int, Any])
            | "Together" >> beam.GroupByKey()
            | "Cluster"
            >> beam.FlatMap(
                _cluster, self, self.index_parts(), options.key_memory, options.key_scratch
            ).with_output_types(tuple[str, bytes])
        )

    def takes_several_jobs(self, documents: float, memory: int) -> bool:
        """Return whether to cluster on all workers."""
        too_many = documents * BYTES_PER_DOCUMENT > memory
        return self.clustering == "distributed" or (self.clustering == "auto" and too_many)

    def decide_in_jobs(self, keys: Sequence[KeySource], jobs: Jobs) -> None:
        """Cluster on all workers."""
        blocks = Blocks(tuple(self.index_parts()), keys)
        stats = cluster_distributed(blocks, self.hashing.bands, self.threshold, jobs)
        jobs.write(*table_part(CLUSTER_STATS, asdict(stats)))

    def warnings(self, decision: DecisionTable, keys: Sequence[KeySource]) -> list[str]:
        """Warn of a cluster or bucket that holds much of the corpus."""
        return [*_large_shares(table_at(decision, CLUSTER_STATS))]

    def apply(self, decision: DecisionTable, keys: KeySource) -> Applied:
        """Reject every document but the anchors; the value is its similarity to its anchor."""
        limit = anchor_threshold(self.threshold)

        def rejection(row: np.void) -> Rejection:
            detail = f"{id_of(row['kept'])} stays, cluster {id_of(row['cluster'])} of {row['size']}"
            return Rejection("near_duplicate", round(float(row["similarity"]), 4), limit, detail)

        return apply_members(decision, keys.index, rejection, clusters=True)


def _large_shares(stats: dict[str, Any]) -> Iterator[str]:
    documents = stats["documents"]
    for name, size, hint in (
        ("cluster", stats["largest_cluster"], f"look at its first document, {stats['largest_cluster_first']}"),
        ("bucket of a band", stats["largest_bucket"], "its documents share a template, or are nearly empty"),
    ):
        if size >= LEAST and size > LARGE_SHARE * documents:
            yield f"one {name} holds {size:,} of {documents:,} documents ({size / documents:.1%}): {hint}"


def _cluster(
    together: tuple[int, Iterable[KeySource]],
    step: MinHashDedup,
    index: Sequence[IndexPart],
    memory: int,
    scratch: str | None,
) -> Iterator[tuple[str, bytes]]:
    parts = [*index, *sorted(together[1], key=lambda block: block.index)]
    stats, rows = cluster_keys(parts, step.hashing.bands, step.threshold, memory, scratch)
    yield table_part(CLUSTER_STATS, asdict(stats))
    yield from by_block(rows)
