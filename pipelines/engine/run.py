"""Run a recipe: pass by pass and decision by decision, until every output file is written."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from typing import Any

import apache_beam as beam

from curate.bounds import Names
from pipelines.engine.contract import Contract
from pipelines.engine.decisions import DecisionJob, decide, decide_in_jobs, decision_jobs, warn
from pipelines.engine.failures import is_final, job_errors
from pipelines.engine.finish import count_shards, write_result
from pipelines.engine.layout import RunLayout, numbers_of
from pipelines.engine.passes import FUNCTIONS, run_slice
from pipelines.engine.plan import Pass
from pipelines.engine.preflight import preflight
from pipelines.engine.progress import Say, Task, Watch, silent, unwatched
from pipelines.engine.runners import PoolBroken, Runner, Spread, Then, then_each
from pipelines.engine.stored import MANIFEST, WARNINGS, StepData
from pipelines.engine.submission import worker_expected
from pipelines.engine.sums import added, count_kept, sum_path, sum_slices
from pipelines.io import files, sealed
from pipelines.io.privacy import Privacy
from pipelines.io.shards import Shards
from pipelines.io.slice_files import store_slices
from pipelines.io.sources import Slice
from pipelines.recipe.model import Recipe
from pipelines.result.finished import read_report
from pipelines.result.output import Fix, NotAnOutputError, check_files, leftovers
from pipelines.steps.base import RunError, names_in

DEPENDS = "depends.json"  # in the folder of a pass: what its result depends on
#: A source with at least this many records, and a larger share of broken ones, stops the run. curate's own values.
MIN_RECORDS, MAX_BROKEN = 20, 0.9
#: A step that fails on more than this share of at least this many documents stops the run. curate's own values.
MIN_DOCUMENTS, MAX_FAILED = 20, 0.5
PAGE_BYTES = 5_000  # of compressed input for a document, where their number is not known yet; curate's own value
MAX_STUCK = 3  # deaths of workers in a row, without progress between them, that stop the run


def run_recipe(
    recipe: Recipe, output: str, runner: Runner | None = None, watch: Watch = unwatched, say: Say = silent
) -> dict:
    """Run a recipe and write the result into a folder; do only what is not done there yet.

    Args:
        recipe: a checked recipe with sources.
        output: folder for the result.
        runner: where to run; by default, in this process.
        watch: shows progress.
        say: reports events in sentences: a damaged file that is written again, a worker that died.

    Returns:
        The report, as written to ``report.json``.

    Raises:
        RecipeError: the recipe names something that does not exist.
        RunError: the run cannot continue.
    """
    runner = runner or Runner()
    for note in runner.notes:
        say(note)
    runner.check_paths([output, *_paths_in(recipe)])
    layout = RunLayout.of(recipe, output)
    written = layout.written()
    if written and _whole(layout, say):
        say(f"{layout.output} is finished, and all of its files are intact")
        return read_report(layout.output)
    preflight(layout)
    if written:
        say(f"{layout.output} has damaged files: they are written again")
    with files.locked(layout.work):
        files.delete(leftovers(layout.output))
        restored: set[str] = set()
        while True:
            restored |= _restore(layout, say)
            try:
                report = _run(layout, runner, watch, say)
                files.delete(leftovers(layout.output))  # left by workers that died
                return report
            except Exception:
                runner.restart()  # workers may hold data from a damaged file
                FUNCTIONS.clear()
                if not sealed.noted(layout.work).keys() - restored:
                    raise


def _paths_in(recipe: Recipe) -> Iterator[str]:
    """Yield the paths of inputs, models and lists that workers open."""
    yield from (source.input for source in recipe.sources if source.format != "datasets")
    for entry in recipe.steps:
        yield from (name for name in names_in(entry.step, Names.FILE) if "://" in name or os.path.exists(name))


def _whole(layout: RunLayout, say: Say) -> bool:
    """Return whether the files of a finished output are intact; report those that are not.

    Raises:
        RunError: a file cannot be read now, so it may or may not be intact.
    """
    try:
        findings = check_files(layout.output)
    except NotAnOutputError:
        return False  # preflight refuses files of other programs before anything is written
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
    """Mark whatever wrote the damaged files as not done; return their paths."""
    damaged = sealed.noted(layout.work)
    for path, problem in damaged.items():
        say(f"{path} {problem}; it is written again")
        layout.forget(path)
    sealed.delete_notes(layout.work)
    return set(damaged)


def _run(layout: RunLayout, runner: Runner, watch: Watch, say: Say) -> dict:
    plan = layout.plan
    for pass_ in plan.passes[:-1]:
        _run_pass(layout, pass_, None, runner, watch, say)
        _decide(layout, pass_, runner, watch, say)
    last = plan.passes[-1]
    shards = count_shards(layout, plan.passes[-2])
    _run_pass(layout, last, shards, runner, watch, say)

    def run_all(title: str, todo: Callable[[], list[Any]], function: partial[None], then: Then | None = None) -> None:
        _agree(layout, last, runner)
        with job_errors(title, layout.work, runner.local):
            watch(Task(title), lambda: _persist(runner, todo, function, lambda: False, say, then))

    return write_result(layout, shards, run_all)


def _run_pass(layout: RunLayout, pass_: Pass, shards: Shards | None, runner: Runner, watch: Watch, say: Say) -> None:
    if layout.pass_done(pass_):
        return
    job = layout.job(pass_, shards)
    files.make_folder(job.folder)
    files.write_json(files.join(job.folder, DEPENDS), pass_.facts)
    slices = layout.plan.slices
    before = layout.counts(layout.plan.passes[pass_.index - 1]) if pass_.index else None
    total = before["totals"]["documents"] if before else sum(s.size for s in slices)
    _agree(layout, pass_, runner)
    work = Task(f"pass {pass_.index + 1} of {len(layout.plan.passes)}", job.folder, total, len(slices))

    def todo() -> list[Slice]:
        done = layout.slices_done(pass_)
        return [s for s in slices if s.index not in done]

    def died() -> bool:
        begun = numbers_of(files.names(job.folder, "progress-"))
        return not sealed.noted(layout.work) and any(s.index in begun for s in todo())

    def to_sum() -> list[int]:
        summed = numbers_of(files.names(job.folder, "sum-"))
        return [group for group in range(layout.groups.count) if group not in summed]

    add = partial(sum_slices, job=job, groups=layout.groups)
    sums, decide = then_each("sum", range(layout.groups.count), add), _decisions_in_job(layout, pass_, runner, before)

    def then(p: beam.Pipeline, done: beam.PCollection) -> None:
        for follows in filter(None, (sums, decide)):
            follows(p, done)

    expected = worker_expected(job.folder, say) if runner.distributed else nullcontext()
    with job_errors(work.title, layout.work, runner.local), expected:
        spread = partial(store_slices, folder=job.folder)
        watch(work, lambda: _persist(runner, todo, partial(run_slice, job=job), died, say, then, spread))
        _persist(runner, to_sum, add, lambda: False, say)
    counts = added([sealed.read_json(sum_path(job.folder, group)) for group in range(layout.groups.count)])
    try:
        _stop_on_errors(counts, layout.plan.recipe.privacy)
        _stop_on_broken_sources(counts, layout.plan.recipe.privacy)
    except RunError:  # repeat the pass next time: the cause may be fixed by then
        layout.forget_slices(pass_, range(len(slices)))
        raise
    written = {"steps": [s.name for s in pass_.steps], "keys": [s.name for s in pass_.keys]}
    sealed.write_json(files.join(job.folder, MANIFEST), {"slices": len(slices), **written, "counts": counts})


def _agree(layout: RunLayout, pass_: Pass, runner: Runner) -> None:
    """Write the contract that the workers of a pass keep, if they are on other machines."""
    if runner.distributed:
        runner.contract = Contract.of(layout, pass_)
        runner.contract.write()


def _persist(
    runner: Runner,
    todo: Callable[[], list[Any]],
    function: partial[Any],
    died: Callable[[], bool],
    say: Say,
    then: Then | None = None,
    spread: Spread | None = None,
) -> None:
    """Call a function on every element to process, and again on those that are left after a worker died.

    The run continues after a death as long as work was finished since the last one: a slice that killed a worker is run
    in a child process, which finds the page that kills it.

    Args:
        runner: where to run.
        todo: returns the elements that are left.
        function: called on each element.
        died: returns whether an element was begun but not finished; a Beam runner does not report the death of a worker
            as such.
        say: reports that the run continues.
        then: adds what follows to the same Beam job.
        spread: stores the elements for a Beam job.
    """
    stuck = 0
    while left := todo():
        try:
            return runner.run(left, function, then, spread)
        except PoolBroken as e:
            error: Exception = e
        except Exception as e:
            if isinstance(e.__context__, KeyboardInterrupt):  # Beam raises another error instead
                raise KeyboardInterrupt from None
            if runner.local or is_final(e) or not died():
                raise
            error = e
        stuck = stuck + 1 if len(todo()) == len(left) else 0
        if stuck == MAX_STUCK:
            raise error
        say("a worker process died; the work that it had begun is done again in a child process")


def _stop_on_errors(counts: Mapping[str, Any], privacy: Privacy) -> None:
    """Stop the run if a step, rather than some documents, seems to be at fault.

    Raises:
        RunError: a step failed on more than half of at least 20 documents.
    """
    for name, step in counts["steps"].items():
        read, failed = step["read"], step["rejected"].get("error", 0)
        if read >= MIN_DOCUMENTS and failed > MAX_FAILED * read:
            first = counts["first_errors"][name]
            raise RunError(
                f"step {name} failed on {failed:,} of {read:,} documents, the first time with: {privacy.detail(first)}"
            )


def _stop_on_broken_sources(counts: Mapping[str, Any], privacy: Privacy) -> None:
    """Stop the run if a source does not have the format that the recipe names.

    Raises:
        RunError: more than 90 % of at least 20 records of a source are broken.
    """
    for name, source in sorted(counts["read"].items()):
        read, broken = source["records"], source["broken"]
        if read >= MIN_RECORDS and broken > MAX_BROKEN * read:
            raise RunError(
                f"source {name!r}: {broken:,} of {read:,} records are broken, the first one in "
                f"{privacy.detail(source['first'])}; check the format and columns of the source"
            )


def _decide(layout: RunLayout, pass_: Pass, runner: Runner, watch: Watch, say: Say) -> None:
    """Make the decisions after a pass that are not made yet, in as few jobs as possible."""
    cut = layout.cut(pass_)
    indices = range(len(layout.plan.slices))
    count = _count_kept(layout, pass_)
    if not all(data.decision.is_whole() for data in cut):
        _agree(layout, pass_, runner)
        counts = layout.counts(pass_)
        jobs = decision_jobs(cut, counts["keys"], runner.memory, runner.distributed, counts["totals"]["documents"])
        for job in jobs:
            names = ", ".join(cut[number].name for number in job.steps)
            for number in job.steps if not job.part else ():
                cut[number].decision.begin(job.parts)

            def work(job: DecisionJob = job, names: str = names) -> None:
                with job_errors(f"{'step' if len(job.steps) == 1 else 'steps'} {names}", layout.work):
                    _run_decisions(cut, job, indices, runner, counts["totals"]["documents"])

            watch(Task(f"decide {names}"), work)
    for number, data in enumerate(cut):
        path = files.join(data.decision.folder, WARNINGS)
        if not files.exists(path):
            sealed.write_json(path, list(warn(cut, number, indices)))
    if cut and count:

        def to_count() -> list[int]:
            counted = numbers_of(files.names(cut[-1].decision.folder, "kept-"))
            return [group for group in range(layout.groups.count) if group not in counted]

        _agree(layout, pass_, runner)
        with job_errors("shards", layout.work, runner.local):
            _persist(runner, to_count, count, lambda: False, say)


def _count_kept(layout: RunLayout, pass_: Pass) -> partial[None] | None:
    """Return what counts, of a group of slices, what the decisions after a pass leave for the shards; None if nothing.

    Only the decisions before the last pass are counted.
    """
    if pass_ is not layout.plan.passes[-2]:
        return None
    return partial(count_kept, folder=layout.folder(pass_), cut=layout.cut(pass_), groups=layout.groups)


def _decisions_in_job(layout: RunLayout, pass_: Pass, runner: Runner, before: Mapping[str, Any] | None) -> Then | None:
    """Return a function that adds the decisions after a pass to its own job, on a cluster; None if that is impossible.

    All of them must fit in one job.

    Args:
        layout: files of the run.
        pass_: the pass.
        runner: where to run.
        before: counts of the pass before; None for the first, whose number of documents is unknown.
    """
    if not runner.distributed or not pass_.keys:
        return None
    size = sum(slice_.size for slice_ in layout.plan.slices)
    documents = before["totals"]["documents"] if before else size // PAGE_BYTES
    cut = layout.cut(pass_)
    indices = range(len(layout.plan.slices))
    wanted = decision_jobs(cut, {}, runner.memory, True, documents if before else math.inf)
    if len(wanted) != 1 or wanted[0].iterative:
        return None
    for number in wanted[0].steps:
        cut[number].decision.begin(1)
    count = _count_kept(layout, pass_)

    def then(p: beam.Pipeline, after: beam.PCollection) -> None:
        last = decide(p, cut, wanted[0], indices, after, documents)
        if count:
            then_each("count", range(layout.groups.count), count)(p, last)

    return then


def _run_decisions(
    cut: Sequence[StepData], job: DecisionJob, indices: Sequence[int], runner: Runner, documents: int
) -> None:
    if job.iterative:
        decide_in_jobs(cut, job.steps[0], indices, runner.pipeline, documents)
        return
    scratch = files.join(cut[0].pass_folder, "") if "://" not in cut[0].pass_folder else None
    with runner.pipeline(scratch) as p:
        decide(p, cut, job, indices, documents=documents)
