"""A page that ends the process that works on it costs that page, and not the run."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import orjson
import pyarrow.parquet as pq
import pytest

from pipelines.watched import Track, WorkerDied, run_watched
from tests.pipelines.conftest import ROOT, curate, outputs

#: Every Python process that starts with this on its path dies at some pages, each in another way.
DEADLY = """
import ctypes, os, signal
import curate.urls as urls
import curate.lines as lines

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


def test_pages_that_kill_are_rejected_and_the_run_goes_on(arguments, deadly, tmp_path):
    done = curate(*arguments, "--output", tmp_path / "pool", "--workers", "2", env=deadly)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "a worker process died" in done.stderr
    assert killed(tmp_path / "pool") == [
        ("url_filter", "http://bad.example/", "its worker died twice in the keys of line_dedup (SIGSEGV)"),
        ("url_filter", "http://bad.example/kill", "its worker died twice in url_filter (SIGKILL)"),
        ("url_filter", "http://bad.example/memory", "its worker died twice in url_filter (out of memory)"),
    ]
    report = orjson.loads((tmp_path / "pool" / "report.json").read_bytes())
    assert report["steps"][1]["rejected"] == {"killed_worker": 3}
    assert "3 documents killed their worker" in " ".join(report["warnings"])
    assert pq.read_table(tmp_path / "pool" / "documents").num_rows == 130
    assert not list((tmp_path / "pool" / "_work").rglob("progress-*"))

    # one process is the run itself: that dies once, and its next attempt comes to the same end
    first = curate(*arguments, "--output", tmp_path / "one", env=deadly)
    assert first.returncode == -signal.SIGKILL
    second = curate(*arguments, "--output", tmp_path / "one", env=deadly)
    assert second.returncode == 0, second.stdout + second.stderr
    assert outputs(tmp_path / "one") == outputs(tmp_path / "pool")


def dies_anywhere(track: Track) -> None:
    """Die at the record after the one at which the last process died."""
    number = Path(os.environ["DEATHS"])
    number.write_text(str(int(number.read_text()) + 1))
    for record in range(int(number.read_text()) + 1):
        track.record(record)
    os.kill(os.getpid(), signal.SIGKILL)


def test_deaths_at_ever_new_records_end_the_run(tmp_path, monkeypatch):
    (tmp_path / "deaths").write_text("0")
    monkeypatch.setenv("DEATHS", str(tmp_path / "deaths"))
    with pytest.raises(WorkerDied, match=r"10 workers died one after the other, the last at record 10 .* SIGKILL"):
        run_watched(dies_anywhere, {}, print)


def test_a_process_that_cannot_start_is_no_record_of_anybody(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(WorkerDied, match="the last at the start by exit code 1"):
        run_watched(dies_anywhere, {}, print)


def test_errors_come_back_from_the_child(monkeypatch):
    monkeypatch.delenv("DEATHS", raising=False)
    with pytest.raises(KeyError, match="DEATHS"):
        run_watched(dies_anywhere, {}, print)
