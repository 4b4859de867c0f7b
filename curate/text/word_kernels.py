"""Split a text into words."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from curate.text.characters import (
    DIGIT,
    FOLDS,
    JOINS_LETTERS,
    JOINS_NUMBERS,
    LETTER,
    MARK,
    NO_BREAK_AFTER,
    NO_BREAK_BEFORE,
    NUMBER,
    SCRIPT_NAMES,
    SCRIPT_SHIFT,
    SPACE,
    UNSPACED,
    UPPER,
    VOWEL_SIGN,
    WORD,
)
from curate.text.compiled import kernel
from curate.text.hash_kernels import SEED, spread, step

_KATAKANA = SCRIPT_NAMES.index("katakana")
_HIRAGANA = SCRIPT_NAMES.index("hiragana")
_HAN = SCRIPT_NAMES.index("han")
_BURMESE = SCRIPT_NAMES.index("burmese")
_ASAT, _VIRAMA = 0x103A, 0x1039

#: The counts that `find_words` writes, in order.
FACTS = ("words", "word_characters", "numbers", "capitals", "mixed_scripts")

# curate's own values: they give as many words as dictionary segmenters do (docs/signals.md); in Burmese, one for every
# two syllables.
_BREAKS = {"han": 123, "hiragana": 96, "bopomofo": 96, "thai": 70, "lao": 85, "khmer": 91, "burmese": 128}
#: How many of 256 places between letters of a script without spaces end a word, by script.
BREAKS = np.array([_BREAKS.get(name, 0) for name in SCRIPT_NAMES], np.int64)


@kernel
def ends_word(codes: NDArray[np.uint32], flags: int, i: int, table: NDArray[np.uint32]) -> bool:
    """Say whether a word ends before code point ``i``, at a letter of a script without spaces or after one.

    ``flags`` are those of the last letter. The rule looks at the two neighbours only, so that a phrase is split the
    same way wherever it occurs.
    """
    after = table[codes[i]]
    if after & (MARK | NO_BREAK_BEFORE) or (flags | table[codes[i - 1]]) & NO_BREAK_AFTER:
        return False
    script, next_script = flags >> SCRIPT_SHIFT, after >> SCRIPT_SHIFT
    if script != next_script:
        if not (script == _HAN and next_script == _HIRAGANA):
            return True
    elif script == _KATAKANA or (
        script == _BURMESE and i + 1 < len(codes) and (codes[i + 1] == _ASAT or codes[i + 1] == _VIRAMA)
    ):
        return False
    pair = step(step(SEED, codes[i - 1]), codes[i])
    return np.int64(spread(pair) & np.uint64(255)) < BREAKS[next_script]


@kernel
def find_words(
    codes: NDArray[np.uint32],
    table: NDArray[np.uint32],
    lower: NDArray[np.uint32],
    starts: NDArray[np.int32],
    stops: NDArray[np.int32],
    hashes: NDArray[np.uint64],
    folded: NDArray[np.uint64],
    facts: NDArray[np.int64],
) -> int:
    """Write start, stop, hash, and lower-case hash of each word, and `FACTS`; return the number of words.

    A word is a run of letters, numbers, marks and connectors that begins with a letter or number, much as in Unicode's
    word boundaries (UAX 29): an apostrophe, full stop or middle dot between two letters and a full stop or comma
    between two digits belong to it. In scripts without spaces `ends_word` splits the run further. Numbers are words
    without a letter, capitals are words of at least two letters, all capitals, and mixed scripts are words with letters
    of two scripts. Lower case is that of `curate.text.words.lower_table`, which is folded, without the vowel signs of
    Hebrew and Arabic.

    There are never more words than characters; `curate.filters.measure_kernels` has a closer bound.
    """
    n = len(codes)
    n_words = characters = numbers = capitals = mixed = 0
    i = 0
    while i < n:
        here = table[codes[i]] | 0  # as a signed integer
        if not here & (LETTER | NUMBER):
            i += 1
            continue
        start = i
        last = here  # flags of the last character that is not a mark
        h = SEED
        letters = uppers = scripts = folds = signs = 0
        while True:
            h = step(h, codes[i])
            folds |= here & FOLDS
            if here & LETTER:
                letters += 1
                uppers += (here & UPPER) != 0
                scripts |= 1 << (here >> SCRIPT_SHIFT)
            i += 1
            if i >= n:
                break
            here = table[codes[i]] | 0
            if here & WORD:
                if (last | here) & UNSPACED and ends_word(codes, last, i, table):
                    break
                if not here & MARK:
                    last = here
                signs |= here & VOWEL_SIGN
            elif here & (JOINS_LETTERS | JOINS_NUMBERS) and i + 1 < n:
                after = table[codes[i + 1]]
                letters_join = here & JOINS_LETTERS and last & after & LETTER and not (last | after) & UNSPACED
                if not letters_join and not (here & JOINS_NUMBERS and last & after & DIGIT):
                    break
            else:
                break
        starts[n_words] = start
        stops[n_words] = i
        hashes[n_words] = h
        if uppers or folds or signs:
            h = SEED
            for k in range(start, i):
                c = lower[codes[k]]
                if c and not table[codes[k]] & VOWEL_SIGN:
                    h = step(h, c)
        folded[n_words] = h
        n_words += 1
        characters += i - start
        numbers += letters == 0
        capitals += uppers == letters and letters > 1
        scripts &= ~1
        mixed += scripts & (scripts - 1) != 0
    values = (n_words, characters, numbers, capitals, mixed)
    for k in range(len(values)):
        facts[k] = values[k]
    return n_words


@kernel
def find_chunks(
    codes: NDArray[np.uint32],
    table: NDArray[np.uint32],
    starts: NDArray[np.int32],
    stops: NDArray[np.int32],
) -> int:
    """Write start and stop of each run of characters between white space, as ``str.split``; return how many.

    There are at most ``(len(codes) + 1) // 2``, because white space separates any two.
    """
    n = len(codes)
    n_chunks = 0
    i = 0
    while i < n:
        if table[codes[i]] & SPACE:
            i += 1
            continue
        starts[n_chunks] = i
        while i < n and not table[codes[i]] & SPACE:
            i += 1
        stops[n_chunks] = i
        n_chunks += 1
    return n_chunks
