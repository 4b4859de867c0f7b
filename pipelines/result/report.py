"""What happened, for people and programs: report.json, report.html, manifest.json and inputs.json.

All but inputs.json are the same bytes however the input was cut into files and however many workers ran.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Sequence
from importlib import metadata, resources
from typing import TYPE_CHECKING, Any

import jinja2

from curate.text.printable import printable
from pipelines.engine.plan import code_version
from pipelines.engine.watched import KILLED_WORKER
from pipelines.io import files, sealed
from pipelines.io.sources import not_read
from pipelines.io.tables import TABLES
from pipelines.recipe.recipe import digest
from pipelines.result.summary import merge
from pipelines.steps.line_dedup import LineDedup, top_lines

if TYPE_CHECKING:
    from pipelines.engine.layout import Workspace

FEW, MANY = 20, 10_000  # documents below which a step's share says nothing
#: Steps that reject something of any real crawl: one that rejects nothing is not working.
MUST_REJECT = frozenset({"extract", "heuristics", "exact_dedup", "minhash_dedup"})
TOP_LINES = 20  # in the report


def build_report(space: Workspace, shards: Sequence[dict]) -> dict:
    """Sum what the slices counted into the funnel, and check that nothing disappeared.

    Args:
        space: of a run whose shards are written.
        shards: the facts of all of them, `pipelines.io.shards.shard_facts`.

    Raises:
        RuntimeError: a step where read is not kept plus rejected, or that did not read all its forerunner kept.
    """
    steps: dict[str, dict] = {}
    skipped: dict[str, int] = {}
    broken = undated = 0
    for spec in space.plan.passes:
        for manifest in space.manifests(spec):
            for source in manifest["inputs"]:
                broken += source["broken"]
                undated += source["undated"]
                for kind, n in source["skipped"].items():
                    skipped[kind] = skipped.get(kind, 0) + n
            for name, counted in manifest["steps"].items():
                step = steps.setdefault(name, {"name": name, "read": 0, "kept": 0, "rejected": {}})
                step["read"] += counted["read"]
                step["kept"] += counted["kept"]
                for rule, n in counted["rejected"].items():
                    step["rejected"][rule] = step["rejected"].get(rule, 0) + n
    before = None
    for step in steps.values():
        step["rejected"] = dict(sorted(step["rejected"].items(), key=lambda kv: (-kv[1], kv[0])))
        lost = sum(step["rejected"].values())
        if step["read"] != step["kept"] + lost or before not in (None, step["read"]):
            raise RuntimeError(f"the funnel does not add up at {step['name']}: {step} after {before} kept")
        before = step["kept"]
    totals = {"documents": 0, "text_bytes": 0, "tokens": 0}
    for manifest in space.manifests(space.plan.passes[-1]):
        for key in totals:
            totals[key] += manifest["totals"][key]
    summary = merge(shard["summary"] for shard in shards)
    privacy = space.plan.recipe.privacy
    mixture = _mixture(space, summary["labels"])
    warnings = [
        *_input_warnings(space),
        *_step_warnings(steps, {s.name for s in space.plan.recipe.steps if s.kind in MUST_REJECT}),
        *_broken_warnings(broken),
        *_date_warnings(steps, undated),
        *_label_warnings(summary["labels"]),
        *_decision_warnings(space),
        *_mixture_warnings(mixture),
    ]
    return {
        "recipe": space.plan.recipe.name,
        "steps": list(steps.values()),
        "skipped": dict(sorted(privacy.counts(skipped).items())),
        "broken_records": broken,
        "undated_documents": undated,
        "corpus": totals,
        "mixture": mixture,
        "repeated_lines": _repeated_lines(space),
        "labels": summary["labels"],
        "examples": summary["examples"],
        "warnings": [privacy.text(warning) for warning in warnings],
    }


def _mixture(space: Workspace, labels: dict[str, list[dict]]) -> dict | None:
    """Return the plan of the mixture, with what was written of each label: whole documents, so never quite the plan."""
    for taken in space.decisions():
        path = files.join(taken.decision, "mixture.json")
        if files.exists(path):
            plan = sealed.read_json(path)
            return plan | {"written": {row["name"]: row["written"] for row in labels[taken.config.by]}}
    return None


def _repeated_lines(space: Workspace) -> list[dict]:
    """The lines that line deduplication removed from most documents."""
    found: list[dict] = []
    for taken in space.decisions():
        if isinstance(taken.step, LineDedup):
            found += top_lines(taken.decision, taken.config)
    privacy = space.plan.recipe.privacy
    return [row | {"line": privacy.line(str(row["line"]))} for row in found[:TOP_LINES]]


def _input_warnings(space: Workspace) -> Iterator[str]:
    if sentence := not_read(part.file for piece in space.plan.slices for part in piece.parts):
        yield sentence


def _step_warnings(steps: dict[str, dict], must_reject: Collection[str]) -> Iterator[str]:
    for step in steps.values():
        lost = step["read"] - step["kept"]
        if step["read"] >= FEW and lost > 0.99 * step["read"]:
            yield f"{step['name']} rejected {lost:,} of {step['read']:,} documents: check its settings"
        if step["read"] >= MANY and not lost and step["name"] in must_reject:
            yield f"{step['name']} rejected none of {step['read']:,} documents: check its settings"
        if pages := step["rejected"].get("not_extracted"):
            yield f"{pages:,} pages of HTML were rejected, for the recipe has no step extract: put it first"
        if killers := step["rejected"].get(KILLED_WORKER):
            yield f"{killers:,} documents killed their worker twice: see rejected/ where rule is {KILLED_WORKER!r}"
        if errors := step["rejected"].get("error"):
            yield f"{step['name']} failed on {errors:,} documents: see rejected/ where rule is 'error'"


def _broken_warnings(broken: int) -> Iterator[str]:
    if broken:
        yield f"{broken:,} records are broken, or files are cut off or damaged there: inputs.json says where"


def _date_warnings(steps: dict[str, dict], undated: int) -> Iterator[str]:
    copies = sum(step["rejected"].get("older_copy", 0) for step in steps.values())
    if undated and copies:
        kept = steps["read"]["kept"]
        yield f"{undated:,} of {kept:,} documents have no date that can be read: among copies one with a date stays"


def _label_warnings(labels: dict[str, list[dict]]) -> Iterator[str]:
    for label in ("source", "language"):
        for row in labels[label]:
            if row["name"] and row["rejected"] >= FEW and not row["documents"]:
                yield f"{label} {row['name']!r} lost all of its {row['rejected']:,} documents"


def _decision_warnings(space: Workspace) -> Iterator[str]:
    """What the corpus steps themselves found alarming, such as one cluster that swallows the corpus."""
    for taken in space.decisions():
        path = files.join(taken.decision, "warnings.json")
        if files.exists(path):
            yield from (f"{taken.name}: {sentence}" for sentence in sealed.read_json(path))


def _mixture_warnings(mixture: dict | None) -> Iterator[str]:
    if not mixture:
        return
    yield from (f"mixture: {sentence}" for sentence in mixture["infeasible"])
    have = sum(mixture["tokens"].values())
    used = sum(min(mixture["rates"][label], 1.0) * n for label, n in mixture["tokens"].items())
    if mixture["limited_by"] and used < 0.5 * have:
        label = mixture["limited_by"]
        yield (
            f"mixture: {100 * (1 - used / have):.0f} % of the tokens are left out, because {label} is only "
            f"{100 * mixture['tokens'][label] / have:.1f} % of them and its target is "
            f"{100 * mixture['targets'][label]:.0f} %; lower its target, raise max_epochs, set "
            "total_tokens, or take all with --set steps.mixture=none"
        )


def write_reports(space: Workspace, report: dict, shards: Sequence[dict]) -> None:
    """Write report.json, report.html, inputs.json, and manifest.json last."""
    out = space.output
    files.write_json(files.join(out, "report.json"), report)
    with files.atomic_write(files.join(out, "report.html")) as f:
        f.write(render(report).encode())
    first = space.manifests(space.plan.passes[0])
    inputs = [space.plan.recipe.privacy.input(source) for manifest in first for source in manifest["inputs"]]
    files.write_checked_json(files.join(out, "inputs.json"), {"files": inputs})
    resolved = space.plan.recipe.resolved()
    resolved.pop("sources")
    manifest = {
        "recipe": resolved,
        "recipe_digest": digest(resolved),
        "curate": metadata.version("curate"),
        "code_digest": code_version(),
        "corpus": report["corpus"],
        "files": _outputs(out, shards),
    }
    files.write_checked_json(files.join(out, "manifest.json"), manifest)


def _outputs(out: str, shards: Sequence[dict]) -> list[dict]:
    written = [fact for shard in shards for fact in shard["files"]]
    written.sort(key=lambda fact: (TABLES.index(fact["path"].partition("/")[0]), fact["path"]))
    for name in ("report.json", "report.html"):
        with files.open_read(files.join(out, name)) as f:
            data = f.read()
        written.append({"path": name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()})
    return written


def render(report: dict) -> str:
    """Return the report as one HTML page without outside parts."""
    template = resources.files("pipelines.result").joinpath("report.html.j2").read_text("utf-8")
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, finalize=_visible)
    return environment.from_string(template).render(report=report, n="{:,}".format)


def _visible(value: Any) -> Any:
    """Return text as a page may show it: characters that reverse or hide text are dangerous in a browser too."""
    return printable(value) if isinstance(value, str) else value
