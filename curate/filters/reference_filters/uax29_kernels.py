"""Split a text at Unicode's default word boundaries (UAX 29); words begin with a letter or number."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from curate.text.characters import (
    CONNECTOR,
    DIGIT,
    JOINS_LETTERS,
    JOINS_NUMBERS,
    LETTER,
    MARK,
    NUMBER,
    SCRIPT_NAMES,
    SCRIPT_SHIFT,
    UNSPACED,
)
from curate.text.compiled import kernel

_KATAKANA = SCRIPT_NAMES.index("katakana")
_ZERO_WIDTH_SPACE, _NARROW_SPACE = 0x200B, 0x202F
# Classes of characters in the rules: one that joins nothing, a letter, a digit, a katakana, a connector.
_OTHER, _ALPHABETIC, _NUMERIC, _KANA, _CONNECTS = range(5)


@kernel
def kind(code: np.uint32, flags: int) -> int:
    """Return the class of a character."""
    if flags & LETTER:
        if flags & UNSPACED:
            return _KANA if flags >> SCRIPT_SHIFT == _KATAKANA else _OTHER
        return _ALPHABETIC
    if flags & DIGIT:
        return _NUMERIC
    return _CONNECTS if flags & CONNECTOR or code == _NARROW_SPACE else _OTHER


@kernel
def uax29_words(
    codes: NDArray[np.uint32], table: NDArray[np.uint32], starts: NDArray[np.int32], stops: NDArray[np.int32]
) -> int:
    """Write start and stop of each word; return their number, at most that of the characters.

    Each letter of a script without spaces is a word, except in runs of katakana (no dictionary is used).
    """
    n = len(codes)
    n_words = 0
    i = 0
    while i < n:
        start = i
        last = kind(codes[i], table[codes[i]])
        i += 1
        while i < n:
            c = codes[i]
            f = table[c]
            if f & MARK and c != _ZERO_WIDTH_SPACE:
                i += 1
                continue
            this = kind(c, f)
            if last != _OTHER and this != _OTHER:
                letters = last in (_ALPHABETIC, _NUMERIC) and this in (_ALPHABETIC, _NUMERIC)
                if letters or (last == _KANA and this == _KANA) or last == _CONNECTS or this == _CONNECTS:
                    last = this
                    i += 1
                    continue
            if f & (JOINS_LETTERS | JOINS_NUMBERS):
                j = i + 1
                while j < n and table[codes[j]] & MARK and codes[j] != _ZERO_WIDTH_SPACE:
                    j += 1
                if j < n:
                    after = kind(codes[j], table[codes[j]])
                    if (f & JOINS_LETTERS and last == _ALPHABETIC and after == _ALPHABETIC) or (
                        f & JOINS_NUMBERS and last == _NUMERIC and after == _NUMERIC
                    ):
                        last = after
                        i = j + 1
                        continue
            break
        if table[codes[start]] & (LETTER | NUMBER):
            starts[n_words] = start
            stops[n_words] = i
            n_words += 1
    return n_words
