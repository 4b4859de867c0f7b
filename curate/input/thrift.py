"""Parse structs of Thrift's compact protocol, the format of Parquet's page headers and footer.

The format: thrift-compact-protocol.md in github.com/apache/thrift/tree/master/doc/specs.

>>> read_struct(bytes([0x15, 0x04, 0x2C, 0x15, 0x06, 0x00, 0x00]))
({1: 2, 3: {1: 3}}, 7)
"""

from __future__ import annotations

from array import array
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Path = tuple[int, ...]
MAX_DEPTH = 12  # of nested structs and lists; curate's own value: a footer has 8, a page header 3
MAX_FIELD = 2**15 - 1


def find_fields(
    data: Sequence[int],
    wanted: Collection[Path],
    types: Mapping[Path, Collection[int]] | None = None,
    lists: Mapping[Path, Collection[int]] | None = None,
) -> dict[Path, array[int]]:
    """Find where fields of a struct are, including those of nested structs and lists of structs.

    Args:
        data: bytes of the struct.
        wanted: the path of each field: the numbers of the fields that lead to it.
        types: types that a field may have, by path.
        lists: types that the values of a list may have, by path.

    Returns:
        For each path that exists, where its values begin.

    Raises:
        IndexError: the data ends inside the struct.
        ValueError: the struct is damaged.

    >>> find_fields(bytes([0x15, 0x04, 0x2C, 0x15, 0x06, 0x00, 0x00]), [(3, 1), (3, 2), (4,)])
    {(3, 1): array('I', [4])}
    """
    search = _Search(frozenset(wanted), types or {}, lists or {})
    read_struct(data, 0, 0, (), search)
    return search.places


@dataclass(slots=True)
class _Search:
    wanted: frozenset[Path]
    types: Mapping[Path, Collection[int]]
    lists: Mapping[Path, Collection[int]]
    places: dict[Path, array[int]] = field(default_factory=dict)

    def note(self, path: Path, at: int) -> None:
        """Record where a value is, if its path is wanted."""
        if path in self.wanted:
            self.places.setdefault(path, array("I")).append(at)


def read_struct(
    data: Sequence[int], at: int = 0, depth: int = 0, path: Path = (), search: _Search | None = None
) -> tuple[dict[int, Any], int]:
    """Parse a struct.

    Args:
        data: bytes that contain the struct.
        at: where it begins in them.
        depth: number of structs and lists around it.
        path: numbers of the fields that lead to it.
        search: collects the wanted fields.

    Returns:
        Its fields by number, None for lists and binary values, and where it ends.

    Raises:
        IndexError: the data ends inside the struct.
        ValueError: the struct is damaged.
    """
    fields: dict[int, Any] = {}
    number = 0
    while head := data[at]:
        at += 1
        if head >> 4:
            number += head >> 4
        else:
            number, at = _integer(data, at)
        if not -MAX_FIELD <= number <= MAX_FIELD:  # other readers would take it modulo 65,536
            raise ValueError("a struct has a field number that does not exist")
        below = path
        if search:
            below = (*path, number)
            if head & 15 not in search.types.get(below, (head & 15,)):
                raise ValueError("a field has another type")
            if number in fields:
                raise ValueError("a struct has a field twice")
            if head & 15 not in (9, 10):
                search.note(below, at)
        fields[number], at = _value(data, at, head & 15, depth, below, search)
    return fields, at + 1


def _value(data: Sequence[int], at: int, type: int, depth: int, path: Path, search: _Search | None) -> tuple[Any, int]:
    """Parse a value and return it with its end; a list or binary value is returned as None."""
    if depth > MAX_DEPTH:
        raise ValueError("structs are nested too deeply")
    match type:
        case 1 | 2:  # true and false
            return type == 1, at
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
            if search and size and inner not in search.lists.get(path, (inner,)):
                raise ValueError("a list has values of another type")
            for _ in range(size):
                if inner in (1, 2):  # in a list, each flag takes a byte
                    at = _within(data, at + 1)
                else:
                    if search:
                        search.note(path, at)
                    _, at = _value(data, at, inner, depth + 1, path, search)
            return None, at
        case 12:
            return read_struct(data, at, depth + 1, path, search)
    raise ValueError("a struct has a field of an unknown type")


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
