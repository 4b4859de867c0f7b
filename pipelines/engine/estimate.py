"""Estimates of what a run will cost, from a small sample of its input: documents in and out, and time."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import BinaryIO

import pyarrow.parquet as pq

from curate.document import Document
from curate.input.limits import MAX_RECORD_BYTES
from curate.input.members import first_member
from curate.text.hashing import stable_u64
from pipelines.engine.plan import Plan
from pipelines.io import files
from pipelines.io.readers import Dropped, NotAPage, read_part
from pipelines.io.sources import InputFile, Part
from pipelines.steps.base import MapStep, apply, with_local_files

# curate's own values: an estimate takes a few seconds, and is within a tenth of the truth on a crawl sorted by site.
SAMPLES = 64  # places of the input to sample, spread evenly over its bytes
WIDTH = 32_000  # bytes of the input at each, whose records are read
#: Characters of text or HTML, and records, to read at each place in a file that can only be read from its start.
CONTENT, RECORDS = 25_000, 1_000
AT_MOST = 40  # times as many characters are read in any case, where a block of a file unpacks to very many
MOST_CONTENT = 16_000_000  # characters after which the sample ends, with fewer places if need be

#: Most bytes that a worker takes, whatever the input; measured with records of up to `MAX_RECORD_BYTES`.
WORKER_BYTES = 1_200_000_000


def memory_taken(workers: int) -> str:
    """Describe the most memory that the worker processes take.

    >>> memory_taken(4)
    '4 workers take up to 4.8 GB of memory: 1.2 GB each, as records over 8 MiB are rejected.'
    """
    each = f"{WORKER_BYTES / 1e9:.1f} GB"
    take = "1 worker takes" if workers == 1 else f"{workers:,} workers take"
    total = f"{workers * WORKER_BYTES / 1e9:,.1f} GB"
    return f"{take} up to {total} of memory: {each} each, as records over {MAX_RECORD_BYTES >> 20} MiB are rejected."


@dataclass(frozen=True, slots=True)
class StepEstimate:
    """The expected work of a map step: documents in and out, and seconds of one core."""

    name: str
    read: int
    kept: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """The expected work of a run, extrapolated from a sample.

    Attributes:
        share: share of the input that was sampled.
        steps: reading, then each map step.
    """

    share: float
    steps: tuple[StepEstimate, ...]

    @property
    def seconds(self) -> float:
        """Seconds of one core for reading and all map steps."""
        return sum(step.seconds for step in self.steps)


@dataclass(frozen=True, slots=True)
class _Piece:
    """A part of a file to read, and which bytes of the input it stands for.

    Attributes:
        part: the part.
        stands_for: bytes of the input.
        places: number of places that are read at its start, if it can only be read from there; otherwise 0.
    """

    part: Part
    stands_for: float
    places: float = 0.0


@dataclass(slots=True)
class _Sampled:
    """What was read of a piece.

    Attributes:
        bytes: bytes of the input.
        records: the records with their characters of text or HTML.
        seconds: processor time that reading took, and ``timed``, the characters that were read in it: without the first
            record in the middle of a file, because the search for it takes longer than reading it.
    """

    bytes: float = 0.0
    records: list[tuple[Document | Dropped, int]] = field(default_factory=list)
    seconds: float = 0.0
    timed: int = 0


#: A record, and how many records of the input it stands for.
_Weighted = tuple[Document, float]


def estimate(plan: Plan) -> Estimate:
    """Run the map steps on a sample from all over the input, and extrapolate.

    Records are drawn by where they begin, so that long ones are not drawn more often than short ones. Corpus steps and
    writing are not included, because they are cheap in comparison; nor are streamed data sets, because their size is
    unknown.
    """
    parts = [part for slice_ in plan.slices for part in slice_.parts if part.stop > part.start]
    total = sum(part.stop - part.start for part in parts)
    pieces = _pieces(parts, total)
    for first in pieces[:1]:
        _read(first)  # load libraries before measuring
    sample: list[tuple[_Piece, _Sampled]] = []
    characters = 0
    for _, piece in sorted(enumerate(pieces), key=lambda numbered: stable_u64(str(numbered[0]))):
        if characters < MOST_CONTENT:
            sample.append((piece, _read(piece)))
            characters += sum(size for _, size in sample[-1][1].records)
    scale = total / max(sum(piece.stands_for for piece, _ in sample), 1.0)
    left: list[_Weighted] = []
    read = content = 0.0
    for piece, found in sample:
        weight = scale * piece.stands_for / max(found.bytes, 1.0)
        read += weight * len(found.records)
        content += weight * sum(size for _, size in found.records)
        left += [(record, weight) for record, _ in found.records if isinstance(record, Document)]
    speed = sum(found.seconds for _, found in sample) / max(sum(found.timed for _, found in sample), 1)
    steps = [_step("read", read, left, speed * content)]
    for step in plan.recipe.steps if left else ():
        if not isinstance(step.step, MapStep):
            continue
        function = with_local_files(step.step).make()
        for document, _ in left[:1]:
            apply(function, document)  # load models and compile kernels before measuring
        kept: list[_Weighted] = []
        seconds = 0.0
        for document, weight in left:
            started = time.process_time()
            result = apply(function, document)
            seconds += weight * (time.process_time() - started)
            if isinstance(result, Document):
                kept.append((result, weight))
        steps.append(_step(step.name, steps[-1].kept, kept, seconds))
        left = kept
    share = min(sum(found.bytes for _, found in sample) / total, 1.0) if total else 0.0
    return Estimate(share, tuple(steps) if share else ())


def _step(name: str, read: float, kept: Sequence[_Weighted], seconds: float) -> StepEstimate:
    return StepEstimate(name, round(read), round(sum(weight for _, weight in kept)), seconds)


def _pieces(parts: Sequence[Part], total: int) -> list[_Piece]:
    """Return what to read: the bytes at evenly spaced places, small files that begin there, starts of large ones."""
    width = max(min(WIDTH, -(-total // SAMPLES)), 1)
    stride = max(total / SAMPLES, width)
    scale = stride / width
    pieces: list[_Piece] = []
    from_start: Counter[Part] = Counter()  # bytes of the places by what can only be read from its start
    splits = cache(_splits)
    position = 0
    for part in parts:
        size, shift = part.stop - part.start, part.start - position
        first = max(0, math.floor((position - width) / stride))
        starts = [round(n * stride) for n in range(first, math.ceil((position + size) / stride))]
        here = [(max(start, position) + shift, min(start + width, position + size) + shift) for start in starts]
        places = [Part(part.file, start, stop) for start, stop in here if start < stop]
        if part.file.format == "parquet" and places:
            from_start.update(_row_groups(places))
        elif places and splits(part.file):
            pieces += [_Piece(place, scale * (place.stop - place.start)) for place in places]
        elif size <= width and part.whole:
            pieces += [_Piece(part, scale * size)] if any(s <= position < s + width for s in starts) else []
        elif places:
            from_start[Part(part.file, 0, part.file.size)] += sum(place.stop - place.start for place in places)
        position += size
    return pieces + [_Piece(part, scale * covered, covered / width) for part, covered in from_start.items()]


def _splits(file: InputFile) -> bool:
    """Return whether reading can begin anywhere in a file: not so in an archive that is compressed as one stream."""
    if not file.splits or file.format != "warc":
        return file.splits
    with files.open_read(file.path) as stream:
        return first_member(stream, 1, MAX_RECORD_BYTES) < file.size


def _row_groups(places: Sequence[Part]) -> dict[Part, int]:
    """Return the row groups at places of a file, each as a part of the file, with the bytes of the places in it."""
    file = places[0].file
    try:
        with files.open_read(file.path) as stream:
            count = max(pq.ParquetFile(stream).metadata.num_row_groups, 1)
    except (OSError, ValueError):  # damaged
        count = 1
    covered: Counter[Part] = Counter()
    for place in places:
        group = min(place.start * count // file.size, count - 1)
        part = Part(file, file.size * group // count, file.size * (group + 1) // count)
        covered[part] += place.stop - place.start
    return covered


def _read(piece: _Piece) -> _Sampled:
    """Read a piece, or as much of its start as its places ask for."""
    part, found = piece.part, _Sampled()
    content_enough = CONTENT * (piece.places or SAMPLES)
    records_enough = RECORDS * (piece.places or SAMPLES)
    content = skipped = seen = 0
    started = time.process_time()
    with files.open_read(part.file.path) as stream:
        at = used = part.start
        for record in read_part(part, stream):
            seen += 1
            if not isinstance(record, NotAPage):
                document = record.document if isinstance(record, Dropped) else record
                size = len(document.text) + len(document.html)
                found.records.append((record, size))
                content += size
            if seen == 1 and part.start:
                started, skipped = time.process_time(), content
            if block_ends := stream.tell() != at:  # files are read in blocks: all of the one before has been used
                used, at = at, stream.tell()
            if content < content_enough and seen < records_enough:
                continue
            if (
                part.file.format == "parquet"
                or (block_ends and used > part.start)
                or content > AT_MOST * content_enough
            ):
                used = at if used == part.start else used
                break
        else:
            used = part.stop
        found.seconds = time.process_time() - started
        found.timed = content - skipped
        found.bytes = _bytes_read(stream, part, used, len(found.records))
    return found


def _bytes_read(stream: BinaryIO, part: Part, position: int, records: int) -> float:
    if part.file.format != "parquet":
        return max(min(position, part.stop) - part.start, 1)
    try:  # Parquet is read by row group, so the position in the file says nothing
        return part.file.size * records / max(pq.ParquetFile(stream).metadata.num_rows, 1)
    except (OSError, ValueError):  # damaged
        return part.stop - part.start
