"""Compiled loops that send rows of features down the trees of a forest.

Many rows are sent down a tree together, without a branch that a processor could mispredict: a set of bits per row, one
for each leaf, loses at each split the leaves that the row cannot reach, and its lowest bit is the leaf (QuickScorer,
Lucchese et al. 2015). Few rows walk down four trees at a time, so that each step need not wait for the one before. Both
add up the leaves in the order of the trees, and so give the same sums as a plain walk, to the last bit.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from curate.text.compiled import kernel

MOST_LEAVES = 64  # of a tree whose leaves are bits
MANY_ROWS = 12  # from which bits are faster than walking; curate's own value
_ALL = np.uint64(2**64 - 1)
# A de Bruijn sequence of 64 bits: its product with a power of two has a different top of six bits for each.
_DE_BRUIJN, _TOP = np.uint64(0x03F79D71B4CB0A89), np.uint64(58)
_PLACES = np.zeros(64, np.int64)
for _bit in range(64):
    _PLACES[((0x03F79D71B4CB0A89 << _bit) % 2**64) >> 58] = _bit

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]
Bits = NDArray[np.uint64]
Numbered = tuple[Longs, Longs, Bits, Floats]


@kernel
def predict_rows(
    rows: Floats, roots: NDArray[np.int32], feature: NDArray[np.int16], value: Floats, left: NDArray[np.int32],
    numbered: Numbered,
) -> Floats:  # fmt: skip
    """Return the mean leaf value over the trees for each row.

    `curate.models.forest.Forest` describes the arrays; ``numbered`` is what `number_leaves` made of them.
    """
    n, trees = rows.shape[0], roots.shape[0]
    if n < MANY_ROWS:
        return _walk_rows(rows, roots, feature, value, left)
    counts, splits, masks, leaves = numbered
    columns = np.ascontiguousarray(rows.T)
    out = np.zeros(n, np.float64)
    bits = np.empty(n, np.uint64)
    for tree in range(trees):
        root = np.int64(roots[tree])
        if counts[tree] < 0:
            for i in range(n):
                out[i] += value[_leaf(rows, i, root, feature, value, left)]
            continue
        bits[:] = _ALL
        for k in range(root, root + counts[tree]):
            node = splits[k]
            _narrow(columns, np.int64(feature[node]), value[node], masks[k], bits)
        for i in range(n):
            lowest = bits[i] & (~bits[i] + np.uint64(1))
            out[i] += leaves[root + _PLACES[(lowest * _DE_BRUIJN) >> _TOP]]
    return out / trees


@kernel
def number_leaves(
    roots: NDArray[np.int32], feature: NDArray[np.int16], value: Floats, left: NDArray[np.int32]
) -> Numbered:
    """Prepare the trees of a forest for sets of bits.

    Returns:
        The number of splits of each tree, -1 if rows must walk down it; from the place of its root on, the node of each
        split, the leaves as bits that a row keeps when it goes right there, and the value of each leaf.
    """
    nodes, trees = len(feature), len(roots)
    counts = np.empty(trees, np.int64)
    splits, masks, leaves = np.zeros(nodes, np.int64), np.zeros(nodes, np.uint64), np.zeros(nodes, np.float64)
    for tree in range(trees):
        root = np.int64(roots[tree])
        stop = np.int64(roots[tree + 1]) if tree + 1 < trees else nodes
        own = splits[root:stop], masks[root:stop], leaves[root:stop]
        counts[tree] = _number_tree(root, stop, feature, value, left, *own)
    return counts, splits, masks, leaves


@kernel
def _number_tree(
    root: int, stop: int, feature: NDArray[np.int16], value: Floats, left: NDArray[np.int32],
    splits: Longs, masks: Bits, leaves: Floats,
) -> int:  # fmt: skip
    """Number the leaves of a tree from left to right, and write the value of each.

    Also writes the node of each split, and the leaves that a row keeps when it goes right there, as bits.

    Returns:
        The number of splits; -1 if the tree has too many leaves, or its nodes do not stand next to each other.
    """
    n = stop - root
    if not 0 < n < 2 * MOST_LEAVES:
        return -1
    size, first = np.empty(n, np.int64), np.zeros(n, np.int64)  # leaves below each node, and the number of the first
    for k in range(n - 1, -1, -1):  # children come after their parent
        if feature[root + k] < 0:
            size[k] = 1
        else:
            child = left[root + k] - root
            if child + 1 >= n:
                return -1
            size[k] = size[child] + size[child + 1]
    if 2 * size[0] - 1 != n:
        return -1
    count = 0
    for k in range(n):
        if feature[root + k] < 0:
            leaves[first[k]] = value[root + k]
        else:
            child = left[root + k] - root
            first[child], first[child + 1] = first[k], first[k] + size[child]
            gone = ((np.uint64(1) << np.uint64(size[child])) - np.uint64(1)) << np.uint64(first[k])
            splits[count], masks[count] = root + k, _ALL ^ gone
            count += 1
    return count


@kernel
def _narrow(columns: Floats, f: int, limit: float, mask: np.uint64, bits: Bits) -> None:
    """Take the leaves on the left from the rows that go right."""
    for i in range(len(bits)):
        bits[i] &= _ALL if columns[f, i] <= limit else mask


@kernel
def _leaf(rows: Floats, i: int, node: int, feature: NDArray[np.int16], value: Floats, left: NDArray[np.int32]) -> int:
    """Walk one row down a tree."""
    while feature[node] >= 0:
        node = left[node] + (not rows[i, feature[node]] <= value[node])
    return node


@kernel
def _walk_rows(
    rows: Floats, roots: NDArray[np.int32], feature: NDArray[np.int16], value: Floats, left: NDArray[np.int32]
) -> Floats:
    """Walk row by row down four trees at a time."""
    trees = roots.shape[0]
    out = np.empty(rows.shape[0], np.float64)
    for i in range(rows.shape[0]):
        total, tree = 0.0, 0
        while tree + 4 <= trees:
            a, b, c, d = roots[tree], roots[tree + 1], roots[tree + 2], roots[tree + 3]
            while True:
                of_a, of_b, of_c, of_d = feature[a], feature[b], feature[c], feature[d]
                if (of_a & of_b & of_c & of_d) < 0:  # all are leaves
                    break
                # what is read at a leaf is not used
                next_a = left[a] + (not rows[i, max(of_a, 0)] <= value[a])
                next_b = left[b] + (not rows[i, max(of_b, 0)] <= value[b])
                next_c = left[c] + (not rows[i, max(of_c, 0)] <= value[c])
                next_d = left[d] + (not rows[i, max(of_d, 0)] <= value[d])
                a = next_a if of_a >= 0 else a
                b = next_b if of_b >= 0 else b
                c = next_c if of_c >= 0 else c
                d = next_d if of_d >= 0 else d
            total += value[a]
            total += value[b]
            total += value[c]
            total += value[d]
            tree += 4
        while tree < trees:
            total += value[_leaf(rows, i, roots[tree], feature, value, left)]
            tree += 1
        out[i] = total / trees
    return out
