"""Search a text for many phrases at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from curate.text.compiled import kernel
from curate.text.hash_kernels import hash_codes
from curate.text.table_kernels import find


@kernel
def find_phrases(
    codes: NDArray[np.uint32],
    anchor: int,
    keys: NDArray[np.uint64],
    entries: NDArray[np.int64],
    phrases: NDArray[np.uint32],
    spans: NDArray[np.int64],
) -> int:
    """Return the sum of the weights of the phrases that a text contains, each once.

    ``keys`` and ``entries`` find phrases by their first ``anchor`` code points; ``spans`` has the start and stop of
    each in ``phrases``, and its weight: `curate.filters.error_pages`.
    """
    n = len(codes)
    seen = np.zeros(len(spans), np.bool_)
    score = 0
    for i in range(n - anchor + 1):
        entry = find(keys, entries, hash_codes(codes, i, i + anchor))
        if entry == 0:
            continue
        for k in range(entry >> 16, (entry >> 16) + (entry & 0xFFFF)):
            start, stop = spans[k, 0], spans[k, 1]
            if seen[k] or i + stop - start > n:
                continue
            j = 0
            while start + j < stop and codes[i + j] == phrases[start + j]:
                j += 1
            if start + j == stop:
                seen[k] = True
                score += spans[k, 2]
    return score
