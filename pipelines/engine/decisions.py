"""The decisions of a cut, one after another in a single Beam job.

Each step sees only the keys of documents that earlier steps kept: its keys are read after the previous decision has
been written, which the job waits for by means of a side input of a few bytes. Two types of decision need separate jobs.
If the keys do not fit in the memory of this machine, the decision is made in several parts, one job per part. An
iterative decision (`CorpusStep.decide_in_jobs`) runs as many jobs as it needs.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import apache_beam as beam
from apache_beam.internal.cloudpickle import cloudpickle

from pipelines.engine.code import PACKAGES
from pipelines.engine.stored import KeyPart, KeyParts, KeySizes, StepData, StoredDecision
from pipelines.io import files
from pipelines.steps.base import CorpusStep, KeyOptions
from pipelines.transforms import Decide

RANGE = 1000  # slices whose numbers are one element of the job graph; curate's own value
COPIES = 3  # of a shuffled byte in one process: as it arrives, grouped, and as it is processed


@dataclass(frozen=True, slots=True)
class DecisionJob:
    """Decisions that are made together: those of some steps over one part of their keys, or an iterative one.

    Attributes:
        steps: numbers of the steps in the cut.
        part: number of the part of the keys.
        parts: number of parts.
        iterative: whether the decision, of a single step, runs several Beam jobs.
    """

    steps: tuple[int, ...]
    part: int = 0
    parts: int = 1
    iterative: bool = False


def decision_jobs(
    cut: Sequence[StepData],
    keys: Mapping[str, tuple[int, int]],
    memory: int,
    distributed: bool,
    documents: float,
) -> list[DecisionJob]:
    """Group the decisions that are not made yet into as few jobs as possible.

    Args:
        cut: the corpus steps of a cut.
        keys: by step, the number of rows and of values of all keys; used only on one machine.
        memory: budget for keys in this process, in bytes.
        distributed: whether pipelines run on a cluster, whose workers have enough memory together.
        documents: upper bound on the number of documents.
    """
    jobs: list[DecisionJob] = []
    for number, data in enumerate(cut):
        if data.decision.is_whole():
            continue
        size = 0 if distributed else data.step.key_bytes([KeySizes(*keys[data.name])])
        parts = max(1, -(-size * COPIES // memory))
        if data.step.takes_several_jobs(documents if distributed else 0, memory):
            jobs.append(DecisionJob((number,), iterative=True))
        elif parts > 1:
            jobs += [DecisionJob((number,), part, parts) for part in range(parts)]
        elif jobs and jobs[-1].parts == 1 and not jobs[-1].iterative:
            jobs[-1] = DecisionJob((*jobs[-1].steps, number))
        else:
            jobs.append(DecisionJob((number,)))
    return jobs


def decide(
    pipeline: beam.Pipeline,
    cut: Sequence[StepData],
    job: DecisionJob,
    indices: Sequence[int],
    after: beam.PCollection | None = None,
    documents: int = 0,
) -> beam.PCollection:
    """Add the decisions of a job to a pipeline; return a collection that is complete when they are made.

    Args:
        pipeline: the pipeline.
        cut: the corpus steps of the cut.
        job: the decisions to add.
        indices: numbers of all slices, from 0.
        after: a collection that must be complete before the first keys are read.
        documents: number of documents, or an estimate; more documents get more ranges of keys.
    """
    pipeline.options.view_as(KeyOptions).key_documents = documents
    once = pipeline | "Once" >> beam.Create([0])
    after = after or once
    ranges = [range(first, min(first + RANGE, len(indices))) for first in range(0, len(indices), RANGE)]
    numbers = (
        pipeline
        | "Ranges" >> beam.Create([(part.start, part.stop) for part in ranges])
        | "Slices" >> beam.FlatMap(lambda part: range(*part)).with_output_types(int)
        | "SpreadSlices" >> beam.Reshuffle()
    )
    for number in job.steps:
        data = cut[number]
        take_along(data.step)
        make = _KeyPartOf(data, tuple(cut[:number]), job.part, job.parts)
        keys = numbers | f"{data.name}: keys" >> beam.Map(make, beam.pvalue.AsIter(after)).with_output_types(KeyPart)
        written = (
            keys
            | data.name >> Decide(data.step)
            | f"{data.name}: group" >> beam.GroupByKey()
            | f"{data.name}: write" >> beam.Map(_write, data.decision, job.part).with_output_types(int)
        )
        is_last = job.part == job.parts - 1
        end = beam.Map(_end, data, is_last, beam.pvalue.AsIter(written)).with_output_types(int)
        after = once | f"{data.name}: end" >> end
    return after


def take_along(step: CorpusStep) -> None:
    """Let Beam pickle a user-defined step by value, because workers may not have its module."""
    module = sys.modules[type(step).__module__]
    if module.__name__.partition(".")[0] not in PACKAGES:
        cloudpickle.register_pickle_by_value(module)


@dataclass(frozen=True)
class _KeyPartOf:
    """Makes the keys of a slice from its number, so that the job graph holds nothing but numbers of slices."""

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


def _end(element: int, data: StepData, is_last: bool, written: Iterable[int]) -> int:
    if is_last:
        data.decision.end(data.name)
    return element


@dataclass(frozen=True)
class StoredJobs:
    """Runs the jobs of an iterative decision and writes it; jobs exchange files in its folder."""

    decision: StoredDecision
    pipeline: Callable[[], beam.Pipeline] = field(repr=False)
    documents: int

    @property
    def scratch(self) -> str:
        """A folder that all workers can access."""
        return files.join(self.decision.folder, "stages")

    def write(self, address: str, rows: bytes) -> None:
        """Write a part of the decision."""
        self.decision.write(address, rows)

    def __reduce__(self) -> tuple:
        return StoredJobs, (self.decision, _no_pipeline, self.documents)


def _no_pipeline() -> beam.Pipeline:
    raise RuntimeError("workers cannot run Beam jobs")


def decide_in_jobs(
    cut: Sequence[StepData],
    number: int,
    indices: Sequence[int],
    pipeline: Callable[[], beam.Pipeline],
    documents: int,
) -> None:
    """Make an iterative decision.

    Args:
        cut: the corpus steps of the cut.
        number: number of the step in it.
        indices: numbers of all slices, from 0.
        pipeline: returns an empty pipeline.
        documents: upper bound on the number of documents.
    """
    data = cut[number]
    jobs = StoredJobs(data.decision, pipeline, documents)
    data.step.decide_in_jobs(KeyParts(data, tuple(cut[:number]), len(indices)), jobs)
    files.delete([jobs.scratch])
    data.decision.end(data.name)


def warn(cut: Sequence[StepData], number: int, indices: Sequence[int]) -> Iterator[str]:
    """Yield the warnings of a decision.

    Raises:
        RunError: the decision makes it pointless to continue.
    """
    data = cut[number]
    yield from data.step.warnings(data.decision, KeyParts(data, tuple(cut[:number]), len(indices)))
