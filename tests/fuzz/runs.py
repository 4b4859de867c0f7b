"""Batches of mutated files, each read by a whole run of a recipe in a process of its own."""

from __future__ import annotations

import json
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.fuzz import guard, loose
from tests.fuzz.archives import make_archive
from tests.fuzz.checks import Facts, Problem, check_output, check_printed, digests
from tests.fuzz.documents import Writer
from tests.fuzz.inputs import Input, make_input
from tests.fuzz.lines import make_lines, row
from tests.fuzz.tables import make_table

FILES = 200  # a run: so many that starting it costs less than reading them
AGAIN, AGAIN_FIRST = 5, 2  # every so many rounds, and in that one, a second run with two workers must write the same
START = 30.0  # seconds of processor time that a run may take to start: four times what it takes here
A_MEGABYTE = 10.0  # seconds that reading a megabyte may take
MEMORY = 2_000_000_000  # bytes of the largest process
CULPRITS = 5  # of a batch that are looked for
#: The steps of llama3; the corpus steps that cut by share decide and keep all, so that what is lost was lost wrongly.
RECIPE = """name: fuzz
steps:
  - url_filter
  - extract: {{engine: {engine}}}
  - language: {{min_score: 0.5}}
  - url_dedup
  - exact_dedup
  - minhash_dedup
  - line_dedup: {{max_copies: 6, bucket_documents: 30_000_000}}
  - repetition_clean
  - heuristics: {{presets: [default]}}
  - quality
  - domain
  - pii
  - tokenize: {{tokenizer: curate-32k}}
  - kl_divergence: {{min_divergence: 1000}}
  - quality_cut: {{keep: 1.0, within: [language, domain]}}
"""
MAKERS: tuple[tuple[Callable[[Random, Writer], Input], int], ...] = (
    (make_archive, 35), (make_lines, 25), (make_table, 20), (loose.make_loose, 20)
)  # fmt: skip

File = tuple[bytes, Input]  # name and content


@dataclass(slots=True)
class Result:
    """What came of a round: inputs by format and mutation, counts, and each failure with the inputs that cause it."""

    formats: Counter[str] = field(default_factory=Counter)
    mutations: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    failures: list[tuple[Problem, list[str]]] = field(default_factory=list)
    memory: int = 0
    slowest: float = 0.0  # seconds of processor time a megabyte, of a whole batch
    cpu: float = 0.0


@dataclass(frozen=True, slots=True)
class Ran:
    """What one run of a batch showed."""

    problems: list[Problem]
    facts: Facts
    cpu: float
    memory: int


def run_round(seed: str, number: int, scratch: Path, keep: Path | None) -> Result:
    """Make a batch of files, run a recipe over it and check what comes out.

    Args:
        seed: of the campaign.
        number: of the round: the batch depends on nothing but the two.
        scratch: an empty folder.
        keep: where the smallest input that shows a failure is copied, with what is known of it.
    """
    rng = Random(f"{seed}/{number}")
    writer = Writer(rng, number * 100_000 + 1)
    files = make_batch(rng, writer)
    batch = Batch(scratch, ("blocks", "resiliparse")[number % 2])
    ran = batch.run(files)
    result = Result(
        Counter(i.format for _, i in files), Counter(_short(i.mutation) for _, i in files), ran.facts.counts
    )
    megabytes = sum(i.size for _, i in files) / 1e6
    result.memory, result.cpu, result.slowest = ran.memory, ran.cpu, ran.cpu / megabytes
    problems = ran.problems
    if not problems:
        certain = {m for _, i in files for m in i.certain}
        result.counts["survivors checked"] = len(certain)
        result.counts["mutated documents"] = len({m for _, i in files for m in i.possible})
        result.counts["of those kept"] = len(ran.facts.markers - certain)
        if number % AGAIN == AGAIN_FIRST:
            problems = batch.again(files)
            result.counts["batches written twice"] += 1
    if problems:
        result.failures = batch.explain(files, problems)
        for i, (problem, names) in enumerate(result.failures):
            if keep:
                _keep(
                    keep / f"{number:05d}-{i}", batch, [f for f in files if _text(f[0]) in names], problem, seed, number
                )
    return result


def make_batch(rng: Random, writer: Writer) -> list[File]:
    """Make the files of a batch; one in twenty is untouched, so that a batch without survivors cannot pass."""
    makers, weights = zip(*MAKERS, strict=True)
    files: list[File] = []
    for n in range(FILES):
        if n % 20 == 0:
            documents = writer.take(3)
            data = b"\n".join(row(rng, d) for d in documents)
            made = make_input(".jsonl", data, "untouched", documents, documents)
        else:
            made = rng.choices(makers, weights)[0](rng, writer)
        files.append((loose.name(rng, n, made.ending), made))
    return files


