"""Runs of the sample recipe in processes of their own, the states that they can start from, and what must hold."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tests.pipelines.conftest import CRAWL, ROOT, outputs

#: What a run is stopped before to make a state that later runs start from; "" is a finished run.
STAGES = ("pass 2", "decide kl", "pass 3", "shards", "")
#: Stops a run before the first piece of work of a name.
STOP = """
import sys
from pipelines.recipe.recipe import load_recipe
from pipelines.engine.run import run_recipe
from pipelines.engine.runners import Runner
def watch(work, function):
    if work.title.startswith(sys.argv[3]):
        sys.exit(0)
    function()
with Runner(2) as runner:
    run_recipe(load_recipe("llama3", [sys.argv[1]]), sys.argv[2], runner, watch)
"""
PATIENCE = 300  # seconds that a run may take, on a slow machine


@dataclass(frozen=True)
class Run:
    """How a run ended: its exit code (negative for a signal) and what it said."""

    code: int
    words: str

    @property
    def sentence(self) -> str:
        """Its error."""
        said = [line for line in self.words.splitlines() if line.startswith("curate: ")]
        return said[-1] if said else ""


class Campaign:
    """The sample crawl, the bytes of an undisturbed run over it, and the states that faults start from."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.inputs = folder / "crawl"
        self.seconds = 0.0
        self._mounted: Path | None = None

    def prepare(self) -> None:
        """Run the recipe undisturbed, and up to each of the stages."""
        shutil.copytree(CRAWL, self.inputs)
        for output in (self.folder / "first", self.state("")):  # the first run compiles kernels, the second is timed
            began = time.monotonic()
            undisturbed = self.run(output, self.inputs)
            self.seconds = time.monotonic() - began
            assert undisturbed.code == 0, undisturbed.words
        self.expected = outputs(self.state(""))
        assert outputs(self.folder / "first") == self.expected
        shutil.rmtree(self.folder / "first")
        for earlier, stage in zip(("", *STAGES), STAGES[:-1], strict=False):
            if earlier:
                shutil.copytree(self.state(earlier), self.state(stage))
            command = [sys.executable, "-c", STOP, f"{self.inputs}/*", str(self.state(stage)), stage]
            subprocess.run(command, cwd=ROOT, check=True, timeout=PATIENCE)

    def state(self, stage: str) -> Path:
        """The folder of a run that was stopped before a stage."""
        return self.folder / f"before {stage or 'nothing'}"

    def start(self, output: Path, inputs: Path, **more: object) -> subprocess.Popen[str]:
        """Start a run with two workers, in a session of its own."""
        command = [sys.executable, "-m", "pipelines", "run", "llama3", "--input", f"{inputs}/*"]
        command += ["--output", str(output), "--workers", "2"]
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "stdin": subprocess.DEVNULL}
        environment = {**os.environ, "COLUMNS": "200"}
        return subprocess.Popen(
            command, cwd=ROOT, env=environment, text=True, errors="replace", start_new_session=True, **streams, **more
        )  # type: ignore[call-overload]

    def finish(self, process: subprocess.Popen[str]) -> Run:
        """Wait for the end of a run."""
        try:
            words, _ = process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            words = f"still running after {PATIENCE} s\n{process.communicate()[0]}"
            return Run(-signal.SIGALRM, words)
        return Run(process.returncode, words)

    def run(self, output: Path, inputs: Path, **more: object) -> Run:
        """Run to the end."""
        return self.finish(self.start(output, inputs, **more))

    def problem(self, run: Run) -> str:
        """Say what no run may do, however it is disturbed: hang, print a traceback, or fail without a word."""
        if run.code == -signal.SIGALRM or "Traceback" in run.words:
            return run.words
        if run.code > 0 and not run.sentence:
            return f"exit code {run.code} without a sentence: {run.words[-500:]}"
        return ""

    def difference(self, output: Path) -> str:
        """Say how an output differs from the undisturbed one; nothing where it does not."""
        found = outputs(output)
        if found != self.expected:
            return f"other bytes: {sorted(k for k in {*found, *self.expected} if found.get(k) != self.expected.get(k))}"
        left = [str(path) for path in output.rglob("*.incomplete")]
        return f"left behind: {left}" if left else ""

    def mount(self, folder: Path, size: int) -> bool:
        """Give a folder a file system of its own of so many bytes; False where that is not permitted."""
        folder.mkdir(parents=True)
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], capture_output=True)
        self._mounted = folder if done.returncode == 0 else None
        return self._mounted is not None

    def grow(self) -> None:
        """Make room on the mounted file system."""
        if self._mounted:
            subprocess.run(["mount", "-o", "remount,size=1g", self._mounted], check=True)

    def unmount(self) -> None:
        """Take the mounted file system away."""
        if self._mounted:
            subprocess.run(["umount", self._mounted], check=True)
            self._mounted = None
