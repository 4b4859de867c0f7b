"""Another mixture of a finished run: the bytes of a run with that mixture, and what cannot be recut."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import orjson
import pyarrow.parquet as pq
import pytest

from curate.tokens.tokenizers import load_tokenizer
from pipelines.engine.remix import write_remix
from pipelines.engine.run import run_recipe
from pipelines.engine.runners import Runner
from pipelines.io import files
from pipelines.recipe.errors import RecipeError
from pipelines.recipe.recipe import load_recipe
from pipelines.result.remix import plan_remix
from pipelines.result.verify import verify
from pipelines.steps.base import RunError
from tests.pipelines.conftest import PATIENCE, ROOT, curate
from tests.pipelines.small import FRENCH, GERMAN, english, write_rows

FILES = ("tokens", "megatron", "report.json", "report.html", "inputs.json")  # that a recut has too
A = "{by: language, targets: {en: 3, de: 1, fr: 0}}"


def write_input(folder: Path, mixture: str = A, tokenizer: str = "curate-32k", more: str = "") -> Path:
    """Write pages of two sources in three languages, and a recipe over them."""
    german = [{"text": f"{GERMAN * 3}Das war Tag {i}.", "url": f"http://a.de/{i}"} for i in range(9)]
    french = [{"text": f"{FRENCH * 3}C'était le jour {i}.", "url": f"http://a.fr/{i}"} for i in range(6)]
    rows = [row | {"kind": "odd" if i % 2 else None} for i, row in enumerate([*english(30), *german, *french])]
    write_rows(folder / "web.jsonl", rows[::2])
    write_rows(folder / "books.jsonl", rows[1::2])
    (folder / "r.yaml").write_text(
        f"sources: [{{input: {folder}/web.jsonl, name: web, columns: [kind]}}, "
        f"{{input: {folder}/books.jsonl, name: books, columns: [kind]}}]\n"
        f"steps: [language: {{min_score: 0.2}}, exact_dedup, tokenize: {{tokenizer: {tokenizer}}}, "
        f"mixture: {mixture}{more}]\n"
        "output: {bytes_per_shard: 5000, tokens_per_shard: 700, shuffle_seed: 3}\n"
    )
    return folder / "r.yaml"


def run(recipe: Path, output: Path, *settings: str) -> Path:
    run_recipe(load_recipe(str(recipe), (), settings), str(output))
    return output


def recut(of: Path, to: Path, *settings: str, **more) -> dict:
    return write_remix(plan_remix(str(of), settings), str(to), **more)


def contents(output: Path, names: tuple[str, ...] = FILES) -> dict[str, bytes]:
    found = [path for name in names for path in [output / name, *(output / name).rglob("*")] if path.is_file()]
    return {str(path.relative_to(output)): path.read_bytes() for path in found}


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A folder with an input, a recipe, and in ``out`` its finished run, which leaves French out of the tokens."""
    folder = tmp_path_factory.mktemp("remix")
    run(write_input(folder), folder / "out")
    assert len([*(folder / "out" / "documents").iterdir()]) > 2
    assert len([*(folder / "out" / "tokens").iterdir()]) > 5
    return folder


@pytest.mark.parametrize(
    "changes",
    [
        ["targets={en: 1, de: 1, fr: 1}"],  # uses documents whose tokens the run left out
        ["targets={en: 1, de: 0, fr: 0}"],
        ["min_epochs=0"],
        ["max_epochs=2.5"],
        ["total_tokens=900"],
        ["total_tokens=100000"],
        ["targets={de: 1}"],  # with a warning of labels without a target
        ["by=source", "targets={web: 1, books: 2}"],
        ["by=kind", "targets={odd: 1, even: 1}"],
    ],
)
def test_a_recut_has_the_bytes_of_a_run_with_that_mixture(made, tmp_path, changes):
    settings = [f"steps.mixture.{change}" for change in changes]
    before = contents(made / "out", (*FILES, "documents", "rejected", "signals", "manifest.json"))
    report = recut(made / "out", tmp_path / "new", *settings)
    whole = run(made / "r.yaml", tmp_path / "whole", *settings)
    assert contents(tmp_path / "new") == contents(whole)
    assert report == orjson.loads((whole / "report.json").read_bytes())
    assert contents(made / "out", (*FILES, "documents", "rejected", "signals", "manifest.json")) == before
    manifests = [orjson.loads((folder / "manifest.json").read_bytes()) for folder in (whole, tmp_path / "new")]
    assert manifests[0]["recipe_digest"] == manifests[1]["recipe_digest"]
    assert [e for e in manifests[0]["files"] if e["path"].startswith(FILES)] == manifests[1]["files"]
    assert verify(str(tmp_path / "new")) == []
    assert not (tmp_path / "new" / "_work").exists()


