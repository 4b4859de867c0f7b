"""One pass over one slice: read documents, apply decisions, run map steps, and write what is left.

A slice leaves, in the pass's folder: ``state`` (small facts of the survivors), a file per large field that a step
changed, ``keys`` for each corpus step that follows, ``rejected``, ``signals``, and last of all its manifest. A slice
whose manifest is there is done; every other file of it is written again.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from curate.document import Document, Rejection
from curate.text.hashing import document_id
from pipelines.engine.counts import SliceCounts
from pipelines.engine.plan import Pass
from pipelines.engine.stored import StepData
from pipelines.engine.watched import Killers, Track, WorkerDied, run_watched
from pipelines.io import files, sealed
from pipelines.io.columns import pack_columns, unpack_columns
from pipelines.io.readers import Dropped, read_part
from pipelines.io.shards import RunWriter, Shards
from pipelines.io.sources import Part, Slice
from pipelines.io.tables import FACTS, LARGE, STATE, LargeColumn, TableWriter, iter_rows
from pipelines.recipe.plugins import PackedPlugins
from pipelines.steps.base import CorpusStep, MapFunction, MapStep, apply, failed


@dataclass(frozen=True, slots=True)
class PassJob:
    """A pass with all it needs to run on any slice, picklable."""

    plugins: PackedPlugins  # first: the modules of what follows must be there when it is unpickled
    pass_: Pass
    folder: str
    before: str  # folder of the pass before, "" for the first
    large: dict[str, str]  # large field -> folder of the pass that last wrote it
    decided: tuple[StepData, ...]
    shards: Shards | None = None  # the last pass writes sorted runs for these
    measures: tuple[str, ...] = ()  # reference filters whose quantities the recipe's rules ask for
    extracts: bool = True  # whether any step of the recipe makes text of HTML
    earlier: tuple[str, ...] = ()  # folders of all passes before, whose rejections the last pass gathers

    def path(self, table: str, index: int, ending: str = "parquet") -> str:
        """Path of one of this pass's files for one slice."""
        return files.join(self.folder, f"{table}-{index:05d}.{ending}")


def slice_done(job: PassJob, index: int) -> bool:
    """Say whether a slice of the pass is whole."""
    return files.exists(job.path("slice", index, "json"))


def run_slice(part: Slice, job: PassJob) -> None:
    """Run a pass over one slice and write its files, unless they are there.

    A slice that was begun and never ended killed the process that it was in: it is run in one that may die.

    Raises:
        WorkerDied: it does, and no record can be blamed.
    """
    index = part.index
    if slice_done(job, index):
        return
    begun, work = job.path("progress", index, "json"), partial(do_slice, part, job)
    path = job.path("killers", index, "json")
    known = sealed.read_json(path)["records"] if files.exists(path) else []
    killers: Killers = {record: (step, how) for record, step, how in known}
    try:
        if not files.exists(begun):
            with suppress(MemoryError):  # as good as killed, and less harmful
                return work(Track(killers=killers))
        run_watched(work, killers, lambda k: sealed.write_json(path, {"records": [(r, *why) for r, why in k.items()]}))
    except WorkerDied as e:
        inputs = ", ".join(piece.file.path for piece in part.parts[:3])
        raise WorkerDied(f"slice {index} ({inputs}): {e}; too little memory? run again with fewer --workers") from None
    finally:
        files.delete([begun])


