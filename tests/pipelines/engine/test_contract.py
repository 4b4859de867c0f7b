"""Workers that differ from the driver, or fail, stop a run with one sentence: real processes of Beam's job server."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import orjson
import pytest

from tests.pipelines.conftest import curate, outputs
from tests.pipelines.portable import environment_of, free_port, job_service, other_version, worker_pool
from tests.pipelines.small import english, write_rows

RECIPE = "name: tiny\nsteps: [heuristics, exact_dedup]\n"


@pytest.fixture(scope="module")
def service():
    with job_service() as running:
        yield running


@pytest.fixture
def arguments(tmp_path):
    (tmp_path / "r.yaml").write_text(RECIPE)
    write_rows(tmp_path / "pages.jsonl", english(30))
    return ["run", tmp_path / "r.yaml", "--input", tmp_path / "pages.jsonl", "--output", tmp_path / "shared" / "out"]


def sentence(done: subprocess.CompletedProcess, log: Path) -> str:
    """Check that a run failed with one sentence, and that its log has the rest; returns the sentence."""
    assert done.returncode == 1, done.stdout + done.stderr
    lines = [line for line in done.stderr.replace("\r", "\n").split("\n") if line.startswith("curate:")]
    assert len(lines) == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert f"(details: {log})" in lines[0]
    assert "Traceback" in log.read_text()
    return lines[0]


@pytest.fixture
def log(tmp_path):
    return tmp_path / "shared" / "out" / "_work" / "failed.log"


def test_workers_like_the_driver_give_the_same_bytes(service, arguments, tmp_path):
    with worker_pool(environment_of()) as pool:
        done = curate(*arguments, "--", *service.options(pool))
    assert done.returncode == 0, done.stdout + done.stderr
    alone = curate(*arguments[:-1], tmp_path / "alone")
    assert alone.returncode == 0, alone.stderr
    assert outputs(tmp_path / "shared" / "out") == outputs(tmp_path / "alone")
    contracts = [orjson.loads(p.read_bytes()) for p in (tmp_path / "shared").rglob("contract.json")]
    assert contracts
    for contract in contracts:
        assert contract["folder"].endswith(contract["recipe"])
        assert dict(contract["libraries"]).keys() >= {"python", "numpy", "pyarrow"}


def test_a_worker_with_another_version_of_curate(service, arguments, log, tmp_path):
    with worker_pool(environment_of(other_version(tmp_path / "other"))) as pool:
        said = sentence(curate(*arguments, "--", *service.options(pool)), log)
    assert "has another version of curate than" in said
    assert "(curate/filters/rules.py)" in said
    assert "install the same one into" in said


def test_a_worker_with_another_version_of_a_library(service, arguments, log, tmp_path):
    info = tmp_path / "fake" / "pyarrow-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: pyarrow\nVersion: 1.0\n")
    with worker_pool(environment_of(before=str(info.parent))) as pool:
        said = sentence(curate(*arguments, "--", *service.options(pool)), log)
    assert "has other libraries than" in said
    assert "pyarrow 1.0, not " in said


def test_a_worker_without_curate(service, arguments, log, tmp_path):
    hidden = tmp_path / "hidden"
    for package in ("curate", "pipelines"):
        (hidden / package).mkdir(parents=True)
        # An editable install would still find the modules of an empty package.
        absent = f"""raise ModuleNotFoundError("No module named '{package}'", name="{package}")"""
        (hidden / package / "__init__.py").write_text(absent)
    with worker_pool(environment_of(hidden)) as pool:
        said = sentence(curate(*arguments, "--", *service.options(pool)), log)
    assert "ModuleNotFoundError" in said
    assert "the workers lack curate or have another version of it" in said


def elsewhere(folder: Path) -> list[str]:
    """Return a command that runs another on "host2", which has a file system of its own at a folder."""
    prefix = ["unshare", "--map-root-user", "--mount", "--uts"]
    hide = f'hostname host2 && mount -t tmpfs none "{folder}" && exec "$@"'
    if not shutil.which("unshare") or subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine gives no namespaces to its users")
    return [*prefix, "sh", "-c", hide, "sh"]


def test_a_worker_without_the_shared_file_system(service, arguments, log, tmp_path):
    (tmp_path / "shared").mkdir()
    with worker_pool(environment_of(), elsewhere(tmp_path / "shared")) as pool:
        said = sentence(curate(*arguments, "--", *service.options(pool)), log)
    assert "worker host2 does not see" in said
    assert "mount it at the same path on every worker" in said


def test_a_worker_without_a_list(service, arguments, log, tmp_path):
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "bad.txt").write_text("bad.example\n")
    (tmp_path / "r.yaml").write_text(f"steps:\n- url_filter: {{domains: [{tmp_path}/lists/bad.txt]}}\n- exact_dedup\n")
    with worker_pool(environment_of(), elsewhere(tmp_path / "lists")) as pool:
        said = sentence(curate(*arguments, "--", *service.options(pool)), log)
    assert f"worker host2 cannot read {tmp_path}/lists/bad.txt" in said
    assert "copy it to the same path there" in said


def test_an_error_on_a_worker_names_host_slice_and_cause(service, arguments, log, tmp_path):
    (tmp_path / "mine.py").write_text('def step(text: str) -> bool:\n    raise OSError("the disk is on fire")\n')
    (tmp_path / "r.yaml").write_text("steps: [mine.step, exact_dedup]\n")
    with worker_pool(environment_of()) as pool:
        said = sentence(curate(*arguments, "--", *service.options(pool)), log)
    assert f"slice 0 ({tmp_path}/pages.jsonl) on worker " in said
    assert "the disk is on fire" in said
    assert "run the same command again" in said


def test_a_worker_pool_that_is_not_there(service, arguments, log):
    said = sentence(curate(*arguments, "--", *service.options(free_port())), log)
    assert "no worker pool answers at --environment_config" in said


def test_a_job_server_that_is_killed(arguments, tmp_path):
    (tmp_path / "mine.py").write_text(
        "import os, signal\ndef step(text: str) -> bool:\n"
        f"    os.kill(int(open({str(tmp_path / 'pid')!r}).read()), signal.SIGKILL)\n"
        "    import time; time.sleep(2)\n    return True\n"
    )
    (tmp_path / "r.yaml").write_text("steps: [mine.step, exact_dedup]\n")
    with job_service() as mortal, worker_pool(environment_of()) as pool:
        (tmp_path / "pid").write_text(str(mortal.process.pid))
        done = curate(*arguments, "--", *mortal.options(pool))
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert f"--job_endpoint=localhost:{mortal.port}: no job server answers" in done.stderr
    assert "start it and run the same command again" in done.stderr
