"""Quality cut: keep the best share of the documents within each language and domain."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import apache_beam as beam
import numpy as np
import pyarrow as pa

from curate.bounds import Count, Field, Share
from curate.document import Document, Rejection
from curate.mixing.histogram import add_blocks, add_histograms, histogram
from pipelines.steps.base import (
    Applied,
    CorpusStep,
    DecisionTable,
    KeySource,
    RunError,
    from_settings,
    label_of,
    table_at,
    table_part,
    value_of,
)

BINS = 65_536  # `quality` is ranked to 1/65,535, so that a small histogram gives an exact percentile
NO_SCORE = -(2**31)  # bin of a document without a score, and cut of a group that is not cut
CUTS = "cuts"  # address of the cut of each group


@dataclass(frozen=True, slots=True)
class QualityCut(CorpusStep):
    """Keep the best ``keep`` share of each group of documents that agree in all fields of ``within``.

    Scores are not comparable between languages, nor between prose and code. A group of fewer than ``min_documents``
    (curate's own value) is too small to say what is usual and loses none. Documents without a score (NaN) are kept.
    ``score`` and ``within`` name document fields or columns; scores in a column are ranked to one part in 32,768.
    """

    keep: Share = 0.4
    within: tuple[Field, ...] = ("language", "domain")
    min_documents: Count = 100
    score: Field = "quality"

    key_settings: ClassVar = ("within", "score")
    shuffles: ClassVar = "a histogram per slice"
    key_schema: ClassVar = pa.schema([("group", pa.string()), ("bin", pa.int32()), ("score", pa.float64())])

    @from_settings
    def reads(self) -> frozenset[str]:
        """The score."""
        return frozenset({self.score})

    @from_settings
    def assumes(self) -> dict[str, str]:
        """The fields that groups are made of; a field that no step writes makes no difference."""
        return {name: f"all documents are of one {name}" for name in self.within}

    def key(self) -> Callable[[Document], tuple]:
        """Build the function that extracts the group, the bin of the score, and the score."""
        bin_of = quality_bin if self.score == "quality" else column_bin

        def key(document: Document) -> tuple:
            group = "/".join(label_of(document, name) for name in self.within)
            score = _number(value_of(document, self.score), self.score)
            return group, NO_SCORE if math.isnan(score) else bin_of(score), score

        return key

    def decide(self, keys: beam.PCollection[KeySource]) -> beam.PCollection[tuple[str, bytes]]:
        """Shuffle one histogram per slice and group, at most; workers add up their own before."""
        return (
            keys
            | "Histograms" >> beam.FlatMap(_histograms).with_output_types(tuple[str, bytes])
            | "Groups" >> beam.CombinePerKey(add_blocks).with_output_types(tuple[str, bytes])
            | "Cut" >> beam.Map(_cut, self).with_output_types(tuple[str, dict[str, Any]])
            | "OneTable" >> beam.combiners.ToList()
            | "Table" >> beam.Map(lambda t: table_part(CUTS, dict(sorted(t)))).with_output_types(tuple[str, bytes])
        )

    def warnings(self, decision: DecisionTable, keys: Sequence[KeySource]) -> list[str]:
        """Warn if most documents are in groups that are too small to be cut.

        Raises:
            RunError: no document has a score in the column that ``score`` names.
        """
        groups = table_at(decision, CUTS).values()
        if self.score != "quality" and groups and not any(g["documents"] for g in groups):
            raise RunError(
                f"quality_cut: no document has a number in the column {self.score}; set score to another column"
            )
        documents = sum(g["documents"] for g in groups)
        spared = sum(g["documents"] for g in groups if g["documents"] < self.min_documents)
        if self.keep == 1 or spared <= documents / 2:
            return []
        return [
            f"{spared:,} of {documents:,} documents were not cut, because their groups (by {', '.join(self.within)}) "
            f"have fewer than min_documents = {self.min_documents} documents"
        ]

    def apply(self, decision: DecisionTable, keys: KeySource) -> Applied:
        """Reject the documents below their group's cut."""
        cuts = table_at(decision, CUTS)
        numbers, table = keys.load()
        groups = table["group"].to_pylist()
        limit = np.array([cuts[g]["bin"] if g in cuts else NO_SCORE for g in groups], np.int64)
        bins, scores = table["bin"].to_numpy(), table["score"].to_numpy()
        below = np.flatnonzero((bins != NO_SCORE) & (bins < limit))

        def rejection(i: int) -> Rejection:
            row = below[i]
            return Rejection("below_cut", float(scores[row]), float(score_of(int(limit[row]), self.score)))

        return Applied(numbers[below], rejection)


def quality_bin(score: float) -> int:
    """Return the bin of a score from 0 to 1.

    >>> quality_bin(0.0), quality_bin(1.0)
    (0, 65535)
    """
    return round(min(max(score, 0.0), 1.0) * (BINS - 1))


def column_bin(score: float) -> int:
    """Return the bin of any number: its float32 without the last 8 bits, as an integer that sorts like the numbers.

    >>> column_bin(-1.0) < column_bin(0.0) < column_bin(0.5) < column_bin(5)
    True
    """
    bits = int(np.float32(score).view(np.int32))
    return (bits if bits >= 0 else -(bits & 0x7FFFFFFF)) >> 8


def score_of(bin: int, field: str) -> float:
    """Return the lowest score of a bin."""
    if field == "quality":
        return bin / (BINS - 1)
    bits = bin << 8
    return float(np.int32(bits if bits >= 0 else -bits | -(2**31)).view(np.float32))


def _number(value: Any, name: str) -> float:
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name} is {value!r:.100}, not a number")
    return float(value)


def _histograms(keys: KeySource) -> Iterator[tuple[str, bytes]]:
    _, table = keys.load()
    groups = np.array(table["group"].to_pylist(), dtype=object)
    bins = table["bin"].to_numpy()
    for group in sorted(set(groups)):
        mine = bins[(groups == group) & (bins != NO_SCORE)]
        yield group, histogram(mine)


def _cut(histograms: tuple[str, bytes], step: QualityCut) -> tuple[str, dict[str, Any]]:
    """Return the bin at which a group is cut, and its number of documents with a score."""
    group, block = histograms
    bins, counts = add_histograms([block])
    total = int(counts.sum())
    if not total or total < step.min_documents:
        return group, {"bin": NO_SCORE, "documents": total}
    from_top = np.cumsum(counts[::-1])
    enough = int(np.searchsorted(from_top, np.ceil(total * step.keep)))
    return group, {"bin": int(bins[len(bins) - 1 - enough]), "documents": total}
