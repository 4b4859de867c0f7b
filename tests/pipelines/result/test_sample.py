"""Samples of a run for judging: which pages are drawn, with which text, and that they are read by `curate score`."""

from __future__ import annotations

import json
import shutil
from collections import Counter

import pyarrow.parquet as pq
import pytest

from pipelines.result.sample import sample, spread
from pipelines.result.score import read_judgements, score
from tests.pipelines.conftest import curate
from tests.pipelines.small import ENGLISH, FRENCH, english, small_run, write_rows

HEURISTICS = """\
  - heuristics:
      presets: []
      rules: [{name: short, signal: words, min: 40}, {name: hashes, signal: hash_word_ratio, max: 0.1}]
"""
STEPS = f"  - language: {{keep: [en]}}\n  - exact_dedup\n{HEURISTICS}"


@pytest.fixture(scope="module")
def output(tmp_path_factory):
    """A run that rejects French pages before the first cut, copies there, and short and shouting pages after it."""
    folder = tmp_path_factory.mktemp("sample")
    pages = english(40)
    pages += [{"text": f"{FRENCH * 9} {i}", "url": f"http://example.org/fr/{i}"} for i in range(30)]
    pages += [page | {"url": f"{page['url']}/copy"} for page in english(20)]
    pages += [{"text": f"{ENGLISH} It is {i}.", "url": f"http://example.org/short/{i}"} for i in range(30)]
    pages += [{"text": f"{ENGLISH * 12}{i} " + "# " * 200, "url": f"http://example.org/hashes/{i}"} for i in range(3)]
    small_run(folder, STEPS, pages)
    return str(folder / "out")


def drawn(rows):
    return Counter((row["step"], row["rule"]) for row in rows)


def test_half_of_the_pages_were_kept_and_the_rest_is_spread_over_steps_and_rules(output):
    rows = sample(output, 24)
    counts = drawn(rows)
    assert counts["", ""] == 12
    assert counts["language", "language_unwanted"] == 6
    assert counts["heuristics", "short"] == 3
    assert sum(n for (step, _), n in counts.items() if step == "heuristics") == 6
    assert not any(step == "exact_dedup" for step, _ in counts)  # a copy says nothing about the page
    assert len({row["id"] for row in rows}) == 24
    assert [row["step"] for row in rows] != sorted(row["step"] for row in rows)


def test_the_same_seed_draws_the_same_pages_and_a_smaller_sample_is_a_part_of_a_larger_one(output):
    assert sample(output, 20, seed=1) == sample(output, 20, seed=1)
    ids = {seed: {row["id"] for row in sample(output, 20, seed)} for seed in (1, 2)}
    assert ids[1] != ids[2]
    kept = [{row["id"] for row in sample(output, n) if not row["step"]} for n in (10, 30)]
    assert kept[0] < kept[1]


def test_a_sample_of_more_pages_than_there_are_is_all_of_them(output):
    counts = drawn(sample(output, 1000))
    kept = pq.read_table(f"{output}/documents").num_rows
    assert counts["", ""] == kept
    assert counts["language", "language_unwanted"] == 30
    assert counts["heuristics", "short"] == 30
    assert drawn(sample(output, 70))["", ""] == 70 - min(35, sum(n for (step, _), n in counts.items() if step))


def test_a_rejected_page_has_its_whole_text_as_long_as_the_work_folder_has_it(output, tmp_path):
    rows = {row["url"]: row for row in sample(output, 1000)}
    kept, short, french = (rows[f"http://example.org/{page}"] for page in ("1", "hashes/1", "fr/1"))
    assert (kept["excerpt"], kept["text"], kept["keep"]) == (False, f"{ENGLISH * 3}That was day 1.", None)
    assert (short["excerpt"], len(short["text"]) > 1000) == (False, True)
    assert french["excerpt"]  # rejected before any pass wrote its text
    assert french["text"] in " ".join([FRENCH * 9]).replace("  ", " ")
    moved = shutil.copytree(output, tmp_path / "moved", ignore=shutil.ignore_patterns("_work"))
    (again,) = (row for row in sample(str(moved), 1000) if row["url"] == short["url"])
    assert again["excerpt"]
    assert short["text"].startswith(again["text"][:200])


def test_the_text_is_that_of_the_finished_settings(output, tmp_path):
    """`_work` also has what other settings left, after them and before."""
    pages = [{"text": f"{ENGLISH} It is {i}.", "url": f"http://example.org/{i}"} for i in range(5)] + english(3)
    plain = f"  - exact_dedup\n{HEURISTICS}"
    other = f"  - c4_clean\n{plain}"
    for steps in (plain, other, plain):
        small_run(tmp_path, steps, [page | {"text": page["text"] + "\nno full stop"} for page in pages])
    rejected = [row for row in sample(str(tmp_path / "out"), 50) if row["step"] == "heuristics"]
    assert rejected
    assert all(row["text"].endswith("no full stop") for row in rejected)


def test_texts_from_the_work_folder_are_scrubbed_as_the_result_is(tmp_path):
    page = {"text": f"{ENGLISH * 12}" + "# " * 200 + "Write to ann@example.org.", "url": "http://example.org/hashes"}
    small_run(tmp_path, f"  - exact_dedup\n{HEURISTICS}  - pii\n", [page, *english(3)])
    (row,) = (row for row in sample(str(tmp_path / "out"), 10) if row["step"] == "heuristics")
    assert row["text"].endswith("Write to <EMAIL>.")


def test_a_filled_sample_is_a_judged_file(output, tmp_path):
    done = curate("sample", output, "-n", "30", "--output", tmp_path / "sample.jsonl")
    assert done.returncode == 0, done.stderr
    lines = (tmp_path / "sample.jsonl").read_text().splitlines()
    assert curate("sample", output, "-n", "30").stdout.splitlines() == lines
    rows = [json.loads(line) | {"keep": 1} for line in lines]
    found = score(output, read_judgements(str(write_rows(tmp_path / "judged.jsonl", rows))))
    assert (found.agreement.kept.good, found.agreement.rejected.good) == (15, 15)
    assert (found.missing, found.copies) == (0, 0)
    assert set(found.agreement.labels) == {"language"}
    with pytest.raises(ValueError, match="no judged page"):
        read_judgements(str(tmp_path / "sample.jsonl"))


def test_what_is_left_over_goes_to_the_first():
    assert spread(7, {"a": 9, "b": 9, "c": 0}) == {"a": 4, "b": 3, "c": 0}
    assert spread(0, {"a": 9}) == {"a": 0}
    assert spread(9, {}) == {}
