"""What a run will cost, from a small sample of its input: documents, time, and how many the map steps keep."""

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

PIECES = 8  # places in the input that are looked at
PIECE_BYTES = 1_000_000  # of pages that are read in each,
PIECE_RECORDS = 10_000  # and records of any kind


#: Bytes that a worker takes at most, whatever the input: measured with records of up to `MAX_RECORD_BYTES`.
WORKER_BYTES = 1_200_000_000


def memory_taken(workers: int) -> str:
    """Say how much memory some worker processes take at most.

    >>> memory_taken(4)
    '4 workers take up to 4.8 GB of memory: 1.2 GB each, as records over 8 MiB are rejected.'
    """
    each = f"{WORKER_BYTES / 1e9:.1f} GB"
    who = "1 worker takes" if workers == 1 else f"{workers:,} workers take"
    total = f"{workers * WORKER_BYTES / 1e9:,.1f} GB"
    return f"{who} up to {total} of memory: {each} each, as records over {MAX_RECORD_BYTES >> 20} MiB are rejected."


@dataclass(frozen=True, slots=True)
class StepEstimate:
    """What a map step is expected to do: documents in and out, and seconds of one core."""

    name: str
    read: int
    kept: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """The whole run, scaled up from the sampled bytes."""

    share: float  # of the input that was looked at
    steps: tuple[StepEstimate, ...]

    @property
    def seconds(self) -> float:
        """Seconds of one core for all map steps and for reading."""
        return sum(step.seconds for step in self.steps)


def estimate(plan: Plan) -> Estimate:
    """Lead some pages from all over the input through the map steps, and scale up what they cost.

    Corpus steps and writing are left out: they are small beside the rest. Data sets that are streamed have no size that
    is known, and are left out too.
    """
    started = time.perf_counter()
    documents: list[Document | Dropped] = []
    known = [s for s in plan.slices if s.size]
    pieces = min(PIECES, len(known))
    looked = sum(_read_some(known[i * len(known) // pieces], documents) for i in range(pieces))
    share = min(looked / max(sum(s.size for s in known), 1), 1.0)
    steps = [StepEstimate("read", len(documents), 0, time.perf_counter() - started)]
    alive = [d for d in documents if isinstance(d, Document)]
    steps[0] = replace(steps[0], kept=len(alive))
    for step in plan.recipe.steps:
        if not isinstance(step.step, MapStep):
            continue
        function = step.step.make()
        for first in alive[:1]:
            apply(function, first)  # models load and kernels compile outside the measurement
        started = time.perf_counter()
        results = [apply(function, d) for d in alive]
        kept = [r for r in results if isinstance(r, Document)]
        steps.append(StepEstimate(step.name, len(alive), len(kept), time.perf_counter() - started))
        alive = kept
    scaled = (
        StepEstimate(s.name, round(s.read / share), round(s.kept / share), s.seconds / share) for s in steps if share
    )
    return Estimate(share, tuple(scaled))


def _read_some(piece: Slice, documents: list[Document | Dropped]) -> float:
    """Read a slice until it has given enough; returns how many bytes of input that took."""
    looked, content, records = 0.0, 0, 0
    for part in piece.parts:
        if part.start == part.stop:  # no file of pages
            continue
        first = records
        with files.open_read(part.file.path) as stream:
            for record in read_part(part, stream):
                records += 1
                if not isinstance(record, NotAPage):
                    documents.append(record)
                    document = record.document if isinstance(record, Dropped) else record
                    content += len(document.text) + len(document.html)
                if content >= PIECE_BYTES or records >= PIECE_RECORDS:
                    return looked + _bytes_read(stream, part, records - first)
            by_rows = part.file.format == "parquet"
            looked += _bytes_read(stream, part, records - first) if by_rows else part.stop - part.start
    return looked


def _bytes_read(stream: BinaryIO, part: Part, records: int) -> float:
    if part.file.format != "parquet":
        return min(stream.tell(), part.stop) - part.start
    try:  # is read by row groups, wherever their bytes are
        return part.file.size * records / max(pq.ParquetFile(stream).metadata.num_rows, 1)
    except (OSError, ValueError):  # damaged
        return part.stop - part.start
