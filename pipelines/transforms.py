"""Beam transforms that apply steps to a ``PCollection`` of documents.

    pages = p | beam.io.ReadFromParquet("gs://...") | ReadDocuments.from_rows(text="content")
    kept = pages | Apply(Language(keep=("en",))) | Apply(Heuristics()) | Apply(MinHashDedup(threshold=0.8))
    kept | WriteCorpus("gs://bucket/out")
    kept.rejected | ...

`Apply` takes any step of `pipelines.steps`, a user-defined step, or a function of a text or a document. It returns the
documents that are kept; their attribute ``rejected`` is a ``PCollection`` of `Rejected`, from this step and all steps
before it in the chain. Counters ``kept`` and ``rejected-RULE`` are in a namespace named after the step. The transforms
are for batch pipelines only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import apache_beam as beam
import pyarrow as pa
from apache_beam.metrics import Metrics
from apache_beam.transforms.display import DisplayDataItem

from curate.document import Document, Rejection
from curate.text.hashing import stable_u64
from pipelines.io.readers import NotAPage, read_part
from pipelines.io.records import Dropped, row_document
from pipelines.io.sources import InputFile, Slice, cut_slices, list_inputs
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
    with_local_files,
)

BLOCKS = 256  # blocks of keys: a worker holds the keys of one block at a time
BATCH = 1000  # documents to which a decision about groups of documents is applied at a time, at most
READ = "read"  # name of reading in counters and rejections


@dataclass(frozen=True, slots=True)
class Rejected:
    """A rejected document, with the name of the step and the reason."""

    document: Document
    step: str
    rejection: Rejection


class ReadDocuments(beam.PTransform):
    """Read documents from files in any format that a recipe can read.

    Args:
        sources: file patterns, or ``Source`` objects with names, formats and columns.

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
        """Return a transform from a ``PCollection`` of dicts to documents, with the rules for JSON lines.

        Args:
            text: key of the text; the keys ``html``, ``url`` and ``date`` are read as well.
            columns: keys to copy to ``Document.extra``.
            id: key of the record's id in its source.
            title: key of the title.
            source: name of the source to give to the documents.
        """
        return _FromRows(InputFile("", 0, 0.0, "rows", source, "", text, tuple(columns), id, title))

    def expand(self, start: beam.pvalue.PBegin) -> beam.PCollection[Document]:
        """List the files when the pipeline is built, and read them slice by slice on the workers."""
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

    A corpus step that decides about single documents (the deduplication steps) joins documents and decisions by a hash
    of the id, which shuffles the texts once per step. The recipe runner does not shuffle texts.

    Args:
        step: a step with its settings, or a function of a text or a document.
        name: name of the step in counters, rejections and labels; by default, its word in recipes.
        blocks: number of blocks of keys of a corpus step; a worker holds the keys of one block.
        settings: settings of a function.

    Returns:
        The documents that are kept; ``.rejected`` has those that were rejected here and before.
    """

    def __init__(self, step: Step | Callable[..., Any], name: str = "", blocks: int = BLOCKS, **settings: Any) -> None:
        self.step = step if isinstance(step, Step) else FunctionStep(step, settings)
        word = self.step.function.__name__ if isinstance(self.step, FunctionStep) else word_of(self.step)
        self.name, self.blocks = name or word.rpartition(".")[2], blocks
        super().__init__(self.name)

    def expand(self, documents: beam.PCollection[Document]) -> beam.PCollection[Document]:
        """Apply the step."""
        before = getattr(documents, "rejected", None)
        if isinstance(self.step, MapStep):
            return _outputs(documents | _split(_Map(self.step, self.name)), before)
        assert isinstance(self.step, CorpusStep)
        self.step.check()
        transform = _ByDocument if self.step.by_document else _ByGroup
        applied, without_key = documents | "Decide" >> transform(self.step, self.name, self.blocks)
        earlier = (without_key,) if before is None else (before, without_key)
        return _outputs(applied, earlier | "Earlier" >> beam.Flatten())

    def display_data(self) -> dict[str, Any]:
        """Show the settings of the step."""
        settings = self.step.settings if isinstance(self.step, FunctionStep) else plain(self.step)
        return {key: DisplayDataItem(str(value), label=key) for key, value in settings.items()} | {"step": self.name}


class Decide(beam.PTransform):
    """Make the decision of a corpus step from blocks of keys; used by `Apply` and the recipe runner.

    Args:
        step: the corpus step.

    Returns:
        The decision, as `CorpusStep.decide` returns it.
    """

    def __init__(self, step: CorpusStep) -> None:
        super().__init__()
        self.step = step

    def expand(self, keys: beam.PCollection[KeySource]) -> beam.PCollection[tuple[str, bytes]]:
        """Make the decision."""
        return self.step.decide(keys)


def _split(function: beam.DoFn, *side_inputs: Any) -> beam.PTransform:
    return beam.ParDo(function, *side_inputs).with_outputs("rejected", main="kept")


def _outputs(outputs: Any, before: beam.PCollection | None) -> beam.PCollection[Document]:
    """Return the kept documents, with all rejected ones as an attribute."""
    kept, rejected = outputs.kept, outputs.rejected
    kept.element_type, rejected.element_type = Document, Rejected
    kept.rejected = (before, rejected) | "AllRejected" >> beam.Flatten() if before is not None else rejected
    return kept


class _Counting(beam.DoFn):
    """A function that counts the documents that it keeps and rejects."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._kept = Metrics.counter(name, "kept")

    def outcome(self, document: Document, result: Document | Rejection) -> Any:
        """Count the result for a document, and return the output for it."""
        if isinstance(result, Rejection):
            Metrics.counter(self.name, f"rejected-{result.rule}").inc()
            return beam.pvalue.TaggedOutput("rejected", Rejected(document, self.name, result))
        self._kept.inc()
        return result

    def read(self, record: Document | Dropped) -> Any:
        """Count a record of the input, and return the output for it."""
        if isinstance(record, Dropped):
            return self.outcome(record.document, record.rejection)
        return self.outcome(record, record)


