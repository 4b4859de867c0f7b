"""What the corpus and its rejections are made of, read off the finished tables: counts per label, and examples."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines import files

EXAMPLES = 3  # of each reason, those with the smallest ids
LABELS = ("language", "domain", "source")
EXAMPLE_FIELDS = ("id", "url", "language", "value", "limit", "detail", "excerpt")


def summarize(output: str) -> dict[str, Any]:
    """Count kept documents, tokens and rejections per language, domain and source; pick examples per reason.

    Args:
        output: folder of a run whose tables are written.

    Returns:
        ``labels``: per kind of label, rows of (name, documents, tokens, rejected), the largest first. ``examples``:
        per "step/rule", rejected documents.
    """
    kept: dict[str, Counter] = {label: Counter() for label in LABELS}
    tokens: dict[str, Counter] = {label: Counter() for label in LABELS}
    lost: dict[str, Counter] = {label: Counter() for label in LABELS}
    for table in _tables(output, "documents", [*LABELS, "token_count", "copies"]):
        for label in LABELS:
            for row in table.group_by(label).aggregate([("token_count", "sum"), ("token_count", "count")]).to_pylist():
                kept[label][row[label]] += row["token_count_count"]
                tokens[label][row[label]] += row["token_count_sum"]
    examples: dict[str, list[tuple[str, dict]]] = {}
    for table in _tables(output, "rejected", ["step", "rule", "source", *EXAMPLE_FIELDS]):
        for label in ("language", "source"):
            for row in table[label].value_counts().to_pylist():
                lost[label][row["values"]] += row["counts"]
        for row in table.to_pylist():
            best = examples.setdefault(f"{row['step']}/{row['rule']}", [])
            best.append((row["id"], {name: row[name] for name in EXAMPLE_FIELDS}))
            if len(best) > 64 * EXAMPLES:
                best[:] = heapq.nsmallest(EXAMPLES, best, key=lambda e: e[0])
    labels = {
        label: [
            {"name": n, "documents": kept[label][n], "tokens": tokens[label][n], "rejected": lost[label][n]}
            for n in sorted({*kept[label], *lost[label]}, key=lambda n: (-kept[label][n], n))
        ]
        for label in LABELS
    }
    chosen = {
        reason: [e for _, e in heapq.nsmallest(EXAMPLES, rows, key=lambda e: e[0])]
        for reason, rows in sorted(examples.items())
    }
    return {"labels": labels, "examples": chosen}


def _tables(output: str, kind: str, columns: list[str]) -> Iterator[pa.Table]:
    for meta in files.match(files.join(output, kind, "*.parquet")):
        with files.open_read(meta.path) as stream:
            for batch in pq.ParquetFile(stream).iter_batches(batch_size=65_536, columns=columns):
                yield pa.Table.from_batches([batch])
