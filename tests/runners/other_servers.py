"""Runners in one process on this machine, beside Flink: Prism, and Spark embedded in Beam's job server."""

from __future__ import annotations

import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

from tests.runners.fetch import RunnerError, prism
from tests.runners.flink_server import START_SECONDS, JobServer, java_server

# what Spark looks into from Java 16 on, beside what Flink does
OPENS = ("java.base/java.lang.invoke", "java.base/java.io", "java.base/java.util.concurrent.atomic")
OPENS += ("java.base/sun.nio.cs", "java.base/sun.security.action", "java.base/sun.util.calendar")


def spark_server() -> AbstractContextManager[JobServer]:
    """Run an embedded Spark with four threads; Python runs in threads of the process that submits."""
    local = (
        "-Xmx2g",
        "-Dspark.ui.enabled=false",
        "-Dspark.driver.bindAddress=127.0.0.1",
        "-Dspark.driver.host=127.0.0.1",
    )
    opens = tuple(f"--add-opens={name}=ALL-UNNAMED" for name in OPENS)
    main = "org.apache.beam.runners.spark.SparkJobServerDriver"
    return java_server("spark", main, "--spark-master-url=local[4]", jvm=(*opens, *local))


@contextmanager
def prism_server() -> Iterator[JobServer]:
    """Run Prism; Python runs in threads of the process that submits."""
    program = prism()
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="prism-") as folder:
        log = Path(folder, "log")
        with log.open("wb") as out:
            command = [str(program), f"--job_port={port}", "--serve_http=false"]
            server = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        try:
            _wait_for(port, server, log)
            options = ("--runner=PortableRunner", f"--job_endpoint=localhost:{port}", "--environment_type=LOOPBACK")
            yield JobServer(options, log)
        finally:
            server.kill()
            server.wait()


def _wait_for(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and server.poll() is None:
        with suppress(OSError), socket.create_connection(("localhost", port), timeout=1):
            return
        time.sleep(0.1)
    raise RunnerError(f"Prism did not start (exit status {server.poll()}):\n{log.read_text(errors='replace')[-4000:]}")
