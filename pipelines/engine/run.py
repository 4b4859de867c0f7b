"""Run a recipe: pass by pass, decision by decision, until every output file lies in its final order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from curate.tokens.tokenizers import load_tokenizer
from pipelines.engine.layout import Workspace
from pipelines.engine.passes import CHAINS, run_slice, slice_done
from pipelines.engine.plan import Pass
from pipelines.engine.progress import Say, Watch, Work, silent, unwatched
from pipelines.engine.runners import PoolBroken, RunError, Runner
from pipelines.io import files, sealed
from pipelines.io.privacy import Privacy
from pipelines.io.shards import ROWS_PER_SHARD, Shards, ShardTask, shard_tasks, write_shard
from pipelines.io.sources import Slice
from pipelines.io.tables import TABLES, read_table
from pipelines.recipe.recipe import Recipe
from pipelines.recipe.registry import STEPS
from pipelines.result.finished import read_report
from pipelines.result.output import Fix, NotAnOutputError, check_files, is_foreign, is_part, leftovers
from pipelines.result.report import build_report, write_reports
from pipelines.steps.base import CorpusStep, KeySlice, Taken

MAX_STUCK = 3  # deaths of workers in a row after which nothing more was finished


def run_recipe(
    recipe: Recipe, output: str, runner: Runner | None = None, watch: Watch = unwatched, say: Say = silent
) -> dict:
    """Run a recipe into a folder, doing only what is missing there.

    Args:
        recipe: a checked recipe with sources.
        output: folder for the result.
        runner: where to run; one process by default.
        watch: shows progress.
        say: reports what happened on the way, in sentences: a damaged file that is made again, a worker that died.

    Returns:
        The report, as written to ``report.json``.

    Raises:
        RecipeError: the recipe names something that is not there.
        RunError: why it cannot go on, and what to do.
    """
    runner = runner or Runner()
    space = Workspace.of(recipe, output)
    written = space.written()
    if written and _whole(space, say):
        say(f"{space.output} is finished, and every file is as the run left it")
        return read_report(space.output)
    preflight(space)
    if written:
        say(f"{space.output} does not verify: it is made again")
    with files.locked(space.work):
        files.delete(leftovers(space.output))
        restored: set[str] = set()
        while True:
            restored |= _restore(space, say)
            try:
                report = _run(space, runner, watch, say)
                files.delete(leftovers(space.output))  # of workers that died
                return report
            except Exception:
                runner.restart()  # workers may hold what they read of a damaged file
                CHAINS.clear()
                if not sealed.noted(space.work).keys() - restored:
                    raise


def _whole(space: Workspace, say: Say) -> bool:
    """Return whether the files of a finished output are as the run left them, and report those that are not.

    Raises:
        RunError: a file that cannot be read; the next try may show that it is as it was.
    """
    try:
        findings = check_files(space.output)
    except NotAnOutputError:
        return False  # files of others are there, which are checked before anything is written
    if any(finding.fix is Fix.SWEEP for finding in findings):
        with files.locked(space.work):
            files.delete(leftovers(space.output))
    for finding in findings:
        where = files.join(space.output, str(finding))
        if finding.fix is Fix.RETRY:
            raise RunError(where)
        if finding.fix is Fix.REPAIR:
            say(f"{files.join(space.output, finding.path)}: {finding.problem}")
        if finding.fix is Fix.MOVE:
            say(where)
    return all(finding.fix is not Fix.REPAIR for finding in findings)


def _restore(space: Workspace, say: Say) -> set[str]:
    """Make undone what wrote the files that were found damaged; returns their paths."""
    damaged = sealed.noted(space.work)
    for path, problem in damaged.items():
        say(f"{path} {problem}: it is made again")
        space.forget(path)
    sealed.delete_notes(space.work)
    return set(damaged)


def _run(space: Workspace, runner: Runner, watch: Watch, say: Say) -> dict:
    plan = space.plan
    for spec in plan.passes[:-1]:
        _run_pass(space, spec, None, runner, watch, say)
        _decide(space, spec, runner, watch)
    last = plan.passes[-1]
    shards = _count_shards(space, plan.passes[-2])
    _run_pass(space, last, shards, runner, watch, say)
    return _finish(space, shards, runner, watch, say)


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
                raise space.plan.recipe.error(name, f": {e}") from e


def _check_output(output: str) -> None:
    """Refuse a folder in which files of others stand where ours will be.

    Raises:
        RunError: naming the first of them.
    """
    for table in TABLES:
        folder = files.join(output, table)
        for found in files.within(folder, "**"):
            if not is_part(found.path[len(files.join(folder, "")) :]):
                raise RunError(f"{found.path} is of no run of curate: choose another --output")
    manifest = files.join(output, "manifest.json")
    if files.is_file(manifest) and is_foreign(manifest):
        raise RunError(f"{manifest} is of no run of curate: choose another --output")


def _run_pass(space: Workspace, spec: Pass, shards: Shards | None, runner: Runner, watch: Watch, say: Say) -> None:
    if space.pass_done(spec):
        return
    job = space.job(spec, shards)
    files.make_folder(job.folder)
    if spec.index:
        total = sum(m["totals"]["documents"] for m in space.manifests(space.plan.passes[spec.index - 1]))
    else:
        total = sum(s.size for s in space.plan.slices)
    work = Work(f"pass {spec.index + 1} of {len(space.plan.passes)}", job.folder, total)

    def todo() -> list[Slice]:
        return [s for s in space.plan.slices if not slice_done(job, s.index)]

    def died() -> bool:
        return not sealed.noted(space.work) and any(files.exists(job.path("progress", s.index, "json")) for s in todo())

    with _job_errors(work.title, runner):
        watch(work, lambda: _persist(runner, todo, partial(run_slice, job=job), died, say))
    manifests = space.manifests(spec)
    try:
        _stop_on_errors(manifests, space.plan.recipe.privacy)
    except RunError:  # what was wrong may be mended when it is tried again
        files.delete([job.path("slice", s.index, "json") for s in space.plan.slices])
        raise
    written = {"slices": len(manifests), "steps": [s.name for s in spec.steps], "keys": [s.name for s in spec.keys]}
    sealed.write_json(files.join(job.folder, "manifest.json"), written)


def _persist(
    runner: Runner, todo: Callable[[], list[Any]], function: partial[Any], died: Callable[[], bool], say: Say
) -> None:
    """Call a function on all that is to do, and again on what is left when workers died.

    A death is no reason to stop as long as work gets done between two of them: a slice in which a worker died is run
    in a process that may die, and there a page that kills is found.

    Args:
        runner: where to run.
        todo: what is left to do.
        function: what to call.
        died: whether something was begun and never ended; a Beam runner tells no more of a death than that it failed.
        say: reports that it goes on.
    """
    stuck = 0
    while left := todo():
        try:
            return runner.run(left, function)
        except PoolBroken as e:
            error: Exception = e
        except Exception as e:
            if isinstance(e.__context__, KeyboardInterrupt):  # Beam makes something else of it
                raise KeyboardInterrupt from None
            if runner.local or not died():
                raise
            error = e
        stuck = stuck + 1 if len(todo()) == len(left) else 0
        if stuck == MAX_STUCK:
            raise error
        say("a worker process died: the work that it had begun is done again in a process that may die")


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
            with _job_errors(f"step {step.name}"):
                step.step.decide_all(step.config, keys, step.decision, runner.pipeline, runner.memory, runner.far)

        watch(Work(f"decide {step.name}"), work)
        written = {"step": step.name, "slices": len(keys), "files": files.names(step.decision)}
        sealed.write_json(files.join(step.decision, "manifest.json"), written)


@contextmanager
def _job_errors(what: str, runner: Runner | None = None) -> Iterator[None]:
    """Make one sentence of what a Beam job raises: tracebacks of its workers in one long text, the cause last.

    Args:
        what: the job does.
        runner: of a pass; one that is local calls functions and runs no job.

    Raises:
        RunError: naming the job and the cause.
    """
    try:
        yield
    except (RunError, OSError):
        raise
    except Exception as e:
        if runner and runner.local:
            raise
        if isinstance(e.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from None
        cause = next((line for line in reversed(str(e).splitlines()) if line.strip()), type(e).__name__)
        raise RunError(f"{what}: {cause.strip()}") from e


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


def _finish(space: Workspace, shards: Shards, runner: Runner, watch: Watch, say: Say) -> dict:
    last = space.plan.passes[-1]
    done = files.join(space.work, "finished.json")
    files.delete([done, files.join(space.output, "manifest.json")])
    tasks = shard_tasks(shards, space.folder(last), space.manifests(last))
    for kind in TABLES:
        files.delete([found.path for found in files.within(files.join(space.output, kind), "*")])
        if kind != "megatron" or ("megatron" in shards.formats and shards.tokens):
            files.make_folder(files.join(space.output, kind))
    facts = space.folder(last)
    files.delete([task.facts(facts) for task in tasks])
    write = partial(write_shard, output=space.output, facts=facts, shards=shards)

    def todo() -> list[ShardTask]:
        return [task for task in tasks if not files.exists(task.facts(facts))]

    with _job_errors("shards", runner):
        watch(Work("shards"), lambda: _persist(runner, todo, write, lambda: False, say))
    written = [sealed.read_json(task.facts(facts)) for task in tasks]
    report = build_report(space, written)
    write_reports(space, report, written)
    sealed.write_json(done, {"digest": last.digest})
    files.delete([space.folder(last)])  # the sorted runs are as large as the result
    return report