@pytest.mark.parametrize("formats", ["[parquet]", "[megatron]"])
def test_one_format_of_tokens_is_enough(made, tmp_path, formats):
    run(made / "r.yaml", tmp_path / "old", f"output.formats={formats}")
    shutil.rmtree(tmp_path / "old" / "_work")
    settings = ("steps.mixture.targets.fr=1", f"output.formats={formats}")
    recut(tmp_path / "old", tmp_path / "new", settings[0])
    assert contents(tmp_path / "new") == contents(run(made / "r.yaml", tmp_path / "whole", *settings))
    assert verify(str(tmp_path / "new")) == []


def test_several_workers_write_the_same_bytes(made, tmp_path):
    recut(made / "out", tmp_path / "one", "steps.mixture.targets.fr=1")
    with Runner(2) as runner:
        recut(made / "out", tmp_path / "two", "steps.mixture.targets.fr=1", runner=runner)
    assert contents(tmp_path / "one", (".",)) == contents(tmp_path / "two", (".",))


SIGN = """
from dataclasses import replace
from curate.document import Document

def sign(document: Document) -> Document:
    return replace(document, text=document.text + document.source)
"""
#: A step after the mixture that changes the copies.
AGAIN = """
from dataclasses import dataclass, replace
from pipelines.steps.base import MapStep

@dataclass(frozen=True, slots=True)
class Again(MapStep):
    reads = writes = frozenset({"copies"})

    def make(self):
        return lambda document: replace(document, copies=document.copies + 1)
"""


def test_a_page_of_two_sources_with_two_texts_is_not_mixed_up(tmp_path):
    """The copies of a page have one id; here the source that is read first is the last in order."""
    recipe = write_input(tmp_path)
    (tmp_path / "own.py").write_text(SIGN)
    text = recipe.read_text().replace("exact_dedup, ", "").replace("language:", "own.sign, language:")
    recipe.write_text(text.replace("name: books", "name: zines"))
    shutil.copy(tmp_path / "web.jsonl", tmp_path / "books.jsonl")
    run(recipe, tmp_path / "out")
    settings = ("steps.mixture.by=source", "steps.mixture.targets={web: 1, zines: 3}", "steps.mixture.min_epochs=0")
    recut(tmp_path / "out", tmp_path / "new", *settings)
    assert contents(tmp_path / "new") == contents(run(recipe, tmp_path / "whole", *settings))
    ids = pq.read_table(tmp_path / "out" / "documents")["id"].to_pylist()
    assert len(set(ids)) == len(ids) / 2


def test_of_two_mixtures_the_last_one_counts(tmp_path):
    recipe = write_input(tmp_path, more=", mixture: {name: second, by: source, targets: {web: 1, books: 2}}")
    run(recipe, tmp_path / "out")
    setting = "steps.second.targets.books=3"
    recut(tmp_path / "out", tmp_path / "new", setting)
    assert contents(tmp_path / "new") == contents(run(recipe, tmp_path / "whole", setting))
    with pytest.raises(RecipeError, match=r"steps\.second\.KEY=VALUE"):
        plan_remix(str(tmp_path / "out"), ["steps.mixture.max_epochs=2"])


#: Runs `curate recut` and kills it at the n-th call of a function.
KILLED = """
import os, signal, sys
from pipelines.engine import finish, remix

module, name, calls = sys.argv[1:4]
module = {"remix": remix, "finish": finish}[module]
function, left = getattr(module, name), int(calls)

def then_die(*arguments, **more):
    global left
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)
    left -= 1
    return function(*arguments, **more)

setattr(module, name, then_die)
del sys.argv[1:4]
from pipelines.cli import main
main()
"""


