"""Count characters, lines and paragraphs of one text."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from curate.characters import (
    BROKEN,
    BULLET,
    CLOSER,
    DIGIT,
    LETTER,
    PUNCTUATION,
    SCRIPT_SHIFT,
    SPACE,
    SYMBOL,
    TERMINAL,
    UPPER,
)
from curate.compiled import kernel
from curate.kernels.hashing import SEED, find_first, join, mix

_21, _42 = np.uint64(21), np.uint64(42)

#: What `scan` counts, in the order of its result: characters, chunks between white space, lines, paragraphs.
COUNTS = (
    "bytes", "letters", "digits", "uppers", "punctuation", "symbols", "spaces", "newlines", "broken",
    "curly_brackets", "hash_signs", "ellipses", "sentences", "links", "chunks", "chunks_with_letter", "longest_chunk",
    "lines", "line_characters", "bullet_lines", "ellipsis_lines", "terminal_lines", "short_lines", "longest_line",
    "upper_lines", "numeric_lines",
    "later_lines", "later_line_characters", "repeated_lines", "repeated_line_characters",
    "paragraphs",
    "later_paragraphs", "later_paragraph_characters", "repeated_paragraphs", "repeated_paragraph_characters",
)  # fmt: skip
SHORT_LINE = 30  # characters: FineWeb (datatrove, fineweb_quality_filter.py)
_NEWLINE, _STOP, _ELLIPSIS, _HASH, _SLASH, _COLON, _W = 0x0A, 0x2E, 0x2026, 0x23, 0x2F, 0x3A, 0x77
_EAST_ASIAN = 0x2FFF  # marks from here on end a sentence without white space behind them


@kernel
def hash_line(codes: NDArray[np.uint32], start: int, stop: int) -> np.uint64:
    """Hash the code points of a line, three (of 21 bits each) at a step."""
    h = SEED + np.uint64(stop - start)
    i = start
    while i + 2 < stop:
        three = np.uint64(codes[i]) | np.uint64(codes[i + 1]) << _21 | np.uint64(codes[i + 2]) << _42
        h = mix(h ^ three)
        i += 3
    while i < stop:
        h = mix(h ^ np.uint64(codes[i]))
        i += 1
    return h


@kernel
def count_copies(keys: NDArray[np.uint64], lengths: NDArray[np.int32], n: int, out: NDArray[np.int64]) -> None:
    """Count items that occur more than once: later copies, their characters, all copies, their characters."""
    first, counts = np.empty(n, np.int32), np.empty(n, np.int32)
    out[:4] = 0
    if find_first(keys, n, first, counts) == n:
        return
    for i in range(n):
        if counts[first[i]] > 1:
            out[2] += 1
            out[3] += lengths[i]
            if first[i] != i:
                out[0] += 1
                out[1] += lengths[i]


@kernel
def is_ellipsis(codes: NDArray[np.uint32], first: int, last: int) -> bool:
    """Whether what begins at ``first`` ends at ``last`` with "…" or "..."."""
    return codes[last] == _ELLIPSIS or (
        last - first > 1 and codes[last] == _STOP and codes[last - 1] == _STOP and codes[last - 2] == _STOP
    )


@kernel
def scan(
    codes: NDArray[np.uint32], table: NDArray[np.uint32], scripts: NDArray[np.int64], out: NDArray[np.int64]
) -> None:
    """Count what `COUNTS` names into ``out``, and the letters of each script.

    A sentence ends at a terminal mark that white space, a closing mark or nothing follows, or an East Asian one; a link
    is "://", or a chunk that begins with "www.". Lines end at a newline; they are stripped of white space, and empty
    ones are left out. A paragraph is a run of lines that are not empty, and has their characters.
    """
    n = len(codes)
    size = letters = digits = uppers = punctuation = symbols = spaces = newlines = broken = 0
    curly = hashes = ellipses = sentences = links = chunks = chunks_with_letter = longest_chunk = 0
    lines = characters = bullets = ellipsis_lines = terminal = short = longest = upper = numeric = paragraphs = 0
    scripts[:] = 0
    room = 64
    keys, lengths = np.empty(room, np.uint64), np.empty(room, np.int32)
    paragraph_keys, paragraph_lengths = np.empty(room, np.uint64), np.empty(room, np.int32)
    paragraph_key, paragraph_length = SEED, 0
    chunk, has_letter = 0, 0  # length so far, and whether it has a letter
    first, last = -1, -1  # of the line's characters that are no white space
    uppers_before = digits_before = 0  # those of earlier lines
    for i in range(n + 1):
        c = codes[i] if i < n else np.uint32(_NEWLINE)
        f = table[c]
        if not f & SPACE:
            last = i
            first = i if first < 0 else first
            chunk += 1
            size += 1 + (c > 0x7F) + (c > 0x7FF) + (c > 0xFFFF)
            if f & LETTER:
                has_letter = 1
                letters += 1
                uppers += (f & UPPER) != 0
                scripts[f >> SCRIPT_SHIFT] += 1
                continue
            digits += (f & DIGIT) != 0
            symbols += (f & SYMBOL) != 0
            broken += (f & BROKEN) != 0
            if f & PUNCTUATION:
                punctuation += 1
                curly += c == 0x7B or c == 0x7D
                hashes += c == _HASH
                links += c == _COLON and i + 2 < n and codes[i + 1] == _SLASH and codes[i + 2] == _SLASH
                if f & TERMINAL:
                    after = table[codes[i + 1]] if i + 1 < n else SPACE
                    ellipses += is_ellipsis(codes, 0, i)
                    sentences += not after & TERMINAL and (after & (SPACE | CLOSER) != 0 or c > _EAST_ASIAN)
                    if c == _STOP and chunk == 4:
                        links += codes[i - 1] == _W and codes[i - 2] == _W and codes[i - 3] == _W
            continue
        chunks += chunk > 0
        chunks_with_letter += has_letter
        longest_chunk = max(longest_chunk, chunk)
        chunk, has_letter = 0, 0
        if i < n:
            size += 1 + (c > 0x7F) + (c > 0x7FF) + (c > 0xFFFF)
            spaces += 1
            newlines += c == _NEWLINE
        if c != _NEWLINE:
            continue
        if first >= 0:
            if lines == room:
                room *= 2
                keys, lengths = np.append(keys, keys), np.append(lengths, lengths)
                paragraph_keys = np.append(paragraph_keys, paragraph_keys)
                paragraph_lengths = np.append(paragraph_lengths, paragraph_lengths)
            length = last + 1 - first
            keys[lines] = hash_line(codes, first, last + 1)
            lengths[lines] = length
            paragraph_key = join(paragraph_key, keys[lines])
            paragraph_length += length
            lines += 1
            characters += length
            longest = max(longest, length)
            short += length <= SHORT_LINE
            bullets += (table[codes[first]] & BULLET) != 0
            upper += 2 * (uppers - uppers_before) > length
            numeric += digits - digits_before == length
            ellipsis_lines += is_ellipsis(codes, first, last)
            while last > first and table[codes[last]] & CLOSER:
                last -= 1
            terminal += (table[codes[last]] & TERMINAL) != 0
        if paragraph_length and (first < 0 or i == n):
            paragraph_keys[paragraphs] = paragraph_key
            paragraph_lengths[paragraphs] = paragraph_length
            paragraphs += 1
            paragraph_key, paragraph_length = SEED, 0
        first, uppers_before, digits_before = -1, uppers, digits
    values = (
        size, letters, digits, uppers, punctuation, symbols, spaces, newlines, broken,
        curly, hashes, ellipses, sentences, links, chunks, chunks_with_letter, longest_chunk,
        lines, characters, bullets, ellipsis_lines, terminal, short, longest, upper, numeric,
    )  # fmt: skip
    for k in range(len(values)):
        out[k] = values[k]
    k = len(values)
    count_copies(keys, lengths, lines, out[k : k + 4])
    out[k + 4] = paragraphs
    count_copies(paragraph_keys, paragraph_lengths, paragraphs, out[k + 5 : k + 9])
