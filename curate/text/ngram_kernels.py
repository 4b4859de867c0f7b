"""Count word n-grams that occur more than once, by every definition in use (docs/presets.md compares them)."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from curate.text.compiled import kernel
from curate.text.hash_kernels import join
from curate.text.table_kernels import find_first

_NEWLINE = 0x0A
LONGEST = 10
#: Words in each n-gram, and the smallest mean length of a word in bytes, in lines that `find_repetitive_lines` finds.
IN_LINES = 3
WORD_BYTES = 3
#: The columns that `count_ngrams` writes for each length. All but the last two are in characters.
COLUMNS = (
    "top",  # in all occurrences of the most frequent n-gram; of several, the longest (DCLM); 0 if none occurs twice
    "top_first",  # the same, but of several, the first one (datatrove, dolma)
    "covered",  # in words of any n-gram that occurs more than once, each word once (Gopher's paper, DCLM)
    "later",  # in second and later occurrences, left to right without overlap (datatrove)
    "all_copies",  # in all occurrences of n-grams that occur more than once, overlaps counted again (dolma)
    "every",  # in all n-grams, overlaps counted again (dolma)
    "later_joined",  # in second and later occurrences, each character once, and the spaces between their words (NeMo)
    "top_times",  # how often the most frequent n-gram occurs
    "top_place",  # index of its first word; of several n-grams, the first one's
)
TOP, TOP_FIRST, COVERED, LATER, ALL_COPIES, EVERY, LATER_JOINED, TOP_TIMES, TOP_PLACE = range(len(COLUMNS))


@kernel
def count_ngrams(
    hashes: NDArray[np.uint64],
    lengths: NDArray[np.int32],
    n: int,
    first: NDArray[np.int32],
    counts: NDArray[np.int32],
    out: NDArray[np.int64],
    repeated: NDArray[np.int32],
    repeated_keys: NDArray[np.uint64],
) -> int:
    """Count the `COLUMNS` of n-grams of 2 to 10 words into ``out[length]``.

    An n-gram can occur twice only if both n-grams of one word less in it do, so each length looks only at the places
    that the length before left: few, on ordinary text, after two words.

    Args:
        hashes: of the words.
        lengths: of the words, in characters.
        n: number of words.
        first: what `find_first` wrote for the hashes; overwritten.
        counts: the same.
        out: int64 [11, columns].
        repeated: takes the index of the first word of each n-gram of ``IN_LINES`` words that occurs more than once;
            has room for ``n``.
        repeated_keys: takes the hashes of these n-grams; has room for ``n``.

    Returns:
        The number of n-grams written to ``repeated``.
    """
    for k in range(len(out)):
        for i in range(len(COLUMNS)):
            out[k, i] = 0
    n_repeated = 0
    before = np.empty(n + 1, np.int64)  # characters of the words before each
    before[0] = 0
    for i in range(n):
        before[i + 1] = before[i] + lengths[i]
    every = before[n]
    # At most one n-gram begins at each word.
    places = np.empty(n, np.int32)  # where the n-grams that occur more than once begin
    keys = np.empty(n, np.uint64)
    visited = np.empty(n, np.bool_)  # whether the scan for LATER has reached it
    n_places = 0
    for i in range(n):
        if counts[first[i]] > 1:
            places[n_places] = i
            keys[n_places] = hashes[i]
            n_places += 1
    for k in range(2, LONGEST + 1):
        if n < k:
            break
        candidates = 0
        for j in range(n_places - 1):
            if places[j + 1] == places[j] + 1:
                places[candidates] = places[j]
                keys[candidates] = join(keys[j], hashes[places[j] + k - 1])
                candidates += 1
        find_first(keys, candidates, first, counts)
        for j in range(candidates):
            visited[j] = False
        n_places = 0
        times, longest, top_first, top_place = 1, 0, before[k], 0
        covered_to = later_to = joined_to = 0
        covered = later = joined = all_copies = 0
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
            all_copies += size
            covered += before[i + k] - before[max(i, covered_to)]
            covered_to = i + k
            if group != j:
                fresh = max(i, joined_to)
                joined += before[i + k] - before[fresh] + min(i + k - fresh, k - 1)
                joined_to = i + k
            if i >= later_to:
                if visited[group]:
                    later += size
                    later_to = i + k
                visited[group] = True
            places[n_places] = i
            keys[n_places] = keys[j]
            n_places += 1
        if k == IN_LINES:
            n_repeated = n_places
            for j in range(n_places):
                repeated[j], repeated_keys[j] = places[j], keys[j]
        out[k, TOP] = times * longest
        out[k, TOP_FIRST] = times * top_first
        out[k, COVERED], out[k, LATER], out[k, LATER_JOINED] = covered, later, joined
        out[k, ALL_COPIES] = all_copies
        out[k, TOP_TIMES] = times
        out[k, TOP_PLACE] = top_place
        every += before[n - k + 1] - before[k - 1]
        out[k, EVERY] = every
    return n_repeated


@kernel
def count_words(
    hashes: NDArray[np.uint64], n: int, first: NDArray[np.int32], counts: NDArray[np.int32], out: NDArray[np.int64]
) -> float:
    """Write how many words differ and how often the most frequent occurs; return the entropy of words, in nats.

    ``first`` and ``counts`` take the output of `find_first`.
    """
    out[0] = find_first(hashes, n, first, counts)
    out[1] = 0
    repeated = 0.0
    for i in range(n):
        if first[i] == i:
            out[1] = max(out[1], counts[i])
            if counts[i] > 1:
                repeated += counts[i] * math.log(counts[i])
    return max(math.log(n) - repeated / n, 0.0) if n else 0.0


@kernel
def find_repetitive_lines(
    codes: NDArray[np.uint32],
    starts: NDArray[np.int32],
    stops: NDArray[np.int32],
    n: int,
    repeated: NDArray[np.int32],
    repeated_keys: NDArray[np.uint64],
    n_repeated: int,
    min_words: int,
    max_share: float,
    spans: NDArray[np.int32],
) -> int:
    """Write start and stop of each line that consists of repeated n-grams; return how many there are.

    Such a line has ``min_words`` words or more, of ``WORD_BYTES`` UTF-8 bytes or more on average (formulas have shorter
    ones), and more than ``max_share`` of their characters are in second and later occurrences, within the line, of
    n-grams of ``IN_LINES`` words. ``repeated`` is what `count_ngrams` wrote; ``spans`` is int32 [lines, 2], the lines
    without their newline, with room for ``n // max(min_words, 1)``.
    """
    n_lines = 0
    word = 0
    j = 0
    keys = np.empty(n_repeated, np.uint64)  # of one line, which may hold all of them
    first, counts = np.empty(n_repeated, np.int32), np.empty(n_repeated, np.int32)
    visited = np.empty(n_repeated, np.bool_)
    while word < n and j < n_repeated:
        begin = word
        line_stop = stops[word]
        while line_stop < len(codes) and codes[line_stop] != _NEWLINE:
            line_stop += 1
        while word < n and starts[word] < line_stop:
            word += 1
        while j < n_repeated and repeated[j] < begin:
            j += 1
        base = j
        while j < n_repeated and repeated[j] + IN_LINES <= word:
            keys[j - base] = repeated_keys[j]
            j += 1
        m = j - base
        if word - begin < min_words or m < 2 or find_first(keys, m, first, counts) == m:
            continue
        total = size = 0
        for i in range(begin, word):
            total += stops[i] - starts[i]
            for k in range(starts[i], stops[i]):
                size += 1 + int(codes[k] > 0x7F) + int(codes[k] > 0x7FF) + int(codes[k] > 0xFFFF)
        later = until = 0
        for i in range(m):
            visited[i] = False
        for i in range(m):
            place = repeated[base + i]
            if place >= until:
                if visited[first[i]]:
                    until = place + IN_LINES
                    for k in range(place, until):
                        later += stops[k] - starts[k]
                visited[first[i]] = True
        if later > max_share * total and size >= WORD_BYTES * (word - begin):
            line_start = starts[begin]
            while line_start > 0 and codes[line_start - 1] != _NEWLINE:
                line_start -= 1
            spans[n_lines, 0], spans[n_lines, 1] = line_start, line_stop
            n_lines += 1
    return n_lines