def do_slice(part: Slice, job: PassJob, track: Track) -> None:
    """Run a pass over one slice and write its files.

    Args:
        part: the slice.
        job: the pass.
        track: is kept up to date, and knows the records to reject because they kill their worker.
    """
    index = part.index
    functions = _functions(job)
    applied = {data.name: data.apply(index) for data in job.decided}
    lost = {name: dict(found.rejections()) for name, found in applied.items()}
    chain = [*((name, found.edit) for name, found in applied.items()), *((name, _any_row(f)) for name, f in functions)]
    names = [name for name, _ in chain]
    counts = SliceCounts(
        job.path("rejected", index),
        job.path("signals", index),
        job.path("progress", index, "json"),
        names if job.before else ["read", *names],
        job.measures,
    )
    with counts, KeyWriter(job, index) as key_writer, _writer(job, index) as writer:
        source = _stored(job, index, counts, lost, track) if job.before else _raw(part, job, counts, track)
        for document, row in source:
            counts.begin(document)
            kept = _through(document, row, chain, lost, counts, track)
            if kept is None:
                continue
            keys = key_writer.take(kept, track)
            if isinstance(keys, Rejection):
                counts.lose(kept, keys)
                continue
            counts.keep(kept, *writer.keep(kept, row))
            key_writer.append(keys)
        track.end()
    manifest = counts.manifest()
    if isinstance(writer, RunWriter):
        folders = (*job.earlier, job.folder)
        for kind in ("rejected", "signals"):
            writer.gather(kind, [files.join(f, f"{kind}-{index:05d}.parquet") for f in folders])
        manifest["runs"] = writer.written
    sealed.write_json(job.path("slice", index, "json"), manifest)


#: A row of the state table: the facts of a document, and where its large fields lie; empty for a raw document.
Row = dict[str, Any]
#: Per step, the rejected row numbers of the slice.
Lost = dict[str, dict[int, Rejection]]
#: What a step makes of a document, by its row number; None where it changes none.
RowFunction = Callable[[int, Document], Document | Rejection] | None
Chain = list[tuple[str, RowFunction]]


def _any_row(function: MapFunction) -> RowFunction:
    return lambda row, document: function(document)


def _raw(part: Slice, job: PassJob, counts: SliceCounts, track: Track) -> Iterator[tuple[Document, Row]]:
    """Yield the documents of the slice's input; what follows a record that kills its reader in a file is not read."""
    number = itertools.count()
    for piece in part.parts:
        counts.open_input(piece)
        records = read_part(piece)
        while True:
            if killed := track.record(next(number)):
                counts.found(_unread(piece, killed))
                break
            if (record := next(records, None)) is None:
                break
            if not job.extracts and isinstance(record, Document) and record.html:
                record = Dropped(
                    record, Rejection("not_extracted", detail="HTML, and no step of the recipe extracts its text")
                )
            if counts.found(record):
                assert isinstance(record, Document)
                yield record, {}
        counts.done += piece.stop - piece.start


def _unread(part: Part, killed: Rejection) -> Dropped:
    rest = Document(id=document_id(part.file.path, str(part.start), b""), source=part.file.source)
    return Dropped(rest, replace(killed, detail=f"{killed.detail}; the rest of {part.file.path} is not read"))


def _stored(job: PassJob, index: int, counts: SliceCounts, lost: Lost, track: Track) -> Iterator[tuple[Document, Row]]:
    """Yield the documents that the pass before left, each with its row and number."""
    large = {
        name: LargeColumn(files.join(folder, f"{name}-{index:05d}.parquet"), name) for name, folder in job.large.items()
    }
    lost_first = lost[job.decided[0].name] if job.decided else {}
    shown = {name: column for name, column in large.items() if name == "text"}  # in the table of rejections
    for number, row in enumerate(iter_rows(files.join(job.before, f"state-{index:05d}.parquet"))):
        killed = track.record(number)  # the first step rejects it
        needed = {} if killed else shown if number in lost_first else large  # not all of what is rejected at once
        values = {name: column[row[f"{name}_row"]] for name, column in needed.items() if row[f"{name}_row"] >= 0}
        counts.done += 1
        extra = unpack_columns(row["extra"])
        yield Document(**{name: row[name] for name in FACTS}, **values, extra=extra), {**row, "number": number}


