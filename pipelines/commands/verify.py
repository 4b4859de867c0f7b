"""Verify an output."""

from __future__ import annotations

import sys

import click

from curate.text.printable import printable
from pipelines.commands.console import make_console
from pipelines.commands.errors import errors, say


@click.command()
@click.argument("folder")
def verify(folder: str) -> None:
    """Check that the output in FOLDER has not changed since its run.

    Compares every file with manifest.json, and the funnel with the tables, and finds files that do not belong there.
    Prints a sentence per finding. The exit status is 0 without findings, 1 with findings, and 2 if FOLDER is not the
    output of a run.
    """
    with errors():
        from pipelines.result.output import NotAnOutputError
        from pipelines.result.verify import verify as check

        try:
            findings = check(folder)
        except NotAnOutputError as e:
            say(str(e))
            sys.exit(2)
    for finding in findings:
        make_console().print(printable(str(finding)), soft_wrap=True)
    if findings:
        sys.exit(1)
    make_console().print(
        f"{printable(folder)}: all files are intact, and the funnel agrees with the tables", soft_wrap=True
    )
