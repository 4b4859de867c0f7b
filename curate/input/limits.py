"""What one record may take, wherever it comes from: limits that all readers share.

>>> MAX_RECORD_BYTES >= 5 << 20
True
"""

from __future__ import annotations

#: Bytes of one record: a page with its HTTP header, its body once unpacked, a JSON line, a row of a table, a file that
#: is one page. A larger one is rejected. curate's own value: Common Crawl keeps 5 MiB of a page since 2025 and 1 MiB
#: before, and all steps together take about 50 bytes for each byte of a page: with this limit a process stays below
#: 1.2 GB.
MAX_RECORD_BYTES = 8 << 20

#: Bytes of a URL, which stays in memory with thousands of others. curate's own value: as much as a WARC header has.
MAX_URL_BYTES = 1 << 16

#: Compressed data may unpack to this many times its size without giving a record, and to `FREE_BYTES` more; beyond that
#: it is a bomb. curate's own values: gzip cannot do more than 1,032 (zlib.net/zlib_tech.html), the others do 30,000 and
#: more; the free bytes take a few seconds.
MAX_EXPANSION = 1100
FREE_BYTES = 1 << 29

#: A table may give this many times the bytes of its file in rows, and `FREE_ROW_BYTES` more: one value of a dictionary
#: can stand in each row. It may have 8 rows for each byte, and `FREE_ROWS` more. curate's own values.
FREE_ROW_BYTES = 1 << 26
ROWS_PER_BYTE = 8
FREE_ROWS = 1 << 17

#: Bytes of history that a Zstandard frame or an xz file may ask for: what the command line tools accept by default
#: (zstd: 128 MiB, `--long=27`).
MAX_WINDOW = 1 << 27


def is_bomb(unpacked: int, compressed: int, free: int = FREE_BYTES) -> bool:
    """Say whether so many bytes are too many for the compressed bytes they came from.

    >>> is_bomb(1 << 30, 1 << 20), is_bomb(1 << 30, 1 << 10)
    (False, True)
    """
    return unpacked > free + MAX_EXPANSION * compressed


def too_many_rows(rows: int, size: int) -> bool:
    """Say whether so many rows are too many for the bytes they are made of.

    >>> too_many_rows(1_000_000, 1 << 20), too_many_rows(1_000_000_000, 500)
    (False, True)
    """
    return rows > FREE_ROWS + ROWS_PER_BYTE * size
