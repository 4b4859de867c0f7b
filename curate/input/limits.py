"""Limits of size and memory that all readers share.

>>> MAX_RECORD_BYTES >= 5 << 20
True
"""

from __future__ import annotations

#: Largest record in bytes: a page with its HTTP header, its unpacked body, a JSON line, a row of a table, a file that
#: is one page. A larger one is rejected. curate's own value: Common Crawl keeps 5 MiB of a page since 2025 and kept
#: 1 MiB before; all steps together take about 50 bytes per byte of a page, so a process stays below 1.2 GB.
MAX_RECORD_BYTES = 8 << 20

#: Bytes of a URL, which stays in memory with thousands of others. curate's own value: the limit of a WARC header.
MAX_URL_BYTES = 1 << 16

#: Compressed data may unpack to `MAX_EXPANSION` times its size without giving a record, and to `FREE_BYTES` more;
#: beyond that it is a bomb. curate's own values: gzip cannot exceed 1,032 times (zlib.net/zlib_tech.html), the others
#: reach 30,000 and more; the free bytes take a few seconds.
MAX_EXPANSION = 1100
FREE_BYTES = 1 << 29

#: The rows of a table may have `MAX_EXPANSION` times the bytes of its file, and `FREE_ROW_BYTES` more: every row can
#: repeat one value of a dictionary. It may have `ROWS_PER_BYTE` rows per byte, and `FREE_ROWS` more. curate's own
#: values.
FREE_ROW_BYTES = 1 << 26
ROWS_PER_BYTE = 8
FREE_ROWS = 1 << 17

#: Bytes of history that a Zstandard frame or an xz file may require: what the command-line tools accept by default
#: (zstd: 128 MiB, `--long=27`).
MAX_WINDOW = 1 << 27


def is_bomb(unpacked: int, compressed: int, free: int = FREE_BYTES) -> bool:
    """Say whether data unpacks to too many bytes for its compressed size.

    >>> is_bomb(1 << 30, 1 << 20), is_bomb(1 << 30, 1 << 10)
    (False, True)
    """
    return unpacked > free + MAX_EXPANSION * compressed


def too_many_rows(rows: int, size: int) -> bool:
    """Say whether a file has too many rows for its size in bytes.

    >>> too_many_rows(1_000_000, 1 << 20), too_many_rows(1_000_000_000, 500)
    (False, True)
    """
    return rows > FREE_ROWS + ROWS_PER_BYTE * size
