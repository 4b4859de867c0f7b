"""Structs of Thrift's compact protocol, in which Parquet describes its pages.

The format: thrift-compact-protocol.md in github.com/apache/thrift/tree/master/doc/specs.

>>> read_struct(bytes([0x15, 0x04, 0x2C, 0x15, 0x06, 0x00, 0x00]))
({1: 2, 3: {1: 3}}, 7)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

MAX_DEPTH = 8  # structs and lists in one another: curate's own value; a page header has 3


def read_struct(data: Sequence[int], at: int = 0, depth: int = 0) -> tuple[dict[int, Any], int]:
    """Parse a struct.

    Args:
        data: bytes.
        at: where it begins in them.
        depth: how many structs and lists it is in.

    Returns:
        Its fields by number, of lists and binary values None, and where it ends.

    Raises:
        IndexError: the data ends inside it.
        ValueError: it is damaged.
    """
    fields: dict[int, Any] = {}
    number = 0
    while head := data[at]:
        at += 1
        if head >> 4:
            number += head >> 4
        else:
            number, at = _integer(data, at)
        fields[number], at = _value(data, at, head & 15, depth)
    return fields, at + 1


def _value(data: Sequence[int], at: int, kind: int, depth: int) -> tuple[Any, int]:
    """Parse a value; of lists and binary values only the end is returned."""
    if depth > MAX_DEPTH:
        raise ValueError("structs are nested too deep")
    match kind:
        case 1 | 2:  # true and false
            return kind == 1, at
        case 3:
            return data[at], at + 1
        case 4 | 5 | 6:
            return _integer(data, at)
        case 7:
            return None, _within(data, at + 8)
        case 8:
            size, at = _varint(data, at)
            return None, _within(data, at + size)
        case 9 | 10:
            size, inner, at = data[at] >> 4, data[at] & 15, at + 1
            if size == 15:
                size, at = _varint(data, at)
            for _ in range(size):
                # a list of flags has a byte for each
                _, at = (None, _within(data, at + 1)) if inner in (1, 2) else _value(data, at, inner, depth + 1)
            return None, at
        case 12:
            return read_struct(data, at, depth + 1)
    raise ValueError("a struct has a field of no known type")


def _within(data: Sequence[int], at: int) -> int:
    if at > len(data):
        raise IndexError
    return at


def _integer(data: Sequence[int], at: int) -> tuple[int, int]:
    value, at = _varint(data, at)
    return (value >> 1) ^ -(value & 1), at


def _varint(data: Sequence[int], at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at
        if shift > 63:
            raise ValueError("a number has more than 64 bits")
