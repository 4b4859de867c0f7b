"""What a step is: a frozen dataclass of settings that says what it reads and writes of a document, and what it does.

A *map step* looks at one document: `MapStep.make` returns a function from a document to that document or a rejection. A
*corpus step* must see all documents: it takes a small key from each (`CorpusStep.key`), decides over the keys alone
(`CorpusStep.decide`, a Beam transform), and applies the decision (`CorpusStep.apply`). Neither knows where keys and
decisions are stored: `pipelines.engine` runs the steps of a recipe over files, `pipelines.transforms` runs the same
methods over a ``PCollection`` of documents.

>>> from dataclasses import dataclass
>>> from typing import ClassVar
>>> @dataclass(frozen=True, slots=True)
... class Shorten(MapStep):
...     characters: int = 10
...     reads: ClassVar = frozenset({"text"})
...     writes: ClassVar = frozenset({"text"})
...     def make(self):
...         return lambda document: replace(document, text=document.text[: self.characters])
>>> Shorten(3).make()(Document(id="0", text="abcdef")).text
'abc'
"""

from __future__ import annotations

import argparse
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Protocol, get_args, get_origin, get_type_hints

import numpy as np
import orjson
import pyarrow as pa
from apache_beam.options.pipeline_options import PipelineOptions

from curate.bounds import Names
from curate.document import Document, Edit, Rejection
from curate.models.panics import is_panic

if TYPE_CHECKING:
    import apache_beam as beam


MEMORY = 1_000_000_000  # bytes that the keys of a corpus step may take at a time
MapFunction = Callable[[Document], Document | Rejection]


class RunError(RuntimeError):
    """A run that cannot go on, and what to do."""


def from_settings(function: Callable[[Any], Any]) -> Any:
    """Make a property of what depends on a step's settings, where other steps have a constant."""
    return property(function)


class Step:
    """A step of a recipe; its dataclass fields are its settings, with their defaults.

    Attributes:
        reads: fields of a document that must be there: given by the input, or written by an earlier step.
        assumes: fields that it reads too, and what it assumes where nothing has written them.
        writes: fields that it changes; a name that is no field of a document is a column.
        libraries: distributions whose version can change its results.
        measures: reference filters whose quantities are among the signals that it writes.
        privacy: a ``PiiConfig``: what it replaces in a text, and the run in all else that it writes.
        token_type: NumPy type of token ids, of a step that writes tokens.
        must_reject: whether it rejects something of any real crawl, so that rejecting nothing deserves a warning.
    """

    __slots__ = ()
    reads: ClassVar[frozenset[str]] = frozenset()
    assumes: ClassVar[Mapping[str, str]] = MappingProxyType({})
    writes: ClassVar[frozenset[str]] = frozenset()
    libraries: ClassVar[tuple[str, ...]] = ()
    measures: ClassVar[tuple[str, ...]] = ()
    privacy: ClassVar[Any] = None
    token_type: ClassVar[str] = "<i4"
    must_reject: ClassVar[bool] = False

    def check(self) -> None:
        """Look at what the settings name, before anything runs.

        Raises:
            ValueError, OSError: what is missing or wrong.
        """

    def check_sources(self, sources: Collection[str]) -> None:
        """Look at settings that name sources of the recipe.

        Raises:
            ValueError: a source that is not there.
        """

    def describe(self, decision: DecisionTable | None = None) -> list[str]:
        """Return sentences for ``curate plan``: what the settings mean, and what a decision that is there did."""
        return []


class MapStep(Step, ABC):
    """A step that looks at one document."""

    __slots__ = ()

    @abstractmethod
    def make(self) -> MapFunction:
        """Return the function of a document; models and lists load here, once per process.

        Raises:
            ValueError, OSError, ImportError: what is missing.
        """


