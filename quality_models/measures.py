"""How well scores rank and predict: ROC and precision-recall curves, their areas, calibration.

Curves and areas take targets as an array of bool and scores of any range; equal scores are treated as one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from curate.quality.agreement import spearman as spearman

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def roc_auc(positive: Bools, scores: Floats) -> float:
    """Return the area under the ROC curve: how often a positive scores above a negative, ties half; NaN without either.

    >>> roc_auc(np.array([False, True, True]), np.array([0.1, 0.1, 0.9]))
    0.75
    """
    p, n = int(positive.sum()), int((~positive).sum())
    if not p or not n:
        return float("nan")
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    return float((ranks[positive].sum() - p * (p + 1) / 2) / (p * n))


def roc_curve(positive: Bools, scores: Floats) -> tuple[Floats, Floats]:
    """Return false and true positive rates for every limit, from the strictest to the loosest.

    >>> roc_curve(np.array([False, True]), np.array([0.2, 0.8]))[1].tolist()
    [0.0, 1.0, 1.0]
    """
    hits, taken = _taken(positive, scores)
    false = (taken - hits) / max(int((~positive).sum()), 1)
    return np.r_[0.0, false], np.r_[0.0, hits / max(int(positive.sum()), 1)]


def precision_recall(positive: Bools, scores: Floats) -> tuple[Floats, Floats]:
    """Return precision and recall for every limit, from the strictest to the loosest.

    >>> precision_recall(np.array([False, True]), np.array([0.2, 0.8]))[0].tolist()
    [1.0, 0.5]
    """
    hits, taken = _taken(positive, scores)
    return hits / taken, hits / max(int(positive.sum()), 1)


def average_precision(positive: Bools, scores: Floats) -> float:
    """Return the area under the precision-recall curve, by steps.

    >>> average_precision(np.array([False, True]), np.array([0.2, 0.8]))
    1.0
    """
    precision, recall = precision_recall(positive, scores)
    return float((precision * np.diff(recall, prepend=0.0)).sum())


def _taken(positive: Bools, scores: Floats) -> tuple[Floats, Floats]:
    """Return the numbers of positives and of documents at or above each distinct score, from the highest down."""
    order = np.argsort(-scores, kind="stable")
    last = np.flatnonzero(np.r_[np.diff(scores[order]) != 0, True])
    return np.cumsum(positive[order])[last].astype(np.float64), (last + 1).astype(np.float64)


def calibration(targets: Floats, scores: Floats, bins: int = 10) -> list[tuple[float, float, int]]:
    """Return mean score, mean target and number of documents for each bin of scores that is not empty.

    >>> calibration(np.array([0.0, 1.0]), np.array([0.25, 0.75]), bins=2)
    [(0.25, 0.0, 1), (0.75, 1.0, 1)]
    """
    place = np.minimum((scores * bins).astype(np.int64), bins - 1)
    rows = []
    for b in range(bins):
        here = place == b
        if here.any():
            rows.append((float(scores[here].mean()), float(targets[here].mean()), int(here.sum())))
    return rows


def calibration_error(targets: Floats, scores: Floats) -> float:
    """Return the expected calibration error: the distance of mean target and mean score per bin, over all documents.

    >>> calibration_error(np.array([0.0, 1.0]), np.array([0.25, 0.75]))
    0.25
    """
    return sum(abs(score - target) * n for score, target, n in calibration(targets, scores)) / max(len(scores), 1)