def _through(
    document: Document,
    row: Row,
    chain: Chain,
    lost: Lost,
    counts: SliceCounts,
    track: Track,
) -> Document | None:
    """Lead one document through the chain; returns what is left of it, or None where a step rejects it."""
    number = row.get("number", -1)
    for name, function in chain:
        why = track.step(name) or (lost[name].get(number) if name in lost else None)
        result = why or (apply(function, number, document) if function else document)
        counts.step(name, document, result)
        if isinstance(result, Rejection):
            return None
        document = result
    return document


def _writer(job: PassJob, index: int) -> StateWriter | RunWriter:
    return RunWriter(job.folder, index, job.shards) if job.shards else StateWriter(job, index)


class KeyWriter(AbstractContextManager["KeyWriter"]):
    """Takes the keys of the corpus steps behind a pass, and writes a table of them for each."""

    def __init__(self, job: PassJob, index: int) -> None:
        self._tables = ExitStack()
        self._takers: list[tuple[str, Callable[[Document], tuple], TableWriter]] = []
        for entry in job.pass_.keys:
            assert isinstance(entry.step, CorpusStep)
            table = TableWriter(job.path(f"keys-{entry.name}", index), entry.step.key_schema)
            self._takers.append((entry.name, entry.step.key(), table))

    def __enter__(self) -> KeyWriter:
        for *_, table in self._takers:
            self._tables.enter_context(table)
        return self

    def __exit__(self, *error: Any) -> None:
        self._tables.__exit__(*error)

    def take(self, document: Document, track: Track) -> list[tuple] | Rejection:
        """Return the document's key for each step, or why there is none."""
        keys = []
        for name, key, _ in self._takers:
            if killed := track.step(f"the keys of {name}"):
                return killed
            try:
                keys.append(key(document))
            except BaseException as e:
                return failed(e)
        return track.step("writing") or keys

    def append(self, keys: list[tuple]) -> None:
        """Write the keys of a document."""
        for key, (*_, table) in zip(keys, self._takers, strict=True):
            table.append(key)


class StateWriter(AbstractContextManager["StateWriter"]):
    """Writes what is left of a slice: the state table, and the large fields that changed."""

    def __init__(self, job: PassJob, index: int) -> None:
        self._tables = ExitStack()
        self._state = TableWriter(job.path("state", index), STATE)
        self._large = {name: TableWriter(job.path(name, index), LARGE[name]) for name in job.pass_.writes}

    def __enter__(self) -> StateWriter:
        for table in (self._state, *self._large.values()):
            self._tables.enter_context(table)
        return self

    def __exit__(self, *error: Any) -> None:
        self._tables.__exit__(*error)

    def keep(self, document: Document, row: Row) -> tuple[int, int]:
        """Write a document; returns its bytes of text and its tokens."""
        size = len(document.text.encode("utf-8", "replace"))
        tokens = 0 if document.tokens is None else len(document.tokens)
        places = {name: row.get(f"{name}_row", -1) for name in LARGE}
        sizes = {"html": len(document.html), "text": size, "tokens": 4 * tokens}
        for name, table in self._large.items():
            places[name] = table.append([getattr(document, name)]) if sizes[name] else -1
        facts = [getattr(document, name) for name in FACTS]
        self._state.append([*facts, pack_columns(document.extra), size, tokens, *places.values()])
        return size, tokens


Functions = list[tuple[str, MapFunction]]
FUNCTIONS: dict[str, Functions] = {}
_FUNCTIONS_LOCK = threading.Lock()  # some runners run slices in threads of one process


def _functions(job: PassJob) -> Functions:
    """Make the functions of a pass; models load once per process, not once per slice."""
    with _FUNCTIONS_LOCK:
        if job.folder not in FUNCTIONS:
            functions: Functions = []
            for entry in job.pass_.steps:
                assert isinstance(entry.step, MapStep)
                functions.append((entry.name, entry.step.make()))
            FUNCTIONS.clear()
            FUNCTIONS[job.folder] = functions
        return FUNCTIONS[job.folder]
