"""What a run will cost, from a small sample of its input: documents, time, and how many the map steps keep."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO

import pyarrow.parquet as pq

from curate.document import Document
from curate.steps import apply
from pipelines import files
from pipelines.plan import Plan
from pipelines.registry import STEPS, CorpusStep
from pipelines.sources import Dropped, NotAPage, Part, read_part, read_stream

PIECES = 8  # places in the input that are looked at
PIECE_BYTES = 1_000_000  # of pages that are read in each


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
    looked = sum(_read_some(piece, documents) for piece in _pieces(plan))
    share = looked / max(sum(s.size for s in plan.slices), 1)
    steps = [StepEstimate("read", len(documents), 0, time.perf_counter() - started)]
    alive = [d for d in documents if isinstance(d, Document)]
    steps[0] = replace(steps[0], kept=len(alive))
    for step in plan.recipe.steps:
        kind = STEPS[step.kind]
        if isinstance(kind, CorpusStep):
            continue
        function = kind.make(step.config)
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


def _pieces(plan: Plan) -> Iterator[Part]:
    known = [s for s in plan.slices if s.size]
    for i in range(min(PIECES, len(known))):
        yield known[i * len(known) // min(PIECES, len(known))].parts[0]


def _read_some(part: Part, documents: list[Document | Dropped]) -> float:
    """Read a part until it has given enough; returns how many bytes of the file that took."""
    content = 0
    with files.open_read(part.file.path) as stream:
        records = read_part(part) if part.file.format == "arrow" else read_stream(stream, part)
        for record in records:
            if isinstance(record, NotAPage):
                continue
            documents.append(record)
            document = record.document if isinstance(record, Dropped) else record
            content += len(document.text) + len(document.html)
            if content >= PIECE_BYTES:
                return min(_bytes_read(stream, part, content), part.stop - part.start)
    return part.stop - part.start


def _bytes_read(stream: BinaryIO, part: Part, content: int) -> float:
    if part.file.format == "arrow":  # is not compressed
        return content
    if part.file.format == "parquet":
        meta = pq.ParquetFile(stream).metadata
        return content * part.file.size / sum(meta.row_group(i).total_byte_size for i in range(meta.num_row_groups))
    return stream.tell() - part.start
