"""Beam's job server with a Flink embedded in it, for tests: fetched once by Maven, started and ended here.

Run as a program it starts one, prints the Beam options that use it, and ends with Ctrl+C.
"""

from __future__ import annotations

import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.runners.fetch import RunnerError as FlinkError, maven_jars

START_SECONDS = 60
STOP_SECONDS = 10
STARTED = re.compile(r"JobService started on \S+:(\d+)")
# Flink's and Beam's serialisers look into these from Java 16 on
OPENS = ("lang", "util", "util.concurrent", "net", "nio", "time")
JVM = [
    *(f"--add-opens=java.base/java.{name}=ALL-UNNAMED" for name in OPENS),
    "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED",
    "-Xmx1g",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.log.org.apache.beam.runners.jobsubmission=info",
]


@dataclass(frozen=True)
class JobServer:
    """A running job server: the Beam options that send a pipeline to it, and where it writes its log."""

    options: tuple[str, ...]
    log: Path

    def jobs(self) -> int:
        """Return how many jobs it was given so far."""
        return self.log.read_text(errors="replace").count("Starting job invocation")

    def last_words(self) -> str:
        """Return the end of the log: why a job failed."""
        return self.log.read_text(errors="replace")[-6000:]


@contextmanager
def job_server() -> Iterator[JobServer]:
    """Run a job server for the length of the block; Python runs in threads of the process that submits."""
    with java_server("flink", "org.apache.beam.runners.flink.FlinkJobServerDriver", "--flink-master=[local]") as server:
        yield JobServer((*server.options, "--parallelism=2"), server.log)


@contextmanager
def java_server(name: str, main: str, *options: str, jvm: Sequence[str] = ()) -> Iterator[JobServer]:
    """Run a job server of Beam with an engine embedded in it.

    Args:
        name: the folder of its pom.xml.
        main: its class.
        options: its options beside ports and folders.
        jvm: options of Java.
    """
    jars = maven_jars(name)
    with tempfile.TemporaryDirectory(prefix=f"{name}-") as folder:
        log = Path(folder, "log")
        command = [
            *("java", *JVM, *jvm, f"-Djava.io.tmpdir={folder}", "-cp", f"{jars}/*", main, *options),
            *("--job-port=0", "--artifact-port=0", "--expansion-port=0"),  # 0: any free port
            f"--artifacts-dir={folder}/artifacts",
        ]
        with log.open("wb") as out:
            server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        try:
            endpoint = f"--job_endpoint=localhost:{wait_for_port(server, log)}"
            yield JobServer(("--runner=PortableRunner", endpoint, "--environment_type=LOOPBACK"), log)
        finally:
            server.terminate()
            try:
                server.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def wait_for_port(server: subprocess.Popen[bytes], log: Path) -> int:
    """Return the port of a job server, once its log says that it has started."""
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and server.poll() is None:
        if found := STARTED.search(log.read_text(errors="replace")):
            return int(found[1])
        time.sleep(0.1)
    words = log.read_text(errors="replace")[-4000:]
    raise FlinkError(f"the job server did not start within {START_SECONDS} s (exit status {server.poll()}):\n{words}")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with job_server() as running, suppress(KeyboardInterrupt):
        print(*running.options, flush=True)
        signal.pause()
