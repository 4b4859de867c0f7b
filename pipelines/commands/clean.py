"""Delete what runs with other settings left."""

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
    """Delete what runs of RECIPE with other settings, inputs or code left in _work, and keep what the next run needs.

    Give it what you give to `curate run`.
    """
    with errors():
        from pipelines.engine.layout import RunLayout
        from pipelines.engine.why import old_work
        from pipelines.io import files

        layout = RunLayout.of(load(**which), output)
        if old := old_work(layout):
            with files.locked(layout.work):
                files.delete([files.join(layout.work, folder) for folder in old.folders])
    console = make_console()
    if not old:
        console.print(f"{printable(layout.work)} has nothing of other settings.", soft_wrap=True)
        return
    console.print(f"{len(old.folders)} passes deleted: {old.bytes / 1e6:,.1f} MB.")
