"""Say what other limits would change."""

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
    help="Use another preset, over signals that the run stored, instead of its own; can be repeated.",
)
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="RULE=LIMIT",
    help="A new limit for a rule, e.g. gopher_too_few_words=30, or RULE=none to drop it; can be repeated.",
)
@click.option("--step", default="", metavar="NAME", help="The step whose limits are changed; the first heuristics.")
def recut(folder: str, presets: tuple[str, ...], settings: tuple[str, ...], step: str) -> None:
    """Say what other limits would change in the finished run in FOLDER, from its stored signals, in seconds."""
    with errors(ValueError):
        from pipelines.result.recut import recut as compare

        limits = dict(_limit(setting) for setting in settings)
        found = compare(folder, presets, limits, step)
    console = make_console()
    table = Table("", "", "documents gained", "tokens gained", "documents lost", "tokens lost", "for example")
    for kind, label in sorted({*found.gained, *found.lost}):
        changes = [found.gained.get((kind, label)), found.lost.get((kind, label))]
        numbers = [f"{n:,}" for change in changes for n in ((change.documents, change.tokens) if change else (0, 0))]
        example = next(change.ids[0] for change in changes if change)
        table.add_row(kind, label, *numbers, example)
    for column in table.columns[2:6]:
        column.justify = "right"
    console.print(table)
    console.print(
        f"The corpus has {found.documents:,} documents and {found.tokens:,} tokens, each once. What is gained still "
        "has to pass the steps behind; its tokens are estimated from its bytes."
    )


def _limit(setting: str) -> tuple[str, float | None]:
    name, _, value = setting.partition("=")
    try:
        return name, None if value.lower() == "none" else float(value)
    except ValueError:
        fail(f"--set {setting}: expected RULE=LIMIT, as gopher_too_few_words=30, or RULE=none")
