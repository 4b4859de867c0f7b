"""Grow a boosted forest: each tree a Newton step towards lower cross-entropy (Friedman 2001; Chen and Guestrin 2016).

Trees grow best split first, on histograms of 255 bins (Ke et al. 2017). The same rows and seed give the same forest.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curate.models.forest import Forest
from quality_models.bins import cut_into_bins
from quality_models.boost_kernels import grow, leaves


@dataclass(frozen=True, slots=True)
class BoostConfig:
    """Size and randomness of a boosted forest.

    ``trees`` is the number of trees, ``leaves`` that of leaves per tree; ``rate`` is the learning rate; a leaf has at
    least ``min_leaf`` rows; ``rows`` and ``columns`` are the shares of both that each tree uses; ``smooth`` is added to
    the curvature of every leaf (L2); ``seed`` chooses rows and columns.
    """

    trees: int = 250
    leaves: int = 15
    rate: float = 0.08
    min_leaf: int = 40
    rows: float = 0.7
    columns: float = 0.4
    smooth: float = 5.0
    seed: int = 1


def boost(
    names: tuple[str, ...],
    rows: NDArray[np.float64],
    targets: NDArray[np.float64],
    weights: NDArray[np.float64],
    config: BoostConfig,
) -> Forest:
    """Grow a forest whose trees add up to the logit of the target.

    Args:
        names: of the columns.
        rows: features, float64 [n, len(names)], no NaN.
        targets: shares in [0, 1], float64 [n].
        weights: of each row, float64 [n], > 0.
        config: size and randomness.
    """
    n, columns = rows.shape
    edges, by_column = cut_into_bins(rows, np.float32)
    binned = np.ascontiguousarray(by_column.T)
    mean = np.average(targets, weights=weights)
    logits = np.full(n, np.log(mean / (1 - mean)))
    features, values, lefts = [np.array([-1], np.int16)], [logits[:1].copy()], [np.zeros(1, np.int32)]
    roots, start = [0], 1
    random = np.random.default_rng(config.seed)
    for _ in range(config.trees):
        chance = 1 / (1 + np.exp(-logits))
        slope, curve = weights * (targets - chance), weights * chance * (1 - chance)
        sample = np.flatnonzero(random.random(n) < config.rows)
        chosen = np.sort(random.permutation(columns)[: max(1, int(columns * config.columns))])
        feature, place, left, value = grow(
            binned, slope, curve, sample, chosen, config.leaves, config.min_leaf, config.smooth
        )
        value *= config.rate
        logits += value[leaves(binned, feature, place, left)]
        inner = feature >= 0
        value[inner] = edges[feature[inner], place[inner]]
        features.append(feature)
        values.append(value)
        lefts.append(np.where(inner, left + start, 0).astype(np.int32))
        roots.append(start)
        start += len(feature)
    joined = np.concatenate(features), np.concatenate(values), np.concatenate(lefts)
    return Forest(names, np.array(roots, np.int32), *joined)
