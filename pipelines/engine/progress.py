"""A live line per pass: documents, MB/s, time left, read from what the workers leave in the pass's folder."""

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


@dataclass(frozen=True, slots=True)
class Work:
    """Something that takes a while: its title, the folder where slices report, and how much there is to do.

    ``total`` is bytes of input in the first pass and documents in later ones; without a folder nothing reports.
    """

    title: str
    folder: str = ""
    total: int = 0


#: Runs the function, and may show how far it is meanwhile.
Watch = Callable[[Work, Callable[[], None]], None]


#: Takes a sentence about something that happened on the way.
Say = Callable[[str], None]


def silent(sentence: str) -> None:
    """Take a sentence and show nothing."""


def unwatched(work: Work, function: Callable[[], None]) -> None:
    """Run the function and show nothing."""
    function()


def show(work: Work, function: Callable[[], None]) -> None:
    """Run the function and show a live line on standard error."""
    columns = [SpinnerColumn(), TextColumn("{task.description:24}", markup=False), BarColumn(), TaskProgressColumn()]
    columns += [TextColumn("{task.fields[seen]}", markup=False), TimeRemainingColumn()]
    with Progress(*columns, console=SafeConsole(stderr=True)) as progress:
        task = progress.add_task(work.title, total=work.total or None, seen="")
        if not work.folder:
            function()
        else:
            line = _Line(work.folder, progress, task)
            thread = threading.Thread(target=line.follow, daemon=True)
            thread.start()
            try:
                function()
            finally:
                line.stop.set()
                thread.join()
        progress.update(task, total=work.total or 1, completed=work.total or 1)


@dataclass(slots=True)
class _Line:
    folder: str
    progress: Progress
    task: TaskID
    stop: threading.Event = field(default_factory=threading.Event)
    started: float = field(default_factory=time.monotonic)
    finished: dict[str, dict[str, int]] = field(default_factory=dict)  # by slice; these are read only once
    resumed: int | None = None  # bytes that an earlier run had done

    def follow(self) -> None:
        while not self.stop.wait(POLL_SECONDS):
            self.update()
        self.update()

    def update(self) -> None:
        running: dict[str, dict[str, int]] = {}
        for meta in files.within(self.folder, "*.json"):
            kind, _, index = meta.path.rsplit("/", 1)[-1].removesuffix(".json").partition("-")
            if kind not in ("slice", "progress") or index in self.finished:
                continue
            try:
                found = sealed.peek_json(meta.path) if kind == "slice" else files.read_json(meta.path)
                fact = {key: int(found[key]) for key in ("documents", "bytes", "done")}
            except (OSError, ValueError, KeyError, TypeError):  # replaced while it was read, or damaged
                continue
            (self.finished if kind == "slice" else running)[index] = fact
        facts = [*self.finished.values(), *(fact for index, fact in running.items() if index not in self.finished)]
        documents, size, done = (sum(fact[key] for fact in facts) for key in ("documents", "bytes", "done"))
        if self.resumed is None:
            self.resumed = sum(fact["bytes"] for fact in self.finished.values())
        rate = (size - self.resumed) / 1e6 / max(time.monotonic() - self.started, 0.1)
        self.progress.update(self.task, completed=done, seen=f"{documents:,} documents, {rate:.1f} MB/s")