class _ReadSlice(_Counting):
    def __init__(self) -> None:
        super().__init__(READ)

    def process(self, slice_: Slice) -> Iterator[Any]:
        for part in slice_.parts:
            for record in read_part(part):
                if isinstance(record, NotAPage):
                    Metrics.counter(READ, f"skipped-{record.kind}").inc()
                    continue
                yield self.read(record)


class _ReadRow(_Counting):
    def __init__(self, file: InputFile) -> None:
        super().__init__(READ)
        self.file = file

    def process(self, row: dict) -> Iterator[Any]:
        yield self.read(row_document(row, self.file))


class _Map(_Counting):
    def __init__(self, step: MapStep, name: str) -> None:
        super().__init__(name)
        self.step = step

    def setup(self) -> None:
        self._function = with_local_files(self.step).make()

    def process(self, document: Document) -> Iterator[Any]:
        yield self.outcome(document, apply(self._function, document))


class _Keys(_Counting):
    """Extracts the key of each document; keys and documents get the address of a block."""

    def __init__(self, step: CorpusStep, name: str, blocks: int) -> None:
        super().__init__(name)
        self.step, self.blocks = step, blocks

    def setup(self) -> None:
        self._key = self.step.key()

    def process(self, document: Document) -> Iterator[Any]:
        address = block_address(stable_u64(document.id) % self.blocks)
        try:
            key = self._key(document)
        except BaseException as e:
            yield self.outcome(document, failed(e))
            return
        yield address, (document.id, document.source, key)
        yield beam.pvalue.TaggedOutput("documents", (address, document))


#: The id and source of a document, and its key.
Keyed = tuple[str, str, tuple]


@dataclass(frozen=True)
class _Block:
    """Builds a block of keys, sorted by id and source."""

    schema: pa.Schema

    def __call__(self, of_block: tuple[str, Iterable[Keyed]]) -> KeyTable:
        address, rows = of_block
        return key_table(address, sorted(rows, key=lambda row: row[:2]), self.schema)


def key_table(address: str, rows: Sequence[Keyed], schema: pa.Schema) -> KeyTable:
    """Return the keys of some documents as a block; the address gives its number."""
    columns = list(zip(*(key for _, _, key in rows), strict=True)) or [()] * len(schema)
    arrays = [pa.array(list(column), field.type) for column, field in zip(columns, schema, strict=True)]
    return KeyTable(int(address.rpartition("-")[2]), pa.Table.from_arrays(arrays, schema=schema))


