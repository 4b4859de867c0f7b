"""The pages of a Parquet file, held against its rows before they are decoded.

A few hundred bytes of Parquet can stand for gigabytes: a dictionary page names a long value once and rows repeat it, a
page claims any size. Arrow believes the header of each page, which the footer says nothing of. So these headers are
read here first. They are structs of Thrift's compact protocol (thrift-compact-protocol.md); their fields and numbers
are those of parquet.thrift in github.com/apache/parquet-format.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

# parquet.thrift: fields of PageHeader and DataPageHeader; PageType.DATA_PAGE and Encoding.PLAIN.
_TYPE, _UNPACKED, _PACKED, _DATA_HEADER = 1, 2, 3, 5
_VALUES, _ENCODING = 1, 2
_DATA_PAGE, _PLAIN = 0, 0
# thrift-compact-protocol.md: types of fields.
_TRUE, _FALSE, _BYTE, _I64, _DOUBLE, _BINARY, _STRUCT = 1, 2, 3, 6, 7, 8, 12
_DEPTH = 4  # structs in a page header: it, that of its kind, statistics
_LEVELS = 64  # bytes of a page that are neither values nor levels, at most: lengths


def check_pages(data: bytes, start: int, stop: int, rows: int, width: int) -> None:
    """Refuse a column chunk unless its pages hold ``rows`` plain values that take the room of so many.

    Args:
        data: of the file.
        start: of the chunk.
        stop: its end.
        rows: values in it.
        width: bytes of a value.

    Raises:
        ValueError: other pages than plain data, or sizes that do not fit the number of values.
    """
    if not 0 <= start <= stop <= len(data):
        raise ValueError("a column lies outside of the file")
    at = start
    while at < stop and rows > 0:
        reader = _Compact(data, at, stop)
        header = reader.struct()
        values, packed, unpacked = _sizes(header)
        # Values with their lengths, and levels, which say of each value whether it is null, in at most 2 bytes each.
        if not 0 < values <= rows or not 0 <= unpacked <= values * (width + 4 + 2) + _LEVELS:
            raise ValueError(f"a page claims {values:,} values of {width} bytes in {unpacked:,} bytes")
        if not 0 <= packed <= stop - reader.at:
            raise ValueError("a page ends outside of its column")
        at = reader.at + packed
        rows -= values
    if rows or at != stop:
        raise ValueError("its pages do not hold as many values as it has rows")


def _sizes(header: dict[int, Any]) -> tuple[int, int, int]:
    """Return the number of values of a plain data page, and its bytes, packed and not."""
    page = header.get(_DATA_HEADER)
    if header.get(_TYPE) != _DATA_PAGE or not isinstance(page, dict) or page.get(_ENCODING) != _PLAIN:
        raise ValueError("a page is not one of plain data; a dictionary can stand for any number of bytes")
    found = page.get(_VALUES), header.get(_PACKED), header.get(_UNPACKED)
    if not all(type(n) is int for n in found):
        raise ValueError("a page does not say how large it is")
    return found  # type: ignore[return-value]


@dataclass(slots=True)
class _Compact:
    """Reads structs of Thrift's compact protocol, from a place on and not beyond another."""

    data: bytes
    at: int
    stop: int

    def struct(self, depth: int = _DEPTH) -> dict[int, Any]:
        """Return the fields of a struct by their numbers: integers, bytes, truth values and structs."""
        fields: dict[int, Any] = {}
        number = 0
        while head := self._byte():
            kind, step = head & 15, head >> 4
            number = number + step if step else _signed(self._varint())
            fields[number] = self._value(kind, depth)
        return fields

    def _value(self, kind: int, depth: int) -> Any:
        if kind in (_TRUE, _FALSE):
            return kind == _TRUE
        if kind == _BYTE:
            return self._byte()
        if _BYTE < kind <= _I64:
            return _signed(self._varint())
        if kind in (_DOUBLE, _BINARY):
            size = self._varint() if kind == _BINARY else 8
            if size > self.stop - self.at:
                raise ValueError("a page header ends outside of its column")
            self.at += size
            return self.data[self.at - size : self.at]
        if kind == _STRUCT and depth:
            return self.struct(depth - 1)
        raise ValueError(f"a page header has a field of type {kind}")

    def _byte(self) -> int:
        if self.at >= self.stop:
            raise ValueError("a page header ends outside of its column")
        self.at += 1
        return self.data[self.at - 1]

    def _varint(self) -> int:
        value = shift = 0
        while True:
            byte = self._byte()
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7
            if shift > 63:
                raise ValueError("a page header has a number of more than 64 bits")


def _signed(value: int) -> int:
    """Undo the zigzag of a signed number."""
    return (value >> 1) ^ -(value & 1)
