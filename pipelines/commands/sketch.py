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
    """What near-duplicate detection needs of a corpus, 660 bytes a document and no word of its text.

    It has all documents that came to minhash_dedup, also those that a later step rejected.

    A sketch lets a new crawl be deduplicated against an old one, or against somebody else's corpus: name its folder in
    the recipe, `minhash_dedup: {index: [FOLDER]}`.
    """


@sketch.command("export")
@recipe_options
@click.option("--to", "folder", required=True, help="Folder for the sketch.")
def export_(output: str, folder: str, **which: Any) -> None:
    """Write the sketch of the run of RECIPE in --output, given with the same --input and --set as that run."""
    with errors(ValueError, FileExistsError):
        from pipelines.result.sketch import export_run

        documents = export_run(load(**which), output, folder)
    make_console().print(f"{documents:,} documents in {printable(folder)}", soft_wrap=True)


@sketch.command("import")
@click.argument("sketches", nargs=-1, required=True)
@click.option("--into", "folder", required=True, help="Folder of the sketch that is extended, or begun.")
def import_(sketches: tuple[str, ...], folder: str) -> None:
    """Check SKETCHES and add their documents, in this order, after those of the sketch in --into."""
    with errors(ValueError):
        from pipelines.result.sketch import import_sketches

        documents = import_sketches(sketches, folder)
    make_console().print(f"{documents:,} documents in {printable(folder)}", soft_wrap=True)
