"""Run a slice in a process that may die, and find the record that kills it.

A page can end the process that works on it: a crash in a library, or more memory than there is. No error is raised
then; all that is left is a slice that was begun and not finished. Such a slice runs in a child process of the worker.
The child keeps its position, which record and which step, in memory that outlives it, so the worker knows where it
died. A record at which it dies twice is rejected there, and the slice goes on without it.
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

DEATHS_OF_A_RECORD = 2  # then it is the record's fault
MAX_DEATHS = 10  # of one child after the other, each at another record: then it is the machine's
KILLED_WORKER = "killed_worker"  # the rule that rejects such a record
OUT_OF_MEMORY = 12  # exit code of a child that got no more memory: ENOMEM
READING = "reading"  # what comes before the first step of a record
NO_RECORD = -1  # before the first record and after the last
JOB, POSITION, ERROR, DONE = "job", "position", "error", "done"  # files that a worker and its child share


class Position(ctypes.Structure):
    """The record of a slice that is worked on, and the step it is in, both counted from 0."""

    _fields_ = [("record", ctypes.c_int64), ("step", ctypes.c_int64)]


#: Records that killed their worker: the number of each, the step that it was in, and how the worker died.
Killers = dict[int, tuple[int, str]]


class Track:
    """Where a slice is, and which of its records are rejected because they kill their worker.

    A record that kills where it is read is rejected by the reader, or else by the first step.

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
        """Note that a record is read; returns a rejection if that is known to kill."""
        self._position.record, self._position.step = number, 0
        self._fatal, self._how = self._killers.get(number, (-1, ""))
        return self._killed(READING) if self._fatal == 0 else None

    def end(self) -> None:
        """Note that there are no more records: what kills now is none of them."""
        self._position.record = NO_RECORD

    def step(self, name: str) -> Rejection | None:
        """Note that a step of the record begins; returns a rejection if it is known to kill."""
        self._position.step += 1
        if self._fatal == 0:
            return self._killed(READING)
        return self._killed(name) if self._position.step == self._fatal else None

    def _killed(self, name: str) -> Rejection:
        return Rejection(KILLED_WORKER, detail=f"its worker died twice in {name} ({self._how})")


#: Does the work of a slice and keeps the track.
Work = Callable[[Track], None]


class WorkerDied(RunError):
    """Processes that die on a slice, and no record can be blamed."""


def run_watched(work: Work, killers: Killers, found: Callable[[Killers], None]) -> None:
    """Run work in child processes until one of them lives to the end.

    Args:
        work: what to do; must be picklable.
        killers: records that are known to kill; those found are added.
        found: called whenever there is one more.

    Raises:
        WorkerDied: the child dies before the first record, or again and again at different ones.
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
                raise WorkerDied(f"{deaths.total()} workers died one after the other, the last at {where} by {how}")


def _run_child(folder: Path, work: Work, killers: Killers) -> str:
    """Run work in a child process; return what it died of, or nothing."""
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
    """Return an exception that finds its way to another process, whatever it is made of."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


def end_with(parent: int) -> None:
    """End this process soon after its parent is gone: a killed process takes nobody with it."""

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
        del position  # the memory cannot be closed while it is in use


if __name__ == "__main__":
    main(Path(sys.argv[1]))
