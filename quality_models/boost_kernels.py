"""Grow one tree of a boosted forest on histograms, best split first."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from curate.text.compiled import kernel
from quality_models.bins import BINS


@kernel
def _histogram(
    binned: NDArray[np.uint8],
    slope: NDArray[np.float64],
    curve: NDArray[np.float64],
    order: NDArray[np.int64],
    first: int,
    last: int,
    chosen: NDArray[np.int64],
    out: NDArray[np.float64],
) -> None:
    out[:] = 0.0
    for k in range(first, last):
        i = order[k]
        for c in range(len(chosen)):
            place = binned[i, chosen[c]]
            out[c, place, 0] += slope[i]
            out[c, place, 1] += curve[i]
            out[c, place, 2] += 1.0


@kernel
def _best_split(
    histogram: NDArray[np.float64], chosen: NDArray[np.int64], min_leaf: int, smooth: float
) -> tuple[float, int, int]:
    """Return gain, column index and bin of the best split; gain 0 if there is none."""
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
def grow(
    binned: NDArray[np.uint8],
    slope: NDArray[np.float64],
    curve: NDArray[np.float64],
    sample: NDArray[np.int64],
    chosen: NDArray[np.int64],
    leaves: int,
    min_leaf: int,
    smooth: float,
) -> tuple[NDArray[np.int16], NDArray[np.int64], NDArray[np.int32], NDArray[np.float64]]:
    """Grow one tree; return column, bin, left child and Newton step of each node, children after their parents."""
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
def leaves(
    binned: NDArray[np.uint8], feature: NDArray[np.int16], place: NDArray[np.int64], left: NDArray[np.int32]
) -> NDArray[np.int64]:
    """Return the leaf of each row."""
    out = np.empty(len(binned), np.int64)
    for i in range(len(binned)):
        node = 0
        while feature[node] >= 0:
            node = left[node] if binned[i, feature[node]] <= place[node] else left[node] + 1
        out[i] = node
    return out
