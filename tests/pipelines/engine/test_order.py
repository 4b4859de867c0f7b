"""Which order of steps can work follows from what they read and write; and what they assume where nothing does."""

from __future__ import annotations

import pytest

from curate.document import Document
from pipelines.engine.order import assumptions, columns_of
from pipelines.engine.plan import make_plan
from pipelines.recipe.errors import RecipeError
from pipelines.recipe.recipe import load_recipe, parse_recipe
from pipelines.recipe.registry import step_type, words
from tests.pipelines.conftest import curate
from tests.pipelines.small import small_run, step_of

SOURCES = "sources: [{input: x, columns: [licence, llm_score], id: key}]\n"
GERMAN = """
Die alte Mühle beim Fluss wurde letztes Frühjahr verkauft, seitdem steht sie leer. Der neue Besitzer wohnt weit entfernt
und kommt nur selten vorbei. Wer abends über die Brücke geht, hört noch immer das Wasser rauschen, welches früher die
Räder angetrieben hatte. Kinder spielen zwischen den Steinen, obwohl ihre Eltern es ihnen verboten haben. Nun soll bald
ein Gasthaus daraus werden, aber niemand weiß, ob das stimmt. Vielleicht fehlt dafür das Geld, vielleicht auch nur die
Zeit. Das Dach verlor letzten Winter viele Ziegel.
"""
GERMANS = [{"text": f"{GERMAN}Seite {i}.", "url": f"http://example.de/{i}"} for i in range(30)]


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ("heuristics, language", "heuristics reads language, which language writes; put language before it"),
        ("domain, {language: {name: tongue}}", "domain reads language, which tongue writes; put tongue before it"),
        ("heuristics, extract", "heuristics reads text, which extract writes; put extract before it"),
        ("quality_cut", "quality_cut reads quality, which the step quality writes; put the step quality before it"),
        ("quality_cut, quality", "quality_cut reads quality, which quality writes; put quality before it"),
        ("kl_divergence", "kl_divergence reads tokens, which the step tokenize writes; put the step tokenize before"),
        ("{minhash_dedup: {keep: [quality]}}", "minhash_dedup reads quality, which the step quality writes"),
        ("{quality_cut: {score: llm_scor}}", "quality_cut reads 'llm_scor', which is not a field or a column"),
        ("{quality_cut: {score: stars}}", "as sources: [{input: PATTERN, columns: [stars]}]"),
        ("tokenize, pii", "pii changes the text after tokenize has tokenized it; put it before that step"),
        ("tokenize, {tokenize: {name: two}}", "two is a second tokenizer; a corpus can have only one"),
    ],
)
def test_an_order_that_cannot_work_is_refused_with_the_fix(steps, said):
    with pytest.raises(RecipeError) as e:
        make_plan(parse_recipe(f"{SOURCES}steps: [{steps}]", "r.yaml"), [])
    assert str(e.value).startswith("r.yaml:2: ")
    assert said in str(e.value)


@pytest.mark.parametrize(
    "steps",
    [
        "language, heuristics",
        "heuristics",
        "extract, language, line_dedup, heuristics",
        "{quality_cut: {score: llm_score, within: [licence]}}",
        "tokenize, {mixture: {by: licence, targets: {CC0: 1}}}",
        "tokenize, {mixture: {by: source_id, targets: {a: 1}}}",
    ],
)
def test_an_order_that_can_work_is_not_refused(steps):
    assert make_plan(parse_recipe(f"{SOURCES}steps: [{steps}]", "r.yaml"), []).passes


def test_columns_are_those_of_all_sources():
    recipe = parse_recipe("sources: [{input: a, columns: [x]}, {input: b, columns: [y, z]}]\nsteps: [pii]", "r.yaml")
    assert columns_of(recipe) == {"x", "y", "z"}


def test_every_step_says_what_it_reads_and_writes_of_a_document():
    for entry in load_recipe("llama3").steps:
        assert entry.step.reads | entry.step.writes
    for step in map(step_type, words()):
        if isinstance(step.writes, frozenset):
            assert step.writes <= set(Document.__slots__)


def test_german_pages_are_judged_as_german_after_the_step_language(tmp_path):
    report = small_run(tmp_path, "  - language\n  - heuristics\n", GERMANS)
    assert report["corpus"]["documents"] == 30
    assert not [w for w in report["warnings"] if "depend on the language" in w]


def test_a_recipe_that_never_looks_for_the_language_is_warned_of_what_that_means(tmp_path):
    said = (
        "heuristics: rules that depend on the language are skipped, because no step before it writes language; "
        "put the step language before it"
    )
    recipe = parse_recipe("steps: [heuristics, line_dedup]", "r.yaml")
    assert [*assumptions(recipe)] == [said, said.replace(RULES, LINES)]
    report = small_run(tmp_path, "  - heuristics\n", GERMANS)
    assert not step_of(report, "heuristics")["rejected"]
    assert said in report["warnings"]
    (tmp_path / "r.yaml").write_text("steps: [heuristics]")
    shown = curate("plan", tmp_path / "r.yaml", "--input", tmp_path / "pages.jsonl", "--output", tmp_path / "out")
    assert said in " ".join(shown.stdout.split())


RULES = "heuristics: rules that depend on the language are skipped"
LINES = "line_dedup: lines are counted over all languages together"
