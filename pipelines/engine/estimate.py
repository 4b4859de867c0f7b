"""Estimates of what a run will cost, from a small sample of its input: documents in and out, and time."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import BinaryIO

import pyarrow.parquet as pq

from curate.document import Document
from curate.input.limits import MAX_RECORD_BYTES
from pipelines.engine.plan import Plan
from pipelines.io import files
from pipelines.io.readers import Dropped, NotAPage, read_part
from pipelines.io.sources import Part, Slice
from pipelines.steps.base import MapStep, apply

SAMPLES = 8  # slices to sample, spread over the input
SAMPLE_BYTES = 1_000_000  # most bytes of text or HTML to read from each
SAMPLE_RECORDS = 10_000  # most records to read from each

#: Most bytes that a worker takes, whatever the input; measured with records of up to `MAX_RECORD_BYTES`.
WORKER_BYTES = 1_200_000_000


def memory_taken(workers: int) -> str:
    """Describe the most memory that the worker processes take.

    >>> memory_taken(4)
    '4 workers take up to 4.8 GB of memory: 1.2 GB each, as records over 8 MiB are rejected.'
    """
    each = f"{WORKER_BYTES / 1e9:.1f} GB"
    take = "1 worker takes" if workers == 1 else f"{workers:,} workers take"
    total = f"{workers * WORKER_BYTES / 1e9:,.1f} GB"
    return f"{take} up to {total} of memory: {each} each, as records over {MAX_RECORD_BYTES >> 20} MiB are rejected."


@dataclass(frozen=True, slots=True)
class StepEstimate:
    """The expected work of a map step: documents in and out, and seconds of one core."""

    name: str
    read: int
    kept: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """The expected work of a run, extrapolated from a sample.

    Attributes:
        share: share of the input that was sampled.
        steps: reading, then each map step.
    """

    share: float
    steps: tuple[StepEstimate, ...]

    @property
    def seconds(self) -> float:
        """Seconds of one core for reading and all map steps."""
        return sum(step.seconds for step in self.steps)


def estimate(plan: Plan) -> Estimate:
    """Run the map steps on a sample from all over the input, and extrapolate.

    Corpus steps and writing are not included, because they are cheap in comparison; nor are streamed data sets, because
    their size is unknown.
    """
    started = time.perf_counter()
    documents: list[Document | Dropped] = []
    slices = [s for s in plan.slices if s.size]
    samples = min(SAMPLES, len(slices))
    sampled = sum(_sample(slices[i * len(slices) // samples], documents) for i in range(samples))
    share = min(sampled / max(sum(s.size for s in slices), 1), 1.0)
    steps = [StepEstimate("read", len(documents), 0, time.perf_counter() - started)]
    alive = [d for d in documents if isinstance(d, Document)]
    steps[0] = replace(steps[0], kept=len(alive))
    for step in plan.recipe.steps:
        if not isinstance(step.step, MapStep):
            continue
        function = step.step.make()
        for first in alive[:1]:
            apply(function, first)  # load models and compile kernels before measuring
        started = time.perf_counter()
        results = [apply(function, d) for d in alive]
        kept = [r for r in results if isinstance(r, Document)]
        steps.append(StepEstimate(step.name, len(alive), len(kept), time.perf_counter() - started))
        alive = kept
    scaled = (
        StepEstimate(s.name, round(s.read / share), round(s.kept / share), s.seconds / share) for s in steps if share
    )
    return Estimate(share, tuple(scaled))


def _sample(slice_: Slice, documents: list[Document | Dropped]) -> float:
    """Append the first documents of a slice; return how many bytes of input were read."""
    sampled, content, records = 0.0, 0, 0
    for part in slice_.parts:
        if part.start == part.stop:  # an unknown format
            continue
        first = records
        with files.open_read(part.file.path) as stream:
            for record in read_part(part, stream):
                records += 1
                if not isinstance(record, NotAPage):
                    documents.append(record)
                    document = record.document if isinstance(record, Dropped) else record
                    content += len(document.text) + len(document.html)
                if content >= SAMPLE_BYTES or records >= SAMPLE_RECORDS:
                    return sampled + _bytes_read(stream, part, records - first)
            by_rows = part.file.format == "parquet"
            sampled += _bytes_read(stream, part, records - first) if by_rows else part.stop - part.start
    return sampled


def _bytes_read(stream: BinaryIO, part: Part, records: int) -> float:
    if part.file.format != "parquet":
        return min(stream.tell(), part.stop) - part.start
    try:  # Parquet is read by row group, so the position in the file says nothing
        return part.file.size * records / max(pq.ParquetFile(stream).metadata.num_rows, 1)
    except (OSError, ValueError):  # damaged
        return part.stop - part.start
