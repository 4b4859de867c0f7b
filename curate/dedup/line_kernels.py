"""Hash the normalized lines of a text."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from curate.text.compiled import kernel
from curate.text.hash_kernels import FNV64_PRIME, splitmix64

U = np.uint64


@kernel
def hash_lines(
    codes: NDArray[np.uint32], table: NDArray[np.uint32], spaces: NDArray[np.bool_], least: int
) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Return the hash of each normalized line, 0 if it has fewer than ``least`` characters, and the lines' starts."""
    lines = 1
    for c in codes:
        lines += c == 10
    hashes = np.zeros(lines, np.uint64)
    starts = np.empty(lines + 1, np.int64)  # of each line, and of the one that would follow the last
    starts[0] = 0
    line, start = 0, 0
    for end in range(len(codes) + 1):
        if end < len(codes) and codes[end] != 10:
            continue
        first, last = start, end
        while first < last and spaces[codes[first]]:
            first += 1
        while last > first and spaces[codes[last - 1]]:
            last -= 1
        h, length = U(0), 0
        for i in range(first, last):
            c = table[codes[i]]
            if c:
                h = (h + U(c)) * FNV64_PRIME
                length += 1
        if length >= max(1, least):
            hashes[line] = max(splitmix64(h + U(length)), U(1))
        line += 1
        start = end + 1
        starts[line] = start
    return hashes, starts
