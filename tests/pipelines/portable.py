"""A job server of Beam's own and a worker pool, as processes: workers that are not the driver, without a cluster."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.pipelines.conftest import ROOT

START_SECONDS = 60


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        return free.getsockname()[1]


@contextmanager
def listening(
    command: Sequence[str], port: int, environment: Mapping[str, str], folder: Path | None = None
) -> Iterator[subprocess.Popen]:
    """Run a program that listens on a port, for the length of the block."""
    devnull = subprocess.DEVNULL
    server = subprocess.Popen(command, env=dict(environment), cwd=folder, stdin=devnull, stdout=devnull, stderr=devnull)
    try:
        deadline = time.monotonic() + START_SECONDS
        while True:
            with suppress(OSError), socket.create_connection(("localhost", port), timeout=1):
                break
            assert time.monotonic() < deadline
            assert server.poll() is None
            time.sleep(0.1)
        yield server
    finally:
        server.kill()
        server.wait()


def environment_of(code: Path = ROOT, before: str = "") -> dict[str, str]:
    """Return the environment of processes that import curate from a folder."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # a pool starts the python of its PATH
    return {**os.environ, "PATH": path, "PYTHONPATH": os.pathsep.join(filter(None, (before, str(code))))}


@contextmanager
def worker_pool(environment: Mapping[str, str], prefix: Sequence[str] = ()) -> Iterator[int]:
    """Run what starts a process for each worker, as on a cluster; yields its port.

    Args:
        environment: environment of the workers.
        prefix: a command that runs another, for example in a namespace.
    """
    port = free_port()
    python = [sys.executable, "-m", "apache_beam.runners.worker.worker_pool_main"]
    command = [*prefix, *python, f"--service_port={port}", "--container_executable="]
    with listening(command, port, environment, Path("/")):
        yield port


@dataclass(frozen=True)
class JobService:
    """A running job server of Beam's own."""

    port: int
    process: subprocess.Popen

    def options(self, pool: int) -> list[str]:
        """Return the Beam options that run a pipeline here, with the workers of a pool."""
        where = ["--runner=PortableRunner", f"--job_endpoint=localhost:{self.port}"]
        return [*where, "--environment_type=EXTERNAL", f"--environment_config=localhost:{pool}"]


@contextmanager
def job_service() -> Iterator[JobService]:
    """Run Beam's own job server for the length of the block."""
    port = free_port()
    command = [sys.executable, "-m", "apache_beam.runners.portability.local_job_service_main", f"--port={port}"]
    with listening(command, port, environment_of(), Path("/")) as process:
        yield JobService(port, process)


def other_version(folder: Path) -> Path:
    """Write another version of curate into a folder; returns the folder."""
    for package in ("curate", "pipelines", "quality_models"):
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    rules = folder / "curate" / "filters" / "rules.py"
    rules.write_text(rules.read_text() + "# another version\n")
    return folder
