"""Beam's job server with a Flink embedded in it, for tests: fetched once by Maven, started and ended here.

Run as a program it starts one, prints the Beam options that use it, and ends with Ctrl+C.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

POM = Path(__file__).parent / "flink" / "pom.xml"
FETCH_SECONDS = 600  # 152 MB of jars
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


class FlinkError(RuntimeError):
    """Why there is no Flink, and what to do."""


def cached_jars() -> Path:
    """Return the folder of the job server's jars, fetched by Maven on first use."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "curate" / "flink"
    jars = cache / sha256(POM.read_bytes()).hexdigest()[:16]
    missing = [name for name in ("java", *(() if jars.exists() else ("mvn",))) if not shutil.which(name)]
    if missing:
        raise FlinkError(
            f"the Flink test needs Java (11 or 17) and Maven, and {' and '.join(missing)} is not on PATH: "
            "install them (Debian: apt install default-jdk-headless maven) and run it again"
        )
    if jars.exists():
        return jars
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as temporary:
        copy = [f"-DoutputDirectory={temporary}/jars", "-DincludeScope=runtime"]
        command = ["mvn", "-q", "-B", "-f", str(POM), "dependency:copy-dependencies", *copy]
        done = subprocess.run(command, capture_output=True, text=True, timeout=FETCH_SECONDS)
        if done.returncode:
            raise FlinkError(f"Maven could not fetch the job server's jars:\n{(done.stdout + done.stderr)[-4000:]}")
        Path(temporary, "jars").rename(jars)
    return jars


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
    jars = cached_jars()
    with tempfile.TemporaryDirectory(prefix="flink-") as folder:
        log = Path(folder, "log")
        command = [
            *("java", *JVM, f"-Djava.io.tmpdir={folder}", "-cp", f"{jars}/*"),
            *("org.apache.beam.runners.flink.FlinkJobServerDriver", "--flink-master=[local]"),
            *("--job-port=0", "--artifact-port=0", "--expansion-port=0"),  # 0: any free port
            f"--artifacts-dir={folder}/artifacts",
        ]
        with log.open("wb") as out:
            server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        try:
            endpoint = f"--job_endpoint=localhost:{_wait_for_port(server, log)}"
            environment = ("--environment_type=LOOPBACK", "--parallelism=2")
            yield JobServer(("--runner=PortableRunner", endpoint, *environment), log)
        finally:
            server.terminate()
            try:
                server.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def _wait_for_port(server: subprocess.Popen[bytes], log: Path) -> int:
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
