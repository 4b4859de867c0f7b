"""The counts of one pass over one slice: what every step read, kept and rejected, with each rejection in full."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import asdict, dataclass, field
from typing import Any, TypeGuard

from apache_beam.metrics import Metrics

from curate.document import Document, Rejection
from curate.filters.signals import Signals, signal_names
from curate.text.printable import storable
from pipelines.io import files
from pipelines.io.columns import merge_types, pack_columns, types_of
from pipelines.io.privacy import DETAIL_PIECE, EXCERPT_PIECE
from pipelines.io.readers import Dropped, NotAPage
from pipelines.io.sources import Part
from pipelines.io.tables import REJECTED_IN_WORK, TableWriter, signals_schema

PROBLEMS = 100  # broken records per part of a file that inputs.json lists; rejected/ has all of them
PROGRESS_SECONDS = 1.0
PROGRESS_SHARE = (
    0.05  # of the time that a slice has run: a longer one shows its progress less often; curate's own value
)


@dataclass(slots=True)
class Count:
    """What a step did with the documents of a slice."""

    read: int = 0
    kept: int = 0
    rejected: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Input:
    """What one part of an input file contained."""

    path: str
    source: str
    bytes: int
    documents: int = 0
    rejected: int = 0
    undated: int = 0
    skipped: dict[str, int] = field(default_factory=dict)
    broken: int = 0
    problems: list[dict] = field(default_factory=list)  # the first broken records: ``at`` which byte, and ``detail``


class SliceCounts(AbstractContextManager["SliceCounts"]):
    """Counts documents through the steps, and writes every rejection and every measured signal.

    Args:
        rejected: path of the table of rejections.
        signals: path of the table of signals.
        progress: path of a small file with the progress of the slice, written at the start and about once a second.
        steps: names of the pass's steps, in order.
        measures: reference filters whose quantities are stored with curate's own signals.
        copies: names of the steps that remove copies, whose losses are counted by source too.
    """

    def __init__(
        self,
        rejected: str,
        signals: str,
        progress: str,
        steps: list[str],
        measures: Sequence[str] = (),
        copies: Iterable[str] = (),
    ) -> None:
        self._rejected = TableWriter(rejected, REJECTED_IN_WORK)
        self._names = signal_names(measures)
        self._signals = TableWriter(signals, signals_schema(measures))
        self._tables = ExitStack()
        self._progress, self._shown, self._began = progress, 0.0, time.monotonic()
        self._counts = {name: Count() for name in steps}
        self._inputs: list[Input] = []
        self._totals = {"documents": 0, "text_bytes": 0, "tokens": 0}
        self._documents = self._bytes = 0
        self._first_errors: dict[str, str] = {}
        self._columns: dict[str, str] = {}
        #: By step that removes copies, and by source: the documents that it read and rejected.
        self._sources: dict[str, dict[str, list[int]]] = {name: {} for name in copies}
        self._counted: Counter[tuple[str, str]] = Counter()  # the values of Beam's counters
        self.done = 0  # progress through what the pass reads: bytes of input in the first pass, documents in later ones

    def __enter__(self) -> SliceCounts:
        self._show()  # marks the slice as begun
        self._tables.enter_context(self._rejected)
        self._tables.enter_context(self._signals)
        return self

    def __exit__(self, *error: Any) -> None:
        self._tables.__exit__(*error)

    def open_input(self, part: Part) -> None:
        """Start counting a part of an input file."""
        self._inputs.append(Input(storable(part.file.path), part.file.source, part.stop - part.start))

    def read(self, record: Document | Dropped | NotAPage) -> TypeGuard[Document]:
        """Count one record of the input; return whether it is a document to process."""
        source, count = self._inputs[-1], self._counts["read"]
        if isinstance(record, NotAPage):
            source.skipped[record.kind] = source.skipped.get(record.kind, 0) + 1
            return False
        count.read += 1
        if isinstance(record, Dropped):
            source.rejected += 1
            if record.rejection.rule == "broken":
                source.broken += 1
                if len(source.problems) < PROBLEMS:
                    source.problems.append({"at": record.offset, "detail": record.rejection.detail[:DETAIL_PIECE]})
            self.reject("read", record.document, record.rejection)
            return False
        source.documents += 1
        source.undated += not record.date
        count.kept += 1
        return True

    def begin(self, document: Document) -> None:
        """Count a document that enters the pass's steps."""
        self._documents += 1
        self._bytes += len(document.text) or len(document.html)
        now = time.monotonic()
        if now - self._shown > max(PROGRESS_SECONDS, PROGRESS_SHARE * (now - self._began)):
            self._show()

    def step(self, name: str, before: Document, result: Document | Rejection) -> None:
        """Count the result of a step for a document."""
        count = self._counts[name]
        count.read += 1
        if name in self._sources:
            of_source = self._sources[name].setdefault(before.source, [0, 0])
            of_source[0] += 1
            of_source[1] += isinstance(result, Rejection)
        if isinstance(result, Rejection):
            self.reject(name, before, result)
            return
        count.kept += 1
        if result.signals is not None and result.signals is not before.signals:
            self._measured(name, result, result.signals)

    def reject(self, step: str, d: Document, why: Rejection) -> None:
        """Write a rejection, and the signals that led to it.

        Detail and excerpt are not scrubbed here: the last pass scrubs and shortens them for the result.
        """
        detail = why.detail[:DETAIL_PIECE]
        rejected = self._counts[step].rejected
        rejected[why.rule] = rejected.get(why.rule, 0) + 1
        if why.signals is not None:
            self._measured(step, d, why.signals)
        if why.rule == "error":
            self._first_errors.setdefault(step, detail)
        fields = (d.id, d.url, d.date, d.source, d.language)
        columns = self._pack(d)
        self._rejected.append((*fields, step, why.rule, why.value, why.limit, detail, d.text[:EXCERPT_PIECE], columns))

    def lose(self, document: Document, why: Rejection) -> None:
        """Count a document that every step kept but that could not be written, as rejected by the last step."""
        last = next(reversed(self._counts))
        self._counts[last].kept -= 1
        self.reject(last, document, why)

    def _pack(self, d: Document) -> bytes | None:
        if not d.extra:
            return None
        self._columns = merge_types([self._columns, types_of(d.extra)])
        return pack_columns(d.extra)

    def keep(self, document: Document, text_bytes: int, tokens: int) -> None:
        """Count a document that the pass keeps; its tokens count once per copy."""
        if document.extra:
            self._columns = merge_types([self._columns, types_of(document.extra)])
        self._totals["documents"] += 1
        self._totals["text_bytes"] += text_bytes
        self._totals["tokens"] += tokens * document.copies

    def _measured(self, step: str, d: Document, signals: Signals) -> None:
        size = len(d.text.encode("utf-8", "replace"))
        values = signals.as_dict()  # may lack signals that another step measures
        self._signals.append((d.id, step, d.source, d.language, size, *map(values.get, self._names)))

    def _show(self) -> None:
        self._shown = time.monotonic()
        files.write_json(self._progress, self._position())
        self._count_in_beam()

    def _count_in_beam(self) -> None:
        """Update the counters of the Beam job, if there is one."""
        now = Counter({(name, "kept"): count.kept for name, count in self._counts.items()})
        for name, count in self._counts.items():
            now.update({(name, f"rejected-{rule}"): n for rule, n in count.rejected.items()})
        for (name, what), n in (now - self._counted).items():
            Metrics.counter(name, what).inc(n)
        self._counted = now

    def _position(self) -> dict:
        return {"documents": self._documents, "bytes": self._bytes, "done": self.done}

    def manifest(self) -> dict:
        """Return all counts, for the report and for later passes."""
        self._count_in_beam()
        steps = {name: asdict(count) for name, count in self._counts.items()}
        return {
            **self._position(),
            "steps": steps,
            "totals": self._totals,
            "first_errors": self._first_errors,
            "inputs": [asdict(source) for source in self._inputs],
            "columns": self._columns,
            "sources": self._sources,
        }