class Batch:
    """Runs a recipe over sets of files in a folder, and looks for the files that make it fail."""

    def __init__(self, scratch: Path, engine: str) -> None:
        self.scratch = scratch
        self.recipe = scratch / "recipe.yaml"
        self.recipe.write_text(RECIPE.format(engine=engine))

    def run(self, files: Sequence[File], workers: int = 1, out: str = "out") -> Ran:
        """Run the recipe over some files and return what is wrong."""
        source, output = self.scratch / "in", self.scratch / out
        for folder in (source, output):
            shutil.rmtree(folder, ignore_errors=True)
        source.mkdir()
        for name, made in files:
            (Path(f"{source}") / _text(name)).write_bytes(made.data)
        limit = START + A_MEGABYTE * sum(i.size for _, i in files) / 1e6
        command = [sys.executable, "-m", "pipelines", "run", str(self.recipe), "--input", str(source)]
        ended = guard.run([*command, "--output", str(output), "--workers", str(workers)], limit)
        problems = list(check_printed(ended.output))
        facts = Facts([])
        if ended.code < 0:
            kind = "hang" if ended.cpu >= limit else "died"
            problems.append(Problem(kind, f"signal {-ended.code} after {ended.cpu:.0f} s\n{ended.output[-2000:]}"))
        elif ended.code:
            problems.append(Problem("status", f"exit code {ended.code}: {ended.output.strip()[-800:]}"))
        else:
            facts = check_output(output, len(files))
            problems += facts.problems
            problems += self._lost(files, facts.markers)
        if ended.memory > MEMORY:
            problems.append(Problem("memory", f"{ended.memory / 1e9:.2f} GB"))
        return Ran(problems, facts, ended.cpu, ended.memory)

    def again(self, files: Sequence[File]) -> list[Problem]:
        """Run once more, with two workers; return what is not the same."""
        before = digests(self.scratch / "out")
        ran = self.run(files, workers=2, out="again")
        after = digests(self.scratch / "again") if not ran.problems else {}
        differ = sorted(path for path in before | after if before.get(path) != after.get(path))
        return [*ran.problems, *([Problem("other bytes", ", ".join(differ))] if differ else [])]

    def explain(self, files: Sequence[File], problems: Sequence[Problem]) -> list[tuple[Problem, list[str]]]:
        """Find for each problem the fewest files that show it; go on without them, as they may hide others."""
        found: list[tuple[Problem, list[str]]] = []
        rest = list(files)
        while problems and len(found) < CULPRITS:
            kind, shown = problems[0].kind, problems[0]

            def fails(some: Sequence[File], kind: str = kind) -> Problem | None:
                problems = self.run(some).problems
                if kind == "other bytes" and not problems:
                    problems = self.again(some)
                return next((p for p in problems if p.kind == kind), None)

            known = [file for file in rest if _text(file[0]) in shown.files]
            culprits, shown = shrink(known if known and fails(known) else rest, fails, shown)
            found.append((shown, [_text(name) for name, _ in culprits]))
            rest = [file for file in rest if file not in culprits]
            problems = self.run(rest).problems if rest else []
        return found

    def _lost(self, files: Sequence[File], kept: set[str]) -> list[Problem]:
        """Name the files of which documents are lost that nothing harmed."""
        return [
            Problem(
                f"lost documents ({_short(made.mutation)})",
                f"{made.format}, {made.mutation}: {', '.join(sorted(made.certain - kept))}",
                (_text(name),),
            )
            for name, made in files
            if made.certain - kept
        ]


def shrink(
    files: Sequence[File], fails: Callable[[Sequence[File]], Problem | None], shown: Problem
) -> tuple[list[File], Problem]:
    """Halve a set of files as long as a half shows the problem."""
    files = list(files)
    while len(files) > 1:
        middle = len(files) // 2
        for half in (files[:middle], files[middle:]):
            if found := fails(half):
                files, shown = half, found
                break
        else:
            break
    return files, shown


def _short(mutation: str) -> str:
    """Return the name of a mutation without its details: ``page`` of ``page:nesting+table``."""
    return ":".join(mutation.split(":")[:2]).split("+")[0]


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")


def _keep(folder: Path, batch: Batch, files: Iterable[File], problem: Problem, seed: str, number: int) -> None:
    """Keep the files that show a failure, the recipe, and what is known of them."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "in").mkdir(parents=True)
    shutil.copy(batch.recipe, folder / "recipe.yaml")
    known = []
    for name, made in files:
        (folder / "in" / _text(name)).write_bytes(made.data)
        known.append(
            {"name": repr(name), "mutation": made.mutation, "format": made.format, "certain": sorted(made.certain)}
        )
    facts = {"seed": seed, "round": number, "problem": problem.kind, "detail": problem.detail, "files": known}
    (folder / "failure.json").write_text(json.dumps(facts, indent=1))
