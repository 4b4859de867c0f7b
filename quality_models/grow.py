"""Grow a random forest of regression trees (Breiman 2001), always the same for the same input.

For targets 0 and 1, the reduction of variance that chooses a split is the reduction of Gini impurity, so the same code
works for classes and scores.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curate.models.forest import Forest
from quality_models.bins import cut_into_bins
from quality_models.grow_kernels import grow_tree


@dataclass(frozen=True, slots=True)
class GrowConfig:
    """Size and randomness of a forest; the defaults are curate's own values.

    ``min_leaf`` is the least number of documents in a leaf, ``tries`` the number of features tried for each split (0: a
    third of them), ``seed`` chooses samples and features.
    """

    trees: int = 120
    min_leaf: int = 10
    depth: int = 16
    tries: int = 0
    seed: int = 1


def grow_forest(
    names: tuple[str, ...],
    rows: NDArray[np.float64],
    targets: NDArray[np.float64],
    weights: NDArray[np.float64],
    config: GrowConfig = GrowConfig(),
) -> Forest:
    """Grow a forest, each tree on a bootstrap sample of the documents.

    Args:
        names: of the columns.
        rows: features, float64 [n, len(names)], no NaN.
        targets: what to predict, float64 [n].
        weights: of each document, float64 [n], > 0.
        config: size and randomness.
    """
    n, columns = rows.shape
    edges, binned = cut_into_bins(rows)
    tries = config.tries or max(1, columns // 3)
    random = np.random.default_rng(config.seed)
    parts, roots, start = [], [], 0
    for _ in range(config.trees):
        counts = np.bincount(random.integers(0, n, n), minlength=n)
        seed = int(random.integers(1, 1 << 62))
        feature, value, left = grow_tree(
            binned, edges, targets, weights * counts, counts, config.min_leaf, config.depth, tries, seed
        )
        parts.append((feature, value, np.where(feature >= 0, left + start, 0).astype(np.int32)))
        roots.append(start)
        start += len(feature)
    feature, value, left = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Forest(names, np.array(roots, np.int32), feature, value, left)
