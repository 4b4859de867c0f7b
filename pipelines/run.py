"""Run a recipe: pass by pass, decision by decision, until every output file lies in its final order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import apache_beam as beam
import numpy as np

from curate.tokens import load_tokenizer
from pipelines import files
from pipelines.corpus.base import CorpusStep, KeySlice, Taken
from pipelines.passes import Job, RunPass, slice_done
from pipelines.plan import Pass, Plan, make_plan
from pipelines.progress import Watch, Work, unwatched
from pipelines.recipe import Recipe, RecipeError, digest
from pipelines.registry import STEPS
from pipelines.report import build_report, write_reports
from pipelines.runners import RunError, Runner
from pipelines.shards import ROWS_PER_SHARD, Shards, WriteShards, shard_tasks
from pipelines.sources import list_inputs
from pipelines.tables import read_table


@dataclass(frozen=True, slots=True)
class Workspace:
    """Where a plan's passes and decisions lie below the output folder."""

    plan: Plan
    output: str

    @property
    def work(self) -> str:
        """The folder of everything that is not the result."""
        return files.join(self.output, "_work")

    def folder(self, spec: Pass) -> str:
        """Folder of a pass."""
        return files.join(self.work, spec.folder)

    def taken(self, spec: Pass) -> tuple[Taken, ...]:
        """Where the keys and decisions of the corpus steps behind a pass lie."""
        found: list[Taken] = []
        for i, step in enumerate(spec.keys):
            kind = STEPS[step.kind]
            assert isinstance(kind, CorpusStep)
            name = f"decide-{step.name}-{digest([spec.digest, spec.keys[: i + 1]])}"
            where = files.join(self.folder(spec), name)
            found.append(Taken(kind, step.config, step.name, self.folder(spec), where))
        return tuple(found)

    def job(self, spec: Pass, shards: Shards | None = None) -> Job:
        """Everything a pass needs to run."""
        before = self.plan.passes[: spec.index]
        large = {name: self.folder(p) for p in before for name in p.writes}
        return Job(
            spec=spec,
            folder=self.folder(spec),
            before=self.folder(before[-1]) if before else "",
            large=large,
            decided=self.taken(before[-1]) if before else (),
            shards=shards,
            originals=self.plan.recipe.originals,
            earlier=tuple(self.folder(p) for p in before),
        )

    def manifests(self, spec: Pass) -> list[dict]:
        """What each slice of a finished pass left."""
        folder = self.folder(spec)
        return [files.read_json(files.join(folder, f"slice-{s.index:05d}.json")) for s in self.plan.slices]

    def pass_done(self, spec: Pass) -> bool:
        """Say whether a pass is whole."""
        return files.exists(files.join(self.folder(spec), "manifest.json"))

    def progress(self, spec: Pass) -> str:
        """Say how much of a pass is done."""
        if self.pass_done(spec) or (spec.last and self.finished()):
            return "yes"
        pattern = files.join(self.folder(spec), "slice-*.json")
        slices = len(files.match(pattern)) if files.exists(self.folder(spec)) else 0
        return f"{slices} of {len(self.plan.slices)} slices" if slices else "no"

    def finished(self) -> bool:
        """Say whether the output files are those of this plan."""
        path = files.join(self.work, "finished.json")
        return files.exists(path) and files.read_json(path) == {"digest": self.plan.passes[-1].digest}

    def decided(self, taken: Taken) -> bool:
        """Say whether a corpus step has its decision."""
        return files.exists(files.join(taken.decision, "manifest.json"))


def absolute(path: str) -> str:
    """Make a local path absolute; leave one with a scheme (gs://...) as it is."""
    return path if "://" in path else str(Path(path).resolve())


def run_recipe(recipe: Recipe, output: str, runner: Runner | None = None, watch: Watch = unwatched) -> dict:
    """Run a recipe into a folder, doing only what is missing there.

    Args:
        recipe: a checked recipe with sources.
        output: folder for the result.
        runner: where to run; one process by default.
        watch: shows progress.

    Returns:
        The report, as written to ``report.json``.
    """
    runner = runner or Runner()
    output = absolute(output)
    plan = make_plan(recipe, list_inputs(recipe.sources))
    space = Workspace(plan, output)
    if space.finished():
        return files.read_json(files.join(output, "report.json"))
    _preflight(space)
    for spec in plan.passes[:-1]:
        _run_pass(space, spec, None, runner, watch)
        _decide(space, spec, runner, watch)
    last = plan.passes[-1]
    shards = _count_shards(space, plan.passes[-2])
    _run_pass(space, last, shards, runner, watch)
    return _finish(space, shards, runner, watch)