@pytest.mark.parametrize(
    ("module", "name", "calls"),
    [
        ("remix", "count_part", 2),
        ("remix", "copy_part", 3),
        ("remix", "tokenize_part", 1),
        ("finish", "write_shard", 4),
        ("remix", "write_manifest", 0),
    ],
)
def test_a_killed_recut_is_not_whole_and_goes_on(made, tmp_path, module, name, calls):
    command = ["recut", made / "out", "--set", "steps.mixture.targets.fr=1", "--output", tmp_path / "new"]
    child = [sys.executable, "-c", KILLED, module, name, str(calls), *map(str, command)]
    killed = subprocess.run(child, cwd=ROOT, capture_output=True, timeout=PATIENCE, check=False)
    assert killed.returncode == -9
    assert [finding.path for finding in verify(str(tmp_path / "new"))][:1] == ["manifest.json"]
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "new").rglob("*.*") if path.suffix != ".incomplete"}
    facts = [path for path in kept if path.name.startswith(("count-", "slice-", "shard-"))]
    assert len(facts) >= calls
    with pytest.raises(RunError, match="holds other files; choose another --output, or delete it"):
        recut(made / "out", tmp_path / "new", "steps.mixture.max_epochs=2")
    seen: list[int] = []
    remix = plan_remix(str(made / "out"), ["steps.mixture.targets.fr=1"])

    def watch(task, function):
        function()
        seen.append(sum(path.exists() and path.stat().st_mtime_ns == kept[path] for path in facts))

    write_remix(remix, str(tmp_path / "new"), watch=watch)
    assert not seen or seen[0] == len(facts)  # what was done is not done again
    recut(made / "out", tmp_path / "whole", "steps.mixture.targets.fr=1")
    assert contents(tmp_path / "new", (".",)) == contents(tmp_path / "whole", (".",))


def test_damage_in_the_work_of_a_killed_recut_makes_it_begin_again(made, tmp_path):
    command = ["recut", made / "out", "--set", "steps.mixture.targets.fr=1", "--output", tmp_path / "new"]
    child = [sys.executable, "-c", KILLED, "finish", "write_shard", "1", *map(str, command)]
    assert subprocess.run(child, cwd=ROOT, capture_output=True, timeout=PATIENCE, check=False).returncode == -9
    for path in (tmp_path / "new").rglob("run-tokens-*.arrow"):
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    done = curate(*command)
    assert (done.returncode, done.stderr.splitlines()[-1][-26:]) == (1, "run the same command again")
    assert curate(*command).returncode == 0
    recut(made / "out", tmp_path / "whole", "steps.mixture.targets.fr=1")
    assert contents(tmp_path / "new", (".",)) == contents(tmp_path / "whole", (".",))


def test_a_finished_recut_is_left_alone_and_a_damaged_one_made_again(made, tmp_path):
    said: list[str] = []
    for _ in range(2):
        report = recut(made / "out", tmp_path / "new", "steps.mixture.max_epochs=2", say=said.append)
    assert said == [f"{tmp_path}/new is finished, and all of its files are intact"]
    assert report == orjson.loads((tmp_path / "new" / "report.json").read_bytes())
    whole = contents(tmp_path / "new", (".",))
    path = min((tmp_path / "new" / "tokens").iterdir())
    path.write_bytes(path.read_bytes()[:-1])
    (finding,) = verify(str(tmp_path / "new"))
    assert finding.path == f"tokens/{path.name}"
    recut(made / "out", tmp_path / "new", "steps.mixture.max_epochs=2", say=said.append)
    assert said[-1].startswith(f"{path}: ")
    assert contents(tmp_path / "new", (".",)) == whole


def test_tokens_that_are_not_those_of_the_report_are_found(made, tmp_path):
    recut(made / "out", tmp_path / "new", "steps.mixture.max_epochs=2")
    other = recut(made / "out", tmp_path / "other", "steps.mixture.max_epochs=1")
    for name in ("tokens", "megatron"):  # as if the files of two recuts were mixed, and the manifest with them
        shutil.rmtree(tmp_path / "new" / name)
        shutil.copytree(tmp_path / "other" / name, tmp_path / "new" / name)
    manifests = [files.read_checked_json(str(tmp_path / folder / "manifest.json")) for folder in ("new", "other")]
    manifests[0]["files"] = [e for e in manifests[1]["files"] if "/" in e["path"]] + manifests[0]["files"][-2:]
    files.write_checked_json(str(tmp_path / "new" / "manifest.json"), manifests[0])
    assert [str(finding).partition(" tokens")[0] for finding in verify(str(tmp_path / "new"))] == [
        f"{name}: {other['corpus']['tokens']:,}" for name in ("tokens", "megatron")
    ]


