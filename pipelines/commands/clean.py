"""Delete files that runs with other settings left behind."""

from __future__ import annotations

from typing import Any

import click

from curate.text.printable import printable
from pipelines.commands.console import make_console
from pipelines.commands.errors import errors
from pipelines.commands.options import load, recipe_options


@click.command()
@recipe_options
def clean(output: str, **which: Any) -> None:
    """Delete what runs of RECIPE with other settings, inputs or code left in _work.

    On S3, this also drops unfinished uploads of killed runs, which cost money and which no listing shows.

    What the next run needs is kept. Give the same arguments as to `curate run`.
    """
    with errors():
        from pipelines.engine.layout import RunLayout
        from pipelines.engine.why import old_work
        from pipelines.io import files

        layout = RunLayout.of(load(**which), output)
        old = old_work(layout)
        begun = files.unfinished(layout.output)
        if old or begun:
            with files.locked(layout.work):  # so no run goes on that could end these uploads
                files.delete([files.join(layout.work, folder) for folder in old.folders] if old else [])
                files.drop(begun)
    console = make_console()
    for upload in begun:
        console.print(f"Dropped an upload that a killed run left unfinished: {printable(upload.path)}", soft_wrap=True)
    if not old:
        console.print(f"{printable(layout.work)} has no passes with other settings.", soft_wrap=True)
        return
    console.print(f"Deleted {len(old.folders)} passes, {old.bytes / 1e6:,.1f} MB.")
