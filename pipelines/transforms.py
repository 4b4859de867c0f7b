"""The steps as Beam transforms over a ``PCollection`` of documents, for pipelines of your own.

    pages = p | beam.io.ReadFromParquet("gs://...") | ReadDocuments.from_rows(text="content")
    kept = pages | Apply(Language(keep=("en",))) | Apply(Heuristics()) | Apply(MinHashDedup(threshold=0.8))
    kept | WriteCorpus("gs://bucket/out")
    kept.rejected | ...

`Apply` takes any step of `pipelines.steps`, a step of your own, or a function of a text or a document. What it returns are
the documents that stay; their attribute ``rejected`` is a ``PCollection`` of `Rejected`, of this step and of all before it
in the chain. Counters ``kept`` and ``rejected-RULE`` are in the namespace of the step's name. All of it is for batch.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa
from apache_beam.metrics import Metrics
from apache_beam.transforms.display import DisplayDataItem

from curate.document import Document, Rejection
from curate.text.hashing import stable_u64
from pipelines.io.readers import NotAPage, read_part
from pipelines.io.records import Dropped, row_document
from pipelines.io.sources import InputFile, Slice, cut_slices, list_inputs
from pipelines.io.tables import read_arrays
from pipelines.recipe.functions import FunctionStep
from pipelines.recipe.model import Source, plain
from pipelines.recipe.registry import word_of
from pipelines.steps.base import (
    Applied,
    CorpusStep,
    DecisionInMemory,
    KeySource,
    KeyTable,
    MapStep,
    Step,
    apply,
    block_address,
    failed,
)

BLOCKS = 256  # of keys: a worker holds the keys of one at a time
BATCH = 1000  # documents whose keys are looked at together, where the decision is about groups of documents
READ = "read"  # the name of reading in counters and rejections


@dataclass(frozen=True, slots=True)
class Rejected:
    """A document that a step rejects: the step's name, and why."""

    document: Document
    step: str
    rejection: Rejection


class ReadDocuments(beam.PTransform):
    """Read documents from files in any format that a recipe reads, or make them of rows.

    Args:
        sources: patterns of files, or ``Source`` objects with names, formats and columns.

    Returns:
        The documents; ``.rejected`` has the records that cannot be read.
    """

    def __init__(self, *sources: str | Source) -> None:
        super().__init__()
        self.sources = [Source(source) if isinstance(source, str) else source for source in sources]

    @staticmethod
    def from_rows(
        text: str = "text", columns: Sequence[str] = (), id: str = "", title: str = "", source: str = "input"
    ) -> beam.PTransform:
        """Return a transform from a ``PCollection`` of dicts to documents, by the rules of JSON lines.

        Args:
            text: the key of the text; ``html``, ``url`` and ``date`` are looked for as well.
            columns: keys that go along in ``Document.extra``.
            id: the key of the record's own id.
            title: the key of the title.
            source: name of the source that the documents carry.
        """
        return _FromRows(InputFile("", 0, 0.0, "rows", source, "", text, tuple(columns), id, title))

    def expand(self, start: beam.pvalue.PBegin) -> beam.PCollection[Document]:
        """List the files now, and read them slice by slice on the workers."""
        slices = cut_slices(list_inputs(self.sources))
        return _outputs(start | beam.Create(slices) | beam.Reshuffle() | _split(_ReadSlice()), None)

    def display_data(self) -> dict[str, Any]:
        """Show the patterns."""
        return {"input": DisplayDataItem(", ".join(source.input for source in self.sources), label="Input")}


class _FromRows(beam.PTransform):
    def __init__(self, file: InputFile) -> None:
        super().__init__()
        self.file = file

    def expand(self, rows: beam.PCollection[dict]) -> beam.PCollection[Document]:
        return _outputs(rows | _split(_ReadRow(self.file)), None)


