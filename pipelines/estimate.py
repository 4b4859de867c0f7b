"""What a run will cost, from a small sample of its input: documents, time, and how many the map steps keep."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

from curate.document import Document, Rejection
from curate.steps import MapFunction
from pipelines.plan import Plan
from pipelines.registry import STEPS, CorpusStep
from pipelines.sources import Dropped, NotAPage, Part, read_part

PIECES = 8  # places in the input that are looked at
PIECE_BYTES = 1_000_000  # of each, where the file can be cut


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

    Corpus steps and writing are left out: they are small beside the rest.
    """
    pieces = list(_pieces(plan))
    looked = sum(p.stop - p.start for p in pieces)
    share = looked / max(sum(s.size for s in plan.slices), 1)
    started = time.perf_counter()
    documents = [d for piece in pieces for d in read_part(piece) if not isinstance(d, NotAPage)]
    steps = [StepEstimate("read", len(documents), 0, time.perf_counter() - started)]
    alive = [d for d in documents if isinstance(d, Document) and not isinstance(d, Dropped)]
    steps[0] = replace(steps[0], kept=len(alive))
    for step in plan.recipe.steps:
        kind = STEPS[step.kind]
        if isinstance(kind, CorpusStep):
            continue
        function = kind.make(step.config)
        for first in alive[:1]:
            _try(function, first)  # models load and kernels compile outside the measurement
        started = time.perf_counter()
        results = [_try(function, d) for d in alive]
        kept = [r for r in results if isinstance(r, Document)]
        steps.append(StepEstimate(step.name, len(alive), len(kept), time.perf_counter() - started))
        alive = kept
    scaled = (
        StepEstimate(s.name, round(s.read / share), round(s.kept / share), s.seconds / share) for s in steps if share
    )
    return Estimate(share, tuple(scaled))


def _try(function: MapFunction, document: Document) -> Document | Rejection:
    try:
        return function(document)
    except Exception as e:  # in a run, too, it costs the document
        return Rejection("error", detail=str(e))


def _pieces(plan: Plan) -> Iterator[Part]:
    count = len(plan.slices)
    for i in range(min(PIECES, count)):
        part = plan.slices[i * count // min(PIECES, count)].parts[0]
        if part.file.splits:
            part = replace(part, stop=min(part.stop, part.start + PIECE_BYTES))
        yield part
