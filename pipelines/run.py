"""Run a recipe: pass by pass, decision by decision, until every output file lies in its final order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import pyarrow as pa

from curate.tokens import load_tokenizer
from pipelines import files
from pipelines.corpus.base import CorpusStep, KeySlice, Taken
from pipelines.passes import run_slice, slice_done
from pipelines.plan import Pass
from pipelines.privacy import Privacy
from pipelines.progress import Watch, Work, unwatched
from pipelines.recipe import Recipe, RecipeError
from pipelines.registry import STEPS
from pipelines.report import build_report, write_reports
from pipelines.runners import RunError, Runner
from pipelines.shards import PART, ROWS_PER_SHARD, Shards, shard_facts, shard_tasks, write_shard
from pipelines.tables import TABLES, read_table
from pipelines.workspace import Workspace


def run_recipe(recipe: Recipe, output: str, runner: Runner | None = None, watch: Watch = unwatched) -> dict:
    """Run a recipe into a folder, doing only what is missing there.

    Args:
        recipe: a checked recipe with sources.
        output: folder for the result.
        runner: where to run; one process by default.
        watch: shows progress.

    Returns:
        The report, as written to ``report.json``.

    Raises:
        RecipeError: the recipe names something that is not there.
        RunError: why it cannot go on, and what to do.
    """
    runner = runner or Runner()
    space = Workspace.of(recipe, output)
    if space.finished():
        return files.read_json(files.join(space.output, "report.json"))
    preflight(space)
    with files.locked(space.work):
        try:
            return _run(space, runner, watch)
        except (FileNotFoundError, pa.ArrowInvalid) as e:
            raise RunError(
                f"{e}: a file was lost or damaged; if it is none of the input, delete {space.work} and run again"
            ) from e


def _run(space: Workspace, runner: Runner, watch: Watch) -> dict:
    plan = space.plan
    for spec in plan.passes[:-1]:
        _run_pass(space, spec, None, runner, watch)
        _decide(space, spec, runner, watch)
    last = plan.passes[-1]
    shards = _count_shards(space, plan.passes[-2])
    _run_pass(space, last, shards, runner, watch)
    return _finish(space, shards, runner, watch)


def preflight(space: Workspace) -> None:
    """Make every function that is still to run, here and now: what is missing is told before hours are spent.

    Raises:
        RecipeError: naming the step.
        RunError: the output folder has tables that are not ours to replace.
    """
    _check_output(space.output)
    for spec in space.plan.passes:
        checks: list[tuple[str, Callable[[Any], Any], Any]] = []
        for step in spec.steps if not space.pass_done(spec) else ():
            kind = STEPS[step.kind]
            assert not isinstance(kind, CorpusStep)
            checks.append((step.name, kind.make, step.config))
        for taken in (t for t in space.taken(spec) if not space.decided(t)):
            checks += [(taken.name, f, taken.config) for f in (taken.step.check, taken.step.key_function)]
        for name, check, config in checks:
            try:
                check(config)
            except (ValueError, OSError, ImportError) as e:
                raise RecipeError(f"step {name}: {e}") from e


def _check_output(output: str) -> None:
    """Refuse a folder in which files of others stand where ours will be.

    Raises:
        RunError: naming the first of them.
    """
    for table in TABLES:
        for found in files.within(files.join(output, table), "*"):
            if not PART.match(found.path.rpartition("/")[2]):
                raise RunError(f"{found.path} is of no run of curate: choose another --output")
    manifest = files.join(output, "manifest.json")
    if files.exists(manifest):
        with suppress(ValueError):  # damaged, and written again
            if "recipe_digest" not in files.read_json(manifest):
                raise RunError(f"{manifest} is of no run of curate: choose another --output")


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
    watch(work, lambda: runner.run(todo, partial(run_slice, job=job)))
    manifests = space.manifests(spec)
    try:
        _stop_on_errors(manifests, space.plan.recipe.privacy)
    except RunError:  # what was wrong may be mended when it is tried again
        files.delete([job.path("slice", s.index, "json") for s in space.plan.slices])
        raise
    written = {"slices": len(manifests), "steps": [s.name for s in spec.steps], "keys": [s.name for s in spec.keys]}
    files.write_json(files.join(job.folder, "manifest.json"), written)


def _stop_on_errors(manifests: Sequence[dict], privacy: Privacy) -> None:
    """Do not go on where a step is broken, rather than the documents.

    Raises:
        RunError: a step that failed on more than half of at least 20 documents.
    """
    for name in manifests[0]["steps"] if manifests else ():
        counts = [m["steps"][name] for m in manifests]
        read = sum(c["read"] for c in counts)
        failed = sum(c["rejected"].get("error", 0) for c in counts)
        if read >= 20 and failed > read / 2:
            first = next(m["first_errors"][name] for m in manifests if name in m["first_errors"])
            raise RunError(
                f"step {name} failed on {failed:,} of {read:,} documents, the first time with: {privacy.detail(first)}"
            )


def _decide(space: Workspace, spec: Pass, runner: Runner, watch: Watch) -> None:
    taken = space.taken(spec)
    for i, step in enumerate(taken):
        if space.decided(step):
            continue
        files.make_folder(step.decision)
        keys = [KeySlice(s.index, step, taken[:i]) for s in space.plan.slices]

        def work(step: Taken = step, keys: Sequence[KeySlice] = keys) -> None:
            step.step.decide_all(step.config, keys, step.decision, runner.pipeline, runner.memory, runner.far)

        watch(Work(f"decide {step.name}"), work)
        files.write_json(files.join(step.decision, "manifest.json"), {"step": step.name, "slices": len(keys)})


def _count_shards(space: Workspace, spec: Pass) -> Shards:
    """Choose numbers of shards from what is alive: they depend on the corpus alone, not on how it was cut."""
    recipe = space.plan.recipe
    taken = space.taken(spec)
    text_bytes = tokens = 0
    for part in space.plan.slices:
        path = files.join(space.folder(spec), f"state-{part.index:05d}.parquet")
        state = read_table(path, ["text_bytes", "token_count", "copies"])
        copies = state["copies"].to_numpy().copy()
        for step in taken:
            copies *= step.step.copies(step, part.index)
            copies[step.losers(part.index).rows] = 0
        text_bytes += int(state["text_bytes"].to_numpy()[copies > 0].sum())
        tokens += int(state["token_count"].to_numpy() @ copies)
    read = sum(m["steps"]["read"]["read"] for m in space.manifests(space.plan.passes[0]))
    tables = max(1, -(-read // ROWS_PER_SHARD))
    tokens_of = next((s.config for s in recipe.steps if s.kind == "tokenize"), None)
    out = recipe.output
    return Shards(
        documents=max(1, -(-text_bytes // out.bytes_per_shard)),
        tokens=max(1, -(-tokens // out.tokens_per_shard)) if tokens_of else 0,
        rejected=tables,
        signals=tables,
        originals=recipe.originals,
        seed=out.shuffle_seed,
        formats=out.formats,
        token_type=load_tokenizer(tokens_of.tokenizer, tokens_of.eos).dtype.str if tokens_of else "",
        privacy=recipe.privacy,
    )


def _finish(space: Workspace, shards: Shards, runner: Runner, watch: Watch) -> dict:
    last = space.plan.passes[-1]
    done = files.join(space.work, "finished.json")
    files.delete([done, files.join(space.output, "manifest.json")])
    tasks = shard_tasks(shards, space.folder(last), space.manifests(last))
    for kind in TABLES:
        files.delete([found.path for found in files.within(files.join(space.output, kind), "*")])
        if kind != "megatron" or ("megatron" in shards.formats and shards.tokens):
            files.make_folder(files.join(space.output, kind))
    facts = space.folder(last)
    write = partial(write_shard, output=space.output, facts=facts, shards=shards)
    watch(Work("shards"), lambda: runner.run(tasks, write))
    written = shard_facts(facts)
    report = build_report(space, written)
    write_reports(space, report, written)
    files.write_json(done, {"digest": last.digest})
    files.delete([space.folder(last)])  # the sorted runs are as large as the result
    return report
