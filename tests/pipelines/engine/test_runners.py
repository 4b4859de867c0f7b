"""Worker processes of this machine: one that is killed at any moment is an error of one sentence."""

from __future__ import annotations

import os
import signal
import time
from functools import partial
from multiprocessing.context import SpawnProcess

import pytest

from pipelines.engine.runners import PoolBroken, Runner


def test_a_worker_killed_between_two_starts(monkeypatch, capfd):
    start, started = SpawnProcess.start, []

    def kill_the_last_then_start(process):
        if len(started) == 1:
            os.kill(started[0].pid, signal.SIGKILL)
            time.sleep(0.2)
        start(process)
        started.append(process)

    monkeypatch.setattr(SpawnProcess, "start", kill_the_last_then_start)
    with Runner(workers=3) as runner, pytest.raises(PoolBroken, match="killed"):
        runner.run(range(6), partial(abs))
    assert "Traceback" not in capfd.readouterr().err
