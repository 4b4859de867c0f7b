"""Cut a text into words."""

from __future__ import annotations

import numpy as np

from curate.characters import (
    DIGIT,
    JOINS_LETTERS,
    JOINS_NUMBERS,
    LETTER,
    MARK,
    NO_BREAK_AFTER,
    NO_BREAK_BEFORE,
    NUMBER,
    SCRIPT_NAMES,
    SCRIPT_SHIFT,
    UNSPACED,
    UPPER,
    WORD,
)
from curate.compiled import kernel
from curate.kernels.hashing import SEED, STEP, mix

_32 = np.uint64(32)
_KATAKANA = SCRIPT_NAMES.index("katakana")
_HIRAGANA = SCRIPT_NAMES.index("hiragana")
_HAN = SCRIPT_NAMES.index("han")
_BURMESE = SCRIPT_NAMES.index("burmese")
_ASAT, _VIRAMA = 0x103A, 0x1039

# In 256 places where a word may end inside a run of letters of an unspaced script, this many end one.
BREAKS = np.full(len(SCRIPT_NAMES), 128, np.int64)
LETTER_OR_NUMBER = LETTER | NUMBER


@kernel
def ends_word(codes, flags, i, table):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Whether a word ends between code points ``i - 1`` and ``i``, letters of which one or both are unspaced.

    ``flags`` are those of the last letter before ``i``. The rule looks at two characters only, so that the same phrase
    is cut alike wherever it stands.
    """
    after = table[codes[i]]
    if after & (MARK | NO_BREAK_BEFORE) or flags & NO_BREAK_AFTER or table[codes[i - 1]] & NO_BREAK_AFTER:
        return False
    script, next_script = flags >> SCRIPT_SHIFT, after >> SCRIPT_SHIFT
    if script != next_script:
        if not (script == _HAN and next_script == _HIRAGANA):
            return True
    elif script == _KATAKANA or (
        script == _BURMESE and i + 1 < len(codes) and (codes[i + 1] == _ASAT or codes[i + 1] == _VIRAMA)
    ):
        return False
    pair = (np.uint64(codes[i - 1]) << _32) | np.uint64(codes[i])
    return np.int64(mix(mix(pair ^ SEED)) & np.uint64(255)) < BREAKS[next_script]


@kernel
def find_words(codes, table, lower, starts, stops, hashes, folded):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Write start, stop, hash, and hash in lower case of each word; returns their number.

    A word is a run of letters, numbers, marks and connectors that begins with a letter or number, as in Unicode's
    word boundaries (UAX 29): an apostrophe, full stop or middle dot between two letters and a full stop or comma
    between two digits belong to it. In scripts without spaces `ends_word` cuts the run further.
    """
    n = len(codes)
    found = 0
    i = 0
    while i < n:
        f = table[codes[i]]
        if not f & LETTER_OR_NUMBER:
            i += 1
            continue
        start = i
        h = SEED
        low = SEED
        while True:
            c = np.uint64(codes[i])
            h = (h ^ c) * STEP
            h ^= h >> _32
            if f & UPPER and codes[i] < len(lower):
                c = np.uint64(lower[codes[i]])
            low = (low ^ c) * STEP
            low ^= low >> _32
            i += 1
            if i >= n:
                break
            g = table[codes[i]]
            if g & WORD:
                if (f | g) & UNSPACED and ends_word(codes, f, i, table):
                    break
                if not g & MARK:
                    f = g
                else:
                    f &= ~np.uint32(UPPER)
                continue
            if i + 1 < n:
                after = table[codes[i + 1]]
                if (g & JOINS_LETTERS and f & LETTER and after & LETTER and not (f | after) & UNSPACED) or (
                    g & JOINS_NUMBERS and f & DIGIT and after & DIGIT
                ):
                    f &= ~np.uint32(UPPER)
                    continue
            break
        starts[found] = start
        stops[found] = i
        hashes[found] = h
        folded[found] = low
        found += 1
    return found