def test_the_tokenizer_is_needed_only_for_documents_that_the_run_left_out(tmp_path):
    (tmp_path / "tokenizer.json").write_text(load_tokenizer().to_json())
    run(write_input(tmp_path, tokenizer=f"{tmp_path}/tokenizer.json"), tmp_path / "out")
    recut(tmp_path / "out", tmp_path / "whole", "steps.mixture.targets.de=5")
    (tmp_path / "tokenizer.json").unlink()
    recut(tmp_path / "out", tmp_path / "new", "steps.mixture.targets.de=5")
    assert contents(tmp_path / "new", (".",)) == contents(tmp_path / "whole", (".",))
    with pytest.raises(FileNotFoundError, match="no tokenizer"):
        recut(tmp_path / "out", tmp_path / "french", "steps.mixture.targets.fr=1")
    other = orjson.loads(load_tokenizer().to_json())
    other["model"]["merges"] = other["model"]["merges"][:100]
    (tmp_path / "tokenizer.json").write_bytes(orjson.dumps(other))
    with pytest.raises(RunError, match=r"the tokenizer does not give document .* tokens of the run"):
        recut(tmp_path / "out", tmp_path / "french", "steps.mixture.targets.fr=1")


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("steps.mixture.max_epoch=2", "unknown key; did you mean 'max_epochs'"),
        ("steps.mixture.max_epochs=0", "max_epochs is 0.0: give a number above 0"),
        ("steps.mixture.targets={}", "all targets are 0"),
        ("steps.mixture.targets={deu: 1}", "write the language 'deu' as 'de'"),
        ("steps.mixture.targets={es: 1}", "targets name es, but the corpus has de, en, fr"),
        ("steps.mixture.by=domian", "documents/ has no labels in a column 'domian'; did you mean 'domain'"),
        ("steps.mixture.by=languages", "documents/ has no labels in a column 'languages'"),
        ("steps.language.min_score=1", "steps.mixture.KEY=VALUE; for anything else run the recipe again"),
        ("steps.mixture=none", "for anything else run the recipe again"),
        ("steps.mixtures.max_epochs=2", "for anything else run the recipe again"),
    ],
)
def test_settings_that_do_not_work_are_refused_in_one_sentence(made, tmp_path, setting, said):
    done = curate("recut", made / "out", "--set", setting, "--output", tmp_path / "new")
    assert done.returncode == 1
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "new").exists()


def test_an_unknown_source_is_refused(made):
    with pytest.raises(RecipeError, match="names the source 'web2', but the recipe has books, web"):
        plan_remix(str(made / "out"), ["steps.mixture.by=source", "steps.mixture.targets={web2: 1}"])


def other_file(folder: Path, made: Path) -> None:
    folder.mkdir()
    (folder / "thesis.txt").write_text("Years of work")


def a_file(folder: Path, made: Path) -> None:
    folder.write_text("Years of work")


def other_recut(folder: Path, made: Path) -> None:
    recut(made / "out", folder, "steps.mixture.max_epochs=1")


def other_run(folder: Path, made: Path) -> None:
    shutil.copytree(made / "out", folder)


def other_program(folder: Path, made: Path) -> None:
    folder.mkdir()
    (folder / "manifest.json").write_text('{"name": "my web app"}')


@pytest.mark.parametrize("occupy", [other_file, a_file, other_recut, other_run, other_program])
def test_an_output_with_anything_else_is_refused_and_stays(made, tmp_path, occupy: Callable[[Path, Path], None]):
    folder = tmp_path / "new"
    occupy(folder, made)
    before = contents(folder, (".",))
    with pytest.raises(RunError, match="choose another --output"):
        recut(made / "out", folder, "steps.mixture.max_epochs=2")
    assert contents(folder, (".",)) == before


