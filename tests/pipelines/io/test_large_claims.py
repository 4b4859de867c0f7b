"""Files that are small and claim much: reading takes seconds and little memory, and what is good in them is read."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import struct
import subprocess
import sys

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from curate.input.limits import FREE_ROWS, MAX_RECORD_BYTES
from tests.pipelines.conftest import PATIENCE, ROOT

#: Of one file, on a slow machine: three times what the slowest takes (a bomb in an archive), and 1.5 times the largest.
SECONDS, MEGABYTES = 10, 256
GOOD = b'{"text": "good"}\n'
TOO_LONG = f"a line longer than {MAX_RECORD_BYTES:,} bytes"
BLOCK = 128 << 10


def page(number, body=b"<html><p>A page of words"):
    http = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + body
    head = b"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: http://a.example/%d\r\nContent-Length: %d\r\n\r\n"
    return head % (number, len(http)) + http + b"\r\n\r\n"


def repeated_bytes(count, byte=b"a"):
    """Return a Zstandard frame of 128 KiB for each 4 bytes, which ends with a line."""
    blocks = struct.pack("<I", 1 << 1 | BLOCK << 3)[:3] + byte
    last = struct.pack("<I", 1 | 1 << 1 | 1 << 3)[:3] + b"\n"
    return b"\x28\xb5\x2f\xfd\x00" + bytes([(17 - 10) << 3]) + blocks * count + last


def large_window(log):
    """Return a frame with a window of 2 ** log bytes, and one line in it."""
    block = struct.pack("<I", 1 | len(GOOD) << 3)[:3] + GOOD
    return b"\x28\xb5\x2f\xfd\x00" + bytes([(log - 10) << 3]) + block


def parquet(table, **more):
    file = io.BytesIO()
    pq.write_table(table, file, store_schema=False, **more)
    return file.getvalue()


def arrow(batch, new=pa.ipc.new_stream):
    file = io.BytesIO()
    with new(file, batch.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_batch(batch)
        writer.write_batch(batch.slice(0, 1))
    return file.getvalue()


def same_value(rows, megabytes):
    value = pa.array(["a" * (megabytes << 20)], pa.large_string())
    return pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), value)


def lying_footer():
    data = parquet(pa.table({"text": ["a"]}))
    return data[:-8] + struct.pack("<I", 1 << 30) + data[-4:]


def overlapping_groups():
    """Return a file whose last row group has the pages of the one before."""
    file = io.BytesIO()
    schema = pa.schema([("text", pa.string())])
    with pq.ParquetWriter(file, schema, store_schema=False, compression="none", use_dictionary=False) as writer:
        for text in ("a" * 200, "b" * 200, "c" * 200):
            writer.write_table(pa.table({"text": [text]}))
    data = file.getvalue()
    _, before, last = (pq.ParquetFile(file).metadata.row_group(i).column(0).data_page_offset for i in range(3))
    there, here = (bytes([n << 1 & 127 | 128, n >> 6]) for n in (before, last))  # as Thrift writes them
    footer = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    data = data[:footer] + data[footer:].replace(here, there)
    assert pq.ParquetFile(io.BytesIO(data)).metadata.row_group(2).column(0).data_page_offset == before
    return data


def bad_archive(count):
    """Return members that look like a chain of records up to one that is damaged, between good pages."""
    chance = random.Random(1)
    tiny = b"".join(gzip.compress(b"WARC/1.0\n%d" % i, 1) for i in range(count))
    good = [gzip.compress(page(i, chance.randbytes(300_000))) for i in range(3)]
    return good[0] + good[1] + tiny + b"X" + good[2]


#: By file: what makes it, and how often what is found in it, in part.
CASES = {
    "headers.warc": (lambda: b"WARC/1.0\nX\n" * 40_000, {"bad_header": 40_000}),
    "headers.warc.gz": (lambda: gzip.compress(b"WARC/1.0\nX\n" * 40_000), {"bad_header": 40_000}),
    "lengths.warc": (
        lambda: (page(1)[:70] + b"\r\nContent-Length: 6000000\r\n\r\nx\n") * 20_000 + b"y" * 7_000_000,
        {"wrong_length": 20_000},
    ),
    "chained.warc.gz": (lambda: bad_archive(4000), {"Document": 3, "bad_header": 3999, "damaged_compression": 1}),
    "empty.warc.gz": (lambda: gzip.compress(b"") * 200_000 + gzip.compress(page(1)), {"Document": 1}),
    "one_byte.warc.gz": (
        lambda: b"".join(gzip.compress(bytes([byte])) for byte in page(1)) * 500,
        {"Document": 500},
    ),
    "blank.warc.gz": (lambda: gzip.compress(b"\n" * (300 << 20), 1) + gzip.compress(page(1)), {"Document": 1}),
    "long_digits.arc": (
        lambda: b"".join(
            b"http://a.example/ 1.2.3.4 20200101000000 text/html %b\n%b\n" % (n, page(1)[90:])
            for n in (b"9" * 5000, b"%d" % len(page(1)[90:]))
        ),
        {"the length is a number of 5,000 digits": 1},
    ),
    "long_line.jsonl.zst": (lambda: repeated_bytes(1000) + zstandard.compress(GOOD), {TOO_LONG: 1, "Document": 1}),
    "bomb.jsonl.zst": (lambda: GOOD_FRAME + repeated_bytes(20_000), {"Document": 1, "a line of more than 1,100": 1}),
    "bomb.warc.zst": (lambda: repeated_bytes(20_000) + zstandard.compress(page(1)), {"Document": 1}),
    "long_line.jsonl.gz": (
        lambda: gzip.compress(b"a" * (100 << 20) + b"\n", 1) + gzip.compress(GOOD),
        {TOO_LONG: 1, "Document": 1},
    ),
    "long_line.jsonl.bz2": (lambda: bz2.compress(b"a" * (40 << 20) + b"\n" + GOOD), {TOO_LONG: 1, "Document": 1}),
    "long_line.jsonl.xz": (lambda: lzma.compress(b"a" * (40 << 20) + b"\n" + GOOD), {TOO_LONG: 1, "Document": 1}),
    "page.html.zst": (lambda: repeated_bytes(20_000), {"a file longer than": 1}),
    "window.jsonl.zst": (lambda: GOOD_FRAME + large_window(31), {"Document": 2}),
    "blank_lines.jsonl.zst": (
        lambda: GOOD_FRAME + repeated_bytes(64, b"\n"),
        {"Document": 1, "more than 131,072 lines": 1},
    ),
    "short_lines.jsonl.gz": (lambda: gzip.compress(b"1\n" * (1 << 19)), {"more than 131,072 lines": 1}),
    "dictionary.jsonl.xz": (
        lambda: lzma.compress(GOOD, filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 1_500_000_000, "preset": 0}]),
        {"it takes more than": 1},
    ),
    "large.parquet": (lambda: parquet(pa.table({"text": same_value(256, 30)})), {"a value of 31,457,280 bytes": 256}),
    "repeated.parquet": (
        lambda: parquet(pa.table({"text": same_value(1000, 1)})),
        {"its rows have more than 1,100 times": 1},
    ),
    "rows.parquet": (
        lambda: parquet(pa.table({"text": same_value(50_000_000, 0)}), row_group_size=50_000_000),
        {"50,000,000 rows in": 1},
    ),
    "page.parquet": (
        lambda: parquet(pa.table({"text": ["a" * (1 << 20)] * 600}), use_dictionary=False, compression="zstd"),
        {"pages of 629,": 1},
    ),
    "footer.parquet": (lying_footer, {"a footer of 1,073,741,824 bytes": 1}),
    "overlap.parquet": (overlapping_groups, {"Document": 2, "it has bytes of the row group before it": 1}),
    "large.arrow": (
        lambda: arrow(pa.record_batch([same_value(256, 30)], ["text"])),
        {"a value of 31,457,280 bytes": 257},
    ),
    "repeated.arrow": (
        lambda: arrow(pa.record_batch([same_value(1000, 1)], ["text"])),
        {"its rows have more than 1,100 times": 1},
    ),
    "nulls.arrow": (
        lambda: arrow(pa.record_batch([pa.nulls(FREE_ROWS + 10_000)], ["text"])),
        {"rows in": 1, "a row without text": 1},
    ),
    "lists.arrow": (
        lambda: arrow(
            pa.record_batch([pa.ListArray.from_arrays([0, 2**31 - 1], pa.nulls(2**31 - 1)), ["good"]], ["url", "text"])
        ),
        {"Document": 2},
    ),
    "unread.arrow": (
        lambda: arrow(pa.record_batch([pa.array(["a" * (300 << 20)]), ["good"]], ["other", "text"])),
        {"Document": 2},
    ),
    "unpacked.arrow": (
        lambda: arrow(pa.record_batch([pa.array(["a" * (400 << 20)]), ["good"]], ["url", "text"])),
        {"a record batch of 1 rows and 419,": 2},
    ),
}
GOOD_FRAME = zstandard.compress(GOOD)


@pytest.fixture(scope="module")
def readings(tmp_path_factory):
    """What was found in each file, read in one piece and, if it can be, in two."""
    folder = tmp_path_factory.mktemp("claims")
    for name, (make, _) in CASES.items():
        (folder / name).write_bytes(make())
    found = {}
    for pieces, names in ((1, list(CASES)), (2, ["chained.warc.gz"])):
        paths = [str(folder / name) for name in names]
        command = [sys.executable, "-m", "tests.pipelines.bounded_reads", str(pieces), *paths]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=True)
        lines = map(orjson.loads, done.stdout.splitlines())
        found |= {(name, pieces): line for name, line in zip(names, lines, strict=True)}
    return found


@pytest.mark.parametrize("name", CASES)
def test_what_a_file_claims_costs_little(readings, name):
    for pieces in (1, 2):
        if (name, pieces) not in readings:
            continue
        reading = readings[name, pieces]
        assert "died" not in reading
        assert reading["seconds"] < SECONDS
        assert reading["megabytes"] < MEGABYTES
        for part, count in CASES[name][1].items():
            assert sum(n for detail, n in reading["found"].items() if part in detail) == count, reading["found"]
