"""The pages of a Parquet file, held against its rows before they are decoded.

A few hundred bytes of Parquet can stand for gigabytes: a dictionary page names a long value once and rows repeat it, a
page claims any size. Arrow believes the header of each page, which the footer says nothing of. So these headers are
read here first. They are structs of Thrift's compact protocol; their fields and numbers are those of parquet.thrift
in github.com/apache/parquet-format.
"""

from __future__ import annotations

from typing import Any

from curate.input.thrift import read_struct

# parquet.thrift: fields of PageHeader and DataPageHeader; PageType.DATA_PAGE and Encoding.PLAIN.
_TYPE, _UNPACKED, _PACKED, _DATA_HEADER = 1, 2, 3, 5
_VALUES, _ENCODING = 1, 2
_DATA_PAGE, _PLAIN = 0, 0
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
        try:
            header, size = read_struct(memoryview(data)[at:stop])
        except IndexError:
            raise ValueError("a page header ends outside of its column") from None
        at += size
        values, packed, unpacked = _sizes(header)
        # Values with their lengths, and levels, which say of each value whether it is null, in at most 2 bytes each.
        if not 0 < values <= rows or not 0 <= unpacked <= values * (width + 4 + 2) + _LEVELS:
            raise ValueError(f"a page claims {values:,} values of {width} bytes in {unpacked:,} bytes")
        if not 0 <= packed <= stop - at:
            raise ValueError("a page ends outside of its column")
        at += packed
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
