"""Checks of the options of a Beam runner before a job is sent: what would be slow, silent, or fail after minutes."""

from __future__ import annotations

import json
import os
import threading
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

import grpc
from apache_beam.options.pipeline_options import (
    FlinkRunnerOptions,
    GoogleCloudOptions,
    PipelineOptions,
    PortableOptions,
    SparkRunnerOptions,
    StandardOptions,
)
from apache_beam.portability.api import beam_job_api_pb2, beam_job_api_pb2_grpc

from pipelines.engine.progress import Say
from pipelines.io import files
from pipelines.steps.base import RunError

ANSWER_SECONDS = 10  # for a job server or job manager to answer
WORKER_SECONDS = 60.0  # after which it is said that no worker has started
#: Values of --flink_master that start a Flink on this machine.
LOCAL_FLINK = ("[local]", "[auto]")
#: By Beam's runner, an option that only its job server knows.
KNOWN_BY = {"flink": "flink_master", "spark": "spark_master"}


def check_options(options: PipelineOptions) -> list[str]:
    """Check the options of a Beam runner, and set those whose default is bad for a cluster.

    Returns:
        Sentences about what was set, or should be.

    Raises:
        RunError: the job could not run with them, or on one core only.
    """
    kind = _kind(options)
    if kind == "dataflow":
        _check_dataflow(options)
    if kind == "spark" and options.view_as(StandardOptions).runner.lower().endswith("sparkrunner"):
        return list(_spark(options))
    return list(_flink(options)) if kind == "flink" else []


def _kind(options: PipelineOptions) -> str:
    """Return which engine runs the job: ``flink``, ``spark``, ``dataflow``, or "" for another or an unknown one."""
    name = (options.view_as(StandardOptions).runner or "").rpartition(".")[2].lower()
    endpoint = options.view_as(PortableOptions).job_endpoint
    if name == "portablerunner" and endpoint and endpoint != "embed":
        known = _known_options(endpoint)
        return next((kind for kind, option in KNOWN_BY.items() if option in known), "")
    return name.removesuffix("runner")


def _known_options(endpoint: str) -> set[str]:
    """Ask a job server for the names of its options; none if it does not say."""
    with suppress(grpc.RpcError), grpc.insecure_channel(endpoint) as channel:
        stub = beam_job_api_pb2_grpc.JobServiceStub(channel)
        request = beam_job_api_pb2.DescribePipelineOptionsRequest()
        return {option.name for option in stub.DescribePipelineOptions(request, timeout=ANSWER_SECONDS).options}
    return set()


def _flink(options: PipelineOptions) -> Iterator[str]:
    flink, portable = options.view_as(FlinkRunnerOptions), options.view_as(PortableOptions)
    by_endpoint = bool(portable.job_endpoint)
    local = not by_endpoint and flink.flink_master in LOCAL_FLINK
    slots, hosts = (os.cpu_count() or 1, 1) if local else (0, 0) if by_endpoint else _slots(flink.flink_master)
    if flink.parallelism < 1:
        if not slots:
            raise RunError(
                "without --parallelism, Flink runs one piece of work at a time; add --parallelism=N after --, where N "
                "is the number of task slots of all hosts (http://JOBMANAGER:8081/overview shows slots-total)"
            )
        flink.parallelism = slots
        yield f"--parallelism is set to {slots}, the task slots of {'this machine' if local else 'the Flink cluster'}"
    if portable.environment_type == "LOOPBACK" or local:
        return
    each = -(-slots // hosts) if hosts else 0
    if "sdk_worker_parallelism" not in options.get_all_options(drop_default=True) and each > 1:
        portable.sdk_worker_parallelism = each
        yield f"--sdk_worker_parallelism is set to {each}, the task slots of a host: a Python process for each"
    elif str(portable.sdk_worker_parallelism) == "1" and each != 1:
        yield (
            "--sdk_worker_parallelism is 1: all task slots of a host share one Python process, and about one core; "
            "give it the number of task slots of a host"
        )


def _slots(master: str) -> tuple[int, int]:
    """Ask a Flink cluster for its number of task slots and of task managers."""
    url = master if "://" in master else f"http://{master}"
    try:
        with urllib.request.urlopen(f"{url}/overview", timeout=ANSWER_SECONDS) as answer:
            overview = json.load(answer)
        slots, hosts = int(overview["slots-total"]), int(overview["taskmanagers"])
    except (OSError, ValueError, KeyError, TypeError) as e:
        raise RunError(
            f"--flink_master={master}: no Flink answers there ({files.reason(e)}); start it, or check host and port"
        ) from None
    if not slots:
        raise RunError(f"--flink_master={master}: this Flink has no task manager yet; start one and run again")
    return slots, hosts


def _spark(options: PipelineOptions) -> Iterator[str]:
    master = options.view_as(SparkRunnerOptions).spark_master_url
    if "spark_master_url" not in options.get_all_options(drop_default=True):
        yield f"--spark_master_url is not given: Spark runs on this machine only ({master})"


def _check_dataflow(options: PipelineOptions) -> None:
    cloud = options.view_as(GoogleCloudOptions)
    missing = [f"--{name}" for name in ("project", "region", "temp_location") if not getattr(cloud, name)]
    if cloud.staging_location:
        missing = [name for name in missing if name != "--temp_location"]
    if missing:
        raise RunError(f"DataflowRunner needs {' and '.join(missing)}; add it after --")
    for name in ("temp_location", "staging_location"):
        if (path := getattr(cloud, name)) and not path.startswith("gs://"):
            raise RunError(f"--{name}={path}: DataflowRunner needs a gs:// folder there")
    try:
        import google.auth
        from google.auth.exceptions import DefaultCredentialsError
    except ImportError:
        raise RunError("DataflowRunner needs more packages: pip install 'curate-corpus[gcp]'") from None
    try:
        google.auth.default()
    except DefaultCredentialsError:
        raise RunError(
            "DataflowRunner finds no credentials of Google Cloud; run `gcloud auth application-default login`, or set "
            "GOOGLE_APPLICATION_CREDENTIALS to the file of a service account"
        ) from None


def check_paths(options: PipelineOptions, paths: Iterable[str]) -> None:
    """Check that a runner in a cloud is not given paths of this machine.

    Raises:
        RunError: it is.
    """
    local = [path for path in paths if path and "://" not in path]
    if local and _kind(options) == "dataflow":
        more = f" and {len(local) - 1:,} more paths" if len(local) > 1 else ""
        raise RunError(
            f"{local[0]}{more}: Dataflow's workers do not see the files of this machine; copy them to gs:// and name "
            "that folder"
        )


@contextmanager
def worker_expected(folder: str, say: Say) -> Iterator[None]:
    """Say it if no worker has written anything into the folder of a pass within a minute."""
    begun, done = set(files.names(folder, "progress-")), len(files.names(folder, "slice-"))

    def look() -> None:
        with suppress(OSError):
            if set(files.names(folder, "progress-")) <= begun and len(files.names(folder, "slice-")) <= done:
                say(
                    f"no worker has started yet, {WORKER_SECONDS:.0f} s after the job was sent; the run waits. Is a "
                    "worker pool running on every host, with `python` and curate on its PATH, and are task slots free? "
                    "The logs of the worker pools and of the job server say more"
                )

    timer = threading.Timer(WORKER_SECONDS, look)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
