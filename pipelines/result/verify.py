"""Check that an output is what its run left: every file against the manifest, and the funnel against the tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import TypeAdapter, ValidationError

from curate.tokens.megatron import index_lengths
from pipelines.io import files
from pipelines.result.output import Entry, Finding, check_files


@dataclass(slots=True)
class Counts:
    """What the rows of tables add up to."""

    rows: Counter[str] = field(default_factory=Counter)  # by folder of a table
    rejected: Counter[tuple[str, str]] = field(default_factory=Counter)  # by step and rule
    sequences: int = 0  # of tokens: every document as often as training sees it
    tokens: int = 0  # in all sequences
    unpaired: Counter[str] = field(default_factory=Counter)  # bytes that an .idx describes and its .bin lacks, by name

    def add(self, more: Counts) -> None:
        """Add the counts of another file."""
        self.rows += more.rows
        self.rejected += more.rejected
        self.sequences += more.sequences
        self.tokens += more.tokens
        self.unpaired.update(more.unpaired)


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the funnel."""

    name: str
    read: int
    kept: int
    rejected: dict[str, int]


@dataclass(frozen=True, slots=True)
class Corpus:
    """The corpus as the report sums it up."""

    documents: int
    tokens: int


@dataclass(frozen=True, slots=True)
class Report:
    """What of a report has to agree with the tables."""

    steps: list[Step]
    corpus: Corpus


REPORT = TypeAdapter(Report)


def verify(output: str) -> list[Finding]:
    """Check every file of an output, and its funnel against its tables.

    Args:
        output: folder of a finished run.

    Returns:
        What is not as the run left it, files in the order of the manifest; the funnel only where every file is right.

    Raises:
        NotAnOutputError: no run has written into the folder.
        OSError: a file system that cannot list the folder now.
    """
    counted: list[Counts] = []  # a list takes what several threads append

    def look(entry: Entry, path: str) -> Finding | None:
        try:
            counts = _count(entry, path)
        except (pa.ArrowException, ValueError, KeyError) as e:
            return Finding(entry.path, f"not a file of a run ({e})")
        counted.append(counts)
        rows = counts.rows[entry.table]
        if entry.table and rows != entry.rows:
            return Finding(entry.path, f"{rows:,} rows, and manifest.json says {entry.rows:,}")
        return None

    if findings := check_files(output, look):
        return findings
    total = Counts()
    for counts in counted:
        total.add(counts)
    try:
        report = REPORT.validate_python(files.read_json(files.join(output, "report.json")))
    except (files.DamagedError, ValidationError):
        return [Finding("report.json", "not the report of a run")]
    return [*_check_funnel(report.steps), *_check_rejected(report.steps, total), *_check_corpus(report, total)]


def _count(entry: Entry, path: str) -> Counts:
    """Count the rows of a file, reading only the small columns that say what they add up to."""
    counts = Counts()
    name, _, ending = entry.path.rpartition(".")
    if ending == "idx":
        with files.open_read(path) as f:
            lengths, dtype = index_lengths(f.read())
        counts.rows[entry.table] = len(lengths)
        counts.unpaired[name] = int(lengths.sum()) * dtype.itemsize
    elif ending == "bin":  # its index says where its rows are
        counts.rows[entry.table] = entry.rows or 0
        counts.unpaired[name] = -entry.bytes
    elif entry.table:
        with files.open_read(path) as f:
            reason = ["step", "rule"] if entry.table == "rejected" else []
            parquet = pq.ParquetFile(f, read_dictionary=reason)
            counts.rows[entry.table] = parquet.metadata.num_rows
            if reason:
                for batch in parquet.iter_batches(columns=reason):
                    reasons = pa.Table.from_batches([batch]).group_by(reason).aggregate([([], "count_all")])
                    counts.rejected.update({(r["step"], r["rule"]): r["count_all"] for r in reasons.to_pylist()})
            if entry.table == "documents":
                for batch in parquet.iter_batches(columns=["token_count", "copies"]):
                    tokens, copies = batch["token_count"], batch["copies"]
                    counts.sequences += pc.sum(copies.filter(pc.greater(tokens, 0))).as_py() or 0
                    counts.tokens += pc.sum(pc.multiply(tokens, copies)).as_py() or 0
    return counts


def _check_funnel(steps: Sequence[Step]) -> Iterator[Finding]:
    for step in steps:
        lost = sum(step.rejected.values())
        if step.read != step.kept + lost:
            what = f"step {step.name} read {step.read:,} documents, but kept {step.kept:,} and rejected {lost:,}"
            yield Finding("report.json", what)
    for before, step in pairwise(steps):
        if before.kept != step.read:
            what = f"step {before.name} kept {before.kept:,} documents, but step {step.name} read {step.read:,}"
            yield Finding("report.json", what)


def _check_rejected(steps: Sequence[Step], total: Counts) -> Iterator[Finding]:
    said = {(step.name, rule): n for step in steps for rule, n in step.rejected.items()}
    for reason in sorted(said.keys() | total.rejected.keys()):
        if said.get(reason, 0) != total.rejected[reason]:
            rows, counted = total.rejected[reason], said.get(reason, 0)
            yield Finding("rejected", f"{rows:,} rows of {'/'.join(reason)}, and report.json counts {counted:,}")


def _check_corpus(report: Report, total: Counts) -> Iterator[Finding]:
    kept = report.steps[-1].kept if report.steps else 0
    compared = [
        ("documents", "documents", total.rows["documents"], "the last step kept", kept),
        ("documents", "documents", total.rows["documents"], "report.json counts", report.corpus.documents),
        ("documents", "tokens in all copies", total.tokens, "report.json counts", report.corpus.tokens),
    ]
    for table in ("tokens", "megatron"):  # what a recipe does not ask for is not there
        pairs = 2 if table == "megatron" else 1
        if total.rows[table]:
            compared.append((table, "sequences", total.rows[table] // pairs, "documents says", total.sequences))
    for name, missing in total.unpaired.items():
        if missing:
            yield Finding(f"{name}.bin", f"{missing:,} bytes fewer than its index describes")
    for table, what, found, who, said in compared:
        if found != said:
            yield Finding(table, f"{found:,} {what}, and {who} {said:,}")
