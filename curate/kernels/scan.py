"""Count characters, words and lines of one text."""

from __future__ import annotations

import numpy as np

from curate.characters import (
    BROKEN,
    BULLET,
    CLOSER,
    DIGIT,
    LETTER,
    PUNCTUATION,
    SCRIPT_NAMES,
    SCRIPT_SHIFT,
    SPACE,
    SYMBOL,
    TERMINAL,
    UNSPACED,
    UPPER,
)
from curate.compiled import kernel
from curate.kernels.hashing import SEED, find_first, join, step

#: What `scan_characters` counts, in the order of its result.
CHARACTERS = (
    "bytes", "letters", "digits", "uppers", "punctuation", "symbols", "spaces", "newlines", "broken", "unspaced",
    "curly_brackets", "hash_signs", "ellipses", "sentences", "main_script", "chunks", "chunks_with_letter",
    "longest_chunk",
)  # fmt: skip
#: What `scan_lines` counts, in the order of its result.
LINES = (
    "lines", "characters", "bullets", "ellipses", "terminal", "short", "longest", "upper", "numeric",
    "later_copies", "later_copy_characters", "all_copies", "all_copy_characters",
    "paragraphs", "paragraph_characters",
    "later_paragraphs", "later_paragraph_characters", "all_paragraphs", "all_paragraph_characters",
)  # fmt: skip
SHORT_LINE = 30  # characters, FineWeb (datatrove, fineweb_quality_filter.py)


@kernel
def scan_characters(codes, table, out):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Count kinds of characters, sentences, and chunks between white space into ``out``, as `CHARACTERS` names them."""
    n = len(codes)
    size = letters = digits = uppers = punctuation = symbols = spaces = newlines = broken = unspaced = 0
    curly = hashes = ellipses = sentences = chunks = chunks_with_letter = longest = 0
    scripts = np.zeros(len(SCRIPT_NAMES), np.int64)
    chunk, has_letter = 0, 0  # length so far, and whether it has a letter
    for i in range(n):
        c = codes[i]
        f = table[c]
        size += 1 + (c > 0x7F) + (c > 0x7FF) + (c > 0xFFFF)
        if f & SPACE:
            spaces += 1
            newlines += c == 10
            if chunk:
                chunks += 1
                chunks_with_letter += has_letter
                longest = max(longest, chunk)
                chunk, has_letter = 0, 0
            continue
        chunk += 1
        if f & LETTER:
            has_letter = 1
            letters += 1
            uppers += (f & UPPER) != 0
            unspaced += (f & UNSPACED) != 0
            scripts[f >> SCRIPT_SHIFT] += 1
            continue
        digits += (f & DIGIT) != 0
        symbols += (f & SYMBOL) != 0
        broken += (f & BROKEN) != 0
        if f & PUNCTUATION:
            punctuation += 1
            curly += c == 0x7B or c == 0x7D
            hashes += c == 0x23
            if f & TERMINAL:
                after = table[codes[i + 1]] if i + 1 < n else SPACE
                if c == 0x2026 or (c == 0x2E and i >= 2 and codes[i - 1] == 0x2E and codes[i - 2] == 0x2E):
                    ellipses += 1
                if not after & TERMINAL and (after & (SPACE | CLOSER) or c > 0x2FFF):
                    sentences += 1
    if chunk:
        chunks += 1
        chunks_with_letter += has_letter
        longest = max(longest, chunk)
    values = (
        size, letters, digits, uppers, punctuation, symbols, spaces, newlines, broken, unspaced,
        curly, hashes, ellipses, sentences, scripts.max(), chunks, chunks_with_letter, longest,
    )  # fmt: skip
    for k in range(len(values)):
        out[k] = values[k]


@kernel
def copies(keys, lengths, n, out):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Count items that occur more than once: later copies, their characters, all copies, their characters."""
    first, counts = np.empty(max(n, 1), np.int32), np.empty(max(n, 1), np.int32)
    find_first(keys, n, first, counts)
    later = later_characters = every = every_characters = 0
    for i in range(n):
        if counts[first[i]] > 1:
            every += 1
            every_characters += lengths[i]
            if first[i] != i:
                later += 1
                later_characters += lengths[i]
    out[0], out[1], out[2], out[3] = later, later_characters, every, every_characters


@kernel
def scan_lines(codes, table, out):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Count what lines and paragraphs are like into ``out``, as `LINES` names it.

    Lines end at a newline; they are stripped of white space, and empty ones are left out. A paragraph is a run of lines
    that are not empty.
    """
    n = len(codes)
    room = 16
    keys, lengths = np.empty(room, np.uint64), np.empty(room, np.int64)
    paragraph_keys, paragraph_lengths = np.empty(room, np.uint64), np.empty(room, np.int64)
    lines = characters = bullets = ellipses = terminal = short = longest = upper = numeric = paragraphs = 0
    paragraph_key, paragraph_length = SEED, 0
    i = 0
    while i <= n:
        while i < n and codes[i] != 10 and table[codes[i]] & SPACE:
            i += 1
        first, stop = i, i
        h = SEED
        letters = uppers = digits = 0
        while i < n and codes[i] != 10:
            f = table[codes[i]]
            h = step(h, codes[i])
            if not f & SPACE:
                stop = i + 1
                key = h
                letters += (f & LETTER) != 0
                uppers += (f & UPPER) != 0
                digits += (f & DIGIT) != 0
            i += 1
        i += 1
        length = stop - first
        if length:
            if lines == len(keys):
                keys, lengths = np.append(keys, keys), np.append(lengths, lengths)
            keys[lines] = key
            lengths[lines] = length
            lines += 1
            characters += length
            longest = max(longest, length)
            short += length <= SHORT_LINE
            bullets += (table[codes[first]] & BULLET) != 0
            upper += 2 * uppers > length
            numeric += digits == length
            last = stop - 1
            if codes[last] == 0x2026 or (
                length >= 3 and codes[last] == 0x2E and codes[last - 1] == 0x2E and codes[last - 2] == 0x2E
            ):
                ellipses += 1
            while last > first and table[codes[last]] & CLOSER:
                last -= 1
            terminal += (table[codes[last]] & TERMINAL) != 0
            paragraph_key = join(paragraph_key, key)
            paragraph_length += length
        if paragraph_length and (not length or i > n):
            if paragraphs == len(paragraph_keys):
                paragraph_keys = np.append(paragraph_keys, paragraph_keys)
                paragraph_lengths = np.append(paragraph_lengths, paragraph_lengths)
            paragraph_keys[paragraphs] = paragraph_key
            paragraph_lengths[paragraphs] = paragraph_length
            paragraphs += 1
            paragraph_key, paragraph_length = SEED, 0
    values = (lines, characters, bullets, ellipses, terminal, short, longest, upper, numeric)
    for k in range(len(values)):
        out[k] = values[k]
    k = len(values)
    copies(keys, lengths, lines, out[k : k + 4])
    out[k + 4] = paragraphs
    out[k + 5] = characters
    copies(paragraph_keys, paragraph_lengths, paragraphs, out[k + 6 : k + 10])
