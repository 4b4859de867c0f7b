"""Print the report of a run."""

from __future__ import annotations

import click

from pipelines.commands.console import print_funnel
from pipelines.commands.errors import errors


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False))
def report(folder: str) -> None:
    """Print the funnel of the finished run in FOLDER."""
    with errors():
        from pipelines.result.finished import read_report

        print_funnel(read_report(folder))
