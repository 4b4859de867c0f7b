"""Errors as sentences: whatever goes wrong ends in one that any terminal shows, and a status that is not 0."""

from __future__ import annotations

import errno
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO, TextIOWrapper
from typing import Any, NoReturn

import click

from curate.text.printable import printable
from pipelines.commands.console import end_output, printable_lines

STOPPED = "curate: stopped; what is finished is kept: run the same command again to go on"

ROOM = "; what is finished is kept: make room there and run the same command again"
#: What to do about errors of the operating system that say no more than their name.
FIXES = {
    errno.ENOSPC: ROOM,
    errno.EDQUOT: ROOM,
    errno.EFBIG: ROOM,
    errno.EROFS: "; choose another folder",
    errno.EIO: "; what is finished is kept: check that disk or network and run the same command again",
}


class Commands(click.Group):
    """The commands: whatever goes wrong ends in a sentence that any terminal shows, and a status that is not 0."""

    def main(self, *args: Any, **more: Any) -> Any:
        """Parse the arguments and run the command that they name."""
        more["standalone_mode"] = False
        if isinstance(sys.stdout, TextIOWrapper):  # a character that the terminal's encoding lacks is no reason to stop
            sys.stdout.reconfigure(errors="backslashreplace")
        status: Any = 1
        try:
            with errors():
                status = super().main(*args, **more)
                if sys.stdout is not None:
                    sys.stdout.flush()  # here a full disk can still be reported
        except click.Abort:
            sys.exit(STOPPED)
        except click.ClickException as e:
            shown = StringIO()
            e.show(shown)
            click.echo(printable_lines(shown.getvalue()), err=True, nl=False)
            sys.exit(e.exit_code)
        finally:
            end_output()
        sys.exit(status if isinstance(status, int) else 0)


def fail(problem: str) -> NoReturn:
    """End with a sentence on standard error, and status 1."""
    sys.exit(f"curate: {printable(problem)}")


@contextmanager
def errors(*more: type[Exception]) -> Iterator[None]:
    """Print what is wrong in one line, without a traceback, where it is the user's to fix."""
    try:
        yield
    except KeyboardInterrupt:
        sys.exit(STOPPED)
    except Exception as e:
        if problem := _problem(e, more):
            fail(problem)
        if isinstance(e, RuntimeError) and isinstance(e.__context__, KeyboardInterrupt):
            sys.exit(STOPPED)  # Beam makes this of a Ctrl-C that strikes within a corpus step
        raise


def say(sentence: str) -> None:
    """Report something that happened on the way."""
    click.echo(f"curate: {printable(sentence)}", err=True)


def _problem(error: Exception, more: tuple[type[Exception], ...]) -> str:
    """Say what is wrong if it is the user's to fix, else ""."""
    from pipelines.engine.runners import RunError
    from pipelines.io.files import DamagedError, reason
    from pipelines.recipe.recipe import RecipeError

    if isinstance(error, BlockingIOError):
        return "another run is writing into this output folder: wait for it, or choose another --output"
    if isinstance(error, PermissionError | NotADirectoryError | FileExistsError | IsADirectoryError):
        fix = "check the path and its permissions, or choose another"
        return f"{error.filename or error}: {error.strerror or 'cannot be written'}: {fix}"
    if isinstance(error, DamagedError):
        return f"{error}; run the same command as before again, which repairs it"
    if isinstance(error, OSError) and not isinstance(error, FileNotFoundError):  # a full disk, a network that is gone
        return f"{reason(error)}{FIXES.get(error.errno or 0, '')}"
    return str(error) if isinstance(error, (RecipeError, RunError, FileNotFoundError, *more)) else ""
