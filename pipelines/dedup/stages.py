"""What the stages of a distributed clustering share: their files, blocks of rows, and running each stage only once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import apache_beam as beam
import numpy as np
from apache_beam.metrics import Metrics, MetricsFilter

from curate.dedup.minhash import SKETCH_BINS
from pipelines.dedup.index import FIRST_INDEX
from pipelines.io import files, sealed
from pipelines.steps.base import KeySource

SHUFFLED = Metrics.counter("near_duplicates", "shuffled_bytes")
U = np.uint64
Block = tuple[int, bytes]  # the number of a range or slice that receives rows, and the rows
Grouped = tuple[int, Iterable[bytes]]
MarkedBlock = tuple[int, tuple[int, bytes]]  # a block whose rows are of one of two types: a mark, 0 or 1
#: A row per candidate document: its rank, its address, its id and its sketch.
NODE = np.dtype([("rank", "u4"), ("slice", "u4"), ("row", "u4"), ("id", "V16"), ("sketch", "u1", (SKETCH_BINS,))])


@dataclass(frozen=True, slots=True)
class Blocks:
    """All blocks of keys: those of sketches, which hold older documents, and those of the corpus.

    Job graphs hold their numbers: those of sketches come first.
    """

    old: tuple[KeySource, ...]
    new: Sequence[KeySource]

    def __len__(self) -> int:
        return len(self.old) + len(self.new)

    def block(self, number: int) -> KeySource:
        """Return a block by its number among all."""
        return self.old[number] if number < len(self.old) else self.new[number - len(self.old)]

    def at(self, index: int) -> KeySource:
        """Return a block by the number that documents have as their slice."""
        return self.old[index - FIRST_INDEX] if index >= FIRST_INDEX else self.new[index]


@dataclass(frozen=True, slots=True)
class ClusterJob:
    """What all stages know.

    Attributes:
        folder: folder of the stages' files.
        bands: number of bands.
        threshold: lowest similarity of near duplicates.
        starts: first rank of each range.
    """

    folder: str
    bands: int
    threshold: float
    starts: tuple[int, ...] = ()

    def path(self, name: str, number: int) -> str:
        """Return the path of a stage's file for a range or slice."""
        return files.join(self.folder, f"{name}-{number:05d}.bin")

    def read(self, name: str, number: int, dtype: Any) -> np.ndarray:
        """Read the rows of a stage's file; none if it does not exist."""
        path = self.path(name, number)
        if not files.exists(path):
            return np.empty(0, dtype)
        with sealed.open_read(path) as f:
            return np.frombuffer(f.read(), dtype)

    def write(self, name: str, number: int, rows: np.ndarray) -> None:
        """Write the rows of a stage's file."""
        with sealed.write(self.path(name, number)) as f:
            f.write(rows.tobytes())

    def sizes(self, name: str, dtype: np.dtype) -> dict[int, int]:
        """Return the number of rows in each file of a stage, by range or slice, from one listing."""
        beginning = len(files.join(self.folder, f"{name}-"))
        listed = files.within(self.folder, f"{name}-*.bin")
        return {
            int(file.path[beginning:].removesuffix(".bin")): (file.size_in_bytes - sealed.SEAL_BYTES) // dtype.itemsize
            for file in listed
        }

    def ranges(self, ranks: np.ndarray) -> np.ndarray:
        """Return the number of the range of each rank."""
        return np.searchsorted(np.array(self.starts), ranks, side="right") - 1


def run_stage(
    pipeline: Callable[[], beam.Pipeline], elements: Sequence[Any], transform: beam.PTransform, work: str
) -> None:
    """Run a stage unless it has already finished, and record how many bytes it shuffled."""
    done = files.join(work, f"{transform.label}.json")
    if not files.exists(done):
        p = pipeline()
        _ = p | beam.Create(list(elements)) | beam.Reshuffle() | transform
        result = p.run()
        result.wait_until_finish()
        counted = result.metrics().query(MetricsFilter().with_name(SHUFFLED.metric_name.name))["counters"]
        shuffled = sum(c.committed or c.attempted or 0 for c in counted)  # Beam's own job server reports none
        sealed.write_json(done, {"bytes": shuffled, "files": files.names(work)})


def begin_stages(work: str) -> None:
    """Create the folder of the stages, and clear it if files of a finished stage are missing."""
    names = set(files.names(work))
    done = [sealed.read_json(files.join(work, name)) for name in names if name.endswith(".json")]
    if any("files" in stage and not names.issuperset(stage["files"]) for stage in done):
        files.delete([work])
    files.make_folder(work)


def join(blocks: Iterable[bytes], dtype: Any) -> np.ndarray:
    """Concatenate the rows of several blocks."""
    return np.frombuffer(b"".join(blocks), dtype)


def split(rows: np.ndarray, number: np.ndarray) -> Iterator[Block]:
    """Yield rows by the number that receives them, and count the bytes."""
    SHUFFLED.inc(rows.nbytes)
    order = np.argsort(number, kind="stable")
    edges = np.flatnonzero(np.diff(number[order])) + 1
    for place in np.split(order, edges):
        if len(place):
            yield int(number[place[0]]), rows[place].tobytes()


def halves(pairs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the ranks of the later and the earlier document of each pair."""
    return (pairs >> U(32)).astype(np.uint32), pairs.astype(np.uint32)
