"""Show what other limits would change, and write the tokens of another mixture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.table import Table

from curate.text.printable import printable
from pipelines.commands.console import make_console, warning_line
from pipelines.commands.errors import errors, fail, say

if TYPE_CHECKING:
    from pipelines.result.recut import Recut
    from pipelines.result.remix import Remix


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
    help="Change the limit of a rule, e.g. gopher_too_few_words=30, or drop it with RULE=none; or change the mixture, "
    "e.g. steps.mixture.targets.code=0.4. Can be repeated.",
)
@click.option(
    "--step", default="", metavar="NAME", help="Step whose limits to change; the first heuristics by default."
)
@click.option("--output", default="", metavar="DIR", help="Folder for the tokens of the changed mixture.")
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True, help="Processes on this machine.")
def recut(
    folder: str, presets: tuple[str, ...], settings: tuple[str, ...], step: str, output: str, workers: int
) -> None:
    """Show what other limits would change in the finished run in FOLDER, from its stored signals, in seconds.

    With other settings of the mixture, show its plan; those that --set does not name stay as in the run. With --output,
    also write the tokens of that mixture, the same bytes as a run with it would write. FOLDER does not change:

        curate recut out --set steps.mixture.targets.code=0.4 --set steps.mixture.max_epochs=2 --output mixed
    """
    mixture = any(setting.startswith("steps.") for setting in settings)
    if mixture and (presets or step):
        fail("--preset and --step are for limits of rules; give them without changes of the mixture")
    if output and not mixture:
        fail("--output is for another mixture; change it, e.g. with --set steps.mixture.max_epochs=2")
    console = make_console()
    if mixture:
        _recut_mixture(console, folder, settings, output, workers)
        return
    with errors(ValueError):
        from pipelines.result import recut as stored_signals

        limits = dict(_limit(setting) for setting in settings)
        result = stored_signals.recut(folder, presets, limits, step)
    _print_changes(console, result)


def _recut_mixture(console: Console, folder: str, settings: tuple[str, ...], output: str, workers: int) -> None:
    """Print the plan of another mixture; write its tokens if an output is given."""
    with errors(ValueError, ImportError):
        from pipelines.engine.progress import show
        from pipelines.engine.remix import write_remix
        from pipelines.engine.runners import Runner
        from pipelines.result.remix import plan_remix

        remix = plan_remix(folder, settings)
        _print_plan(console, remix)
        if not output:
            return
        with Runner(workers) as runner:
            report = write_remix(remix, output, runner, show, say)
    console.print(
        f"{report['corpus']['tokens']:,} tokens are in {printable(output)}; their report is "
        f"{printable(output)}/report.html.",
        soft_wrap=True,
    )


def _print_plan(console: Console, remix: Remix) -> None:
    plan = remix.new.plan
    table = Table(remix.new.step.by, "tokens", "target", "epochs", "tokens planned", "share", title="the mixture")
    for column in table.columns[1:]:
        column.justify = "right"
    for label, rate in plan["rates"].items():
        tokens = plan["tokens"].get(label, 0)
        target, share = (f"{100 * plan[what][label]:.1f} %" for what in ("targets", "planned"))
        name = printable(label) or f"no {remix.new.step.by}"
        table.add_row(name, f"{tokens:,}", target, f"{rate:.2f}", f"{rate * tokens:,.0f}", share)
    console.print(table)
    total = sum(rate * plan["tokens"].get(label, 0) for label, rate in plan["rates"].items())
    console.print(f"{total:,.0f} tokens planned; the run has {remix.report['corpus']['tokens']:,}")
    for warning in remix.warnings():
        console.print(warning_line(warning))


def _print_changes(console: Console, result: Recut) -> None:
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
