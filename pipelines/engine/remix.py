"""Write the tokens of another mixture of a finished run, from its ``documents/`` and ``tokens/``.

``documents/`` says how often each document is used. Its token ids come from ``tokens/``, or are made again from the
text if the mixture of the run left the document out. The files have the bytes of a run of the recipe with the other
mixture, since the same functions choose the copies of a document, sort the rows and write the shards.

A file of documents gives rows of `COPIES` for each file of tokens, so that every file is read once, and no table has to
be in memory as a whole.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import zip_longest
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import TypeAdapter

from curate.document import Document
from curate.tokens.megatron import index_lengths
from pipelines.engine.code import code_version
from pipelines.engine.finish import write_shards
from pipelines.engine.layout import absolute
from pipelines.engine.progress import Say, Task, Watch, silent, unwatched
from pipelines.engine.runners import Runner, Then
from pipelines.io import files, sealed
from pipelines.io.formats import OUTPUT_FORMATS
from pipelines.io.places import read_places, write_places
from pipelines.io.privacy import Privacy
from pipelines.io.sealed import WORK
from pipelines.io.shards import (
    SHARDED,
    RunWriter,
    Shards,
    read_batch,
    shard_count,
    shard_of_tokens,
    token_key,
)
from pipelines.io.tables import TABLES
from pipelines.recipe.model import Output, digest
from pipelines.result.finished import intact, steps_with
from pipelines.result.output import RECUT, Fix, check_files, is_foreign, leftovers, read_manifest
from pipelines.result.remix import ROWS, Planned, Remix, read_documents, table_files
from pipelines.result.report import write_manifest
from pipelines.result.summary import LABELS
from pipelines.steps.base import MapStep, RunError, with_local_files

BEGUN = "begun.json"  # in the folder of a recut that is not finished
#: How often documents are in the new tokens: a row for each that is in the old ones, by the key of its first copy.
COPIES = pa.schema([("key", pa.uint64()), ("id", pa.string()), ("source", pa.string()), ("copies", pa.int64())])


@dataclass(frozen=True, slots=True)
class Part:
    """A file of documents or tokens.

    Attributes:
        index: its number; files of tokens come after those of documents.
        path: its path.
        number: of a file of tokens, its number among them, which is that of the batches with its rows of `COPIES`.
    """

    index: int
    path: str
    number: int = -1


@dataclass(frozen=True, slots=True)
class RemixJob:
    """Everything that is needed to write the sorted runs of a part; picklable.

    Attributes:
        old: the mixture of the run.
        new: the other one.
        tokenizer: the step of the run that makes tokens; None if it is not a built-in one.
        old_files: number of files of tokens that can be read; 0 if there are only Megatron files.
        shards: the shards of the result.
        folder: folder for the sorted runs.
    """

    old: Planned
    new: Planned
    tokenizer: MapStep | None
    old_files: int
    shards: Shards
    folder: str

    def counts(self, part: Part) -> str:
        """Return the path of the JSON file that says that a part is counted."""
        return files.join(self.folder, f"count-{part.index:05d}.json")

    def runs(self, part: Part) -> str:
        """Return the path of the JSON file that says that the tokens of a part are written."""
        return files.join(self.folder, f"slice-{part.index:05d}.json")

    def documents(self, part: Part, text: bool = False) -> Iterator[tuple[Document, int]]:
        """Yield the documents of a part, each with its number of tokens."""
        return read_documents(part.path, {self.old.step.by, self.new.step.by}, text)

    def has_tokens(self, document: Document) -> bool:
        """Return whether the tokens of a document, with the copies of the run, can be read."""
        return bool(document.copies and self.old_files)


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
        FileNotFoundError, ImportError, ValueError: the tokenizer of the run is needed, and cannot be loaded.
    """
    output = absolute(output)
    run = digest(read_manifest(remix.run))
    made_of = digest([run, remix.recipe, code_version()])
    work = files.join(output, WORK)
    job = _job(remix, files.join(work, f"recut-{made_of}"))
    if _is_finished(remix, output, made_of, job.folder, say):
        say(f"{output} is finished, and all of its files are intact")
        files.delete([work])
        return files.read_json(files.join(output, "report.json"))
    _check_run(remix.run)
    begin = partial(files.write_json, files.join(job.folder, BEGUN), {"run": run, "recipe": remix.recipe})
    begin()
    try:
        with files.locked(work):
            files.delete([files.join(output, "manifest.json"), *leftovers(output)])
            report = _write(remix, job, output, runner or Runner(), watch, made_of)
    except sealed.DamagedFile as e:
        files.delete([work])
        begin()  # so that the same command takes the output for its own
        raise RunError(f"{e}; run the same command again") from None
    files.delete([work])
    return report


