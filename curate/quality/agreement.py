"""How well decisions about documents agree with judgements of them: precision, recall, rank correlation, labels.

>>> outcomes = [Outcome(keep=1, kept=True), Outcome(keep=0, kept=True), Outcome(keep=1, reason=("heuristics", "short"))]
>>> found = agreement(outcomes)
>>> found.precision, found.recall, found.f1
(0.5, 0.5, 0.5)
>>> found.rejected_by
{('heuristics', 'short'): Judgements(good=1, borderline=0, bad=0)}
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

GOOD, BORDERLINE, BAD = 1.0, 0.5, 0.0  # what a judge says of a document: keep it, either way, do not keep it
LEAST = 20  # pages of a group that has a rank correlation of its own, which is noise below; curate's own value
ALL, OTHERS = "all", "others"  # groups of languages: all pages, and those of languages with fewer than `LEAST` pages


@dataclass(frozen=True, slots=True)
class Outcome:
    """A judged document, and what became of it.

    Attributes:
        keep: the judgement: `GOOD`, `BORDERLINE` or `BAD`.
        kept: whether the document was kept.
        reason: step and rule that rejected it; ("", "") if it was kept.
        quality: the score of a kept document; NaN without one.
        judged_quality: what the judge gave instead, on any scale; NaN if nothing.
        language: its language; "" if unknown.
        labels: by name, what the judge says and what was found.
    """

    keep: float
    kept: bool = False
    reason: tuple[str, str] = ("", "")
    quality: float = math.nan
    judged_quality: float = math.nan
    language: str = ""
    labels: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)

    @property
    def wrong(self) -> bool:
        """Whether the decision contradicts the judgement; borderline documents may be kept or rejected."""
        return self.keep == (BAD if self.kept else GOOD)


@dataclass(frozen=True, slots=True)
class Judgements:
    """Numbers of documents by judgement."""

    good: int = 0
    borderline: int = 0
    bad: int = 0

    @classmethod
    def of(cls, outcomes: Iterable[Outcome]) -> Judgements:
        """Count the judgements of some documents."""
        counts = Counter(outcome.keep for outcome in outcomes)
        return cls(counts[GOOD], counts[BORDERLINE], counts[BAD])


@dataclass(frozen=True, slots=True)
class Correlation:
    """The rank correlation of found and judged quality over a number of kept documents."""

    rho: float
    documents: int


@dataclass(frozen=True, slots=True)
class LabelAgreement:
    """Of the kept documents that a judge gave a label, those that have the same one."""

    same: int
    documents: int


@dataclass(frozen=True, slots=True)
class Agreement:
    """How decisions agree with judgements.

    Attributes:
        kept: judgements of the documents that were kept.
        rejected: judgements of those that were rejected.
        rejected_by: the latter by step and rule, those that reject the most good documents first.
        correlations: rank correlations of quality by language: `ALL`, each language with `LEAST` documents or more, and
            `OTHERS`. Only kept documents have a quality.
        labels: agreement of labels, by name.
    """

    kept: Judgements
    rejected: Judgements
    rejected_by: Mapping[tuple[str, str], Judgements]
    correlations: Mapping[str, Correlation]
    labels: Mapping[str, LabelAgreement]

    @property
    def precision(self) -> float:
        """Share of good documents among the good and bad ones that were kept; NaN if there are none."""
        return _share(self.kept.good, self.kept.good + self.kept.bad)

    @property
    def recall(self) -> float:
        """Share of the good documents that was kept; NaN if there are none."""
        return _share(self.kept.good, self.kept.good + self.rejected.good)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall; NaN without good documents."""
        wrong = self.kept.bad + self.rejected.good
        return (
            _share(2 * self.kept.good, 2 * self.kept.good + wrong) if self.kept.good + self.rejected.good else math.nan
        )


def _share(part: int, whole: int) -> float:
    return part / whole if whole else math.nan


def agreement(outcomes: Sequence[Outcome]) -> Agreement:
    """Compare decisions with judgements.

    Args:
        outcomes: the judged documents.
    """
    kept = [outcome for outcome in outcomes if outcome.kept]
    rejected = [outcome for outcome in outcomes if not outcome.kept]
    reasons = {outcome.reason for outcome in rejected}
    by = {reason: Judgements.of(o for o in rejected if o.reason == reason) for reason in reasons}
    names = sorted({name for outcome in kept for name in outcome.labels})
    return Agreement(
        kept=Judgements.of(kept),
        rejected=Judgements.of(rejected),
        rejected_by=dict(sorted(by.items(), key=lambda entry: (-entry[1].good, -entry[1].bad, entry[0]))),
        correlations=_correlations(kept),
        labels={name: _label_agreement(o.labels[name] for o in kept if name in o.labels) for name in names},
    )


def _correlations(kept: Sequence[Outcome]) -> dict[str, Correlation]:
    scored = [o for o in kept if not (math.isnan(o.quality) or math.isnan(o.judged_quality))]
    counts = Counter(outcome.language for outcome in scored)
    groups: dict[str, list[Outcome]] = {ALL: scored} if scored else {}
    for language, n in sorted(counts.items(), key=lambda entry: (-entry[1], entry[0])):
        if language and n >= LEAST:
            groups[language] = [outcome for outcome in scored if outcome.language == language]
    others = [outcome for outcome in scored if outcome.language not in groups]
    if LEAST <= len(others) < len(scored):
        groups[OTHERS] = others
    return {
        name: Correlation(spearman([o.quality for o in group], [o.judged_quality for o in group]), len(group))
        for name, group in groups.items()
    }


def _label_agreement(pairs: Iterable[tuple[Any, Any]]) -> LabelAgreement:
    same = [judged == found for judged, found in pairs]
    return LabelAgreement(sum(same), len(same))


def spearman(a: ArrayLike, b: ArrayLike) -> float:
    """Return Spearman's rank correlation, ties by mean rank; NaN if either is constant.

    Args:
        a: numbers.
        b: as many numbers.

    >>> round(spearman([1, 2, 3], [10, 30, 20]), 2), spearman([1, 2], [5, 5])
    (0.5, nan)
    """
    ranks = [_ranks(np.asarray(values)) for values in (a, b)]
    if any(not len(r) or np.ptp(r) == 0 for r in ranks):
        return math.nan
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])


def _ranks(values: np.ndarray) -> np.ndarray:
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[place]
