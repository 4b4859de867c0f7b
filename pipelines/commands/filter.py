"""Apply the filters of published corpora to documents."""

from __future__ import annotations

import click
from rich.table import Table
from rich.text import Text

from curate.text.printable import printable
from pipelines.commands.console import make_console
from pipelines.commands.errors import errors, fail


@click.command("filter")
@click.argument("preset", default="")
@click.argument("path", default="")
@click.option("--against", metavar="PRESET", help="Compare with another preset.")
@click.option("--language", help="Language of all documents; by default, it is identified for each.")
@click.option("--list", "listed", is_flag=True, help="List the presets, or the rules of PRESET with their limits.")
def filter_(preset: str, path: str, against: str | None, language: str | None, listed: bool) -> None:
    """Apply PRESET (gopher@datatrove, c4@tfds, default, ...) to the documents in PATH, and count the outcomes."""
    if listed:
        _list(preset)
        return
    if not path:
        fail("give PRESET and PATH, or --list")
    with errors(ValueError):
        from pipelines.result.compare import compare

        result = compare(path, [preset, against] if against else [preset], language)
    console = make_console()
    table = Table("documents", preset, *([against] if against else []), "example")
    for outcomes, n in sorted(result.pairs.items(), key=lambda pair: (-pair[1], pair[0])):
        table.add_row(f"{n:,}", *outcomes, result.examples[outcomes][0])
    console.print(table)
    if result.unread:
        reasons = ", ".join(f"{reason} {n:,}" for reason, n in result.unread.most_common())
        console.print(
            Text.assemble((f"{result.unread.total():,} records have no text", "yellow"), f": {printable(reasons)}")
        )
    if against:
        share = 100 * result.agreed / max(result.documents, 1)
        console.print(f"{preset} and {against} agree on {result.agreed:,} of {result.documents:,} ({share:.2f} %).")


def _list(preset: str) -> None:
    from curate.filters.presets import PRESETS, rules_of

    with errors(ValueError):
        rules = rules_of([preset]) if preset else ()
    if not preset:
        table = Table("preset", "rules", "names")
        for name, of_preset in PRESETS.items():
            table.add_row(name, str(len(of_preset)), ", ".join(rule.name for rule in of_preset))
    else:
        table = Table("rule", "signal", "kept if", "applies to")
        for rule in rules:
            sign = (">" if rule.minimum is not None else "<") + ("" if rule.strict else "=")
            table.add_row(rule.name, rule.signal, f"{sign} {rule.limit:g}", rule.where.replace("_", " "))
    make_console().print(table)
