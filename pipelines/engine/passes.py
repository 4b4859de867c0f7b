"""One pass over one slice: read documents, apply decisions, run map steps, and write the documents that are left.

A slice writes into the folder of its pass: ``state`` (the small fields of the documents that are left), a file per
large field that a step changed, ``keys`` for each corpus step that follows, ``rejected``, ``signals``, and finally its
manifest. A slice with a manifest is done; otherwise all of its files are written again.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import pyarrow as pa

from curate.document import Document, Rejection
from curate.extract.page_features import PageFeatures, page_values
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
from pipelines.steps.base import MapFunction, apply, failed, with_local_files


@dataclass(frozen=True, slots=True)
class PassJob:
    """A pass with everything that it needs to run on any slice; picklable.

    Attributes:
        plugins: user modules. Must come first: unpickling the other attributes may need them.
        pass_: the pass.
        folder: folder of the pass.
        before: folder of the pass before; "" for the first.
        large: by large field, the folder of the pass that last wrote it.
        decided: the corpus steps whose decisions are applied.
        shards: the shards that the last pass writes sorted runs for; None in other passes.
        measures: reference filters whose quantities the recipe's rules use.
        extracts: whether a step of the recipe turns HTML into text.
        earlier: folders of all earlier passes, whose rejections the last pass gathers.
    """

    plugins: PackedPlugins
    pass_: Pass
    folder: str
    before: str
    large: dict[str, str]
    decided: tuple[StepData, ...]
    shards: Shards | None = None
    measures: tuple[str, ...] = ()
    extracts: bool = True
    earlier: tuple[str, ...] = ()

    def path(self, table: str, index: int, ending: str = "parquet") -> str:
        """Return the path of one of the pass's files for one slice."""
        return files.join(self.folder, f"{table}-{index:05d}.{ending}")


def slice_done(job: PassJob, index: int) -> bool:
    """Return whether a slice of the pass is done."""
    return files.exists(job.path("slice", index, "json"))


def run_slice(slice_: Slice, job: PassJob) -> None:
    """Run a pass over one slice and write its files, unless it is done.

    A slice that was begun but never ended has killed its process, and is run in a child process instead.

    Raises:
        WorkerDied: child processes die, and no record can be blamed.
    """
    index = slice_.index
    if slice_done(job, index):
        return
    begun, work = job.path("progress", index, "json"), partial(do_slice, slice_, job)
    path = job.path("killers", index, "json")
    known = sealed.read_json(path)["records"] if files.exists(path) else []
    killers: Killers = {record: (step, how) for record, step, how in known}
    try:
        if not files.exists(begun):
            with suppress(MemoryError):  # treat it as a killed process
                return work(Track(killers=killers))
        run_watched(work, killers, lambda k: sealed.write_json(path, {"records": [(r, *why) for r, why in k.items()]}))
    except WorkerDied as e:
        inputs = ", ".join(part.file.path for part in slice_.parts[:3])
        raise WorkerDied(f"slice {index} ({inputs}): {e}; too little memory? run again with fewer --workers") from None
    finally:
        files.remove(begun)


def do_slice(slice_: Slice, job: PassJob, track: Track) -> None:
    """Run a pass over one slice and write its files.

    Args:
        slice_: the slice.
        job: the pass.
        track: records the position, and knows the records to reject because they kill their worker.
    """
    index = slice_.index
    functions = _functions(job)
    decisions = {data.name: data.apply(index) for data in job.decided}
    lost = {name: dict(applied.rejections()) for name, applied in decisions.items()}
    chain: Chain = [(name, applied.edit) for name, applied in decisions.items()]
    chain += [(name, _any_row(function)) for name, function in functions]
    names = [name for name, _ in chain]
    counts = SliceCounts(
        job.path("rejected", index),
        job.path("signals", index),
        job.path("progress", index, "json"),
        names if job.before else ["read", *names],
        job.measures,
        [data.name for data in job.decided if data.step.removes_copies],
    )
    with counts, KeyWriter(job, index) as key_writer, _writer(job, index) as writer:
        source = _stored(job, index, counts, lost, track) if job.before else _raw(slice_, job, counts, track)
        for document, row in source:
            counts.begin(document)
            kept = _through(document, row, chain, lost, counts, track)
            if kept is None:
                continue
            keys = key_writer.extract(kept, track)
            if isinstance(keys, Rejection):
                counts.lose(kept, keys)
                continue
            counts.keep(kept, *writer.keep(kept, row))
            key_writer.append(keys)
        track.end()
    manifest = {**counts.manifest(), "keys": key_writer.sizes()}
    if isinstance(writer, RunWriter):
        folders = (*job.earlier, job.folder)
        for table in ("rejected", "signals"):
            writer.gather(table, [files.join(f, f"{table}-{index:05d}.parquet") for f in folders])
        manifest["runs"] = writer.written
    sealed.write_json(job.path("slice", index, "json"), manifest)


#: A row of the state table, with its "number": the small fields of a document and the rows of its large fields. Empty
#: for a document read from the input.
Row = dict[str, Any]
#: By step, the rejections of its decision by row number.
Lost = dict[str, dict[int, Rejection]]
#: What a step does to a document, given its row number; None if it changes none.
RowFunction = Callable[[int, Document], Document | Rejection] | None
Chain = list[tuple[str, RowFunction]]


def _any_row(function: MapFunction) -> RowFunction:
    return lambda row, document: function(document)


