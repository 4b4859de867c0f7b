"""Split an English text into tokens as NLTK's ``word_tokenize`` does: Punkt's sentences, then Treebank's rules."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from curate.text.compiled import kernel
from curate.text.hash_kernels import SEED, step
from curate.text.table_kernels import find

# Classes of characters in these rules.
SPACE, ALONE, DIGIT, CLOSES, WORD, UPPER, LOWER = 1, 2, 4, 8, 16, 32, 64
NO_WORD, CLOSES_ASCII, NO_LETTER = 128, 256, 512
# Classes of words in the table of known ones.
ABBREVIATION, STARTER = 1, 2
_STOP, _APOSTROPHE, _QUOTE, _HYPHEN, _BACKTICK, _COMMA, _COLON = 0x2E, 0x27, 0x22, 0x2D, 0x60, 0x2C, 0x3A


@kernel
def lower_hash(codes: NDArray[np.uint32], a: int, b: int) -> np.uint64:
    """Hash a piece with its ASCII letters in lower case."""
    h = SEED
    for i in range(a, b):
        c = codes[i]
        h = step(h, c + np.uint32(32) if 65 <= c <= 90 else c)
    return h


@kernel
def find_sentence_end(
    codes: NDArray[np.uint32],
    a: int,
    b: int,
    kinds: NDArray[np.uint16],
    known: NDArray[np.uint64],
    entries: NDArray[np.int64],
) -> int:
    """Return where the chunk from ``a`` to ``b`` has a mark that ends a sentence with text after it; -1 if nowhere.

    Such a mark is followed by one of Punkt's non-word characters, or by white space and more text; the last one counts.
    A question or exclamation mark ends a sentence, and so does a full stop after a word. After an abbreviation, after
    an initial or in an ellipsis a full stop does so only before one of the words that often begin a sentence; after a
    number not before a lower-case letter, and after a lower-case letter only before a capital.
    """
    n = len(codes)
    i = b
    while i < n and kinds[codes[i]] & SPACE:
        i += 1
    p = b - 1
    while p >= a:
        if codes[p] in (_STOP, 0x21, 0x3F) and (i < n if p == b - 1 else kinds[codes[p + 1]] & NO_WORD != 0):
            break
        p -= 1
    if p < a or codes[p] != _STOP:
        return p if p >= a else -1
    if p < b - 1:
        i = p + 1
    while i < n and not kinds[codes[i]] & (WORD | SPACE):
        i += 1
    next_word = kinds[codes[i]] if i < n else 0
    first = p
    while first > a and not kinds[codes[first - 1]] & NO_WORD:
        first -= 1
    is_ellipsis = p > first and codes[p - 1] == _STOP
    while first < p and not kinds[codes[first]] & WORD:
        first += 1
    hyphen = first
    only_digits = p > first
    for j in range(first, p):
        if codes[j] == _HYPHEN:
            hyphen = j + 1
        only_digits = only_digits and kinds[codes[j]] & (DIGIT | NO_LETTER) != 0
    if only_digits:
        return p if not next_word & LOWER else -1
    if p - first == 1 and kinds[codes[first]] & LOWER:
        return p if next_word & UPPER else -1
    entry = find(known, entries, lower_hash(codes, first, p)) | find(known, entries, lower_hash(codes, hyphen, p))
    if not is_ellipsis and not entry & ABBREVIATION and p - first != 1:
        return p
    j = i
    while j < n and kinds[codes[j]] & WORD:
        j += 1
    starts = next_word & UPPER and find(known, entries, lower_hash(codes, i, j)) & STARTER
    return p if starts else -1


@kernel
def count_sentences(
    codes: NDArray[np.uint32], kinds: NDArray[np.uint16], known: NDArray[np.uint64], entries: NDArray[np.int64]
) -> int:
    """Count sentences: one, and one more after each sentence end that more than closing marks follow."""
    n = len(codes)
    sentences = 0
    is_open = False
    i = 0
    while i < n:
        if kinds[codes[i]] & SPACE:
            i += 1
            continue
        a = i
        while i < n and not kinds[codes[i]] & SPACE:
            i += 1
        is_open = True
        end = find_sentence_end(codes, a, i, kinds, known, entries)
        if end >= 0:
            sentences += 1
            k = end + 1
            while k < i and kinds[codes[k]] & CLOSES_ASCII:
                k += 1
            is_open = k < i
    return sentences + is_open


@kernel
def clitic_length(codes: NDArray[np.uint32], a: int, b: int) -> int:
    """Return how many characters at the end of a piece are a clitic: ``'s 'm 'd ' 'll 're 've n't``."""
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
    kinds: NDArray[np.uint16],
    known: NDArray[np.uint64],
    entries: NDArray[np.int64],
    contractions: NDArray[np.uint64],
    first_parts: NDArray[np.int64],
    starts: NDArray[np.int32],
    stops: NDArray[np.int32],
) -> int:
    """Write start and stop of each token; return their number, at most that of the characters.

    Tokens do not overlap, and none is empty, even if a shorter piece has the hash of a contraction. ``known`` and
    ``entries`` are a table (`text.table_kernels.find`) of abbreviations and words that begin sentences,
    ``contractions`` and ``first_parts`` one from the hash of a lower-case word (``cannot``) to the length of its first
    token. NLTK replaces a double quote with two characters; here it stays one.
    """
    n = len(codes)
    n_tokens = 0
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
        stop = b  # the position of a full stop that ends a sentence
        if not plain:
            j = find_sentence_end(codes, a, b, kinds, known, entries)
            if j < 0:
                k = b
                while k < n and kinds[codes[k]] & SPACE:
                    k += 1
                if k == n:  # the end of the text
                    j = b - 1
                    while j > a and kinds[codes[j]] & CLOSES:
                        j -= 1
            if j > a and codes[j] == _STOP and codes[j - 1] != _STOP:
                stop = j
        while a < b:
            # one piece between characters that are separate tokens
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
                    elif c == _APOSTROPHE and j + 1 < b and kinds[codes[j + 1]] & WORD:
                        is_clitic = codes[j + 1] | 32 in (0x6D, 0x74, 0x73, 0x64, 0x6E)  # m t s d n
                        is_single = j + 2 == b or not kinds[codes[j + 2]] & WORD
                        size = 1 if is_single and not is_clitic else 0
                    if size:
                        break
                j += 1
            if j > a:
                first, last = a, j
                ending = clitic_length(codes, first, last)
                length = find(contractions, first_parts, lower_hash(codes, first, last)) if last - first <= 8 else 0
                if 0 < length < last - first:
                    starts[n_tokens], stops[n_tokens] = first, first + length
                    starts[n_tokens + 1], stops[n_tokens + 1] = first + length, last
                    n_tokens += 2
                else:
                    starts[n_tokens], stops[n_tokens] = first, last - ending
                    n_tokens += 1
                    if ending:
                        starts[n_tokens], stops[n_tokens] = last - ending, last
                        n_tokens += 1
            if size:
                starts[n_tokens], stops[n_tokens] = j, j + size
                n_tokens += 1
            a = j + size
            size = 0
    return n_tokens