class CorpusStep(Step, ABC):
    """A step that must see all documents.

    Attributes:
        key_schema: of the keys, a row per document.
        key_settings: names of the settings that keys depend on; the others change the decision alone.
        by_document: whether a decision has rows for single documents, at the address of their block.
        shuffles: what a document costs in a shuffle, for ``curate plan``.
    """

    __slots__ = ()
    key_schema: ClassVar[pa.Schema]
    key_settings: ClassVar[tuple[str, ...]] = ()
    by_document: ClassVar[bool] = False
    shuffles: ClassVar[str] = ""

    @abstractmethod
    def key(self) -> Callable[[Document], tuple]:
        """Return the function that takes a document's key, a row of ``key_schema``."""

    @abstractmethod
    def decide(self, keys: beam.PCollection[KeySource]) -> beam.PCollection[tuple[str, bytes]]:
        """Decide over blocks of keys.

        Args:
            keys: the blocks; a step loads the columns that it needs where it needs them.

        Returns:
            The decision: (address, rows as bytes), in any order, as many for an address as there are. An address is
            `block_address` of a block, or any name.
        """

    @abstractmethod
    def apply(self, decision: DecisionTable, keys: KeySource) -> Applied:
        """Return what a decision means for the documents of a block."""

    def key_bytes(self, keys: Sequence[KeySource]) -> int:
        """Return how many bytes of keys ``decide`` shuffles; 0 where they are few whatever the corpus is."""
        return 0

    def takes_several_jobs(self, documents: float, memory: int) -> bool:
        """Say whether a decision over so many documents needs `decide_in_jobs`, on workers elsewhere."""
        return False

    def decide_in_jobs(self, keys: Sequence[KeySource], jobs: Jobs) -> None:
        """Decide in a series of Beam jobs, where one cannot: what loops until nothing changes."""
        raise NotImplementedError

    def warnings(self, decision: DecisionTable, keys: Sequence[KeySource]) -> list[str]:
        """Return sentences about a decision that people should look at.

        Raises:
            RunError: what makes it useless to go on.
        """
        return []

    def report(self, decision: DecisionTable, text: Callable[[int, int], str]) -> dict[str, Any]:
        """Return what the report shows of a decision, by the name of its part.

        Args:
            decision: as applied.
            text: returns the text of a document, by its block and row, as it was when the keys were taken.
        """
        return {}


class Jobs(Protocol):
    """Runs the Beam jobs of a decision that takes several."""

    @property
    def scratch(self) -> str:
        """A folder that all workers see, deleted when the decision is whole."""

    def pipeline(self) -> beam.Pipeline:
        """Return an empty pipeline."""

    def write(self, address: str, rows: bytes) -> None:
        """Write a part of the decision; workers may call it too."""


