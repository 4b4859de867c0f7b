"""Tokens of a text, and the counts of them that reference filters use."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: Lengths of n-grams in Gopher's rules about the most frequent n-gram, and about duplicate n-grams (Rae et al. 2021,
#: arXiv 2112.11446, table A1).
TOP, DUPLICATE = (2, 3, 4), (5, 6, 7, 8, 9, 10)
#: Gopher's stop words (appendix A).
STOP_WORDS = ("the", "be", "to", "of", "and", "that", "have", "with")


@dataclass(frozen=True, slots=True)
class TokenStatistics:
    """Counts of all tokens: their number, characters, those with a letter, stop words, and the columns of
    `text.ngram_kernels` by length. ``words`` and ``word_characters`` exclude tokens of ignored characters only.
    """

    tokens: int
    characters: int
    words: int
    word_characters: int
    with_letter: int
    stop_words: int
    different_stop_words: int
    longest: int
    median_length: float
    ngrams: list[list[int]]


@functools.cache
def _stop_word_table() -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    import numpy as np

    from curate.text.characters import code_points
    from curate.text.hash_kernels import hash_codes
    from curate.text.table_kernels import make_table

    hashes = [int(hash_codes(code_points(word), 0, len(word))) for word in STOP_WORDS]
    return make_table(np.array(hashes, np.uint64), np.arange(1, len(STOP_WORDS) + 1))


@functools.cache
def _nothing() -> NDArray[np.bool_]:
    import numpy as np

    return np.zeros(0x110000, np.bool_)


def count_tokens(
    codes: NDArray[np.uint32],
    starts: NDArray[np.int32],
    stops: NDArray[np.int32],
    ignored: NDArray[np.bool_] | None = None,
    quote_length: int = 1,
) -> TokenStatistics:
    """Compute the statistics of tokens that filters use.

    Args:
        codes: the text's code points.
        starts: where each token starts, in code points.
        stops: where each token stops.
        ignored: for each code point, whether a token of only such characters is not a word.
        quote_length: length of a token that is one double quote, which NLTK replaces with two characters.
    """
    import numpy as np

    from curate.filters.reference_filters.token_count_kernels import COUNTS, describe_tokens
    from curate.text.characters import character_table
    from curate.text.ngram_kernels import COLUMNS, LONGEST

    counts = np.empty(len(COUNTS), np.int64)
    ngrams = np.empty((LONGEST + 1, len(COLUMNS)), np.int64)
    table = _nothing() if ignored is None else ignored
    describe_tokens(
        codes, character_table(), table, quote_length, *_stop_word_table(), starts, stops, counts, ngrams
    )  # fmt: skip
    words, word_characters, with_letter, stop, different, longest, median_twice = counts.tolist()
    characters = int((stops - starts).sum())
    return TokenStatistics(
        len(starts), characters, words, word_characters, with_letter, stop, different, longest, median_twice / 2,
        ngrams.tolist(),
    )  # fmt: skip


def chunk_spans(codes: NDArray[np.uint32]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return where each run of characters between white space starts and stops, as in ``str.split``."""
    import numpy as np

    from curate.text.characters import character_table
    from curate.text.word_kernels import find_chunks

    room = (len(codes) + 1) // 2  # white space separates any two
    starts, stops = np.empty(room, np.int32), np.empty(room, np.int32)
    n = find_chunks(codes, character_table(), starts, stops)
    return starts[:n], stops[:n]


def uax29_spans(codes: NDArray[np.uint32]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return where each UAX 29 word that begins with a letter or number starts and stops."""
    import numpy as np

    from curate.filters.reference_filters.uax29_kernels import uax29_words
    from curate.text.characters import character_table

    room = len(codes)  # every letter of a script without spaces is a word
    starts, stops = np.empty(room, np.int32), np.empty(room, np.int32)
    n = uax29_words(codes, character_table(), starts, stops)
    return starts[:n], stops[:n]


def later_copies(items: Sequence[str]) -> tuple[int, int]:
    """Return how many items are copies of an earlier one, and their characters.

    >>> later_copies(["ab", "c", "ab", "ab"])
    (2, 4)
    """
    seen: set[str] = set()
    count = characters = 0
    for item in items:
        if item in seen:
            count += 1
            characters += len(item)
        else:
            seen.add(item)
    return count, characters


def all_copies(items: Sequence[str]) -> tuple[int, int]:
    """Return how many items occur more than once, counting all copies, and their characters.

    >>> all_copies(["ab", "c", "ab", "ab"])
    (3, 6)
    """
    times: dict[str, int] = {}
    for item in items:
        times[item] = times.get(item, 0) + 1
    repeated = [item for item in items if times[item] > 1]
    return len(repeated), sum(map(len, repeated))


def ratio(part: float, whole: float) -> float:
    """Return a ratio, 0 if the denominator is 0."""
    return part / whole if whole else 0.0
