"""Word n-grams that occur more than once, by every definition in use (docs/presets.md sets them side by side)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from curate.compiled import kernel
from curate.kernels.hashing import find_first, join

LONGEST = 10
#: What `count_ngrams` writes for each length, in the order of its columns. All are characters but the last two.
COLUMNS = (
    "top",  # in all occurrences of the most frequent n-gram; of several, the longest (DCLM); 0 if none occurs twice
    "top_first",  # the same; of several, the one that comes first (datatrove, dolma)
    "covered",  # in words that lie in any n-gram that occurs more than once, each word once (Gopher's paper, DCLM)
    "later",  # in second and later occurrences, left to right without overlap (datatrove)
    "all_copies",  # in all occurrences of n-grams that occur more than once, overlaps counted again (dolma)
    "every",  # in all n-grams, overlaps counted again (dolma)
    "later_joined",  # in second and later occurrences, each character once, and the spaces between their words (NeMo)
    "top_times",  # how often the most frequent n-gram occurs
    "top_place",  # the word that it begins with: the first such n-gram's
)
TOP, TOP_FIRST, COVERED, LATER, ALL_COPIES, EVERY, LATER_JOINED, TOP_TIMES, TOP_PLACE = range(len(COLUMNS))


@kernel
def count_ngrams(hashes: NDArray[np.uint64], lengths: NDArray[np.int32], n: int, out: NDArray[np.int64]) -> int:
    """Count, for n-grams of 2 to 10 words, what `COLUMNS` names into ``out[length]``; returns how many words differ.

    ``lengths`` are those of the ``n`` words in characters; ``out`` is int64 [11, columns]. An n-gram can occur twice
    only if both of the shorter ones in it do. So each length looks only at the places that the last one left, which on
    ordinary text are few after two words.
    """
    room = max(n, 1)
    first, counts = np.empty(room, np.int32), np.empty(room, np.int32)
    different = find_first(hashes, n, first, counts)
    before = np.zeros(n + 1, np.int64)  # characters of the words before each
    for i in range(n):
        before[i + 1] = before[i] + lengths[i]
    places = np.empty(room, np.int32)  # where an n-gram begins that occurs more than once
    keys = np.empty(room, np.uint64)
    visited = np.empty(room, np.bool_)  # whether the scan for LATER has come upon it
    found = 0
    for i in range(n):
        if counts[first[i]] > 1:
            places[found] = i
            keys[found] = hashes[i]
            found += 1
    out[:] = 0
    for k in range(2, LONGEST + 1):
        if n < k:
            break
        candidates = 0
        for j in range(found - 1):
            if places[j + 1] == places[j] + 1:
                places[candidates] = places[j]
                keys[candidates] = join(keys[j], hashes[places[j] + k - 1])
                candidates += 1
        find_first(keys, candidates, first, counts)
        visited[:candidates] = False
        found = 0
        times, longest, top_first, top_place = 1, 0, before[k], 0
        covered_to = later_to = joined_to = 0
        for j in range(candidates):
            group = first[j]
            if counts[group] == 1:
                continue
            i = places[j]
            size = before[i + k] - before[i]
            if counts[group] > times:
                times, longest, top_first, top_place = counts[group], size, size, i
            elif counts[group] == times and size > longest:
                longest = size
            out[k, ALL_COPIES] += size
            out[k, COVERED] += before[i + k] - before[max(i, covered_to)]
            covered_to = i + k
            if group != j:
                fresh = max(i, joined_to)
                out[k, LATER_JOINED] += before[i + k] - before[fresh] + min(i + k - fresh, k - 1)
                joined_to = i + k
            if i >= later_to:
                if visited[group]:
                    out[k, LATER] += size
                    later_to = i + k
                visited[group] = True
            places[found] = i
            keys[found] = keys[j]
            found += 1
        out[k, TOP] = times * longest
        out[k, TOP_FIRST] = times * top_first
        out[k, TOP_TIMES] = times
        out[k, TOP_PLACE] = top_place
        every = 0
        for i in range(n - k + 1):
            every += before[i + k] - before[i]
        out[k, EVERY] = every
    return different
