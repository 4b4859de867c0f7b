"""Scores of a run against judged pages: how a page is found, what counts, and what is printed."""

from __future__ import annotations

import json
import re

import pyarrow.parquet as pq
import pytest

from curate.models.shipped import SHIPPED
from curate.quality.agreement import Judgements
from pipelines.result.score import read_judgements, score
from tests.pipelines.conftest import ROOT, curate
from tests.pipelines.small import ENGLISH, FRENCH, english, small_run, write_rows

STEPS = (
    "  - language: {keep: [en]}\n  - heuristics: {presets: [c4@tfds]}\n  - exact_dedup\n"
    f"  - quality: {{model: '{SHIPPED / 'quality-en.zip'}'}}\n  - tokenize\n"
)
#: The page again at another address, later, so that exact_dedup rejects the older one.
AGAIN = {"text": f"{ENGLISH * 3}That was day 3.", "url": "http://copy.example/3", "date": "2026-01-01T00:00:00Z"}


@pytest.fixture(scope="module")
def output(tmp_path_factory):
    """A run that keeps 29 English pages and a copy, and rejects 5 French ones, a short one and the original."""
    folder = tmp_path_factory.mktemp("score")
    pages = [*english(30), {"text": "Too short.", "url": "https://short.example/"}, AGAIN]
    pages += [{"text": f"{FRENCH * 3} {i}", "url": f"http://example.org/fr/{i}"} for i in range(5)]
    small_run(folder, STEPS, pages)
    return str(folder / "out")


def judge(folder, *rows):
    return str(write_rows(folder / "judged.jsonl", list(rows)))


def compare(output, folder, *rows):
    return score(output, read_judgements(judge(folder, *rows)))


def test_decisions_are_compared_with_judgements(output, tmp_path):
    found = compare(
        output,
        tmp_path,
        {"url": "http://example.org/1", "keep": 1, "language": "en"},
        {"url": "http://example.org/2", "keep": 0, "language": "de", "note": "about a ferry", "kind": "news"},
        {"url": "http://example.org/5", "keep": 0.5},
        {"url": "http://example.org/fr/1", "keep": True, "note": "good French"},
        {"url": "https://short.example/", "keep": False},
        {"url": "http://example.org/6", "keep": None},
    )
    assert found.agreement.kept == Judgements(1, 1, 1)
    assert found.agreement.rejected == Judgements(1, 0, 1)
    assert found.agreement.rejected_by[("language", "language_unwanted")].good == 1
    assert (found.agreement.labels["language"].same, found.agreement.labels["language"].documents) == (1, 2)
    assert set(found.agreement.labels) == {"language"}  # kind is no column of documents/
    assert [(w.url, w.step, w.note) for w in found.wrong] == [
        ("http://example.org/fr/1", "language", "good French"),
        ("http://example.org/2", "", "about a ferry"),
    ]
    assert (found.copies, found.missing) == (0, 0)


def test_copies_do_not_count_and_pages_that_are_nowhere_are_missing(output, tmp_path):
    found = compare(
        output,
        tmp_path,
        {"url": "http://example.org/3", "keep": 1},
        {"url": AGAIN["url"], "keep": 1},
        {"url": "http://nowhere.example/", "keep": 1},
    )
    assert (found.copies, found.missing) == (1, 1)
    assert found.agreement.kept == Judgements(good=1)
    assert found.agreement.recall == 1


def test_a_page_is_found_by_its_id_or_by_any_spelling_of_its_url(output, tmp_path):
    kept = pq.read_table(f"{output}/documents", columns=["id", "url"]).to_pylist()
    row = next(row for row in kept if row["url"] == "http://example.org/7")
    found = compare(
        output,
        tmp_path,
        {"id": row["id"], "keep": 1},
        {"id": "no id of this run", "url": "HTTPS://www.Example.org/8#top", "keep": 1},
        {"id": row["id"], "url": "http://example.org/fr/1", "keep": 1},  # the id is surer than the URL
    )
    assert found.agreement.kept == Judgements(good=3)


def test_of_several_records_with_one_url_the_kept_one_counts(tmp_path):
    pages = [{"text": "Too short.", "url": "http://a.example/"}, english(1)[0] | {"url": "http://a.example/"}]
    small_run(tmp_path, "  - heuristics: {presets: [c4@tfds]}\n", pages)
    assert compare(str(tmp_path / "out"), tmp_path, {"url": "http://a.example/", "keep": 1}).agreement.recall == 1


def test_quality_is_correlated_with_what_was_judged(output, tmp_path):
    kept = pq.read_table(f"{output}/documents", columns=["url", "quality"]).to_pylist()
    rows = [{"url": row["url"], "keep": 1, "quality": 100 * row["quality"]} for row in kept]
    correlations = compare(output, tmp_path, *rows).agreement.correlations
    assert correlations["all"].rho == correlations["en"].rho == pytest.approx(1)


