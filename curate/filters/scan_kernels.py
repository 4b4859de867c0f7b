"""Count the characters, lines and paragraphs of a text."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from curate.text.characters import (
    BROKEN,
    BULLET,
    CLOSER,
    CODE,
    DIGIT,
    LETTER,
    PUNCTUATION,
    SCRIPT_SHIFT,
    SPACE,
    SYMBOL,
    TERMINAL,
    UNSPACED,
    UPPER,
)
from curate.text.compiled import kernel
from curate.text.hash_kernels import SEED, join, spread
from curate.text.table_kernels import find_first

_21, _42 = np.uint64(21), np.uint64(42)

#: The counts that `scan` writes, in order: of characters, chunks between white space, lines, paragraphs.
COUNTS = (
    "bytes", "letters", "digits", "uppers", "punctuation", "symbols", "spaces", "newlines", "broken",
    "curly_brackets", "hash_signs", "ellipses", "sentences", "links", "chunks", "chunks_with_letter", "longest_chunk",
    "lines", "line_characters", "bullet_lines", "ellipsis_lines", "terminal_lines", "short_lines", "longest_line",
    "loose_lines", "upper_lines", "numeric_lines", "loose_text_lines", "mojibake",
    "later_text_line_characters",
    "later_lines", "later_line_characters", "repeated_lines", "repeated_line_characters",
    "paragraphs",
    "later_paragraphs", "later_paragraph_characters", "repeated_paragraphs", "repeated_paragraph_characters",
)  # fmt: skip
(
    BYTES, LETTERS, DIGITS, UPPERS, PUNCTUATIONS, SYMBOLS, SPACES, NEWLINES, BROKENS,
    CURLY, HASHES, ELLIPSES, SENTENCES, LINKS, CHUNKS, CHUNKS_WITH_LETTER, LONGEST_CHUNK,
    LINES, LINE_CHARACTERS, BULLETS, ELLIPSIS_LINES, TERMINAL_LINES, SHORT_LINES, LONGEST_LINE,
    LOOSE_LINES, UPPER_LINES, NUMERIC_LINES, LOOSE_TEXT_LINES, MOJIBAKE,
    LATER_TEXT_LINE_CHARACTERS, LATER_LINES, _, _, _, PARAGRAPHS, LATER_PARAGRAPHS, _, _, _,
) = range(len(COUNTS))  # fmt: skip
SHORT_LINE = 30  # characters: FineWeb (datatrove, fineweb_quality_filter.py)
# A line with a mark of code among this many characters or fewer is code. curate's own value: `i = 0`, `return x;` and
# `def main(self):` have one among 3 to 15, a sentence with two pairs of brackets one among 30.
CODE_LINE = 16
_NEWLINE, _STOP, _ELLIPSIS, _HASH, _SLASH, _COLON, _W = 0x0A, 0x2E, 0x2026, 0x23, 0x2F, 0x3A, 0x77
_TAB, _SEMICOLON = 0x09, 0x3B
_EAST_ASIAN = 0x2FFF  # marks above this end a sentence without white space after them


@kernel
def hash_line(codes: NDArray[np.uint32], start: int, stop: int) -> np.uint64:
    """Hash the code points of a line, three (of 21 bits each) per step."""
    h = SEED + np.uint64(stop - start)
    i = start
    while i + 2 < stop:
        three = np.uint64(codes[i]) | np.uint64(codes[i + 1]) << _21 | np.uint64(codes[i + 2]) << _42
        h = spread(h ^ three)
        i += 3
    while i < stop:
        h = spread(h ^ np.uint64(codes[i]))
        i += 1
    return h


@kernel
def is_mojibake(codes: NDArray[np.uint32], i: int) -> bool:
    """Say whether code point ``i`` and the one before it are bytes of UTF-8 that were read as Windows-1252.

    The pairs that people write themselves do not count: a letter before a quotation mark, dash, ellipsis or no-break
    space, "ß" before anything, and a small letter (the first of three bytes) before a sign that ends the word ("é®").
    """
    c, before = codes[i], codes[i - 1]
    if not 0xC2 <= before <= 0xEF or before == 0xDF:
        return False
    if before >= 0xE0 and (i + 1 >= len(codes) or codes[i + 1] < 0x80):
        return False
    if c <= 0xBF:
        return c >= 0x80 and c != 0xA0 and c != 0xAB and c != 0xB7 and c != 0xBB
    return (
        c == 0x20AC  # 0x80, and so on
        or c == 0x201A
        or c == 0x201E
        or c == 0x2020
        or c == 0x2021
        or c == 0x2030
        or c == 0x02DC
        or c == 0x2122
    )


@kernel
def count_copies(
    keys: NDArray[np.uint64], lengths: NDArray[np.int32], is_text: NDArray[np.bool_], n: int, out: NDArray[np.int64]
) -> int:
    """Count items that occur more than once: later copies, their characters, all copies, their characters.

    Returns:
        The characters of the later copies of those that ``is_text`` marks.
    """
    first, counts = np.empty(n, np.int32), np.empty(n, np.int32)
    for i in range(4):
        out[i] = 0
    if find_first(keys, n, first, counts) == n:
        return 0
    of_text = 0
    for i in range(n):
        if counts[first[i]] > 1:
            out[2] += 1
            out[3] += lengths[i]
            if first[i] != i:
                out[0] += 1
                out[1] += lengths[i]
                of_text += lengths[i] * is_text[i]
    return of_text


@kernel
def is_ellipsis(codes: NDArray[np.uint32], first: int, last: int) -> bool:
    """Say whether the line from ``first`` to ``last`` ends with "…" or "..."."""
    return codes[last] == _ELLIPSIS or (
        last - first > 1 and codes[last] == _STOP and codes[last - 1] == _STOP and codes[last - 2] == _STOP
    )


@kernel
def scan(
    codes: NDArray[np.uint32], table: NDArray[np.uint32], scripts: NDArray[np.int64], out: NDArray[np.int64]
) -> None:
    """Write the `COUNTS` into ``out``, and the letters of each script into ``scripts``.

    A sentence ends at a terminal mark before white space, a closing mark or the end, or at any East Asian one; a link
    is "://", or a chunk that begins with "www.". Lines end at a newline, are stripped of white space, and do not count
    if empty. A loose line is short (letters of a script without spaces count twice) and does not end in a terminal
    mark. A line is text if it has a letter, is not indented as code is (by a tab or two spaces), does not end in a
    brace, bracket or semicolon, and has few marks of code. A paragraph is a run of lines that are not empty, and has
    their characters.
    """
    n = len(codes)
    for k in range(len(COUNTS)):
        out[k] = 0
    for k in range(len(scripts)):
        scripts[k] = 0
    room = 1  # for lines; a paragraph has at least one
    for i in range(n):
        room += codes[i] == _NEWLINE
    keys, lengths = np.empty(room, np.uint64), np.empty(room, np.int32)
    is_text = np.empty(room, np.bool_)
    paragraph_keys, paragraph_lengths = np.empty(room, np.uint64), np.empty(room, np.int32)
    paragraph_key, paragraph_length = SEED, 0
    size = letters = digits = uppers = lines = paragraphs = 0
    chunk, has_letter = 0, 0  # length so far, and whether it has a letter
    stops = 0  # consecutive full stops
    first, last = -1, -1  # of the line's characters that are not white space
    unspaced = uppers_before = digits_before = unspaced_before = 0  # `unspaced` letters; counts of earlier lines
    letters_before = 0
    code_marks = 0  # of the line
    start = 0  # of the line, with its white space
    for i in range(n + 1):
        c = codes[i] if i < n else np.uint32(_NEWLINE)
        f = table[c]
        size += 1 + int(c > 0x7F) + int(c > 0x7FF) + int(c > 0xFFFF)
        if not f & SPACE:
            last = i
            if first < 0:
                first = i
            chunk += 1
            if f & LETTER:
                has_letter = 1
                letters += 1
                uppers += (f & UPPER) != 0
                unspaced += (f & UNSPACED) != 0
                scripts[f >> SCRIPT_SHIFT] += 1
                continue
            digits += (f & DIGIT) != 0
            out[SYMBOLS] += (f & SYMBOL) != 0
            out[BROKENS] += (f & BROKEN) != 0
            code_marks += (f & CODE) != 0
            if c > 0x7F and i and is_mojibake(codes, i):
                out[MOJIBAKE] += 2
            if f & PUNCTUATION:
                out[PUNCTUATIONS] += 1
                if c == 0x7B or c == 0x7D:
                    out[CURLY] += 1
                elif c == _HASH:
                    out[HASHES] += 1
                elif c == _COLON and i + 2 < n and codes[i + 1] == _SLASH and codes[i + 2] == _SLASH:
                    out[LINKS] += 1
                elif f & TERMINAL:
                    after = table[codes[i + 1]] if i + 1 < n else SPACE
                    if not after & TERMINAL and (after & (SPACE | CLOSER) or c > _EAST_ASIAN):
                        out[SENTENCES] += 1
                    if c == _STOP:
                        stops = stops + 1 if i and codes[i - 1] == _STOP else 1
                    out[ELLIPSES] += c == _ELLIPSIS or (c == _STOP and stops % 3 == 0)
                    if chunk == 4 and c == _STOP and codes[i - 1] == codes[i - 2] == codes[i - 3] == _W:
                        out[LINKS] += 1
            continue
        if chunk:
            out[CHUNKS] += 1
            out[CHUNKS_WITH_LETTER] += has_letter
            out[LONGEST_CHUNK] = max(out[LONGEST_CHUNK], chunk)
            chunk, has_letter = 0, 0
        out[SPACES] += 1
        if c != _NEWLINE:
            continue
        out[NEWLINES] += 1
        if first >= 0:
            length = last + 1 - first
            key = hash_line(codes, first, last + 1)
            keys[lines], lengths[lines] = key, length
            paragraph_key = join(paragraph_key, key)
            paragraph_length += length
            lines += 1
            out[LINE_CHARACTERS] += length
            out[LONGEST_LINE] = max(out[LONGEST_LINE], length)
            out[SHORT_LINES] += length <= SHORT_LINE
            out[BULLETS] += (table[codes[first]] & BULLET) != 0
            out[UPPER_LINES] += 2 * (uppers - uppers_before) > length
            out[NUMERIC_LINES] += digits - digits_before == length
            out[ELLIPSIS_LINES] += is_ellipsis(codes, first, last)
            ending = codes[last]
            text = (
                letters > letters_before
                and CODE_LINE * code_marks < length
                and ending != _SEMICOLON
                and not table[ending] & CODE
                and not (first > start and (codes[start] == _TAB or first - start > 1))
            )
            is_text[lines - 1] = text
            while last > first and table[codes[last]] & CLOSER:
                last -= 1
            if table[codes[last]] & TERMINAL:
                out[TERMINAL_LINES] += 1
            elif length + unspaced - unspaced_before <= SHORT_LINE:
                out[LOOSE_LINES] += 1
                out[LOOSE_TEXT_LINES] += text
        if paragraph_length and (first < 0 or i == n):
            paragraph_keys[paragraphs], paragraph_lengths[paragraphs] = paragraph_key, paragraph_length
            paragraphs += 1
            paragraph_key, paragraph_length = SEED, 0
        first, uppers_before, digits_before, unspaced_before = -1, uppers, digits, unspaced
        letters_before, code_marks, start = letters, 0, i + 1
    out[BYTES] = size - 1  # the newline that closed the last line is not in the text
    out[SPACES] -= 1
    out[NEWLINES] -= 1
    out[LETTERS], out[DIGITS], out[UPPERS] = letters, digits, uppers
    out[LINES], out[PARAGRAPHS] = lines, paragraphs
    out[LATER_TEXT_LINE_CHARACTERS] = count_copies(keys, lengths, is_text, lines, out[LATER_LINES:])
    count_copies(paragraph_keys, paragraph_lengths, is_text, paragraphs, out[LATER_PARAGRAPHS:])