def _job(remix: Remix, folder: str) -> RemixJob:
    """Return the job; its number of shards is set when the tokens are counted.

    Raises:
        RunError: the run writes no tokens.
    """
    with intact(files.join(remix.run, "manifest.json")):
        out = TypeAdapter(Output).validate_python(remix.recipe["output"])
    formats = tuple(name for name in out.formats if name in OUTPUT_FORMATS)
    if not formats:
        raise RunError(f"the run in {remix.run} writes no tokens; name parquet or megatron in output.formats")
    makers = [step for step in steps_with(remix.run, "writes").values() if "tokens" in step.writes]
    tokenizer = next((step for step in makers if isinstance(step, MapStep)), None)
    shards = Shards(0, 0, 0, 0, (), out.shuffle_seed, formats, _token_type(remix.run), Privacy(), {})
    old_files = len(table_files(remix.run, "tokens"))
    return RemixJob(remix.old, remix.new, tokenizer, old_files, shards, folder)


def _token_type(run: str) -> str:
    """Return the type of ids in the Megatron files of a run; without such files, a type that holds any id."""
    for path in table_files(run, "megatron", "idx")[:1]:
        with intact(path):
            return index_lengths(files.read_bytes(path))[1].str
    return "<i4"


def _is_finished(remix: Remix, output: str, made_of: str, folder: str, say: Say) -> bool:
    """Return whether the output has the whole result; report files that are damaged.

    Raises:
        RunError: it has something else.
    """
    run = absolute(remix.run)
    below = output.removeprefix(f"{run}/").partition("/")[0] if output.startswith(f"{run}/") else ""
    if below in (*TABLES, WORK):
        raise RunError(f"{output} is a folder of the run itself; choose another --output")
    path = files.join(output, "manifest.json")
    if files.is_file(path):
        if _made_of(path) != made_of:
            raise RunError(f"{output} holds another result; choose another --output")
        damaged = [finding for finding in check_files(output) if finding.fix is Fix.REPAIR]
        for finding in damaged:
            say(f"{files.join(output, finding.path)}: {finding.problem}; it is written again")
        return not damaged
    if not files.exists(files.join(folder, BEGUN)) and (files.is_file(output) or files.within(output, "**")):
        raise RunError(f"{output} holds other files; choose another --output, or delete it")
    return False


def _made_of(manifest: str) -> str:
    """Return what the result with this manifest is made of; "" if it is not one of a recut."""
    try:
        return "" if is_foreign(manifest) else files.read_json(manifest).get(RECUT, "")
    except files.DamagedError:
        return ""


def _check_run(run: str) -> None:
    """Check the files that are read against the manifest of the run.

    Raises:
        RunError: a file is not as the run left it.
    """
    for finding in check_files(run):
        if finding.path.startswith(("documents/", "tokens/", "megatron/")):
            raise RunError(f"{files.join(run, finding.path)}: {finding.problem}; run the recipe into this folder again")


def _write(remix: Remix, job: RemixJob, output: str, runner: Runner, watch: Watch, made_of: str) -> dict[str, Any]:
    """Count the tokens, write sorted runs, shards and reports; return the report."""

    def run_all(
        title: str, todo: Callable[[], Sequence[Any]], function: partial[None], then: Then | None = None
    ) -> None:
        if todo():
            watch(Task(title), lambda: runner.run(todo(), function, then))

    parts = [Part(index, path) for index, path in enumerate(table_files(remix.run, "documents"))]
    run_all("count", lambda: _left(parts, job.counts), partial(count_part, job=job))
    counted = [sealed.read_json(job.counts(part)) for part in parts]
    report = remix.new_report(_summed(count["written"] for count in counted))
    per_shard = remix.recipe["output"]["tokens_per_shard"]
    job = replace(job, shards=replace(job.shards, tokens=shard_count(report["corpus"]["tokens"], per_shard)))
    write_places(job.folder, 0, range(len(parts)), [count["runs"] for count in counted], ["copies"])
    old = [Part(len(parts) + number, path, number) for number, path in enumerate(table_files(remix.run, "tokens"))]
    missing = [part for part, count in zip(parts, counted, strict=True) if count["missing"]]
    run_all("tokens", lambda: _left(old, job.runs), partial(copy_part, job=job))
    run_all("missing tokens", lambda: _left(missing, job.runs), partial(tokenize_part, job=job))
    made = sorted((*missing, *old), key=lambda part: part.index)
    runs = [sealed.read_json(job.runs(part))["runs"] for part in made]
    write_places(job.folder, 0, [part.index for part in made], runs, SHARDED)
    facts = write_shards(output, job.folder, job.shards, run_all)
    with files.atomic_write(files.join(output, "inputs.json")) as f:
        f.write(files.read_bytes(files.join(remix.run, "inputs.json")))
    entries = [entry for path in facts for entry in sealed.read_json(path)["files"]]
    write_manifest(output, report, remix.recipe, entries, **{RECUT: made_of})
    return report


