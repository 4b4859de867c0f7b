"""What the corpus and its rejections are made of: counts per label, and examples, shard by shard and then together."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

SUMMARIZED = ("documents", "rejected")  # the tables of which something is counted
EXAMPLES = 3  # of each reason, those with the smallest ids
LABELS = ("language", "domain", "source")
EXAMPLE_FIELDS = ("id", "url", "language", "value", "limit", "detail", "excerpt")


def summarize(kind: str, table: pa.Table) -> dict[str, Any]:
    """Count one shard's documents and tokens, or its rejections, per label; pick examples per reason.

    Args:
        kind: of the table, one of ``SUMMARIZED``.
        table: a shard, sorted by id.

    Returns:
        A part for `merge`, plain values.
    """
    if kind == "documents":
        table = table.append_column("written", pc.multiply(table["token_count"], table["copies"]))
        counted = [("id", "count"), ("token_count", "sum"), ("written", "sum")]
        rows = {label: table.group_by(label).aggregate(counted).to_pylist() for label in LABELS}
        return {
            what: {label: {r[label]: r[column] for r in found} for label, found in rows.items()}
            for what, column in (("kept", "id_count"), ("tokens", "token_count_sum"), ("written", "written_sum"))
        }
    lost = {
        label: {r["values"]: r["counts"] for r in table[label].value_counts().to_pylist()}
        for label in ("language", "source")
    }
    examples = {}
    for reason in table.group_by(["step", "rule"]).aggregate([]).to_pylist():
        mine = pc.and_(pc.equal(table["step"], reason["step"]), pc.equal(table["rule"], reason["rule"]))
        first = pc.indices_nonzero(mine)[:EXAMPLES]
        examples[f"{reason['step']}/{reason['rule']}"] = table.take(first).select(EXAMPLE_FIELDS).to_pylist()
    return {"lost": lost, "examples": examples}


def merge(parts: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Bring the summaries of all shards together.

    Returns:
        ``labels``: per kind of label, rows of (name, documents, tokens once, tokens written, rejected), the largest
        first; domains have no ``rejected``, for most rejections come before there are any. ``examples``: per
        "step/rule", rejected documents.
    """
    counts: dict[str, dict[str, Counter]] = {
        what: {label: Counter() for label in LABELS} for what in ("kept", "tokens", "written", "lost")
    }
    examples: dict[str, list[dict]] = {}
    for part in parts:
        for what, counters in counts.items():
            for label, found in part.get(what, {}).items():
                counters[label].update(found)
        for reason, rows in part.get("examples", {}).items():
            examples[reason] = heapq.nsmallest(EXAMPLES, [*examples.get(reason, []), *rows], key=lambda row: row["id"])
    kept, lost = counts["kept"], counts["lost"]
    labels = {
        label: [
            {
                "name": n,
                "documents": kept[label][n],
                "tokens": counts["tokens"][label][n],
                "written": counts["written"][label][n],
                **({"rejected": lost[label][n]} if label != "domain" else {}),
            }
            for n in sorted({*kept[label], *lost[label]}, key=lambda n: (-kept[label][n], n))
        ]
        for label in LABELS
    }
    return {"labels": labels, "examples": dict(sorted(examples.items()))}
