"""Count the tokens of a text as reference filters do, whatever the tokenization."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from curate.text.characters import LETTER
from curate.text.compiled import kernel
from curate.text.hash_kernels import hash_codes
from curate.text.ngram_kernels import count_ngrams
from curate.text.table_kernels import find, find_first

#: The counts that `describe_tokens` writes, in order.
COUNTS = ("words", "word_characters", "with_letter", "stop_words", "different_stop_words", "longest", "median_twice")
_QUOTE = 0x22


@kernel
def _middle(lengths: NDArray[np.int32], longest: int, place: int) -> int:
    """Return the length at an index of the sorted lengths, in linear time."""
    times = np.zeros(longest + 1, np.int32)
    for length in lengths:
        times[length] += 1
    length = 0
    while place >= times[length]:
        place -= times[length]
        length += 1
    return length


@kernel
def describe_tokens(
    codes: NDArray[np.uint32],
    table: NDArray[np.uint32],
    ignored: NDArray[np.bool_],
    quote_length: int,
    stop_words: NDArray[np.uint64],
    numbers: NDArray[np.int64],
    starts: NDArray[np.int32],
    stops: NDArray[np.int32],
    counts: NDArray[np.int64],
    ngrams: NDArray[np.int64],
) -> None:
    """Write the `COUNTS` into ``counts``, and the columns of `curate.text.ngram_kernels` into ``ngrams``.

    Words, and their characters, are the tokens with a character that is not ``ignored``; all other counts are of all
    tokens. A token that is one double quote has ``quote_length`` characters. ``numbers`` are 1 plus the index of a stop
    word. Every array allocated here has an entry per token.
    """
    n = len(starts)
    hashes = np.empty(n, np.uint64)
    lengths = np.empty(n, np.int32)
    words = characters = with_letter = stop = longest = 0
    seen = np.uint64(0)
    for i in range(n):
        a, b = starts[i], stops[i]
        lengths[i] = b - a if b - a > 1 or codes[a] != _QUOTE else quote_length
        longest = max(longest, lengths[i])
        hashes[i] = hash_codes(codes, a, b)
        has_letter = 0
        is_word = False
        for j in range(a, b):
            if table[codes[j]] & LETTER:
                has_letter = 1
            if not ignored[codes[j]]:
                is_word = True
        with_letter += has_letter
        if is_word:
            words += 1
            characters += lengths[i]
        entry = find(stop_words, numbers, hashes[i]) if b - a < 8 else 0
        if entry:
            stop += 1
            seen |= np.uint64(1) << np.uint64(entry - 1)
    different = 0
    while seen:
        seen &= seen - np.uint64(1)
        different += 1
    median_twice = _middle(lengths, longest, n // 2) + _middle(lengths, longest, (n - 1) // 2) if n else 0
    values = (words, characters, with_letter, stop, different, longest, median_twice)
    for k in range(len(values)):
        counts[k] = values[k]
    first, times = np.empty(n, np.int32), np.empty(n, np.int32)
    find_first(hashes, n, first, times)
    count_ngrams(hashes, lengths, n, first, times, ngrams, np.empty(n, np.int32), np.empty(n, np.uint64))
