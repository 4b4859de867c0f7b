"""The sample crawl: what the generator writes is what is committed, and it holds what its README promises."""

import json
import os
import subprocess
import sys
import zlib
from collections import Counter
from pathlib import Path

import pytest

SAMPLE = Path(__file__).parents[2] / "sample_data"
SCRIPTS = {"Latin": "en de fr es", "Cyrillic": "ru", "Arabic": "ar", "Devanagari": "hi", "Han": "zh", "Kana": "ja"}


@pytest.fixture(scope="module")
def labels() -> list[dict]:
    return [json.loads(line) for line in (SAMPLE / "labels.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def pages(labels) -> list[dict]:
    """All records that a reader takes for a page, readable or not."""
    return [line for line in labels if line["fate"] != "skipped"]


def unpacked(data: bytes) -> bytes:
    """All gzip members of a file, the last one as far as it goes."""
    found = b""
    while data:
        member = zlib.decompressobj(31)
        found += member.decompress(data)
        data = member.unused_data
    return found


def test_generator_writes_the_committed_bytes(tmp_path):
    environment = {**os.environ, "PYTHONHASHSEED": "7", "LC_ALL": "C"}
    command = [sys.executable, str(SAMPLE / "make.py"), str(tmp_path)]
    subprocess.run(command, check=True, env=environment, cwd=tmp_path, stdout=subprocess.DEVNULL)
    made = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file())
    assert made == sorted([Path("labels.jsonl"), *(p.relative_to(SAMPLE) for p in (SAMPLE / "crawl").iterdir())])
    for name in made:
        new, committed = (tmp_path / name).read_bytes(), (SAMPLE / name).read_bytes()
        if name.suffix == ".gz":
            assert unpacked(new) == unpacked(committed), name
            if "ng" in zlib.ZLIB_RUNTIME_VERSION:  # zlib-ng packs the same content in other bytes
                continue
        assert new == committed, name


def test_the_folder_stays_small():
    assert sum(path.stat().st_size for path in SAMPLE.rglob("*") if path.is_file()) < 2_000_000


def test_counts(pages):
    assert len(pages) > 600
    good = Counter(line["language"] for line in pages if line["category"] in ("article", "pii", "code", "maths"))
    assert all(good[language] >= 20 for languages in SCRIPTS.values() for language in languages.split())
    assert good.keys() == {language for languages in SCRIPTS.values() for language in languages.split()}
    assert {line["file"].partition(".")[2] for line in pages} == {"warc.gz", "warc.wet.gz", "jsonl.gz", "jsonl.zst"}


@pytest.mark.parametrize(
    ("category", "at_least"),
    [
        ("article", 200), ("pii", 40), ("code", 10), ("maths", 10), ("template", 10), ("recrawl", 40),
        ("exact_duplicate", 30), ("near_duplicate", 50), ("repeated_lines", 18), ("short", 15), ("error_page", 8),
        ("empty", 5), ("links", 4), ("prices", 3), ("log", 4), ("table", 3), ("minified", 3), ("word_salad", 5),
        ("gibberish", 4), ("lorem_ipsum", 3), ("repetition", 4), ("keywords", 3), ("mojibake", 4), ("spam", 40),
        ("blocked_url", 7), ("status", 5), ("content_type", 6), ("broken", 7),
    ],
)  # fmt: skip
def test_every_kind_of_page_is_there(pages, category, at_least):
    assert sum(line["category"] == category for line in pages) >= at_least


def test_every_label_says_what_and_why(labels):
    for line in labels:
        assert line["why"].endswith("."), line
        assert line["fate"] in ("kept", "rejected", "skipped"), line
        assert (line["fate"] == "kept") != bool(line.get("step") and line.get("rule")), line
        assert line["fate"] == "kept" or not line.get("may_be_cut"), line


def test_kept_pages_have_enough_text_to_be_told_apart(pages):
    marks = Counter(text for line in pages if line["fate"] == "kept" for text in line.get("contains", ())[:1])
    assert marks.most_common(1)[0][1] == 1


def test_pages_are_told_apart_by_url_and_date(pages):
    keys = Counter((line["url"], line["date"]) for line in pages if line["url"])
    assert keys.most_common(1)[0][1] == 1