def _left(parts: Iterable[Part], fact: Callable[[Part], str]) -> list[Part]:
    return [part for part in parts if not files.exists(fact(part))]


def _summed(counts: Iterable[dict[str, dict[str, int]]]) -> dict[str, Counter[str]]:
    total: dict[str, Counter[str]] = {label: Counter() for label in LABELS}
    for count in counts:
        for label, of_label in count.items():
            total[label].update(of_label)
    return total


def count_part(part: Part, job: RemixJob) -> None:
    """Count the tokens of a file of documents in the new mixture, and write the copies of those that have tokens.

    Raises:
        RunError: the file has other copies than the mixture of the run gives, so another step has changed them.
    """
    written: dict[str, Counter[str]] = {label: Counter() for label in LABELS}
    rows: list[tuple[int, str, str, int]] = []
    missing = 0
    old_copies, new_copies = job.old.copies(), job.new.copies()
    for document, count in job.documents(part):
        if (planned := old_copies(document)) != document.copies:
            raise RunError(
                f"{part.path}: document {document.id} has {document.copies} copies, but {planned} in the plan of "
                f"{job.old.name}, so another step or another version of curate chose them; run the recipe again"
            )
        copies = new_copies(document)
        for label in LABELS:
            written[label][getattr(document, label)] += copies * count
        if count and job.has_tokens(document):
            rows.append((token_key(document.id, 0, job.shards.seed), document.id, document.source, copies))
        elif count and copies:
            missing += 1
    with RunWriter(job.folder, part.index, job.shards) as writer:
        columns = zip(*rows, strict=True) if rows else [()] * len(COPIES)
        table = pa.table([pa.array(column, field.type) for column, field in zip(columns, COPIES, strict=True)], COPIES)
        writer.write("copies", table, np.array([shard_of_tokens(key, job.old_files) for key, *_ in rows]))
    sealed.write_json(job.counts(part), {"written": written, "missing": missing, "runs": writer.written})


def copy_part(part: Part, job: RemixJob) -> None:
    """Write the tokens of a file of tokens as often as the new mixture says, as sorted runs.

    Raises:
        RunError: the file has other documents than ``documents/``.
    """
    batches = read_places(job.folder, "copies", 0, part.number)
    tables = [COPIES.empty_table(), *(read_batch(batch, COPIES) for batch in batches)]
    in_order = pa.concat_tables(tables).sort_by([(name, "ascending") for name in ("key", "id", "source")])
    with RunWriter(job.folder, part.index, job.shards) as writer:
        for document, row in zip_longest(_first_copies(part.path), in_order.to_pylist()):
            if not document or not row or document.id != row["id"]:
                raise RunError(f"{part.path} has other documents than documents/; run the recipe there again")
            writer.keep_tokens(replace(document, source=row["source"], copies=row["copies"]))
    sealed.write_json(job.runs(part), {"runs": writer.written})


def tokenize_part(part: Part, job: RemixJob) -> None:
    """Make those tokens of a file of documents that cannot be read, and write them as sorted runs.

    Raises:
        RunError: the tokenizer is not available, or gives other tokens than it gave the run.
    """
    if not job.tokenizer:
        raise RunError("the run left out documents that the new mixture uses, and its tokenizer is not a built-in step")
    tokenize, new_copies = with_local_files(job.tokenizer).make(), job.new.copies()
    with RunWriter(job.folder, part.index, job.shards) as writer:
        for document, count in job.documents(part, text=True):
            copies = new_copies(document)
            if not count or not copies or job.has_tokens(document):
                continue
            tokenized = tokenize(replace(document, copies=copies))
            if not isinstance(tokenized, Document) or tokenized.tokens is None or len(tokenized.tokens) != count:
                raise RunError(
                    f"{part.path}: the tokenizer does not give document {document.id} the {count:,} tokens of the run; "
                    "install the one that the run used, with its version of the library"
                )
            writer.keep_tokens(tokenized)
    sealed.write_json(job.runs(part), {"runs": writer.written})


def _first_copies(path: str) -> Iterator[Document]:
    """Yield the first copy of each document of a file of tokens, in order."""
    with intact(path), files.open_read(path) as stream:
        table = pq.ParquetFile(stream)
        for group in range(table.num_row_groups):
            for batch in table.iter_batches(ROWS, row_groups=[group], use_threads=False):
                first = batch.filter(pc.equal(batch["copy"], 0))
                facts = first.select(["id", "language", "domain"]).to_pylist()
                for row, tokens in zip(facts, first["input_ids"], strict=True):
                    yield Document(**row, tokens=tokens.values.to_numpy())
