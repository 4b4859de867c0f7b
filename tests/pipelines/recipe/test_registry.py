"""A step is the one class in the file that has its word; nothing else knows it by name."""

from __future__ import annotations

import ast
import inspect
from dataclasses import fields, is_dataclass

import pytest

from curate.document import Document
from pipelines.recipe.recipe import parse_recipe
from pipelines.recipe.registry import step_type, word_of, words
from pipelines.steps.base import CorpusStep, MapStep, Step
from tests.pipelines.conftest import ROOT

#: What names a step all the same: the part of a report that is called after it; sketches, and recuts to another
#: mixture, which are of one step.
NAMED = {
    ("pipelines/result/report.py", "mixture"),
    ("pipelines/result/remix.py", "mixture"),
    ("pipelines/result/remix.py", "pipelines.steps.mixture"),
    ("pipelines/result/sketch.py", "pipelines.steps.minhash_dedup"),
}


@pytest.mark.parametrize("word", words())
def test_a_word_is_a_file_with_one_frozen_class(word):
    found = step_type(word)
    assert inspect.getsourcefile(found) == str(ROOT / "pipelines" / "steps" / f"{word}.py")
    assert found.__name__.lower() == word.replace("_", "")
    assert is_dataclass(found)
    assert found.__dataclass_params__.frozen
    assert issubclass(found, MapStep) != issubclass(found, CorpusStep)
    assert inspect.getdoc(found)
    assert not {field.name for field in fields(found)} & set(vars(Step))


@pytest.mark.parametrize("word", words())
def test_a_step_is_named_by_its_word_and_says_what_it_touches(word):
    settings = {"decontaminate": "{benchmarks: [x]}", "perplexity": "{model: x}"}.get(word, "{}")
    (entry,) = parse_recipe(f"steps: [{{{word}: {settings}}}]", "r.yaml").steps
    assert word_of(entry.step) == entry.word == word
    assert entry.step.reads
    assert set(entry.step.writes) <= set(Document.__slots__)
    if isinstance(entry.step, CorpusStep):
        assert set(entry.step.key_settings) <= {field.name for field in fields(entry.step)}
        assert entry.step.key_schema.names


@pytest.mark.parametrize("name", ["", "base", "langauge", "minhash-dedup", "__init__"])
def test_what_is_no_step_is_not_found(name):
    with pytest.raises(LookupError):
        step_type(name)


def test_no_other_module_names_a_step():
    unmistakable = set(words()) - set(Document.__slots__)
    found = set()
    for path in (ROOT / "pipelines").rglob("*.py"):
        if path.parent.name == "steps":
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            name = getattr(node, "value", None) if isinstance(node, ast.Constant) else getattr(node, "module", None)
            of_step = isinstance(name, str) and name.removeprefix("pipelines.steps.")
            if of_step in unmistakable:
                found.add((str(path.relative_to(ROOT)), name))
    assert found == NAMED
