"""A Flink session cluster of two hosts on one machine: network namespaces, each with a task manager and a worker pool.

The job manager and Beam's job server run on the address of the bridge between them. Every process leads a group of its
own, which is what is killed, and ends with the process that started it. Root and Linux are needed.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.pipelines.conftest import ROOT
from tests.runners.fetch import Absent, RunnerError, flink_libraries, maven_jars, need
from tests.runners.flink_server import OPENS, wait_for_port

START_SECONDS = 120
HOSTS = (1, 2)
SLOTS = 1  # of each host, with a Python process each: on two cores more would only take turns
POOL_PORT = 50000
JAVA = ["java", *(f"--add-opens=java.base/java.{name}=ALL-UNNAMED" for name in OPENS)]
JAVA += ["--add-opens=java.base/sun.nio.ch=ALL-UNNAMED"]
# Beam's jars are on Flink's own class path, and taken from there: where a job brings them, Beam ends the Python
# workers after each stage, whatever --environment_cache_millis says (FlinkExecutableStageContextFactory).
# Of 256 MB of network memory, with 512 buffers for each result (Flink's default), decisions at parallelism 4 ran out
# after a restart. 3 attempts of 1 s are used up before a lost host is noticed.
CONF = """
jobmanager.rpc.address: {master}
jobmanager.rpc.port: {port}
jobmanager.bind-host: 0.0.0.0
rest.address: {master}
rest.bind-address: {master}
rest.port: 8081
taskmanager.bind-host: 0.0.0.0
jobmanager.memory.process.size: 1200m
taskmanager.memory.process.size: 1900m
taskmanager.memory.network.min: 256m
taskmanager.memory.network.max: 256m
taskmanager.network.sort-shuffle.min-buffers: 64
taskmanager.numberOfTaskSlots: {slots}
heartbeat.interval: 3000
heartbeat.timeout: 10000
restart-strategy.type: fixed-delay
restart-strategy.fixed-delay.attempts: 30
restart-strategy.fixed-delay.delay: 5 s
execution.batch-shuffle-mode: ALL_EXCHANGES_BLOCKING
classloader.resolve-order: parent-first
io.tmp.dirs: {folder}/tmp
"""
LOGGING = """
rootLogger.level=INFO
rootLogger.appenderRef.c.ref=C
appender.c.name=C
appender.c.type=CONSOLE
appender.c.layout.type=PatternLayout
appender.c.layout.pattern=%d{HH:mm:ss} %-5p %c{1} %m%n
"""


class FlinkCluster:
    """Two hosts, a job manager and a job server."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._number = os.getpid() % 250 + 1
        self.master = f"10.94.{self._number}.1"
        self._flink, self._jars = flink_libraries(), maven_jars("flink")
        self._classes = f"{self._flink}/lib/*:{self._jars}/*"
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._endpoint = ""

    @property
    def options(self) -> tuple[str, ...]:
        """The options of Beam that use it, on all slots."""
        return (
            *("--runner=PortableRunner", f"--job_endpoint={self._endpoint}", "--environment_type=EXTERNAL"),
            *(f"--environment_config=localhost:{POOL_PORT}", "--environment_cache_millis=600000"),
            *(f"--parallelism={SLOTS * len(HOSTS)}", f"--sdk_worker_parallelism={SLOTS}"),
        )

    def up(self) -> None:
        """Start everything, and wait until both hosts are there."""
        for name in ("conf", "tmp"):
            (self.folder / name).mkdir()
        conf = CONF.format(master=self.master, slots=SLOTS, folder=self.folder, port=6200 + self._number)
        (self.folder / "conf" / "flink-conf.yaml").write_text(conf)
        (self.folder / "conf" / "log4j.properties").write_text(LOGGING)
        self._network_up()
        self.start_job_manager()
        for host in HOSTS:
            self.start_host(host)
        self.start_server()

    def down(self) -> None:
        """End every process and take the network down."""
        for name in list(self._running):
            self._kill(name)
        self._network_down()

    def start_job_manager(self) -> None:
        """Start the job manager, and wait until it answers."""
        main = "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint"
        self._start("manager", [*JAVA, "-Xmx600m", *self._logging(), "-cp", self._classes, main, *self._conf()])
        self._wait(lambda: self._ask("overview") is not None, "job manager")

    def kill_job_manager(self) -> None:
        """End the job manager at once."""
        self._kill("manager")

    def start_server(self) -> None:
        """Start Beam's job server."""
        main = "org.apache.beam.runners.flink.FlinkJobServerDriver"
        logger = "org.slf4j.simpleLogger"
        command = [
            *(*JAVA, "-Xmx1g", f"-D{logger}.defaultLogLevel=warn", f"-Djava.io.tmpdir={self.folder}/tmp"),
            *(f"-D{logger}.log.org.apache.beam.runners.jobsubmission=info", "-cp", f"{self._jars}/*", main),
            *(f"--flink-master={self.master}:8081", f"--job-host={self.master}"),
            *("--job-port=0", "--artifact-port=0", "--expansion-port=0"),
            f"--artifacts-dir={self.folder}/artifacts",
        ]
        log = self._log("server")
        log.unlink(missing_ok=True)
        self._endpoint = f"{self.master}:{wait_for_port(self._start('server', command), log)}"

    def start_host(self, host: int) -> None:
        """Start a task manager and a worker pool in the network of a host, and wait until it has joined."""
        before = self.hosts()
        tool = [f"{self._flink}/bin/bash-java-utils.jar:{self._classes}"]
        main = "org.apache.flink.runtime.util.bash.BashJavaUtils"
        asked = ["java", "-cp", *tool, main, "GET_TM_RESOURCE_PARAMS", *self._conf()]
        said = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.splitlines()
        mark = "BASH_JAVA_UTILS_EXEC_RESULT:"
        memory, sizes = [line.removeprefix(mark).split() for line in said if line.startswith(mark)]
        main = "org.apache.flink.runtime.taskexecutor.TaskManagerRunner"
        task_manager = [*JAVA, *memory, *self._logging(), "-cp", self._classes, main, *self._conf(), *sizes]
        self._start_on(host, "tasks", [*task_manager, "-D", f"taskmanager.host={self._address(host)}"])
        # a worker is the `python` of PATH, which start() sets
        pool = [sys.executable, "-m", "apache_beam.runners.worker.worker_pool_main", f"--service_port={POOL_PORT}"]
        self._start_on(host, "pool", [*pool, "--container_executable="])
        self._wait(lambda: self.hosts() == before + 1, f"host {host}")

    def kill_host(self, host: int) -> None:
        """End everything on a host at once."""
        self._kill(f"tasks{host}")
        self._kill(f"pool{host}")

    def repair(self) -> None:
        """Start again what a test has killed, and wait until two hosts are there."""
        if "manager" not in self._running:
            self.start_job_manager()
        if "server" not in self._running or self._running["server"].poll() is not None:
            self.start_server()
        for host in HOSTS:
            if f"tasks{host}" not in self._running:
                self._wait(lambda: self.hosts() < len(HOSTS), "loss of a host")
                self.start_host(host)
        self._wait(lambda: self.hosts() == len(HOSTS), "two hosts")

    def hosts(self) -> int:
        """Return how many hosts the job manager knows."""
        return (self._ask("overview") or {}).get("taskmanagers", 0)

    def jobs(self) -> list[dict]:
        """Return the jobs that the job manager knows, in the order of their start."""
        return sorted((self._ask("jobs/overview") or {}).get("jobs", []), key=lambda job: job["start-time"])

    def workers(self) -> int:
        """Return how many Python processes were started so far."""
        return sum(log.read_text(errors="replace").count("Starting worker") for log in self.folder.glob("pool*.log"))

    def last_words(self) -> str:
        """Return the ends of all logs."""
        logs = sorted(self.folder.glob("*.log"))
        return "\n".join(f"--- {log.name}\n{log.read_text(errors='replace')[-2000:]}" for log in logs)

    def _start(self, name: str, command: Sequence[str]) -> subprocess.Popen[bytes]:
        environment = os.environ | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
        }
        with self._log(name).open("ab") as log:
            self._running[name] = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *command],
                cwd=self.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        return self._running[name]

    def _start_on(self, host: int, name: str, command: Sequence[str]) -> None:
        """Start a process in the network of a host, which knows itself by name."""
        known = self.folder / f"hosts{host}"
        known.write_text(f"127.0.0.1 localhost\n{self._address(host)} host{host}\n")
        prepare = f'hostname host{host}; mount --bind {known} /etc/hosts; exec "$@"'
        inside = ["ip", "netns", "exec", self._name(host), "unshare", "--uts", "--mount", "bash", "-c", prepare, "-"]
        self._start(f"{name}{host}", [*inside, *command])

    def _kill(self, name: str) -> None:
        if process := self._running.pop(name, None):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _network_up(self) -> None:
        self._network_down()  # of an earlier process of this number that was killed
        for command in self._network_commands():
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode:
                raise Absent(f"no network namespaces here (root is needed): {' '.join(command)}: {done.stderr.strip()}")

    def _network_down(self) -> None:
        spaces = [["ip", "netns", "del", self._name(host)] for host in HOSTS]
        for command in [*spaces, ["ip", "link", "del", f"curate{self._number}"]]:
            subprocess.run(command, capture_output=True)

    def _network_commands(self) -> list[list[str]]:
        bridge = f"curate{self._number}"
        commands = [
            f"link add {bridge} up type bridge",
            f"addr add {self.master}/24 dev {bridge}",
        ]
        for host in HOSTS:
            space, cable = self._name(host), f"cu{self._number}h{host}"
            commands += [
                f"netns add {space}",
                f"link add {cable} type veth peer name eth0 netns {space}",
                f"link set {cable} master {bridge} up",
                f"-n {space} addr add {self._address(host)}/24 dev eth0",
                f"-n {space} link set eth0 up",
                f"-n {space} link set lo up",
            ]
        return [["ip", *command.split()] for command in commands]

    def _name(self, host: int) -> str:
        return f"curate{self._number}-{host}"

    def _address(self, host: int) -> str:
        return f"10.94.{self._number}.1{host}"

    def _log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def _logging(self) -> tuple[str]:
        return (f"-Dlog4j.configurationFile={self.folder}/conf/log4j.properties",)

    def _conf(self) -> tuple[str, str]:
        return "--configDir", f"{self.folder}/conf"

    def _ask(self, path: str) -> dict | None:
        with suppress(OSError), urllib.request.urlopen(f"http://{self.master}:8081/{path}", timeout=5) as answer:
            return json.load(answer)
        return None

    def _wait(self, there, what: str) -> None:
        until = time.monotonic() + START_SECONDS
        while not there():
            if time.monotonic() > until:
                raise RunnerError(f"waited {START_SECONDS} s for: {what}\n{self.last_words()}")
            time.sleep(0.5)


@contextmanager
def flink_cluster() -> Iterator[FlinkCluster]:
    """Run a cluster for the length of the block, and leave nothing of it."""
    need("java", "ip", "unshare", "setpriv")
    if os.geteuid():
        raise Absent("network namespaces need root")
    folder = Path(tempfile.mkdtemp(prefix="flink-cluster-"))
    try:
        cluster = FlinkCluster(folder)
        try:
            cluster.up()
            yield cluster
        finally:
            cluster.down()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
