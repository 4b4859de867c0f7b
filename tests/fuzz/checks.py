"""What must hold of a finished run, whatever was in its input."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.fuzz.documents import markers

#: What a terminal may take for a command: control characters but tab and new line.
CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
TABLES = ("documents", "tokens", "rejected", "signals", "megatron")


@dataclass(frozen=True, slots=True)
class Problem:
    """What went wrong: its kind in a word or two, and the details."""

    kind: str
    detail: str
    files: tuple[str, ...] = ()  # those that are known to show it


@dataclass(frozen=True, slots=True)
class Facts:
    """What a finished run says: problems, the markers in its documents, and counts of records."""

    problems: list[Problem]
    markers: set[str] = field(default_factory=set)
    counts: Counter[str] = field(default_factory=Counter)


def check_printed(output: str) -> Iterator[Problem]:
    """Check what a run printed."""
    for line in output.splitlines():
        if line.startswith("Traceback") or "Fatal Python error" in line:
            yield Problem("traceback", output[output.index(line) :][-3000:])
            break
    if found := CONTROLS.search(output.replace("\r", "")):
        line = next(line for line in output.split("\n") if found[0] in line)
        yield Problem("terminal", f"the control character {found[0]!r} reaches the terminal: {line!r:.300}")


def check_output(out: Path, files: int) -> Facts:
    """Check the funnel against the tables, the inputs and the manifest of a run of some files."""
    report, inputs, manifest = (json.loads((out / f"{n}.json").read_bytes()) for n in ("report", "inputs", "manifest"))
    documents, tokens = _table(out / "documents"), _table(out / "tokens")
    rejected = _table(out / "rejected").select(["step", "rule", "detail"]).to_pylist()
    found = markers(documents["text"].to_pylist())
    problems = [
        *_funnel(report, documents, rejected), *_inputs(report, inputs["files"], files), *_tokens(documents, tokens),
        *_manifest(out, manifest), *_unforeseen(rejected),
    ]  # fmt: skip
    read = report["steps"][0]
    counts = Counter(read=read["read"], kept=report["corpus"]["documents"], broken=report["broken_records"])
    counts["rejected"] = len(rejected)
    return Facts(problems, found, counts)


def _table(folder: Path) -> pa.Table:
    return pa.concat_tables(pq.read_table(path) for path in sorted(folder.glob("*.parquet")))


def _funnel(report: dict, documents: pa.Table, rejected: list[dict]) -> Iterator[Problem]:
    kept = None
    for step in report["steps"]:
        if step["read"] != step["kept"] + sum(step["rejected"].values()) or kept not in (None, step["read"]):
            yield Problem("funnel", f"{step} after {kept} kept")
        kept = step["kept"]
    if not kept == report["corpus"]["documents"] == documents.num_rows:
        yield Problem(
            "funnel", f"{kept} kept, {report['corpus']['documents']} in the corpus, {documents.num_rows} rows"
        )
    rows = Counter((row["step"], row["rule"]) for row in rejected)
    counted = Counter({(s["name"], rule): n for s in report["steps"] for rule, n in s["rejected"].items()})
    if rows != counted:
        yield Problem(
            "tables", f"rejected/ less the report: {rows - counted}; the report less rejected/: {counted - rows}"
        )
    if len(set(documents["id"].to_pylist())) != documents.num_rows:
        yield Problem("tables", "an id twice in documents/")


def _inputs(report: dict, inputs: list[dict], files: int) -> Iterator[Problem]:
    read = report["steps"][0]
    sums = {name: sum(source[name] for source in inputs) for name in ("documents", "rejected", "broken", "undated")}
    wanted = {
        "documents": read["kept"], "rejected": sum(read["rejected"].values()),
        "broken": report["broken_records"], "undated": report["undated_documents"],
    }  # fmt: skip
    if sums != wanted:
        yield Problem("inputs", f"inputs.json sums to {sums}, the report has {wanted}")
    if (named := len({source["path"] for source in inputs})) != files:
        yield Problem("inputs", f"inputs.json names {named} files of {files}")


def _tokens(documents: pa.Table, tokens: pa.Table) -> Iterator[Problem]:
    lengths = dict(zip(tokens["id"].to_pylist(), map(len, tokens["input_ids"]), strict=True))
    counts = dict(zip(documents["id"].to_pylist(), documents["token_count"].to_pylist(), strict=True))
    if lengths != counts or tokens.num_rows != documents.num_rows:
        yield Problem("tokens", f"{tokens.num_rows} sequences of {documents.num_rows} documents, or of other lengths")


def _manifest(out: Path, manifest: dict) -> Iterator[Problem]:
    for file in manifest["files"]:
        data = (out / file["path"]).read_bytes()
        if (len(data), hashlib.sha256(data).hexdigest()) != (file["bytes"], file["sha256"]):
            yield Problem("manifest", f"{file['path']} differs from its digest")


def _unforeseen(rejected: list[dict[str, Any]]) -> Iterator[Problem]:
    """Rejections that stand for an exception that nobody foresaw."""
    for row in rejected:
        if row["rule"] == "error":
            yield Problem(f"error in {row['step']}", str(row["detail"])[:500])
        elif "cannot be read on" in (row["detail"] or ""):
            yield Problem("reader gave up", str(row["detail"])[:500])


def digests(out: Path) -> dict[str, str]:
    """Return a digest of each file that must not depend on how a run was done."""
    paths = [*(p for table in TABLES for p in (out / table).glob("*")), out / "report.json", out / "report.html"]
    return {
        str(p.relative_to(out)): hashlib.sha256(p.read_bytes()).hexdigest() for p in (*paths, out / "manifest.json")
    }
