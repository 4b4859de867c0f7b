"""Every format that can be read gives the same documents, whole or in parts."""

from __future__ import annotations

import bz2
import codecs
import gzip
import hashlib
import io
import itertools
import lzma
import os
import random

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from pipelines.io import readers, records
from pipelines.io.readers import Dropped, InputChanged, NotAPage, read_part
from pipelines.io.sources import SLICES, InputFile, Part, cut_slices, list_inputs, not_read
from pipelines.recipe.errors import RecipeError
from pipelines.recipe.model import Source
from tests.pipelines.conftest import CRAWL

ROWS = [
    {
        "text": f"Text number {i} — é 北京 🙂\n" * (1 + i % 7),
        "url": f"http://example.org/{i}",
        "date": "2026-01-01T00:00:00Z",
    }
    for i in range(500)
]
LINES = b"".join(orjson.dumps(row) + b"\n" for row in ROWS)


def documents(pattern, **source):
    found = []
    for file in list_inputs([Source(str(pattern), **source)]):
        found += list(read_part(Part(file, 0, file.size)))
    return found


def plain(found):
    assert not [d for d in found if isinstance(d, Dropped)]
    return sorted((d.id, d.text, d.url, d.date) for d in found)


@pytest.fixture
def expected(tmp_path):
    (tmp_path / "expected.jsonl").write_bytes(LINES)
    return plain(documents(tmp_path / "expected.jsonl"))


def write_datasets(path):
    from datasets import Dataset

    Dataset.from_list(ROWS).save_to_disk(str(path))


def write_nested(path):
    nested = [{"text": r["text"], "metadata": {"url": r["url"], "date": r["date"]}} for r in ROWS]
    path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in nested))


def write_arrow(path, new=pa.ipc.new_stream):
    table = pa.Table.from_pylist(ROWS)
    with new(path, table.schema) as writer:
        writer.write_table(table, max_chunksize=100)


FORMATS = {
    "stream.arrow": write_arrow,
    "file.arrow": lambda p: write_arrow(p, pa.ipc.new_file),
    "a.jsonl.gz": lambda p: p.write_bytes(gzip.compress(LINES)),
    "a.jsonl.bz2": lambda p: p.write_bytes(bz2.compress(LINES[:999]) + bz2.compress(LINES[999:])),
    "a.ndjson.xz": lambda p: p.write_bytes(lzma.compress(LINES)),
    "a.json.zst": lambda p: p.write_bytes(zstandard.compress(LINES)),
    "two_frames.jsonl.zst": lambda p: p.write_bytes(zstandard.compress(LINES[:999]) + zstandard.compress(LINES[999:])),
    "a.parquet": lambda p: pq.write_table(pa.Table.from_pylist(ROWS), p, row_group_size=60),
    "saved": write_datasets,
    "nested.jsonl": write_nested,
}


@pytest.mark.parametrize("name", FORMATS)
def test_the_same_documents_from_every_format(name, tmp_path, expected):
    (tmp_path / "in").mkdir()
    FORMATS[name](tmp_path / "in" / name)
    assert plain(documents(tmp_path / "in")) == expected


def test_a_hub_data_set_is_streamed(tmp_path, expected, monkeypatch):
    pq.write_table(pa.Table.from_pylist(ROWS), tmp_path / "train.parquet")
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    for name in (tmp_path, f"{tmp_path}:train", f"{tmp_path}:default:train"):
        assert plain(documents(name, format="datasets")) == expected
    for name in (f"{tmp_path}:test", f"{tmp_path}:en:train", f"{tmp_path}/none"):
        with pytest.raises(RecipeError, match=f"input '{name}': "):
            documents(name, format="datasets")


def test_a_saved_data_set_is_read_once_though_it_was_mapped(tmp_path, expected):
    from datasets import DatasetDict, load_from_disk

    write_datasets(tmp_path / "saved")
    load_from_disk(str(tmp_path / "saved")).map(lambda row: {**row, "more": 1})
    assert list((tmp_path / "saved").glob("cache-*.arrow"))
    assert plain(documents(tmp_path / "saved")) == expected
    DatasetDict(train=load_from_disk(str(tmp_path / "saved"))).save_to_disk(str(tmp_path / "dict"))
    assert plain(documents(tmp_path / "dict")) == expected
    for name in ("saved", "dict"):
        with pytest.raises(RecipeError, match=f"{name}' was written by save_to_disk, which format: auto reads"):
            list_inputs([Source(f"{tmp_path}/{name}", format="datasets")])
    (tmp_path / "pages_state.json").write_bytes(LINES)
    assert plain(documents(tmp_path / "pages_state.json")) == expected


