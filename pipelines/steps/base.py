"""The base classes of steps: frozen dataclasses of settings that declare which document fields they read and write.

A *map step* looks at one document at a time: `MapStep.make` returns a function from a document to a document or a
rejection. A *corpus step* needs to see all documents: it extracts a small key from each (`CorpusStep.key`), decides
from the keys alone (`CorpusStep.decide`, a Beam transform), and applies the decision (`CorpusStep.apply`). Steps do not
know where keys and decisions are stored: `pipelines.engine` runs the steps of a recipe over files, and
`pipelines.transforms` runs the same methods over a ``PCollection`` of documents.

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
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Protocol, TypeVar, get_args, get_origin, get_type_hints

import numpy as np
import orjson
import pyarrow as pa
from apache_beam.options.pipeline_options import PipelineOptions

from curate.bounds import Names
from curate.document import Document, Edit, Rejection
from curate.models.panics import is_panic
from pipelines.io import files

if TYPE_CHECKING:
    import apache_beam as beam


MEMORY = 1_000_000_000  # default budget, in bytes, for the keys of a corpus step
MapFunction = Callable[[Document], Document | Rejection]


class RunError(RuntimeError):
    """A run cannot continue; the message says why and what to do."""


def from_settings(function: Callable[[Any], Any]) -> Any:
    """Turn a method into a property: for a step attribute that depends on the settings instead of being constant."""
    return property(function)


class Step:
    """A step of a recipe; its dataclass fields are its settings, with their defaults.

    Attributes:
        reads: document fields that the step requires, from the input or from an earlier step.
        assumes: optional document fields, each with a description of what the step assumes if nothing writes it.
        writes: document fields that the step changes; any other name is a column.
        libraries: distributions whose version can change the step's results.
        measures: reference filters whose quantities are among the signals that the step writes.
        privacy: a ``PiiConfig``: what the step replaces in texts, and what the run replaces everywhere else.
        token_type: NumPy type of the token ids, for a step that writes tokens.
        must_reject: whether the step should reject something in any real crawl, so that rejecting nothing is
            suspicious.
        judges: whether a rejection says something about the document; False for a step that removes copies, or
            documents in excess of a share, so that `curate score` does not count them.
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
    judges: ClassVar[bool] = True

    def check(self) -> None:
        """Check the settings, and the files that they name, before anything runs.

        Raises:
            ValueError, OSError: something is missing or invalid.
        """

    def check_sources(self, sources: Collection[str]) -> None:
        """Check the settings that name sources of the recipe.

        Raises:
            ValueError: the recipe has no such source.
        """

    def describe(self, decision: DecisionTable | None = None) -> list[str]:
        """Return sentences for ``curate plan``: what the settings mean and, given a decision, what it did."""
        return []


StepT = TypeVar("StepT", bound=Step)


class MapStep(Step, ABC):
    """A step that looks at one document at a time."""

    __slots__ = ()

    @abstractmethod
    def make(self) -> MapFunction:
        """Build the function that processes a document; load models and lists here, once per process.

        Raises:
            ValueError, OSError, ImportError: something is missing or invalid.
        """


