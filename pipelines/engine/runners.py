"""Runners: this process, a pool of processes, or the Beam runner that the user names.

For a local pass, this process or a pool calls, slice by slice, the same function that Beam's workers call on a cluster.
Slices finish one by one, errors keep their type, a killed worker is an error rather than a hang, and no document
crosses a process boundary. An in-memory pipeline around each call would cost 50 ms, a sixth of the processor time of a
small run.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import socket
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any

import apache_beam as beam
from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import PipelineOptions, PortableOptions, StandardOptions
from apache_beam.portability.api import beam_provision_api_pb2
from apache_beam.runners.direct.direct_runner import BundleBasedDirectRunner, SwitchingDirectRunner
from apache_beam.runners.portability.fn_api_runner import fn_runner
from apache_beam.runners.portability.portable_runner import JobServiceHandle
from apache_beam.runners.runner import create_runner

from pipelines.engine.contract import Contract, attach
from pipelines.engine.failures import on_worker
from pipelines.engine.quiet import start_worker
from pipelines.engine.submission import check_options, check_paths
from pipelines.engine.watched import portable
from pipelines.steps.base import MEMORY, KeyOptions, RunError

#: Loggers to which Beam writes the traceback of an error that it also raises; the run reports it in a sentence.
ERROR_LOGGERS = "apache_beam.runners.common", "apache_beam.runners.worker.sdk_worker"
#: Beam's runners that run in this process.
IN_MEMORY = fn_runner.FnApiRunner, SwitchingDirectRunner, BundleBasedDirectRunner


#: Stores elements in files; returns numbers, and a function that yields the elements of a number.
Spread = Callable[[Sequence[Any]], tuple[list[int], Callable[[int], Iterator[Any]]]]


#: Adds transforms to a pipeline that run after a collection is complete.
Then = Callable[[beam.Pipeline, beam.PCollection], None]


def then_each(label: str, numbers: Sequence[int], function: partial[None]) -> Then:
    """Return what adds the calls of a function on some numbers to a Beam job, after a collection is complete."""

    def call(number: int, after: Iterable[Any]) -> None:
        function(number)

    def then(p: beam.Pipeline, done: beam.PCollection) -> None:
        _ = p | f"{label}: numbers" >> beam.Create(list(numbers)) | label >> beam.Map(call, beam.pvalue.AsIter(done))

    return then


class PoolBroken(RunError):
    """A worker process on this machine was killed."""


class Runner(AbstractContextManager["Runner"]):
    """Calls functions on elements and runs pipelines, on this machine or on the Beam runner that its options name.

    Attributes:
        local: whether passes run in processes on this machine, without Beam.
        distributed: whether pipelines run on workers on other machines.
        contract: what these workers must have in common with this process.
        notes: sentences about options that were set, or should be.

    Args:
        workers: processes on this machine; they live until the runner is closed, so that models load once in each.
        beam_options: Beam's command line options, for example ``--runner=FlinkRunner``.
        memory: budget for the keys of a corpus step in this process, in bytes; larger decisions are made in parts.

    Raises:
        RunError: the options are invalid, or the Beam runner is known to lose data.
    """

    def __init__(self, workers: int = 1, beam_options: Sequence[str] = (), memory: int = MEMORY) -> None:
        self.workers, self.memory = workers, memory
        for before, option in zip(("", *beam_options), beam_options, strict=False):
            if not option.startswith("-") and ("=" in before or not before.startswith("--")):
                raise RunError(f"{option!r} is not an option of a Beam runner; give inputs as --input {option!r}")
        self._options = PipelineOptions(list(beam_options))
        FileSystems.set_options(self._options)  # inputs are listed before a pipeline sets them
        self._name = self._options.view_as(StandardOptions).runner or ""
        if beam_options and not self._name:
            raise RunError(f"{' '.join(beam_options)}: these options lack --runner; name the runner that they are for")
        if beam_options and workers > 1:
            raise RunError(
                f"--workers {workers} is for this machine, and {self._name} has its own workers; remove it, or set the "
                "runner's own option after -- (for example --parallelism=8 for Flink, --num_workers=8 for Dataflow)"
            )
        self.local = not beam_options
        self.distributed = False
        self.contract: Contract | None = None
        self.notes: list[str] = []
        self._pool: ProcessPoolExecutor | None = None
        if self._name.lower().endswith("daskrunner"):  # its name may include the module
            raise RunError(
                "DaskRunner silently drops tagged outputs and data of finish_bundle; use Flink, Spark or Dataflow"
            )
        if self._name:
            try:
                self.distributed = not isinstance(create_runner(self._name), IN_MEMORY)
            except (ValueError, ImportError) as e:
                raise RunError(f"--runner={self._name}: {e}") from None
        self._endpoint = self._options.view_as(PortableOptions).job_endpoint or ""
        _check_reachable(self._endpoint)
        if self.distributed:
            self.notes = check_options(self._options)

    def check_paths(self, paths: Iterable[str]) -> None:
        """Check that the workers can see files at these paths.

        Raises:
            RunError: they are on other machines, and a path is local.
        """
        if self.distributed:
            check_paths(self._options, paths)

    def pipeline(self, scratch: str | None = None) -> beam.Pipeline:
        """Return an empty pipeline on the chosen runner.

        Args:
            scratch: local folder for keys that do not fit in memory; the system's temporary folder by default.
        """
        if self.distributed:
            _check_reachable(self._endpoint)
            return _Pledged(self.contract, self._options)
        options = self._options.view_as(KeyOptions)
        options.key_memory, options.key_scratch = self.memory, scratch
        for logger in ERROR_LOGGERS:
            logging.getLogger(logger).setLevel(logging.CRITICAL)
        # Build the runner explicitly: selected by name, it would give worker processes empty options.
        encoded = JobServiceHandle.encode_pipeline_options(self._options.get_all_options())
        info = beam_provision_api_pb2.ProvisionInfo(pipeline_options=encoded)
        provision = fn_runner.ExtendedProvisionInfo(info)
        return beam.Pipeline(runner=fn_runner.FnApiRunner(provision_info=provision), options=self._options)

    def run(
        self,
        elements: Sequence[Any],
        function: partial[Any],
        then: Then | None = None,
        spread: Spread | None = None,
    ) -> None:
        """Call a function, which writes files, on each of some independent elements.

        Args:
            elements: the elements.
            function: called on each element.
            then: on a Beam runner, adds what follows to the same job; takes the pipeline and a collection to wait for.
            spread: on a Beam runner, stores the elements in files, so that the job graph does not hold them.

        Raises:
            PoolBroken: a worker process was killed; finished elements stay finished.
        """
        if not elements:
            return
        if not self.local:
            with self.pipeline() as p:
                label = function.func.__name__
                numbers, read = spread(elements) if spread else (list(elements), None)
                made = p | beam.Create(numbers)
                made = made | "Read" >> beam.FlatMap(read) if read else made
                done = made | beam.Reshuffle() | label >> beam.Map(partial(on_worker, function))
                if then:  # a single element is quicker to wait for
                    then(p, done | "Done" >> beam.combiners.Count.Globally())
            return
        if self.workers == 1:
            for element in elements:
                function(element)
            return
        self._pool = self._pool or _pool(self.workers)
        largest_first = sorted(elements, key=lambda e: -getattr(e, "size", 0))
        jobs: list[Future[None]] = []
        try:
            with _ctrl_c_blocked():
                jobs += [self._pool.submit(_call, function, element) for element in largest_first]
            for job in as_completed(jobs):
                job.result()
        except BrokenProcessPool:
            self._pool.shutdown()
            self._pool = None
            raise PoolBroken(
                "worker processes are killed again and again (out of memory? a script without "
                "`if __name__ == '__main__':`?); finished work is kept: run the same command again with fewer --workers"
            ) from None
        finally:
            for job in jobs:
                job.cancel()
            wait(jobs)  # so that no worker is still writing when the error is raised

    def restart(self) -> None:
        """End the worker processes; new ones start when there is work again."""
        if self._pool:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None

    def __exit__(self, *error: object) -> None:
        self.restart()


class _Pledged(beam.Pipeline):
    """A pipeline whose workers keep a contract."""

    def __init__(self, contract: Contract | None, options: PipelineOptions) -> None:
        super().__init__(options=options)
        self._contract = contract

    def run(self, *more: Any, **named: Any) -> Any:
        if self._contract:
            attach(self._contract, self)
        return super().run(*more, **named)


def _pool(workers: int) -> ProcessPoolExecutor:
    """Return a pool that starts all of its processes at once, with the first call."""
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), start_worker, (os.getpid(),))
    # Started one by one, a worker killed between two starts makes Python 3.11 close the queue under the next one, which
    # then prints a traceback, or raises one here. (From 3.12 on, a lock prevents it.)
    pool._safe_to_dynamically_spawn_children = False  # type: ignore[attr-defined]
    return pool


def _call(function: partial[Any], element: Any) -> None:
    """Call a function in a worker, and make sure that an exception can be pickled."""
    try:
        function(element)
    except Exception as e:
        raise portable(e) from None


def _check_reachable(endpoint: str) -> None:
    """Check that a job server answers, because Beam would wait for it silently and forever."""
    host, _, port = endpoint.rpartition(":")
    if not port.isdigit():  # there is none, or "embed", which starts a server
        return
    try:
        socket.create_connection((host, int(port)), timeout=10).close()
    except OSError as e:
        raise RunError(
            f"--job_endpoint={endpoint}: no job server answers ({e}); start it and run the same command again"
        ) from None


@contextmanager
def _ctrl_c_blocked() -> Iterator[None]:
    """Block Ctrl-C: processes started in the block never receive it, and this process does when the block ends."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
