"""Hashes of words and sequences, and the table that counts them.

Words are told apart by 64-bit hashes alone: among a million different words of one text, two fall together with a
probability of 3 in 100 million.
"""

from __future__ import annotations

import numpy as np

from curate.compiled import kernel

# The odd 64-bit multipliers of SplitMix64 (Steele, Lea, Flood 2014) and the golden ratio.
SEED = np.uint64(0x9E3779B97F4A7C15)
STEP = np.uint64(0xBF58476D1CE4E5B9)
JOIN = np.uint64(0x94D049BB133111EB)
_32 = np.uint64(32)
_29 = np.uint64(29)


@kernel
def mix(h):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Spread a hash over all its bits, so that the low ones can choose a place in a table."""
    h = (h ^ (h >> _32)) * JOIN
    return h ^ (h >> _29)


@kernel
def hash_codes(codes, start, stop):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Hash the code points of one word or line."""
    h = SEED
    for i in range(start, stop):
        h = (h ^ np.uint64(codes[i])) * STEP
        h ^= h >> _32
    return h


@kernel
def count_keys(keys, n, counts):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Write into ``counts[:n]`` how often each key occurs among ``keys[:n]``, negative but for its first occurrence.

    Returns the number of different keys.
    """
    size = 16
    while size < 2 * n:
        size *= 2
    mask = np.uint64(size - 1)
    first = np.full(size, -1, np.int32)  # place in the table -> where its key occurs first
    different = 0
    for i in range(n):
        key = keys[i]
        place = mix(key) & mask
        while first[place] >= 0 and keys[first[place]] != key:
            place = (place + np.uint64(1)) & mask
        if first[place] < 0:
            first[place] = i
            counts[i] = 1
            different += 1
        else:
            counts[first[place]] += 1
            counts[i] = -1 - first[place]  # to be replaced by the count of that first one
    for i in range(n):
        if counts[i] < 0:
            counts[i] = -counts[-1 - counts[i]]
    return different
