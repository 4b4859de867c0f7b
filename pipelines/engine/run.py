"""Run a recipe: pass by pass, decision by decision, until every output file lies in its final order."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import apache_beam as beam

from pipelines.engine.decisions import DecisionJob, decide, decide_in_jobs, decision_jobs, warn
from pipelines.engine.finish import count_shards, write_result
from pipelines.engine.layout import RunLayout
from pipelines.engine.passes import FUNCTIONS, run_slice, slice_done
from pipelines.engine.plan import Pass
from pipelines.engine.preflight import preflight
from pipelines.engine.progress import Say, Watch, Work, silent, unwatched
from pipelines.engine.runners import PoolBroken, Runner
from pipelines.engine.stored import WARNINGS, StepData
from pipelines.io import files, sealed
from pipelines.io.privacy import Privacy
from pipelines.io.shards import Shards, ShardTask
from pipelines.io.sources import Slice
from pipelines.recipe.model import Recipe
from pipelines.result.finished import read_report
from pipelines.result.output import Fix, NotAnOutputError, check_files, leftovers
from pipelines.steps.base import RunError

#: Adds what follows to a pipeline, after a collection.
Then = Callable[[beam.Pipeline, beam.PCollection], None]
DEPENDS = "depends.json"  # in the folder of a pass: what its result depends on
#: A source with so many records, and a larger part of them broken, is not what the recipe takes it for. curate's own
#: values.
MIN_RECORDS, MAX_BROKEN = 20, 0.9
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
    layout = RunLayout.of(recipe, output)
    written = layout.written()
    if written and _whole(layout, say):
        say(f"{layout.output} is finished, and every file is as the run left it")
        return read_report(layout.output)
    preflight(layout)
    if written:
        say(f"{layout.output} does not verify: it is made again")
    with files.locked(layout.work):
        files.delete(leftovers(layout.output))
        restored: set[str] = set()
        while True:
            restored |= _restore(layout, say)
            try:
                report = _run(layout, runner, watch, say)
                files.delete(leftovers(layout.output))  # of workers that died
                return report
            except Exception:
                runner.restart()  # workers may hold what they read of a damaged file
                FUNCTIONS.clear()
                if not sealed.noted(layout.work).keys() - restored:
                    raise


def _whole(layout: RunLayout, say: Say) -> bool:
    """Return whether the files of a finished output are as the run left them, and report those that are not.

    Raises:
        RunError: a file that cannot be read; the next try may show that it is as it was.
    """
    try:
        findings = check_files(layout.output)
    except NotAnOutputError:
        return False  # files of others are there, which are checked before anything is written
    if any(finding.fix is Fix.SWEEP for finding in findings):
        with files.locked(layout.work):
            files.delete(leftovers(layout.output))
    for finding in findings:
        where = files.join(layout.output, str(finding))
        if finding.fix is Fix.RETRY:
            raise RunError(where)
        if finding.fix is Fix.REPAIR:
            say(f"{files.join(layout.output, finding.path)}: {finding.problem}")
        if finding.fix is Fix.MOVE:
            say(where)
    return all(finding.fix is not Fix.REPAIR for finding in findings)


def _restore(layout: RunLayout, say: Say) -> set[str]:
    """Make undone what wrote the files that were found damaged; returns their paths."""
    damaged = sealed.noted(layout.work)
    for path, problem in damaged.items():
        say(f"{path} {problem}: it is made again")
        layout.forget(path)
    sealed.delete_notes(layout.work)
    return set(damaged)


def _run(layout: RunLayout, runner: Runner, watch: Watch, say: Say) -> dict:
    plan = layout.plan
    for pass_ in plan.passes[:-1]:
        _run_pass(layout, pass_, None, runner, watch, say)
        _decide(layout, pass_, runner, watch)
    last = plan.passes[-1]
    shards = count_shards(layout, plan.passes[-2])
    _run_pass(layout, last, shards, runner, watch, say)

    def run_all(todo: Callable[[], list[ShardTask]], write: partial[None]) -> None:
        with _job_errors("shards", runner):
            watch(Work("shards"), lambda: _persist(runner, todo, write, lambda: False, say))

    return write_result(layout, shards, run_all)


def _run_pass(layout: RunLayout, pass_: Pass, shards: Shards | None, runner: Runner, watch: Watch, say: Say) -> None:
    if layout.pass_done(pass_):
        return
    job = layout.job(pass_, shards)
    files.make_folder(job.folder)
    files.write_json(files.join(job.folder, DEPENDS), pass_.facts)
    if pass_.index:
        total = sum(m["totals"]["documents"] for m in layout.manifests(layout.plan.passes[pass_.index - 1]))
    else:
        total = sum(s.size for s in layout.plan.slices)
    work = Work(f"pass {pass_.index + 1} of {len(layout.plan.passes)}", job.folder, total)

    def todo() -> list[Slice]:
        return [s for s in layout.plan.slices if not slice_done(job, s.index)]

    def died() -> bool:
        return not sealed.noted(layout.work) and any(
            files.exists(job.path("progress", s.index, "json")) for s in todo()
        )

    then = _decisions_in_job(layout, pass_, runner)
    with _job_errors(work.title, runner):
        watch(work, lambda: _persist(runner, todo, partial(run_slice, job=job), died, say, then))
    manifests = layout.manifests(pass_)
    try:
        _stop_on_errors(manifests, layout.plan.recipe.privacy)
        if not pass_.index:
            _stop_on_broken_sources(layout, manifests)
    except RunError:  # what was wrong may be mended when it is tried again
        files.delete([job.path("slice", s.index, "json") for s in layout.plan.slices])
        raise
    written = {"slices": len(manifests), "steps": [s.name for s in pass_.steps], "keys": [s.name for s in pass_.keys]}
    sealed.write_json(files.join(job.folder, "manifest.json"), written)


def _persist(
    runner: Runner,
    todo: Callable[[], list[Any]],
    function: partial[Any],
    died: Callable[[], bool],
    say: Say,
    then: Then | None = None,
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
        then: what follows in the same Beam job.
    """
    stuck = 0
    while left := todo():
        try:
            return runner.run(left, function, then)
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


