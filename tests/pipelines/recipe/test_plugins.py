"""Modules of a user's own: which are found, which may be named, and when they are read again."""

from __future__ import annotations

import pickle
import subprocess
import sys

import pytest

from curate.document import Document, Rejection
from pipelines.engine.run import run_recipe
from pipelines.engine.runners import Runner
from pipelines.recipe.errors import RecipeError
from pipelines.recipe.plugins import Plugins, source_digests
from pipelines.recipe.recipe import load_recipe

FILTER = "def short(text: str, limit: int = {limit}) -> bool:\n    return len(text) <= limit\n"


def recipe(folder, steps, **modules):
    folder.mkdir(exist_ok=True)
    for name, source in modules.items():
        (folder / f"{name}.py").write_text(source)
    (folder / "in.jsonl").write_text('{"text": "one"}\n{"text": "three"}\n')
    (folder / "recipe.yaml").write_text(f"sources: [{{input: {folder}/in.jsonl}}]\nsteps:\n{steps}\n")
    return str(folder / "recipe.yaml")


def refusal(*arguments, **more):
    with pytest.raises(RecipeError) as e:
        load_recipe(*arguments, **more)
    return str(e.value)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("os.system", "os is part of Python"),
        ("subprocess.getoutput", "subprocess is part of Python"),
        ("numpy.load", "--plugin numpy"),
        ("pipelines.io.files.delete", "steps by their words"),
        ("curate.text.charset.decode", "its public functions as curate.NAME"),
        ("not_there.step", "no module 'not_there'"),
        ("own.missing", "own has no 'missing'; it has short"),
        ("broken.step", "broken cannot be imported: ZeroDivisionError: division by zero"),
        ("own.NUMBER", "own.NUMBER is neither a function nor"),
        ("own.Plain", "own.Plain is a class, but not a MapStep or a CorpusStep"),
    ],
)
def test_what_a_recipe_may_not_name_is_refused_with_its_line(tmp_path, name, why):
    own = FILTER.format(limit=3) + "NUMBER = 3\n\n\nclass Plain:\n    pass\n"
    path = recipe(tmp_path, f"  - {name}", own=own, broken="1 / 0\n")
    message = refusal(path)
    assert message.startswith(f"{path}:3: {name}: ")
    assert why in message


def test_a_file_setting_names_nothing_of_python_s_own(tmp_path):
    assert "os is part of Python" in refusal(recipe(tmp_path, "  - tokenize: {tokenizer: os.getcwd}"))


def test_settings_of_a_function_are_checked_like_any_other(tmp_path):
    path = recipe(tmp_path, "  - own.short: {limt: 3}", own=FILTER.format(limit=3))
    assert refusal(path) == f"{path}:3: limt: unknown key; did you mean 'limit'?"
    path = recipe(tmp_path, "  - own.short: {limit: many}", own=FILTER.format(limit=3))
    assert "limit: Input should be a valid integer" in refusal(path)
    assert load_recipe(path, settings=["steps.short.limit=7"]).steps[0].settings() == {"limit": 7}


def test_an_edited_module_is_read_again_in_the_same_process(tmp_path):
    path = recipe(
        tmp_path, "  - own.short", own="from inner import LIMIT\n" + FILTER.format(limit="LIMIT"), inner="LIMIT = 3\n"
    )
    assert run_recipe(load_recipe(path), str(tmp_path / "out"))["corpus"]["documents"] == 1
    (tmp_path / "inner.py").write_text("LIMIT = 5  # another length of file\n")
    assert run_recipe(load_recipe(path), str(tmp_path / "out"))["corpus"]["documents"] == 2


def test_each_recipe_has_the_modules_of_its_own_folder(tmp_path):
    first = recipe(tmp_path / "a", "  - own.short", own=FILTER.format(limit=3))
    second = recipe(tmp_path / "b", "  - own.short", own=FILTER.format(limit=50))
    for path, kept in ((first, 1), (second, 2), (first, 1)):
        function = load_recipe(path).steps[0].step.make()
        results = [function(Document(id="0", text=text)) for text in ("one", "three")]
        assert sum(isinstance(result, Document) for result in results) == kept


def test_a_plugin_may_be_a_file_a_folder_or_a_package(tmp_path):
    other = tmp_path / "elsewhere"
    other.mkdir()
    (other / "far.py").write_text(FILTER.format(limit=3))
    path = recipe(tmp_path / "here", "  - far.short")
    for plugin in (str(other), str(other / "far.py")):
        assert load_recipe(path, plugins=[plugin]).steps[0].name == "short"
    assert "no module 'far'" in refusal(path)
    assert "--plugin nothing: give a .py file" in refusal(path, plugins=["nothing"])
    assert Plugins.at(["numpy"], "").packages == ("numpy",)


def test_a_step_that_fails_or_returns_something_else_rejects_its_documents(tmp_path):
    own = "def fails(text: str) -> bool:\n    return 1 / 0\n\ndef nothing(document):\n    return None\n"
    for name, why in (("fails", "ZeroDivisionError: division by zero"), ("nothing", "TypeError: it returned None")):
        path = recipe(tmp_path / name, f"  - own.{name}", own=own)
        (step,) = load_recipe(path).steps
        from pipelines.steps.base import apply

        result = apply(step.step.make(), Document(id="0", text="one"))
        assert isinstance(result, Rejection)
        assert result.rule == "error"
        assert why in result.detail


def test_workers_get_the_sources_of_what_they_do_not_have(tmp_path):
    path = recipe(tmp_path / "here", "  - own.short", own="import inner\n" + FILTER.format(limit=3), inner="X = 1\n")
    found = load_recipe(path)
    packed = pickle.dumps((found.pack(), found.steps))
    (tmp_path / "packed").write_bytes(packed)
    (tmp_path / "here").rename(tmp_path / "gone")
    code = f"import pickle; print(pickle.load(open({str(tmp_path / 'packed')!r}, 'rb'))[1][0].step.function('three'))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_the_digest_is_of_all_that_a_module_imports_from_its_own_folder(tmp_path):
    path = recipe(tmp_path, "  - own.short", own="import inner, json\n" + FILTER.format(limit=3), inner="X = 1\n")
    assert set(source_digests(load_recipe(path).steps[0].step.function)) == {"own", "inner"}


def test_with_two_workers(tmp_path):
    path = recipe(tmp_path, "  - own.short: {limit: 4}", own=FILTER.format(limit=3))
    with Runner(workers=2) as runner:
        assert run_recipe(load_recipe(path), str(tmp_path / "out"), runner)["corpus"]["documents"] == 1
