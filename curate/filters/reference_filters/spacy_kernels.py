"""Split a text into tokens as spaCy's blank English pipeline does (spaCy 3.8)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from curate.text.characters import PUNCTUATION
from curate.text.compiled import kernel
from curate.text.hash_kernels import hash_codes
from curate.text.table_kernels import find

# Classes of characters in spaCy's punctuation rules.
SPACE, PREFIX, SUFFIX, ICON, CURRENCY = 1, 2, 4, 8, 16
ALPHA, LOWER, UPPER, DIGIT = 32, 64, 128, 256
QUOTE, BEFORE_STOP, HOST, WORD = 512, 1024, 2048, 4096
_STOP, _ELLIPSIS, _HYPHEN, _PLUS, _DEGREE, _COLON, _SLASH, _AT = 0x2E, 0x2026, 0x2D, 0x2B, 0xB0, 0x3A, 0x2F, 0x40
LONGEST_UNIT = 5


@kernel
def prefix_length(codes: NDArray[np.uint32], a: int, b: int, kinds: NDArray[np.uint16]) -> int:
    """Return how many characters at the beginning of a piece are a separate token."""
    c = codes[a]
    if kinds[c] & (PREFIX | ICON | CURRENCY):
        return 1
    if c == _STOP:
        n = 1
        while a + n < b and codes[a + n] == _STOP:
            n += 1
        return n if n > 1 else 0
    if c == _PLUS:
        return 0 if a + 1 < b and kinds[codes[a + 1]] & DIGIT else 1
    # "US$", "C$", "A$"
    if (c == 0x43 or c == 0x41) and a + 1 < b and codes[a + 1] == 0x24:
        return 2
    if c == 0x55 and a + 2 < b and codes[a + 1] == 0x53 and codes[a + 2] == 0x24:
        return 3
    return 0


@kernel
def suffix_length(
    codes: NDArray[np.uint32],
    a: int,
    b: int,
    kinds: NDArray[np.uint16],
    units: NDArray[np.uint64],
    is_unit: NDArray[np.int64],
) -> int:
    """Return how many characters at the end of a piece are a separate token: the longest ending of any rule."""
    last = codes[b - 1]
    k = kinds[last]
    before = kinds[codes[b - 2]] if b - a > 1 else 0
    length = 0
    if last == _STOP:
        n = 1
        while b - n > a and codes[b - n - 1] == _STOP:
            n += 1
        if n > 1:
            return n
        if b - a > 2 and kinds[codes[b - 3]] & DIGIT and codes[b - 2] in (0x67, 0x6D, 0x74):
            return 2  # "5m.": the unit is split off, and "m." is an exception
        if before & (DIGIT | LOWER | BEFORE_STOP):
            return 1
        if b - a > 2 and before & UPPER and kinds[codes[b - 3]] & UPPER:
            return 1
        is_degree = b - a > 2 and codes[b - 3] == _DEGREE
        return 1 if is_degree and codes[b - 2] in (0x46, 0x66, 0x43, 0x63, 0x4B, 0x6B) else 0
    if k & (SUFFIX | ICON):
        length = 1
        if b - a > 1 and ((last == codes[b - 2] == _ELLIPSIS) or (last == _COLON and codes[b - 2] == 0x29)):
            length = 2  # "):" is an emoticon
    elif (last == 0x53 or last == 0x73) and b - a > 1 and (codes[b - 2] == 0x27 or codes[b - 2] == 0x2019):
        length = 2
    elif (k & CURRENCY or last == _PLUS) and before & DIGIT:
        length = 1
    for n in range(min(LONGEST_UNIT, b - a - 1), length, -1):
        if kinds[codes[b - n - 1]] & DIGIT and find(units, is_unit, hash_codes(codes, b - n, b)):
            return n
    return length


@kernel
def infix_length(codes: NDArray[np.uint32], a: int, i: int, b: int, kinds: NDArray[np.uint16]) -> int:
    """Return how many characters at ``i``, inside a piece, split it in two."""
    c = codes[i]
    k = kinds[c]
    if c == _STOP and i + 1 < b and codes[i + 1] == _STOP:
        n = 2
        while i + n < b and codes[i + n] == _STOP:
            n += 1
        return n
    if c == _ELLIPSIS or k & ICON:
        return 1
    if i == a or i + 1 >= b:
        return 0
    before, after = kinds[codes[i - 1]], kinds[codes[i + 1]]
    if c in (0x2B, 0x2D, 0x2A, 0x5E) and before & DIGIT and (after & DIGIT or codes[i + 1] == _HYPHEN):
        return 1
    if c == _STOP:
        return 1 if before & (LOWER | QUOTE) and after & (UPPER | QUOTE) else 0
    if c == 0x2C:
        return 1 if before & after & ALPHA else 0
    if c in (0x3A, 0x3C, 0x3E, 0x3D, 0x2F):
        return 1 if before & (ALPHA | DIGIT) and after & ALPHA else 0
    if c in (0x2D, 0x2013, 0x2014, 0x7E) and before & (ALPHA | DIGIT):
        n = 1
        if c == _HYPHEN:
            while n < 3 and i + n < b and codes[i + n] == _HYPHEN:
                n += 1
        elif c == 0x2014 and codes[i + 1] == 0x2014:
            n = 2
        if i + n < b and kinds[codes[i + n]] & ALPHA:
            return n
    return 0


@kernel
def is_url(codes: NDArray[np.uint32], a: int, b: int, kinds: NDArray[np.uint16]) -> bool:
    """Say whether a whole piece is a URL, a host name or an e-mail address according to spaCy."""
    i = a
    while i < b and (kinds[codes[i]] & WORD or codes[i] in (0x2B, 0x2D, 0x2E)):
        i += 1
    start = a
    if i - a >= 2 and i + 2 < b and codes[i] == _COLON and codes[i + 1] == _SLASH and codes[i + 2] == _SLASH:
        start = i + 3
    if is_host(codes, start, b, kinds):
        return True
    at = start + 1
    while at < b - 1 and not (codes[at] == _AT and is_host(codes, at + 1, b, kinds)):
        at += 1
    return at < b - 1


@kernel
def is_host(codes: NDArray[np.uint32], a: int, b: int, kinds: NDArray[np.uint16]) -> bool:
    """Say whether a piece is a host name with a top-level domain, or an IPv4 address; port and path may follow."""
    labels = 0
    numeric = 0
    i = a
    while True:
        first = i
        only_lower = True
        only_digits = True
        while i < b and kinds[codes[i]] & HOST:
            only_lower = only_lower and kinds[codes[i]] & LOWER != 0
            only_digits = only_digits and kinds[codes[i]] & DIGIT != 0
            i += 1
        if i == first:
            return False
        at_end = (
            i == b
            or codes[i] in (0x2F, 0x3F, 0x23)
            or (codes[i] == _COLON and i + 2 < b and kinds[codes[i + 1]] & kinds[codes[i + 2]] & DIGIT)
        )
        if at_end and labels and ((only_lower and i - first >= 2) or (only_digits and numeric == 3 and labels == 3)):
            return True
        edge = codes[first] in (0x2D, 0x5F) or codes[i - 1] in (0x2D, 0x5F)
        if edge or i - first > 64 or i == b or codes[i] != _STOP:
            return False
        labels += 1
        numeric += only_digits and i - first <= 3
        i += 1


@kernel
def spacy_tokens(
    codes: NDArray[np.uint32],
    kinds: NDArray[np.uint16],
    special: NDArray[np.uint64],
    pieces: NDArray[np.int64],
    units: NDArray[np.uint64],
    is_unit: NDArray[np.int64],
    starts: NDArray[np.int32],
    stops: NDArray[np.int32],
) -> int:
    """Write start and stop of each token; return their number, at most that of the characters.

    Tokens do not overlap, and none is empty, even if a shorter piece has the hash of an exception. ``special`` and
    ``pieces`` are a table (`curate.text.table_kernels.find`) from the hash of an exception to the lengths of its first
    two tokens and 1: ``first << 16 | second << 8 | 1``.
    """
    n = len(codes)
    n_tokens = 0
    suffixes = np.empty(64, np.int32)  # of one piece; grows
    i = 0
    while i < n:
        if kinds[codes[i]] & SPACE:
            i += 1
            continue
        a = i
        plain = True
        while i < n and not kinds[codes[i]] & SPACE:
            plain = plain and kinds[codes[i]] & (ALPHA | SUFFIX | ICON) == ALPHA
            i += 1
        b = i
        entry = find(special, pieces, hash_codes(codes, a, b)) if b - a <= 12 else 0
        if plain and not entry:
            starts[n_tokens], stops[n_tokens] = a, b
            n_tokens += 1
            continue
        n_suffixes = 0
        while a < b and not entry:
            before = n_tokens
            prefix = prefix_length(codes, a, b, kinds)
            if prefix:
                starts[n_tokens], stops[n_tokens] = a, a + prefix
                n_tokens += 1
                entry = find(special, pieces, hash_codes(codes, a + prefix, b)) if b - a - prefix <= 12 else 0
                if entry:
                    a += prefix
                    break
            suffix = suffix_length(codes, a + prefix, b, kinds, units, is_unit) if a + prefix < b else 0
            if suffix:
                if n_suffixes == len(suffixes):
                    suffixes = np.append(suffixes, suffixes)
                suffixes[n_suffixes] = suffix
                n_suffixes += 1
                entry = find(special, pieces, hash_codes(codes, a, b - suffix)) if b - suffix - a <= 12 else 0
                if entry:  # the whole piece except for its ending: the beginning is not split off
                    n_tokens = before
                    b -= suffix
                    break
            a += prefix
            b -= suffix
            if not prefix and not suffix:
                break
            entry = find(special, pieces, hash_codes(codes, a, b)) if a < b and b - a <= 12 else 0
        if a < b:
            if entry:
                for length in (entry >> 16, entry >> 8 & 255):
                    size = min(length, b - a)
                    if size:
                        starts[n_tokens], stops[n_tokens] = a, a + size
                        n_tokens += 1
                        a += size
                if a < b:
                    starts[n_tokens], stops[n_tokens] = a, b
                    n_tokens += 1
            elif is_url(codes, a, b, kinds):
                starts[n_tokens], stops[n_tokens] = a, b
                n_tokens += 1
            else:
                first = j = a
                while j < b:
                    size = infix_length(codes, a, j, b, kinds)
                    if not size:
                        j += 1
                        continue
                    if j > first:
                        starts[n_tokens], stops[n_tokens] = first, j
                        n_tokens += 1
                    starts[n_tokens], stops[n_tokens] = j, j + size
                    n_tokens += 1
                    first = j = j + size
                if first < b:
                    starts[n_tokens], stops[n_tokens] = first, b
                    n_tokens += 1
        for j in range(n_suffixes - 1, -1, -1):
            starts[n_tokens], stops[n_tokens] = b, b + suffixes[j]
            b += suffixes[j]
            n_tokens += 1
    return n_tokens


@kernel
def count_spacy_sentences(
    codes: NDArray[np.uint32],
    starts: NDArray[np.int32],
    stops: NDArray[np.int32],
    terminal: NDArray[np.bool_],
    table: NDArray[np.uint32],
) -> int:
    """Count sentences as spaCy's "sentencizer" does.

    A sentence begins at the first token that is not punctuation after a mark that ends one.
    """
    sentences = 1
    ended = False
    for i in range(len(starts)):
        if stops[i] - starts[i] == 1 and terminal[codes[starts[i]]]:
            ended = True
        elif ended:
            punctuation = True
            for j in range(starts[i], stops[i]):
                punctuation = punctuation and table[codes[j]] & PUNCTUATION != 0
            if not punctuation:
                sentences += 1
                ended = False
    return sentences
