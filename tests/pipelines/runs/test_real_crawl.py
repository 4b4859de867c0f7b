"""The shipped recipe over a real crawl does no harm: code stays whole, and no content goes with its last copy."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from fastwarc.warc import ArchiveIterator

from curate import extract_text, scrub_pii
from curate.dedup.lines import looks_like_code, normalize_line
from tests.pipelines.conftest import run

PAIRS = ("{}", "[]", "()")
LONG = 150  # characters of a paragraph


@pytest.fixture(scope="module")
def crawl(shared_data) -> Path:
    return shared_data / "crawl" / "pages.warc.gz"


@pytest.fixture(scope="module")
def output(crawl, tmp_path_factory) -> Path:
    return run(tmp_path_factory.mktemp("crawl") / "out", "--workers", "2", inputs=str(crawl))


@pytest.fixture(scope="module")
def kept(output) -> dict[str, str]:
    """The texts in documents/ by URL."""
    rows = (row for path in output.glob("documents/*.parquet") for row in pq.read_table(path).to_pylist())
    return {row["url"]: row["text"] for row in rows}


@pytest.fixture(scope="module")
def extracted(crawl, kept) -> dict[str, str]:
    """The main texts of the same pages, before any other step."""
    texts = {}
    with crawl.open("rb") as f:
        for record in ArchiveIterator(f):
            url, html = record.headers.get("WARC-Target-URI"), record.reader.read()
            if url in kept:
                texts[url] = extract_text(html, url).text
    return texts


def test_code_that_is_balanced_stays_balanced(kept, extracted):
    whole, broken = 0, []
    for url, text in extracted.items():
        if sum(map(looks_like_code, text.split("\n"))) < 5:
            continue
        pairs = [(a, b) for a, b in PAIRS if text.count(a) == text.count(b) > 1]
        whole += bool(pairs)
        if any(kept[url].count(a) != kept[url].count(b) for a, b in pairs):
            broken.append(url)
    assert whole > 200
    assert len(broken) <= 0.01 * whole, broken


def test_no_paragraph_of_a_page_that_passes_is_missing_from_the_corpus(kept, extracted):
    held = {normalize_line(line) for text in kept.values() for line in text.split("\n") if len(line) >= LONG / 2}
    paragraphs = [line for text in extracted.values() for line in scrub_pii(text).text.split("\n") if len(line) >= LONG]
    missing = {line for line in paragraphs if normalize_line(line) not in held}
    assert len(paragraphs) > 10_000
    # A line of one word a hundred times goes to repetition_clean; the page that holds a paragraph may fall at the cut.
    assert len(missing) <= 0.001 * len(paragraphs), sorted(missing)[:10]
