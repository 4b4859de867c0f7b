"""A WARC file of any size with different pages: paragraphs of the sample crawl, a third of their words exchanged."""

from __future__ import annotations

import io
import re
from pathlib import Path
from random import Random

from warcio.archiveiterator import ArchiveIterator
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from tests.pipelines.conftest import CRAWL

DATE = "2025-07-01T00:00:00Z"


def write_pages(path: Path, size: int, seed: int = 1) -> int:
    """Write an uncompressed WARC file, which can be split; returns the number of pages.

    Args:
        path: the file.
        size: how large it becomes, in bytes.
        seed: of the choices.
    """
    random, paragraphs = Random(seed), _paragraphs()
    words = sorted({word for text in paragraphs for word in re.findall(r"[a-z]{4,}", text)})
    pages = 0
    with path.open("wb") as f:
        writer = WARCWriter(f, gzip=False)
        while f.tell() < size:
            chosen = random.sample(paragraphs, 12)
            body = "".join(f"<p>{_reworded(text, words, random)}</p>\n" for text in chosen)
            title = " ".join(random.sample(words, 5)).capitalize()
            html = f"<html><head><title>{title}</title></head><body><h1>{title}</h1>\n{body}</body></html>".encode()
            headers = StatusAndHeaders("200 OK", [("Content-Type", "text/html; charset=utf-8")], protocol="HTTP/1.1")
            url, about = f"http://site{pages % 997}.example/{pages}", {"WARC-Date": DATE}
            record = writer.create_warc_record(
                url, "response", io.BytesIO(html), len(html), warc_headers_dict=about, http_headers=headers
            )
            writer.write_record(record)
            pages += 1
    return pages


def _paragraphs() -> list[str]:
    """Return the English paragraphs of more than 200 characters that the sample crawl has as text."""
    found = set()
    with (CRAWL / "crawl-02.warc.wet.gz").open("rb") as f:
        for record in ArchiveIterator(f):
            lines = record.raw_stream.read().decode("utf-8", "replace").splitlines()
            found |= {line for line in lines if len(line) > 200 and " the " in line and line.isascii()}
    return sorted(found)


def _reworded(text: str, words: list[str], random: Random) -> str:
    return re.sub(r"\b[a-z]{4,}\b", lambda m: random.choice(words) if random.random() < 0.3 else m[0], text)
