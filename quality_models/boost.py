"""Grow a boosted forest: each tree a Newton step towards lower cross-entropy (Friedman 2001; Chen and Guestrin 2016).

The trees grow best split first on histograms of 255 bins (Ke et al. 2017). The same rows and seed give the same forest.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curate.models.forest import Forest
from curate.text.compiled import kernel
from quality_models.bins import BINS, cut_into_bins


@dataclass(frozen=True, slots=True)
class BoostConfig:
    """Size and randomness of a boosted forest.

    ``trees``, ``leaves`` of each; ``rate`` is the part of a tree's answer that is taken; a leaf holds ``min_leaf`` rows
    or more; ``rows`` and ``columns`` are the parts of both that each tree sees; ``smooth`` is added to the curvature of
    every leaf (L2); ``seed`` chooses rows and columns.
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
    rows: NDArray[np.float64], targets: NDArray[np.float64], weights: NDArray[np.float64], config: BoostConfig
) -> Forest:
    """Grow a forest the sum of whose trees is the logit of the target.

    Args:
        rows: features, float64 [n, columns], no NaN.
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
        feature, place, left, value = _grow(
            binned, slope, curve, sample, chosen, config.leaves, config.min_leaf, config.smooth
        )
        value *= config.rate
        logits += value[_leaves(binned, feature, place, left)]
        inner = feature >= 0
        value[inner] = edges[feature[inner], place[inner]]
        features.append(feature)
        values.append(value)
        lefts.append(np.where(inner, left + start, 0).astype(np.int32))
        roots.append(start)
        start += len(feature)
    names = tuple(map(str, range(columns)))
    joined = np.concatenate(features), np.concatenate(values), np.concatenate(lefts)
    return Forest(names, np.array(roots, np.int32), *joined)


@kernel
def _histogram(binned, slope, curve, order, first, last, chosen, out):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    out[:] = 0.0
    for k in range(first, last):
        i = order[k]
        for c in range(len(chosen)):
            place = binned[i, chosen[c]]
            out[c, place, 0] += slope[i]
            out[c, place, 1] += curve[i]
            out[c, place, 2] += 1.0


@kernel
def _best_split(histogram, chosen, min_leaf, smooth):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Return gain, index of the column, bin of the best split; gain 0 for none."""
    best, best_c, best_bin = 0.0, 0, 0
    for c in range(len(chosen)):
        slope, curve, count = 0.0, 0.0, 0.0
        for place in range(256):
            slope += histogram[c, place, 0]
            curve += histogram[c, place, 1]
            count += histogram[c, place, 2]
        left_slope, left_curve, left_count = 0.0, 0.0, 0.0
        for place in range(BINS):
            left_slope += histogram[c, place, 0]
            left_curve += histogram[c, place, 1]
            left_count += histogram[c, place, 2]
            if left_count < min_leaf or histogram[c, place, 2] == 0:
                continue
            if count - left_count < min_leaf:
                break
            gain = left_slope**2 / (left_curve + smooth) + (slope - left_slope) ** 2 / (curve - left_curve + smooth)
            gain -= slope**2 / (curve + smooth)
            if gain > best:
                best, best_c, best_bin = gain, c, place
    return best, best_c, best_bin


@kernel
def _grow(binned, slope, curve, sample, chosen, leaves, min_leaf, smooth):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Grow one tree; returns column, bin, left child and Newton step of each node, children after their parents."""
    room = 2 * leaves
    feature = np.full(room, -1, np.int16)
    place = np.zeros(room, np.int64)
    left = np.zeros(room, np.int32)
    value = np.zeros(room, np.float64)
    first, last = np.zeros(room, np.int64), np.zeros(room, np.int64)
    gain, gain_c, gain_bin = np.zeros(room), np.zeros(room, np.int64), np.zeros(room, np.int64)
    histograms = np.zeros((room, len(chosen), 256, 3), np.float64)
    order = sample.copy()
    spare = np.empty(len(order), np.int64)
    last[0] = len(order)
    _histogram(binned, slope, curve, order, 0, len(order), chosen, histograms[0])
    gain[0], gain_c[0], gain_bin[0] = _best_split(histograms[0], chosen, min_leaf, smooth)
    nodes = 1
    for _ in range(leaves - 1):
        node = 0
        for other in range(nodes):
            if gain[other] > gain[node]:
                node = other
        if gain[node] <= 0.0:
            break
        column = chosen[gain_c[node]]
        low, high = first[node], 0
        for k in range(first[node], last[node]):
            i = order[k]
            if binned[i, column] <= gain_bin[node]:
                order[low] = i
                low += 1
            else:
                spare[high] = i
                high += 1
        for k in range(high):
            order[low + k] = spare[k]
        feature[node], place[node], left[node], gain[node] = column, gain_bin[node], nodes, 0.0
        first[nodes], last[nodes], first[nodes + 1], last[nodes + 1] = first[node], low, low, last[node]
        smaller = nodes if low - first[node] < high else nodes + 1
        larger = 2 * nodes + 1 - smaller
        _histogram(binned, slope, curve, order, first[smaller], last[smaller], chosen, histograms[smaller])
        histograms[larger] = histograms[node] - histograms[smaller]
        for child in (nodes, nodes + 1):
            gain[child], gain_c[child], gain_bin[child] = _best_split(histograms[child], chosen, min_leaf, smooth)
        nodes += 2
    for node in range(nodes):
        if feature[node] < 0:
            total, bend = 0.0, smooth
            for k in range(first[node], last[node]):
                total += slope[order[k]]
                bend += curve[order[k]]
            value[node] = total / bend
    return feature[:nodes], place[:nodes], left[:nodes], value[:nodes]


@kernel
def _leaves(binned, feature, place, left):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Return the leaf of each row."""
    out = np.empty(len(binned), np.int64)
    for i in range(len(binned)):
        node = 0
        while feature[node] >= 0:
            node = left[node] if binned[i, feature[node]] <= place[node] else left[node] + 1
        out[i] = node
    return out
