"""Verification of an output: every file against the manifest, and the funnel against the tables."""

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
from pipelines.result.output import RECUT, Entry, Finding, check_files, read_manifest


@dataclass(slots=True)
class Counts:
    """Totals over the rows of tables.

    Attributes:
        rows: number of rows, by table.
        rejected: number of rejections, by step and rule.
        sequences: number of token sequences that documents should have, one per copy.
        tokens: number of tokens in these sequences.
        written: number of tokens in all files, by table.
        unpaired: bytes that an .idx file describes and its .bin file lacks, by name.
    """

    rows: Counter[str] = field(default_factory=Counter)
    rejected: Counter[tuple[str, str]] = field(default_factory=Counter)
    sequences: int = 0
    tokens: int = 0
    written: Counter[str] = field(default_factory=Counter)
    unpaired: Counter[str] = field(default_factory=Counter)

    def add(self, more: Counts) -> None:
        """Add the counts of another file."""
        self.rows += more.rows
        self.rejected += more.rejected
        self.sequences += more.sequences
        self.tokens += more.tokens
        self.written += more.written
        self.unpaired.update(more.unpaired)


@dataclass(frozen=True, slots=True)
class FunnelStep:
    """A step of the funnel in a report."""

    name: str
    read: int
    kept: int
    rejected: dict[str, int]


@dataclass(frozen=True, slots=True)
class Corpus:
    """The totals of the corpus in a report."""

    documents: int
    tokens: int


@dataclass(frozen=True, slots=True)
class Report:
    """The parts of a report that must agree with the tables."""

    steps: list[FunnelStep]
    corpus: Corpus


REPORT = TypeAdapter(Report)


def verify(output: str) -> list[Finding]:
    """Check every file of an output, and its funnel against its tables.

    Args:
        output: folder of a finished run.

    Returns:
        The files that are not as the run left them, in the order of the manifest; if there are none, what does not add
        up in the funnel.

    Raises:
        NotAnOutputError: the folder is not the output of a run.
        OSError: the folder cannot be listed now.
    """
    counted: list[Counts] = []  # appended to by several threads

    def look(entry: Entry, path: str) -> Finding | None:
        try:
            counts = _count(entry, path)
        except (pa.ArrowException, ValueError, KeyError) as e:
            return Finding(entry.path, f"not a file of a run ({e})")
        counted.append(counts)
        rows = counts.rows[entry.table]
        if entry.table and rows != entry.rows:
            return Finding(entry.path, f"{rows:,} rows, but {entry.rows:,} in manifest.json")
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
    findings += [*_check_funnel(report.steps), *_check_tokens(report, total)]
    if RECUT in read_manifest(output):  # only tokens
        return findings
    return [*findings, *_check_rejected(report.steps, total), *_check_corpus(report, total)]


def _count(entry: Entry, path: str) -> Counts:
    """Count the rows of a file, reading only the small columns that are needed."""
    counts = Counts()
    name, _, ending = entry.path.rpartition(".")
    if ending == "idx":
        with files.open_read(path) as f:
            lengths, dtype = index_lengths(f.read())
        counts.rows[entry.table] = len(lengths)
        counts.written[entry.table] = int(lengths.sum())
        counts.unpaired[name] = int(lengths.sum()) * dtype.itemsize
    elif ending == "bin":  # only its index has rows
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
            if entry.table == "tokens":
                groups = (parquet.metadata.row_group(i) for i in range(parquet.metadata.num_row_groups))
                counts.written["tokens"] = sum(group.column(0).num_values for group in groups)  # no sequence is empty
            if entry.table == "documents":
                for batch in parquet.iter_batches(columns=["token_count", "copies"]):
                    tokens, copies = batch["token_count"], batch["copies"]
                    counts.sequences += pc.sum(copies.filter(pc.greater(tokens, 0))).as_py() or 0
                    counts.tokens += pc.sum(pc.multiply(tokens, copies)).as_py() or 0
    return counts


def _check_funnel(steps: Sequence[FunnelStep]) -> Iterator[Finding]:
    for step in steps:
        lost = sum(step.rejected.values())
        if step.read != step.kept + lost:
            what = f"step {step.name} read {step.read:,} documents, but kept {step.kept:,} and rejected {lost:,}"
            yield Finding("report.json", what)
    for before, step in pairwise(steps):
        if before.kept != step.read:
            what = f"step {before.name} kept {before.kept:,} documents, but step {step.name} read {step.read:,}"
            yield Finding("report.json", what)


def _check_rejected(steps: Sequence[FunnelStep], total: Counts) -> Iterator[Finding]:
    reported = {(step.name, rule): n for step in steps for rule, n in step.rejected.items()}
    for reason in sorted(reported.keys() | total.rejected.keys()):
        if reported.get(reason, 0) != total.rejected[reason]:
            rows, expected = total.rejected[reason], reported.get(reason, 0)
            yield Finding("rejected", f"{rows:,} rows of {'/'.join(reason)}, but {expected:,} in report.json")


def _check_tokens(report: Report, total: Counts) -> Iterator[Finding]:
    unpaired = [(name, missing) for name, missing in total.unpaired.items() if missing]
    for name, missing in unpaired:
        yield Finding(f"{name}.bin", f"{missing:,} bytes fewer than its index describes")
    for table in ("tokens", "megatron") if not unpaired else ():
        written, expected = total.written[table], report.corpus.tokens
        if total.rows[table] and written != expected:  # a recipe may leave out either
            yield Finding(table, f"{written:,} tokens, but report.json counts {expected:,}")


def _check_corpus(report: Report, total: Counts) -> Iterator[Finding]:
    kept = report.steps[-1].kept if report.steps else 0
    compared = [
        ("documents", "documents", total.rows["documents"], "the last step kept", kept),
        ("documents", "documents", total.rows["documents"], "report.json counts", report.corpus.documents),
        ("documents", "tokens in all copies", total.tokens, "report.json counts", report.corpus.tokens),
    ]
    for table in ("tokens", "megatron"):  # tables that a recipe may leave out
        files_per_shard = 2 if table == "megatron" else 1
        if total.rows[table]:
            rows = total.rows[table] // files_per_shard
            compared.append((table, "sequences", rows, "documents/ has", total.sequences))
    for table, what, counted, other, expected in compared:
        if counted != expected:
            yield Finding(table, f"{counted:,} {what}, but {other} {expected:,}")
