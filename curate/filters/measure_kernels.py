"""Count everything in one text that signals need, in one compiled call."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from curate.filters.scan_kernels import COUNTS as SCANNED, DIGITS, LETTERS, scan
from curate.text.characters import FIRST_UNSPACED
from curate.text.compiled import kernel
from curate.text.ngram_kernels import (
    COLUMNS,
    COVERED,
    LATER,
    LONGEST,
    TOP,
    TOP_TIMES,
    count_ngrams,
    count_words,
    find_repetitive_lines,
)
from curate.text.table_kernels import find_first
from curate.text.watch_kernels import KINDS, watch
from curate.text.word_kernels import FACTS, find_words

#: The counts that `measure_codes` writes, in order.
COUNTS = (
    *SCANNED, *FACTS, "stop_words", "dirty_words", "policy_phrases", "lorem_ipsum", "javascript",
    "different_stop_words", "different_words", "top_word", "repetitive_lines", "repetitive_line_characters",
    *(f"top_{k}gram" for k in range(2, 5)),
    *(f"frequent_{k}gram" for k in range(2, 5)),
    *(f"later_{k}grams" for k in range(5, LONGEST + 1)),
    *(f"covered_{k}grams" for k in range(5, LONGEST + 1)),
)  # fmt: skip
_WORDS = len(SCANNED)
_WATCHED = _WORDS + len(FACTS)
_NGRAMS = _WATCHED + KINDS + 5


@kernel
def measure_codes(
    codes: NDArray[np.uint32],
    table: NDArray[np.uint32],
    lower: NDArray[np.uint32],
    keys: NDArray[np.uint64],
    entries: NDArray[np.int64],
    min_words: int,
    max_share: float,
    out: NDArray[np.int64],
    scripts: NDArray[np.int64],
) -> float:
    """Write the `COUNTS` into ``out``, and the letters of each script into ``scripts``; return the entropy of words.

    ``table`` and ``lower`` are those of `text.characters` and `text.words`, ``keys`` and ``entries`` the word lists
    that `watch` looks up; ``min_words`` and ``max_share`` define a repetitive line.
    """
    scan(codes, table, scripts, out)
    # A word begins at the start, after a character that is not a letter or digit, or at or after a letter of a script
    # without spaces. Allocating a slot for every character would take more time than everything else here.
    room = len(codes) - out[LETTERS] - out[DIGITS] + 1
    for i in range(FIRST_UNSPACED, len(scripts)):
        room += 2 * scripts[i]
    starts, stops = np.empty(room, np.int32), np.empty(room, np.int32)
    hashes, folded = np.empty(room, np.uint64), np.empty(room, np.uint64)
    n = find_words(codes, table, lower, starts, stops, hashes, folded, out[_WORDS:])
    out[_WATCHED + KINDS] = watch(folded, n, keys, entries, out[_WATCHED:])
    first, counts = np.empty(n, np.int32), np.empty(n, np.int32)
    entropy = count_words(hashes, n, first, counts, out[_WATCHED + KINDS + 1 :])
    lengths = np.empty(n, np.int32)
    for i in range(n):
        lengths[i] = stops[i] - starts[i]
    ngrams = np.empty((LONGEST + 1, len(COLUMNS)), np.int64)
    repeated, repeated_keys = np.empty(n, np.int32), np.empty(n, np.uint64)
    n_repeated = count_ngrams(hashes, lengths, n, first, counts, ngrams, repeated, repeated_keys)
    place = _NGRAMS
    for k in range(2, 5):
        out[place] = ngrams[k, TOP]
        out[place + 3] = ngrams[k, TOP] if ngrams[k, TOP_TIMES] > 2 else 0
        place += 1
    place += 3
    for column in (LATER, COVERED):
        for k in range(5, LONGEST + 1):
            out[place] = ngrams[k, column]
            place += 1
    spans = np.empty((n // max(min_words, 1), 2), np.int32)  # a line has at least min_words words, and at least one
    lines = find_repetitive_lines(
        codes, starts, stops, n, repeated, repeated_keys, n_repeated, min_words, max_share, spans
    )
    characters = 0
    for i in range(lines):
        characters += spans[i, 1] - spans[i, 0]
    out[_NGRAMS - 2], out[_NGRAMS - 1] = lines, characters
    return entropy


@kernel
def repetitive_lines(
    codes: NDArray[np.uint32],
    table: NDArray[np.uint32],
    lower: NDArray[np.uint32],
    min_words: int,
    max_share: float,
) -> NDArray[np.int32]:
    """Return start and stop of each repetitive line, int32 [lines, 2]."""
    room = len(codes)  # a word has at least one character
    starts, stops = np.empty(room, np.int32), np.empty(room, np.int32)
    hashes, folded = np.empty(room, np.uint64), np.empty(room, np.uint64)
    n = find_words(codes, table, lower, starts, stops, hashes, folded, np.empty(len(FACTS), np.int64))
    ngrams = np.empty((LONGEST + 1, len(COLUMNS)), np.int64)
    repeated, repeated_keys = np.empty(n, np.int32), np.empty(n, np.uint64)
    first, counts = np.empty(n, np.int32), np.empty(n, np.int32)
    find_first(hashes, n, first, counts)
    n_repeated = count_ngrams(hashes, stops[:n] - starts[:n], n, first, counts, ngrams, repeated, repeated_keys)
    spans = np.empty((n // max(min_words, 1), 2), np.int32)  # a line has at least min_words words, and at least one
    lines = find_repetitive_lines(
        codes, starts, stops, n, repeated, repeated_keys, n_repeated, min_words, max_share, spans
    )
    return spans[:lines]
