"""One pass over one slice: read documents, apply decisions, run map steps, and write what is left.

A slice leaves, in the pass's folder: ``state`` (small facts of the survivors), a file per large field that a step
changed, ``keys`` for each corpus step behind, ``rejected``, ``signals``, and last of all its manifest. A slice whose
manifest is there is done; every other file of it is written again.
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
from curate.steps import apply, failed
from curate.text.hashing import document_id
from pipelines.engine.counts import Ledger
from pipelines.engine.plan import Pass
from pipelines.engine.watched import Killers, Track, WorkerDied, run_watched
from pipelines.io import files, sealed
from pipelines.io.readers import Dropped, read_part
from pipelines.io.shards import RunWriter, Shards
from pipelines.io.sources import Part, Slice
from pipelines.io.tables import FACTS, LARGE, STATE, LargeColumn, TableWriter, iter_rows
from pipelines.recipe.registry import STEPS
from pipelines.steps.base import CorpusStep, Taken


@dataclass(frozen=True, slots=True)
class Job:
    """A pass with all it needs to run on any slice, picklable."""

    spec: Pass
    folder: str
    before: str  # folder of the pass before, "" for the first
    large: dict[str, str]  # large field -> folder of the pass that last wrote it
    decided: tuple[Taken, ...]
    shards: Shards | None = None  # the last pass writes sorted runs for these
    originals: tuple[str, ...] = ()  # whose quantities the recipe's rules ask for
    extracts: bool = True  # whether any step of the recipe makes text of HTML
    earlier: tuple[str, ...] = ()  # folders of all passes before, whose rejections the last pass gathers

    def path(self, kind: str, index: int, ending: str = "parquet") -> str:
        """Path of one of this pass's files for one slice."""
        return files.join(self.folder, f"{kind}-{index:05d}.{ending}")


def slice_done(job: Job, index: int) -> bool:
    """Say whether a slice of the pass is whole."""
    return files.exists(job.path("slice", index, "json"))


def run_slice(part: Slice, job: Job) -> None:
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


def do_slice(part: Slice, job: Job, track: Track) -> None:
    """Run a pass over one slice and write its files.

    Args:
        part: the slice.
        job: the pass.
        track: is kept up to date, and knows the records to reject because they kill their worker.
    """
    index = part.index
    chain = _chain(job)
    losers = {t.name: dict(t.losers(index)) for t in job.decided}
    clusters = [t.step.clusters(t.decision, index) for t in job.decided]
    names = [name for name, _ in chain]
    ledger = Ledger(
        job.path("rejected", index),
        job.path("signals", index),
        job.path("progress", index, "json"),
        names if job.before else ["read", *names],
        job.originals,
    )
    with ledger, KeyWriter(job, index) as key_writer, _writer(job, index) as writer:
        source = _stored(job, index, ledger, losers, clusters, track) if job.before else _raw(part, job, ledger, track)
        for document, row in source:
            ledger.begin(document)
            kept = _through(document, row, chain, losers, ledger, track)
            if kept is None:
                continue
            keys = key_writer.take(kept, track)
            if isinstance(keys, Rejection):
                ledger.lose(kept, keys)
                continue
            ledger.keep(kept, *writer.keep(kept, row))
            key_writer.append(keys)
        track.end()
    manifest = ledger.manifest()
    if isinstance(writer, RunWriter):
        folders = (*job.earlier, job.folder)
        for kind in ("rejected", "signals"):
            writer.gather(kind, [files.join(f, f"{kind}-{index:05d}.parquet") for f in folders])
        manifest["runs"] = writer.written
    sealed.write_json(job.path("slice", index, "json"), manifest)


#: A row of the state table: the facts of a document, and where its large fields lie; empty for a raw document.
Row = dict[str, Any]
#: Per step, the rejected row numbers of the slice.
Losers = dict[str, dict[int, Rejection]]
#: Cluster and its size of documents that had duplicates, by row number.
Clusters = dict[int, tuple[str, int]]


