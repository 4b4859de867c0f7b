"""Search a text for many phrases at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from curate.text.characters import DIGIT, LETTER, SPACE, UNSPACED
from curate.text.compiled import kernel
from curate.text.table_kernels import find

#: Leading code points by which phrases are looked up: as many as a key of 64 bits holds.
ANCHOR = 3
_21, _42 = np.uint64(21), np.uint64(42)
_APOSTROPHE, _QUOTE, _ZERO, _BLANK = 0x27, 0x2019, 0x30, 0x20


@kernel
def anchor_key(codes: NDArray[np.uint32], i: int) -> np.uint64:
    """Return the key of the `ANCHOR` code points from ``i``."""
    return np.uint64(codes[i]) | np.uint64(codes[i + 1]) << _21 | np.uint64(codes[i + 2]) << _42


@kernel
def normalize(
    codes: NDArray[np.uint32], table: NDArray[np.uint32], lower: NDArray[np.uint32], out: NDArray[np.uint32]
) -> int:
    """Write a text in lower case with single spaces, plain apostrophes and 0 for every number; return its length."""
    size = 0
    for i in range(len(codes)):
        c = codes[i]
        f = table[c]
        if f & SPACE:
            c = np.uint32(_BLANK)
        elif f & DIGIT:
            c = np.uint32(_ZERO)
        elif c == _QUOTE:
            c = np.uint32(_APOSTROPHE)
        elif c < len(lower):
            c = lower[c]
        if c == 0 or (size and c == out[size - 1] and c in (_BLANK, _ZERO)):
            continue
        out[size] = c
        size += 1
    return size


@kernel
def find_phrases(
    codes: NDArray[np.uint32],
    table: NDArray[np.uint32],
    lower: NDArray[np.uint32],
    keys: NDArray[np.uint64],
    entries: NDArray[np.int64],
    phrases: NDArray[np.uint32],
    spans: NDArray[np.int64],
) -> tuple[int, int]:
    """Return the sum of the weights of the phrases that a text contains, each once, and the greatest of them.

    A phrase begins at the start of a word, and ends anywhere, because many languages inflect. ``keys`` and ``entries``
    find phrases by their `anchor_key`; ``spans`` has the start and stop of each in ``phrases``, and its weight:
    `curate.filters.error_pages`.
    """
    plain = np.empty(len(codes), np.uint32)
    n = normalize(codes, table, lower, plain)
    seen = np.zeros(len(spans), np.bool_)
    score = strongest = 0
    before = 0  # flags of the last character
    for i in range(n - ANCHOR + 1):
        here = table[plain[i]]
        inside = before & here & LETTER and not here & UNSPACED
        before = here
        if inside:
            continue
        entry = find(keys, entries, anchor_key(plain, i))
        if entry == 0:
            continue
        for k in range(entry >> 16, (entry >> 16) + (entry & 0xFFFF)):
            start, stop = spans[k, 0], spans[k, 1]
            if seen[k] or i + stop - start > n:
                continue
            j = ANCHOR
            while start + j < stop and plain[i + j] == phrases[start + j]:
                j += 1
            if start + j == stop:
                seen[k] = True
                score += spans[k, 2]
                strongest = max(strongest, spans[k, 2])
    return score, strongest
