"""Find words and short phrases of a list among the words of a text."""

from __future__ import annotations

import numpy as np

from curate.text.compiled import kernel
from curate.text.hash_kernels import join, mix

#: What an entry of a list is, as bits; `LAST` marks a word that ends a phrase of two or three.
STOP, DIRTY, POLICY, LOREM, JAVASCRIPT, LAST = 1, 2, 4, 8, 16, 32
#: Where the number of a stop word, 0 to 63, stands in an entry.
NUMBER_SHIFT = 8
KINDS = 5


@kernel
def find(keys, entries, key):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Return the entry of a key in an open-addressing table whose size is a power of two, or 0."""
    mask = np.uint64(len(keys) - 1)
    place = mix(key) & mask
    while entries[place] != 0:
        if keys[place] == key:
            return entries[place]
        place = (place + np.uint64(1)) & mask
    return 0


@kernel
def make_table(hashes, values):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Make the table that `find` reads; the values of a key that is given several times are or-ed."""
    size = 16
    while size < 3 * len(hashes):
        size *= 2
    keys, entries = np.zeros(size, np.uint64), np.zeros(size, np.int64)
    mask = np.uint64(size - 1)
    for i in range(len(hashes)):
        place = mix(hashes[i]) & mask
        while entries[place] != 0 and keys[place] != hashes[i]:
            place = (place + np.uint64(1)) & mask
        keys[place] = hashes[i]
        entries[place] |= values[i]
    return keys, entries


@kernel
def watch(folded, n, keys, entries, out):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
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
