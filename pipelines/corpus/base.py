"""What a corpus step is, and how the keys of a slice are loaded without the documents that are already lost."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar

import apache_beam as beam
import numpy as np
import pyarrow as pa

from curate.document import Document, Rejection
from pipelines import files
from pipelines.tables import read_table

PARTITIONS = 16  # key ranges that a shuffle is cut into
LOSER = np.dtype([("slice", "u4"), ("row", "u4"), ("kept", "V16"), ("value", "f8")])


@dataclass(frozen=True, slots=True)
class Losers:
    """Documents of one slice that a step rejects: row numbers in the pass's state, and why."""

    rows: np.ndarray
    rejections: Callable[[int], Rejection]  # by position in ``rows``

    def __iter__(self) -> Iterator[tuple[int, Rejection]]:
        return ((int(row), self.rejections(i)) for i, row in enumerate(self.rows))


NO_LOSERS = Losers(np.empty(0, np.int64), lambda i: Rejection(""))


class CorpusStep(ABC):
    """A step that must see all documents. Stateless: settings come with each call."""

    config: ClassVar[type]
    schema: ClassVar[pa.Schema]
    needs: ClassVar[str] = ""  # the map step that must stand before it
    shuffles: ClassVar[str] = ""  # what goes through a shuffle, for `curate plan`
    key_settings: ClassVar[tuple[str, ...]] = ()
    changes: ClassVar[frozenset[str]] = frozenset()

    @abstractmethod
    def key_function(self, config: Any) -> Callable[[Document], tuple]:
        """Return the function that takes a document's key, a row of ``schema``."""

    @abstractmethod
    def decide(self, config: Any, keys: beam.PCollection[KeySlice], folder: str) -> None:
        """Write the decision table into ``folder``."""

    def losers(self, config: Any, folder: str, index: int, keys: pa.Table | None) -> Losers:
        """Return the documents of slice ``index`` that the decision rejects."""
        return NO_LOSERS

    def edit(self, config: Any, folder: str) -> Callable[[Document], Document | Rejection] | None:
        """Return how the decision changes documents that stay, or None."""
        return None


@dataclass(frozen=True, slots=True)
class Taken:
    """Where a step's keys and its decision lie."""

    step: CorpusStep
    config: Any
    name: str
    pass_folder: str
    decision: str

    def keys(self, index: int) -> pa.Table:
        """Read the keys of one slice, a row per document of the pass."""
        return read_table(files.join(self.pass_folder, f"keys-{self.name}-{index:05d}.parquet"))

    def losers(self, index: int) -> Losers:
        """Return what the step rejects in one slice."""
        return self.step.losers(self.config, self.decision, index, self.keys(index))


@dataclass(frozen=True, slots=True)
class KeySlice:
    """The keys of one slice for one step, less the documents that earlier steps of the same cut reject."""

    index: int
    taken: Taken
    earlier: tuple[Taken, ...]

    def load(self) -> tuple[np.ndarray, pa.Table]:
        """Return the row numbers that are alive and their keys."""
        table = self.taken.keys(self.index)
        alive = np.ones(table.num_rows, bool)
        for step in self.earlier:
            alive[step.losers(self.index).rows] = False
        return np.flatnonzero(alive), table.filter(pa.array(alive))


def id_bytes(ids: Iterable[str]) -> np.ndarray:
    """Return document ids (32 hex digits) as 16 bytes each."""
    return np.frombuffer(b"".join(bytes.fromhex(i) for i in ids), "V16")


def fixed(column: pa.ChunkedArray, dtype: Any, width: int) -> np.ndarray:
    """View a column of fixed-size binary values as an array [rows, width]."""
    joined = b"".join(column.to_pylist())
    return np.frombuffer(joined, dtype).reshape(-1, width)


def seconds(date: str) -> int:
    """Return an ISO 8601 date as seconds since 1970; the far past where it is missing or not a date.

    >>> seconds("1970-01-02T00:00:00Z"), seconds("soon")
    (86400, -9223372036854775807)
    """
    try:
        parsed = datetime.fromisoformat(date)
    except ValueError:
        return -(2**63) + 1
    return int((parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp())


class WriteLosers(beam.PTransform):
    """Bring loser rows of dtype ``LOSER`` together by slice and write ``losers-NNNNN.bin``."""

    def __init__(self, folder: str) -> None:
        super().__init__()
        self.folder = folder

    def expand(self, blocks: beam.PCollection[bytes]) -> beam.PCollection:
        """Wire split, group and write."""
        return (
            blocks
            | "BySlice" >> beam.FlatMap(_by_slice).with_output_types(tuple[int, bytes])
            | "GroupSlices" >> beam.GroupByKey()
            | "Write" >> beam.Map(_write_losers, self.folder)
        )


def _by_slice(block: bytes) -> Iterator[tuple[int, bytes]]:
    rows = np.frombuffer(block, LOSER)
    for index in np.unique(rows["slice"]):
        yield int(index), rows[rows["slice"] == index].tobytes()


def _write_losers(blocks_of: tuple[int, Iterable[bytes]], folder: str) -> None:
    index, blocks = blocks_of
    rows = np.sort(np.frombuffer(b"".join(blocks), LOSER), order=["row"])
    with files.atomic_write(files.join(folder, f"losers-{index:05d}.bin")) as f:
        f.write(rows.tobytes())


def read_losers(folder: str, index: int) -> np.ndarray:
    """Read what ``WriteLosers`` wrote for one slice; empty where it wrote nothing."""
    path = files.join(folder, f"losers-{index:05d}.bin")
    if not files.exists(path):
        return np.empty(0, LOSER)
    with files.open_read(path) as f:
        return np.frombuffer(f.read(), LOSER)
