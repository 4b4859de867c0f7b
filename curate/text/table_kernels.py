"""Open-addressing hash tables: values by hash, and the first occurrence of each hash in an array.

The size of a table is a power of two. `spread` chooses the slot of a hash; if another hash has it, the next is tried.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from curate.text.compiled import kernel
from curate.text.hash_kernels import spread

# Steps per slot before the table gives way to sorting. curate's own value: ordinary keys take less than half a step per
# slot, but the words of a hostile text can all hash to the same slot and take time in the square of their number.
MAX_STEPS = 8


@kernel
def make_table(hashes: NDArray[np.uint64], values: NDArray[np.int64]) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Build the table that `find` reads from hashes and values; no value is 0, and the values of one hash are or-ed."""
    size = 16
    while size < 3 * len(hashes):
        size *= 2
    keys, entries = np.zeros(size, np.uint64), np.zeros(size, np.int64)
    mask = np.uint64(size - 1)
    for i in range(len(hashes)):
        place = spread(hashes[i]) & mask
        while entries[place] != 0 and keys[place] != hashes[i]:
            place = (place + np.uint64(1)) & mask
        keys[place] = hashes[i]
        entries[place] |= values[i]
    return keys, entries


@kernel
def find(keys: NDArray[np.uint64], entries: NDArray[np.int64], h: np.uint64) -> int:
    """Return the value of a hash in a table built by `make_table`, or 0."""
    mask = np.uint64(len(keys) - 1)
    place = spread(h) & mask
    while entries[place] != 0:
        if keys[place] == h:
            return entries[place]
        place = (place + np.uint64(1)) & mask
    return 0


@kernel
def _find_first_by_sorting(
    keys: NDArray[np.uint64], n: int, first: NDArray[np.int32], counts: NDArray[np.int32]
) -> int:
    """Do what `find_first` does, in time that does not depend on the keys."""
    order = np.argsort(keys[:n], kind="mergesort")  # stable: of equal keys the first comes first
    different = 0
    for i in range(n):
        j = order[i]
        if i and keys[j] == keys[order[i - 1]]:
            first[j] = first[order[i - 1]]
            counts[first[j]] += 1
        else:
            first[j] = j
            counts[j] = 1
            different += 1
    return different


@kernel
def find_first(keys: NDArray[np.uint64], n: int, first: NDArray[np.int32], counts: NDArray[np.int32]) -> int:
    """Write where each of ``n`` keys occurs first, and at that index how often; return how many differ.

    ``first`` and ``counts`` have room for ``n``.
    """
    size = 16
    while size < 2 * n:  # at most half full, so that a search always ends
        size *= 2
    mask = np.uint64(size - 1)
    table = np.full(size, -1, np.int32)
    different = 0
    steps = 0  # past slots that other keys have
    for i in range(n):
        key = keys[i]
        place = spread(key) & mask
        while table[place] >= 0 and keys[table[place]] != key:
            place = (place + np.uint64(1)) & mask
            steps += 1
        if steps > MAX_STEPS * size:
            return _find_first_by_sorting(keys, n, first, counts)
        j = table[place]
        if j < 0:
            table[place] = i
            first[i] = i
            counts[i] = 1
            different += 1
        else:
            first[i] = j
            counts[j] += 1
    return different
