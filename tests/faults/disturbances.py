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


#: What is left of the time of a whole run where it starts from what one had done that was stopped: measured.
LEFT = {"nothing": 1.0, "pass 2": 0.7, "decide kl": 0.55, "pass 3": 0.45, "shards": 0.35}


def begin(campaign: Campaign, work: Path, rng: random.Random) -> tuple[Path, float, str]:
    """Return an output folder that is empty or has what a stopped run had done, a moment of what is left, and words."""
    output = work / "out"
    stage = rng.choice(("nothing", *STAGES[:-1]))
    if stage != "nothing":
        shutil.copytree(campaign.state(stage), output)
    moment = rng.uniform(0.2, LEFT[stage] * campaign.seconds)
    return output, moment, f"from {stage}, after {moment:.1f} s"


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
    output, moment, detail = begin(campaign, work, rng)
    process = campaign.start(output, campaign.inputs)
    wait(process, moment)
    if process.poll() is None:
        (os.killpg if group else os.kill)(process.pid, signal_)
    return Disturbed(campaign.finish(process), output, campaign.inputs, detail)


def killed_worker(campaign: Campaign, work: Path, rng: random.Random) -> Disturbed:
    """Kill a worker: the run goes on without it."""
    output, moment, detail = begin(campaign, work, rng)
    process = campaign.start(output, campaign.inputs)
    wait(process, moment)
    while process.poll() is None:  # there are none before the first pass
        try:
            os.kill(rng.choice(workers(process)), signal.SIGKILL)
            break
        except (OSError, IndexError):
            time.sleep(0.01)
    run = campaign.finish(process)
    return Disturbed(run, output, campaign.inputs, detail, must_go_on=True)


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


def damage(folder: Path, rng: random.Random, chosen: Callable[[Path], bool]) -> str:
    """Flip a bit of one of the files of a folder, cut it off or delete it; returns what was done."""
    present = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.stat().st_size and chosen(path)]
    path = rng.choice(present)
    data = bytearray(path.read_bytes())
    at = rng.randrange(len(data))
    how = rng.choice(("flipped", "flipped", "cut", "deleted"))
    if how == "deleted" and path.suffix != ".txt":  # the text of a repeated line, which only the report shows
        path.unlink()
        return f"{path.relative_to(folder)} deleted"
    facts = path.stat()
    if how == "cut":
        data = data[:at]
    else:
        data[at] ^= 1 << rng.randrange(8)
    path.write_bytes(data)
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    return f"{path.relative_to(folder)} {how} at byte {at:,}"


def damaged_in_work(campaign: Campaign, work: Path, rng: random.Random) -> Disturbed:
    """Damage a file of what a stopped or finished run had done."""
    stage, output = rng.choice(STAGES), work / "out"
    shutil.copytree(campaign.state(stage), output)
    detail = damage(output, rng, lambda path: "_work" in path.parts)
    run = campaign.run(output, campaign.inputs)
    return Disturbed(run, output, campaign.inputs, f"before {stage or 'a second run'}: {detail}", must_go_on=True)


def damaged_in_output(campaign: Campaign, work: Path, rng: random.Random) -> Disturbed:
    """Damage a file of a finished result, and run again."""
    output = work / "out"
    shutil.copytree(campaign.state(""), output)
    detail = damage(output, rng, lambda path: "_work" not in path.parts)
    return Disturbed(campaign.run(output, campaign.inputs), output, campaign.inputs, detail, must_go_on=True)


def other_input(campaign: Campaign, work: Path, rng: random.Random) -> Disturbed:
    """Change, cut or delete an input file while the run is reading; then it is as it was."""
    inputs, output = work / "crawl", work / "out"
    shutil.copytree(campaign.inputs, inputs)
    path = rng.choice(sorted(inputs.iterdir()))
    how = rng.choice(("deleted", "cut", "grown", "changed"))
    process = campaign.start(output, inputs)
    while process.poll() is None and not list(output.glob("_work/00-*")):
        time.sleep(0.01)  # a file that changes before the inputs are listed is another input
    moment = rng.uniform(0.0, 0.3 * campaign.seconds)  # later nothing of it is read
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
    return Disturbed(run, output, inputs, f"{path.name} {how} {moment:.1f} s after the inputs were listed")


#: Every kind of fault by its name.
DISTURBANCES: dict[str, Callable[[Campaign, Path, random.Random], Disturbed]] = {
    "worker: kill -9": killed_worker,
    "run: kill -9": partial(stopped, signal.SIGKILL, False),
    "run: SIGTERM": partial(stopped, signal.SIGTERM, False),
    "run: Ctrl-C": partial(stopped, signal.SIGINT, False),
    "all processes: Ctrl-C": partial(stopped, signal.SIGINT, True),
    "disk full": full_disk,
    "file of _work damaged": damaged_in_work,
    "file of output damaged": damaged_in_output,
    "input changed": other_input,
}
