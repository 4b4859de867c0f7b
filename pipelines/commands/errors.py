"""Errors of commands: one sentence that is safe to print on any terminal, and a non-zero exit status."""

from __future__ import annotations

import errno
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO, TextIOWrapper
from typing import Any, NoReturn

import click

from curate.text.printable import printable
from pipelines.commands.console import end_output, printable_lines

STOPPED = "curate: stopped; finished work is kept: run the same command again to continue"

ROOM = "; finished work is kept: make room there and run the same command again"
#: The fix to add to errors of the operating system, which only state the problem.
FIXES = {
    errno.ENOSPC: ROOM,
    errno.EDQUOT: ROOM,
    errno.EFBIG: ROOM,
    errno.EROFS: "; choose another folder",
    errno.EIO: "; finished work is kept: check that disk or network and run the same command again",
}


class Commands(click.Group):
    """A group of commands whose errors are sentences that are safe to print, with a non-zero exit status."""

    def main(self, *args: Any, **more: Any) -> Any:
        """Parse the arguments and run the command that they name."""
        more["standalone_mode"] = False
        sys.unraisablehook = _interrupt_again
        if isinstance(sys.stdout, TextIOWrapper):  # escape characters that the terminal's encoding lacks
            sys.stdout.reconfigure(errors="backslashreplace")
        status: Any = 1
        try:
            with errors():
                status = super().main(*args, **more)
                if sys.stdout is not None:
                    sys.stdout.flush()  # while a full disk can still be reported
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


def _interrupt_again(ignored: sys.UnraisableHookArgs) -> None:
    """Send Ctrl-C again, a moment later, where Python ignores it: in a destructor or the callback of a weakref."""
    if issubclass(ignored.exc_type, KeyboardInterrupt):
        threading.Timer(0.01, os.kill, (os.getpid(), signal.SIGINT)).start()
    else:
        sys.__unraisablehook__(ignored)


def fail(problem: str) -> NoReturn:
    """Exit with a sentence on standard error, and status 1."""
    sys.exit(f"curate: {printable(problem)}")


@contextmanager
def errors(*more: type[Exception]) -> Iterator[None]:
    """Turn errors that the user can fix into one line without a traceback.

    Args:
        more: further types of errors that the user can fix.
    """
    try:
        yield
    except KeyboardInterrupt:
        sys.exit(STOPPED)
    except Exception as e:
        if problem := _problem(e, more):
            fail(problem)
        if isinstance(e, RuntimeError) and isinstance(e.__context__, KeyboardInterrupt):
            sys.exit(STOPPED)  # Beam raises this for a Ctrl-C in a corpus step
        raise


def say(sentence: str) -> None:
    """Report an event on standard error."""
    click.echo(f"curate: {printable(sentence)}", err=True)


def _problem(error: Exception, more: tuple[type[Exception], ...]) -> str:
    """Return what is wrong if the user can fix it; otherwise ""."""
    from pipelines.engine.runners import RunError
    from pipelines.io.files import DamagedError, reason
    from pipelines.recipe.recipe import RecipeError

    if isinstance(error, BlockingIOError):
        if error.errno is None:  # the lock of an object store says who holds it
            return str(error)
        return "another run is writing into this output folder; wait for it, or choose another --output"
    if isinstance(error, PermissionError | NotADirectoryError | FileExistsError | IsADirectoryError):
        fix = "check the path and its permissions, or choose another"
        return f"{error.filename or error}: {error.strerror or 'cannot be written'}; {fix}"
    if isinstance(error, DamagedError):
        return f"{error}; run `curate run` with the same arguments again, which repairs it"
    if isinstance(error, OSError) and not isinstance(error, FileNotFoundError):  # a full disk, a lost network
        return f"{reason(error)}{FIXES.get(error.errno or 0, '')}"
    return str(error) if isinstance(error, (RecipeError, RunError, FileNotFoundError, *more)) else ""
