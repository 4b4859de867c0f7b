"""What `curate plan` says of work that is not done: what has changed since it was, and what earlier settings left."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from pipelines.cli import main
from pipelines.engine import code
from pipelines.engine.layout import RunLayout
from pipelines.engine.run import run_recipe
from pipelines.engine.why import old_work, why_undone
from pipelines.recipe.recipe import parse_recipe
from tests.pipelines.small import english, write_rows

RECIPE = """steps:
- url_filter: {{domains: ['{0}/blocked.txt']}}
- language
- url_dedup
- heuristics
- exact_dedup
"""


class Run:
    """A recipe over files, and a run of it."""

    def __init__(self, folder):
        self.folder, self.recipe = folder, RECIPE.format(folder)
        (folder / "in").mkdir()
        (folder / "blocked.txt").write_text("nowhere.example\n")
        for i in range(2):
            write_rows(folder / "in" / f"{i}.jsonl", english(5))
        run_recipe(self._parsed(), str(folder / "out"))

    def _parsed(self):
        return parse_recipe(self.recipe, "r.yaml", [f"{self.folder}/in"])

    def plan(self):
        """Return the sentences about why, without the folder."""
        space = RunLayout.of(self._parsed(), str(self.folder / "out"))
        return [sentence.replace(f"{self.folder}/", "") for sentence in why_undone(space)]

    def old(self):
        return old_work(RunLayout.of(self._parsed(), str(self.folder / "out")))


@pytest.fixture
def run(tmp_path):
    return Run(tmp_path)


def test_nothing_is_said_of_what_is_done(run):
    assert run.plan() == []
    assert run.old() is None


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("- language", "- language: {min_score: 0.5}", "pass 1 is not done: recipe: steps.language.min_score changed"),
        ("- heuristics", "- heuristics: {presets: [gopher@paper]}", "pass 2 is not done: recipe: steps.heuristics"),
        ("- heuristics\n", "- heuristics\n- pii\n", "pass 2 is not done: recipe: steps.pii is new"),
        ("- language\n", "", "pass 1 is not done: recipe: steps.language is gone"),
        (
            "- url_dedup",
            "- url_dedup: {keep: [oldest]}",
            "pass 1 is not done: recipe: steps.url_dedup (keys).keep",
        ),
    ],
)
def test_a_changed_recipe_names_step_and_setting(run, old, new, said):
    run.recipe = run.recipe.replace(old, new)
    assert any(sentence.startswith(said) for sentence in run.plan()), run.plan()


def test_changed_new_and_lost_files_are_named(run):
    write_rows(run.folder / "in" / "new.jsonl", english(1))
    write_rows(run.folder / "in" / "0.jsonl", english(6))
    (run.folder / "in" / "1.jsonl").unlink()
    (run.folder / "blocked.txt").write_text("example.org\n")
    assert sorted(run.plan()) == [
        "pass 1 is not done: file: blocked.txt changed",
        "pass 1 is not done: input: in/0.jsonl changed",
        "pass 1 is not done: input: in/1.jsonl is gone",
        "pass 1 is not done: input: in/new.jsonl is new",
    ]


def test_of_many_files_the_first_few_are_named(run):
    for i in range(10):
        write_rows(run.folder / "in" / f"new-{i}.jsonl", english(1))
    assert run.plan()[-1] == "pass 1 is not done: input: 7 more"
    assert len(run.plan()) == 4


def test_libraries_and_code_are_named(run, monkeypatch):
    digests = code.code_digests() | {"curate/filters/rules.py": "another"}
    monkeypatch.setattr("pipelines.engine.plan.code_digests", lambda: digests)
    assert run.plan() == ["pass 1 is not done: code: curate/filters/rules.py changed"]
    monkeypatch.undo()
    version = code.metadata.version
    monkeypatch.setattr(code.metadata, "version", lambda name: "99" if name == "pyarrow" else version(name))
    assert run.plan() == ["pass 1 is not done: library: pyarrow changed"]


def test_work_that_was_begun_is_not_explained(run):
    run.recipe = run.recipe.replace("- heuristics", "- heuristics: {presets: [gopher@paper]}")
    assert run.plan()
    space = RunLayout.of(run._parsed(), str(run.folder / "out"))
    run_recipe(run._parsed(), str(run.folder / "out"))
    assert space.pass_done(space.plan.passes[0])
    assert run.plan() == []


def test_plan_shows_it_and_clean_deletes_old_work(run):
    (run.folder / "r.yaml").write_text(run.recipe.replace("- language", "- language: {min_score: 0.5}"))
    where = [str(run.folder / "r.yaml"), "--input", f"{run.folder}/in", "--output", str(run.folder / "out")]

    def shown(*arguments):
        done = CliRunner().invoke(main, [*arguments])
        assert done.exit_code == 0, done.output
        return " ".join(done.output.split())

    planned = shown("plan", *where, "--no-estimate")
    assert "pass 1 is not done: recipe: steps.language.min_score changed" in planned
    assert "passes with other settings; `curate clean` deletes them" in planned
    assert "passes deleted" in shown("clean", *where)
    assert "other settings" not in shown("plan", *where, "--no-estimate")
    assert shown("run", *where)