class CorpusStep(Step, ABC):
    """A step that needs to see all documents.

    Attributes:
        key_schema: Arrow schema of the keys, a row per document.
        key_settings: names of the settings that the keys depend on; the others only change the decision.
        removes_copies: whether it removes copies of documents, so that a source that loses nearly all of its documents
            to it is reported.
        by_document: whether the decision has rows for single documents, at the address of their block.
        shuffles: what a document costs in a shuffle, for ``curate plan``.
    """

    __slots__ = ()
    key_schema: ClassVar[pa.Schema]
    key_settings: ClassVar[tuple[str, ...]] = ()
    removes_copies: ClassVar[bool] = False
    by_document: ClassVar[bool] = False
    shuffles: ClassVar[str] = ""

    @abstractmethod
    def key(self) -> Callable[[Document], tuple]:
        """Build the function that extracts a document's key, a row of ``key_schema``."""

    @abstractmethod
    def decide(self, keys: beam.PCollection[KeySource]) -> beam.PCollection[tuple[str, bytes]]:
        """Decide from blocks of keys.

        Args:
            keys: the blocks; load only the columns that are needed, where they are needed.

        Returns:
            The decision: pairs of (address, rows as bytes), in any order, any number per address. An address is the
            `block_address` of a block, or any other name.
        """

    @abstractmethod
    def apply(self, decision: DecisionTable, keys: KeySource) -> Applied:
        """Return what a decision means for the documents of a block."""

    def key_bytes(self, keys: Sequence[KeySource]) -> int:
        """Return how many bytes of keys ``decide`` shuffles; 0 if they are few for any corpus."""
        return 0

    def takes_several_jobs(self, documents: float, memory: int) -> bool:
        """Return whether to call `decide_in_jobs` on a cluster.

        Args:
            documents: upper bound on the number of documents.
            memory: budget for keys on one machine, in bytes.
        """
        return False

    def decide_in_jobs(self, keys: Sequence[KeySource], jobs: Jobs) -> None:
        """Decide in a series of Beam jobs, for algorithms that iterate until nothing changes."""
        raise NotImplementedError

    def warnings(self, decision: DecisionTable, keys: Sequence[KeySource]) -> list[str]:
        """Return warnings about a decision.

        Raises:
            RunError: the decision makes it pointless to continue.
        """
        return []

    def report(self, decision: DecisionTable, text: Callable[[int, int], str]) -> dict[str, Any]:
        """Return what the report shows of a decision, by report key.

        Args:
            decision: the decision that was applied.
            text: returns the text of a document, given its block and row, as it was when the keys were extracted.
        """
        return {}


class Jobs(Protocol):
    """Runs the Beam jobs of a decision that takes several."""

    @property
    def scratch(self) -> str:
        """A folder that all workers can access, deleted when the decision is complete."""

    @property
    def documents(self) -> int:
        """Upper bound on the number of documents."""

    def pipeline(self) -> beam.Pipeline:
        """Return a new, empty pipeline."""

    def write(self, address: str, rows: bytes) -> None:
        """Write a part of the decision; workers may call this too."""


