"""Estimates of `curate plan`: a sample from all over the input, whatever its order, sizes and formats."""

from __future__ import annotations

import gzip
import json
import random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.engine import estimate as module
from pipelines.engine.estimate import estimate
from pipelines.engine.layout import RunLayout
from pipelines.recipe.recipe import parse_recipe


def texts(seed=0):
    """4,000 long texts followed by 36,000 short ones, 24 MB in all."""
    random.seed(seed)
    yield from (f"{i} {random.randbytes(1000).hex()} {random.randbytes(500).hex()}" for i in range(4000))
    yield from (f"{i} {random.randbytes(150).hex()}" for i in range(36_000))


STEPS = "steps:\n  - heuristics: {presets: [], rules: [{name: short, signal: characters, min: 1}]}\n"


def planned(folder):
    recipe = parse_recipe(STEPS, "r.yaml", [str(folder)])
    return estimate(RunLayout.of(recipe, str(folder.parent / "out")).plan)


def lines(rows):
    return b"".join(json.dumps({"text": text}).encode() + b"\n" for text in rows)


def record(text):
    body = f"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n{text}".encode()
    head = f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: http://a.org/{text[:5].strip()}\r\n"
    return gzip.compress(head.encode() + b"Content-Length: %d\r\n\r\n%s\r\n\r\n" % (len(body), body), 1)


def write_jsonl(folder):
    (folder / "pages.jsonl").write_bytes(lines(texts()))


def write_warc(folder):
    (folder / "pages.warc.gz").write_bytes(b"".join(map(record, texts())))


def write_parquet(folder):
    pq.write_table(pa.table({"text": list(texts())}), folder / "pages.parquet", row_group_size=1000)


def write_many_compressed(folder):
    rows = list(texts())
    for i in range(100):
        (folder / f"{i:03d}.jsonl.gz").write_bytes(gzip.compress(lines(rows[i * 400 : i * 400 + 400]), 1))


@pytest.mark.parametrize("write", [write_jsonl, write_warc, write_parquet, write_many_compressed])
def test_documents_are_estimated_from_all_over_the_input(write, tmp_path):
    """The first third of the bytes has a tenth of the documents, the last third half of them."""
    (tmp_path / "in").mkdir()
    write(tmp_path / "in")
    found = planned(tmp_path / "in")
    assert found.share < 0.75
    assert found.steps[0].read == pytest.approx(40_000, rel=0.15)
    assert [step.name for step in found.steps] == ["read", "heuristics"]
    assert found.steps[1].read == found.steps[0].kept


def test_files_are_drawn_by_where_they_begin_and_not_by_their_size(tmp_path):
    random.seed(1)
    (tmp_path / "in").mkdir()
    for i in range(2000):
        size = 20_000 if i % 10 == 0 else 1_000
        (tmp_path / "in" / f"{i:04d}.html").write_text(f"<p>{random.randbytes(size // 2).hex()}</p>")
    found = planned(tmp_path / "in")
    assert found.steps[0].read == pytest.approx(2000, rel=0.25)
    assert found.share < 0.8


def test_a_small_input_is_read_as_a_whole(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "pages.jsonl").write_bytes(lines([f"Page {i}." for i in range(300)]))
    found = planned(tmp_path / "in")
    assert (found.share, found.steps[0].read, found.steps[1].kept) == (1.0, 300, 300)


def test_the_same_input_gives_the_same_sample(tmp_path):
    (tmp_path / "in").mkdir()
    write_jsonl(tmp_path / "in")
    first, again = (planned(tmp_path / "in") for _ in range(2))
    assert [(s.read, s.kept) for s in first.steps] == [(s.read, s.kept) for s in again.steps]


def test_every_byte_of_the_input_is_stood_for(tmp_path):
    (tmp_path / "in").mkdir()
    for write in (write_jsonl, write_warc, write_parquet):
        write(tmp_path / "in")
    recipe = parse_recipe("steps:\n  - pii\n", "r.yaml", [str(tmp_path / "in")])
    slices = RunLayout.of(recipe, str(tmp_path / "out")).plan.slices
    parts = [part for slice_ in slices for part in slice_.parts]
    total = sum(part.stop - part.start for part in parts)
    pieces = module._pieces(parts, total)
    assert sum(piece.stands_for for piece in pieces) == pytest.approx(total, rel=0.02)
    assert len(pieces) < 2 * module.SAMPLES + 10


def test_pages_that_unpack_to_much_end_the_sample_early(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MOST_CONTENT", 3_000_000)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "pages.warc.gz").write_bytes(b"".join(record("a " * 400_000) for _ in range(300)))
    assert planned(tmp_path / "in").steps[0].read == pytest.approx(300, rel=0.5)


def test_an_archive_that_is_compressed_as_one_stream_is_read_from_its_start(tmp_path):
    """Only its first range has records, and that has all of them."""
    random.seed(2)
    records = [
        gzip.decompress(record(f"{i} {random.randbytes(random.randrange(50, 2000)).hex()}")) for i in range(9000)
    ]
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "pages.warc.gz").write_bytes(gzip.compress(b"".join(records), 1))
    found = planned(tmp_path / "in")
    assert found.share < 0.5
    assert found.steps[0].read == pytest.approx(9000, rel=0.1)