@pytest.mark.parametrize("below", [".", "documents/new", "tokens", "_work/new"])
def test_the_run_is_no_output_of_its_recut(made, below):
    before = contents(made / "out", (".",))
    with pytest.raises(RunError, match="choose another --output"):
        recut(made / "out", made / "out" / below, "steps.mixture.max_epochs=2")
    assert contents(made / "out", (".",)) == before


def test_a_run_that_cannot_be_recut_says_why(made, tmp_path):
    with pytest.raises(FileNotFoundError, match="holds no finished run"):
        plan_remix(str(tmp_path), ["steps.mixture.max_epochs=2"])
    out = tmp_path / "out"
    shutil.copytree(made / "out", out)
    (out / "manifest.json").unlink()
    with pytest.raises(FileNotFoundError, match="is not finished"):
        plan_remix(str(out), ["steps.mixture.max_epochs=2"])
    run(made / "r.yaml", out, "steps.mixture=none")
    with pytest.raises(RunError, match="has no step mixture"):
        plan_remix(str(out), ["steps.mixture.max_epochs=2"])
    run(made / "r.yaml", out, "output.formats=[]")
    with pytest.raises(RunError, match="writes no tokens"):
        recut(out, tmp_path / "new", "steps.mixture.max_epochs=2")
    recut(made / "out", tmp_path / "new", "steps.mixture.max_epochs=2")
    for command in (["recut"], ["explain", "http://a.de/1", "--output"], ["sample", "-n", "3"]):
        done = curate(*command, tmp_path / "new")
        assert "has only the tokens of another mixture" in done.stderr, command
    assert curate("report", tmp_path / "new").returncode == 0


def test_documents_that_are_not_those_of_the_plan_are_refused(made, tmp_path):
    recipe = write_input(tmp_path, more=", heuristics: {rules: [{name: short, signal: words, min: 100000}]}")
    run(recipe, tmp_path / "after")
    with pytest.raises(RunError, match="heuristics comes after mixture and rejected 45 documents"):
        plan_remix(str(tmp_path / "after"), ["steps.mixture.max_epochs=2"])
    (tmp_path / "own.py").write_text(AGAIN)
    run(write_input(tmp_path, more=", own.Again"), tmp_path / "again")
    with pytest.raises(RunError, match="another step or another version of curate chose them"):
        recut(tmp_path / "again", tmp_path / "new", "steps.mixture.max_epochs=2")
    out = tmp_path / "out"
    shutil.copytree(made / "out", out)
    for table in ("documents", "tokens"):
        path = max((out / table).iterdir())
        data = path.read_bytes()
        path.write_bytes(data[:99] + bytes([data[99] ^ 1]) + data[100:])
        with pytest.raises(RunError, match=f"{path}: damaged, .*; run the recipe into this folder again"):
            recut(out, tmp_path / f"new-{table}", "steps.mixture.max_epochs=2")
        path.write_bytes(data)


def test_the_plan_is_printed_and_nothing_is_written(made):
    before = contents(made, (".",))
    done = curate("recut", made / "out", "--set", "steps.mixture.targets={en: 1, de: 1}")
    assert done.returncode == 0, done.stderr
    planned = plan_remix(str(made / "out"), ["steps.mixture.targets={en: 1, de: 1}"])
    for label, row in planned.new.plan["rates"].items():
        assert f"{planned.new.plan['tokens'][label]:,}" in done.stdout
        assert f"{row:.2f}" in done.stdout
    assert "warning: mixture: left out of tokens/, because they have no target: fr" in done.stdout
    assert contents(made, (".",)) == before


def test_the_command_line_writes_what_it_says(made, tmp_path):
    setting = ("--set", "steps.mixture.max_epochs=2", "--output", tmp_path / "new")
    done = curate("recut", made / "out", *setting, "--workers", 2)
    assert done.returncode == 0, done.stderr
    tokens = orjson.loads((tmp_path / "new" / "report.json").read_bytes())["corpus"]["tokens"]
    assert f"{tokens:,} tokens are in {tmp_path}/new" in done.stdout
    assert curate("verify", tmp_path / "new").returncode == 0
    for options in (("--set", "gopher_too_few_words=3"), (), ("--set", "steps.mixture.by=domain", "--step", "x")):
        done = curate("recut", made / "out", *options, "--output", tmp_path / "other")
        assert (done.returncode, done.stderr.count("\n")) == (1, 1)
