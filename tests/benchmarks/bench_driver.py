"""Time, memory and file operations of the driver of a cluster run, by the number of WARC files; no worker, no text.

    python -m tests.benchmarks.bench_driver 10 100 1000 --folder /dev/shm/bench

A real run of the sample crawl, as one slice, gives the files that workers write. The simulated cluster makes those of
every slice from them, with the counts of a WARC file of 1.1 GB with 100,000 pages, and the driver's own code does the
rest: plan, passes, decisions, shards, reports. Only the driver's time is counted, and only its file operations. Each
size runs in a process of its own. Small facts that workers write for the driver are made by the real functions.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import orjson

from pipelines.engine import finish, run
from pipelines.engine.layout import RunLayout
from pipelines.engine.plan import make_plan
from pipelines.engine.progress import Task
from pipelines.engine.runners import Runner
from pipelines.engine.stored import StepData
from pipelines.io import files, sealed, sources
from pipelines.io.shards import Shards
from pipelines.io.sources import InputFile, Slice
from pipelines.recipe.recipe import load_recipe

CRAWL = Path(__file__).parents[2] / "sample_data" / "crawl"
WARC_BYTES, WARC_PAGES = 1_100_000_000, 100_000
#: Of a slice's file: what comes before its number, and what comes after it.
OF_SLICE = re.compile(r"((?:run-\w+|block|.+)-)00000((?:-\d+)?\.\w+)")
#: Files of slices that no driver reads, but for the texts of the first one: they are not made for the others.
UNSEEN = ("html-", "text-", "tokens-", "rejected-", "signals-")
NAMES = ("open_read", "exists", "is_file", "size", "match", "atomic_write", "make_folder")


class Meter:
    """The driver's time and file operations, by what it is doing; both stand still while a worker is simulated."""

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()
        self.operations: Counter[str] = Counter()
        self._doing = ["rest"]
        self._since = time.perf_counter()
        for name in NAMES:
            setattr(files, name, self._counting(getattr(files, name)))

    def _counting(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any, **named: Any) -> Any:
            self.operations[self._doing[-1]] += 1
            return function(*arguments, **named)

        return counted

    @contextmanager
    def doing(self, what: str) -> Iterator[None]:
        """Count time and operations of a block as those of this work."""
        self._next()
        self._doing.append(what)
        try:
            yield
        finally:
            self._next()
            self._doing.pop()

    def _next(self) -> None:
        now = time.perf_counter()
        self.seconds[self._doing[-1]] += now - self._since
        self._since = now

    def wrap(self, module: Any, *names: str) -> None:
        """Count the functions of a module, those that it has, each as its own work."""
        for name in names:
            if function := getattr(module, name, None):
                setattr(module, name, self._doing_it(name, function))

    def _doing_it(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def doing(*arguments: Any, **named: Any) -> Any:
            with self.doing(name):
                return function(*arguments, **named)

        return doing


WORKERS = "workers"  # the work that is not the driver's


class Cluster(Runner):
    """A cluster whose workers link the template's files to the names of every slice."""

    def __init__(self, template: Path, meter: Meter, pages: int) -> None:
        super().__init__()
        self.local, self.distributed = False, True
        self.template, self.meter, self.pages = template, meter, pages
        self.layout: RunLayout | None = None
        self._made: dict[str, Path] = {}

    def run(self, elements: Sequence[Any], function: partial[Any], then: Callable[..., None] | None = None) -> None:
        """Make the files that a function would write for the elements."""
        with self.meter.doing(WORKERS):
            name = function.func.__name__
            if name == "write_shard":
                for task in elements:
                    facts = Path(task.facts(function.keywords["facts"]))
                    os.link(self._scaled(next(self.template.glob(f"shards/shard-{task.table}-*.json")), {}), facts)
            elif name == "run_slice":
                self._run_slices(function.keywords["job"], elements)
            else:
                for element in elements:
                    function(element)
            if then and self.layout:
                job = function.keywords["job"]
                self.decide(self.layout.cut(self.layout.plan.passes[job.pass_.index]))

    def _run_slices(self, job: Any, slices: Sequence[Slice]) -> None:
        (folder,) = self.template.glob(f"{job.pass_.index:02d}-*")
        more = _runs(job.shards, self.pages) if job.shards else {}
        for path in sorted(folder.iterdir()):
            if not path.is_file() or path.name.startswith("run-") or not (name := OF_SLICE.fullmatch(path.name)):
                continue
            for slice_ in slices[:1] if path.name.startswith(UNSEEN) else slices:
                made = path
                if path.name.startswith("slice-"):
                    made = self._scaled(path, more, 0 if job.pass_.index else len(slice_.parts))
                os.link(made, f"{job.folder}/{name[1]}{slice_.index:05d}{name[2]}")

    def _scaled(self, path: Path, more: dict, parts: int = 0) -> Path:
        """Return a file with the facts of a slice or shard, with the counts of a slice of the simulated input."""
        key = f"{path.parent.name}-{parts}-{path.name}"
        if key not in self._made:
            value = sealed.read_json(str(path)) | more
            read = orjson.loads((self.template / "read.json").read_bytes())
            for name in ("documents", "bytes", "done", "steps", "totals"):
                if name in value:
                    value[name] = _times(value[name], max(1, self.pages // read))
            if "inputs" in value:
                value["inputs"] = value["inputs"][:1] * parts
            made = self._made[key] = self.template / f"made-{key}"
            sealed.write_json(str(made), value)
        return self._made[key]

    def decide(self, cut: Sequence[StepData]) -> None:
        """Make the files of the decisions of a cut."""
        with self.meter.doing(WORKERS):
            assert self.layout
            for data in cut:
                (folder,) = self.template.glob(f"*/decide-{data.name}-*")
                data.decision.begin(1)
                for path in folder.iterdir():
                    if name := OF_SLICE.fullmatch(path.name):
                        for slice_ in self.layout.plan.slices:
                            os.link(path, f"{data.decision.folder}/{name[1]}{slice_.index:05d}{name[2]}")
                    elif path.suffix == ".bin":
                        os.link(path, f"{data.decision.folder}/{path.name}")
                data.decision.end(data.name)


def _times(value: Any, factor: int) -> Any:
    if isinstance(value, dict):
        return {key: _times(below, factor) for key, below in value.items()}
    return value * factor


def _runs(shards: Shards, pages: int) -> dict:
    """Return what the manifest of a slice says of its sorted runs: a place in each shard that has a page of it."""
    runs = {}
    for table in ("documents", "tokens", "rejected", "signals"):
        present = list(range(0, shards.count(table), max(1, shards.count(table) // max(pages // 10, 1))))
        places = [(1000 * i, 1000, f"{i:016x}") for i in present]
        runs[table] = [{"name": f"run-{table}-00000-00000.arrow", "shards": present, "batches": places}]
    return {"runs": runs}


def make_template(folder: Path) -> None:
    """Run the sample crawl as one slice, and keep the files of its last pass and of its shards."""
    sources.MIN_SLICE_BYTES = sources.MAX_SLICE_BYTES

    def watch(task: Task, function: Callable[[], None]) -> None:
        if task.title == "shards":
            shutil.copytree(next((folder / "run" / "_work").glob("02-*")), folder / "last")
        function()
        if task.title == "shards":
            shutil.copytree(next((folder / "run" / "_work").glob("02-*")), folder / "shards")

    report = run.run_recipe(load_recipe("llama3", [f"{CRAWL}/*"]), str(folder / "run"), watch=watch)
    for path in (folder / "run" / "_work").glob("0*-*"):
        path.rename(folder / path.name)
    (folder / "last").rename(folder / "02-last")
    (folder / "read.json").write_bytes(orjson.dumps(report["steps"][0]["read"]))


def _memory(field: str) -> int:
    """Return a number of bytes that the kernel counts of this process."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(status.partition(f"{field}:")[2].split()[0])


def measure(folder: Path, warcs: int) -> dict[str, Any]:
    """Run the driver over as many WARC files, which do not exist, in this process."""
    recipe = load_recipe("llama3", [f"{CRAWL}/*"])
    inputs = [
        InputFile(
            f"s3://crawl/CC-MAIN-2026-10/segments/{n // 640:04d}/warc/{n:06d}.warc.gz", WARC_BYTES, 1.0, "warc", "c"
        )
        for n in range(warcs)
    ]
    before, meter = _memory("VmRSS"), Meter()
    with meter.doing("plan"):
        layout = RunLayout(make_plan(recipe, inputs), str(folder / "out"))
    slices = len(layout.plan.slices)
    cluster = Cluster(folder / "template", meter, warcs * WARC_PAGES // slices)
    cluster.layout = layout
    run._run_decisions = lambda cut, job, indices, runner: cluster.decide([cut[n] for n in job.steps])  # type: ignore
    count, scale = run.count_shards, cluster.pages * slices

    def count_shards(*arguments: Any) -> Shards:
        # A tenth of the pages stays, with 4,000 bytes and 1,000 tokens each.
        return replace(count(*arguments), documents=scale * 400 // 256_000_000 + 1, tokens=scale // 10**6 + 1)

    run.count_shards = count_shards
    meter.wrap(run, "warn", "count_shards", "_stop_on_errors", "_stop_on_broken_sources", "_run_pass", "_decide")
    meter.wrap(run, "write_result")
    meter.wrap(finish, "shard_tasks", "write_shards", "build_report", "write_reports")
    began = time.perf_counter()
    run._run(layout, cluster, lambda task, function: function(), print)
    meter._next()
    seconds = {name: round(n, 2) for name, n in meter.seconds.most_common() if name != WORKERS}
    operations = {name: n for name, n in meter.operations.most_common() if name != WORKERS}
    return {
        "warcs": warcs,
        "slices": slices,
        "driver_seconds": round(sum(seconds.values()), 1),
        "simulated_seconds": round(time.perf_counter() - began - sum(seconds.values()), 1),
        "peak_mb": round((_memory("VmHWM") - before) / 1e6),
        "operations": sum(operations.values()),
        "operations_per_slice": round(sum(operations.values()) / slices, 3),
        "seconds": seconds,
        "operations_of": operations,
    }


def main() -> None:
    """Measure the sizes one after another."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("warcs", type=int, nargs="+")
    parser.add_argument("--folder", type=Path, required=True, help="scratch; 10 names per slice and pass, little else")
    parser.add_argument("--one", action="store_true", help="measure one size in this process")
    options = parser.parse_args()
    template = options.folder / "template"
    if options.one:
        print(json.dumps(measure(options.folder, options.warcs[0])))
        return
    if not (template / "read.json").exists():
        shutil.rmtree(template, ignore_errors=True)
        make_template(template)
    for warcs in options.warcs:
        shutil.rmtree(options.folder / "out", ignore_errors=True)
        command = [sys.executable, "-m", __spec__.name, str(warcs), "--folder", str(options.folder), "--one"]
        print(
            subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()[-1], flush=True
        )
        shutil.rmtree(options.folder / "out", ignore_errors=True)
        for made in template.glob("made-*"):
            made.unlink()


if __name__ == "__main__":
    main()
