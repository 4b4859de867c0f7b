"""A page that ends the process that works on it costs that page, and not the run."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import orjson
import pyarrow.parquet as pq
import pytest

from pipelines.engine.watched import Track, WorkerDied, run_watched
from tests.pipelines.conftest import curate, outputs
from tests.pipelines.deadly import KILLED, arguments, deadly, killed

__all__ = ["arguments", "deadly"]  # fixtures


def test_pages_that_kill_are_rejected_and_the_run_goes_on(arguments, deadly, tmp_path):
    done = curate(*arguments, "--output", tmp_path / "pool", "--workers", "2", env=deadly)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "a worker process died" in done.stderr
    assert killed(tmp_path / "pool") == KILLED
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
    with pytest.raises(WorkerDied, match=r"10 workers died one after another, the last at record 10 .* SIGKILL"):
        run_watched(dies_anywhere, {}, print)


def test_a_process_that_cannot_start_is_no_record_of_anybody(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(WorkerDied, match="the last at its start or end by exit code 1"):
        run_watched(dies_anywhere, {}, print)


def test_errors_come_back_from_the_child(monkeypatch):
    monkeypatch.delenv("DEATHS", raising=False)
    with pytest.raises(KeyError, match="DEATHS"):
        run_watched(dies_anywhere, {}, print)
