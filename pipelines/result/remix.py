"""Another mixture over the documents of a finished run: its plan, and the report of it.

The rows of ``documents/`` have all that the mixture looks at: ids, labels and token counts. So the plan, and the copies
of each document, are those of a run of the recipe with the other settings.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from curate.document import Document
from pipelines.io import files
from pipelines.io.privacy import Privacy
from pipelines.recipe.changes import RawStep, apply_changes
from pipelines.recipe.errors import RecipeError, did_you_mean, short
from pipelines.recipe.model import plain
from pipelines.recipe.parsing import RecipeParser
from pipelines.recipe.plugins import Plugins
from pipelines.result.finished import intact, privacy_of, read_report, read_steps, steps_with
from pipelines.result.output import read_manifest
from pipelines.result.report import mixture_warnings, with_written
from pipelines.steps.base import DecisionInMemory, RunError, table_part
from pipelines.steps.mixture import PLAN, Mixture, plan_of

ROWS = 1024  # of documents in memory at a time, at most
FIELDS = ("id", "source", "language", "domain")  # that a row of tokens has or depends on


@dataclass(frozen=True, slots=True)
class Planned:
    """A mixture, by its name in a recipe and its settings, with its plan over a corpus."""

    name: str
    step: Mixture
    plan: dict[str, Any]

    def _decision(self) -> DecisionInMemory:
        address, table = table_part(PLAN, self.plan)
        return DecisionInMemory({address: [table]})

    def copies(self) -> Callable[[Document], int]:
        """Build the function that returns how many copies a document has."""
        return self.step.copies_of(self._decision())

    def warnings(self, privacy: Privacy) -> list[str]:
        """Return the warnings of the plan, as in the report of a run.

        Raises:
            RunError: no label in the corpus has a target.
        """
        own = [f"{self.name}: {warning}" for warning in self.step.warnings(self._decision(), ())]
        return [privacy.text(warning) for warning in (*own, *mixture_warnings(self.plan))]


@dataclass(frozen=True, slots=True)
class Remix:
    """Another mixture of a finished run.

    Attributes:
        run: folder of the run.
        old: its mixture.
        new: the other one.
        recipe: the recipe of the run with the new mixture, as in a manifest.
        report: the report of the run.
        privacy: what the run scrubs.
    """

    run: str
    old: Planned
    new: Planned
    recipe: dict[str, Any]
    report: dict[str, Any]
    privacy: Privacy

    def warnings(self) -> list[str]:
        """Return the warnings of the new plan.

        Raises:
            RunError: no label in the corpus has a target.
        """
        return self.new.warnings(self.privacy)

    def new_report(self, written: Mapping[str, Mapping[str, int]]) -> dict[str, Any]:
        """Return the report of the run as it would be with the new mixture.

        Args:
            written: number of tokens, counted per copy, by label (``language``, ...) and its value.
        """
        labels = {
            label: [row | {"written": written[label].get(row["name"], 0)} for row in rows]
            for label, rows in self.report["labels"].items()
        }
        tokens = sum(row["written"] for row in labels["source"])
        gone = set(self.old.warnings(self.privacy))
        return self.report | {
            "corpus": self.report["corpus"] | {"tokens": tokens},
            "mixture": with_written(self.new.plan | {"by": self.new.step.by}, labels),
            "labels": labels,
            "warnings": [*(w for w in self.report["warnings"] if w not in gone), *self.warnings()],
        }


def plan_remix(run: str, settings: Sequence[str]) -> Remix:
    """Plan the mixture of a finished run with other settings, from its ``documents/``.

    Args:
        run: folder of the run.
        settings: changes as for a run, ``steps.mixture.KEY=VALUE``.

    Raises:
        FileNotFoundError: the folder holds no finished run.
        RunError: the run has no mixture, a step after it has rejected documents, or no label in the corpus has a
            target.
        RecipeError: a setting is invalid.
    """
    report = read_report(run)
    known = [(name, step) for name, step in steps_with(run, "copies_of").items() if isinstance(step, Mixture)]
    if not known:
        raise RunError(f"the run in {run} has no step mixture; add one to its recipe and run it again")
    name, step = known[-1]
    _check_last(report, name)
    recipe, changed = _changed(run, name, settings)
    with intact(files.join(run, "report.json")):
        old = Planned(name, step, {key: value for key, value in report["mixture"].items() if key != "written"})
        sources = {row["name"] for row in report["labels"]["source"]}
    _check_labels(name, changed, sources)
    new = Planned(name, changed, plan_of(_token_counts(run, changed.by), changed))
    if changed.by == step.by and new.plan["tokens"] != old.plan["tokens"]:
        raise RunError(f"documents/ in {run} has other tokens than its report; run the recipe into this folder again")
    remix = Remix(run, old, new, recipe, report, privacy_of(run))
    remix.warnings()  # raises an error if no label has a target
    return remix


def _check_last(report: Mapping[str, Any], name: str) -> None:
    """Check that documents/ has all the documents that the mixture saw."""
    names = [step["name"] for step in report["steps"]]
    for later in report["steps"][names.index(name) + 1 :]:
        if lost := later["read"] - later["kept"]:
            raise RunError(
                f"{later['name']} comes after {name} and rejected {lost:,} documents that the plan must count, and "
                f"documents/ lacks them; put {name} last in the recipe and run it again"
            )


def _changed(run: str, name: str, settings: Sequence[str]) -> tuple[dict[str, Any], Mixture]:
    """Return the recipe of a run with changed settings of its mixture, and the changed mixture."""
    for setting in settings:
        if not setting.startswith(f"steps.{name}."):
            raise RecipeError(
                f"--set {short(setting)}: a finished run can be recut to other limits, RULE=LIMIT, or to another "
                f"mixture, steps.{name}.KEY=VALUE; for anything else run the recipe again"
            )
    entries = read_steps(run)
    raw: list[RawStep] = [
        (entry["step"], entry["name"], {k: v for k, v in entry.items() if k not in ("step", "name")})
        for entry in entries
    ]
    parser = RecipeParser("manifest.json", {}, Plugins())
    apply_changes(settings, {}, raw, parser.changed)
    at = next(i for i, entry in enumerate(entries) if entry["name"] == name)
    step: Mixture = parser.build(Mixture, raw[at][2] or {}, ("steps", at, raw[at][0]))
    entries[at] = {"step": raw[at][0], "name": name, **plain(step)}
    return read_manifest(run)["recipe"] | {"steps": entries}, step


def _check_labels(name: str, step: Mixture, sources: Collection[str]) -> None:
    try:
        step.check()
        step.check_sources(sources)
    except ValueError as e:
        raise RecipeError(f"{name}: {e}") from None


def table_files(run: str, table: str, ending: str = "parquet") -> list[str]:
    """Return the paths of the files of a table of a finished run, in order."""
    return [meta.path for meta in files.within(files.join(run, table), f"*.{ending}")]


def _token_counts(run: str, by: str) -> Counter[str]:
    """Return the number of tokens per label."""
    counts: Counter[str] = Counter()
    for path in table_files(run, "documents"):
        with intact(path), files.open_read(path) as stream:
            table = pq.ParquetFile(stream)
            schema = table.schema_arrow
            known = by in schema.names and not pa.types.is_nested(schema.field(by).type)
            for batch in table.iter_batches(columns=[by, "token_count"], use_threads=False) if known else ():
                rows = pa.table({"label": batch[by], "tokens": batch["token_count"]})
                for row in rows.group_by("label").aggregate([("tokens", "sum")]).to_pylist():
                    counts["" if row["label"] is None else str(row["label"])] += row["tokens_sum"]
        if not known:
            raise RecipeError(f"by: documents/ has no labels in a column {by!r}{did_you_mean(by, schema.names)}")
    return counts


def read_documents(path: str, by: Collection[str], text: bool = False) -> Iterator[tuple[Document, int]]:
    """Yield the documents of a file, each with its number of tokens.

    Args:
        path: path of the file.
        by: fields and columns that mixtures go by.
        text: whether to read the texts too.
    """
    own = [name for name in by if name not in Document.__slots__]
    columns = dict.fromkeys((*FIELDS, "copies", *by, *(["text"] if text else [])))
    with intact(path), files.open_read(path) as stream:
        table = pq.ParquetFile(stream)
        for group in range(table.num_row_groups):
            batches = table.iter_batches(ROWS, row_groups=[group], columns=[*columns, "token_count"], use_threads=False)
            for batch in batches:
                for row in batch.to_pylist():
                    count, extra = row.pop("token_count"), {name: row.pop(name) for name in own}
                    yield Document(**row, extra=extra), count
