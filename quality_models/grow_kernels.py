"""Grow one tree of a random forest."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from curate.text.compiled import kernel
from quality_models.bins import BINS


@kernel
def grow_tree(
    binned: NDArray[np.uint8],
    edges: NDArray[np.float64],
    targets: NDArray[np.float64],
    weights: NDArray[np.float64],
    counts: NDArray[np.int64],
    min_leaf: int,
    max_depth: int,
    tries: int,
    seed: int,
) -> tuple[NDArray[np.int16], NDArray[np.float64], NDArray[np.int32]]:
    """Grow one tree; return its nodes, children after their parents."""
    columns, n = binned.shape
    room = 2 * (n // min_leaf + 1) + 1
    feature = np.full(room, -1, np.int16)
    value = np.zeros(room, np.float64)
    left = np.zeros(room, np.int32)
    # `order` has the documents of each node next to each other, from first[node] to last[node].
    order = np.flatnonzero(counts)
    spare = np.empty(n, np.int64)
    first = np.zeros(room, np.int64)
    last = np.zeros(room, np.int64)
    depth = np.zeros(room, np.int64)
    last[0] = len(order)
    nodes = 1
    choice = np.arange(columns)
    node_weight = np.empty(256, np.float64)
    node_sum = np.empty(256, np.float64)
    node_count = np.empty(256, np.int64)
    state = np.uint64(seed)
    node = 0
    while node < nodes:
        total_weight, total_sum, total_count = 0.0, 0.0, 0
        for k in range(first[node], last[node]):
            i = order[k]
            total_weight += weights[i]
            total_sum += weights[i] * targets[i]
            total_count += counts[i]
        value[node] = total_sum / total_weight if total_weight > 0 else 0.0
        best_gain, best_column, best_bin = 1e-12 * max(total_weight, 1.0), -1, 0
        if depth[node] < max_depth and total_count >= 2 * min_leaf:
            for attempt in range(min(tries, columns)):
                # a step of Fisher-Yates with xorshift64 (Marsaglia 2003), the same on every machine
                state ^= state << np.uint64(13)
                state ^= state >> np.uint64(7)
                state ^= state << np.uint64(17)
                swap = attempt + np.int64(state % np.uint64(columns - attempt))
                choice[attempt], choice[swap] = choice[swap], choice[attempt]
                column = choice[attempt]
                node_weight[:] = 0.0
                node_sum[:] = 0.0
                node_count[:] = 0
                for k in range(first[node], last[node]):
                    i = order[k]
                    place = binned[column, i]
                    node_weight[place] += weights[i]
                    node_sum[place] += weights[i] * targets[i]
                    node_count[place] += counts[i]
                left_weight, left_sum, left_count = 0.0, 0.0, 0
                for place in range(BINS - 1):
                    left_weight += node_weight[place]
                    left_sum += node_sum[place]
                    left_count += node_count[place]
                    if left_count < min_leaf or node_count[place] == 0:
                        continue
                    if total_count - left_count < min_leaf:
                        break
                    right_weight, right_sum = total_weight - left_weight, total_sum - left_sum
                    gain = left_sum * left_sum / left_weight + right_sum * right_sum / right_weight
                    gain -= total_sum * total_sum / total_weight
                    if gain > best_gain:
                        best_gain, best_column, best_bin = gain, column, place
        if best_column >= 0:
            low, high = first[node], 0
            for k in range(first[node], last[node]):
                i = order[k]
                if binned[best_column, i] <= best_bin:
                    order[low] = i
                    low += 1
                else:
                    spare[high] = i
                    high += 1
            for k in range(high):
                order[low + k] = spare[k]
            feature[node] = best_column
            value[node] = edges[best_column, best_bin]
            left[node] = nodes
            first[nodes], last[nodes] = first[node], low
            first[nodes + 1], last[nodes + 1] = low, last[node]
            depth[nodes] = depth[nodes + 1] = depth[node] + 1
            nodes += 2
        node += 1
    return feature[:nodes], value[:nodes], left[:nodes]
