"""The hash functions of all kernels: FNV-1a, SplitMix64, and the hashes of words built on them.

Words, lines and n-grams are compared by their 64-bit hashes alone: among a million different ones in a text, the
probability that any two collide is 3 in 100 million. `curate.text.table_kernels` has the hash tables.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from curate.text.compiled import inlined_kernel, kernel

# FNV-1a (Fowler, Noll and Vo): the initial hash, and the multiplier of each step.
FNV32_BASIS, FNV32_PRIME = np.uint32(0x811C9DC5), np.uint32(0x01000193)
FNV64_BASIS, FNV64_PRIME = np.uint64(0xCBF29CE484222325), np.uint64(0x00000100000001B3)
# SplitMix64 (Steele, Lea and Flood 2014): 2^64 / golden ratio, made odd, and the two multipliers of its finalizer.
GOLDEN = np.uint64(0x9E3779B97F4A7C15)
SPLITMIX_FIRST, SPLITMIX_SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
SEED = GOLDEN  # the initial hash of a word


@inlined_kernel
def fnv1a_32(h: np.uint32, code: int) -> np.uint32:
    """Add a byte or code point to a 32-bit hash that began with ``FNV32_BASIS``."""
    return np.uint32((h ^ np.uint32(code)) * FNV32_PRIME)


@inlined_kernel
def fnv1a_64(h: np.uint64, code: int) -> np.uint64:
    """Add a byte or code point to a 64-bit hash that began with ``FNV64_BASIS``."""
    return (h ^ np.uint64(code)) * FNV64_PRIME


@kernel
def splitmix64(h: np.uint64) -> np.uint64:
    """Finalize as SplitMix64 does: every bit of the input changes every bit of the result."""
    h = (h ^ (h >> np.uint64(30))) * SPLITMIX_FIRST
    h = (h ^ (h >> np.uint64(27))) * SPLITMIX_SECOND
    return h ^ (h >> np.uint64(31))


@kernel
def spread(h: np.uint64) -> np.uint64:
    """Spread a hash over all its bits, so that the low ones can choose a slot in a table.

    One of SplitMix64's two rounds, with curate's own shifts.
    """
    h = (h ^ (h >> np.uint64(32))) * SPLITMIX_SECOND
    return h ^ (h >> np.uint64(29))


@kernel
def step(h: np.uint64, code: np.uint32) -> np.uint64:
    """Add a code point to the hash of a word, which began with ``SEED``; `spread` finishes the hash.

    FNV-1a over code points, with a multiplier that changes the high bits too.
    """
    return (h ^ np.uint64(code)) * SPLITMIX_FIRST


@kernel
def hash_codes(codes: NDArray[np.uint32], start: int, stop: int) -> np.uint64:
    """Hash the code points from ``start`` to ``stop`` as one word."""
    h = SEED
    for i in range(start, stop):
        h = step(h, codes[i])
    return h


@kernel
def join(a: np.uint64, b: np.uint64) -> np.uint64:
    """Hash two consecutive words; for three, ``join(join(a, b), c)``."""
    return spread(a) * SPLITMIX_SECOND + b
