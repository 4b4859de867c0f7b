"""Pieces of HTML markup in bytes: names, attributes, and where a tag ends."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from curate.text.compiled import kernel
from curate.text.hash_kernels import FNV32_BASIS, fnv1a_32
from curate.text.table_kernels import find

# Columns of the attributes of one tag: start and stop of each value, 0 where it is absent.
CLASS, ID, ROLE, ITEMPROP, STYLE, HIDDEN_ATTRIBUTE, ARIA, ALT, HREF, LANG, TYPE = range(11)
ATTRIBUTES = 11

MAX_NAME = 40  # bytes of a tag's or attribute's name that count
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
def find_end_tag(data: NDArray[np.uint8], start: int, stop: int, name_start: int, name_stop: int) -> int:
    """Index of ``</name``, or stop."""
    size = name_stop - name_start
    i = start
    while i + size + 2 <= stop:
        if data[i] == LT and data[i + 1] == SLASH:
            same = True
            for k in range(size):
                if (data[i + 2 + k] | 32) != (data[name_start + k] | 32):
                    same = False
                    break
            if same:
                return i
        i += 1
    return stop


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


DISPLAY, NONE = np.frombuffer(b"display", np.uint8), np.frombuffer(b"none", np.uint8)
VISIBILITY, HIDDEN_WORD = np.frombuffer(b"visibility", np.uint8), np.frombuffer(b"hidden", np.uint8)
