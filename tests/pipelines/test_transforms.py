"""The Beam face: what a pipeline of the public transforms gives, and that it is what the recipe gives."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import apache_beam as beam
import numpy as np
import pyarrow.parquet as pq
import pytest

from curate.document import Document
from pipelines import Apply, ReadDocuments, WriteCorpus
from pipelines.engine.run import run_recipe
from pipelines.recipe.recipe import parse_recipe
from pipelines.steps import ExactDedup, Heuristics, Language, LineDedup, MinHashDedup, QualityCut, UrlDedup
from tests.eager import eager, pipeline

ROOT = Path(__file__).parents[2]
STEPS = """
  - url_dedup
  - exact_dedup
  - minhash_dedup: {threshold: 0.7}
  - line_dedup: {max_copies: 20}
  - heuristics: {presets: [gopher@paper], limits: {gopher_stop_words: null}}
  - tokenize
  - kl_divergence: {min_documents: 20, keep: 0.9, min_divergence: 0}
  - quality_cut: {score: score, within: [source], keep: 0.7}
  - mixture: {by: source, targets: {a: 0.7, b: 0.3}}
"""
WORDS = tuple(
    "the of and to that have with be a in is river mill valley corn stone water wheel miller bread people town".split()
)


def rows(count: int) -> list[dict]:
    """Return documents among which there are copies of URLs and texts, near copies, and lines that many share."""
    random = np.random.default_rng(1)
    made = []
    for i in range(count):
        text = "\n".join(" ".join(random.choice(WORDS, 12)).capitalize() + "." for _ in range(random.integers(4, 12)))
        if i % 11 == 0 and made:
            text = made[random.integers(len(made))]["text"] + ("" if i % 2 else "\nOne more line of the miller.")
        text += "\nSubscribe to the letter of the miller." if i % 3 == 0 else ""
        url = f"https://example.org/{i if i % 13 else random.integers(50)}"
        made.append({"text": text, "url": url, "date": f"2026-01-{1 + i % 28:02}", "score": int(random.integers(6))})
    return made


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """2,000 documents of two sources as files, and the output of a recipe over them."""
    folder = tmp_path_factory.mktemp("corpus")
    made = rows(2000)
    for name, part in (("a", made[::2]), ("b", made[1::2])):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in part))
    sources = f"sources: [{', '.join(f'{{input: {folder}/{n}.jsonl, name: {n}, columns: [score]}}' for n in 'ab')}]\n"
    recipe = parse_recipe(f"name: test\n{sources}steps:{STEPS}", "test.yaml")
    run_recipe(recipe, str(folder / "recipe"))
    return folder, recipe


def test_a_pipeline_of_transforms_gives_what_the_recipe_gives(corpus):
    folder, recipe = corpus
    with pipeline() as p:
        documents = p | ReadDocuments(*recipe.sources)
        for entry in recipe.steps:
            documents = documents | Apply(entry.step, entry.name)
        _ = documents | WriteCorpus(str(folder / "beam"))
    for table in ("documents", "tokens", "rejected"):
        (theirs,), (ours,) = ((folder / run / table).glob("*.parquet") for run in ("recipe", "beam"))
        assert theirs.read_bytes() == ours.read_bytes(), table
    kept = pq.read_table(folder / "beam" / "documents")
    assert 500 < len(kept) < 1500
    assert len({row["step"] for row in pq.read_table(folder / "beam" / "rejected").to_pylist()}) >= 6


def test_a_corpus_step_in_a_few_lines():
    documents = [Document(id=f"{i:032x}", quality=i / 10, language="en", domain="general") for i in range(10)]
    cut = Apply(QualityCut(keep=0.3, min_documents=1))
    assert sorted(d.quality for d in eager(documents, cut)) == [0.7, 0.8, 0.9]
    assert {r.rejection.rule for r in eager(documents, cut, output="rejected")} == {"below_cut"}


def test_documents_of_rows_keep_their_columns():
    made = [{"content": "A text.", "key": 7, "licence": "CC0", "name": "A title"}, {"other": "No text."}]
    read = ReadDocuments.from_rows("content", columns=["licence"], id="key", title="name", source="mine")
    (document,) = eager(made, read)
    assert (document.text, document.title, document.source) == ("A text.", "A title", "mine")
    assert document.extra == {"licence": "CC0", "source_id": 7}
    (rejected,) = eager(made, read, output="rejected")
    assert (rejected.step, rejected.rejection.rule) == ("read", "broken")


def test_the_same_id_twice_is_rejected_once():
    page = Document(id="1" * 32, text="The same text.", url="https://example.org/", source="a")
    pages = [page, replace(page, source="b"), page]
    for step in (UrlDedup(), ExactDedup(), MinHashDedup()):
        (kept,) = eager(pages, Apply(step))
        assert kept.id == page.id
        assert len(eager(pages, Apply(step), output="rejected")) == 2


def test_a_document_on_which_a_step_fails_is_rejected():
    def fails(document: Document) -> bool:
        return 1 / (len(document.text) - 1) > 0

    documents = [Document(id="0" * 32, text="a"), Document(id="1" * 32, text="ab")]
    (rejected,) = eager(documents, Apply(fails), output="rejected")
    assert rejected.rejection.detail == "ZeroDivisionError: division by zero"
    assert rejected.step == "fails"


def test_counters_and_display_data():
    documents = [Document(id=f"{i:032x}", text="Too short.") for i in range(3)]
    with pipeline() as p:
        _ = p | beam.Create(documents) | Apply(Heuristics()) | Apply(LineDedup())
    found = p.result.metrics().query()["counters"]
    counted = {(c.key.metric.namespace, c.key.metric.name): c.committed for c in found}
    assert counted["heuristics", "rejected-gopher_too_few_words"] == 3
    shown = beam.transforms.display.DisplayData.create_from(Apply(Language(min_score=0.25)))
    assert {(item.key, item.value) for item in shown.items} >= {("min_score", "0.25"), ("step", "language")}
