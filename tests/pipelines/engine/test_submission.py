"""What is wrong with the options of a runner is said in seconds, before a job is sent."""

from __future__ import annotations

import json
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from apache_beam.options.pipeline_options import PipelineOptions

from pipelines.engine import submission
from pipelines.engine.run import run_recipe
from pipelines.engine.runners import Runner
from pipelines.engine.submission import check_options, check_paths
from pipelines.steps.base import RunError
from tests.pipelines.portable import environment_of, job_service, worker_pool
from tests.pipelines.small import english, small_recipe

DATAFLOW = ["--runner=DataflowRunner", "--project=some-project", "--region=us-central1"]


@pytest.fixture
def flink_master():
    """The address of what answers as a Flink with two task managers of four slots does."""

    class Overview(BaseHTTPRequestHandler):
        def do_GET(self):
            body = json.dumps({"taskmanagers": 2, "slots-total": 8, "slots-available": 8}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("localhost", 0), Overview)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"localhost:{server.server_port}"
    server.shutdown()
    server.server_close()


def checked(*options: str) -> tuple[list[str], dict]:
    made = PipelineOptions(list(options))
    return check_options(made), made.get_all_options()


def test_a_flink_run_takes_the_slots_of_its_cluster(flink_master):
    said, options = checked("--runner=FlinkRunner", f"--flink_master={flink_master}")
    assert (options["parallelism"], options["sdk_worker_parallelism"]) == (8, 4)
    assert said == [
        "--parallelism is set to 8, the task slots of the Flink cluster",
        "--sdk_worker_parallelism is set to 4, the task slots of a host: a Python process for each",
    ]


def test_what_the_user_gives_is_kept_and_what_it_costs_is_said(flink_master):
    given = ("--parallelism=3", "--sdk_worker_parallelism=1")
    said, options = checked("--runner=FlinkRunner", f"--flink_master={flink_master}", *given)
    assert (options["parallelism"], options["sdk_worker_parallelism"]) == (3, "1")
    assert len(said) == 1
    assert "share one Python process" in said[0]
    said, _ = checked("--runner=FlinkRunner", f"--flink_master={flink_master}", given[0], "--sdk_worker_parallelism=4")
    assert said == []


def test_a_flink_that_does_not_answer():
    with pytest.raises(RunError, match=r"--flink_master=localhost:1: no Flink answers there"):
        checked("--runner=FlinkRunner", "--flink_master=localhost:1")


def test_a_flink_on_this_machine_uses_its_cores():
    said, options = checked("--runner=FlinkRunner")
    assert options["parallelism"] == os.cpu_count()
    assert "this machine" in said[0]


def test_dataflow_is_refused_what_it_cannot_use():
    with pytest.raises(RunError, match="needs --project and --region and --temp_location"):
        checked("--runner=DataflowRunner")
    with pytest.raises(RunError, match="needs a gs:// folder there"):
        checked(*DATAFLOW, "--temp_location=/tmp/x")
    options = PipelineOptions(DATAFLOW)
    check_paths(options, ["gs://crawl/*", "gs://corpus/out"])
    with pytest.raises(RunError, match=r"crawl/\* and 1 more paths: Dataflow's workers do not see the files of this"):
        check_paths(options, ["gs://crawl/*", "crawl/*", "out"])


def test_local_paths_are_no_matter_to_other_runners():
    check_paths(PipelineOptions(["--runner=FlinkRunner"]), ["crawl/*", "out"])


def test_it_is_said_that_no_worker_starts(tmp_path, monkeypatch):
    """The pool starts a ``python`` that waits until the driver has said so."""
    monkeypatch.setattr(submission, "WORKER_SECONDS", 3.0)
    (tmp_path / "late").mkdir()
    late = tmp_path / "late" / "python"
    said: list[str] = []

    def say(sentence):
        said.append(sentence)
        late.with_name("python.new").touch()

    environment = environment_of()
    python = environment["PATH"].split(os.pathsep)[0] + "/python"
    late.write_text(f'#!/bin/sh\nwhile [ ! -e "$0.new" ]; do sleep 0.2; done\nexec {python} "$@"\n')
    late.chmod(0o755)
    environment["PATH"] = f"{late.parent}{os.pathsep}{environment['PATH']}"
    with job_service() as service, worker_pool(environment) as pool:
        recipe = small_recipe(tmp_path, "- exact_dedup\n", english(3))
        report = run_recipe(recipe, str(tmp_path / "out"), Runner(beam_options=service.options(pool)), say=say)
    assert report["corpus"]["documents"] == 3
    assert len(said) == 1
    assert "no worker has started yet, 3 s after the job was sent" in said[0]
