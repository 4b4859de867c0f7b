"""Checks of what the pages of a Parquet file claim, before Arrow allocates memory for it.

Arrow decompresses a page into as many bytes as its header claims, and a dictionary can give each of billions of rows a
value of any size, so a file of 400 bytes can take all memory. The footer may be wrong; Arrow relies on the headers of
the pages (parquet.apache.org/docs/file-format/data-pages, in Thrift's compact protocol), and so does this module.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, BinaryIO

import pyarrow.parquet as pq

from curate.input.limits import too_many_rows
from curate.input.parquet_footer import Chunk, Footer
from curate.input.thrift import read_struct

#: Uncompressed bytes that the largest pages of a row group's columns may take together. curate's own value: writers end
#: a page at 1 MiB, although Arrow checks only after every 1,024 values. With this limit a worker stays below 1.2 GB.
MAX_PAGE_BYTES = 352 << 20
UNCOUNTED_BYTES = 100  # bytes that a column's size may lack: parquet-mr did not count a header (PARQUET-816)
MAX_FOOTER_BYTES = 16 << 20  # the footer of a file with 10,000 row groups of 10 columns
BATCH_BYTES = 16 << 20  # read at a time from a row group, roughly
BATCH_ROWS = 256  # rows read at a time, at most
HEADER_BYTES = 1 << 9, 1 << 20  # of a page, first and last attempt; curate's own value: statistics can take 10 KB
DATA_PAGE, DICTIONARY_PAGE, DATA_PAGE_V2 = 0, 2, 3
DELTA_BYTE_ARRAY = 7  # the only encoding in which a value can be larger than its share of the page
VALUE_BYTES = 16  # that Arrow needs for each value of a dictionary, in addition to the value


class TooLarge(ValueError):
    """A file claims more than a limit allows."""


@dataclass(slots=True)
class _ChunkSize:
    """Bytes that a column of a row group needs: for its dictionary, its largest page, and its largest row."""

    dictionary: int = 0
    page: int = 0
    row: int = 0


def read_footer(stream: BinaryIO) -> Footer:
    """Read the footer before Arrow does.

    Raises:
        TooLarge: the footer is larger than the limit.
        ValueError: the file is encrypted, or the footer is damaged.
    """
    size = stream.seek(0, 2)
    stream.seek(max(size - 8, 0))
    footer_bytes = int.from_bytes(stream.read(4), "little")
    if footer_bytes > MAX_FOOTER_BYTES:
        raise TooLarge(f"a footer of {footer_bytes:,} bytes; the limit is {MAX_FOOTER_BYTES:,}")
    stream.seek(max(size - 8 - footer_bytes, 0))
    footer = Footer(stream.read(footer_bytes + 8))
    stream.seek(0)
    return footer


def rows_at_a_time(stream: BinaryIO, footer: Footer, metadata: pq.FileMetaData, number: int, columns: list[int]) -> int:
    """Return how many rows of a row group to read at a time.

    Args:
        stream: the file.
        footer: its footer.
        metadata: the footer as Arrow reads it.
        number: number of the row group.
        columns: numbers of the columns to read.

    Raises:
        TooLarge: the row group claims too much.
        ValueError: a page header is damaged, or the row group has other columns than the file.
    """
    rows = metadata.row_group(number).num_rows
    last = _group_before(metadata, number)
    before = [] if last is None else footer.chunks(metadata, last)
    chunks, packed = [_ChunkSize()], 1
    for i, column in enumerate(footer.chunks(metadata, number)):
        if before and column.begin < before[i].begin + before[i].size:
            raise TooLarge("it has bytes of the row group before it")  # the same bytes could claim rows again and again
        if i in columns or not columns:
            packed += max(column.size, 0)
        if i in columns:
            chunks.append(_look(stream, column, rows))
    if too_many_rows(rows, packed):
        raise TooLarge(f"{rows:,} rows in {packed:,} bytes")
    room = sum(chunk.dictionary + chunk.page for chunk in chunks)
    if room > MAX_PAGE_BYTES:
        raise TooLarge(
            f"pages of {room:,} bytes; the limit is {MAX_PAGE_BYTES:,}: write it with a smaller write_batch_size"
        )
    return min(max(BATCH_BYTES // (sum(chunk.row for chunk in chunks) or 1), 1), BATCH_ROWS)


def _group_before(metadata: pq.FileMetaData, number: int) -> int | None:
    """Return the last non-empty row group before one; the position of an empty one is meaningless."""
    return next((i for i in range(number - 1, -1, -1) if metadata.row_group(i).num_rows), None)


def _look(stream: BinaryIO, column: Chunk, rows_left: int) -> _ChunkSize:
    """Compute the size of a column from the headers of its pages."""
    chunk = _ChunkSize()
    at = column.begin
    stop = at + column.size
    while at < stop:
        header, at = _page_header(stream, at)
        page_type, unpacked, packed = (_number(header, field, -1) for field in (1, 2, 3))
        if unpacked < 0 or packed < 0:
            raise ValueError("a page of less than no bytes")
        if packed > stop + UNCOUNTED_BYTES - at:  # Arrow allocates them before it reads
            raise ValueError("a page ends outside of its column")
        at += packed
        if page_type == DICTIONARY_PAGE:
            # Arrow copies a dictionary once, and a single value of each row can be as large as the dictionary.
            chunk.dictionary += 2 * unpacked + VALUE_BYTES * max(_number(_fields(header, 7), 1), 0)
            chunk.row = max(chunk.row, unpacked)
        elif page_type in (DATA_PAGE, DATA_PAGE_V2):
            values, encoding = (1, 2) if page_type == DATA_PAGE else (1, 4)
            page = _fields(header, 5 if page_type == DATA_PAGE else 8)
            count = _number(page, values)
            rows_left -= count
            if count < 0 or rows_left < 0:  # Arrow allocates as many values as a delta encoding claims
                raise ValueError("its pages have more values than it has rows")
            rows = 1 if page.get(encoding) == DELTA_BYTE_ARRAY else max(count, 1)
            chunk.page = max(chunk.page, unpacked)
            chunk.row = max(chunk.row, unpacked // rows)
    return chunk


def _number(fields: dict[int, Any], field: int, default: int = 0) -> int:
    value = fields.get(field, default)
    if not isinstance(value, int):
        raise ValueError("a header of a page is damaged")
    return value


def _fields(fields: dict[int, Any], field: int) -> dict[int, Any]:
    value = fields.get(field, {})
    if not isinstance(value, dict):
        raise ValueError("a header of a page is damaged")
    return value


def _page_header(stream: BinaryIO, offset: int) -> tuple[dict[int, Any], int]:
    """Return the fields of the page header at an offset of the file, and the offset of its end."""
    size, most = HEADER_BYTES
    while True:
        stream.seek(offset)
        data = stream.read(size)
        try:
            fields, end = read_struct(data)
        except IndexError:
            if len(data) < size or size >= most:
                raise ValueError("a header of a page is cut off") from None
            size *= 8
            continue
        return fields, offset + end