class Apply(beam.PTransform):
    """Apply a step to documents.

    Args:
        step: a step with its settings, or a function of a text or a document.
        name: of the step in counters, rejections and labels; its word by default.
        blocks: of a corpus step: how many blocks the keys are cut into. A worker holds the keys of one block.
        settings: of a function.

    Returns:
        The documents that stay; ``.rejected`` has those that were rejected here and before.

    A corpus step whose decision is about single documents (the deduplications) brings documents and their verdicts
    together by a hash of the id: that shuffles the texts once per step. The recipe runner does not.
    """

    def __init__(
        self, step: Step | Callable[..., Any], name: str = "", blocks: int = BLOCKS, **settings: Any
    ) -> None:
        self.step = step if isinstance(step, Step) else FunctionStep(step, settings)
        word = step.__name__ if isinstance(self.step, FunctionStep) else word_of(self.step)  # type: ignore[union-attr]
        self.name, self.blocks = name or word.rpartition(".")[2], blocks
        super().__init__(self.name)

    def expand(self, documents: beam.PCollection[Document]) -> beam.PCollection[Document]:
        """Apply the step."""
        before = getattr(documents, "rejected", None)
        if isinstance(self.step, MapStep):
            return _outputs(documents | _split(_Map(self.step, self.name)), before)
        assert isinstance(self.step, CorpusStep)
        self.step.check()
        grouped = _by_document if self.step.by_document else _by_group
        return _outputs(grouped(documents, self.step, self.name, self.blocks), before)

    def display_data(self) -> dict[str, Any]:
        """Show the settings of the step."""
        settings = self.step.settings if isinstance(self.step, FunctionStep) else plain(self.step)
        return {key: DisplayDataItem(str(value), label=key) for key, value in settings.items()} | {"step": self.name}


def _split(function: beam.DoFn) -> beam.ParDo:
    transform = beam.ParDo(function).with_outputs("rejected", main="kept")
    return transform


def _outputs(outputs: Any, before: beam.PCollection | None) -> beam.PCollection[Document]:
    """Return the documents that stay, with all that were rejected as an attribute."""
    kept, rejected = outputs.kept, outputs.rejected
    kept.element_type, rejected.element_type = Document, Rejected
    kept.rejected = (before, rejected) | "AllRejected" >> beam.Flatten() if before is not None else rejected
    return kept


class _Counting(beam.DoFn):
    """Counts what a step keeps and rejects."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._kept = Metrics.counter(name, "kept")

    def outcome(self, document: Document, result: Document | Rejection) -> Any:
        """Return the output of a document, counted."""
        if isinstance(result, Rejection):
            Metrics.counter(self.name, f"rejected-{result.rule}").inc()
            return beam.pvalue.TaggedOutput("rejected", Rejected(document, self.name, result))
        self._kept.inc()
        return result


class _ReadSlice(_Counting):
    def __init__(self) -> None:
        super().__init__(READ)

    def process(self, part: Slice) -> Iterator[Any]:
        for piece in part.parts:
            for record in read_part(piece):
                if isinstance(record, NotAPage):
                    Metrics.counter(READ, f"skipped-{record.kind}").inc()
                    continue
                document, result = (record.document, record.rejection) if isinstance(record, Dropped) else (record,) * 2
                yield self.outcome(document, result)


class _ReadRow(_Counting):
    def __init__(self, file: InputFile) -> None:
        super().__init__(READ)
        self.file = file

    def process(self, row: dict) -> Iterator[Any]:
        record = row_document(row, self.file)
        document, result = (record.document, record.rejection) if isinstance(record, Dropped) else (record,) * 2
        yield self.outcome(document, result)


class _Map(_Counting):
    def __init__(self, step: MapStep, name: str) -> None:
        super().__init__(name)
        self.step = step

    def setup(self) -> None:
        self._function = self.step.make()

    def process(self, document: Document) -> Iterator[Any]:
        yield self.outcome(document, apply(self._function, document))


#: A row of keys with the document that it is of.
Keyed = tuple[str, str, tuple]


class _Keys(_Counting):
    """Takes the key of each document, by its block."""

    def __init__(self, step: CorpusStep, name: str, blocks: int) -> None:
        super().__init__(name)
        self.step, self.blocks = step, blocks

    def setup(self) -> None:
        self._key = self.step.key()

    def process(self, document: Document) -> Iterator[Any]:
        try:
            yield stable_u64(document.id) % self.blocks, (document.id, document.source, self._key(document))
        except BaseException as e:
            Metrics.counter(self.name, "rejected-error").inc()
            yield beam.pvalue.TaggedOutput("rejected", Rejected(document, self.name, failed(e)))


def _decision(documents: beam.PCollection[Document], step: CorpusStep, name: str, blocks: int) -> tuple[Any, Any]:
    """Return the blocks of keys, by number, and the decision, by address."""
    keyed = documents | "Keys" >> beam.ParDo(_Keys(step, name, blocks)).with_outputs("rejected", main="keys")
    tables = (
        keyed["keys"].with_output_types(tuple[int, Any]) if hasattr(keyed["keys"], "with_output_types") else keyed["keys"]
    )
    return tables, keyed
