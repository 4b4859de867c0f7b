"""Apply the filters of published corpora to documents."""

from __future__ import annotations

import click
from rich.table import Table
from rich.text import Text

from curate.text.printable import printable
from pipelines.commands.console import make_console
from pipelines.commands.errors import errors


@click.command("filter")
@click.argument("preset")
@click.argument("path")
@click.option("--against", metavar="PRESET", help="Say where another preset decides otherwise.")
@click.option("--language", help="Language of all documents; each is identified if this is not given.")
def filter_(preset: str, path: str, against: str | None, language: str | None) -> None:
    """Apply PRESET (gopher@datatrove, c4@tfds, default, ...) to the documents in PATH: what it keeps, and why not."""
    with errors(ValueError):
        from pipelines.result.compare import compare

        found = compare(path, [preset, against] if against else [preset], language)
    console = make_console()
    table = Table("documents", preset, *([against] if against else []), "for example")
    for outcomes, n in sorted(found.pairs.items(), key=lambda p: (-p[1], p[0])):
        table.add_row(f"{n:,}", *outcomes, found.examples[outcomes][0])
    console.print(table)
    if found.unread:
        reasons = ", ".join(f"{reason} {n:,}" for reason, n in found.unread.most_common())
        console.print(
            Text.assemble((f"{found.unread.total():,} records gave no text", "yellow"), f": {printable(reasons)}")
        )
    if against:
        share = 100 * found.agreed / max(found.documents, 1)
        console.print(f"{preset} and {against} agree on {found.agreed:,} of {found.documents:,} ({share:.2f} %).")
