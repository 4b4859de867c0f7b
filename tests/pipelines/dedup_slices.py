"""Key files of a corpus step, made from documents or from arrays without a run around them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from curate.document import Document
from pipelines.io import files, sealed
from pipelines.io.tables import TableWriter
from pipelines.steps.base import CorpusStep, KeySlice, Taken


def write_slices(
    folder: Path,
    step: CorpusStep,
    config: Any,
    documents: Sequence[Sequence[Document]],
    earlier: tuple[Taken, ...] = (),
) -> list[KeySlice]:
    """Write the keys of each slice's documents; returns the slices, as a run would hand them to the step."""
    decision = folder / f"decide-{type(step).__name__}"
    decision.mkdir(parents=True, exist_ok=True)
    taken = Taken(step, config, type(step).__name__, str(folder), str(decision))
    key = step.key_function(config)
    for index, part in enumerate(documents):
        with TableWriter(taken.path(index), step.schema) as writer:
            for document in part:
                writer.append(key(document))
    return [KeySlice(index, taken, earlier) for index in range(len(documents))]


def pipeline(*options: str) -> beam.Pipeline:
    """An empty pipeline on the runner that local runs use."""
    return beam.Pipeline(runner=FnApiRunner(), options=PipelineOptions(list(options)))


def decide(slices: Sequence[KeySlice], make: Any = pipeline, **more: Any) -> None:
    """Decide as a run does."""
    taken = slices[0].taken
    taken.step.decide_all(taken.config, slices, taken.decision, make, **more)


def rejections(slices: Sequence[KeySlice], documents: Sequence[Sequence[Document]]) -> dict[str, str]:
    """Which ids are rejected, and the detail of each."""
    found = {}
    for part in slices:
        for row, rejection in part.taken.losers(part.index):
            found[documents[part.index][row].id] = rejection.detail
    return found


def warnings(slices: Sequence[KeySlice]) -> list[str]:
    """The sentences that the decision left."""
    return sealed.read_json(files.join(slices[0].taken.decision, "warnings.json"))  # type: ignore[return-value]