def _raw(slice_: Slice, job: PassJob, counts: SliceCounts, track: Track) -> Iterator[tuple[Document, Row]]:
    """Yield the documents of the slice's input; a file is not read beyond a record that kills its reader."""
    number = itertools.count()
    for part in slice_.parts:
        counts.open_input(part)
        records = read_part(part)
        while True:
            if killed := track.record(next(number)):
                counts.read(_unread(part, killed))
                break
            if (record := next(records, None)) is None:
                break
            if not job.extracts and isinstance(record, Document) and record.html:
                record = Dropped(
                    record, Rejection("not_extracted", detail="HTML, and no step of the recipe extracts its text")
                )
            if counts.read(record):
                yield record, {}
        counts.done += part.stop - part.start


def _unread(part: Part, killed: Rejection) -> Dropped:
    rest = Document(id=document_id(part.file.path, str(part.start), b""), source=part.file.source)
    return Dropped(rest, replace(killed, detail=f"{killed.detail}; the rest of {part.file.path} is not read"))


def _stored(job: PassJob, index: int, counts: SliceCounts, lost: Lost, track: Track) -> Iterator[tuple[Document, Row]]:
    """Yield the documents that the pass before kept, each with its row."""
    large = {
        name: LargeColumn(files.join(folder, f"{name}-{index:05d}.parquet"), name) for name, folder in job.large.items()
    }
    lost_first = lost[job.decided[0].name] if job.decided else {}
    shown = {name: column for name, column in large.items() if name == "text"}  # for the excerpt of a rejection
    for number, row in enumerate(iter_rows(files.join(job.before, f"state-{index:05d}.parquet"))):
        killed = track.record(number)  # if so, the first step rejects it
        # Skip the large columns of documents that the first decision rejects.
        needed = {} if killed else shown if number in lost_first else large
        values = {name: column[row[f"{name}_row"]] for name, column in needed.items() if row[f"{name}_row"] >= 0}
        counts.done += 1
        extra = unpack_columns(row["extra"])
        page = None if row["page_features"] is None else PageFeatures(*row["page_features"])
        document = Document(**{name: row[name] for name in FACTS}, **values, page_features=page, extra=extra)
        yield document, {**row, "number": number}


def _through(
    document: Document,
    row: Row,
    chain: Chain,
    lost: Lost,
    counts: SliceCounts,
    track: Track,
) -> Document | None:
    """Pass one document through the steps; return the result, or None if a step rejects it."""
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
    """Extracts the keys of the corpus steps that follow a pass, and writes a table of them for each."""

    def __init__(self, job: PassJob, index: int) -> None:
        self._tables = ExitStack()
        self._extractors: list[tuple[str, Callable[[Document], tuple], TableWriter]] = []
        self._lists: dict[str, list[int]] = {}  # by step, the places of lists in its keys
        self._values: dict[str, list[int]] = {}  # by step, the number of elements of each of these lists
        for entry in job.pass_.keys:
            schema = entry.step.key_schema
            table = TableWriter(job.path(f"keys-{entry.name}", index), schema)
            self._extractors.append((entry.name, entry.step.key(), table))
            self._lists[entry.name] = [i for i, field in enumerate(schema) if pa.types.is_list(field.type)]
            self._values[entry.name] = [0] * len(self._lists[entry.name])

    def __enter__(self) -> KeyWriter:
        for *_, table in self._extractors:
            self._tables.enter_context(table)
        return self

    def __exit__(self, *error: Any) -> None:
        self._tables.__exit__(*error)

    def extract(self, document: Document, track: Track) -> list[tuple] | Rejection:
        """Return the document's key for each step, or a rejection if that fails."""
        keys = []
        for name, key, _ in self._extractors:
            if killed := track.step(f"the keys of {name}"):
                return killed
            try:
                keys.append(key(document))
            except BaseException as e:
                return failed(e)
        return track.step("writing") or keys

    def append(self, keys: list[tuple]) -> None:
        """Write the keys of a document."""
        for key, (name, _, table) in zip(keys, self._extractors, strict=True):
            table.append(key)
            for number, place in enumerate(self._lists[name]):
                self._values[name][number] += len(key[place])

    def sizes(self) -> dict[str, tuple[int, int]]:
        """Return the number of rows and of values of each step's keys, as `KeySource.count` does."""
        return {name: (t.rows, max(t.rows, *self._values[name], 0)) for name, _, t in self._extractors}


class StateWriter(AbstractContextManager["StateWriter"]):
    """Writes the documents that are left of a slice: the state table, and the large fields that changed."""

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
        """Write a document; return its bytes of text and its number of tokens."""
        size = len(document.text.encode("utf-8", "replace"))
        tokens = 0 if document.tokens is None else len(document.tokens)
        places = {name: row.get(f"{name}_row", -1) for name in LARGE}
        sizes = {"html": len(document.html), "text": size, "tokens": 4 * tokens}
        for name, table in self._large.items():
            places[name] = table.append([getattr(document, name)]) if sizes[name] else -1
        facts = [getattr(document, name) for name in FACTS]
        page = None if document.page_features is None else page_values(document.page_features)
        self._state.append([*facts, page, pack_columns(document.extra), size, tokens, *places.values()])
        return size, tokens


Functions = list[tuple[str, MapFunction]]
FUNCTIONS: dict[str, Functions] = {}  # of one pass, by its folder
_FUNCTIONS_LOCK = threading.Lock()  # some runners run slices in threads of one process


def _functions(job: PassJob) -> Functions:
    """Build the functions of a pass once per process, so that models load only once."""
    with _FUNCTIONS_LOCK:
        if job.folder not in FUNCTIONS:
            functions: Functions = [(entry.name, with_local_files(entry.step).make()) for entry in job.pass_.steps]
            FUNCTIONS.clear()
            FUNCTIONS[job.folder] = functions
        return FUNCTIONS[job.folder]
