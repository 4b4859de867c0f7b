"""The faults: each starts a run, disturbs it at a random moment, and returns how it ended."""

from __future__ import annotations

import os
import random
import resource
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.faults.runs import STAGES, Campaign, Run


@dataclass(frozen=True)
class Disturbed:
    """A run that was disturbed: how, where, and whether it had to go on to its end."""

    run: Run
    output: Path
    inputs: Path
    detail: str
    must_go_on: bool = False


def begin(campaign: Campaign, work: Path, rng: random.Random) -> tuple[Path, str]:
    """Return an output folder that is empty or has what a stopped run had done, and what that is."""
    output = work / "out"
    stage = rng.choice(("nothing", *STAGES[:-1]))
    if stage != "nothing":
        shutil.copytree(campaign.state(stage), output)
    return output, f"from {stage}"


def wait(process: subprocess.Popen[str], seconds: float) -> None:
    """Wait until a moment, or the end of a run."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        time.sleep(0.01)


def workers(process: subprocess.Popen[str]) -> list[int]:
    """Return the ids of a run's worker processes."""
    found = []
    for task in Path(f"/proc/{process.pid}/task").glob("*/children"):
        for child in task.read_text().split():
            if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes():
                found.append(int(child))
    return found


def stopped(signal_: signal.Signals, group: bool, campaign: Campaign, work: Path, rng: random.Random) -> Disturbed:
    """Send a signal to the run, or to all of its processes as a terminal does."""
    output, detail = begin(campaign, work, rng)
    process = campaign.start(output, campaign.inputs)
    moment = rng.uniform(0.5, campaign.seconds)
    wait(process, moment)
    if process.poll() is None:
        (os.killpg if group else os.kill)(process.pid, signal_)
    return Disturbed(campaign.finish(process), output, campaign.inputs, f"{detail}, after {moment:.1f} s")


def killed_worker(campaign: Campaign, work: Path, rng: random.Random) -> Disturbed:
    """Kill a worker: the run goes on without it."""
    output, detail = begin(campaign, work, rng)
    process = campaign.start(output, campaign.inputs)
    moment = rng.uniform(0.5, campaign.seconds)
    wait(process, moment)
    while process.poll() is None:  # there are none before the first pass
        try:
            os.kill(rng.choice(workers(process)), signal.SIGKILL)
            break
        except (OSError, IndexError):
            time.sleep(0.01)
    run = campaign.finish(process)
    return Disturbed(run, output, campaign.inputs, f"{detail}, after {moment:.1f} s", must_go_on=True)


def full_disk(campaign: Campaign, work: Path, rng: random.Random) -> Disturbed:
    """Let the disk fill up; then there is room again."""
    size = sum(path.stat().st_size for path in campaign.state("").rglob("*") if path.is_file())
    room = int(size * rng.uniform(0.05, 1.0))
    output = work / "disk" / "out"
    if campaign.mount(work / "disk", room):
        run = campaign.run(output, campaign.inputs)
        campaign.grow()
    else:  # no file may become that large
        room = int(rng.uniform(1_000, 300_000))
        limit = partial(resource.setrlimit, resource.RLIMIT_FSIZE, (room, room))
        run = campaign.run(output, campaign.inputs, preexec_fn=limit)
    return Disturbed(run, output, campaign.inputs, f"room for {room:,} bytes")


def flip(folder: Path, rng: random.Random, chosen: Callable[[Path], bool]) -> str:
    """Flip a bit of one of the files of a folder; returns which."""
    paths = [
        p for p in sorted(folder.rglob("*")) if p.is_file() and p.stat().st_size and p.name != "lock" and chosen(p)
    ]
    path = rng.choice(paths)
    data = bytearray(path.read_bytes())
    at = rng.randrange(len(data))
    data[at] ^= 1 << rng.randrange(8)
    facts = path.stat()
    path.write_bytes(data)
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    return f"byte {at:,} of {path.relative_to(folder)}"


def flipped_in_work(campaign: Campaign, work: Path, rng: random.Random) -> Disturbed:
    """Flip a bit of what a stopped run had done."""
    stage, output = rng.choice(STAGES[:-1]), work / "out"
    shutil.copytree(campaign.state(stage), output)
    detail = flip(output, rng, lambda path: "_work" in path.parts)
    run = campaign.run(output, campaign.inputs)
    return Disturbed(run, output, campaign.inputs, f"before {stage}: {detail}", must_go_on=True)


def flipped_in_output(campaign: Campaign, work: Path, rng: random.Random) -> Disturbed:
    """Flip a bit of a finished result, and run again."""
    output = work / "out"
    shutil.copytree(campaign.state(""), output)
    detail = flip(output, rng, lambda path: "_work" not in path.parts)
    return Disturbed(campaign.run(output, campaign.inputs), output, campaign.inputs, detail, must_go_on=True)


def other_input(campaign: Campaign, work: Path, rng: random.Random) -> Disturbed:
    """Change, cut or delete an input file while the run is reading; then it is as it was."""
    inputs, output = work / "crawl", work / "out"
    shutil.copytree(campaign.inputs, inputs)
    path = rng.choice(sorted(inputs.iterdir()))
    how = rng.choice(("deleted", "cut", "grown", "changed"))
    process = campaign.start(output, inputs)
    moment = rng.uniform(1.0, campaign.seconds)
    wait(process, moment)
    data = path.read_bytes()
    if how == "deleted":
        path.unlink()
    else:
        middle = len(data) // 2
        changed = {"cut": data[:middle], "grown": data + data, "changed": data[:middle] + data[:-middle]}[how]
        path.write_bytes(changed)
    run = campaign.finish(process)
    shutil.copy2(campaign.inputs / path.name, path)
    return Disturbed(run, output, inputs, f"{path.name} {how} after {moment:.1f} s")


#: Every kind of fault by its name.
DISTURBANCES: dict[str, Callable[[Campaign, Path, random.Random], Disturbed]] = {
    "worker: kill -9": killed_worker,
    "run: kill -9": partial(stopped, signal.SIGKILL, False),
    "run: SIGTERM": partial(stopped, signal.SIGTERM, False),
    "run: Ctrl-C": partial(stopped, signal.SIGINT, False),
    "all processes: Ctrl-C": partial(stopped, signal.SIGINT, True),
    "disk full": full_disk,
    "bit flipped in _work": flipped_in_work,
    "bit flipped in the output": flipped_in_output,
    "input changed": other_input,
}
