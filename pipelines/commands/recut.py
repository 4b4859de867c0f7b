"""Show what other limits would change."""

from __future__ import annotations

import click
from rich.table import Table

from pipelines.commands.console import make_console
from pipelines.commands.errors import errors, fail


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False))
@click.option(
    "--preset",
    "presets",
    multiple=True,
    help="Preset to use instead of the run's own; the run must have stored its signals. Can be repeated.",
)
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="RULE=LIMIT",
    help="Change the limit of a rule, e.g. gopher_too_few_words=30, or drop it with RULE=none; can be repeated.",
)
@click.option(
    "--step", default="", metavar="NAME", help="Step whose limits to change; the first heuristics by default."
)
def recut(folder: str, presets: tuple[str, ...], settings: tuple[str, ...], step: str) -> None:
    """Show what other limits would change in the finished run in FOLDER, from its stored signals, in seconds."""
    with errors(ValueError):
        from pipelines.result import recut as stored_signals

        limits = dict(_limit(setting) for setting in settings)
        result = stored_signals.recut(folder, presets, limits, step)
    console = make_console()
    table = Table("", "", "documents gained", "tokens gained", "documents lost", "tokens lost", "example")
    for label, value in sorted({*result.gained, *result.lost}):
        changes = [result.gained.get((label, value)), result.lost.get((label, value))]
        numbers = [f"{n:,}" for change in changes for n in ((change.documents, change.tokens) if change else (0, 0))]
        example = next(change.ids[0] for change in changes if change)
        table.add_row(label, value, *numbers, example)
    for column in table.columns[2:6]:
        column.justify = "right"
    console.print(table)
    console.print(
        f"The corpus has {result.documents:,} documents and {result.tokens:,} tokens, without repeats. Documents that "
        "are gained must still pass the steps that follow; their tokens are estimated from their bytes."
    )


def _limit(setting: str) -> tuple[str, float | None]:
    name, _, value = setting.partition("=")
    try:
        return name, None if value.lower() == "none" else float(value)
    except ValueError:
        fail(f"--set {setting}: expected RULE=LIMIT, such as gopher_too_few_words=30, or RULE=none")
