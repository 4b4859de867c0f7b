"""What the documents and docstrings name is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from pipelines.recipe.model import Source
from pipelines.recipe.recipe import parse_recipe
from pipelines.recipe.reference import describe
from pipelines.recipe.registry import words

ROOT = Path(__file__).parents[2]
FOLDERS = ("curate", "pipelines", "quality_models", "tests", "docs", "sample_data")
NAMED = re.compile(
    rf"(?<![\w/.-])(?:{'|'.join(FOLDERS)})/[\w/.-]+\.(?:py|md|yaml|tsv|txt|png|sh|zip|jsonl|json|zst)\b(?!\.?\w)"
)
WRITTEN = [ROOT / "README.md", *(p for f in FOLDERS for p in (ROOT / f).rglob("*") if p.suffix in (".py", ".md"))]


@pytest.mark.parametrize("path", WRITTEN, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_file_that_is_named_exists(path):
    missing = {name for name in NAMED.findall(path.read_text(encoding="utf-8")) if not (ROOT / name).exists()}
    assert not missing


def test_every_shipped_model_has_a_card():
    cards = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "quality_models" / "cards").glob("*.md"))
    models = [path.name for path in (ROOT / "quality_models" / "models").iterdir() if path.suffix != ".sha256"]
    assert len(models) >= 5
    assert [name for name in models if name not in cards] == []


def test_the_recipe_of_the_docs_is_one():
    (text,) = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8"), re.DOTALL)
    recipe = parse_recipe(text, "docs/recipes.md")
    assert recipe.sources[3] == Source("allenai/c4:en:train", "c4", "datasets")
    assert [s.name for s in recipe.steps][-3:] == ["heuristics", "strict", "tokenize"]


@pytest.mark.parametrize("name", words())
def test_the_defaults_that_are_shown_are_those_of_the_step(name):
    told = describe(name)
    assert told.summary.endswith(".")
    shown = {s.key: yaml.safe_load(s.default) for s in told.settings if s.default}
    given = {s.key: [] for s in told.settings if not s.default}
    bare, written = (
        parse_recipe(yaml.safe_dump({"steps": [{name: given | o}]}), "r.yaml").steps[0] for o in ({}, shown)
    )
    assert bare == written
    assert all(s.takes for s in told.settings)
