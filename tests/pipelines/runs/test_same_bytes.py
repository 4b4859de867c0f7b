"""The same corpus, byte for byte, however the work is done."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import orjson
import pytest

from pipelines.io.readers import Dropped, NotAPage, read_part
from pipelines.io.sources import Part, list_inputs
from pipelines.recipe.model import Source
from tests.pipelines.conftest import CRAWL, PATIENCE, ROOT, outputs, run


@pytest.fixture(scope="module")
def rows() -> list[bytes]:
    """Every page of the sample crawl as a line of JSON."""
    found = []
    for file in list_inputs([Source(f"{CRAWL}/*")]):
        for page in read_part(Part(file, 0, file.size)):
            if not isinstance(page, Dropped | NotAPage):
                # latin-1 would change pages that declare no charset: bytes go in as the text they decode to
                body = {"html": page.html.decode("utf-8", "replace")} if page.html else {"text": page.text}
                found.append(orjson.dumps({"url": page.url, "date": page.date, **body}))
    assert len(found) > 300
    return found


def write(folder: Path, rows: list[bytes], files: int) -> str:
    folder.mkdir()
    for i in range(files):
        (folder / f"part-{i:02d}.jsonl").write_bytes(b"\n".join(rows[i::files]) + b"\n")
    return f"{folder}/*.jsonl"


@pytest.fixture(scope="module")
def one_file(rows, tmp_path_factory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("one")
    return outputs(run(folder / "out", inputs=write(folder / "in", rows, 1)))


def test_beams_runner_in_memory(corpus, tmp_path):
    assert outputs(run(tmp_path / "out", "--", "--runner=FnApiRunner")) == outputs(corpus)


def test_two_processes(corpus, tmp_path):
    assert outputs(run(tmp_path / "out", "--workers", "2")) == outputs(corpus)


def test_twenty_files_instead_of_one(one_file, rows, tmp_path):
    assert outputs(run(tmp_path / "out", inputs=write(tmp_path / "in", rows, 20))) == one_file


def test_input_in_reverse_order(one_file, rows, tmp_path):
    assert outputs(run(tmp_path / "out", inputs=write(tmp_path / "in", rows[::-1], 3))) == one_file


def command(output: Path) -> list[str]:
    return [sys.executable, "-m", "pipelines.cli", "run", "llama3", "--input", f"{CRAWL}/*", "--output", str(output)]


def start(output: Path, **more) -> subprocess.Popen:
    """Start a run with two workers."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen([*command(output), "--workers", "2"], cwd=ROOT, **quiet, **more)


def test_killed_half_way_and_started_again(corpus, tmp_path):
    output = tmp_path / "out"
    process = start(output, start_new_session=True)
    try:
        deadline = time.monotonic() + PATIENCE
        while not (done := list(output.glob("_work/01-*/slice-*.json"))):
            assert process.poll() is None, "the run ended before it could be killed"
            assert time.monotonic() < deadline
            time.sleep(0.02)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert not (output / "manifest.json").exists()
    finished = {path: path.stat().st_mtime_ns for path in [*output.glob("_work/00-*/slice-*.json"), *done]}
    assert outputs(run(output)) == outputs(corpus)
    assert finished == {path: path.stat().st_mtime_ns for path in finished}, "finished slices were done again"


def alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks processes up in /proc")
def test_a_run_keeps_others_out_and_its_workers_end_with_it(tmp_path):
    output = tmp_path / "out"
    process = start(output)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    deadline = time.monotonic() + PATIENCE
    while not list(output.glob("_work/00-*/slice-*.json")):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    other = subprocess.run(command(output), cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert other.returncode == 1
    assert "another run is writing into this output folder" in other.stderr
    workers = [int(pid) for pid in children.read_text().split()]
    assert len(workers) >= 2
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    deadline = time.monotonic() + 30
    while left := [pid for pid in workers if alive(pid)]:
        assert time.monotonic() < deadline, f"still there: {left}"
        time.sleep(0.1)


def test_a_result_of_which_files_are_lost_is_made_again(corpus, tmp_path):
    output = tmp_path / "out"
    shutil.copytree(corpus, output)
    shutil.rmtree(output / "documents")
    next((output / "tokens").glob("*")).write_bytes(b"")
    assert outputs(run(output)) == outputs(corpus)


def test_a_second_run_does_nothing(corpus):
    before = {p: p.stat().st_mtime_ns for p in corpus.rglob("*") if p.is_file()}
    run(corpus)
    assert before == {p: p.stat().st_mtime_ns for p in corpus.rglob("*") if p.is_file()}


def test_a_changed_setting_redoes_only_what_depends_on_it(corpus, tmp_path):
    output = tmp_path / "out"
    run(output)

    def slices():
        return {path: path.stat().st_mtime_ns for path in output.glob("_work/*/slice-*.json")}

    def decisions(step):
        return len(list(output.glob(f"_work/*/decide-{step}-*")))

    first = slices()
    run(output, "--set", "steps.kl_divergence.keep=0.5", "--set", "steps.kl_divergence.min_divergence=0")
    assert slices() == first, "a pass was done again"
    assert (decisions("line_dedup"), decisions("kl_divergence"), decisions("mixture")) == (1, 2, 2)
    assert outputs(output) != outputs(corpus)
    assert outputs(run(output)) == outputs(corpus), "back to the first setting, back to the first bytes"
    assert slices() == first
