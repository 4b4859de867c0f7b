"""What the pages of a Parquet column claim, looked at before Arrow makes room for it.

Arrow unpacks a page into as many bytes as its header claims, and a dictionary gives each of billions of rows a value of
any size, so a file of 400 bytes can take all memory. The facts in the footer may be wrong; the headers of the pages are
what Arrow goes by (parquet.apache.org/docs/file-format/data-pages, written in Thrift's compact protocol).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, BinaryIO

import pyarrow.parquet as pq

from curate.input.limits import too_many_rows
from curate.input.parquet_footer import Chunk, Footer
from curate.input.thrift import read_struct

#: Bytes that the largest pages of a row group's columns may take together once unpacked. curate's own value: writers
#: end a page at 1 MiB, though Arrow looks only after each 1,024 values. With this much a worker stays below 1.2 GB.
MAX_PAGE_BYTES = 352 << 20
UNCOUNTED_BYTES = 100  # of a column that its size may lack: parquet-mr forgot a header (PARQUET-816)
MAX_FOOTER_BYTES = 16 << 20  # that of a file with 10,000 row groups of 10 columns
BATCH_BYTES = 16 << 20  # about as much of a row group is taken at a time
BATCH_ROWS = 256
HEADER_BYTES = 1 << 9, 1 << 20  # of a page: read at first, and the most; curate's own: statistics make one of 10 KB
DATA_PAGE, DICTIONARY_PAGE, DATA_PAGE_V2 = 0, 2, 3
DELTA_BYTE_ARRAY = 7  # the one encoding that lets a value take more bytes than it has in its page
VALUE_BYTES = 16  # that Arrow takes for each value of a dictionary, beside the value


class TooLarge(ValueError):
    """What a file claims is over a limit."""


@dataclass(slots=True)
class _Chunk:
    """The pages of a column in a row group: bytes for its dictionary, its largest page, and the largest row."""

    dictionary: int = 0
    page: int = 0
    row: int = 0


def read_footer(stream: BinaryIO) -> Footer:
    """Read the footer, before Arrow does.

    Raises:
        TooLarge: its size is over the limit.
        ValueError: the file is encrypted, or the footer is damaged.
    """
    size = stream.seek(0, 2)
    stream.seek(max(size - 8, 0))
    footer = int.from_bytes(stream.read(4), "little")
    if footer > MAX_FOOTER_BYTES:
        raise TooLarge(f"a footer of {footer:,} bytes; the limit is {MAX_FOOTER_BYTES:,}")
    stream.seek(max(size - 8 - footer, 0))
    found = Footer(stream.read(footer + 8))
    stream.seek(0)
    return found


def rows_at_a_time(stream: BinaryIO, footer: Footer, metadata: pq.FileMetaData, number: int, columns: list[int]) -> int:
    """Return how many rows of a row group to take at a time.

    Args:
        stream: the file.
        footer: its footer.
        metadata: the same, as Arrow reads it.
        number: of the row group.
        columns: numbers of the columns to read.

    Raises:
        TooLarge: the row group claims too much.
        ValueError: a header of a page is damaged, or the row group has other columns than the file.
    """
    rows = metadata.row_group(number).num_rows
    last = _group_before(metadata, number)
    before = [] if last is None else footer.chunks(metadata, last)
    chunks, packed = [_Chunk()], 1
    for i, column in enumerate(footer.chunks(metadata, number)):
        if before and column.begin < before[i].begin + before[i].size:
            raise TooLarge("it has bytes of the row group before it")  # which could be read again and again
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
    """Return the last row group with rows before one: where one without rows lies says nothing."""
    return next((i for i in range(number - 1, -1, -1) if metadata.row_group(i).num_rows), None)


def _look(stream: BinaryIO, column: Chunk, rows_left: int) -> _Chunk:
    """Go through the headers of a column's pages."""
    found = _Chunk()
    at = column.begin
    stop = at + column.size
    while at < stop:
        header, at = _page_header(stream, at)
        kind, unpacked, packed = (_number(header, field, -1) for field in (1, 2, 3))
        if unpacked < 0 or packed < 0:
            raise ValueError("a page of less than no bytes")
        if packed > stop + UNCOUNTED_BYTES - at:  # Arrow makes room for them before it reads
            raise ValueError("a page ends outside of its column")
        at += packed
        if kind == DICTIONARY_PAGE:
            # copied once, and as large as the dictionary can be a value of each row
            found.dictionary += 2 * unpacked + VALUE_BYTES * max(_number(_fields(header, 7), 1), 0)
            found.row = max(found.row, unpacked)
        elif kind in (DATA_PAGE, DATA_PAGE_V2):
            values, encoding = (1, 2) if kind == DATA_PAGE else (1, 4)
            facts = _fields(header, 5 if kind == DATA_PAGE else 8)
            count = _number(facts, values)
            rows_left -= count
            if count < 0 or rows_left < 0:  # Arrow makes room for as many as a delta encoding claims
                raise ValueError("its pages have more values than it has rows")
            rows = 1 if facts.get(encoding) == DELTA_BYTE_ARRAY else max(count, 1)
            found.page = max(found.page, unpacked)
            found.row = max(found.row, unpacked // rows)
    return found


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
    """Return the fields of the header at an offset of the file, and where it ends."""
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
