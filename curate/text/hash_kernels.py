"""Hashes of words, and the table that finds equal ones.

Words, lines and n-grams are told apart by 64-bit hashes alone: among a million different ones in a text, two fall
together with a probability of 3 in 100 million.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from curate.text.compiled import kernel

# The odd 64-bit multipliers of SplitMix64 (Steele, Lea, Flood 2014) and the golden ratio.
SEED = np.uint64(0x9E3779B97F4A7C15)
STEP = np.uint64(0xBF58476D1CE4E5B9)
JOIN = np.uint64(0x94D049BB133111EB)
SHIFT = np.uint64(32)
# Curate's own. Keys that nobody chose take less than half a step for each place; a text can be made of words whose
# hashes all want the same place, and then takes time in the square of their number.
MAX_STEPS = 8


@kernel
def mix(h: np.uint64) -> np.uint64:
    """Spread a hash over all its bits, so that the low ones can choose a place in a table."""
    h = (h ^ (h >> SHIFT)) * JOIN
    return h ^ (h >> np.uint64(29))


@kernel
def step(h: np.uint64, code: np.uint32) -> np.uint64:
    """Hash one more code point of a word that began with ``SEED``; `mix` spreads what comes out."""
    return (h ^ np.uint64(code)) * STEP


@kernel
def hash_codes(codes: NDArray[np.uint32], start: int, stop: int) -> np.uint64:
    """Hash the code points from ``start`` to ``stop`` as one word."""
    h = SEED
    for i in range(start, stop):
        h = step(h, codes[i])
    return h


@kernel
def join(a: np.uint64, b: np.uint64) -> np.uint64:
    """Hash two words in a row; of three: ``join(join(a, b), c)``."""
    return mix(a) * JOIN + b


@kernel
def _find_first_by_sorting(
    keys: NDArray[np.uint64], n: int, first: NDArray[np.int32], counts: NDArray[np.int32]
) -> int:
    """Do what `find_first` does, in a time that no choice of keys makes longer."""
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
    """Write for each of ``n`` keys where it occurs first, and at that place how often; returns how many differ.

    ``first`` and ``counts`` have room for ``n``.
    """
    size = 16
    while size < 2 * n:  # at most half full, so that a search always ends
        size *= 2
    mask = np.uint64(size - 1)
    table = np.full(size, -1, np.int32)
    different = 0
    steps = 0  # past places that other keys took
    for i in range(n):
        key = keys[i]
        place = mix(key) & mask
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
