"""Pages that kill the process that works on them, for tests on every runner."""

from __future__ import annotations

import os
from pathlib import Path

import orjson
import pyarrow.parquet as pq
import pytest

from tests.pipelines.conftest import ROOT

#: Every Python process that starts with this on its path dies at some pages, each in another way.
DEADLY = """
import ctypes, os, signal
import curate.filters.urls as urls
import curate.dedup.lines as lines

filter_url, hash_lines = urls.blocked_url, lines.line_hashes

def blocked_url(url, *more):
    if "/kill" in url:
        os.kill(os.getpid(), signal.SIGKILL)
    if "/memory" in url:
        raise MemoryError
    return filter_url(url, *more)

def line_hashes(text, *more):
    if "deadly line" in text:
        ctypes.string_at(8)
    return hash_lines(text, *more)

urls.blocked_url, lines.line_hashes = blocked_url, line_hashes
"""
#: The pages that are rejected because of that: step, URL and detail.
KILLED = [
    ("url_filter", "http://bad.example/", "its worker died twice in the keys of line_dedup (SIGSEGV)"),
    ("url_filter", "http://bad.example/kill", "its worker died twice in url_filter (SIGKILL)"),
    ("url_filter", "http://bad.example/memory", "its worker died twice in url_filter (out of memory)"),
]
RECIPE = "name: deadly\nsteps: [url_filter, exact_dedup, line_dedup, pii]\n"


@pytest.fixture
def deadly(tmp_path: Path) -> dict[str, str]:
    """The environment of processes that die."""
    folder = tmp_path / "deadly"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(DEADLY)
    return {**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}"}


@pytest.fixture
def arguments(tmp_path: Path) -> list[str]:
    """A run over two slices: thirty pages and three that kill in the one, a hundred pages in the other."""
    (tmp_path / "r.yaml").write_text(RECIPE)
    texts = [f"A page about {word(i)}.\nAll of {word(i)} is here." for i in range(30)]
    pages = [(f"http://good.example/{i}", text) for i, text in enumerate(texts)]
    pages[7:7] = [("http://bad.example/kill", "a page")]
    pages[17:17] = [("http://bad.example/memory", "a page as well"), ("http://bad.example/", "a deadly line\nand more")]
    rows = [orjson.dumps({"url": url, "text": text, "date": "2026-01-01"}) for url, text in pages]
    (tmp_path / "a.jsonl").write_bytes(b"\n".join(rows))
    more = [{"url": f"http://more.example/{i}", "text": f"More of {word(i)}. " * 600} for i in range(100)]
    (tmp_path / "b.jsonl").write_bytes(b"\n".join(map(orjson.dumps, more)))
    return ["run", str(tmp_path / "r.yaml"), "--input", str(tmp_path / "*.jsonl")]


def word(number: int) -> str:
    return "".join(chr(ord("a") + int(digit)) for digit in f"{number:04}")


def killed(output: Path) -> list[tuple[str, str, str]]:
    rows = pq.read_table(output / "rejected").to_pylist()
    return sorted((r["step"], r["url"], r["detail"]) for r in rows if r["rule"] == "killed_worker")
