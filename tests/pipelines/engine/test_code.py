"""What a plan's digest depends on beside recipe and input: no more of the libraries than its steps use."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from pipelines.engine import code
from pipelines.engine.layout import RunLayout
from pipelines.engine.run import run_recipe
from pipelines.recipe.recipe import load_recipe
from tests.pipelines.conftest import CRAWL
from tests.pipelines.small import english, small_recipe

STEPS = "  - language\n  - tokenize\n"


def digests(recipe: str) -> list[str]:
    """Return what stands for each pass."""
    plan = RunLayout.of(load_recipe(recipe, [f"{CRAWL}/*"]), "nowhere").plan
    return [pass_.digest for pass_ in plan.passes]


@pytest.fixture
def installed(monkeypatch):
    """Say that a library has been installed or changed."""
    version = code.metadata.version

    def install(library: str) -> None:
        monkeypatch.setattr(code.metadata, "version", lambda name: "99" if name == library else version(name))

    return install


@pytest.mark.parametrize(
    "library", ["sentencepiece", "kenlm", "fasttext-community", "langdetect", "pytest", "datasets"]
)
@pytest.mark.parametrize("recipe", ["llama3", "fineweb"])
def test_a_library_that_no_step_uses_changes_no_digest(recipe, library, installed):
    before = digests(recipe)
    installed(library)
    assert digests(recipe) == before


def test_a_library_that_a_step_uses_changes_the_digests_from_its_pass_on(installed):
    before = digests("llama3")
    installed("tokenizers")
    after = digests("llama3")
    assert after[-1] != before[-1]
    installed("pyarrow")
    assert not set(digests("llama3")) & set(before)


def test_another_patch_version_of_python_changes_no_digest(monkeypatch):
    before = digests("llama3")
    for micro, same in ((99, True), (7, True)):
        version = SimpleNamespace(major=code.sys.version_info.major, minor=code.sys.version_info.minor, micro=micro)
        monkeypatch.setattr(code, "sys", SimpleNamespace(version_info=version))
        assert (digests("llama3") == before) is same
    monkeypatch.setattr(code, "sys", SimpleNamespace(version_info=SimpleNamespace(major=3, minor=99)))
    assert digests("llama3") != before


def test_a_finished_run_stays_finished_when_an_unrelated_library_is_installed(tmp_path, installed):
    recipe, output = small_recipe(tmp_path, STEPS, english(3)), str(tmp_path / "out")
    run_recipe(recipe, output)
    installed("sentencepiece")
    assert RunLayout.of(recipe, output).finished()
    installed("tokenizers")
    assert not RunLayout.of(recipe, output).finished()
