"""What a corpus step is, how it is run in bounded memory, and how its keys are loaded without what is already lost."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from curate.document import Document, Rejection
from pipelines.io import files, sealed
from pipelines.io.tables import read_table

PARTITIONS = 16  # key ranges that a shuffle is cut into
MEMORY = 1_000_000_000  # bytes that the keys of a corpus step may take at a time
COPIES = 3  # a shuffled byte in one process: as it comes, grouped, and as it is worked on

#: A document that has duplicates: where it is, whether it stays, which document stays for it, the name of its cluster
#: (the document that stands first in it), how similar it is to the one that stays, and how many documents there are.
MEMBER = np.dtype(
    [
        ("slice", "u4"),
        ("row", "u4"),
        ("stays", "?"),
        ("kept", "V16"),
        ("cluster", "V16"),
        ("similarity", "f8"),
        ("size", "u4"),
    ]
)


class RunError(RuntimeError):
    """A run that cannot go on, and what to do."""


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
    shuffles: ClassVar[str] = ""  # what goes through a shuffle, for `curate plan`
    key_settings: ClassVar[tuple[str, ...]] = ()
    changes: ClassVar[frozenset[str]] = frozenset()
    losers_from_keys: ClassVar[bool] = True  # whether ``losers`` looks at the keys, or at the decision alone

    def check(self, config: Any) -> None:  # noqa: B027 - most steps name nothing
        """Look at what the settings name, before anything runs.

        Raises:
            ValueError: what is missing or wrong.
        """

    def needs(self, config: Any) -> Sequence[str]:
        """Return the map steps that must stand before it."""
        return ()

    def describe(self, config: Any, folder: str) -> list[str]:
        """Return sentences for `curate plan`: what the settings mean, and what a decision in ``folder`` moved."""
        return []

    @abstractmethod
    def key_function(self, config: Any) -> Callable[[Document], tuple]:
        """Return the function that takes a document's key, a row of ``schema``."""

    def decide(self, config: Any, keys: beam.PCollection[KeySlice], folder: str) -> None:
        """Write the decision table into ``folder``, or the part of it that ``KeySlice.part`` names."""
        raise NotImplementedError  # only a step that has a ``decide_all`` of its own does without

    def shuffled_bytes(self, slices: Sequence[KeySlice]) -> int:
        """Return how many bytes of keys ``decide`` shuffles; 0 where they are few whatever the corpus is."""
        return 0

    def warn(self, config: Any, slices: Sequence[KeySlice], folder: str) -> list[str]:
        """Return sentences about a decision that people should look at.

        Raises:
            RunError: what makes it useless to go on.
        """
        return []

    def decide_all(
        self,
        config: Any,
        slices: Sequence[KeySlice],
        folder: str,
        pipeline: Callable[[], beam.Pipeline],
        memory: int = MEMORY,
        far: bool = False,
    ) -> None:
        """Decide over all slices, in as many passes over key ranges as the memory asks for, and write the warnings.

        Args:
            config: the step's settings.
            slices: where the keys are.
            folder: of the decision.
            pipeline: makes an empty pipeline on the runner that a pass runs on.
            memory: bytes that the keys of a pass may take in one process.
            far: whether pipelines run on workers elsewhere: those have memory together, and one pass is enough.
        """
        parts = 1 if far else max(1, -(-self.shuffled_bytes(slices) * COPIES // memory))
        sealed.write_json(files.join(folder, "parts.json"), {"parts": parts})
        for part in range(parts):
            with pipeline() as p:
                keys = p | beam.Create([replace(s, part=part, parts=parts) for s in slices]) | beam.Reshuffle()
                self.decide(config, keys, folder)
        sealed.write_json(files.join(folder, "warnings.json"), self.warn(config, slices, folder))

    def losers(self, config: Any, folder: str, index: int, keys: pa.Table | None) -> Losers:
        """Return the documents of slice ``index`` that the decision rejects."""
        return NO_LOSERS

    def copies(self, taken: Taken, index: int) -> np.ndarray | int:
        """Return how often each document of slice ``index`` is written, those aside that the decision rejects."""
        return 1

    def clusters(self, folder: str, index: int) -> dict[int, tuple[str, int]]:
        """Return, for documents of slice ``index`` that stay and had duplicates, their cluster and its size."""
        rows = read_members(folder, index)
        rows = rows[rows["stays"]]
        names = (name.tobytes().hex() for name in rows["cluster"])
        return dict(zip(rows["row"].tolist(), zip(names, rows["size"].tolist(), strict=True), strict=True))

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

    def path(self, index: int) -> str:
        """Path of the keys of one slice."""
        return files.join(self.pass_folder, f"keys-{self.name}-{index:05d}.parquet")

    def keys(self, index: int, columns: Sequence[str] | None = None) -> pa.Table:
        """Read the keys of one slice, a row per document of the pass."""
        return read_table(self.path(index), columns)

    def losers(self, index: int) -> Losers:
        """Return what the step rejects in one slice."""
        keys = self.keys(index) if self.step.losers_from_keys else None
        return self.step.losers(self.config, self.decision, index, keys)


@dataclass(frozen=True, slots=True)
class KeySlice:
    """The keys of one slice for one step, less the documents that earlier steps of the same cut reject.

    A step that is run in ``parts`` passes keeps those keys of which ``part`` is the share.
    """

    index: int
    taken: Taken
    earlier: tuple[Taken, ...]
    part: int = 0
    parts: int = 1

    def load(self, columns: Sequence[str] | None = None) -> tuple[np.ndarray, pa.Table]:
        """Return the row numbers that are alive and their keys."""
        table = self.taken.keys(self.index, columns)
        alive = np.ones(table.num_rows, bool)
        for step in self.earlier:
            alive[step.losers(self.index).rows] = False
        return np.flatnonzero(alive), table if alive.all() else table.filter(pa.array(alive))

    def count(self) -> tuple[int, int]:
        """Return how many rows and how many values the key file has; lists have a value per element."""
        with sealed.open_read(self.taken.path(self.index)) as f:
            meta = pq.ParquetFile(f).metadata
        values = sum(
            max(meta.row_group(g).column(c).num_values for c in range(meta.num_columns))
            for g in range(meta.num_row_groups)
        )
        return meta.num_rows, values


BIN = np.dtype([("bin", "i4"), ("count", "i8")])


def histogram(bins: np.ndarray) -> bytes:
    """Count values as a block of dtype ``BIN``: only bins that occur take room in a shuffle."""
    values, counts = np.unique(bins, return_counts=True)
    block = np.empty(len(values), BIN)
    block["bin"], block["count"] = values, counts
    return block.tobytes()


def add_histograms(blocks: Iterable[bytes], size: int) -> np.ndarray:
    """Return the sum of blocks that ``histogram`` made, a count per bin."""
    total = np.zeros(size, np.int64)
    for block in blocks:
        rows = np.frombuffer(block, BIN)
        total[rows["bin"]] += rows["count"]
    return total


def fixed(column: pa.ChunkedArray, dtype: Any) -> np.ndarray:
    """View a column of binary values that all have the same size as an array [rows, values]."""
    if not len(column):
        return np.empty((0, 0), dtype)
    chunks = []
    for chunk in column.chunks:
        if len(chunk):
            ends = np.frombuffer(chunk.buffers()[1], np.int32)[chunk.offset : chunk.offset + len(chunk) + 1]
            data = np.frombuffer(chunk.buffers()[2], np.uint8)[ends[0] : ends[-1]]
            chunks.append(data.reshape(len(chunk), -1).view(dtype))
    return np.concatenate(chunks) if len(chunks) > 1 else chunks[0]


class WriteMembers(beam.PTransform):
    """Bring rows of dtype ``MEMBER``, keyed by their part of the decision, together by slice and write them."""

    def __init__(self, folder: str) -> None:
        super().__init__()
        self.folder = folder

    def expand(self, blocks: beam.PCollection[tuple[int, bytes]]) -> beam.PCollection:
        """Wire split, group and write."""
        return (
            blocks
            | "BySlice" >> beam.FlatMap(_by_slice).with_output_types(tuple[tuple[int, int], bytes])
            | "GroupSlices" >> beam.GroupByKey()
            | "Write" >> beam.Map(_write_members, self.folder)
        )


def _by_slice(part_of: tuple[int, bytes]) -> Iterator[tuple[tuple[int, int], bytes]]:
    part, block = part_of
    rows = np.frombuffer(block, MEMBER)
    for index in np.unique(rows["slice"]):
        yield (int(index), part), rows[rows["slice"] == index].tobytes()


def _write_members(blocks_of: tuple[tuple[int, int], Iterable[bytes]], folder: str) -> None:
    key, blocks = blocks_of
    write_members(np.frombuffer(b"".join(blocks), MEMBER), folder, *key)


def write_members(rows: np.ndarray, folder: str, index: int, part: int = 0) -> None:
    """Write rows of dtype ``MEMBER`` of one slice and one part of a decision."""
    rows = rows[np.argsort(rows["row"], kind="stable")]
    with sealed.write(_members_path(folder, index, part)) as f:
        f.write(rows.tobytes())


def read_members(folder: str, index: int) -> np.ndarray:
    """Read what was written for one slice, by row; empty where nothing was."""
    made = files.join(folder, "parts.json")
    parts = sealed.read_json(made)["parts"] if files.exists(made) else 1
    paths = [_members_path(folder, index, part) for part in range(parts)]
    blocks = []
    for path in filter(files.exists, paths):
        with sealed.open_read(path) as f:
            blocks.append(np.frombuffer(f.read(), MEMBER))
    rows = np.concatenate(blocks) if blocks else np.empty(0, MEMBER)
    return rows[np.argsort(rows["row"], kind="stable")]


def read_losers(folder: str, index: int) -> np.ndarray:
    """Read the members of one slice that do not stay, by row."""
    rows = read_members(folder, index)
    return rows[~rows["stays"]]


def _members_path(folder: str, index: int, part: int) -> str:
    return files.join(folder, f"members-{index:05d}-{part:03d}.bin")