def test_the_text_may_have_another_name(tmp_path, expected):
    rows = [{**row, "content": row["text"], "text": "a summary"} for row in ROWS]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "rows.parquet")
    (tmp_path / "rows.jsonl").write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    for name in ("rows.parquet", "rows.jsonl"):
        assert plain(documents(tmp_path / name, text="content")) == expected
    (first, *_) = documents(tmp_path / "rows.jsonl", text="body")
    assert first.rejection.detail == "a row without body or html; it has text, url, date, content"


def test_html_and_text_files_are_a_page_each(tmp_path):
    (tmp_path / "a.html").write_text("<p>One page")
    (tmp_path / "b.txt").write_text("Another page")
    (tmp_path / "c.bin").write_bytes(b"ignored")
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "a.html").write_text("<p>One page")
    page, text, same, other = documents(tmp_path)
    assert page.html == same.html == b"<p>One page"
    assert text.text == "Another page"
    assert other == NotAPage("unknown_file")
    assert [d.url for d in (page, text, same)] == ["file:a.html", "file:b.txt", "file:below/a.html"]
    assert page.id != same.id
    assert [d.url for d in documents(tmp_path / "*.html")] == ["file:a.html"]


def test_files_that_are_not_read_are_told_by_their_endings(tmp_path):
    names = [
        "a.csv",
        "b.csv",
        "c.CSV.gz",
        "d.warc.xz",
        "e.parquet.gz",
        "f.d/README",
        "g.gz",
        *(f"h.{i}" for i in range(7)),
    ]
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "page.txt").write_text("A page")
    told = not_read(list_inputs([Source(str(tmp_path))]))
    assert told.startswith("14 files have no known ending and are not read: .csv 2, .0 1, .1 1")
    assert ", .6 1, .csv.gz 1, .gz 1 and 3 more; a source that sets format" in told
    assert not_read(list_inputs([Source(str(tmp_path / "page.txt"))])) == ""


def test_a_page_that_is_too_long_is_rejected_not_cut(tmp_path, monkeypatch):
    monkeypatch.setattr(readers, "MAX_RECORD_BYTES", 1000)
    (tmp_path / "a.txt").write_text("x" * 1000)
    (tmp_path / "b.txt").write_text("x" * 1001)
    whole, broken = documents(tmp_path)
    assert len(whole.text) == 1000
    assert (broken.rejection.rule, broken.rejection.detail) == ("broken", "a file longer than 1,000 bytes")


def test_a_row_is_read_with_whatever_it_has(tmp_path):
    rows = [
        {"text": None, "html": "<p>One"},
        {"text": "", "html": "<p>Two"},
        {"text": "Three", "html": "<p>3"},
        {"text": None, "html": None},
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "rows.parquet")
    *good, broken = documents(tmp_path / "rows.parquet")
    assert [(d.text, d.html) for d in good] == [("", b"<p>One"), ("", b"<p>Two"), ("Three", b"")]
    assert isinstance(broken, Dropped)


def test_dates_are_read_in_every_form(tmp_path):
    forms = ["2020-01-01", 1577836800, 1577836800000, "20200101000000", "Wed, 01 Jan 2020 00:00:00 GMT", "2020/01/01"]
    (tmp_path / "a.jsonl").write_bytes(
        b"".join(orjson.dumps({"text": "x", "date": d}) + b"\n" for d in [*forms, "soon"])
    )
    assert [d.date for d in documents(tmp_path / "a.jsonl")] == ["2020-01-01T00:00:00Z"] * len(forms) + [""]


