"""Export and import sketches."""

from __future__ import annotations

from typing import Any

import click

from curate.text.printable import printable
from pipelines.commands.console import make_console
from pipelines.commands.errors import errors
from pipelines.commands.options import load, recipe_options


@click.group()
def sketch() -> None:
    """Export and import sketches, to deduplicate one corpus against another.

    A sketch has what near-duplicate detection needs to know about a corpus: 660 bytes per document, and none of its
    text. It includes all documents that reached minhash_dedup, even if a later step rejected them.

    To deduplicate a new crawl against an old one, or against another party's corpus, name the folder of its sketch in
    the recipe: `minhash_dedup: {index: [FOLDER]}`.
    """


@sketch.command("export")
@recipe_options
@click.option("--to", "folder", required=True, help="Folder for the sketch.")
def export_(output: str, folder: str, **which: Any) -> None:
    """Write the sketch of the run of RECIPE in --output; give the same --input and --set as for that run."""
    with errors(ValueError, FileExistsError):
        from pipelines.result.sketch import export_run

        documents = export_run(load(**which), output, folder)
    make_console().print(f"{documents:,} documents in {printable(folder)}", soft_wrap=True)


@sketch.command("import")
@click.argument("sketches", nargs=-1, required=True)
@click.option("--into", "folder", required=True, help="Folder of the sketch to extend or create.")
def import_(sketches: tuple[str, ...], folder: str) -> None:
    """Check SKETCHES, and append their documents in the given order to the sketch in --into."""
    with errors(ValueError):
        from pipelines.result.sketch import import_sketches

        documents = import_sketches(sketches, folder)
    make_console().print(f"{documents:,} documents in {printable(folder)}", soft_wrap=True)