def _raw(part: Slice, job: Job, ledger: Ledger, track: Track) -> Iterator[tuple[Document, Row]]:
    """Yield the documents of the slice's input; what follows a record that kills its reader in a file is not read."""
    number = itertools.count()
    for piece in part.parts:
        ledger.open_input(piece)
        records = read_part(piece)
        while True:
            if killed := track.record(next(number)):
                ledger.found(_unread(piece, killed))
                break
            if (record := next(records, None)) is None:
                break
            if not job.extracts and isinstance(record, Document) and record.html:
                record = Dropped(record, Rejection("not_extracted", detail="HTML, and the recipe has no step extract"))
            if ledger.found(record):
                assert isinstance(record, Document)
                yield record, {}
        ledger.done += piece.stop - piece.start


def _unread(part: Part, killed: Rejection) -> Dropped:
    rest = Document(id=document_id(part.file.path, str(part.start), b""), source=part.file.source)
    return Dropped(rest, replace(killed, detail=f"{killed.detail}; the rest of {part.file.path} is not read"))


def _stored(
    job: Job, index: int, ledger: Ledger, losers: Losers, clusters: list[Clusters], track: Track
) -> Iterator[tuple[Document, Row]]:
    """Yield the documents that the pass before left, each with its row and number."""
    large = {
        name: LargeColumn(files.join(folder, f"{name}-{index:05d}.parquet"), name) for name, folder in job.large.items()
    }
    lost_first = losers[job.decided[0].name] if job.decided else {}
    shown = {name: column for name, column in large.items() if name == "text"}  # in the table of rejections
    for number, row in enumerate(iter_rows(files.join(job.before, f"state-{index:05d}.parquet"))):
        killed = track.record(number)  # the first step rejects it
        needed = {} if killed else shown if number in lost_first else large  # not all of what is rejected at once
        values = {name: column[row[f"{name}_row"]] for name, column in needed.items() if row[f"{name}_row"] >= 0}
        ledger.done += 1
        for cluster, size in (found[number] for found in clusters if number in found):
            row |= {"cluster": cluster, "cluster_size": row["cluster_size"] + size - 1}
        yield Document(**{name: row[name] for name in FACTS}, **values), {**row, "number": number}


def _through(
    document: Document,
    row: Row,
    chain: Chain,
    losers: Losers,
    ledger: Ledger,
    track: Track,
) -> Document | None:
    """Lead one document through the chain; returns what is left of it, or None where a step rejects it."""
    for name, function in chain:
        lost = track.step(name) or (losers[name].get(row["number"]) if name in losers else None)
        result = lost or (apply(function, document) if function else document)
        ledger.step(name, document, result)
        if isinstance(result, Rejection):
            return None
        document = result
    return document


def _writer(job: Job, index: int) -> StateWriter | RunWriter:
    return RunWriter(job.folder, index, job.shards) if job.shards else StateWriter(job, index)


class KeyWriter(AbstractContextManager["KeyWriter"]):
    """Takes the keys of the corpus steps behind a pass, and writes a table of them for each."""

    def __init__(self, job: Job, index: int) -> None:
        self._tables = ExitStack()
        self._takers: list[tuple[str, Callable[[Document], tuple], TableWriter]] = []
        for step in job.spec.keys:
            kind = STEPS[step.kind]
            assert isinstance(kind, CorpusStep)
            table = TableWriter(job.path(f"keys-{step.name}", index), kind.schema)
            self._takers.append((step.name, kind.key_function(step.config), table))

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

    def __init__(self, job: Job, index: int) -> None:
        self._tables = ExitStack()
        self._state = TableWriter(job.path("state", index), STATE)
        self._large = {name: TableWriter(job.path(name, index), LARGE[name]) for name in job.spec.writes}

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
        self._state.append([*facts, size, tokens, *places.values()])
        return size, tokens


Chain = list[tuple[str, Callable[[Document], Document | Rejection] | None]]
CHAINS: dict[str, Chain] = {}
_CHAINS_LOCK = threading.Lock()  # some runners run slices in threads of one process


def _chain(job: Job) -> Chain:
    """Make the functions of a pass; models load once per process, not once per slice."""
    with _CHAINS_LOCK:
        if job.folder not in CHAINS:
            chain: Chain = [(t.name, t.step.edit(t.config, t.decision)) for t in job.decided]
            for step in job.spec.steps:
                kind = STEPS[step.kind]
                assert not isinstance(kind, CorpusStep)
                chain.append((step.name, kind.make(step.config)))
            CHAINS.clear()
            CHAINS[job.folder] = chain
        return CHAINS[job.folder]