def test_json_lines_of_other_programs_cost_no_text(tmp_path):
    lines = [
        rb'{"text": "one", "loss": NaN, "top": [Infinity, -Infinity, {"x": NaN}], "date": NaN}',
        rb'{"text": "two NaN \"NaN\": Infinity, \ud83d\ude00", "loss": -1.5e999}',
        rb'{"text": "three \ud83d cut, \ude00 alone, \\ud83d written"}',
        b'{"text": "four \xed\xa0\xbd\xed\xb8\x80 as bytes, half \xed\xa0\xbd"}',
        b'{"text": "five", "n": ' + b"7" * 400 + b"}",
        b'{"text": "six", "loss": NaN, }',
        b'{"text": "\xff", "loss": NaN}',
    ]
    (tmp_path / "a.jsonl").write_bytes(b"\n".join(lines))
    (file,) = list_inputs([Source(str(tmp_path), columns=("loss",))])
    found = list(read_part(Part(file, 0, file.size)))
    assert [d.text for d in found if not isinstance(d, Dropped)] == [
        "one",
        'two NaN "NaN": Infinity, 😀',
        "three \ufffd cut, \ufffd alone, \\ud83d written",
        "four 😀 as bytes, half \ufffd",
        "five",
    ]
    assert [d.extra["loss"] for d in found if not isinstance(d, Dropped)] == [None] * 5
    assert all(d.rejection.detail.startswith("not JSON") for d in found[5:])


def test_a_path_is_found_however_it_is_written(tmp_path, monkeypatch):
    (tmp_path / "a [1].txt").write_text("A page")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    found = [
        list_inputs([Source(p)]) for p in (f"{tmp_path}/a [1].txt", "a [1].txt", "*", "~/*.txt", "./a*", str(tmp_path))
    ]
    assert all(f == found[0] for f in found)


def test_a_file_of_two_sources_is_refused(tmp_path):
    (tmp_path / "a.txt").write_text("A page")
    with pytest.raises(RecipeError, match="is in two sources, 'one' and 'two'"):
        list_inputs([Source(str(tmp_path), "one"), Source(f"{tmp_path}/a*", "two")])