def _preflight(space: Workspace) -> None:
    """Make every function that is still to run, here and now: what is missing is told before hours are spent.

    Raises:
        RecipeError: naming the step.
    """
    for spec in space.plan.passes:
        for step in spec.steps if not space.pass_done(spec) else ():
            kind = STEPS[step.kind]
            assert not isinstance(kind, CorpusStep)
            try:
                kind.make(step.config)
            except (ValueError, OSError, ImportError) as e:
                raise RecipeError(f"step {step.name}: {e}") from e


def _run_pass(space: Workspace, spec: Pass, shards: Shards | None, runner: Runner, watch: Watch) -> None:
    if space.pass_done(spec):
        return
    job = space.job(spec, shards)
    files.make_folder(job.folder)
    todo = [s for s in space.plan.slices if not slice_done(job, s.index)]
    if spec.index:
        total = sum(m["totals"]["documents"] for m in space.manifests(space.plan.passes[spec.index - 1]))
    else:
        total = sum(s.size for s in space.plan.slices)
    work = Work(f"pass {spec.index + 1} of {len(space.plan.passes)}", job.folder, total)
    watch(work, lambda: runner.run(todo, RunPass(job)))
    manifests = space.manifests(spec)
    _stop_on_errors(manifests)
    written = {"slices": len(manifests), "steps": [s.name for s in spec.steps], "keys": [s.name for s in spec.keys]}
    files.write_json(files.join(job.folder, "manifest.json"), written)


def _stop_on_errors(manifests: Sequence[dict]) -> None:
    """Do not go on where a step is broken, rather than the documents.

    Raises:
        RunError: a step that failed on more than half of at least 20 documents.
    """
    for name in manifests[0]["steps"] if manifests else ():
        counts = [m["steps"][name] for m in manifests]
        read = sum(c["read"] for c in counts)
        failed = sum(c["rejected"].get("error", 0) for c in counts)
        if read >= 20 and failed > read / 2:
            first = next(m["first_error"] for m in manifests if m["first_error"])
            raise RunError(f"step {name} failed on {failed:,} of {read:,} documents, the first time with: {first}")


def _decide(space: Workspace, spec: Pass, runner: Runner, watch: Watch) -> None:
    taken = space.taken(spec)
    for i, step in enumerate(taken):
        if space.decided(step):
            continue
        files.make_folder(step.decision)
        keys = [KeySlice(s.index, step, taken[:i]) for s in space.plan.slices]

        def work(step: Taken = step, keys: Sequence[KeySlice] = keys) -> None:
            with runner.pipeline() as p:
                source = p | beam.Create(list(keys)) | beam.Reshuffle()
                step.step.decide(step.config, source, step.decision)

        watch(Work(f"decide {step.name}"), work)
        files.write_json(files.join(step.decision, "manifest.json"), {"step": step.name, "slices": len(keys)})


def _count_shards(space: Workspace, spec: Pass) -> Shards:
    """Choose numbers of shards from what is alive: they depend on the corpus alone, not on how it was cut."""
    recipe = space.plan.recipe
    taken = space.taken(spec)
    text_bytes = tokens = 0
    for part in space.plan.slices:
        path = files.join(space.folder(spec), f"state-{part.index:05d}.parquet")
        state = read_table(path, ["text_bytes", "token_count"])
        alive = np.ones(state.num_rows, bool)
        for step in taken:
            alive[step.losers(part.index).rows] = False
        text_bytes += int(state["text_bytes"].to_numpy()[alive].sum())
        tokens += int(state["token_count"].to_numpy()[alive].sum())
    read = sum(m["steps"]["read"]["read"] for m in space.manifests(space.plan.passes[0]))
    tables = max(1, -(-read // ROWS_PER_SHARD))
    name = next((s.config.tokenizer for s in recipe.steps if s.kind == "tokenize"), None)
    small = name is None or load_tokenizer(name).vocabulary_size <= 2**16
    out = recipe.output
    return Shards(
        documents=max(1, -(-text_bytes // out.bytes_per_shard)),
        tokens=max(1, -(-tokens // out.tokens_per_shard)) if name else 0,
        rejected=tables,
        signals=tables,
        originals=recipe.originals,
        seed=out.shuffle_seed,
        formats=out.formats,
        token_type="uint16" if small else "int32",
    )


def _finish(space: Workspace, shards: Shards, runner: Runner, watch: Watch) -> dict:
    last = space.plan.passes[-1]
    done = files.join(space.work, "finished.json")
    files.delete([done, files.join(space.output, "manifest.json")])
    tasks = shard_tasks(shards, space.manifests(last))
    for kind in ("documents", "tokens", "megatron", "rejected", "signals"):
        files.delete([files.join(space.output, kind)])
        if kind != "megatron" or ("megatron" in shards.formats and shards.tokens):
            files.make_folder(files.join(space.output, kind))
    watch(Work("shards"), lambda: runner.run(tasks, WriteShards(space.output, shards)))
    report = build_report(space)
    write_reports(space, report)
    files.write_json(done, {"digest": last.digest})
    files.delete([space.folder(last)])  # the sorted runs are as large as the result
    return report
