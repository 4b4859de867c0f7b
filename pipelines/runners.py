"""Where work runs: in this process, in a pool of processes, or on the Beam runner that the user names.

A local pass is a pool of processes in which each runs the same PTransform in memory over one slice: slices finish one
by one, a killed worker is an error and not a hang, and no document crosses a process border.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions
from apache_beam.portability.api import beam_provision_api_pb2
from apache_beam.runners.portability.fn_api_runner import fn_runner
from apache_beam.runners.portability.portable_runner import JobServiceHandle


class RunError(RuntimeError):
    """A run that cannot go on, and what to do."""


@dataclass(frozen=True, slots=True)
class Runner:
    """How to run a transform over elements: local workers, or Beam's own options for another runner."""

    workers: int = 1
    beam_options: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        name = self._options().view_as(StandardOptions).runner or ""
        if name.lower() == "daskrunner":
            raise RunError(
                "DaskRunner drops tagged outputs and finish_bundle data silently; use Flink, Spark or Dataflow"
            )

    @property
    def local(self) -> bool:
        """True where no Beam options were given."""
        return not self.beam_options

    def _options(self) -> PipelineOptions:
        return PipelineOptions(list(self.beam_options))

    def pipeline(self) -> beam.Pipeline:
        """Return an empty pipeline on the chosen runner."""
        options = self._options()
        name = options.view_as(StandardOptions).runner
        if name and name not in ("FnApiRunner", "DirectRunner"):
            return beam.Pipeline(options=options)
        # built as an object: by name it would give worker processes empty options
        encoded = JobServiceHandle.encode_pipeline_options(options.get_all_options())
        info = beam_provision_api_pb2.ProvisionInfo(pipeline_options=encoded)
        provision = fn_runner.ExtendedProvisionInfo(info)
        return beam.Pipeline(runner=fn_runner.FnApiRunner(provision_info=provision), options=options)

    def run(self, elements: Sequence[Any], transform: beam.PTransform) -> None:
        """Run a transform whose effect is files over elements that are independent of each other."""
        if not elements:
            return
        if not self.local or self.workers == 1 or len(elements) == 1:
            self._in_pipeline(elements, transform)
            return
        workers = min(self.workers, len(elements))
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(workers, mp_context=context) as pool:
            jobs = [pool.submit(_one, element, transform) for element in _largest_first(elements)]
            try:
                for job in as_completed(jobs):
                    job.result()
            except BrokenProcessPool:
                raise RunError(
                    "a worker process was killed (out of memory?); what is finished is kept: "
                    "run the same command again, with fewer --workers if it happens again"
                ) from None
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _in_pipeline(self, elements: Sequence[Any], transform: beam.PTransform) -> None:
        with self.pipeline() as p:
            _ = p | beam.Create(list(elements)) | beam.Reshuffle() | transform


def _largest_first(elements: Iterable[Any]) -> list[Any]:
    return sorted(elements, key=lambda e: -getattr(e, "size", 0))


def _one(element: Any, transform: beam.PTransform) -> None:
    Runner()._in_pipeline([element], transform)
