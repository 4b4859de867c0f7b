"""A changed recipe over the same output folder gives what a fresh folder gives."""

from __future__ import annotations

import json

import pytest

from pipelines.engine.run import run_recipe
from pipelines.recipe.errors import RecipeError
from pipelines.recipe.model import digest
from pipelines.recipe.recipe import load_recipe, parse_recipe
from tests.pipelines.small import ENGLISH

PAGE = "<html><body><article><p>{}</p></article></body></html>"


@pytest.fixture
def run(tmp_path):
    """Run steps over thirty pages, some of them HTML; returns the funnel."""
    rows = [{"text": f"{ENGLISH * 3}Day {i}.", "url": f"http://host{i}.example.org/"} for i in range(20)]
    rows += [{"html": PAGE.format(f"{ENGLISH * 3}Day {i}."), "url": f"http://host{i}.example.org/"} for i in range(30)]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))

    def run(steps: str, output: str) -> list[dict]:
        recipe = parse_recipe(f"steps: [{steps}]", "changed.yaml", [str(tmp_path / "in.jsonl")])
        return run_recipe(recipe, str(tmp_path / output))["steps"]

    return run


FIRST = "url_dedup, {heuristics: {presets: [gopher@datatrove]}}, exact_dedup"
CHANGES = {
    "extract is new": ("url_dedup, language", "url_dedup, extract, language"),
    "another name": ("url_dedup, language", "{url_dedup: {name: newest}}, language"),
    "other originals": (
        f"{FIRST}, {{heuristics: {{name: last, presets: [c4@tfds]}}}}",
        f"{FIRST}, {{heuristics: {{name: last, presets: [nemo@english]}}}}",
    ),
    "an endless limit": (
        "{heuristics: {limits: {gopher_too_few_words: null}}}",
        "{heuristics: {limits: {gopher_too_few_words: .inf}}}",
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_recipe_gives_what_a_fresh_folder_gives(run, change):
    before, after = CHANGES[change]
    run(before, "out")
    assert run(after, "out") == run(after, "fresh")


def test_a_changed_list_of_domains_is_read_again(run, tmp_path):
    listed = tmp_path / "blocked.txt"
    steps = f"{{url_filter: {{domains: ['{listed}']}}}}"
    listed.write_text("nobody.example.com\n")
    assert run(steps, "out")[1]["rejected"] == {}
    listed.write_text("host1.example.org\nhost2.example.org\n")
    assert run(steps, "out")[1]["rejected"] == {"blocked_domain": 2}


def test_values_that_json_does_not_have_are_not_the_same():
    assert len({digest(float("inf")), digest(float("nan")), digest(None), digest(float("-inf"))}) == 4


def test_a_step_is_left_out_from_the_command_line():
    names = [s.name for s in load_recipe("llama3", [], ["steps.mixture=none"]).steps]
    assert "mixture" not in names
    assert "kl_divergence" in names


@pytest.mark.parametrize(
    ("steps", "settings", "said"),
    [
        (
            "mixture: {targets: {general: 1}}",
            [],
            "mixture reads domain, which .*; put the step domain before",
        ),
        (
            "mixture: {by: language, targets: {en: 1}}",
            [],
            "mixture reads language, which .*; put the step language before",
        ),
        (
            "mixture: {by: source, targets: {books: 1}}",
            [],
            "mixture names the source 'books', but the recipe has",
        ),
        (
            "exact_dedup: {keep: [quality]}",
            [],
            "exact_dedup reads quality, which .*; put the step quality before",
        ),
        ("tokenize: {name: again}", [], "again is a second tokenizer"),
        ("exact_dedup: {keep: [source]}", [], "'source' and the list 'sources'"),
        ("heuristics: {presets: []}", [], "no rules are left"),
        (
            "heuristics: {limits: {gopher_too_few_words: yes}}",
            [],
            "r.yaml:3: gopher_too_few_words: expected a number",
        ),
        ("decontaminate: {benchmarks: []}", [], "no item to look for"),
        ("line_dedup: {max_copies: yes}", [], "r.yaml:3: max_copies: expected a number, but"),
        (
            "minhash_dedup",
            ["steps.minhash_dedup.threshold=1.8"],
            r"yaml:3: .* is 1.8.* \(with --set steps.min.*=1.8\)",
        ),
        ("minhash_dedup", ["output.format=[parquet]"], "--set output.format=.parquet.: format: unknown key"),
    ],
)
def test_what_cannot_work_is_told_before_any_work(tmp_path, steps, settings, said):
    (tmp_path / "in.jsonl").write_text('{"text": "A page"}\n')
    text, pages, output = f"steps:\n  - tokenize\n  - {steps}\n", str(tmp_path / "in.jsonl"), str(tmp_path / "out")
    with pytest.raises(RecipeError, match=said):
        run_recipe(parse_recipe(text, "r.yaml", [pages], settings), output)
    assert not (tmp_path / "out" / "documents").exists()


@pytest.mark.parametrize("lost", ["report.html", "inputs.json", "manifest.json"])
def test_a_lost_or_damaged_result_is_made_again(run, tmp_path, lost):
    run("language", "out")
    before = (tmp_path / "out" / lost).read_bytes()
    if lost == "manifest.json":
        (tmp_path / "out" / lost).write_text("{")
    else:
        (tmp_path / "out" / lost).unlink()
    run("language", "out")
    assert (tmp_path / "out" / lost).read_bytes() == before
