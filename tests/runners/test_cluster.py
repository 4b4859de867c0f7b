"""The same bytes from a cluster: Flink on two hosts, also with parts killed, and Spark (`make test-cluster`).

``CURATE_CLUSTER_MB`` is the size of the generated input in MB; 0 leaves it out. What cannot be set up here skips.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.pipelines.conftest import CRAWL, ROOT, curate, outputs, run
from tests.runners.fetch import Absent
from tests.runners.flink_cluster import FlinkCluster, flink_cluster
from tests.runners.many_pages import write_pages
from tests.runners.other_servers import spark_server

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800)]
MEGABYTES = int(os.environ.get("CURATE_CLUSTER_MB") or 200)
PATIENCE = 900  # seconds for a run on a slow machine, with a host lost
JOBS = 5
#: Without it a job waits five minutes for the slots of a host that is lost, and fails.
ON_FEWER_SLOTS = "--execution_mode_for_batch=BATCH_FORCED"


@pytest.fixture(scope="module")
def running() -> Iterator[FlinkCluster]:
    with ExitStack() as stack:
        why, cluster = "", None
        try:
            cluster = stack.enter_context(flink_cluster())
        except Absent as e:
            why = str(e)
        if not cluster:
            pytest.skip(why)
        yield cluster


@pytest.fixture
def flink(running: FlinkCluster) -> FlinkCluster:
    """The cluster, with all of its parts."""
    running.repair()
    return running


@pytest.fixture(scope="module")
def expected(tmp_path_factory) -> dict[str, str]:
    """The digests of the sample's output from one process."""
    return outputs(run(tmp_path_factory.mktemp("one") / "out"))


@contextmanager
def started(flink: FlinkCluster, output: Path, *more: str) -> Iterator[subprocess.Popen[str]]:
    """Run the sample in a process of its own, which is killed at the end of the block if it still runs."""
    command = [sys.executable, "-m", "pipelines", "run", "llama3", "--input", f"{CRAWL}/*", "--output", str(output)]
    with output.with_suffix(".log").open("w") as log:
        driver = subprocess.Popen(
            [*command, "--", *flink.options, *more], cwd=ROOT, stdout=log, stderr=log, text=True, start_new_session=True
        )
    try:
        yield driver
    finally:
        if driver.poll() is None:
            os.killpg(driver.pid, signal.SIGKILL)
            driver.wait()


def until(there: Callable[[], object], driver: subprocess.Popen[str]) -> None:
    """Wait for something while the driver runs."""
    deadline = time.monotonic() + PATIENCE
    while not there():
        assert driver.poll() is None, "the run ended first"
        assert time.monotonic() < deadline
        time.sleep(0.2)


def in_pass(output: Path, number: int) -> Callable[[], object]:
    """Return what says whether a worker has begun a slice of a pass."""
    return lambda: list(output.glob(f"_work/{number:02}-*/progress-*"))


def end(driver: subprocess.Popen[str], output: Path, flink: FlinkCluster) -> None:
    """Wait for a run that must succeed."""
    assert driver.wait(PATIENCE) == 0, output.with_suffix(".log").read_text()[-4000:] + flink.last_words()


def test_the_sample_on_two_hosts(flink, expected, tmp_path):
    before, start = len(flink.jobs()), time.monotonic()
    with started(flink, tmp_path / "out") as driver:
        end(driver, tmp_path / "out", flink)
    seconds, jobs = time.monotonic() - start, flink.jobs()[before:]
    lengths = [round(job["duration"] / 1000) for job in jobs]
    print(f"\nthe sample on two hosts: {seconds:.0f} s, jobs of {lengths} s, {flink.workers()} Python processes")
    assert outputs(tmp_path / "out") == expected
    assert 0 < len(jobs) <= JOBS


def test_a_host_is_killed_and_replaced(flink, expected, tmp_path):
    output = tmp_path / "out"
    with started(flink, output) as driver:
        until(in_pass(output, 0), driver)
        flink.kill_host(2)
        until(lambda: flink.hosts() == 1, driver)
        flink.start_host(2)
        end(driver, output, flink)
    assert outputs(output) == expected


def test_a_host_is_killed_and_not_replaced(flink, expected, tmp_path):
    output = tmp_path / "out"
    with started(flink, output, ON_FEWER_SLOTS) as driver:
        until(in_pass(output, 0), driver)
        flink.kill_host(1)
        end(driver, output, flink)
    assert outputs(output) == expected


def test_the_driver_is_killed_and_started_again(flink, expected, tmp_path):
    output = tmp_path / "out"
    with started(flink, output) as driver:
        until(in_pass(output, 1), driver)
        os.killpg(driver.pid, signal.SIGKILL)
        driver.wait()
    first = sorted(output.glob("_work/00-*/slice-*.json"))
    written = [path.stat().st_mtime_ns for path in first]
    with started(flink, output) as driver:
        end(driver, output, flink)
    assert outputs(output) == expected
    assert [path.stat().st_mtime_ns for path in first] == written


def test_the_job_manager_is_killed(flink, expected, tmp_path):
    output = tmp_path / "out"
    with started(flink, output) as driver:
        until(in_pass(output, 0), driver)
        flink.kill_job_manager()
        assert driver.wait(PATIENCE) != 0
    flink.repair()
    with started(flink, output) as driver:
        end(driver, output, flink)
    assert outputs(output) == expected


@pytest.mark.skipif(not MEGABYTES, reason="CURATE_CLUSTER_MB=0")
def test_generated_pages(flink, tmp_path):
    pages = write_pages(tmp_path / "pages.warc", MEGABYTES * 1_000_000)
    arguments = ["run", "llama3", "--input", tmp_path / "pages.warc", "--output"]
    start = time.monotonic()
    one = curate(*arguments, tmp_path / "one")
    assert one.returncode == 0, one.stderr
    middle = time.monotonic()
    there = curate(*arguments, tmp_path / "out", "--", *flink.options)
    assert there.returncode == 0, there.stderr + flink.last_words()
    print(f"\n{MEGABYTES} MB, {pages} pages: {middle - start:.0f} s alone, {time.monotonic() - middle:.0f} s on Flink")
    assert outputs(tmp_path / "out") == outputs(tmp_path / "one")


def test_the_sample_on_spark(expected, tmp_path):
    why = ""
    try:
        with spark_server() as spark:
            start = time.monotonic()
            run(tmp_path / "out", "--", *spark.options)
            print(f"\nthe sample on Spark: {time.monotonic() - start:.0f} s, {spark.jobs()} jobs")
    except Absent as e:
        why = str(e)
    if why:
        pytest.skip(why)
    assert outputs(tmp_path / "out") == expected
