"""What the elements of a page hold: sums over their blocks, weights of their class words, and which are alike."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from curate.extract.columns import (
    CHARS,
    CLASSES,
    COMMAS,
    ELEMENT,
    FIRST_TOKEN,
    IDEOGRAPHS,
    LINK_CHARS,
    PARENT,
    PUNCTUATION,
    TAG,
    WORDS,
)
from curate.text.compiled import kernel
from curate.text.hash_kernels import GOLDEN, fnv1a_64

# Sums over what is in an element.
S_CHARS, S_LINKED, S_BLOCKS, S_MARKS, S_WORDS, S_PROSE = range(6)
SUMS = 6
_TAG_FACTOR = np.uint64(0xC2B2AE3D27D4EB4F)  # odd, and unlike `GOLDEN`: the second prime of xxHash64

Ints = NDArray[np.int32]
Longs = NDArray[np.int64]
Floats = NDArray[np.float64]
Keys = NDArray[np.uint64]


@kernel
def words_of(block: Ints) -> int:
    """Words of a block; two ideographs count as one."""
    return block[WORDS] + block[IDEOGRAPHS] // 2


@kernel
def is_prose(block: Ints) -> bool:
    """Say whether a block is longer than 80 characters and not mostly links."""
    return block[CHARS] > 80 and block[LINK_CHARS] * 4 < block[CHARS]


@kernel
def place_of(keys: NDArray[np.unsignedinteger[Any]], h: np.uint64) -> int:
    """Place of a hash in a sorted list of hashes, or -1."""
    low, high = 0, len(keys)
    while low < high:
        middle = (low + high) // 2
        if keys[middle] < h:
            low = middle + 1
        else:
            high = middle
    return low if low < len(keys) and keys[low] == h else -1


@kernel
def larger(sums: Floats, elements: Ints) -> Longs:
    """Return, for each element, the next ancestor that holds more blocks, or the root."""
    found = np.zeros(len(sums), np.int64)
    for e in range(1, len(sums)):
        parent = elements[e, PARENT]
        found[e] = parent if sums[parent, S_BLOCKS] > sums[e, S_BLOCKS] else found[parent]
    return found


@kernel
def count_equal(keys: Keys) -> Longs:
    """Return how often the key of each place occurs."""
    order = np.argsort(keys, kind="mergesort")  # quicksort is quadratic in an order that a page can choose
    counts = np.empty(len(keys), np.int64)
    first = 0
    while first < len(keys):
        last = first
        while last < len(keys) and keys[order[last]] == keys[order[first]]:
            last += 1
        for k in range(first, last):
            counts[order[k]] = last - first
        first = last
    return counts


@kernel
def sibling_keys(elements: Ints, tokens: NDArray[np.uint32]) -> Keys:
    """Hash of parent, tag and first three class words of each element: equal for the items of a list of anything."""
    n = len(elements) - 1
    keys = np.zeros(n, np.uint64)
    for e in range(1, n):
        h = np.uint64(elements[e, PARENT]) * GOLDEN
        h += np.uint64(elements[e, TAG]) * _TAG_FACTOR
        first = elements[e, FIRST_TOKEN]
        for t in range(first, min(elements[e + 1, FIRST_TOKEN], first + 3)):
            h = fnv1a_64(h, tokens[t])
        keys[e] = h
    return keys


@kernel
def sum_elements(blocks: Ints, elements: Ints) -> Floats:
    """Add up the blocks in each element, those of the elements in it included."""
    ne = len(elements) - 1
    sums = np.zeros((ne, SUMS), np.float64)
    for i in range(len(blocks)):
        b = blocks[i]
        e = b[ELEMENT]
        sums[e, S_CHARS] += b[CHARS]
        sums[e, S_LINKED] += b[LINK_CHARS]
        sums[e, S_BLOCKS] += 1
        sums[e, S_MARKS] += b[PUNCTUATION] + b[COMMAS]
        sums[e, S_WORDS] += words_of(b)
        if is_prose(b):
            sums[e, S_PROSE] += b[CHARS]
    for e in range(ne - 1, 0, -1):
        for k in range(SUMS):
            sums[elements[e, PARENT], k] += sums[e, k]
    return sums


@kernel
def weigh_classes(
    elements: Ints, tokens: NDArray[np.uint32], class_keys: NDArray[np.uint32], class_weights: Floats
) -> Floats:
    """Weigh the class words of each element: its own, and the sum, least and greatest of all it stands in."""
    ne = len(elements) - 1
    weights = np.zeros((ne, len(CLASSES)), np.float64)
    for e in range(ne):
        own = 0.0
        for t in range(elements[e, FIRST_TOKEN], elements[e + 1, FIRST_TOKEN]):
            place = place_of(class_keys, tokens[t])
            own += class_weights[place] if place >= 0 else 0.0
        weights[e, CLASSES.own] = own
        parent = elements[e, PARENT]
        if parent >= 0:
            weights[e, CLASSES.total] = weights[parent, CLASSES.total] + own
            weights[e, CLASSES.least] = min(weights[parent, CLASSES.least], own)
            weights[e, CLASSES.greatest] = max(weights[parent, CLASSES.greatest], own)
    return weights
