"""Sketches that others made: whatever is wrong with one is said, and nothing outside of it is read."""

from __future__ import annotations

import json
import os
import resource

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xxhash

from curate.dedup.minhash import MinHashConfig
from curate.dedup.sketch import Sketch
from curate.input.parquet_pages import check_pages
from pipelines.result.sketch import import_sketches

PART = "part-00000.parquet"


@pytest.fixture
def folder(tmp_path):
    texts = [f"text number {i} is of words and of more words {i * i}" for i in range(20)]
    Sketch.of(texts, [f"{i:032x}" for i in range(20)], [*range(19), None]).save(tmp_path / "theirs")
    return tmp_path / "theirs"


def refused(folder, said):
    """Both ways to read a sketch refuse it, with the same sentence."""
    for read in (Sketch.load, lambda path: import_sketches([str(path)], str(folder.parent / "ours"))):
        with pytest.raises(ValueError, match=rf"theirs.*{said}"):
            read(folder)
    assert not (folder.parent / "ours").exists()


def describe(folder, change):
    path = folder / "sketch.json"
    described = json.loads(path.read_text())
    change(described)
    path.write_text(json.dumps(described))


def rewrite(folder, table, **options):
    """Write a part again, with the digest and the number of rows that it has now."""
    pq.write_table(table, folder / PART, **{"use_dictionary": False, **options})
    digest = xxhash.xxh3_64_hexdigest((folder / PART).read_bytes())
    part = {"file": PART, "documents": len(table), "xxh3": digest}
    describe(folder, lambda m: m.update(parts=[part], documents=len(table)))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda m: m["parts"][0].update(file="../../etc/passwd"), "named '../../etc/passwd'"),
        (lambda m: m["parts"][0].update(file="/dev/zero"), "named '/dev/zero'"),
        (lambda m: m["parts"][0].update(file="sketch.json"), "named 'sketch.json'"),
        (lambda m: m["parts"][0].update(file="part-00001.parquet"), "part-00001.parquet"),
        (lambda m: m["parts"][0].update(file=5), "named 5"),
        (lambda m: m["parts"][0].update(documents=-20), "has -20 documents"),
        (lambda m: m["parts"][0].update(documents=2**63), "documents; a part has 1 to 1,000,000"),
        (lambda m: m["parts"][0].update(documents=True), "has True documents"),
        (lambda m: m["parts"][0].update(xxh3=None), "the digest None"),
        (lambda m: m["parts"][0].pop("file"), "exactly file, documents and xxh3"),
        (lambda m: m["parts"].append(m["parts"][0]), "listed twice"),
        (lambda m: m.update(parts={}), "parts is not a list"),
        (lambda m: m.update(parts=[None]), "exactly file, documents and xxh3"),
        (lambda m: m.pop("parts"), "parts is not a list"),
        (lambda m: m.update(documents=-5), "says -5 documents"),
        (lambda m: m.update(documents=2**63), "documents, but its parts have 20"),
        (lambda m: m.update(documents="20"), "says '20' documents"),
        (lambda m: m.update(version=[1]), "version .1."),
        (lambda m: m.pop("sketch_bins"), "None bins"),
        (lambda m: m.pop("minhash"), "minhash does not have exactly"),
        (lambda m: m["minhash"].update(x=1), "minhash does not have exactly"),
        (lambda m: m["minhash"].update(bands=10**9), "bands is 1000000000; it must be at most"),
        (lambda m: m["minhash"].update(bands=60_000, rows=60_000), "bands x rows is 3,600,000,000"),
        (lambda m: m["minhash"].update(rows=2.0), "rows is 2.0; it must be a whole number"),
        (lambda m: m["minhash"].update(seed=-1), "seed is -1; it must be at least 0"),
    ],
)
def test_a_manifest_that_no_sketch_has(folder, change, said):
    describe(folder, change)
    refused(folder, said)


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"5", b"[" * 100_000, b"\xff\xfe", b'{"format": ' + b"9" * 5000 + b"}", b"{}" + b" " * (17 << 20)],
)
def test_a_manifest_that_is_not_one(folder, data):
    (folder / "sketch.json").write_bytes(data)
    refused(folder, "sketch.json")


def binary(values):
    return lambda n: pa.array([values(i) for i in range(n)], pa.binary())


@pytest.mark.parametrize(
    ("name", "column", "said"),
    [
        ("bands", binary(lambda i: b"x"), "bands has values of 1 to 1 bytes, not 112"),
        ("bands", binary(lambda i: b"x" * (104 + 16 * (i % 2))), "bands has values of 104 to 120 bytes"),
        ("bands", binary(lambda i: None if i == 3 else b"x" * 112), "bands has nulls"),
        ("sketch", binary(lambda i: b"x" * (504 + 16 * (i % 2))), "sketch has values of 504 to 520 bytes"),
        ("sketch", lambda n: pa.nulls(n, pa.binary()), "sketch has nulls"),
        ("sketch", lambda n: pa.array([b"x" * 512] * n, pa.large_binary()), "its columns are not"),
        ("id", lambda n: pa.nulls(n, pa.binary(16)), "id has nulls"),
        ("id", lambda n: pa.array(["a"] * n), "its columns are not"),
        ("id", lambda n: pa.array([b"x" * 8] * n, pa.binary(8)), "its columns are not"),
        ("position", lambda n: pa.array([0] * n, pa.uint64()), "positions of its documents"),
        ("position", lambda n: pa.array([2**64 - 1, *range(n - 1)], pa.uint64()), "positions of its documents"),
        ("position", lambda n: pa.array(range(n), pa.int64()), "its columns are not"),
        ("position", lambda n: pa.nulls(n, pa.uint64()), "position has nulls"),
        ("date", lambda n: pa.array([2**62] * n), "outside of the years 1 to 9999"),
        ("date", lambda n: pa.array([-(2**63)] * n), "outside of the years 1 to 9999"),
        ("date", lambda n: pa.array(["x"] * n), "its columns are not"),
    ],
)
def test_a_column_that_no_sketch_has(folder, name, column, said):
    table = pq.read_table(folder / PART)
    rewrite(folder, table.set_column(table.schema.get_field_index(name), name, column(len(table))))
    refused(folder, said)


