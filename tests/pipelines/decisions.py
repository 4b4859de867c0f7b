"""Corpus steps in tests: over keys in memory, which need no run and no files, or over key files, as in a run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

import apache_beam as beam
import pyarrow as pa

from curate.document import Document
from pipelines.engine import decisions
from pipelines.engine.stored import AllKeys, KeyPart, StepData, StoredDecision
from pipelines.io.tables import TableWriter
from pipelines.steps.base import MEMORY, Applied, CorpusStep, DecisionInMemory, KeySource, KeyTable
from tests.eager import eager, pipeline

Blocks = Sequence[Sequence[Document]]


def keys_of(step: CorpusStep, blocks: Blocks) -> list[KeyTable]:
    """Return the keys of blocks of documents."""
    key = step.key()
    rows = [[dict(zip(step.key_schema.names, key(document), strict=True)) for document in block] for block in blocks]
    return [KeyTable(i, pa.Table.from_pylist(block, step.key_schema)) for i, block in enumerate(rows)]


def decide(step: CorpusStep, keys: Sequence[KeySource], *options: str) -> DecisionInMemory:
    """Decide over keys in an in-memory pipeline."""
    parts = defaultdict(list)
    for address, rows in eager(keys, step.decide, options=options):
        parts[address].append(rows)
    return DecisionInMemory(parts)


def applied(step: CorpusStep, blocks: Blocks, *options: str) -> list[Applied]:
    """Return what the decision of a step over blocks of documents means for each block."""
    keys = keys_of(step, blocks)
    decision = decide(step, keys, *options)
    return [step.apply(decision, block) for block in keys]


def rejections(applied: Sequence[Applied], blocks: Blocks) -> dict[str, str]:
    """Return the ids of the documents that are rejected, with the detail of each."""
    return {
        blocks[block][row].id: rejection.detail
        for block, means in enumerate(applied)
        for row, rejection in means.rejections()
    }


def store_keys(folder: Path, step: CorpusStep, blocks: Blocks) -> StepData:
    """Write the keys of each block's documents as a pass does."""
    folder.mkdir(parents=True, exist_ok=True)
    name = type(step).__name__
    data = StepData(step, name, str(folder), StoredDecision(str(folder / f"decide-{name}")))
    key = step.key()
    for index, block in enumerate(blocks):
        with TableWriter(data.path(index), step.key_schema) as writer:
            for document in block:
                writer.append(key(document))
    return data


def key_sizes(cut: Sequence[StepData], blocks: int) -> dict[str, tuple[int, int]]:
    """Return the number of rows and values of the keys of each step, as the manifests of a pass have them."""
    counts = {data.name: [AllKeys(data, index).count() for index in range(blocks)] for data in cut}
    return {name: (sum(rows for rows, _ in of_step), sum(n for _, n in of_step)) for name, of_step in counts.items()}


def decide_stored(
    cut: Sequence[StepData],
    blocks: int,
    make: Callable[[], beam.Pipeline] = pipeline,
    memory: int = MEMORY,
    distributed: bool = False,
) -> list[decisions.DecisionJob]:
    """Decide over key files as a run does; returns which jobs that took."""
    indices = range(blocks)
    jobs = decisions.decision_jobs(cut, key_sizes(cut, blocks), memory, distributed, 0)
    for share in jobs:
        for number in share.steps if not share.part else ():
            cut[number].decision.begin(share.parts)
        if share.iterative:
            rows, _ = key_sizes(cut, blocks)[cut[share.steps[0]].name]
            decisions.decide_in_jobs(cut, share.steps[0], indices, make, rows)
        else:
            with make() as p:
                decisions.decide(p, cut, share, indices)
    return jobs


def key_parts(data: StepData, blocks: int) -> list[KeyPart]:
    """Return the keys that a step wrote."""
    return [KeyPart(index, data) for index in range(blocks)]