class KeyOptions(PipelineOptions):
    """What a decision may take on one machine."""

    @classmethod
    def _add_argparse_args(cls, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--key_memory", type=int, default=MEMORY, help="bytes that keys may take at a time")
        parser.add_argument("--key_scratch", help="folder for what does not fit; the system's by default")


@dataclass(frozen=True, slots=True)
class Applied:
    """What a decision means for the documents of a block.

    Attributes:
        rejected: row numbers of documents that it rejects, ascending.
        rejection: why, by position in ``rejected``.
        edit: changes a document that stays, by its row number; None where none changes.
    """

    rejected: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    rejection: Callable[[int], Rejection] = lambda i: Rejection("")
    edit: Callable[[int, Document], Document | Rejection] | None = None

    def rejections(self) -> Iterator[tuple[int, Rejection]]:
        """Yield row numbers and reasons."""
        return ((int(row), self.rejection(i)) for i, row in enumerate(self.rejected))


class KeySource(Protocol):
    """A block of keys, loaded where it is needed.

    Attributes:
        index: number of the block.
        part, parts: a decision that does not fit the memory is made in ``parts`` runs; a run looks at those keys
            alone of which ``part`` is the share, as the step defines it.
    """

    @property
    def index(self) -> int:
        """Number of the block."""

    @property
    def part(self) -> int:
        """Which share of the keys to look at."""

    @property
    def parts(self) -> int:
        """How many shares there are."""

    def load(self, columns: Sequence[str] | None = None) -> tuple[np.ndarray, pa.Table]:
        """Return the row numbers of documents that no earlier step has rejected, and their keys."""

    def count(self) -> tuple[int, int]:
        """Return at most how many rows and how many values there are; lists have a value per element."""


@dataclass(frozen=True, slots=True)
class KeyTable:
    """A block of keys in memory."""

    index: int
    table: pa.Table
    part: int = 0
    parts: int = 1

    def load(self, columns: Sequence[str] | None = None) -> tuple[np.ndarray, pa.Table]:
        """Return all row numbers and keys."""
        return np.arange(len(self.table)), self.table.select(columns) if columns else self.table

    def count(self) -> tuple[int, int]:
        """Return the number of rows and of values."""
        lists = (len(c.combine_chunks().flatten()) for c in self.table.columns if pa.types.is_list(c.type))
        return len(self.table), max(len(self.table), *lists, 0)


def block_address(index: int) -> str:
    """Return the address of the rows of a decision that are about the documents of a block."""
    return f"block-{index:05d}"


class DecisionTable(Protocol):
    """A decision, read part by part."""

    def read(self, address: str) -> list[bytes]:
        """Return what `CorpusStep.decide` returned for an address, in any order; empty where it returned nothing."""


@dataclass(frozen=True, slots=True)
class DecisionInMemory:
    """A decision whose parts are at hand."""

    parts: Mapping[str, list[bytes]]

    def read(self, address: str) -> list[bytes]:
        """Return the parts at an address."""
        return list(self.parts.get(address, ()))


def rows_at(decision: DecisionTable, address: str, dtype: np.dtype) -> np.ndarray:
    """Return the rows of a decision at an address, in no order."""
    return np.frombuffer(b"".join(decision.read(address)), dtype)


def table_at(decision: DecisionTable, address: str) -> Any:
    """Return the one small table that ``table_part`` made."""
    return orjson.loads(decision.read(address)[0])


def table_part(address: str, table: Any) -> tuple[str, bytes]:
    """Return a part of a decision that is one small table of plain values."""
    return address, orjson.dumps(table)


def apply(function: Callable[..., Document | Rejection], *arguments: Any) -> Document | Rejection:
    """Call a function whose last argument is a document; an exception costs that document.

    Signals of a text that has changed are dropped.

    Raises:
        OSError, MemoryError: the machine is at fault and not the document.

    >>> apply(lambda document: 1 / 0, Document(id="0")).detail
    'ZeroDivisionError: division by zero'
    >>> apply(lambda document: None, Document(id="0")).detail
    'TypeError: it returned None, neither a Document nor a Rejection'
    """
    document = arguments[-1]
    try:
        result = function(*arguments)
        if not isinstance(result, (Document, Rejection)):
            raise TypeError(f"it returned {result!r:.100}, neither a Document nor a Rejection")
    except BaseException as e:  # counted with the rest, never the end of a run
        return failed(e)
    if isinstance(result, Document) and result.text is not document.text and result.signals is not None:
        return replace(result, signals=None)
    return result


def failed(error: BaseException) -> Rejection:
    """Return the rejection of a document on which a step failed.

    Raises:
        OSError, MemoryError, KeyboardInterrupt: the error itself, where the document is not at fault.
    """
    if isinstance(error, OSError | MemoryError) or not (isinstance(error, Exception) or is_panic(error)):
        raise error
    return Rejection("error", detail=f"{type(error).__name__}: {error}")


def edited(document: Document, edit: Callable[[str], Edit]) -> Document | Rejection:
    """Return a document with its text edited, or its rejection where nothing is left of it."""
    result = edit(document.text)
    if not result.text.strip():
        return Rejection("nothing_left", float(sum(result.counts.values())))
    return replace(document, text=result.text) if result.counts else document


def value_of(document: Document, name: str) -> Any:
    """Return a field of a document or a column; None for a column that it does not have.

    >>> value_of(Document(id="0", source="web", extra={"licence": "CC0"}), "licence")
    'CC0'
    """
    return getattr(document, name) if name in Document.__slots__ else document.extra.get(name)


def settings_named(step_type: type, what: Names) -> tuple[str, ...]:
    """Return the settings of a step that name fields, or files: those annotated `Field` or `File`."""
    hints = get_type_hints(step_type, include_extras=True)
    return tuple(name for name, hint in hints.items() if get_origin(hint) is not ClassVar and _has(hint, what))


def _has(hint: Any, what: Names) -> bool:
    if get_origin(hint) is Annotated and what in hint.__metadata__:
        return True
    return any(_has(inner, what) for inner in get_args(hint))


def with_absolute_paths(step: Step) -> Step:
    """Return a step whose settings name files by absolute paths: workers may run in another folder."""
    changed: dict[str, Any] = {}
    for setting in settings_named(type(step), Names.FILE):
        value = getattr(step, setting)
        if isinstance(value, tuple):
            changed[setting] = tuple(map(_absolute, value))
        elif isinstance(value, str):
            changed[setting] = _absolute(value)
    return replace(step, **changed) if changed else step  # type: ignore[type-var]


def _absolute(name: str) -> str:
    return os.path.abspath(name) if name and "://" not in name and os.path.exists(name) else name


def names_in(step: Step, what: Names) -> list[str]:
    """Return the fields, or the files, that the settings of a step name."""
    found: list[str] = []
    for setting in settings_named(type(step), what):
        value = getattr(step, setting)
        found += [v for v in (value if isinstance(value, tuple | list) else (value,)) if isinstance(v, str) and v]
    return found
