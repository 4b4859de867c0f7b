"""Run a slice in a child process that may die, and find the record that kills it.

A page can kill the process that works on it, by a crash in a library or by exhausting memory. No error is raised then;
the only trace is a slice that was begun and not finished. Such a slice is run in a child process of the worker. The
child writes its position, the record and the step, to memory that outlives it, so the worker knows where it died. A
record at which the child dies twice is rejected there, and the slice continues without it.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from apache_beam.io.filesystems import FileSystems

from curate.document import Rejection
from pipelines.steps.base import RunError

DEATHS_OF_A_RECORD = 2  # after which the record is at fault
MAX_DEATHS = 10  # of children in a row, at different records, after which the machine is at fault
KILLED_WORKER = "killed_worker"  # the rule that rejects a record that kills its worker
OUT_OF_MEMORY = 12  # exit code of a child that ran out of memory: ENOMEM
READING = "reading"  # name of what precedes the first step of a record
NO_RECORD = -1  # position before the first record and after the last
JOB, POSITION, ERROR, DONE = "job", "position", "error", "done"  # files that a worker and its child share


class Position(ctypes.Structure):
    """The record of a slice that is being processed, and its step, both counted from 0."""

    _fields_ = [("record", ctypes.c_int64), ("step", ctypes.c_int64)]


#: Records that killed their worker: by number, the step that the record was in, and how the worker died.
Killers = dict[int, tuple[int, str]]


class Track:
    """The position in a slice, and the records to reject because they kill their worker.

    A record that kills its worker while it is read is rejected by the reader, or else by the first step.

    >>> track = Track(Position(), {7: (2, "SIGSEGV")})
    >>> track.record(7), track.step("extract"), track.step("language").detail
    (None, None, 'its worker died twice in language (SIGSEGV)')
    >>> track = Track(Position(), {7: (0, "SIGKILL")})
    >>> track.record(7) == track.step("extract")
    True
    """

    def __init__(self, position: Position | None = None, killers: Killers | None = None) -> None:
        self._position, self._killers = position or Position(), killers or {}
        self._fatal, self._how = -1, ""

    def record(self, number: int) -> Rejection | None:
        """Note that a record is read; return a rejection if reading it is known to kill."""
        self._position.record, self._position.step = number, 0
        self._fatal, self._how = self._killers.get(number, (-1, ""))
        return self._killed(READING) if self._fatal == 0 else None

    def end(self) -> None:
        """Note that there are no more records, so that none is blamed for a later death."""
        self._position.record = NO_RECORD

    def step(self, name: str) -> Rejection | None:
        """Note that a step of the record begins; return a rejection if it is known to kill."""
        self._position.step += 1
        if self._fatal == 0:
            return self._killed(READING)
        return self._killed(name) if self._position.step == self._fatal else None

    def _killed(self, name: str) -> Rejection:
        return Rejection(KILLED_WORKER, detail=f"its worker died twice in {name} ({self._how})")


#: Processes a slice, and updates its position.
Work = Callable[[Track], None]


class WorkerDied(RunError):
    """Processes die on a slice, and no record can be blamed."""


def run_watched(work: Work, killers: Killers, found: Callable[[Killers], None]) -> None:
    """Run work in child processes until one of them survives.

    Args:
        work: what to do; must be picklable.
        killers: records that are known to kill; new ones are added.
        found: called whenever a record is added.

    Raises:
        WorkerDied: the child dies before the first record, or repeatedly at different records.
        Exception: whatever ``work`` raises.
    """
    deaths: Counter[int] = Counter()
    with TemporaryDirectory(prefix="curate-") as folder:
        while how := _run_child(Path(folder), work, killers):
            position = Position.from_buffer_copy(Path(folder, POSITION).read_bytes())
            deaths[position.record] += 1
            where = f"record {position.record} of the slice" if position.record >= 0 else "its start or end"
            if deaths[position.record] == DEATHS_OF_A_RECORD and position.record >= 0:
                killers[position.record] = position.step, how
                found(killers)
            elif deaths[position.record] >= DEATHS_OF_A_RECORD or deaths.total() >= MAX_DEATHS + 2 * len(killers):
                raise WorkerDied(f"{deaths.total()} workers died one after another, the last at {where} by {how}")


def _run_child(folder: Path, work: Work, killers: Killers) -> str:
    """Run work in a child process; return how it died, or "" if it survived."""
    (folder / JOB).write_bytes(pickle.dumps((os.getpid(), FileSystems._pipeline_options, work, killers)))
    (folder / POSITION).write_bytes(bytes(Position(NO_RECORD, 0)))
    for left in (ERROR, DONE):
        (folder / left).unlink(missing_ok=True)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-m", "pipelines.engine.watched", str(folder)]
    ended = subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    if (folder / ERROR).exists():
        raise pickle.loads((folder / ERROR).read_bytes())
    if -ended.returncode in set(signal.Signals):
        return signal.Signals(-ended.returncode).name
    if ended.returncode == OUT_OF_MEMORY:
        return "out of memory"
    return "" if (folder / DONE).exists() else f"exit code {ended.returncode}"


def portable(error: Exception) -> Exception:
    """Return an exception that can be pickled, with the same text."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


def end_with(parent: int) -> None:
    """Make this process end soon after its parent, which may be killed without notice."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def main(folder: Path) -> None:
    """Do the work that a parent left in a folder."""
    parent, options, work, killers = pickle.loads((folder / JOB).read_bytes())
    end_with(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    FileSystems.set_options(options)
    with (folder / POSITION).open("r+b") as file, mmap.mmap(file.fileno(), 0) as shared:
        position = Position.from_buffer(shared)
        try:
            work(Track(position, killers))
            (folder / DONE).touch()
        except MemoryError:
            os._exit(OUT_OF_MEMORY)
        except Exception as e:
            incomplete = folder / f"{ERROR}.incomplete"
            incomplete.write_bytes(pickle.dumps(portable(e)))
            incomplete.rename(folder / ERROR)
        del position  # the shared memory cannot be closed while it is referenced


if __name__ == "__main__":
    main(Path(sys.argv[1]))
