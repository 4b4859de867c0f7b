"""A live progress line per pass: documents, MB/s and time left, from files that workers write in the pass's folder."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from pipelines.commands.console import SafeConsole
from pipelines.io import files, sealed

POLL_SECONDS = 0.5
POLL_SHARE = 0.02  # of the time that looking takes, at most; curate's own value
MOST_READ = 256  # slices whose files are read; of more, only those that are done are counted


@dataclass(frozen=True, slots=True)
class Task:
    """A part of a run whose progress can be shown.

    Attributes:
        title: what it does.
        folder: folder with the progress files of slices; "" if there are none.
        total: bytes of input in the first pass, documents in later ones.
        slices: number of slices.
    """

    title: str
    folder: str = ""
    total: int = 0
    slices: int = 0


#: Calls the function, and may show its progress.
Watch = Callable[[Task, Callable[[], None]], None]


#: Takes a sentence about an event during the run.
Say = Callable[[str], None]


def silent(sentence: str) -> None:
    """Ignore the sentence."""


def unwatched(task: Task, function: Callable[[], None]) -> None:
    """Call the function without showing progress."""
    function()


def show(task: Task, function: Callable[[], None]) -> None:
    """Call the function, with a live line on standard error."""
    columns = [SpinnerColumn(), TextColumn("{task.description:24}", markup=False), BarColumn(), TaskProgressColumn()]
    columns += [TextColumn("{task.fields[seen]}", markup=False), TimeRemainingColumn()]
    with Progress(*columns, console=SafeConsole(stderr=True)) as progress:
        id_ = progress.add_task(task.title, total=task.total or None, seen="")
        if not task.folder:
            function()
        else:
            line = _Line(task, progress, id_)
            thread = threading.Thread(target=line.follow, daemon=True)
            thread.start()
            try:
                function()
            finally:
                line.stop.set()
                thread.join()
        progress.update(id_, total=task.total or 1, completed=task.total or 1)


@dataclass(slots=True)
class _Line:
    task: Task
    progress: Progress
    id: TaskID
    stop: threading.Event = field(default_factory=threading.Event)
    started: float = field(default_factory=time.monotonic)
    finished: dict[str, dict[str, int]] = field(default_factory=dict)  # by slice, read only once
    resumed: int | None = None  # bytes that an earlier run processed

    def follow(self) -> None:
        look = self.read if self.task.slices <= MOST_READ else self.count
        took = 0.0
        while not self.stop.wait(max(POLL_SECONDS, took / POLL_SHARE)):
            began = time.monotonic()
            look()
            took = time.monotonic() - began
        look()

    def count(self) -> None:
        """Show how many slices are done, by one listing."""
        done = len(files.names(self.task.folder, "slice-"))
        completed = self.task.total * done // self.task.slices
        self.progress.update(self.id, completed=completed, seen=f"{done:,} of {self.task.slices:,} slices")

    def read(self) -> None:
        """Show how far each slice is."""
        running: dict[str, dict[str, int]] = {}
        for file in files.names(self.task.folder):
            name, _, index = file.removesuffix(".json").partition("-")
            if name not in ("slice", "progress") or not file.endswith(".json") or index in self.finished:
                continue
            path = files.join(self.task.folder, file)
            try:
                position = sealed.peek_json(path) if name == "slice" else files.read_json(path)
                fact = {key: int(position[key]) for key in ("documents", "bytes", "done")}
            except (OSError, ValueError, KeyError, TypeError):  # replaced while it was read, or damaged
                continue
            (self.finished if name == "slice" else running)[index] = fact
        facts = [*self.finished.values(), *(fact for index, fact in running.items() if index not in self.finished)]
        documents, size, done = (sum(fact[key] for fact in facts) for key in ("documents", "bytes", "done"))
        if self.resumed is None:
            self.resumed = sum(fact["bytes"] for fact in self.finished.values())
        rate = (size - self.resumed) / 1e6 / max(time.monotonic() - self.started, 0.1)
        self.progress.update(self.id, completed=done, seen=f"{documents:,} documents, {rate:.1f} MB/s")