def _decided(documents: beam.PCollection[Document], step: CorpusStep, name: str, blocks: int) -> tuple[Any, Any, Any]:
    """Extract keys and decide.

    Returns:
        Keys and documents by block, with documents that have no key as ``rejected``; the decision; and a side input
        with those parts of the decision that concern all blocks.
    """
    outputs = documents | "Keys" >> beam.ParDo(_Keys(step, name, blocks)).with_outputs(
        "rejected", "documents", main="keys"
    )
    outputs.keys.element_type = beam.typehints.KV[str, Any]
    outputs.documents.element_type = beam.typehints.KV[str, Any]
    outputs.rejected.element_type = Rejected
    tables = outputs.keys | "GroupBlocks" >> beam.GroupByKey() | "Blocks" >> beam.Map(_Block(step.key_schema))
    decision = tables | "Decide" >> Decide(step)
    for_all = decision | "ForAll" >> beam.Filter(lambda part: not part[0].startswith("block-"))
    return outputs, decision, beam.pvalue.AsMultiMap(for_all)


class _ByDocument(beam.PTransform):
    """Applies a decision about single documents: joins the keys, documents and decision of each block."""

    def __init__(self, step: CorpusStep, name: str, blocks: int) -> None:
        super().__init__()
        self.step, self.name, self.blocks = step, name, blocks

    def expand(self, documents: beam.PCollection[Document]) -> Any:
        outputs, decision, for_all = _decided(documents, self.step, self.name, self.blocks)
        together = {"keys": outputs.keys, "documents": outputs.documents, "rows": decision} | beam.CoGroupByKey()
        applied = together | "Apply" >> _split(_ApplyToBlock(self.step, self.name), for_all)
        return applied, outputs.rejected


class _ByGroup(beam.PTransform):
    """Applies a decision about groups of documents, a small table, as a side input."""

    def __init__(self, step: CorpusStep, name: str, blocks: int) -> None:
        super().__init__()
        self.step, self.name, self.blocks = step, name, blocks

    def expand(self, documents: beam.PCollection[Document]) -> Any:
        outputs, _, for_all = _decided(documents, self.step, self.name, self.blocks)
        batches = outputs.documents | beam.Values() | beam.BatchElements(1, BATCH)
        return batches | "Apply" >> _split(_ApplyToBatch(self.step, self.name), for_all), outputs.rejected


class _ApplyToBlock(_Counting):
    def __init__(self, step: CorpusStep, name: str) -> None:
        super().__init__(name)
        self.step = step

    def process(self, of_block: tuple[str, dict[str, Any]], for_all: Any) -> Iterator[Any]:
        address, block = of_block
        rows = sorted(block["keys"], key=lambda row: row[:2])
        if not rows:  # a part of the decision that concerns all blocks
            return
        decision = DecisionInMemory(_Parts({address: list(block["rows"])}, for_all))
        applied = self.step.apply(decision, key_table(address, rows, self.step.key_schema))
        lost = dict(applied.rejections())
        numbers: dict[tuple[str, str], list[int]] = {}
        for number, (id_, source, _) in enumerate(rows):
            numbers.setdefault((id_, source), []).append(number)
        for document in block["documents"]:
            number = numbers[document.id, document.source].pop(0)
            yield self.outcome(document, lost.get(number) or _edited(applied, number, document))


class _ApplyToBatch(_Counting):
    def __init__(self, step: CorpusStep, name: str) -> None:
        super().__init__(name)
        self.step = step

    def setup(self) -> None:
        self._key = self.step.key()

    def process(self, batch: list[Document], for_all: Any) -> Iterator[Any]:
        rows = [(document.id, document.source, self._key(document)) for document in batch]
        keys = key_table(block_address(0), rows, self.step.key_schema)
        applied = self.step.apply(DecisionInMemory(_Parts({}, for_all)), keys)
        lost = dict(applied.rejections())
        for number, document in enumerate(batch):
            yield self.outcome(document, lost.get(number) or _edited(applied, number, document))


def _edited(applied: Applied, number: int, document: Document) -> Document | Rejection:
    return apply(applied.edit, number, document) if applied.edit else document


class _Parts(Mapping[str, list[bytes]]):
    """The parts of a decision for one block, and those for all blocks, which Beam looks up one by one."""

    def __init__(self, own: dict[str, list[bytes]], for_all: Any) -> None:
        self._own, self._for_all = own, for_all

    def __getitem__(self, address: str) -> list[bytes]:
        return self._own[address] if address in self._own else list(self._for_all[address])

    def __iter__(self) -> Iterator[str]:
        return iter(self._own)

    def __len__(self) -> int:
        return len(self._own)
