"""One pass over one slice: read documents, apply decisions, run map steps, and write what is left.

A slice leaves, in the pass's folder: ``state`` (small facts of the survivors), a file per large field that a step
changed, ``keys`` for each corpus step behind, ``rejected``, ``signals``, and last of all its manifest. A slice whose
manifest is there is done; every other file of it is written again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any

import apache_beam as beam

from curate.document import Document, Rejection
from pipelines import files
from pipelines.corpus.base import CorpusStep, Taken
from pipelines.plan import Pass
from pipelines.registry import STEPS
from pipelines.shards import RunWriter, Shards
from pipelines.sources import Dropped, NotAPage, Slice, read_part
from pipelines.tables import LARGE, REJECTED, STATE, LargeColumn, TableWriter, iter_rows, signals_schema

EXCERPT = 240  # characters of a rejected text that are kept for people
PROGRESS_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Job:
    """A pass with all it needs to run on any slice, picklable."""

    spec: Pass
    folder: str
    before: str  # folder of the pass before, "" for the first
    large: dict[str, str]  # large field -> folder of the pass that last wrote it
    decided: tuple[Taken, ...]
    shards: Shards | None = None  # the last pass writes sorted runs for these
    earlier: tuple[str, ...] = ()  # folders of all passes before, whose rejections the last pass gathers

    def path(self, kind: str, index: int, ending: str = "parquet") -> str:
        """Path of one of this pass's files for one slice."""
        return files.join(self.folder, f"{kind}-{index:05d}.{ending}")


@dataclass(slots=True)
class Count:
    """What a step did with the documents of a slice."""

    read: int = 0
    kept: int = 0
    rejected: dict[str, int] = field(default_factory=dict)


class RunPass(beam.PTransform):
    """Run a pass over slices: a PCollection of slices in, their manifests out."""

    def __init__(self, job: Job) -> None:
        super().__init__()
        self.job = job

    def expand(self, slices: beam.PCollection[Slice]) -> beam.PCollection[dict]:
        """One call per slice; documents never leave it."""
        return slices | "RunSlice" >> beam.Map(run_slice, self.job).with_output_types(dict)


def slice_done(job: Job, index: int) -> bool:
    """Say whether a slice of the pass is whole."""
    return files.exists(job.path("slice", index, "json"))


def run_slice(part: Slice, job: Job) -> dict:
    """Run a pass over one slice and write its files; returns the slice's manifest."""
    if slice_done(job, part.index):
        return files.read_json(job.path("slice", part.index, "json"))
    started = time.monotonic()
    run = _Run(part, job)
    with ExitStack() as stack:
        run.open(stack)
        for document, row in run.documents():
            run.take(document, row)
    manifest = run.manifest()
    if job.shards:
        manifest["runs"] = run.gather()
    manifest["seconds"] = round(time.monotonic() - started, 3)
    files.write_json(job.path("slice", part.index, "json"), manifest)
    return manifest


