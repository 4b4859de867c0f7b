"""Printing of results in a terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from curate.text.printable import printable

if TYPE_CHECKING:
    from curate.document import Document, Rejection
    from pipelines.engine.estimate import Estimate
    from pipelines.result.explain import Fate

CLOSED = "curate: standard output was closed before everything was printed"


def printable_lines(text: str) -> str:
    """Make each line of a text `printable`."""
    return "\n".join(map(printable, text.split("\n")))


class SafeConsole(Console):
    """A console that makes all text `printable`, so that nothing printed can send a command to the terminal.

    Brackets and colons are not markup. Newlines are kept, so use `printable` for foreign text within a sentence.
    """

    def __init__(self, *, stderr: bool = False) -> None:
        stream = sys.stderr if stderr else sys.stdout
        in_terminal = stream is not None and stream.isatty()  # None if the stream was closed
        width = None if in_terminal or stderr else 140  # in a pipe, wide enough for a table
        super().__init__(stderr=stderr, width=width, markup=False, emoji=False)

    def render_str(self, text: str, **options: Any) -> Text:
        """Turn a string into text before Rich silently drops some control characters."""
        return super().render_str(printable_lines(text), **options)

    def render(self, renderable: Any, options: Any = None) -> Iterable[Segment]:
        """Render anything, with all of its text made printable."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(printable_lines(segment.text), segment.style)

    def on_broken_pipe(self) -> None:
        """Exit with one sentence when the reader stops, as in ``| head -1``."""
        self.quiet = True
        sys.exit(CLOSED)


def end_output() -> None:
    """Flush standard output; if that fails, discard the rest, on which the interpreter would fail when it exits."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def make_console() -> Console:
    """Return a console for standard output."""
    return SafeConsole()


def print_funnel(report: dict) -> None:
    """Print the funnel as a table."""
    table = Table("step", "read", "kept", "rejected", "reasons", title=f"{printable(report['recipe'])}: the funnel")
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
        console.print(warning_line(warning))


def warning_line(warning: str) -> Text:
    """Return a warning as one line."""
    return Text.assemble(("warning:", "yellow"), f" {printable(warning)}")


def print_estimate(console: Console, estimate: Estimate) -> None:
    """Print an estimate."""
    if not estimate.share:
        console.print("No estimate: the size of the input is unknown before it is read.")
        return
    table = Table("map step", "documents in", "documents out", "core minutes", title="expected, without corpus steps")
    for column in table.columns[1:]:
        column.justify = "right"
    for step in estimate.steps:
        table.add_row(step.name, f"{step.read:,}", f"{step.kept:,}", f"{step.seconds / 60:,.1f}")
    console.print(table)
    share = f"{100 * estimate.share:.3g} % of the input"
    console.print(f"About {estimate.seconds / 3600:,.2f} core hours, extrapolated from {share}; divide by --workers.")


def outcome(name: str, result: Document | Rejection) -> Text:
    """Describe the result of a step for a document."""
    from curate.document import Rejection

    if isinstance(result, Rejection):
        return Text.assemble(
            ("rejected", "red"),
            f" by {printable(name)}: {_reason(result.rule, result.value, result.limit, result.detail)}",
        )
    facts = [f"language {result.language} {result.language_score:.2f}"] if result.language else []
    facts += [f"quality {result.quality:.2f}"] if result.quality == result.quality else []
    facts += [f"domain {result.domain}"] if result.domain else []
    facts += [f"{len(result.tokens):,} tokens"] if result.tokens is not None else []
    return Text.assemble(
        ("kept", "green"), f" by {printable(name)}: {len(result.text):,} characters {printable(', '.join(facts))}"
    )


def _reason(rule: str, value: float | None, limit: float | None, detail: str) -> str:
    numbers = f" {value:.6g}" if value is not None and value == value else ""
    numbers += f" against a limit of {limit:.6g}" if limit is not None and limit == limit else ""
    return printable(f"{rule}{numbers}{f' ({detail})' if detail else ''}")


def print_fate(console: Console, fate: Fate) -> None:
    """Print what happened to a document."""
    from curate.filters.signals import signal_names

    row: dict[str, Any] = {
        name: printable(value) if isinstance(value, str) else value for name, value in fate.row.items()
    }
    lines = [Text.assemble("\n", (row["url"] or row["id"], "bold"), f"  {row['date']}  id {row['id']}")]
    if fate.kept:
        shown = ("language", "domain", "source", "token_count", "copies", "cluster_size")
        facts = ", ".join(f"{name} {row[name]}" for name in shown)
        where = "in the corpus" if row["copies"] else "in documents/, but left out of tokens/ by the mixture"
        lines.append(Text.assemble((where, "green"), f": {facts}"))
    else:
        reason = _reason(row["rule"], row["value"], row["limit"], row["detail"])
        lines.append(Text.assemble(("rejected", "red"), f" by {row['step']}: {reason}"))
        lines.append(Text(row["excerpt"], "dim"))
    for measured in fate.signals:
        values = " ".join(f"{name}={measured[name]:.4g}" for name in signal_names() if measured[name])
        lines.append(Text(f"signals, {printable(measured['step'])}: {values}"))
    for line in lines:
        console.print(line, soft_wrap=True)
