"""The reports of a run: report.json, report.html, manifest.json and inputs.json.

All of them except inputs.json are the same bytes, however the input was split into files and however many workers ran.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from importlib import resources
from typing import TYPE_CHECKING, Any

import jinja2

import curate
from curate.text.printable import printable
from pipelines.dedup.alarms import lost_shares
from pipelines.engine.code import code_version
from pipelines.engine.order import assumptions
from pipelines.engine.plan import Pass
from pipelines.engine.stored import WARNINGS
from pipelines.engine.watched import KILLED_WORKER
from pipelines.io import files, sealed
from pipelines.io.sources import not_read
from pipelines.io.tables import TABLES, LargeColumn, read_table
from pipelines.recipe.model import digest
from pipelines.result.alarms import language_alarms, site_alarms
from pipelines.result.summary import merge

if TYPE_CHECKING:
    from pipelines.engine.layout import RunLayout

# Documents below which a warning about a step's share would be noise; curate's own values.
FEW, MANY = 20, 10_000
TOP_LINES = 20  # most common lines in the report


def build_report(layout: RunLayout, summaries: Iterable[dict]) -> dict:
    """Sum the counts of all slices into the funnel, and check that no document disappeared.

    Args:
        layout: files of a run whose shards are written.
        summaries: the summaries of all shards, in order.

    Raises:
        RuntimeError: a step does not add up: what it read is not what it kept plus what it rejected, or not what the
            step before it kept.
    """
    counts = [layout.counts(pass_) for pass_ in layout.plan.passes]
    steps, skipped, broken, undated = _funnel(counts)
    summary = merge(summaries)
    privacy = layout.plan.recipe.privacy
    shown = _shown(layout)
    mixture = with_written(shown.get("mixture"), summary["labels"])
    warnings = [
        *_input_warnings(layout),
        *assumptions(layout.plan.recipe),
        *_step_warnings(steps, {e.name for e in layout.plan.recipe.steps if e.step.must_reject}),
        *_broken_warnings(broken),
        *_date_warnings(steps, undated, {e.name for e in layout.plan.recipe.steps if "date" in e.step.reads}),
        *_label_warnings(summary["labels"]),
        *_alarms(layout, list(steps.values()), summary),
        *_decision_warnings(layout, counts),
        *mixture_warnings(mixture),
    ]
    return {
        "recipe": layout.plan.recipe.name,
        "steps": list(steps.values()),
        "skipped": dict(sorted(privacy.counts(skipped).items())),
        "broken_records": broken,
        "undated_documents": undated,
        "corpus": counts[-1]["totals"],
        "mixture": mixture,
        "removed_lines": shown.get("removed_lines", {}),
        "repeated_lines": [
            row | {"line": privacy.line(str(row["line"]))} for row in shown.get("repeated_lines", [])[:TOP_LINES]
        ],
        "labels": summary["labels"],
        "examples": summary["examples"],
        "warnings": [privacy.text(warning) for warning in warnings],
    }


def _funnel(counts: Sequence[dict]) -> tuple[dict[str, dict], dict[str, int], int, int]:
    """Return the counts of each step, the number of skipped records by type, and those of broken and undated ones."""
    steps: dict[str, dict] = {}
    skipped: dict[str, int] = {}
    broken = undated = 0
    for of_pass in counts:
        for source in of_pass["read"].values():
            broken += source["broken"]
            undated += source["undated"]
            for record_type, n in source["skipped"].items():
                skipped[record_type] = skipped.get(record_type, 0) + n
        steps |= {name: {"name": name, **counted} for name, counted in of_pass["steps"].items()}
    before = None
    for step in steps.values():
        step["rejected"] = dict(sorted(step["rejected"].items(), key=lambda kv: (-kv[1], kv[0])))
        lost = sum(step["rejected"].values())
        if step["read"] != step["kept"] + lost or before not in (None, step["read"]):
            raise RuntimeError(f"the funnel does not add up at {step['name']}: {step} after {before} kept")
        before = step["kept"]
    return steps, skipped, broken, undated


def _shown(layout: RunLayout) -> dict[str, Any]:
    """Return what the corpus steps show of their decisions, by report key."""
    shown: dict[str, Any] = {}
    for pass_, data in layout.cuts():
        for name, part in data.step.report(data.decision, _Texts(layout, pass_).text).items():
            shown[name] = shown[name] + part if name in shown and isinstance(part, list) else part
    return shown


class _Texts:
    """The texts of documents as they were after a pass; made for looking up only a few."""

    def __init__(self, layout: RunLayout, pass_: Pass) -> None:
        self._state = layout.folder(pass_)
        self._large = next(
            layout.folder(p) for p in reversed(layout.plan.passes[: pass_.index + 1]) if "text" in p.writes
        )

    def text(self, index: int, row: int) -> str:
        """Return the text of a document, given its slice and row."""
        table = read_table(files.join(self._state, f"state-{index:05d}.parquet"), ["text_row"])
        place = table["text_row"][row].as_py()
        return LargeColumn(files.join(self._large, f"text-{index:05d}.parquet"), "text")[place] if place >= 0 else ""


def with_written(plan: dict | None, labels: dict[str, list[dict]]) -> dict | None:
    """Return the plan of the mixture with the tokens written per label, which differ a little: documents stay whole."""
    if not plan:
        return None
    by = plan.pop("by")
    return plan | {"written": {row["name"]: row["written"] for row in labels.get(by, [])}}


def _input_warnings(layout: RunLayout) -> Iterator[str]:
    if sentence := not_read(part.file for slice_ in layout.plan.slices for part in slice_.parts):
        yield sentence


def _step_warnings(steps: dict[str, dict], must_reject: Collection[str]) -> Iterator[str]:
    for step in steps.values():
        lost = step["read"] - step["kept"]
        if step["read"] >= FEW and lost > 0.99 * step["read"]:
            yield f"{step['name']} rejected {lost:,} of {step['read']:,} documents; check its settings"
        if step["read"] >= MANY and not lost and step["name"] in must_reject:
            yield f"{step['name']} rejected none of {step['read']:,} documents; check its settings"
        if pages := step["rejected"].get("not_extracted"):
            yield f"{pages:,} pages of HTML were rejected, because the recipe has no `extract` step; add it first"
        if killers := step["rejected"].get(KILLED_WORKER):
            yield f"{killers:,} documents killed their worker twice; see rule {KILLED_WORKER} in rejected/"
        if errors := step["rejected"].get("error"):
            yield f"{step['name']} failed on {errors:,} documents; see rule error in rejected/"


def _broken_warnings(broken: int) -> Iterator[str]:
    if broken:
        yield f"{broken:,} records are broken, or mark where a file is cut off or damaged; inputs.json lists them"


def _date_warnings(steps: dict[str, dict], undated: int, by_date: Collection[str]) -> Iterator[str]:
    copies = sum(step["read"] - step["kept"] for name, step in steps.items() if name in by_date)
    if undated and copies:
        kept = steps["read"]["kept"]
        yield f"{undated:,} of {kept:,} documents have no readable date; of several copies, one with a date is kept"


def _label_warnings(labels: dict[str, list[dict]]) -> Iterator[str]:
    for label in ("source", "language"):
        for row in labels[label]:
            if row["name"] and row["rejected"] >= FEW and not row["documents"]:
                yield f"{label} {row['name']!r} lost all of its {row['rejected']:,} documents"


def _alarms(layout: RunLayout, steps: Sequence[dict], summary: dict) -> Iterator[str]:
    planned = {entry.name for entry in layout.plan.recipe.steps if "copies" in entry.step.writes}
    kept = {row["name"]: row["documents"] for row in summary["labels"]["language"]}
    yield from language_alarms(kept, summary["by_step"], [step["name"] for step in steps], planned)
    yield from site_alarms(summary["sites"], steps, planned)


def _decision_warnings(layout: RunLayout, counts: Sequence[dict]) -> Iterator[str]:
    """Yield the warnings of the corpus steps themselves, for example about a cluster with much of the corpus."""
    for pass_, data in layout.cuts():
        lost = lost_shares(counts[pass_.index + 1]["sources"].get(data.name, {}))
        for sentence in (*sealed.read_json(files.join(data.decision.folder, WARNINGS)), *lost):
            yield f"{data.name}: {sentence}"


def mixture_warnings(mixture: dict | None) -> Iterator[str]:
    """Yield a warning for each target of a mixture that gives way, and one if tokens are left out to meet the rest."""
    if not mixture:
        return
    yield from (f"mixture: {sentence}" for sentence in mixture["infeasible"])
    have = sum(mixture["tokens"].values())
    used = sum(min(mixture["rates"][label], 1.0) * n for label, n in mixture["tokens"].items())
    if mixture["limited_by"] and used < have:
        label = mixture["limited_by"]
        yield (
            f"mixture: {100 * (1 - used / have):.3g} % of the tokens are not in tokens/, because {label} is only "
            f"{100 * mixture['tokens'][label] / have:.3g} % of them and its target is "
            f"{100 * mixture['targets'][label]:.3g} %; lower its target, raise max_epochs, or let the share give way "
            "instead with min_epochs: 1"
        )


def write_reports(layout: RunLayout, report: dict, written: Sequence[dict]) -> None:
    """Write report.json, report.html, inputs.json, and finally manifest.json.

    Args:
        layout: files of the run.
        report: the report.
        written: path, rows, size and digest of each file of the shards.
    """
    out = layout.output
    inputs = [layout.plan.recipe.privacy.input(source) for source in layout.inputs()]
    files.write_checked_json(files.join(out, "inputs.json"), {"files": inputs})
    resolved = layout.plan.recipe.resolved()
    resolved.pop("sources")
    write_manifest(out, report, resolved, written)


def write_manifest(out: str, report: dict, recipe: dict, written: Sequence[dict], **more: str) -> None:
    """Write report.json and report.html, and finally manifest.json.

    Args:
        out: folder of the result.
        report: the report.
        recipe: the resolved recipe without its sources.
        written: path, rows, size and digest of each file of the shards.
        more: more entries of the manifest.
    """
    files.write_json(files.join(out, "report.json"), report)
    with files.atomic_write(files.join(out, "report.html")) as f:
        f.write(render(report).encode())
    manifest = {
        "recipe": recipe,
        "recipe_digest": digest(recipe),
        "curate": curate.__version__,
        "code_digest": code_version(),
        "corpus": report["corpus"],
        **more,
        "files": _outputs(out, written),
    }
    files.write_checked_json(files.join(out, "manifest.json"), manifest)


def _outputs(out: str, shards: Sequence[dict]) -> list[dict]:
    order = {table: i for i, table in enumerate(TABLES)}
    written = sorted(shards, key=lambda fact: (order.get(fact["path"].partition("/")[0], len(order)), fact["path"]))
    for name in ("report.json", "report.html"):
        with files.open_read(files.join(out, name)) as f:
            data = f.read()
        written.append({"path": name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()})
    return written


def render(report: dict) -> str:
    """Return the report as one self-contained HTML page."""
    template = resources.files("pipelines.result").joinpath("report.html.j2").read_text("utf-8")
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, finalize=_visible)
    return environment.from_string(template).render(report=report, n="{:,}".format)


def _visible(value: Any) -> Any:
    """Make text safe to show, because characters that reverse or hide text are dangerous in a browser too."""
    return printable(value) if isinstance(value, str) else value
