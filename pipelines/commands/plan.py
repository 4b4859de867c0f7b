"""Say what running a recipe would do."""

from __future__ import annotations

from typing import Any

import click
from rich.table import Table

from curate.text.printable import printable
from pipelines.commands.console import make_console, print_estimate, warning_line
from pipelines.commands.errors import errors
from pipelines.commands.options import load, recipe_options


@click.command()
@recipe_options
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True, help="Processes that it would have.")
@click.option("--estimate/--no-estimate", "estimated", default=True, help="Try the map steps on some of the input.")
def plan(output: str, workers: int, estimated: bool, **which: Any) -> None:
    """Say what running RECIPE would do, what of it is done already, and what it will cost; writes nothing."""
    with errors():
        from pipelines.engine.estimate import estimate, memory_taken
        from pipelines.engine.layout import RunLayout
        from pipelines.engine.order import assumptions
        from pipelines.engine.preflight import preflight
        from pipelines.engine.why import old_work, why_undone
        from pipelines.io.sources import not_read

        layout = RunLayout.of(load(**which), output)
        preflight(layout)
    table = Table("pass", "reads", "applies", "steps", "extracts keys for", "shuffles per document", "writes", "done")
    for pass_ in layout.plan.passes:
        table.add_row(
            str(pass_.index + 1),
            "raw input" if not pass_.index else "text",
            "\n".join(entry.name for entry in pass_.decided),
            "\n".join(entry.name for entry in pass_.steps),
            "\n".join(entry.name for entry in pass_.keys),
            "\n".join(f"{data.name}: {data.step.shuffles}" for data in layout.cut(pass_)),
            "sorted runs" if pass_.last else "\n".join(pass_.writes),
            layout.progress(pass_),
        )
    table.add_row("shards", "sorted runs", "", "", "", "", "the result", "yes" if layout.finished() else "no")
    console = make_console()
    console.print(table)
    for sentence in why_undone(layout):
        console.print(printable(sentence))
    for _, data in layout.cuts():
        for sentence in data.step.describe(data.decision if data.decision.is_whole() else None):
            console.print(printable(f"{data.name}: {sentence}"))
    size = sum(s.size for s in layout.plan.slices)
    times = len(layout.plan.passes) + 1
    console.print(f"{len(layout.plan.slices)} slices, {size:,} bytes of input; text is read {times} times in all.")
    console.print(memory_taken(workers))
    warnings = [*assumptions(layout.plan.recipe)]
    warnings += filter(None, [not_read(part.file for piece in layout.plan.slices for part in piece.parts)])
    for sentence in warnings:
        console.print(warning_line(sentence))
    if old := old_work(layout):
        console.print(
            f"{printable(layout.work)} has {old.bytes / 1e6:,.1f} MB of {len(old.folders)} passes of other settings: "
            "`curate clean` deletes them."
        )
    if estimated and not layout.finished():
        print_estimate(console, estimate(layout.plan))
