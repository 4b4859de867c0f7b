"""Hash the normalized lines of a text."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from curate.text.compiled import kernel
from curate.text.hash_kernels import FNV64_PRIME, splitmix64

U = np.uint64


@kernel
def hash_lines(
    codes: NDArray[np.uint32], table: NDArray[np.uint32], spaces: NDArray[np.bool_], least: int, content: int
) -> tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.int64]]:
    """Return the hash of each normalized line, the lines' starts, and their normalized lengths.

    A hash is 0 for a line of fewer than ``least`` characters; its last bit says whether there are ``content`` or more.
    """
    lines = 1
    for c in codes:
        lines += c == 10
    hashes, lengths = np.zeros(lines, np.uint64), np.zeros(lines, np.int64)
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
        lengths[line] = length
        if length >= max(1, least):
            hashes[line] = max(splitmix64(h + U(length)) & ~U(1), U(2)) | U(length >= content)
        line += 1
        start = end + 1
        starts[line] = start
    return hashes, starts, lengths


@kernel
def hash_paragraphs(
    codes: NDArray[np.uint32], table: NDArray[np.uint32], spaces: NDArray[np.bool_], least: int, beginning: int
) -> NDArray[np.uint64]:
    """Return a row for each line of at least ``least`` characters.

    Its columns are where the line starts and ends, the hash of its first ``beginning`` normalized characters, and that
    of all of them.
    """
    rows = np.empty((len(codes) // (least + 1) + 1, 4), np.uint64)
    found, start = 0, 0
    for end in range(len(codes) + 1):
        if end < len(codes) and codes[end] != 10:
            continue
        if end - start >= least:
            first, last = start, end
            while first < last and spaces[codes[first]]:
                first += 1
            while last > first and spaces[codes[last - 1]]:
                last -= 1
            h, length, head = U(0), 0, U(0)
            for i in range(first, last):
                c = table[codes[i]]
                if c:
                    h = (h + U(c)) * FNV64_PRIME
                    length += 1
                    if length == beginning:
                        head = splitmix64(h + U(length))
            whole = splitmix64(h + U(length))
            rows[found, 0], rows[found, 1] = U(start), U(end)
            rows[found, 2], rows[found, 3] = (head if length >= beginning else whole), whole
            found += 1
        start = end + 1
    return rows[:found]
