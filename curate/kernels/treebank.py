"""Cut an English text into tokens as NLTK's ``word_tokenize`` does: sentences by Punkt, then Treebank's rules."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from curate.compiled import kernel
from curate.kernels.hashing import SEED, step
from curate.kernels.watch import find

# What a character is to these rules.
SPACE, ALONE, DIGIT, CLOSES, WORD, UPPER, LOWER = 1, 2, 4, 8, 16, 32, 64
_STOP, _APOSTROPHE, _QUOTE, _HYPHEN, _BACKTICK, _COMMA, _COLON = 0x2E, 0x27, 0x22, 0x2D, 0x60, 0x2C, 0x3A


@kernel
def lower_hash(codes: NDArray[np.uint32], a: int, b: int) -> np.uint64:
    """Hash of a piece in lower case, as far as ASCII goes."""
    h = SEED
    for i in range(a, b):
        c = codes[i]
        h = step(h, c + np.uint32(32) if 65 <= c <= 90 else c)
    return h


@kernel
def ends_sentence(
    codes: NDArray[np.uint32],
    a: int,
    b: int,
    kinds: NDArray[np.uint8],
    known: NDArray[np.uint64],
    is_abbreviation: NDArray[np.int64],
) -> bool:
    """Whether a sentence ends after the chunk from ``a`` to ``b``: at a question or exclamation mark, or at a full stop
    that belongs to no abbreviation, initial or ellipsis. A number and a full stop end one only before a capital.
    """
    stop = b
    while stop > a and kinds[codes[stop - 1]] & CLOSES:
        stop -= 1
    if stop == a:
        return False
    last = codes[stop - 1]
    if last == 0x3F or last == 0x21:
        return True
    if last != _STOP or (stop - a > 1 and codes[stop - 2] == _STOP):
        return False
    while a < stop - 1 and not kinds[codes[a]] & WORD:
        a += 1
    i = b
    while i < len(codes) and kinds[codes[i]] & SPACE:
        i += 1
    while i < len(codes) and not kinds[codes[i]] & (WORD | SPACE):
        i += 1
    next_kind = kinds[codes[i]] if i < len(codes) else UPPER
    if stop - 1 - a == 1 and kinds[codes[a]] & UPPER:  # an initial
        return False
    only_digits = stop - 1 > a
    for j in range(a, stop - 1):
        only_digits = only_digits and kinds[codes[j]] & DIGIT != 0
    if only_digits:
        return not next_kind & LOWER
    return not find(known, is_abbreviation, lower_hash(codes, a, stop - 1))


@kernel
def count_sentences(
    codes: NDArray[np.uint32], kinds: NDArray[np.uint8], known: NDArray[np.uint64], is_abbreviation: NDArray[np.int64]
) -> int:
    """How many sentences a text has: ends of sentences with more text behind them, and one."""
    n = len(codes)
    sentences = 0
    open_sentence = False
    i = 0
    while i < n:
        if kinds[codes[i]] & SPACE:
            i += 1
            continue
        a = i
        while i < n and not kinds[codes[i]] & SPACE:
            i += 1
        open_sentence = True
        if ends_sentence(codes, a, i, kinds, known, is_abbreviation):
            sentences += 1
            open_sentence = False
    return sentences + open_sentence


@kernel
def clitic_length(codes: NDArray[np.uint32], a: int, b: int) -> int:
    """How many characters at the end of a piece are a clitic: ``'s 'm 'd ' 'll 're 've n't``."""
    if b - a < 2:
        return 0
    last, before = codes[b - 1] | 32, codes[b - 2]
    if codes[b - 1] == _APOSTROPHE:
        return 1 if before != _APOSTROPHE else 0
    if before == _APOSTROPHE and last in (0x73, 0x6D, 0x64):  # s, m, d
        return 2 if b - a > 2 and codes[b - 3] != _APOSTROPHE else 0
    if b - a < 4:
        return 0
    if before == _APOSTROPHE and last == 0x74 and codes[b - 3] | 32 == 0x6E:  # n't
        return 3 if codes[b - 4] != _APOSTROPHE else 0
    if codes[b - 3] == _APOSTROPHE and codes[b - 4] != _APOSTROPHE:
        pair = (before | 32) << 8 | last
        return 3 if pair in (0x6C6C, 0x7265, 0x7665) else 0  # ll, re, ve
    return 0


@kernel
def treebank_tokens(
    codes: NDArray[np.uint32],
    kinds: NDArray[np.uint8],
    known: NDArray[np.uint64],
    is_abbreviation: NDArray[np.int64],
    contractions: NDArray[np.uint64],
    first_parts: NDArray[np.int64],
    starts: NDArray[np.int32],
    stops: NDArray[np.int32],
) -> int:
    """Write start and stop of each token; returns their number, never more than there are characters.

    ``contractions`` and ``first_parts`` are a table (`curate.kernels.watch.find`) from the hash of a word in lower case
    (``cannot``) to the length of its first token. Double quotes become two characters in NLTK, and one here.
    """
    n = len(codes)
    found = 0
    i = 0
    while i < n:
        if kinds[codes[i]] & SPACE:
            i += 1
            continue
        a = i
        plain = True
        while i < n and not kinds[codes[i]] & SPACE:
            plain = plain and kinds[codes[i]] & WORD != 0
            i += 1
        b = i
        stop = b  # where the full stop of a sentence's end stands
        if not plain:
            j = b
            while j > a and kinds[codes[j - 1]] & CLOSES:
                j -= 1
            if j > a + 1 and codes[j - 1] == _STOP and codes[j - 2] != _STOP:
                k = b
                while k < n and kinds[codes[k]] & SPACE:
                    k += 1
                if k == n or ends_sentence(codes, a, b, kinds, known, is_abbreviation):
                    stop = j - 1
        while a < b:
            # one piece between characters that are tokens of their own
            j = a
            size = 0
            while j < b:
                c = codes[j]
                if not kinds[c] & WORD:
                    size = 0
                    if kinds[c] & ALONE or j == stop:
                        size = 1
                    elif c in (_COMMA, _COLON):
                        size = 1 if j + 1 == b or not kinds[codes[j + 1]] & DIGIT else 0
                    elif c == _STOP:
                        while j + size < b and codes[j + size] == _STOP:
                            size += 1
                        size = size if size > 1 else 0
                    elif c == _BACKTICK:
                        while j + size < b and codes[j + size] == _BACKTICK:
                            size += 1
                    elif c in (_HYPHEN, _APOSTROPHE) and j + 1 < b and codes[j + 1] == c:
                        size = 2
                    if size:
                        break
                j += 1
            if j > a:
                first, last = a, j
                letter = codes[last - 1]
                if codes[first] == _APOSTROPHE and last - first == 2 and kinds[letter] & WORD:
                    is_clitic = letter | 32 in (0x6D, 0x74, 0x73, 0x64, 0x6E)  # m t s d n
                    if not is_clitic:
                        starts[found], stops[found] = first, first + 1
                        found += 1
                        first += 1
                ending = clitic_length(codes, first, last)
                length = find(contractions, first_parts, lower_hash(codes, first, last)) if last - first <= 8 else 0
                if length:
                    starts[found], stops[found] = first, first + length
                    starts[found + 1], stops[found + 1] = first + length, last
                    found += 2
                else:
                    starts[found], stops[found] = first, last - ending
                    found += 1
                    if ending:
                        starts[found], stops[found] = last - ending, last
                        found += 1
            if size:
                starts[found], stops[found] = j, j + size
                found += 1
            a = j + size
            size = 0
    return found
