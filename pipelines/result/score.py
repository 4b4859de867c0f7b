"""The decisions of a finished run about judged pages: read judgements, and find what became of each page."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from curate.filters.urls import normalize_url
from curate.quality.agreement import BAD, BORDERLINE, GOOD, Agreement, Outcome, agreement
from pipelines.io import files
from pipelines.io.tables import DOCUMENTS
from pipelines.result.finished import intact, not_judging, privacy_of

BATCH = 8192  # rows of a table in memory at a time
#: Columns of ``documents`` that a judge may disagree with. The other ones of curate's own are facts about a page.
LABELS = ("language", "domain")
FACTS = frozenset(DOCUMENTS.names).difference(LABELS)
#: How a judged page was found: by its id, its URL, or another spelling of its URL. Smaller is surer.
BY_ID, BY_URL, BY_SPELLING = range(3)
#: What became of a page. Of several records of one URL the smallest counts.
KEPT, REJECTED, COPY = range(3)


@dataclass(frozen=True, slots=True)
class Judgement:
    """A line of a judged file.

    Attributes:
        id: id of the page in the run; "" if the line has none, or one of another data set.
        url: its URL; "" if the line has none.
        keep: whether to keep the page: 1, 0.5 for a borderline page, or 0.
        quality: judged quality on any scale; NaN if there is none.
        language: its language; "" if the line has none.
        note: anything that the judge noted.
        labels: the other values of the line.
    """

    id: str
    url: str
    keep: float
    quality: float
    language: str
    note: str
    labels: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Wrong:
    """A wrong decision: the step and rule that rejected a good page, or ("", "") for a bad page that was kept."""

    url: str
    id: str
    step: str
    rule: str
    note: str


@dataclass(frozen=True, slots=True)
class Score:
    """How the decisions of a run agree with judgements.

    Attributes:
        agreement: the figures.
        copies: judged pages that do not count, because a step removed them as copies or in excess of a share.
        missing: judged pages that are in neither table.
        wrong: the wrong decisions: good pages that were rejected by step and rule, then bad ones that were kept.
    """

    agreement: Agreement
    copies: int
    missing: int
    wrong: list[Wrong]


def read_judgements(path: str) -> list[Judgement]:
    """Read a judged file: JSON lines with ``url`` or ``id``, and ``keep``; lines whose ``keep`` is null are left out.

    Raises:
        OSError: the file cannot be read.
        ValueError: a line is not a judgement, or the file has none.
    """
    judged: list[Judgement] = []
    with files.open_read(path) as stream:
        for number, line in enumerate(stream, 1):
            try:
                judged += _judgement(line) if line.strip() else ()
            except ValueError as e:
                raise ValueError(f"{path}:{number}: {e}") from None
    if not judged:
        raise ValueError(f"{path} has no judged page: each line needs a url or an id, and keep")
    return judged


def _judgement(line: bytes) -> Iterator[Judgement]:
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError as e:
        raise ValueError(f"not JSON: {e}") from None
    if not isinstance(row, dict) or not (_text(row, "url") or _text(row, "id")):
        raise ValueError("expected an object with a url or an id")
    keep, quality = row.get("keep", ""), row.get("quality")
    if keep is None:
        return
    if keep not in (GOOD, BORDERLINE, BAD):
        raise ValueError(f"keep is {keep!r:.40}; expected 1, 0.5, 0, or null for a page that is not judged")
    if quality is not None and not isinstance(quality, int | float):
        raise ValueError(f"quality is {quality!r:.40}; expected a number")
    yield Judgement(
        id=_text(row, "id"),
        url=_text(row, "url"),
        keep=float(keep),
        quality=math.nan if quality is None else float(quality),
        language=_text(row, "language"),
        note=_text(row, "note"),
        labels={name: value for name, value in row.items() if name not in FACTS and value is not None},
    )


def _text(row: dict[str, Any], name: str) -> str:
    value = row.get(name)
    return value if isinstance(value, str) else ""


def score(output: str, judged: Sequence[Judgement]) -> Score:
    """Compare the decisions of a finished run with judgements.

    A page is found by its id, otherwise by its URL, otherwise by another spelling of its URL. Of several records with
    that URL, one that was kept counts, otherwise one that was rejected for what it is.

    Args:
        output: folder of the run.
        judged: the judged pages.

    Raises:
        FileNotFoundError: ``output`` holds no finished run.
        RunError: a file of the run is damaged.
    """
    found = _Found(judged, privacy_of(output).url, not_judging(output))
    labels = sorted({name for page in judged for name in page.labels})
    for row in read_rows(output, "documents", ["quality", "language", *labels], found.candidates):
        found.add(row, KEPT)
    for row in read_rows(output, "rejected", ["step", "rule"], found.candidates):
        found.add(row, COPY if row["step"] in found.not_judging else REJECTED)
    outcomes: list[Outcome] = []
    wrong: list[Wrong] = []
    counts: Counter[int] = Counter()
    for number, page in enumerate(judged):
        (_, fate), row = found.best.get(number, ((-1, -1), {}))
        counts[fate] += 1
        if fate in (KEPT, REJECTED):
            outcomes.append(_outcome(page, fate == KEPT, row))
            if outcomes[-1].wrong:
                wrong.append(Wrong(page.url or row["url"], row["id"], *outcomes[-1].reason, page.note))
    wrong.sort(key=lambda w: (not w.step, w.step, w.rule, w.url))
    return Score(agreement(outcomes), counts[COPY], counts[-1], wrong)


def _outcome(page: Judgement, kept: bool, row: dict[str, Any]) -> Outcome:
    quality = row.get("quality")
    return Outcome(
        keep=page.keep,
        kept=kept,
        reason=("", "") if kept else (row["step"], row["rule"]),
        quality=math.nan if quality is None else quality,
        judged_quality=page.quality,
        language=page.language or row.get("language") or "",
        labels={name: (value, row[name]) for name, value in page.labels.items() if kept and name in row},
    )


@dataclass(slots=True)
class _Found:
    """What was found of judged pages: for each, by its number, the best match so far and its row."""

    judged: Sequence[Judgement]
    scrub: Callable[[str], str]
    not_judging: Collection[str]
    best: dict[int, tuple[tuple[int, int], dict[str, Any]]] = field(default_factory=dict)
    _ids: dict[str, list[int]] = field(default_factory=dict)
    _urls: dict[str, list[tuple[int, str]]] = field(default_factory=dict)  # by normal form: number, and the URL itself

    def __post_init__(self) -> None:
        for number, page in enumerate(self.judged):
            if page.id:
                self._ids.setdefault(page.id, []).append(number)
            if url := self.scrub(page.url):
                self._urls.setdefault(normalize_url(url), []).append((number, url))

    def candidates(self, batch: pa.RecordBatch) -> pa.Array:
        """Return which rows of a batch, with the columns id and url, may be judged pages."""
        same_url = pa.array([normalize_url(url) in self._urls for url in batch["url"].to_pylist()], pa.bool_())
        return pc.or_(pc.is_in(batch["id"], pa.array(self._ids, pa.string())), same_url)

    def add(self, row: dict[str, Any], fate: int) -> None:
        """Take a row of a table."""
        matches = [(number, BY_ID) for number in self._ids.get(row["id"], ())]
        for number, url in self._urls.get(normalize_url(row["url"]), ()):
            matches.append((number, BY_URL if url == row["url"] else BY_SPELLING))
        for number, how in matches:
            if number not in self.best or (how, fate) < self.best[number][0]:
                self.best[number] = (how, fate), row


def read_rows(
    output: str, table: str, columns: Sequence[str], choose: Callable[[pa.RecordBatch], pa.Array]
) -> Iterator[dict[str, Any]]:
    """Yield some rows of a table of a finished run, with a batch in memory at a time.

    Args:
        output: folder of the run.
        table: name of the table.
        columns: columns to read besides id and url; those that the table does not have are left out.
        choose: returns which rows of a batch to yield.

    Raises:
        RunError: a file of the run is damaged.
    """
    for meta in files.within(files.join(output, table), "*.parquet"):
        with intact(meta.path), files.open_read(meta.path) as stream:
            parquet = pq.ParquetFile(stream)
            names = [name for name in dict.fromkeys(["id", "url", *columns]) if name in parquet.schema_arrow.names]
            rows = [
                row
                for batch in parquet.iter_batches(BATCH, columns=names)
                for row in batch.filter(choose(batch)).to_pylist()
            ]
        yield from rows
