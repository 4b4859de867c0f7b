"""A live line per pass: documents, MB/s, time left, read from what the workers leave in the pass's folder."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn

from pipelines import files

POLL_SECONDS = 0.5


def show(title: str, folder: str, total: int, work: Callable[[], None], console: Console | None = None) -> None:
    """Run ``work`` and show its progress meanwhile; ``total`` is the pass's input size in bytes, 0 for a decision."""
    columns = [SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TaskProgressColumn()]
    columns += [TextColumn("{task.fields[seen]}"), TimeRemainingColumn()]
    with Progress(*columns, console=console or Console(stderr=True)) as progress:
        task = progress.add_task(title, total=total or None, seen="")
        stop = threading.Event()
        thread = threading.Thread(target=_poll, args=(progress, task, folder, stop), daemon=True)
        if folder:
            thread.start()
        try:
            work()
        finally:
            stop.set()
            if folder:
                thread.join()
                _update(progress, task, folder, time.monotonic())
        progress.update(task, total=1, completed=1)


def _poll(progress: Progress, task, folder: str, stop: threading.Event) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    started = time.monotonic()
    while not stop.wait(POLL_SECONDS):
        _update(progress, task, folder, started)


def _update(progress: Progress, task, folder: str, started: float) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    documents = seen = finished = 0
    for meta in files.match(files.join(folder, "*.json")):
        name = meta.path.rsplit("/", 1)[-1]
        try:
            fact = files.read_json(meta.path) if name.startswith(("slice-", "progress-")) else None
        except (OSError, ValueError):  # replaced while it was read
            continue
        if fact and name.startswith("slice-"):
            finished += sum(i["bytes"] for i in fact["inputs"])
            documents += fact["documents"]
            seen += fact["bytes"]
        elif fact and not files.exists(meta.path.replace("progress-", "slice-")):
            documents += fact["documents"]
            seen += fact["bytes"]
    rate = seen / 1e6 / max(time.monotonic() - started, 0.1)
    progress.update(task, completed=finished, seen=f"{documents:,} documents, {rate:.1f} MB/s")
