"""Summaries of the corpus and its rejections: counts per label, and examples, computed per shard and then merged."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.result.alarms import SiteCounts, count_sites

SUMMARIZED = ("documents", "rejected")  # the tables that are summarized
EXAMPLES = 3  # per reason, those with the smallest ids
LABELS = ("language", "domain", "source")
EXAMPLE_FIELDS = ("id", "url", "language", "value", "limit", "detail", "excerpt")


def summarize(table: str, rows: pa.Table) -> dict[str, Any]:
    """Count the documents and tokens, or the rejections, of a shard per label; pick examples per reason.

    Args:
        table: name of the table, one of ``SUMMARIZED``.
        rows: the rows of the shard, sorted by id.

    Returns:
        Plain values to pass to `merge`.
    """
    if table == "documents":
        rows = rows.append_column("written", pc.multiply(rows["token_count"], rows["copies"]))
        aggregates = [("id", "count"), ("token_count", "sum"), ("written", "sum")]
        counts = {label: rows.group_by(label).aggregate(aggregates).to_pylist() for label in LABELS}
        summary = {
            what: {label: {r[label]: r[column] for r in of_label} for label, of_label in counts.items()}
            for what, column in (("kept", "id_count"), ("tokens", "token_count_sum"), ("written", "written_sum"))
        }
        return {**summary, "sites": count_sites(rows)}
    lost = {
        label: {r["values"]: r["counts"] for r in rows[label].value_counts().to_pylist()}
        for label in ("language", "source")
    }
    examples = {}
    for reason in rows.group_by(["step", "rule"]).aggregate([]).to_pylist():
        has_reason = pc.and_(pc.equal(rows["step"], reason["step"]), pc.equal(rows["rule"], reason["rule"]))
        first = pc.indices_nonzero(has_reason)[:EXAMPLES]
        examples[f"{reason['step']}/{reason['rule']}"] = rows.take(first).select(EXAMPLE_FIELDS).to_pylist()
    by_step: dict[str, dict[str, int]] = {}
    for row in rows.group_by(["language", "step"]).aggregate([([], "count_all")]).to_pylist():
        by_step.setdefault(row["language"], {})[row["step"]] = row["count_all"]
    return {"lost": lost, "by_step": by_step, "examples": examples, "sites": count_sites(rows)}


def merge(parts: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Merge the summaries of all shards.

    Returns:
        ``labels``: for each of ``LABELS``, rows with ``name``, ``documents``, ``tokens`` (counted once), ``written``
        (tokens counted per copy) and ``rejected``, the largest first. Domains have no ``rejected``, because most
        documents are rejected before they get one. ``examples``: rejected documents, by "step/rule". ``by_step``:
        numbers of rejected documents, by language and step. ``sites``: `SiteCounts`.
    """
    counts: dict[str, dict[str, Counter]] = {
        what: {label: Counter() for label in LABELS} for what in ("kept", "tokens", "written", "lost")
    }
    examples: dict[str, list[dict]] = {}
    by_step: dict[str, Counter[str]] = {}
    sites = SiteCounts()
    for part in parts:
        for what, counters in counts.items():
            for label, of_label in part.get(what, {}).items():
                counters[label].update(of_label)
        for reason, rows in part.get("examples", {}).items():
            examples[reason] = heapq.nsmallest(EXAMPLES, [*examples.get(reason, []), *rows], key=lambda row: row["id"])
        for language, of_language in part.get("by_step", {}).items():
            by_step.setdefault(language, Counter()).update(of_language)
        if "sites" in part:
            sites.add(part["sites"])
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
    return {"labels": labels, "examples": dict(sorted(examples.items())), "by_step": by_step, "sites": sites}
