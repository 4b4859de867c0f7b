"""How results look in a terminal."""

from __future__ import annotations

import sys
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text


def make_console() -> Console:
    """Return a console for standard output: in a pipe, wide enough for a table; brackets in texts are just that."""
    return Console(width=None if sys.stdout.isatty() else 140, markup=False, emoji=False)


def print_funnel(report: dict) -> None:
    """Print the funnel as a table."""
    table = Table("step", "read", "kept", "rejected", "reasons", title=f"{report['recipe']}: the funnel")
    for column in table.columns[1:4]:
        column.justify = "right"
    for step in report["steps"]:
        reasons = ", ".join(f"{rule} {n:,}" for rule, n in step["rejected"].items())
        lost = step["read"] - step["kept"]
        table.add_row(step["name"], f"{step['read']:,}", f"{step['kept']:,}", f"{lost:,}", reasons)
    console = make_console()
    console.print(table)
    corpus = report["corpus"]
    console.print(f"{corpus['documents']:,} documents, {corpus['text_bytes']:,} bytes, {corpus['tokens']:,} tokens")
    for warning in report["warnings"]:
        console.print(Text.assemble(("warning:", "yellow"), f" {warning}"))


def print_estimate(console: Console, found: Any) -> None:
    """Print a `pipelines.estimate.Estimate`."""
    if not found.share:
        console.print("No estimate: the input has no size that is known before it is read.")
        return
    table = Table("map step", "documents in", "documents out", "core minutes", title="expected, without corpus steps")
    for column in table.columns[1:]:
        column.justify = "right"
    for step in found.steps:
        table.add_row(step.name, f"{step.read:,}", f"{step.kept:,}", f"{step.seconds / 60:,.1f}")
    console.print(table)
    share = f"{100 * found.share:.3g} % of the input"
    console.print(f"About {found.seconds / 3600:,.2f} core hours, scaled up from {share}; divide by --workers.")


def outcome(name: str, result: Any) -> Text:
    """Return in words what a step made of a document: a document, or a rejection."""
    from curate.document import Rejection

    if isinstance(result, Rejection):
        return Text.assemble(
            ("rejected", "red"), f" by {name}: {_reason(result.rule, result.value, result.limit, result.detail)}"
        )
    facts = [f"language {result.language} {result.language_score:.2f}"] if result.language else []
    facts += [f"quality {result.quality:.2f}"] if result.quality == result.quality else []
    facts += [f"domain {result.domain}"] if result.domain else []
    facts += [f"{len(result.tokens):,} tokens"] if result.tokens is not None else []
    return Text.assemble(("kept", "green"), f" by {name}: {len(result.text):,} characters {', '.join(facts)}")


def _reason(rule: str, value: float | None, limit: float | None, detail: str) -> str:
    numbers = f" {value:.6g}" if value is not None and value == value else ""
    numbers += f" against a limit of {limit:.6g}" if limit is not None and limit == limit else ""
    return f"{rule}{numbers}{f' ({detail})' if detail else ''}"


def print_fate(console: Console, fate: Any) -> None:
    """Print a `pipelines.explain.Fate`."""
    from curate.signals import signal_names

    row = fate.row
    lines = [Text.assemble("\n", (row["url"] or row["id"], "bold"), f"  {row['date']}  id {row['id']}")]
    if fate.kept:
        shown = ("language", "domain", "source", "token_count", "copies", "cluster_size")
        facts = ", ".join(f"{name} {row[name]}" for name in shown)
        lines.append(Text.assemble(("in the corpus", "green"), f": {facts}"))
    else:
        reason = _reason(row["rule"], row["value"], row["limit"], row["detail"])
        lines.append(Text.assemble(("rejected", "red"), f" by {row['step']}: {reason}"))
        lines.append(Text(row["excerpt"], "dim"))
    for measured in fate.signals:
        values = " ".join(f"{name}={measured[name]:.4g}" for name in signal_names() if measured[name])
        lines.append(Text(f"signals, {measured['step']}: {values}"))
    for line in lines:
        console.print(line, soft_wrap=True)
