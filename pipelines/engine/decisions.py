"""The decisions of a cut, one after the other in one Beam job.

Each step sees the keys of the documents that the steps before it left: its keys are read when the decision before is
written, for which the job waits by a side input of a few bytes. Two kinds of decision have jobs of their own: one whose
keys do not fit the memory of this machine is made job by job, and one that loops until nothing changes
(`CorpusStep.decide_in_jobs`) in as many jobs as it takes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import apache_beam as beam
from apache_beam.internal.cloudpickle import cloudpickle

from pipelines.engine.code import PACKAGES
from pipelines.engine.stored import KeyPart, StepData, StoredDecision
from pipelines.io import files
from pipelines.steps.base import CorpusStep
from pipelines.transforms import Decide

COPIES = 3  # a shuffled byte in one process: as it comes, grouped, and as it is worked on


@dataclass(frozen=True, slots=True)
class DecisionJob:
    """A job of the decisions that one Beam job makes: those of some steps, of a part of their keys."""

    steps: tuple[int, ...]  # numbers of steps of the cut
    part: int = 0
    parts: int = 1
    iterative: bool = False


def decision_jobs(
    cut: Sequence[StepData], indices: Sequence[int], memory: int, distributed: bool, documents: float
) -> list[DecisionJob]:
    """Cut the decisions that are missing into jobs.

    Args:
        cut: the corpus steps of a cut.
        indices: of all slices.
        memory: bytes that keys may take in this process.
        distributed: whether pipelines run on workers elsewhere, which have memory together.
        documents: how many there are at most.
    """
    found: list[DecisionJob] = []
    for number, data in enumerate(cut):
        if data.decision.is_whole():
            continue
        keys = [KeyPart(index, data) for index in indices] if not distributed else []
        parts = max(1, -(-data.step.key_bytes(keys) * COPIES // memory)) if keys else 1
        if data.step.takes_several_jobs(documents if distributed else 0, memory):
            found.append(DecisionJob((number,), iterative=True))
        elif parts > 1:
            found += [DecisionJob((number,), part, parts) for part in range(parts)]
        elif found and found[-1].parts == 1 and not found[-1].iterative:
            found[-1] = DecisionJob((*found[-1].steps, number))
        else:
            found.append(DecisionJob((number,)))
    return found


def decide(
    pipeline: beam.Pipeline,
    cut: Sequence[StepData],
    job: DecisionJob,
    indices: Sequence[int],
    after: beam.PCollection | None = None,
) -> None:
    """Add the decisions of a job to a pipeline.

    Args:
        pipeline: to add them to.
        cut: the corpus steps of the cut.
        job: which decisions.
        indices: of all slices.
        after: what must be there before the first keys are read.
    """
    after = after or pipeline | "Begin" >> beam.Create([0])
    numbers = pipeline | "Slices" >> beam.Create(list(indices)) | "SpreadSlices" >> beam.Reshuffle()
    for number in job.steps:
        data = cut[number]
        take_along(data.step)
        make = _KeyPartOf(data, tuple(cut[:number]), job.part, job.parts)
        keys = numbers | f"{data.name}: keys" >> beam.Map(make, beam.pvalue.AsIter(after)).with_output_types(KeyPart)
        after = (
            keys
            | data.name >> Decide(data.step)
            | f"{data.name}: group" >> beam.GroupByKey()
            | f"{data.name}: write" >> beam.Map(_write, data.decision, job.part).with_output_types(int)
            | f"{data.name}: count" >> beam.combiners.Count.Globally()
        )
        if job.part == job.parts - 1:
            after = after | f"{data.name}: end" >> beam.Map(_end, data).with_output_types(int)


def take_along(step: CorpusStep) -> None:
    """Let Beam pickle a step of the user's own with its source: workers need not have its module."""
    module = sys.modules[type(step).__module__]
    if module.__name__.partition(".")[0] not in PACKAGES:
        cloudpickle.register_pickle_by_value(module)


@dataclass(frozen=True)
class _KeyPartOf:
    """Makes the keys of a slice from its index: indices are all that the graph of a job holds of slices."""

    data: StepData
    earlier: tuple[StepData, ...]
    part: int
    parts: int

    def __call__(self, index: int, after: Iterable[int]) -> KeyPart:
        return KeyPart(index, self.data, self.earlier, self.part, self.parts)


def _write(part_of: tuple[str, Iterable[bytes]], decision: StoredDecision, part: int) -> int:
    address, rows = part_of
    decision.write(address, b"".join(rows), part)
    return 0


def _end(count: int, data: StepData) -> int:
    data.decision.end(data.name)
    return count


@dataclass(frozen=True)
class StoredJobs:
    """Runs the jobs of a decision that takes several, and writes it; between them lie files in its folder."""

    decision: StoredDecision
    pipeline: Callable[[], beam.Pipeline] = field(repr=False)

    @property
    def scratch(self) -> str:
        """A folder that all workers see."""
        return files.join(self.decision.folder, "stages")

    def write(self, address: str, rows: bytes) -> None:
        """Write a part of the decision."""
        self.decision.write(address, rows)

    def __reduce__(self) -> tuple:
        return StoredJobs, (self.decision, _no_pipeline)


def _no_pipeline() -> beam.Pipeline:
    raise RuntimeError("workers run no jobs")


def decide_in_jobs(
    cut: Sequence[StepData], number: int, indices: Sequence[int], pipeline: Callable[[], beam.Pipeline]
) -> None:
    """Make a decision that takes several jobs."""
    data = cut[number]
    jobs = StoredJobs(data.decision, pipeline)
    data.step.decide_in_jobs([KeyPart(index, data, tuple(cut[:number])) for index in indices], jobs)
    files.delete([jobs.scratch])
    data.decision.end(data.name)


def warn(cut: Sequence[StepData], number: int, indices: Sequence[int]) -> Iterator[str]:
    """Yield what people should look at in a decision.

    Raises:
        RunError: what makes it useless to go on.
    """
    data = cut[number]
    yield from data.step.warnings(data.decision, [KeyPart(index, data, tuple(cut[:number])) for index in indices])
