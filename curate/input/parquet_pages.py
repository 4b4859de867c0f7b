"""Check the pages of a Parquet file against its rows before Arrow decodes them.

A few hundred bytes of Parquet can unpack to gigabytes: a dictionary page holds a long value once and rows repeat it, or
a page claims any size. Arrow trusts the header of each page, which the footer does not describe, so these headers are
checked here first. They are structs of Thrift's compact protocol; their fields and numbers are those of parquet.thrift
in github.com/apache/parquet-format.
"""

from __future__ import annotations

from typing import Any

from curate.input.thrift import read_struct

# parquet.thrift: fields of PageHeader and DataPageHeader; PageType.DATA_PAGE and Encoding.PLAIN.
_TYPE, _UNPACKED, _PACKED, _DATA_HEADER = 1, 2, 3, 5
_VALUES, _ENCODING = 1, 2
_DATA_PAGE, _PLAIN = 0, 0
_LEVELS = 64  # most bytes of a page that are neither values nor levels, but lengths


def check_pages(data: bytes, start: int, stop: int, rows: int, width: int) -> None:
    """Refuse a column chunk unless its pages hold ``rows`` plain values and have sizes that fit that number.

    Args:
        data: bytes of the file.
        start: where the chunk starts in it.
        stop: where the chunk ends.
        rows: number of values in the chunk.
        width: bytes of a value.

    Raises:
        ValueError: a page is not plain data, or a size does not fit the number of values.
    """
    if not 0 <= start <= stop <= len(data):
        raise ValueError("a column is outside of the file")
    at = start
    while at < stop and rows > 0:
        try:
            header, size = read_struct(memoryview(data)[at:stop])
        except IndexError:
            raise ValueError("a page header ends outside of its column") from None
        at += size
        values, packed, unpacked = _sizes(header)
        # Values with their lengths, and a level for each value (whether it is null) of at most 2 bytes.
        if not 0 < values <= rows or not 0 <= unpacked <= values * (width + 4 + 2) + _LEVELS:
            raise ValueError(f"a page claims {values:,} values of {width} bytes in {unpacked:,} bytes")
        if not 0 <= packed <= stop - at:
            raise ValueError("a page ends outside of its column")
        at += packed
        rows -= values
    if rows or at != stop:
        raise ValueError("its pages do not hold as many values as it has rows")


def _sizes(header: dict[int, Any]) -> tuple[int, int, int]:
    """Return the number of values of a plain data page, and its size in bytes, packed and unpacked."""
    page = header.get(_DATA_HEADER)
    if header.get(_TYPE) != _DATA_PAGE or not isinstance(page, dict) or page.get(_ENCODING) != _PLAIN:
        raise ValueError("a page is not plain data; a dictionary could unpack to any number of bytes")
    sizes = page.get(_VALUES), header.get(_PACKED), header.get(_UNPACKED)
    if not all(type(n) is int for n in sizes):
        raise ValueError("a page does not say how large it is")
    return sizes  # type: ignore[return-value]