class _Run:
    """The state of one pass over one slice."""

    def __init__(self, part: Slice, job: Job) -> None:
        self.part, self.job = part, job
        self.chain = _chain(job)
        self.losers = {t.name: dict(t.losers(part.index)) for t in job.decided}
        names = [t.name for t in job.decided] + [s.name for s in job.spec.steps]
        self.counts: dict[str, Count] = {"read": Count()} if not job.before else {}
        self.counts |= {name: Count() for name in names}
        self.skipped: dict[str, int] = {}
        self.problems: list[dict] = []
        self.inputs: list[dict] = []
        self.bytes = 0
        self.read = 0
        self.done = 0  # of what the pass has before it: bytes of input, or documents
        self.totals = {"documents": 0, "text_bytes": 0, "tokens": 0}
        self._shown = 0.0

    def open(self, stack: ExitStack) -> None:
        job, index = self.job, self.part.index
        self.rejected = stack.enter_context(TableWriter(job.path("rejected", index), REJECTED))
        self.signals = stack.enter_context(TableWriter(job.path("signals", index), signals_schema()))
        if job.shards:
            self.runs = stack.enter_context(RunWriter(job.folder, index, job.shards))
            return
        self.state = stack.enter_context(TableWriter(job.path("state", index), STATE))
        self.large = {n: stack.enter_context(TableWriter(job.path(n, index), LARGE[n])) for n in job.spec.writes}
        self.keys = []
        for step in job.spec.keys:
            kind = STEPS[step.kind]
            assert isinstance(kind, CorpusStep)
            writer = stack.enter_context(TableWriter(job.path(f"keys-{step.name}", index), kind.schema))
            self.keys.append((kind.key_function(step.config), writer))

    def documents(self) -> Iterator[tuple[Document, dict[str, Any]]]:
        """Yield documents with their state row (number and places of large fields)."""
        if self.job.before:
            yield from self._stored()
            return
        count = self.counts["read"]
        for part in self.part.parts:
            path = part.file.path
            seen: dict[str, Any] = {
                "path": path,
                "bytes": part.stop - part.start,
                "documents": 0,
                "rejected": 0,
                "skipped": {},
            }
            for found in read_part(part):
                if isinstance(found, NotAPage):
                    self.skipped[found.kind] = self.skipped.get(found.kind, 0) + 1
                    seen["skipped"][found.kind] = seen["skipped"].get(found.kind, 0) + 1
                    continue
                count.read += 1
                if isinstance(found, Dropped):
                    self._reject("read", found.document, found.rejection)
                    seen["rejected"] += 1
                    if found.rejection.rule == "broken":
                        problem = {"path": path, "at": found.offset, "detail": found.rejection.detail}
                        self.problems.append(problem)
                    continue
                count.kept += 1
                seen["documents"] += 1
                yield found, {}
            self.inputs.append(seen)
            self.done += part.stop - part.start

    def _stored(self) -> Iterator[tuple[Document, dict[str, Any]]]:
        before, index = self.job.before, self.part.index
        large = {
            name: LargeColumn(files.join(folder, f"{name}-{index:05d}.parquet"), name)
            for name, folder in self.job.large.items()
        }
        state = iter_rows(files.join(before, f"state-{index:05d}.parquet"))
        lost_first = self.losers[self.job.decided[0].name] if self.job.decided else {}
        for number, row in enumerate(state):
            self.done += 1
            needed = {} if number in lost_first else large
            values = {name: column[row[f"{name}_row"]] for name, column in needed.items() if row[f"{name}_row"] >= 0}
            facts = {name: row[name] for name in STATE.names[:10]}
            yield Document(**facts, **values), {**row, "number": number}

    def take(self, document: Document, row: dict[str, Any]) -> None:
        """Lead one document through the chain, and write it or its rejection."""
        self.read += 1
        self.bytes += len(document.text) or len(document.html)
        self._show()
        number = row.get("number", -1)
        for name, function in self.chain:
            count = self.counts[name]
            count.read += 1
            lost = self.losers.get(name, {}).get(number)
            try:
                result = lost or (function(document) if function else document)
            except Exception as e:  # an error costs the document, never the run, and is counted
                result = Rejection("error", detail=f"{type(e).__name__}: {e}"[:500])
            if isinstance(result, Rejection):
                self._reject(name, document, result)
                return
            count.kept += 1
            if result.signals is not None and result.signals is not document.signals:
                self._signals(name, result, result.signals)
            if result.text is not document.text:
                result = replace(result, signals=None)  # they were measured on another text
            document = result
        self._keep(document, row)

    def _keep(self, document: Document, row: dict[str, Any]) -> None:
        size = len(document.text.encode("utf-8", "replace"))
        tokens = 0 if document.tokens is None else len(document.tokens)
        for key, value in (("documents", 1), ("text_bytes", size), ("tokens", tokens * document.copies)):
            self.totals[key] += value
        if self.job.shards:
            self.runs.keep(document)
            return
        rows = {name: row.get(f"{name}_row", -1) for name in LARGE}
        for name, writer in self.large.items():
            value = getattr(document, name)
            rows[name] = -1
            if value is not None and len(value):
                rows[name] = writer.append([value], len(value) if name != "tokens" else 4 * len(value))
        facts = [getattr(document, name) for name in STATE.names[:10]]
        self.state.append([*facts, size, tokens, rows["html"], rows["text"], rows["tokens"]])
        for take_key, writer in self.keys:
            writer.append(take_key(document))

    def _reject(self, step: str, document: Document, why: Rejection) -> None:
        count = self.counts[step]
        count.rejected[why.rule] = count.rejected.get(why.rule, 0) + 1
        if why.signals is not None:
            self._signals(step, document, why.signals)
        d = document
        excerpt = " ".join(d.text[:EXCERPT].split())
        who = [d.id, d.url, d.date, d.source, d.language]
        self.rejected.append([*who, step, why.rule, why.value, why.limit, why.detail, excerpt])

    def _signals(self, step: str, d: Document, signals: Any) -> None:
        size = len(d.text.encode("utf-8", "replace"))
        self.signals.append([d.id, step, d.source, d.language, size, *signals.as_dict().values()])

    def _show(self) -> None:
        now = time.monotonic()
        if now - self._shown > PROGRESS_SECONDS:
            self._shown = now
            progress = {"documents": self.read, "bytes": self.bytes, "done": self.done}
            files.write_json(self.job.path("progress", self.part.index, "json"), progress)

    def gather(self) -> dict[str, list[dict]]:
        """Bring the slice's rejections and signals of all passes into sorted runs beside the documents."""
        folders = (*self.job.earlier, self.job.folder)
        for kind in ("rejected", "signals"):
            self.runs.gather(kind, [files.join(f, f"{kind}-{self.part.index:05d}.parquet") for f in folders])
        return self.runs.written

    def manifest(self) -> dict:
        """Return what happened, for the report and for the passes behind."""
        steps = {n: {"read": c.read, "kept": c.kept, "rejected": c.rejected} for n, c in self.counts.items()}
        return {
            "slice": self.part.index,
            "inputs": self.inputs,
            "problems": self.problems,
            "skipped": self.skipped,
            "steps": steps,
            "documents": self.read,
            "bytes": self.bytes,
            "done": self.done,
            "totals": self.totals,
        }


MapLike = Callable[[Document], Document | Rejection] | None
_CHAINS: dict[str, list[tuple[str, MapLike]]] = {}


def _chain(job: Job) -> list[tuple[str, MapLike]]:
    """Make the functions of a pass; models load once per process, not once per slice."""
    if job.folder not in _CHAINS:
        chain: list[tuple[str, MapLike]] = [(t.name, t.step.edit(t.config, t.decision)) for t in job.decided]
        for step in job.spec.steps:
            kind = STEPS[step.kind]
            assert not isinstance(kind, CorpusStep)
            chain.append((step.name, kind.make(step.config)))
        _CHAINS.clear()
        _CHAINS[job.folder] = chain
    return _CHAINS[job.folder]
