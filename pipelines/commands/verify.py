"""Check an output."""

from __future__ import annotations

import sys

import click

from curate.text.printable import printable
from pipelines.commands.console import make_console
from pipelines.commands.errors import errors, say


@click.command()
@click.argument("folder")
def verify(folder: str) -> None:
    """Check that the output in FOLDER is what its run left.

    Every file is compared with manifest.json, and the funnel with the tables; files that do not belong there are named.
    Prints a sentence for each finding. The exit status is 0 if there is none, 1 if there are any, and 2 if no run has
    written into FOLDER.
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
        f"{printable(folder)}: every file is as the run left it, and the funnel agrees with the tables", soft_wrap=True
    )
