"""Write the tokens of another mixture of a finished run, from its ``documents/``.

Token ids are made again from the texts, because ``tokens/`` lacks the documents that the run's mixture leaves out. The
files have the bytes of a run of the recipe with the other mixture, since the same functions choose the copies of a
document, sort the rows and write the shards.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from pydantic import TypeAdapter

from curate.document import Document
from pipelines.engine.code import code_version
from pipelines.engine.finish import write_shards
from pipelines.engine.layout import absolute
from pipelines.engine.progress import Say, Task, Watch, silent, unwatched
from pipelines.engine.runners import Runner
from pipelines.io import files, sealed
from pipelines.io.formats import OUTPUT_FORMATS
from pipelines.io.privacy import Privacy
from pipelines.io.sealed import WORK
from pipelines.io.shards import RunWriter, Shards, shard_count
from pipelines.io.tables import TABLES
from pipelines.recipe.model import Output, digest
from pipelines.result.finished import intact, steps_with
from pipelines.result.output import RECUT, Fix, check_files, leftovers, read_manifest
from pipelines.result.remix import Planned, Remix, document_files, read_documents
from pipelines.result.report import write_manifest
from pipelines.result.summary import LABELS
from pipelines.steps.base import MapStep, RunError

BEGUN = "begun.json"  # in the folder of a recut that is not finished


@dataclass(frozen=True, slots=True)
class Part:
    """A file of documents, and its number."""

    index: int
    path: str


@dataclass(frozen=True, slots=True)
class RemixJob:
    """Everything that is needed to write the sorted runs of any file of documents; picklable.

    Attributes:
        old: the mixture of the run.
        new: the other one.
        tokenizer: the step of the run that makes tokens.
        shards: the shards of the result.
        folder: folder for the sorted runs.
    """

    old: Planned
    new: Planned
    tokenizer: MapStep
    shards: Shards
    folder: str

    def counts(self, part: Part) -> str:
        """Return the path of the JSON file with the numbers of tokens of a part."""
        return files.join(self.folder, f"count-{part.index:05d}.json")

    def runs(self, part: Part) -> str:
        """Return the path of the JSON file about the sorted runs of a part."""
        return files.join(self.folder, f"slice-{part.index:05d}.json")

    @property
    def by(self) -> set[str]:
        """The fields and columns that the mixtures go by."""
        return {self.old.step.by, self.new.step.by}


def write_remix(
    remix: Remix, output: str, runner: Runner | None = None, watch: Watch = unwatched, say: Say = silent
) -> dict[str, Any]:
    """Write the tokens of another mixture of a finished run into a folder; do only what is not done there yet.

    Args:
        remix: the run and the mixture.
        output: folder for the tokens, the reports and a manifest.
        runner: where to run; by default, in this process.
        watch: shows progress.
        say: reports events in sentences.

    Returns:
        The report, as written to ``report.json``.

    Raises:
        RunError: the folder holds something else, a file of the run is damaged, or the run cannot be recut.
        FileNotFoundError, ImportError, ValueError: the tokenizer of the run cannot be loaded.
    """
    output = absolute(output)
    manifest = read_manifest(remix.run)
    made_of = digest([manifest, remix.recipe, code_version()])
    work = files.join(output, WORK)
    job = _job(remix, files.join(work, f"recut-{made_of}"))
    if _is_finished(remix, output, made_of, job.folder):
        say(f"{output} is finished, and all of its files are intact")
        files.delete([work])
        return files.read_json(files.join(output, "report.json"))
    _check_documents(remix.run)
    files.write_json(files.join(job.folder, BEGUN), {"run": digest(manifest), "recipe": remix.recipe})
    try:
        with files.locked(work):
            files.delete([files.join(output, "manifest.json"), *leftovers(output)])
            report = _write(remix, job, output, runner or Runner(), watch, made_of)
    except sealed.DamagedFile as e:
        files.delete([work])
        raise RunError(f"{e}; run the same command again") from None
    files.delete([work])
    return report


def _job(remix: Remix, folder: str) -> RemixJob:
    """Return the job, with the number of shards still to be set.

    Raises:
        RunError: the run writes no tokens, or no step that is available here makes them.
    """
    with intact(files.join(remix.run, "manifest.json")):
        out = TypeAdapter(Output).validate_python(remix.recipe["output"])
    formats = tuple(name for name in out.formats if name in OUTPUT_FORMATS)
    makers = [step for step in steps_with(remix.run, "writes").values() if "tokens" in step.writes]
    if not formats or not makers:
        raise RunError(f"the run in {remix.run} has no tokens of a built-in step; run its recipe again")
    (tokenizer,) = makers
    assert isinstance(tokenizer, MapStep)
    shards = Shards(0, 0, 0, 0, (), out.shuffle_seed, formats, tokenizer.token_type, Privacy(), {})
    return RemixJob(remix.old, remix.new, tokenizer, shards, folder)


def _is_finished(remix: Remix, output: str, made_of: str, folder: str) -> bool:
    """Return whether the folder has the whole result.

    Raises:
        RunError: it has something else.
    """
    run = absolute(remix.run)
    below = output.removeprefix(f"{run}/").partition("/")[0] if output.startswith(f"{run}/") else ""
    if below in (*TABLES, WORK):
        raise RunError(f"{output} is a folder of the run itself; choose another --output")
    path = files.join(output, "manifest.json")
    if files.is_file(path):
        with intact(path):
            same = files.read_json(path).get(RECUT) == made_of
        if not same:
            raise RunError(f"{output} holds another result; choose another --output")
        return not any(finding.fix is Fix.REPAIR for finding in check_files(output))
    if not files.exists(files.join(folder, BEGUN)) and (files.is_file(output) or files.within(output, "**")):
        raise RunError(f"{output} holds other files; choose another --output, or delete it")
    return False


def _check_documents(run: str) -> None:
    """Check the documents of the run against its manifest.

    Raises:
        RunError: a file is not as the run left it.
    """
    for finding in check_files(run):
        if finding.path.startswith("documents/"):
            raise RunError(f"{files.join(run, finding.path)}: {finding.problem}; run the recipe into this folder again")


def _write(remix: Remix, job: RemixJob, output: str, runner: Runner, watch: Watch, made_of: str) -> dict[str, Any]:
    """Count the tokens, write sorted runs, shards and reports; return the report."""
    parts = [Part(index, path) for index, path in enumerate(document_files(remix.run))]

    def run_all(title: str, todo: Callable[[], list[Any]], function: partial[None]) -> None:
        watch(Task(title), lambda: runner.run(todo(), function))

    def left(path: Callable[[Part], str]) -> list[Part]:
        return [part for part in parts if not files.exists(path(part))]

    run_all("count", lambda: left(job.counts), partial(count_part, job=job))
    written = _summed(sealed.read_json(job.counts(part)) for part in parts)
    report = remix.new_report(written)
    per_shard = remix.recipe["output"]["tokens_per_shard"]
    job = replace(job, shards=replace(job.shards, tokens=shard_count(report["corpus"]["tokens"], per_shard)))
    run_all("tokenize", lambda: left(job.runs), partial(tokenize_part, job=job))
    manifests = [sealed.read_json(job.runs(part)) for part in parts]
    facts = write_shards(output, job.folder, job.shards, manifests, partial(run_all, "shards"))
    with files.atomic_write(files.join(output, "inputs.json")) as f:
        f.write(files.read_bytes(files.join(remix.run, "inputs.json")))
    entries = [entry for path in facts for entry in sealed.read_json(path)["files"]]
    write_manifest(output, report, remix.recipe, entries, **{RECUT: made_of})
    return report


def _summed(counts: Iterable[dict[str, dict[str, int]]]) -> dict[str, Counter[str]]:
    total: dict[str, Counter[str]] = {label: Counter() for label in LABELS}
    for count in counts:
        for label, of_label in count.items():
            total[label].update(of_label)
    return total


def count_part(part: Part, job: RemixJob) -> None:
    """Count the tokens of a file of documents in the new mixture, per label, and write the numbers.

    Raises:
        RunError: the file has other copies than the mixture of the run gives, so another step has changed them.
    """
    written: dict[str, Counter[str]] = {label: Counter() for label in LABELS}
    for documents, counts in read_documents(part.path, job.by):
        for document, as_planned in zip(documents, job.old.apply(documents), strict=True):
            if document.copies != as_planned.copies:
                raise RunError(
                    f"{part.path}: document {document.id} has {document.copies} copies, but {as_planned.copies} in the "
                    f"plan of {job.old.name}, so another step or another version of curate has chosen them; run the "
                    "recipe again"
                )
        for document, count in zip(job.new.apply(documents), counts, strict=True):
            for label in LABELS:
                written[label][getattr(document, label)] += document.copies * count
    sealed.write_json(job.counts(part), written)


def tokenize_part(part: Part, job: RemixJob) -> None:
    """Make the tokens of a file of documents, and write them once per copy, as sorted runs.

    Raises:
        RunError: the tokenizer gives other tokens than it gave the run.
    """
    tokenize = job.tokenizer.make()
    with RunWriter(job.folder, part.index, job.shards) as writer:
        for documents, counts in read_documents(part.path, job.by, text=True):
            for document, count in zip(job.new.apply(documents), counts, strict=True):
                if not document.copies or not count:
                    continue
                tokenized = tokenize(document)
                if not isinstance(tokenized, Document) or tokenized.tokens is None or len(tokenized.tokens) != count:
                    raise RunError(
                        f"{part.path}: the tokenizer does not give document {document.id} the {count:,} tokens of the "
                        "run; install the one that the run used, with its version of the library"
                    )
                writer.keep_tokens(tokenized)
    sealed.write_json(job.runs(part), {"runs": writer.written})
