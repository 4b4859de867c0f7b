"""Pieces of HTML markup in bytes: names, attributes, and where a tag ends."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from curate.text.compiled import kernel
from curate.text.hash_kernels import FNV32_BASIS, fnv1a_32
from curate.text.table_kernels import find

# Columns of the attributes of one tag: start and stop of each value, 0 where it is absent.
CLASS, ID, ROLE, ITEMPROP, STYLE, HIDDEN_ATTRIBUTE, ARIA, ALT, HREF, LANG, TYPE, SHADOW, OLD_SHADOW = range(13)
ATTRIBUTES = 13

MAX_NAME = 40  # bytes of a tag's or attribute's name that count
MAX_FRACTION = 80  # bytes of a fraction up to its denominator; curate's own value
SLASH, BANG, QUESTION, DASH, EQUALS, DOUBLE, SINGLE = 47, 33, 63, 45, 61, 34, 39
LT, GT = np.int64(60), np.int64(62)


@kernel
def name_hash(data: NDArray[np.uint8], start: int, stop: int) -> np.uint32:
    """FNV-1a (32 bits) of ASCII without regard to case."""
    h = FNV32_BASIS
    for i in range(start, min(stop, start + MAX_NAME)):
        byte = data[i]
        if 65 <= byte <= 90:
            byte += 32
        h = fnv1a_32(h, byte)
    return h


@kernel
def is_space(byte: int) -> bool:
    """White space of HTML."""
    return byte == 32 or (9 <= byte <= 13)


@kernel
def is_letter(byte: int) -> bool:
    """ASCII letter."""
    return 97 <= (byte | 32) <= 122


@kernel
def find_byte(data: NDArray[np.uint8], start: int, stop: int, byte: int) -> int:
    """Index of a byte, or stop."""
    while start < stop and data[start] != byte:
        start += 1
    return start


@kernel
def is_name_at(data: NDArray[np.uint8], i: int, stop: int, name: NDArray[np.uint8]) -> bool:
    """Say whether a lower-case name of letters, in any case, stands at ``i`` and ends there."""
    size = len(name)
    if i + size > stop:
        return False
    for k in range(size):
        if (data[i + k] | 32) != name[k]:
            return False
    return i + size == stop or data[i + size] == GT or data[i + size] == SLASH or is_space(data[i + size])


@kernel
def find_end_tag(data: NDArray[np.uint8], start: int, stop: int, name: NDArray[np.uint8]) -> int:
    """Index of ``</name``, or stop."""
    i = start
    while i + len(name) + 2 <= stop:
        if data[i] == LT and data[i + 1] == SLASH and is_name_at(data, i + 2, stop, name):
            return i
        i += 1
    return stop


@kernel
def find_script_end(data: NDArray[np.uint8], start: int, stop: int, double: bool) -> tuple[int, bool]:
    """Index of the ``</script`` that ends a script, and whether the page ended first in one written by the script.

    As in the HTML standard ("script data double escaped state"), a ``<script>`` after ``<!--`` in a script ends itself,
    not the script around it. If that leaves no end, the first ``</script`` is the end.

    Args:
        double: whether to look for scripts in scripts; False once that found no end, so that the work stays linear.
    """
    i = start
    first = stop
    escaped = 0
    while i + 2 < stop:
        if data[i] == LT:
            if data[i + 1] == SLASH:
                if is_name_at(data, i + 2, stop, SCRIPT):
                    if escaped < 2:
                        return i, False
                    first = min(first, i)
                    escaped = 1
            elif data[i + 1] == BANG:
                if double and escaped == 0 and i + 3 < stop and data[i + 2] == DASH and data[i + 3] == DASH:
                    escaped = 1
                    i += 3
                    continue
            elif escaped == 1 and is_name_at(data, i + 1, stop, SCRIPT):
                escaped = 2
        elif escaped > 0 and data[i] == DASH and data[i + 1] == DASH and data[i + 2] == GT:
            escaped = 0
        i += 1
    return first, first < stop


@kernel
def find_title_end(data: NDArray[np.uint8], start: int, stop: int) -> tuple[int, bool]:
    """Index of ``</title``, and whether it is there; if not, or only after the head, that of what ends the title."""
    first_tag, i = stop, start
    while i < stop:
        if data[i] == LT:
            if i + 1 < stop and data[i + 1] == SLASH:
                if is_name_at(data, i + 2, stop, TITLE):
                    return i, True
                if is_name_at(data, i + 2, stop, HEAD):
                    return min(first_tag, i), False
            elif is_name_at(data, i + 1, stop, BODY):
                return min(first_tag, i), False
            first_tag = min(first_tag, i)
        i += 1
    return first_tag, False


@kernel
def contains(data: NDArray[np.uint8], start: int, stop: int, needle: NDArray[np.uint8]) -> bool:
    """Say whether ASCII bytes contain a lower-case needle, whatever their case."""
    size = len(needle)
    for i in range(start, stop - size + 1):
        k = 0
        while k < size and (data[i + k] == needle[k] or (65 <= data[i + k] <= 90 and data[i + k] + 32 == needle[k])):
            k += 1
        if k == size:
            return True
    return False


@kernel
def has_name(
    data: NDArray[np.uint8], start: int, stop: int, keys: NDArray[np.uint64], values: NDArray[np.int64]
) -> bool:
    """Say whether one of the names in a class stands in a table."""
    i = start
    while i < stop:
        while i < stop and is_space(data[i]):
            i += 1
        begin = i
        while i < stop and not is_space(data[i]):
            i += 1
        if i > begin and find(keys, values, name_hash(data, begin, i)):
            return True
    return False


@kernel
def read_attributes(
    data: NDArray[np.uint8],
    i: int,
    stop: int,
    keys: NDArray[np.uint64],
    values: NDArray[np.int64],
    found: NDArray[np.int64],
) -> tuple[int, bool, int]:
    """Read attributes from ``i`` to the end of the tag.

    Returns the index behind it, whether ``/`` closed it, and how many attributes there are.

    ``found[kind]`` gets start and stop of the value of each attribute that the table knows, the first of each; the
    table has ``kind + 1``.
    """
    for kind in range(ATTRIBUTES):
        found[kind, 0] = found[kind, 1] = 0
    slash, count = False, 0
    while i < stop:
        byte = data[i]
        if byte == GT:
            return i + 1, slash, count
        if is_space(byte) or byte == SLASH:
            slash = byte == SLASH
            i += 1
            continue
        slash = False
        count += 1
        begin = i
        i += 1
        while i < stop and data[i] != EQUALS and data[i] != GT and data[i] != SLASH and not is_space(data[i]):
            i += 1
        kind = find(keys, values, name_hash(data, begin, i)) - 1
        while i < stop and is_space(data[i]):
            i += 1
        if i < stop and data[i] == EQUALS:
            i += 1
            while i < stop and is_space(data[i]):
                i += 1
            if i < stop and (data[i] == DOUBLE or data[i] == SINGLE):
                end = find_byte(data, i + 1, stop, np.int64(data[i]))
                if end == stop:
                    # The quote is never closed: take what a forgiving reader would.
                    end = find_byte(data, i + 1, stop, GT)
                    value, i = i + 1, end
                else:
                    value, i = i + 1, end + 1
            else:
                value = i
                while i < stop and data[i] != GT and not is_space(data[i]):
                    i += 1
                end = i
        else:
            value, end = begin, i
            while end > begin and is_space(data[end - 1]):
                end -= 1
        if kind >= 0 and found[kind, 1] == 0:
            found[kind, 0], found[kind, 1] = value, end
    return stop, slash, count


@kernel
def style_spaces(data: NDArray[np.uint8], start: int, stop: int) -> int:
    """What of white space a style attribute keeps: 0 nothing, 1 all (pre), 2 line breaks (pre-wrap, pre-line...)."""
    for i in range(start, stop - len(WHITE_SPACE) - 3):
        if (data[i] | 32) == 119 and contains(data, i, i + len(WHITE_SPACE), WHITE_SPACE):
            k = i + len(WHITE_SPACE)
            while k < stop and (is_space(data[k]) or data[k] == 58):
                k += 1
            if contains(data, k, min(k + 3, stop), PRE_WORD):
                return 2 if k + 3 < stop and data[k + 3] == DASH else 1
            return 2 if contains(data, k, min(k + 5, stop), BREAK_WORD) else 0
    return 0


@kernel
def has_line_break(data: NDArray[np.uint8], i: int, stop: int) -> bool:
    """Say whether there is a line break in the text at ``i``, before the next tag."""
    while i < stop and data[i] != LT:
        if data[i] == 10:
            return True
        i += 1
    return False


@kernel
def begins_line(data: NDArray[np.uint8], i: int, stop: int) -> bool:
    """Say whether the text after the tag that ends at ``i``, plain or in ``span`` or ``code``, is on the same line."""
    while i < stop and (data[i] == 32 or data[i] == 9):
        i += 1
    if i < stop and data[i] == LT:
        return is_name_at(data, i + 1, stop, SPAN) or is_name_at(data, i + 1, stop, CODE_WORD)
    return i < stop and data[i] != 10 and data[i] != 13


@kernel
def has_code_word(data: NDArray[np.uint8], start: int, stop: int) -> bool:
    """Say whether a class says that an element is a line of code: with code, line, source or src as a word."""
    i = start
    while i < stop:
        while i < stop and not is_letter(data[i]):
            i += 1
        begin = i
        while i < stop and is_letter(data[i]):
            i += 1
        size = i - begin
        if (size == 4 and (contains(data, begin, i, CODE_WORD) or contains(data, begin, i, LINE_WORD))) or (
            (size == 6 and contains(data, begin, i, SOURCE_WORD)) or (size == 3 and contains(data, begin, i, SRC_WORD))
        ):
            return True
    return False


@kernel
def is_fraction(data: NDArray[np.uint8], i: int, stop: int) -> bool:
    """Say whether the superscript whose text begins at ``i`` is the numerator of a fraction: <sup>1</sup>/<sub>2."""
    stop = min(stop, i + MAX_FRACTION)
    while i < stop and data[i] != LT:
        i += 1
    if i + 6 > stop or data[i + 1] != SLASH or not is_name_at(data, i + 2, stop, SUP):
        return False
    i = find_byte(data, i, stop, GT) + 1
    for sign in (FRASL, FRASL_CODE, FRASL_HEX, FRASL_SIGN, SLASH_SIGN):
        if contains(data, i, min(i + len(sign), stop), sign):
            i += len(sign)
            return i < stop and data[i] == LT and is_name_at(data, i + 1, stop, SUB)
    return False


@kernel
def style_hides(data: NDArray[np.uint8], start: int, stop: int) -> bool:
    """Say whether a style attribute takes an element off the page: display: none or visibility: hidden."""
    i = start
    while i + 8 < stop:
        if (data[i] | 32) == 100 and contains(data, i, i + 7, DISPLAY):
            k = i + 7
            while k < stop and (is_space(data[k]) or data[k] == 58):
                k += 1
            return contains(data, k, min(k + 4, stop), NONE)
        if (data[i] | 32) == 118 and contains(data, i, min(i + 10, stop), VISIBILITY):
            k = i + 10
            while k < stop and (is_space(data[k]) or data[k] == 58):
                k += 1
            return contains(data, k, min(k + 6, stop), HIDDEN_WORD)
        i += 1
    return False


SCRIPT, TITLE = np.frombuffer(b"script", np.uint8), np.frombuffer(b"title", np.uint8)
SPAN = np.frombuffer(b"span", np.uint8)
HEAD, BODY = np.frombuffer(b"head", np.uint8), np.frombuffer(b"body", np.uint8)
SUP, SUB = np.frombuffer(b"sup", np.uint8), np.frombuffer(b"sub", np.uint8)
WHITE_SPACE, PRE_WORD = np.frombuffer(b"white-space", np.uint8), np.frombuffer(b"pre", np.uint8)
BREAK_WORD, BLOCK_WORD = np.frombuffer(b"break", np.uint8), np.frombuffer(b"block", np.uint8)
CODE_WORD, LINE_WORD = np.frombuffer(b"code", np.uint8), np.frombuffer(b"line", np.uint8)
SOURCE_WORD, SRC_WORD = np.frombuffer(b"source", np.uint8), np.frombuffer(b"src", np.uint8)
FRASL, SLASH_SIGN = np.frombuffer(b"&frasl;", np.uint8), np.frombuffer(b"/", np.uint8)
FRASL_CODE, FRASL_HEX = np.frombuffer(b"&#8260;", np.uint8), np.frombuffer(b"&#x2044;", np.uint8)
FRASL_SIGN = np.frombuffer("\u2044".encode(), np.uint8)
DISPLAY, NONE = np.frombuffer(b"display", np.uint8), np.frombuffer(b"none", np.uint8)
VISIBILITY, HIDDEN_WORD = np.frombuffer(b"visibility", np.uint8), np.frombuffer(b"hidden", np.uint8)
