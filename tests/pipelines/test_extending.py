"""Every example of docs/extending.md runs as it is printed, in a recipe."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "extending.md").read_text("utf-8")
SECTIONS = {
    title: dict(re.findall(r"```\w+ file=(\S+)\n(.*?)```", body, re.DOTALL))
    for title, body in re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
}
WORDS = tuple(
    "the old mill stands beside the river and ground the corn of the whole valley for a hundred years".split()
)
ROWS = [
    {
        "text": " ".join(WORDS[i % 7 :]).capitalize() + f".\n\n\tIt has {i} doors. " + "Casino! " * (i % 5),
        "url": f"https://{'ab'[i % 2]}.example/{i}",
        "date": f"2026-01-{i + 1:02}",
    }
    for i in range(20)
]


def rows(folder: Path, table: str) -> list[dict]:
    return [row for path in sorted((folder / table).glob("*.parquet")) for row in pq.read_table(path).to_pylist()]


@pytest.fixture
def run(tmp_path):
    """Run a section's recipe beside its modules, in a process of its own, and return the folder of the result."""

    def run_section(title: str, **files: str) -> Path:
        for name, text in (SECTIONS[title] | files).items():
            (tmp_path / name).write_text(text)
        (tmp_path / "pages.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
        (tmp_path / "books").mkdir(exist_ok=True)
        (tmp_path / "books" / "a.txt").write_text("\n\n".join(row["text"].split("\n")[0] for row in ROWS))
        inputs = [] if "sources" in SECTIONS[title]["recipe.yaml"] else ["--input", "pages.jsonl"]
        command = [sys.executable, "-m", "curate", "run", "recipe.yaml", *inputs, "--output", "out", "--workers", "2"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=None)
        assert done.returncode == 0, done.stderr
        return tmp_path / "out"

    return run_section


def test_a_filter(run):
    out = run("A filter")
    assert {row["rule"] for row in rows(out, "rejected")} == {"no_casino"}
    assert sorted(row["text"].count("Casino") for row in rows(out, "documents")) == [0] * 4 + [1] * 4 + [2] * 4


def test_a_step_that_changes_something(run):
    kept = rows(run("A step that changes a text or a document"), "documents")
    assert len(kept) == len(ROWS)
    assert not any("\t" in row["text"] for row in kept)
    assert {row["lines"] for row in kept} == {3}


def test_a_step_that_loads_something(run):
    kept = rows(run("A step that loads something", **{"blocked.txt": "mill river"}), "documents")
    assert len(kept) == len(ROWS)
    assert not any("mill" in row["text"].split() for row in kept)


def test_a_corpus_step(run):
    out = run("A corpus step")
    assert sorted(row["url"] for row in rows(out, "documents")) == sorted(row["url"] for row in ROWS[-4:])
    assert {(row["rule"], row["limit"]) for row in rows(out, "rejected")} == {("not_among_newest", 2.0)}


def test_a_reader(run):
    out = run("A reader")
    kept = rows(out, "documents")
    assert len(kept) + len(rows(out, "rejected")) == len(ROWS)
    assert {row["page"] for row in kept} == {0}


def test_a_writer(run):
    out = run("A writer")
    written = [json.loads(line) for path in (out / "jsonl").iterdir() for line in path.read_text().splitlines()]
    assert written == [{"id": row["id"], "text": row["text"]} for row in rows(out, "documents")]
    assert any(file["path"].startswith("jsonl/") for file in json.loads((out / "manifest.json").read_text())["files"])


def test_a_tokenizer(run):
    out = run("A tokenizer")
    texts = {row["id"]: row["text"] for row in rows(out, "documents")}
    for row in rows(out, "tokens"):
        assert bytes(row["input_ids"][:-1]).decode() == texts[row["id"]]
        assert row["input_ids"][-1] == 256


def test_a_quality_model(run):
    assert all(row["quality"] == len(row["text"]) / 1000 for row in rows(run("A quality model"), "documents"))


def test_rules_without_code(run):
    out = run("Rules without code")
    assert len(rows(out, "documents")) == len(ROWS)
    assert not rows(out, "rejected")


def test_every_example_is_tested():
    tested = {title for title in SECTIONS if SECTIONS[title]}
    source = Path(__file__).read_text("utf-8")
    assert {title for title in tested if f'"{title}"' not in source} == set()
