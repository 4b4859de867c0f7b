"""What the documents and docstrings name is there: files, commands, options, settings, recipes, public names."""

from __future__ import annotations

import importlib.util
import re
import shlex
from pathlib import Path

import click
import pytest
import yaml

from pipelines.cli import main
from pipelines.recipe.model import Source
from pipelines.recipe.recipe import SHIPPED, load_recipe, parse_recipe
from pipelines.recipe.reference import describe
from pipelines.recipe.registry import words
from quality_models.commands import main as training

ROOT = Path(__file__).parents[2]
FOLDERS = ("curate", "pipelines", "quality_models", "tests", "docs", "sample_data")
NAMED = re.compile(
    rf"(?<![\w/.-])(?:{'|'.join(FOLDERS)})/[\w/.-]+\.(?:py|md|yaml|tsv|txt|png|sh|zip|jsonl|json|zst)\b(?!\.?\w)"
)
WRITTEN = [ROOT / "README.md", *(p for f in FOLDERS for p in (ROOT / f).rglob("*") if p.suffix in (".py", ".md"))]
PAGES = {str(path.relative_to(ROOT)): path.read_text("utf-8") for path in WRITTEN if path.suffix == ".md"}
COMMANDS = sorted(
    {
        found.strip()
        for text in PAGES.values()
        for found in (*re.findall(r"^    (curate .*)$", text, re.M), *re.findall(r"`(curate [a-z][^`]*)`", text))
    }
)
#: Blocks of YAML that are recipes; those of extending.md run in tests/pipelines/test_extending.py.
RECIPES = [
    pytest.param(text, id=page)
    for page, whole in PAGES.items()
    for text in re.findall(r"```yaml\n(.*?)```", whole, re.DOTALL)
    if "steps:" in text
]


@pytest.mark.parametrize("path", WRITTEN, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_file_that_is_named_exists(path):
    missing = {name for name in NAMED.findall(path.read_text("utf-8")) if not (ROOT / name).exists()}
    assert missing <= {"pipelines/steps/WORD.py"}


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page):
    for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", PAGES[page]):
        path, _, anchor = target.partition("#")
        linked = (ROOT / page).parent / path if path else ROOT / page
        assert linked.exists(), target
        if anchor:
            titles = re.findall(r"^#+ (.+)$", linked.read_text("utf-8"), re.M)
            assert anchor in {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}, target


@pytest.mark.parametrize("page", PAGES)
def test_decimals_have_a_leading_zero(page):
    assert re.findall(r"(?<![\w./])\.\d+", PAGES[page]) == []


def test_every_shipped_model_has_a_card():
    cards = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "quality_models" / "cards").glob("*.md"))
    models = [path.name for path in (ROOT / "quality_models" / "models").iterdir() if path.suffix != ".sha256"]
    assert len(models) >= 5
    assert [name for name in models if name not in cards] == []


@pytest.mark.parametrize("text", RECIPES)
def test_recipes_in_the_docs_are_valid(text, tmp_path):
    extending = PAGES["docs/extending.md"]
    for name, module in re.findall(r"```python file=(\S+)\n(.*?)```", extending, re.DOTALL):
        (tmp_path / name).write_text(module)
    recipe = parse_recipe(text, "docs.yaml", plugins=[str(tmp_path)])
    assert recipe.sources
    assert len(recipe.steps) >= 3


def test_the_recipe_of_the_docs_says_what_the_page_says():
    (text,) = re.findall(r"```yaml\n(.*?)```", PAGES["docs/recipes.md"], re.DOTALL)
    recipe = parse_recipe(text, "docs/recipes.md")
    assert recipe.sources[3] == Source("allenai/c4:en:train", "c4", "datasets")
    assert recipe.sources[2].columns == ("licence", "stars")
    assert [s.name for s in recipe.steps][-3:] == ["heuristics", "strict", "tokenize"]


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_in_the_docs_exists_with_its_options(line):
    line = re.split(r"\s+(?:#|> )", line)[0]
    command, name, arguments = click.Command("curate"), "curate", shlex.split(line)[1:]
    found: click.Command = main
    while isinstance(found, click.Group) and arguments:
        context = click.Context(found, info_name=name)
        name = arguments.pop(0)
        command = training if name == "train" else found.get_command(context, name)
        assert command, f"{line}: no command {name}"
        found = command
    given, _, _ = found.make_parser(click.Context(found)).parse_args(list(arguments))
    if given.get("recipe") in SHIPPED:
        load_recipe(given["recipe"], ["crawl"], given.get("settings") or ())
    if found is main.commands["steps"] and isinstance(word := given["step"], str) and re.fullmatch("[a-z_]+", word):
        assert describe(word)
    if found is main.commands["docs"] and isinstance(page := given["page"], str) and page.islower():
        assert f"docs/{page}.md" in PAGES


def test_the_api_page_is_what_its_script_makes():
    spec = importlib.util.spec_from_file_location("make_api", ROOT / "docs" / "make_api.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    made, committed = module.page(), PAGES["docs/api.md"]
    assert made == committed, "run `python docs/make_api.py > docs/api.md`"


def test_the_functions_in_the_readme_return_what_it_says():
    block = next(b for b in re.findall(r"```python\n(.*?)```", PAGES["README.md"], re.DOTALL) if "measure" in b)
    names: dict = {"text": "a b c", "texts": ["a b c", "a b c"]}
    exec(block, names)
    decision = eval("gopher_quality('Too short.')", names)
    assert repr(decision).startswith("Decision(keep=False, reason='gopher_too_few_words', value=2.0, limit=50, ")
    assert eval("scrub_pii('Write to ann@example.org').text", names) == "Write to <EMAIL>"


@pytest.mark.parametrize("name", words())
def test_the_defaults_that_are_shown_are_those_of_the_step(name):
    shown_step = describe(name)
    assert shown_step.summary.endswith(".")
    shown = {s.key: yaml.safe_load(s.default) for s in shown_step.settings if s.default}
    given = {s.key: [] for s in shown_step.settings if not s.default}
    bare, written = (
        parse_recipe(yaml.safe_dump({"steps": [{name: given | o}]}), "r.yaml").steps[0] for o in ({}, shown)
    )
    assert bare == written
    assert all(s.takes for s in shown_step.settings)