def test_columns_and_rows_that_are_absent(folder):
    table = pq.read_table(folder / PART)
    rewrite(folder, table.drop_columns("bands"))
    refused(folder, "its columns are not")
    rewrite(folder, table.append_column("x", table["date"]))
    refused(folder, "its columns are not")
    rewrite(folder, table)
    digest = xxhash.xxh3_64_hexdigest((folder / PART).read_bytes())
    describe(folder, lambda m: m.update(documents=19, parts=[{"file": PART, "documents": 19, "xxh3": digest}]))
    refused(folder, "it has 20 rows, but 19 in sketch.json")
    rewrite(folder, table.take(list(range(19, -1, -1))))  # any order of rows is that of their positions
    assert [i.tobytes()[-1] for i in Sketch.load(folder).ids] == list(range(20))


def test_a_small_file_that_stands_for_gigabytes_is_refused_before_it_is_decoded(folder):
    rows = 300_000
    columns = pq.read_table(folder / PART).slice(0, 1).to_pydict()
    columns["sketch"] = [b"x" * 100_000]
    one = pa.table(columns, pq.read_schema(folder / PART)).to_pydict()
    table = pa.table(
        {
            name: pa.DictionaryArray.from_arrays(np.zeros(rows, np.int32), pa.array(one[name], field.type))
            if name in ("bands", "sketch")
            else pa.array(np.arange(rows), field.type)
            if name != "id"
            else pa.array([b"\0" * 16] * rows, field.type)
            for name, field in ((f.name, f) for f in pq.read_schema(folder / PART))
        }
    )
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    rewrite(folder, table, use_dictionary=True, store_schema=False)
    assert (folder / PART).stat().st_size < 4_000_000
    refused(folder, "does not have plain values")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000


def test_pages_are_held_against_the_rows_whatever_the_footer_says(folder):
    file = pq.ParquetFile(folder / PART)
    column = file.metadata.row_group(0).column(4)
    data = (folder / PART).read_bytes()
    start, stop = column.data_page_offset, column.data_page_offset + column.total_compressed_size
    check_pages(data, start, stop, 20, 512)
    bad = [(start, stop, rows, width) for rows, width in ((19, 512), (21, 512), (20, 100))]
    bad += [(start + a, stop + b, 20, 512) for a, b in ((0, 1), (0, -1), (-1, 0), (0, len(data)), (stop, -stop))]
    for place in bad:
        with pytest.raises(ValueError, match=r"page|column"):
            check_pages(data, *place)
    pq.write_table(pq.read_table(folder / PART), folder / PART, use_dictionary=["sketch"])
    column = pq.ParquetFile(folder / PART).metadata.row_group(0).column(4)
    start = column.dictionary_page_offset
    with pytest.raises(ValueError, match="a dictionary could unpack to any number of bytes"):
        check_pages((folder / PART).read_bytes(), start, start + column.total_compressed_size, 20, 512)


def test_a_footer_that_speaks_of_encryption_is_refused_before_arrow_reads_it(folder):
    """Arrow ends the process when it is asked about such a column."""
    data = (folder / PART).read_bytes()
    size = int.from_bytes(data[-8:-4], "little")
    pages, footer = data[: -8 - size], data[-8 - size : -9]
    footer += b"\x0c\x10\x1c\x00\x00\x00"  # field 8: a union with an empty AES_GCM_V1
    data = pages + footer + len(footer).to_bytes(4, "little") + b"PAR1"
    (folder / PART).write_bytes(data)
    describe(folder, lambda m: m["parts"][0].update(xxh3=xxhash.xxh3_64_hexdigest(data)))
    refused(folder, "it is encrypted")


def test_what_is_not_a_file_of_the_folder_is_not_read(folder, tmp_path):
    part = folder / PART
    data = part.read_bytes()
    part.unlink()
    refused(folder, PART)
    os.mkfifo(part)
    refused(folder, f"{PART} is")
    part.unlink()
    (tmp_path / "elsewhere.parquet").write_bytes(data)
    part.symlink_to(tmp_path / "elsewhere.parquet")
    refused(folder, "is a link out of the sketch")
    part.unlink()
    part.symlink_to("/dev/zero")
    refused(folder, PART)
    part.unlink()
    part.write_bytes(data + b"\0" * (2 << 20))
    refused(folder, "is larger than")
    part.write_bytes(data)
    assert len(Sketch.load(folder)) == 20


def test_dates_outside_of_the_calendar_are_refused():
    with pytest.raises(ValueError, match="outside of the years 1 to 9999"):
        Sketch.of(["a"], ["00" * 16], [2**62])


def test_parts_of_many_bands_are_cut_into_what_a_column_can_hold():
    from curate.dedup.sketch_file import ROWS, part_rows

    assert part_rows(MinHashConfig()) == ROWS
    assert part_rows(MinHashConfig(bands=450, rows=20)) * 450 * 8 < 2**31
