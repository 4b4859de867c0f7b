"""Compare the decisions of a run with judgements."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.table import Table

from curate.text.printable import printable
from pipelines.commands.console import make_console
from pipelines.commands.errors import errors

if TYPE_CHECKING:
    from pipelines.result.score import Score


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False))
@click.option(
    "--judged",
    required=True,
    metavar="FILE",
    help="JSON lines with url or id, keep (1, 0.5 or 0), and optionally quality, language, note and other labels.",
)
@click.option("--wrong", "listed", is_flag=True, help="List every wrong decision.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def score(folder: str, judged: str, listed: bool, as_json: bool) -> None:
    """Compare the decisions of the finished run in FOLDER with pages that a person or a language model judged.

    Precision is the share of good pages among those that were kept, recall the share of the good pages that was kept.
    Borderline pages (keep 0.5) count for neither, nor do pages that were removed as copies or by the mixture. `curate
    sample` draws pages to judge.
    """
    with errors(ValueError):
        from pipelines.result.score import read_judgements, score as compare

        found = compare(folder, read_judgements(judged))
    if as_json:
        click.echo(json.dumps(_plain(found, listed)))
    else:
        _print(make_console(), found, listed)


def _plain(found: Score, listed: bool) -> dict[str, Any]:
    """Return the score as plain values; figures of no pages are None."""
    a = found.agreement
    return {
        "kept": asdict(a.kept),
        "rejected": asdict(a.rejected),
        "copies": found.copies,
        "missing": found.missing,
        "precision": _number(a.precision),
        "recall": _number(a.recall),
        "f1": _number(a.f1),
        "rank_correlation": {
            name: {"rho": _number(c.rho), "documents": c.documents} for name, c in a.correlations.items()
        },
        "labels": {name: asdict(label) for name, label in a.labels.items()},
        "rejected_by": [{"step": s, "rule": rule, **asdict(n)} for (s, rule), n in a.rejected_by.items()],
        **({"wrong": [asdict(wrong) for wrong in found.wrong]} if listed else {}),
    }


def _number(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 4)


def _print(console: Console, found: Score, listed: bool) -> None:
    a = found.agreement
    table = _table("", "good", "borderline", "bad")
    for name, counts in (("kept", a.kept), ("rejected", a.rejected)):
        table.add_row(name, *(f"{n:,}" for n in asdict(counts).values()))
    console.print(table)
    console.print(f"precision {a.precision:.3f}, recall {a.recall:.3f}, F1 {a.f1:.3f}")
    if a.correlations:
        each = ", ".join(f"{printable(name)} {c.rho:.2f} ({c.documents:,} pages)" for name, c in a.correlations.items())
        console.print(f"rank correlation of quality with judged quality: {each}")
    for name, label in a.labels.items():
        share = label.same / label.documents
        console.print(f"{printable(name)} as judged: {label.same:,} of {label.documents:,} pages ({share:.1%})")
    if found.copies:
        console.print(f"{found.copies:,} pages do not count: they were removed as copies or by the mixture.")
    if found.missing:
        console.print(f"{found.missing:,} pages are in neither documents/ nor rejected/.")
    if a.rejected_by:
        table = _table("rejected by", "good", "borderline", "bad")
        for (step, rule), counts in a.rejected_by.items():
            table.add_row(printable(f"{step}: {rule}"), *(f"{n:,}" for n in asdict(counts).values()))
        console.print(table)
    for wrong in found.wrong if listed else ():
        what = f"wrongly rejected by {wrong.step}: {wrong.rule}" if wrong.step else "wrongly kept"
        note = f" ({wrong.note})" if wrong.note else ""
        console.print(printable(f"{what}: {wrong.url or wrong.id}{note}"), soft_wrap=True)


def _table(first: str, *counts: str) -> Table:
    table = Table(first, *counts)
    for column in table.columns[1:]:
        column.justify = "right"
    return table
