"""Count listed words and short phrases among the words of a text."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from curate.text.compiled import kernel
from curate.text.hash_kernels import join
from curate.text.table_kernels import find

#: The lists that an entry is in, as bits; `LAST` marks a word that ends a phrase of two or three.
STOP, DIRTY, POLICY, LOREM, JAVASCRIPT, LAST = 1, 2, 4, 8, 16, 32
#: Where the number of a stop word, 0 to 63, begins in an entry.
NUMBER_SHIFT = 8
KINDS = 5


@kernel
def watch(
    folded: NDArray[np.uint64], n: int, keys: NDArray[np.uint64], entries: NDArray[np.int64], out: NDArray[np.int64]
) -> int:
    """Count the words and phrases of each kind into ``out[:KINDS]``, and return the number of different stop words."""
    for kind in range(KINDS):
        out[kind] = 0
    seen = np.uint64(0)
    for i in range(n):
        entry = find(keys, entries, folded[i])
        if entry == 0:
            continue
        if entry & STOP:
            seen |= np.uint64(1) << np.uint64((entry >> NUMBER_SHIFT) & 63)
        if entry & LAST and i > 0:
            entry |= find(keys, entries, join(folded[i - 1], folded[i]))
            if i > 1:
                entry |= find(keys, entries, join(join(folded[i - 2], folded[i - 1]), folded[i]))
        for kind in range(KINDS):
            out[kind] += (entry >> kind) & 1
    different = 0
    while seen:
        seen &= seen - np.uint64(1)
        different += 1
    return different