def _stop_on_broken_sources(layout: RunLayout, manifests: Sequence[dict]) -> None:
    """Do not go on where a source is not what the recipe takes it for.

    Raises:
        RunError: a source of at least 20 records of which more than 90 % are broken.
    """
    read, broken = Counter[str](), Counter[str]()
    first: dict[str, str] = {}
    for part, manifest in zip(layout.plan.slices, manifests, strict=True):
        for piece, found in zip(part.parts, manifest["inputs"], strict=True):
            name = piece.file.source
            read[name] += found["documents"] + found["rejected"]
            broken[name] += found["broken"]
            for problem in found["problems"][:1]:
                first.setdefault(name, f"{piece.file.path}: {problem['detail']}")
    for name in sorted(read):
        if read[name] >= MIN_RECORDS and broken[name] > MAX_BROKEN * read[name]:
            raise RunError(
                f"source {name!r}: {broken[name]:,} of {read[name]:,} records are broken, the first one in "
                f"{layout.plan.recipe.privacy.detail(first[name])}; check its format and the columns that it names"
            )


def _decide(layout: RunLayout, pass_: Pass, runner: Runner, watch: Watch) -> None:
    """Make the decisions after a pass that are missing, as many as can be in one job."""
    cut = layout.cut(pass_)
    indices = [part.index for part in layout.plan.slices]
    if not all(data.decision.is_whole() for data in cut):
        documents = sum(m["totals"]["documents"] for m in layout.manifests(pass_))
        for job in decision_jobs(cut, indices, runner.memory, runner.distributed, documents):
            names = ", ".join(cut[number].name for number in job.steps)
            for number in job.steps if not job.part else ():
                cut[number].decision.begin(job.parts)

            def work(job: DecisionJob = job, names: str = names) -> None:
                with _job_errors(f"{'step' if len(job.steps) == 1 else 'steps'} {names}"):
                    _run_decisions(cut, job, indices, runner)

            watch(Work(f"decide {names}"), work)
    for number, data in enumerate(cut):
        path = files.join(data.decision.folder, WARNINGS)
        if not files.exists(path):
            sealed.write_json(path, list(warn(cut, number, indices)))


def _decisions_in_job(layout: RunLayout, pass_: Pass, runner: Runner) -> Then | None:
    """Return what adds the decisions after a pass to its job, on workers elsewhere, where one job can make them all.

    How many documents there are is known from the pass before: of the first pass nothing is.
    """
    if not runner.distributed or not pass_.keys:
        return None
    before = layout.manifests(layout.plan.passes[pass_.index - 1]) if pass_.index else []
    documents = sum(m["totals"]["documents"] for m in before) if pass_.index else math.inf
    cut = layout.cut(pass_)
    indices = [part.index for part in layout.plan.slices]
    wanted = decision_jobs(cut, indices, runner.memory, True, documents)
    if len(wanted) != 1 or wanted[0].iterative:
        return None
    for number in wanted[0].steps:
        cut[number].decision.begin(1)
    return lambda p, after: decide(p, cut, wanted[0], indices, after)


def _run_decisions(cut: Sequence[StepData], job: DecisionJob, indices: Sequence[int], runner: Runner) -> None:
    if job.iterative:
        decide_in_jobs(cut, job.steps[0], indices, runner.pipeline)
        return
    scratch = files.join(cut[0].pass_folder, "") if "://" not in cut[0].pass_folder else None
    with runner.pipeline(scratch) as p:
        decide(p, cut, job, indices)


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
