"""Quality cut: the best share of the documents stays, within each language and domain."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import apache_beam as beam
import numpy as np
import pyarrow as pa

from curate.bounds import Count, Share
from curate.document import Document, Rejection
from pipelines.io import files, sealed
from pipelines.steps.base import CorpusStep, KeySlice, Losers, add_histograms, histogram

BINS = 65_536  # scores are ranked to 1/65,535: a histogram makes the percentile exact and small


@dataclass(frozen=True, slots=True)
class QualityCutConfig:
    """Keep the best ``keep`` share within each group of documents that agree in all of ``within``.

    Scores of different languages do not compare, nor those of prose and code. A group of fewer than ``min_documents``
    (ours) says little about what is usual and loses none; documents without a score (NaN) stay.
    """

    keep: Share = 0.4
    within: tuple[Literal["language", "domain", "source"], ...] = ("language", "domain")
    min_documents: Count = 100


class QualityCut(CorpusStep):
    """Cuts at the score that leaves the wanted share; ties at the cut stay."""

    config = QualityCutConfig
    key_settings = ("within",)
    shuffles = "a histogram per slice"
    schema: ClassVar[pa.Schema] = pa.schema([("group", pa.string()), ("bin", pa.int32()), ("score", pa.float64())])

    def needs(self, config: QualityCutConfig) -> Sequence[str]:
        """Scores."""
        return ("quality",)

    def key_function(self, config: QualityCutConfig) -> Callable[[Document], tuple]:
        """Take the group, the rank of the score, and the score."""

        def key(document: Document) -> tuple:
            group = "/".join(getattr(document, name) for name in config.within)
            score = document.quality
            return group, -1 if np.isnan(score) else round(min(max(score, 0.0), 1.0) * (BINS - 1)), score

        return key

    def decide(self, config: QualityCutConfig, keys: beam.PCollection[KeySlice], folder: str) -> None:
        """Shuffle one histogram per slice and group."""
        _ = (
            keys
            | "Histograms" >> beam.FlatMap(_histograms).with_output_types(tuple[str, bytes])
            | "Groups" >> beam.GroupByKey()
            | "Cut" >> beam.Map(_cut, config).with_output_types(tuple[str, dict[str, int]])
            | "OneTable" >> beam.combiners.ToList()
            | "Write"
            >> beam.Map(lambda t, path: sealed.write_json(path, dict(sorted(t))), files.join(folder, "cuts.json"))
        )

    def warn(self, config: QualityCutConfig, slices: Sequence[KeySlice], folder: str) -> list[str]:
        """Say where most documents are in groups that are too small to be cut."""
        groups = sealed.read_json(files.join(folder, "cuts.json")).values()
        documents = sum(g["documents"] for g in groups)
        spared = sum(g["documents"] for g in groups if g["documents"] < config.min_documents)
        if config.keep == 1 or spared <= documents / 2:
            return []
        return [
            f"{spared:,} of {documents:,} documents were not cut: they are in groups (by {', '.join(config.within)}) "
            f"of fewer than min_documents, {config.min_documents}"
        ]

    def losers(self, config: Any, folder: str, index: int, keys: pa.Table | None) -> Losers:
        """Return the documents of the slice below their group's cut."""
        assert keys is not None
        cuts = sealed.read_json(files.join(folder, "cuts.json"))
        limit = np.array([cuts[g]["bin"] if g in cuts else 0 for g in keys["group"].to_pylist()])
        bins, scores = keys["bin"].to_numpy(), keys["score"].to_numpy()
        rows = np.flatnonzero((bins >= 0) & (bins < limit))
        return Losers(
            rows, lambda i: Rejection("below_cut", float(scores[rows[i]]), float(limit[rows[i]] / (BINS - 1)))
        )


def _histograms(keys: KeySlice) -> Iterator[tuple[str, bytes]]:
    _, table = keys.load()
    groups = np.array(table["group"].to_pylist(), dtype=object)
    bins = table["bin"].to_numpy()
    for group in sorted(set(groups)):
        mine = bins[(groups == group) & (bins >= 0)]
        yield group, histogram(mine)


def _cut(histograms: tuple[str, Iterable[bytes]], config: QualityCutConfig) -> tuple[str, dict[str, int]]:
    """Return the bin of a group's cut, and how many documents with a score it has."""
    group, blocks = histograms
    counts = add_histograms(blocks, BINS)
    total = int(counts.sum())
    if not total or total < config.min_documents:
        return group, {"bin": 0, "documents": total}
    from_top = np.cumsum(counts[::-1])
    enough = int(np.searchsorted(from_top, np.ceil(total * config.keep)))
    return group, {"bin": BINS - 1 - enough, "documents": total}
