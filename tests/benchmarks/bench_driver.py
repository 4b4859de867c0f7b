"""Time, memory and requests to the store of the driver of a cluster run, by number of WARC files; no worker, no text.

    python -m tests.benchmarks.bench_driver 10 100 1000 --folder /dev/shm/bench

A real run of the sample crawl, as one slice, gives the files that workers write. The simulated cluster makes those of
every slice from them, with the counts of WARC files of 1.1 GB with 100,000 pages, and the driver's own code does the
rest: plan, jobs, passes, decisions, shards, reports. Sums of groups are made by the real functions. Only the driver's
time and its requests are counted, a listing as one per 1,000 names. Each size runs in a process of its own.
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
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import apache_beam as beam
import orjson
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.runner import PipelineRunner

from pipelines.engine import finish, run
from pipelines.engine.decisions import DecisionJob
from pipelines.engine.layout import RunLayout
from pipelines.engine.passes import PassJob
from pipelines.engine.plan import make_plan
from pipelines.engine.progress import Task
from pipelines.engine.runners import Runner, Spread
from pipelines.engine.stored import StepData
from pipelines.engine.sums import kept_path, sum_slices
from pipelines.io import files, sealed, sources
from pipelines.io.shards import SHARDED, MergeTask, Shards, ShardTask
from pipelines.io.sources import InputFile, Slice
from pipelines.recipe.recipe import load_recipe
from pipelines.result.alarms import LISTED

CRAWL = Path(__file__).parents[2] / "sample_data" / "crawl"
WARC_BYTES, PAGES_PER_BYTE = 1_100_000_000, 100_000 / 1_100_000_000
KEPT, TEXT_BYTES, TOKENS = 0.1, 4000, 1000  # share of the pages that stays, and what each has: a crawl of the web
PAGE = 1000  # names in an answer of an object store
#: Of a slice's file: what comes before its number, and what comes after it.
OF_SLICE = re.compile(r"((?:run-\w+|block|.+)-)00000((?:-\d+)?\.\w+)")
#: Files of slices that no driver reads, but for the texts of the first one: they are not made for the others.
UNSEEN = ("html-", "text-", "tokens-", "rejected-", "signals-")
#: Files of groups and runs, which are made, or not read by a driver.
OF_GROUP = ("run-", "sum-", "inputs-", "places-", "todo-")
NAMES = ("open_read", "exists", "is_file", "size", "match", "atomic_write", "make_folder", "names", "delete")


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
            result = function(*arguments, **named)
            listed = len(result) if isinstance(result, list) else 0
            self.operations[self._doing[-1]] += max(1, -(-listed // PAGE))
            return result

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


class GraphOnly(PipelineRunner):
    """Builds the graph of a job as it would be submitted, and runs nothing."""

    largest = 0  # bytes of a graph

    def run_pipeline(self, pipeline: beam.Pipeline, options: PipelineOptions) -> Any:
        """Measure the graph."""
        GraphOnly.largest = max(GraphOnly.largest, len(pipeline.to_runner_api().SerializeToString()))
        return SimpleNamespace(wait_until_finish=lambda *_: "DONE")


class Cluster(Runner):
    """A cluster whose workers link the template's files to the names of every slice."""

    def __init__(self, template: Path, meter: Meter, layout: RunLayout) -> None:
        super().__init__()
        self.local, self.distributed = False, True
        self.template, self.meter, self.layout = template, meter, layout
        self.pages = PAGES_PER_BYTE * sum(slice_.size for slice_ in layout.plan.slices) / len(layout.plan.slices)
        self._made: dict[str, Path] = {}

    def pipeline(self, scratch: str | None = None) -> beam.Pipeline:
        """Return a pipeline that is only built."""
        return beam.Pipeline(runner=GraphOnly())

    def run(
        self,
        elements: Sequence[Any],
        function: partial[Any],
        then: Callable[..., None] | None = None,
        spread: Spread | None = None,
    ) -> None:
        """Submit a job, and make the files that it would write."""
        super().run(elements, function, then, spread)
        with self.meter.doing(WORKERS):
            simulated = {
                "run_slice": self._run_slices,
                "write_shard": self._write_shards,
                "merge_runs": self._merge_runs,
            }
            name = function.func.__name__
            if name in simulated:
                simulated[name](elements, **function.keywords)
            else:
                for element in elements:
                    function(element)
            if name == "run_slice":
                job = function.keywords["job"]
                for group in range(self.layout.groups.count):
                    sum_slices(group, job, self.layout.groups)
                if then and job.pass_.index:
                    self.decide(self.layout.cut(self.layout.plan.passes[job.pass_.index]))

    def _write_shards(self, tasks: Sequence[ShardTask], output: str, facts: str, shards: Shards) -> None:
        sites = {"sites": {"rows": [(f"site-{n}.example", "", 9) for n in range(LISTED)], "unlisted": 9}}
        for task in tasks:
            template = next(self.template.glob(f"shards/shard-{task.table}-*.json"))
            summary = sealed.read_json(str(template))["summary"] if template.name not in self._made else {}
            made = self._scaled(template, {"summary": summary | sites} if "sites" in summary else {})
            os.link(made, task.facts(facts))

    def _merge_runs(self, tasks: Sequence[MergeTask], folder: str, shards: Shards) -> None:
        sealed.write_json(str(self.template / "made-merge.json"), {"runs": []})
        for task in tasks:
            os.link(self.template / "made-merge.json", f"{folder}/{task.name}.json")

    def _count_kept(self, cut: Sequence[StepData]) -> None:
        for group in range(self.layout.groups.count):
            pages = int(self.pages * len(self.layout.groups.slices(group)) * KEPT)
            sealed.write_json(kept_path(cut, group), {"text_bytes": pages * TEXT_BYTES, "tokens": pages * TOKENS})

    def _run_slices(self, slices: Sequence[Slice], job: PassJob) -> None:
        (folder,) = self.template.glob(f"{job.pass_.index:02d}-*")
        more = _runs(job.shards, int(self.pages)) if job.shards else {}
        for path in sorted(folder.iterdir()):
            if not path.is_file() or path.name.startswith(OF_GROUP) or not (name := OF_SLICE.fullmatch(path.name)):
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
                    value[name] = _times(value[name], max(1, int(self.pages) // read))
            if "inputs" in value:
                value["inputs"] = value["inputs"][:1] * parts
            made = self._made[key] = self.template / f"made-{key}"
            sealed.write_json(str(made), value)
        return self._made[key]

    def decide(self, cut: Sequence[StepData]) -> None:
        """Make the files of the decisions of a cut."""
        with self.meter.doing(WORKERS):
            for data in cut:
                (folder,) = self.template.glob(f"*/decide-{data.name}-*")
                data.decision.begin(1)
                for path in folder.iterdir():
                    if path.name.startswith("block-") and (name := OF_SLICE.fullmatch(path.name)):
                        for slice_ in self.layout.plan.slices:
                            os.link(path, f"{data.decision.folder}/{name[1]}{slice_.index:05d}{name[2]}")
                    elif path.suffix == ".bin":
                        os.link(path, f"{data.decision.folder}/{path.name}")
                data.decision.end(data.name)
            if cut and cut[0].pass_folder == self.layout.folder(self.layout.plan.passes[-2]):
                self._count_kept(cut)


def _times(value: Any, factor: int) -> Any:
    if isinstance(value, dict):
        return {key: _times(below, factor) for key, below in value.items()}
    return value * factor


def _runs(shards: Shards, pages: int) -> dict:
    """Return what the manifest of a slice says of its sorted runs: a place in each batch that has a page of it."""
    runs = {}
    for table in SHARDED:
        present = list(range(0, shards.batches(table), max(1, int(shards.batches(table) // max(pages * KEPT, 1)))))
        runs[table] = [{"shards": present, "batches": [(1000 * i, 1000, f"{i:016x}") for i in present]}]
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
    path = "s3://crawl/CC-MAIN-2026-10/segments/{}/warc/{:06d}.warc.gz"
    inputs = [InputFile(path.format(n // 640, n), WARC_BYTES, 1.0, "warc", "c") for n in range(warcs)]
    before, meter = _memory("VmRSS"), Meter()
    with meter.doing("plan"):
        layout = RunLayout(make_plan(recipe, inputs), str(folder / "out"))
    cluster = Cluster(folder / "template", meter, layout)
    decisions = run._run_decisions

    def run_decisions(cut: Sequence[StepData], job: DecisionJob, *more: Any) -> None:
        if not job.iterative:  # the jobs of a distributed clustering are left out
            decisions(cut, job, *more)
        cluster.decide([cut[number] for number in job.steps])

    run._run_decisions = run_decisions
    run.RunLayout = SimpleNamespace(of=lambda *_: layout)  # type: ignore[misc,assignment]
    meter.wrap(run, "preflight", "leftovers", "_run_pass", "_decide", "count_shards", "write_result", "added")
    meter.wrap(finish, "write_shards", "build_report", "write_reports")
    report = run.run_recipe(recipe, layout.output, cluster)
    meter._next()
    slices = len(layout.plan.slices)
    seconds = {name: round(n, 2) for name, n in meter.seconds.most_common()}
    simulated = seconds.pop(WORKERS)
    operations = {name: n for name, n in meter.operations.most_common() if name != WORKERS}
    return {
        "warcs": warcs,
        "pages": report["steps"][0]["read"],
        "slices": slices,
        "shards": len(orjson.loads(Path(layout.output, "manifest.json").read_bytes())["files"]) - 2,
        "driver_seconds": round(sum(seconds.values()), 1),
        "simulated_seconds": simulated,
        "peak_mb": round((_memory("VmHWM") - before) / 1e6),
        "graph_mb": round(GraphOnly.largest / 1e6, 2),
        "requests": sum(operations.values()),
        "requests_per_slice": round(sum(operations.values()) / slices, 3),
        "seconds": seconds,
        "requests_of": operations,
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