class KeyOptions(PipelineOptions):
    """Pipeline options: the size of a decision, and the memory and scratch space that it may use on one machine."""

    @classmethod
    def _add_argparse_args(cls, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--key_memory", type=int, default=MEMORY, help="memory budget for keys, in bytes")
        parser.add_argument(
            "--key_documents", type=int, default=0, help="documents, if known: more get more key ranges"
        )
        parser.add_argument("--key_scratch", help="folder for keys that exceed it; the system's default if not given")


@dataclass(frozen=True, slots=True)
class Applied:
    """The effect of a decision on the documents of a block.

    Attributes:
        rejected: row numbers of the rejected documents, ascending.
        rejection: returns the reason, given a position in ``rejected``.
        edit: changes a document that is kept, given its row number; None if no document changes.
    """

    rejected: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    rejection: Callable[[int], Rejection] = lambda i: Rejection("")
    edit: Callable[[int, Document], Document | Rejection] | None = None

    def rejections(self) -> Iterator[tuple[int, Rejection]]:
        """Yield row numbers and reasons."""
        return ((int(row), self.rejection(i)) for i, row in enumerate(self.rejected))


class KeySource(Protocol):
    """A block of keys, loaded where it is needed.

    A decision whose keys do not fit in memory is made in ``parts`` runs, each over one part of the keys. The step
    defines how keys are divided.
    """

    @property
    def index(self) -> int:
        """Number of the block."""

    @property
    def part(self) -> int:
        """Number of the part of the keys to look at."""

    @property
    def parts(self) -> int:
        """Number of parts."""

    def load(self, columns: Sequence[str] | None = None) -> tuple[np.ndarray, pa.Table]:
        """Return the row numbers of the documents that no earlier step has rejected, and their keys."""

    def count(self) -> tuple[int, int]:
        """Return upper bounds on the number of rows and of values; a list has a value per element."""


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
    """Return the address of those rows of a decision that concern the documents of a block."""
    return f"block-{index:05d}"


class DecisionTable(Protocol):
    """A decision, read part by part."""

    def read(self, address: str) -> list[bytes]:
        """Return the parts that `CorpusStep.decide` returned for an address, in any order."""


@dataclass(frozen=True, slots=True)
class DecisionInMemory:
    """A decision whose parts are in memory."""

    parts: Mapping[str, list[bytes]]

    def read(self, address: str) -> list[bytes]:
        """Return the parts at an address."""
        return list(self.parts.get(address, ()))


def rows_at(decision: DecisionTable, address: str, dtype: np.dtype) -> np.ndarray:
    """Return the rows of a decision at an address, in no particular order."""
    return np.frombuffer(b"".join(decision.read(address)), dtype)


def table_at(decision: DecisionTable, address: str) -> Any:
    """Return the small table that ``table_part`` stored at an address."""
    return orjson.loads(decision.read(address)[0])


def table_part(address: str, table: Any) -> tuple[str, bytes]:
    """Return a part of a decision that holds one small table of plain values, as JSON."""
    return address, orjson.dumps(table)


def apply(function: Callable[..., Document | Rejection], *arguments: Any) -> Document | Rejection:
    """Call a function whose last argument is a document; turn an exception into a rejection of that document.

    If the text has changed, the signals measured on the old text are dropped.

    Raises:
        OSError, MemoryError: the machine is at fault, not the document.

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
    except BaseException as e:  # a panic of a Rust extension is not an Exception
        return failed(e)
    if isinstance(result, Document) and result.text is not document.text and result.signals is not None:
        return replace(result, signals=None)
    return result


def failed(error: BaseException) -> Rejection:
    """Return the rejection of a document on which a step failed.

    Raises:
        OSError, MemoryError, KeyboardInterrupt: the error itself, if the document is not at fault.
    """
    if isinstance(error, OSError | MemoryError) or not (isinstance(error, Exception) or is_panic(error)):
        raise error
    return Rejection("error", detail=f"{type(error).__name__}: {error}")


def edited(document: Document, result: Edit) -> Document | Rejection:
    """Return a document with its text as edited, or a rejection if nothing is left of the text."""
    if not result.text.strip():
        return Rejection("nothing_left", float(sum(result.counts.values())))
    return document if result.text == document.text else replace(document, text=result.text)


def value_of(document: Document, name: str) -> Any:
    """Return a field or column of a document; None for a column that it does not have.

    >>> value_of(Document(id="0", source="web", extra={"licence": "CC0"}), "licence")
    'CC0'
    """
    return getattr(document, name) if name in Document.__slots__ else document.extra.get(name)


def label_of(document: Document, name: str) -> str:
    """Return a field or column of a document as a label; "" where it has none."""
    value = value_of(document, name)
    return "" if value is None else str(value)


def settings_named(step_type: type, what: Names) -> tuple[str, ...]:
    """Return the settings of a step that name fields or files: those annotated with `Field` or `File`."""
    hints = get_type_hints(step_type, include_extras=True)
    return tuple(name for name, hint in hints.items() if get_origin(hint) is not ClassVar and _has(hint, what))


def _has(hint: Any, what: Names) -> bool:
    if get_origin(hint) is Annotated and what in hint.__metadata__:
        return True
    return any(_has(inner, what) for inner in get_args(hint))


def with_absolute_paths(step: StepT) -> StepT:
    """Return a step whose settings name files by absolute path, because workers may run in another folder."""
    return with_files(step, _absolute)


def with_files(step: StepT, rename: Callable[[str], str]) -> StepT:
    """Return a step whose settings name other files, given the new name of each."""
    changed: dict[str, Any] = {}
    for setting in settings_named(type(step), Names.FILE):
        value = getattr(step, setting)
        if isinstance(value, tuple):
            changed[setting] = tuple(map(rename, value))
        elif isinstance(value, str):
            changed[setting] = rename(value)
    return replace(step, **changed) if changed else step  # type: ignore[type-var]


def with_local_files(step: StepT) -> StepT:
    """Return a step whose models and lists are local, fetched from a store or a web server if they are remote.

    Raises:
        OSError: a file cannot be fetched.
    """
    return with_files(step, files.local_copy)


def _absolute(name: str) -> str:
    return os.path.abspath(name) if name and "://" not in name and os.path.exists(name) else name


def names_in(step: Step, what: Names) -> list[str]:
    """Return the fields, or the files, that the settings of a step name."""
    names: list[str] = []
    for setting in settings_named(type(step), what):
        value = getattr(step, setting)
        names += [v for v in (value if isinstance(value, tuple | list) else (value,)) if isinstance(v, str) and v]
    return names