def test_what_a_run_writes_is_no_input(tmp_path):
    for name in (
        "a.txt",
        "raw/b.txt",
        "documents/c.txt",
        "report.json",
        "report.json.host-1-2.incomplete",
        "_work/d.txt",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("A page")
    assert [f.name for f in list_inputs([Source(str(tmp_path))], str(tmp_path))] == ["a.txt", "raw/b.txt"]
    assert len(list_inputs([Source(str(tmp_path))], f"{tmp_path}/raw")) == 6
    with pytest.raises(
        RecipeError, match=f"documents/\\*' is in the output folder {tmp_path}; choose another --output"
    ):
        list_inputs([Source(f"{tmp_path}/documents/*")], str(tmp_path))


@pytest.mark.parametrize("pieces", [2, 7, 400])
@pytest.mark.parametrize("name", ["lines.jsonl", "rows.parquet", "crawl-00.warc.gz"])
def test_parts_give_together_what_the_whole_gives(name, pieces, tmp_path):
    path = tmp_path / name
    if name == "lines.jsonl":
        path.write_bytes(b"not json\n".join(LINES.splitlines(keepends=True)))
    elif name == "rows.parquet":
        pq.write_table(pa.Table.from_pylist(ROWS), path, row_group_size=60)
    else:
        path = CRAWL / name
    (file,) = list_inputs([Source(str(path))])
    assert file.splits
    cuts = [file.size * i // pieces for i in range(pieces + 1)]
    parts = [read_part(Part(file, a, b)) for a, b in itertools.pairwise(cuts)]
    whole = list(read_part(Part(file, 0, file.size)))
    assert [d for part in parts for d in part] == whole
    for dropped in whole if name == "lines.jsonl" else ():
        if isinstance(dropped, Dropped):
            assert path.read_bytes()[dropped.offset :].startswith(b"not json\n")


def test_slices_hold_everything_once_and_do_not_depend_on_the_order_of_the_patterns(tmp_path):
    for i in range(30):
        (tmp_path / f"{i:02d}.jsonl").write_bytes(LINES * (1 + 40 * (i % 3)))
    inputs = list_inputs([Source(f"{tmp_path}/1*"), Source(f"{tmp_path}/0*"), Source(f"{tmp_path}/2*")])
    slices = cut_slices(inputs)
    assert [s.index for s in slices] == list(range(len(slices)))
    covered = {}
    for part in (p for s in slices for p in s.parts):
        assert covered.get(part.file.path, 0) == part.start
        covered[part.file.path] = part.stop
    assert covered == {f.path: f.size for f in inputs}
    assert len(slices) > 20
    assert slices == cut_slices(list_inputs([Source(f"{tmp_path}/*")]))


def test_files_a_little_larger_than_a_slice_make_no_more_slices():
    sizes = [9_000_000 + 100_000 * (i % 7) for i in range(30)]
    by_line = [InputFile(f"/{i:02d}.jsonl", size, 0, "jsonl", "web") for i, size in enumerate(sizes)]
    whole = [InputFile(f"/{i:02d}.jsonl.gz", size, 0, "jsonl", "web") for i, size in enumerate(sizes)]
    for inputs in (by_line, whole):
        slices = cut_slices(inputs)
        assert 30 <= len(slices) <= SLICES
        assert max(s.size for s in slices) < 1.5 * sum(sizes) / SLICES
        assert sum(s.size for s in slices) == sum(sizes)


def test_damage_costs_the_record_and_is_told(tmp_path):
    (tmp_path / "a.jsonl").write_bytes(
        b'{"text": "good"}\n{"text": \n[1]\n{"no": "text"}\n\n{"text": "\xff"}\n{"text": "last"}'
    )
    found = documents(tmp_path / "a.jsonl")
    assert [d.text for d in found if not isinstance(d, Dropped)] == ["good", "last"]
    broken = [d for d in found if isinstance(d, Dropped)]
    assert [d.offset for d in broken] == [17, 27, 31, 47]
    assert {d.rejection.rule for d in broken} == {"broken"}


def test_a_byte_order_mark_is_no_part_of_a_line(tmp_path, expected):
    (tmp_path / "a.jsonl").write_bytes(codecs.BOM_UTF8 + LINES)
    assert plain(documents(tmp_path / "a.jsonl")) == expected


@pytest.mark.parametrize("depth", [3, 900, 1000, 1020, 100_000])
def test_a_value_that_is_nested_deep_costs_at_most_its_row(depth, tmp_path):
    deep = b"[" * depth + b"]" * depth, b'{"a":' * depth + b"1" + b"}" * depth
    names = b"url", b"date", b"timestamp", b"metadata", b"html", b"x"
    fields = [b'"%s": %s' % (name, v) for name in names for v in deep]
    fields += [b'"metadata": {"%s": %s}' % (name, v) for name in (b"url", b"date") for v in deep]
    rows = [b'{"text": "page %d", %s}' % (i, field) for i, field in enumerate(fields)]
    rows += [b'{"text": %s}' % v for v in deep]
    (tmp_path / "a.jsonl").write_bytes(b"\n".join([*rows, b'{"text": "last"}']))
    found = documents(tmp_path / "a.jsonl")
    read = [d for d in found if not isinstance(d, Dropped)]
    assert read[-1].text == "last"
    assert len(found) == len(rows) + 1
    assert depth > 1000 or len(read) == len(fields) + 1
    assert not any(d.url or d.date for d in read)


@pytest.mark.parametrize("option", [0, orjson.OPT_INDENT_2])
def test_an_array_is_told_with_the_fix(option, tmp_path, monkeypatch):
    (tmp_path / "a.json").write_bytes(orjson.dumps(ROWS, option=option))
    for most in (readers.MAX_RECORD_BYTES, 1000):
        monkeypatch.setattr(readers, "MAX_RECORD_BYTES", most)
        first, *_ = documents(tmp_path / "a.json")
        assert isinstance(first, Dropped)
        assert "an array, where one object a line is read: jq -c '.[]'" in first.rejection.detail


COMPRESS = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress, ".zst": zstandard.compress}


@pytest.mark.parametrize("ending", COMPRESS)
def test_a_page_may_be_compressed(ending, tmp_path):
    (tmp_path / f"a.html{ending}").write_bytes(COMPRESS[ending](b"<p>One page"))
    (tmp_path / f"b.txt{ending}").write_bytes(COMPRESS[ending](b"Another page"))
    page, text = documents(tmp_path)
    assert (page.html, text.text) == (b"<p>One page", "Another page")


@pytest.mark.parametrize("ending", COMPRESS)
def test_a_truncated_file_gives_what_is_whole(ending, tmp_path):
    compress, name = COMPRESS[ending], f"a.jsonl{ending}"
    texts = [hashlib.sha512(str(i).encode()).hexdigest() for i in range(20_000)]  # compresses badly: many blocks
    data = compress(b"".join(orjson.dumps({"text": text}) + b"\n" for text in texts))
    (tmp_path / name).write_bytes(data[: len(data) // 2])
    *good, last = documents(tmp_path / name)
    assert isinstance(last, Dropped)
    assert last.offset == sum(len(orjson.dumps({"text": d.text})) + 1 for d in good)
    assert "truncated" in last.rejection.detail
    assert 5_000 < len(good) < 12_000
    assert [d.text for d in good] == texts[: len(good)]


def test_a_truncated_arrow_stream_gives_what_is_whole(tmp_path):
    write_arrow(tmp_path / "a.arrow")
    data = (tmp_path / "a.arrow").read_bytes()
    (tmp_path / "a.arrow").write_bytes(data[: len(data) // 2])
    *good, last = documents(tmp_path / "a.arrow")
    assert [d.text for d in good] == [row["text"] for row in ROWS[:200]]
    assert last.rejection.rule == "broken"
    assert last.rejection.detail.startswith("damaged Arrow: Expected to be able to read")


@pytest.mark.parametrize("new", [pa.ipc.new_stream, pa.ipc.new_file])
def test_no_damage_of_an_arrow_file_ends_the_run(new, tmp_path):
    path = tmp_path / "a.arrow"
    write_arrow(path, new)
    data = path.read_bytes()
    chance = random.Random(0)
    for i in range(200):
        damaged = bytearray(data[: chance.choice((len(data), chance.randrange(len(data))))])
        for _ in range(i % 9):
            damaged[chance.choice((chance.randrange(len(damaged)), -1 - chance.randrange(900) % len(damaged)))] ^= 0xFF
        path.write_bytes(damaged)
        assert len(documents(path)) <= len(ROWS) + 1


def test_what_cannot_be_read_at_all_is_refused_with_the_fix(tmp_path):
    with pytest.raises(RecipeError, match="matches no file"):
        list_inputs([Source(f"{tmp_path}/nothing*")])
    (tmp_path / "a.docx").write_bytes(b"x")
    with pytest.raises(RecipeError, match="set the format of the source in the recipe"):
        list_inputs([Source(str(tmp_path / "a.docx"))])


def test_a_value_that_cannot_be_read_costs_that_value_or_that_row(tmp_path):
    """Text in Latin-1 where UTF-8 is promised, a time beyond the calendar, and text that is none."""
    texts = [f"Page {i}" for i in range(1000)]
    schema = pa.schema([("text", pa.string()), ("date", pa.timestamp("s"))])
    raw = [text.encode() for text in texts]
    raw[500] = "Größe und Länge der Brücke".encode("latin-1")
    text = pa.Array.from_buffers(pa.string(), 1000, pa.array(raw, pa.binary()).buffers())
    dates = pa.array([10**12 if i == 600 else 1_600_000_000 for i in range(1000)], pa.int64()).cast(pa.timestamp("s"))
    table = pa.Table.from_arrays([text, dates], schema=schema)
    pq.write_table(table, tmp_path / "rows.parquet")
    with pa.ipc.new_stream(str(tmp_path / "rows.arrow"), schema) as writer:
        writer.write_table(table)
    texts[500] = "Größe und Länge der Brücke"
    for name in ("rows.parquet", "rows.arrow"):
        found = documents(tmp_path / name)
        assert not [d for d in found if isinstance(d, Dropped)]
        assert [d.text for d in found] == texts
        assert [i for i, d in enumerate(found) if not d.date] == [600]


def test_a_time_zone_that_nobody_knows_costs_the_dates(tmp_path):
    dates = pa.array([1_600_000_000] * 3, pa.int64()).cast(pa.timestamp("s", "Mars/Base"))
    pq.write_table(pa.table({"text": ["a", "b", "c"], "date": dates}), tmp_path / "rows.parquet")
    assert [d.text for d in documents(tmp_path / "rows.parquet")] == ["a", "b", "c"]


def test_an_error_that_no_reader_foresaw_costs_the_rest_of_the_part(tmp_path, monkeypatch):
    (tmp_path / "a.jsonl").write_bytes(LINES)
    monkeypatch.setattr(records, "iso_date", lambda date: 1 / 0)
    (broken,) = documents(tmp_path / "a.jsonl")
    assert broken.rejection.detail == "cannot be read on: ZeroDivisionError: division by zero"


def test_the_timestamp_below_metadata_is_a_date(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"text": "a", "metadata": {"timestamp": "2020-01-01"}}\n')
    assert [d.date for d in documents(tmp_path / "a.jsonl")] == ["2020-01-01T00:00:00Z"]


def test_a_long_line_is_read_by_the_part_in_which_it_begins(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"text": "first"}\n' + orjson.dumps({"text": "x" * 5_000_000}) + b'\n{"text": "last"}\n')
    (file,) = list_inputs([Source(str(path))])
    cuts = [file.size * i // 9 for i in range(10)]
    found = [[len(d.text) for d in read_part(Part(file, a, b))] for a, b in itertools.pairwise(cuts)]
    assert found == [[5, 5_000_000], [], [], [], [], [], [], [], [4]]


def test_each_data_set_is_a_slice_and_has_one_name():
    slices = cut_slices(list_inputs([Source(f"org/data{i}", format="datasets") for i in range(3)]))
    assert [[p.file.path for p in s.parts] for s in slices] == [["org/data0"], ["org/data1"], ["org/data2"]]
    with pytest.raises(RecipeError, match="org/data is in two sources"):
        list_inputs([Source("org/data", "a", "datasets"), Source("org/data", "b", "datasets")])


def test_the_output_is_known_through_a_link(tmp_path):
    (tmp_path / "real" / "out" / "rejected").mkdir(parents=True)
    (tmp_path / "real" / "a.txt").write_text("A page")
    (tmp_path / "real" / "out" / "rejected" / "part.parquet").write_text("no page")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    output = str((tmp_path / "link" / "out").resolve())
    assert [f.name for f in list_inputs([Source(f"{tmp_path}/link")], output)] == ["a.txt"]


class Cut(io.BytesIO):
    """A remote file whose connection is lost half-way."""

    def read(self, size=-1):
        if self.tell() > len(self.getbuffer()) // 2:
            raise ConnectionResetError("the other side has gone")
        return super().read(min(size, 1000) if size > 0 else size)


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz", "a.parquet", "a.arrow", "a.warc.gz"])
def test_a_lost_connection_is_no_damage(tmp_path, monkeypatch, name):
    texts = [{"text": hashlib.sha512(str(i).encode()).hexdigest() * 9} for i in range(3000)]
    lines = b"".join(orjson.dumps(row) + b"\n" for row in texts)
    if name.endswith("parquet"):
        pq.write_table(pa.Table.from_pylist(texts), tmp_path / name, row_group_size=100, compression="none")
    elif name.endswith("arrow"):
        with pa.ipc.new_stream(str(tmp_path / name), pa.schema([("text", pa.string())])) as writer:
            writer.write_table(pa.Table.from_pylist(texts), 100)
    else:
        crawl = (CRAWL / "crawl-00.warc.gz").read_bytes()
        (tmp_path / name).write_bytes(crawl if "warc" in name else gzip.compress(lines) if "gz" in name else lines)
    data = (tmp_path / name).read_bytes()
    monkeypatch.setattr(readers.files, "open_read", lambda path: Cut(data))
    file = InputFile(f"gs://bucket/{name}", len(data), 0.0, name.split(".")[1], "s")
    with pytest.raises(OSError, match=f"gs://bucket/{name}: .*gone"):
        list(read_part(Part(file, 0, len(data))))


@pytest.mark.parametrize("name", ["a.jsonl", "a.txt", "a.parquet"])
def test_an_input_that_changes_stops_the_run(tmp_path, name):
    path = tmp_path / name
    if name.endswith("parquet"):
        pq.write_table(pa.Table.from_pylist(ROWS), path)
    else:
        path.write_bytes(LINES)
    (file,) = list_inputs([Source(str(path))])
    part = Part(file, 0, file.size)
    whole = len(list(read_part(part)))
    records = read_part(part)
    next(records)
    with path.open("ab") as f:
        f.write(b"more")
    with pytest.raises(
        InputChanged, match=f"{path} changed from {file.size:,} to {file.size + 4:,} bytes while .*again"
    ):
        assert len(list(records)) <= whole
    with pytest.raises(InputChanged, match="changed from"):
        next(read_part(part))
    path.unlink()
    with pytest.raises(InputChanged, match=f"{path} was removed while the run read its inputs; run again"):
        next(read_part(part))


def test_an_input_that_is_written_to_stops_the_run(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(LINES)
    (file,) = list_inputs([Source(str(path))])
    os.utime(path, (1, 1))
    with pytest.raises(InputChanged, match="changed while the run read its inputs; run again"):
        next(read_part(Part(file, 0, file.size)))


def test_a_row_over_a_limit_costs_that_row(tmp_path):
    most = readers.MAX_RECORD_BYTES
    long_url = "http://a.example/" + "c" * 70_000
    rows = [{"text": "a" * most, "url": ""}, {"text": "a" * (most + 1)}, {"text": "b", "url": long_url}]
    pq.write_table(pa.Table.from_pylist([*rows, {"text": "last"}]), tmp_path / "rows.parquet")
    first, *broken, last = documents(tmp_path / "rows.parquet")
    assert (len(first.text), last.text) == (most, "last")
    assert [d.rejection.detail for d in broken] == [
        f"a value of {most + 1:,} bytes; the limit is {most:,}",
        "a URL of 70,017 characters; the limit is 65,536",
    ]
    (tmp_path / "rows.jsonl").write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in [*rows[1:], {"text": "last"}]))
    *broken, last = documents(tmp_path / "rows.jsonl")
    assert last.text == "last"
    assert [d.rejection.detail for d in broken] == [
        f"a line longer than {most:,} bytes",
        "a URL of 70,017 characters; the limit is 65,536",
    ]


@pytest.mark.parametrize("compression", ["none", "snappy", "gzip", "zstd", "brotli", "lz4"])
@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_pages_of_every_kind_are_read(tmp_path, compression, version):
    table = pa.table({"text": [f"text {i} " * 20 for i in range(3000)], "n": range(3000)})
    for encoding in (None, "PLAIN", "DELTA_BYTE_ARRAY", "DELTA_LENGTH_BYTE_ARRAY"):
        pq.write_table(
            table,
            tmp_path / "a.parquet",
            compression=compression,
            data_page_version=version,
            use_dictionary=encoding is None,
            column_encoding=encoding and {"text": encoding},
            row_group_size=2000,
            data_page_size=10_000,
        )
        assert [d.text for d in documents(tmp_path / "a.parquet")] == table["text"].to_pylist()


def test_columns_of_every_kind_are_read(tmp_path):
    metadata = pa.StructArray.from_arrays(
        [pa.array(["u1", "u2", "u3"]), pa.array(["2020-01-01"] * 3)],
        ["url", "date"],
        mask=pa.array([False, True, False]),
    )
    texts = ["a", None, "c"]
    for column in (
        pa.array(texts).dictionary_encode(),
        pa.array(texts, pa.string_view()),
        pa.array(texts, pa.large_string()),
        pa.RunEndEncodedArray.from_arrays([1, 2, 3], texts),
    ):
        batch = pa.record_batch(
            [column, metadata, pa.array([["http://list.example/"]] * 3)], ["text", "metadata", "url"]
        )
        with pa.ipc.new_stream(str(tmp_path / "a.arrow"), batch.schema) as writer:
            writer.write_batch(batch)
        first, second, third = documents(tmp_path / "a.arrow")
        assert (first.text, first.url, first.date, third.url) == ("a", "u1", "2020-01-01T00:00:00Z", "u3")
        assert second.rejection.detail == "a row without text or html; it has text, url, metadata"


def test_an_arrow_file_without_its_footer_is_cut_off(tmp_path):
    write_arrow(tmp_path / "a.arrow", pa.ipc.new_file)
    data = (tmp_path / "a.arrow").read_bytes()
    (tmp_path / "a.arrow").write_bytes(data[:-100])
    *good, last = documents(tmp_path / "a.arrow")
    assert len(good) == len(ROWS)
    assert last.rejection.detail == "damaged Arrow: the file ends without its footer"


def test_a_row_of_many_columns_has_a_short_detail(tmp_path):
    (tmp_path / "a.jsonl").write_bytes(orjson.dumps({f"column {i}": 1 for i in range(100_000)}) + b"\n")
    (dropped,) = documents(tmp_path / "a.jsonl")
    assert 900 < len(dropped.rejection.detail) <= 1000
    assert dropped.rejection.detail.endswith(" column 81, ...")


@pytest.mark.parametrize("patterns", [["pages", "pages/sub/*.html"], ["pages/sub/*.html", "pages/*", "pages"]])
def test_patterns_of_one_source_may_overlap(tmp_path, monkeypatch, patterns):
    monkeypatch.chdir(tmp_path)
    for name in ("pages/a.html", "pages/sub/b.html", "pages/sub/c.html"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"<p>{name}")
    (tmp_path / "pages" / "rows.jsonl").write_bytes(LINES)
    assert list_inputs([*map(Source, patterns)]) == list_inputs([Source("pages")])
    with pytest.raises(RecipeError, match=r"b\.html is in two sources, 'input' and 'other'"):
        list_inputs([Source("pages"), Source("pages/sub/b.html", "other")])