def test_a_column_of_the_user_s_own_is_compared(tmp_path):
    pages = [page | {"licence": "CC0"} for page in english(3)]
    write_rows(tmp_path / "pages.jsonl", pages)
    more = f"sources: [{{input: {tmp_path}/pages.jsonl, columns: [licence]}}]\n"
    (tmp_path / "r.yaml").write_text(f"{more}steps:\n  - heuristics: {{presets: [c4@tfds]}}\n")
    done = curate("run", tmp_path / "r.yaml", "--output", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    rows = [{"url": p["url"], "keep": 1, "licence": mark} for p, mark in zip(pages, ("CC0", "CC0", "MIT"), strict=True)]
    label = compare(str(tmp_path / "out"), tmp_path, *rows).agreement.labels["licence"]
    assert (label.same, label.documents) == (2, 3)


def test_a_page_is_found_by_its_own_url_where_the_run_scrubs_it(tmp_path):
    page = english(1)[0] | {"url": "http://example.org/?email=ann@example.org"}
    small_run(tmp_path, "  - language: {min_score: 0}\n  - pii\n", [page])
    assert "ann@" not in pq.read_table(tmp_path / "out" / "documents")["url"][0].as_py()
    assert compare(str(tmp_path / "out"), tmp_path, {"url": page["url"], "keep": 1}).missing == 0


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('{"url": "http://a.example/"}', "keep is ''"),
        ('{"url": "http://a.example/", "keep": 2}', "keep is 2"),
        ('{"url": "http://a.example/", "keep": [1]}', r"keep is \[1\]"),
        ('{"url": "http://a.example/", "keep": 1, "quality": "good"}', "quality is 'good'"),
        ('{"keep": 1}', "url or an id"),
        ("[1]", "url or an id"),
        ("keep,1", "not JSON"),
        ("", "has no judged page"),
    ],
)
def test_a_line_that_is_no_judgement_is_named(tmp_path, line, problem):
    (tmp_path / "judged.jsonl").write_text(f"{line}\n")
    with pytest.raises(ValueError, match=f"judged.jsonl(:1:)? .*{problem}"):
        read_judgements(str(tmp_path / "judged.jsonl"))


def test_the_command_prints_figures_for_people_and_for_machines(output, tmp_path):
    judged = judge(
        tmp_path,
        {"url": "http://example.org/1", "keep": 1},
        {"url": "http://example.org/2", "keep": 0, "note": "odd\x1b[2J"},
        {"url": "http://example.org/fr/1", "keep": 1},
    )
    shown = curate("score", output, "--judged", judged, "--wrong")
    assert shown.returncode == 0, shown.stderr
    assert "precision 0.500, recall 0.500, F1 0.500" in shown.stdout
    assert "wrongly rejected by language: language_unwanted: http://example.org/fr/1" in shown.stdout
    assert "wrongly kept: http://example.org/2 (odd" in shown.stdout
    assert "\x1b" not in shown.stdout
    found = json.loads(curate("score", output, "--judged", judged, "--json").stdout)
    assert (found["precision"], found["missing"], "wrong" in found) == (0.5, 0, False)
    assert found["rejected_by"] == [
        {"step": "language", "rule": "language_unwanted", "good": 1, "borderline": 0, "bad": 0}
    ]
    assert curate("score", tmp_path, "--judged", judged).stderr.startswith("curate: ")


def test_the_commands_and_judgements_of_the_docs_work(output, tmp_path):
    section = (ROOT / "docs" / "recipes.md").read_text("utf-8").partition("## Does your recipe decide as you would?")[2]
    commands = [line.split("#")[0].split()[1:] for line in re.findall(r"^    (curate .*)$", section, re.M)]
    assert [command[0] for command in commands] == ["sample", "score"]
    judged = tmp_path / "judged.jsonl"
    places = {"out": output, "judged.jsonl": judged}
    drawn, compared = ([places.get(word, word) for word in command] for command in commands)
    assert curate(*drawn).returncode == 0
    rows = [json.loads(line) for line in judged.read_text("utf-8").splitlines()]
    write_rows(judged, [row | {"keep": int(not row["step"]), "quality": i} for i, row in enumerate(rows)])
    done = curate(*compared)
    assert "precision 1.000, recall 1.000, F1 1.000" in done.stdout, done.stderr
    judged.write_text(re.findall(r"```json\n(.*?)```", section, re.DOTALL)[0])
    assert [page.keep for page in read_judgements(str(judged))] == [1, 0, 0.5]
