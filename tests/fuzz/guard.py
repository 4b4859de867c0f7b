"""A child process with limits on processor time, address space and patience."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
ADDRESS_SPACE = 8_000_000_000  # of a process: libraries reserve 3 GB that they never touch
PATIENCE = 8  # times its processor time that a process may take, and a minute: the machine has other work


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process ended: ``code`` is negative for a signal; ``cpu`` in seconds, of its workers too, ``memory`` in
    bytes, of the largest process, ``output`` all that it printed."""

    code: int
    output: str
    cpu: float
    memory: int


def run(command: Sequence[str], cpu: float) -> Ended:
    """Run a command in the root of the repository.

    Args:
        command: program and arguments.
        cpu: seconds of processor time that one process may take; it is then killed by SIGXCPU.
    """

    def limit() -> None:
        seconds = int(cpu) + 1
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))
        resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONFAULTHANDLER": "1", "COLUMNS": "200"}
    with tempfile.TemporaryFile() as output:
        child = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
            preexec_fn=limit, start_new_session=True,
        )  # fmt: skip
        status, usage = _wait(child.pid, time.monotonic() + 60 + PATIENCE * cpu)
        child.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        printed = output.read().decode("utf-8", "replace")
    return Ended(child.returncode, printed, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


def _wait(pid: int, until: float) -> tuple[int, resource.struct_rusage]:
    try:
        while True:
            found, status, usage = os.wait4(pid, os.WNOHANG)
            if found:
                return status, usage
            if time.monotonic() > until:
                os.killpg(pid, signal.SIGKILL)
                return os.wait4(pid, 0)[1:]
            time.sleep(0.02)
    except BaseException:
        os.killpg(pid, signal.SIGKILL)
        os.wait4(pid, 0)
        raise
