"""Word n-grams that occur more than once."""

from __future__ import annotations

import numpy as np

from curate.compiled import kernel
from curate.kernels.hashing import JOIN, count_keys, mix

LONGEST = 10


@kernel
def repeated_ngrams(hashes, lengths, n, top, covered):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Write, for each length k of 2 to 10 words, what the n-grams of that length that occur more than once cover.

    ``top[k]`` is the characters in all occurrences of the most frequent one (of several, the longest), overlaps counted
    every time; ``covered[k]`` the characters in words that lie in any of them, each once. ``lengths`` are those of the
    ``n`` words in characters. Returns the number of different words.

    An n-gram can occur twice only if both of the shorter ones in it do. So each length looks only at what the last one
    left, which on ordinary text is little after two words.
    """
    counts = np.empty(max(n, 1), np.int32)
    different = count_keys(hashes, n, counts)
    before = np.zeros(n + 1, np.int64)  # characters of the words before each
    for i in range(n):
        before[i + 1] = before[i] + lengths[i]
    places = np.empty(max(n, 1), np.int32)  # where an n-gram that occurs more than once begins
    keys = np.empty(max(n, 1), np.uint64)
    found = 0
    for i in range(n):
        if counts[i] != 1:
            places[found] = i
            keys[found] = mix(hashes[i])
            found += 1
    for k in range(2, LONGEST + 1):
        top[k] = 0
        covered[k] = 0
        candidates = 0
        for j in range(found - 1):
            if places[j + 1] == places[j] + 1:
                i = places[j]
                keys[candidates] = mix(keys[j]) * JOIN + hashes[i + k - 1]
                places[candidates] = i
                candidates += 1
        count_keys(keys, candidates, counts)
        found = 0
        most, longest, until = 1, 0, 0
        for j in range(candidates):
            if counts[j] == 1:
                continue
            i = places[j]
            size = before[i + k] - before[i]
            times = abs(counts[j])
            if times > most or (times == most and size > longest):
                most, longest = times, size
            covered[k] += before[i + k] - before[max(i, until)]
            until = i + k
            places[found] = i
            keys[found] = keys[j]
            found += 1
        top[k] = most * longest
    return different
