"""Files on disks and object stores that fail for a while: an error is never taken for a file that is not there."""

from __future__ import annotations

import functools
import itertools
import json
import os
import shutil
import stat
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from apache_beam.io.filesystem import BeamIOError
from click.testing import CliRunner

from pipelines.cli import main
from pipelines.engine import passes
from pipelines.engine.layout import RunLayout
from pipelines.engine.run import run_recipe
from pipelines.engine.runners import RunError
from pipelines.engine.watched import Track
from pipelines.io import files
from pipelines.io.sources import list_inputs
from pipelines.recipe.errors import RecipeError
from pipelines.recipe.model import Recipe
from pipelines.recipe.recipe import parse_recipe
from pipelines.result.output import Fix
from pipelines.result.verify import verify
from tests.pipelines.object_store import object_store

SENTENCE = "The ferry to the island leaves at seven, and whoever misses it waits for the one that goes at noon. "
STEPS = "steps:\n  - language: {min_score: 0.2}\n  - url_dedup\n  - tokenize\n"
OPERATIONS = ("exists", "size", "metadata", "open", "create", "rename", "delete", "_list")


class Network:
    """The way to a store: ``fail`` is asked before each operation, and returns an error or None."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.fail: Callable[[str], Exception | None] = lambda operation: None


@functools.cache
def _network() -> Network:
    network = Network()
    network.objects, store = object_store()

    def asking(operation: str) -> Callable:
        whole = getattr(store, operation)

        def asked(self, *arguments, **more):
            if error := network.fail(operation):
                raise error
            return whole(self, *arguments, **more)

        return asked

    network.file_system = type(  # as long as the class lives, Beam finds it by its scheme
        "Flaky", (store,), {"scheme": classmethod(lambda cls: "flaky"), **{name: asking(name) for name in OPERATIONS}}
    )
    return network


@pytest.fixture
def network() -> Iterator[Network]:
    """An empty store, ``flaky://``, behind a network that works until a test says otherwise."""
    network = _network()
    network.objects.clear()
    yield network
    network.fail = lambda operation: None


def recipe(folder: Path) -> Recipe:
    pages = [{"text": f"{SENTENCE * 3}That was day {i}.", "url": f"http://example.org/{i // 2}"} for i in range(20)]
    (folder / "pages.jsonl").write_text("".join(json.dumps(page) + "\n" for page in pages))
    return parse_recipe(STEPS, "small.yaml", [str(folder / "pages.jsonl")])


def contents(out: Path) -> dict[str, bytes]:
    found = [p for p in out.rglob("*") if p.is_file() and "_work" not in p.parts]
    return {str(p.relative_to(out)): p.read_bytes() for p in found}


@pytest.mark.parametrize("error", [OSError("connection reset"), BeamIOError("503"), RuntimeError("slow down")])
def test_an_error_of_a_store_is_not_the_answer_no(network, error):
    network.objects["flaky://b/model.zip"] = b"model"
    assert files.exists("flaky://b/model.zip")
    assert files.is_file("flaky://b/model.zip")
    assert files.size("flaky://b/model.zip") == 5
    assert not files.is_file("flaky://b/none")
    assert files.size("flaky://b/none") == -1
    assert files.within("flaky://b/none", "*") == []
    network.fail = lambda operation: error
    for ask in (files.exists, files.is_file, files.size, files.match, files.open_read, files.read_json):
        with pytest.raises(OSError, match=str(error)):
            ask("flaky://b/model.zip")
    with pytest.raises(OSError, match=str(error)):
        files.delete(["flaky://b/model.zip"])
    assert "flaky://b/model.zip" in network.objects


def test_a_model_that_cannot_be_reached_does_not_make_another_plan(network, tmp_path):
    network.objects["flaky://b/tokenizer.json"] = b"{}"
    text = "steps:\n  - tokenize: {tokenizer: 'flaky://b/tokenizer.json'}\n"
    (tmp_path / "pages.jsonl").write_text('{"text": "A page."}\n')
    named = parse_recipe(text, "small.yaml", [str(tmp_path / "pages.jsonl")])
    digest = RunLayout.of(named, str(tmp_path / "out")).plan.passes[-1].digest
    for failing in ("exists", "open"):
        network.fail = lambda operation, failing=failing: OSError("timed out") if operation == failing else None
        with pytest.raises(RecipeError, match=r"tokenize: flaky://b/tokenizer.json: timed out"):
            RunLayout.of(named, str(tmp_path / "out"))
    network.fail = lambda operation: None
    assert RunLayout.of(named, str(tmp_path / "out")).plan.passes[-1].digest == digest


def test_an_output_that_cannot_be_reached_is_not_made_again(network, tmp_path):
    wanted = recipe(tmp_path)
    run_recipe(wanted, "flaky://b/out")
    before = dict(network.objects)
    layout = RunLayout.of(wanted, "flaky://b/out")
    assert layout.finished()
    for failing in ("exists", "size"):
        network.fail = lambda operation, failing=failing: OSError("timed out") if operation == failing else None
        with pytest.raises(OSError, match="timed out"):
            layout.finished()
        with pytest.raises((OSError, RunError), match="timed out"):
            run_recipe(wanted, "flaky://b/out")
    calls: list[str] = []

    def one_of_many(operation: str) -> Exception | None:
        calls.append(operation)
        return OSError("timed out") if calls.count("size") == 3 and operation == "size" else None

    network.fail = one_of_many
    (finding,) = verify("flaky://b/out")
    assert (finding.fix, "timed out" in finding.problem) == (Fix.RETRY, True)
    network.fail = lambda operation: None
    assert verify("flaky://b/out") == []
    assert network.objects == before


def test_an_operation_that_fails_at_any_moment_costs_nothing(network, tmp_path, monkeypatch):
    """One error at one of the operations of a run, spread over all of it; then the same command again."""
    # in this process, which alone knows the file system of the test
    monkeypatch.setattr(passes, "run_watched", lambda work, killers, found: work(Track(None, killers)))
    wanted = recipe(tmp_path)
    count = 0

    def counting(operation: str) -> None:
        nonlocal count
        count += 1

    network.fail = counting
    run_recipe(wanted, "flaky://b/out")
    results = {path: data for path, data in network.objects.items() if "/_work" not in path}
    errors = [OSError(28, "No space left on device"), OSError(5, "Input/output error")]
    for moment, error in zip(range(1, count, count // 10), itertools.cycle(errors), strict=False):
        network.objects.clear()
        left = iter(range(moment))
        network.fail = lambda operation, left=left, error=error: None if next(left, None) is not None else error
        with pytest.raises((OSError, RunError), match=error.strerror):
            run_recipe(wanted, "flaky://b/out")
        network.fail = lambda operation: None
        run_recipe(wanted, "flaky://b/out")
        assert {path: data for path, data in network.objects.items() if "/_work" not in path} == results
        assert not [path for path in network.objects if path.endswith(files.INCOMPLETE) and "/_work" not in path]


def test_what_dead_attempts_left_on_a_store_is_deleted_by_name_and_age(network, tmp_path, monkeypatch):
    wanted = recipe(tmp_path)
    run_recipe(wanted, "flaky://b/out")
    before = dict(network.objects)
    attempt = ".host-17-140233.incomplete"
    left = [f"manifest.json{attempt}", f"_work/00-12/state-00000.parquet{attempt}", f"_work/finished.json{attempt}"]
    others = [f"thesis.txt{attempt}", f"mine/manifest.json{attempt}", "film.incomplete"]
    network.objects.update({f"flaky://b/out/{path}": b"half" for path in (*left, *others)})
    assert sorted(finding.path for finding in verify("flaky://b/out")) == sorted(left)
    with monkeypatch.context() as now:
        now.setattr("pipelines.result.output.time.time", lambda: 60.0)  # a minute after they were written
        run_recipe(wanted, "flaky://b/out")
        assert len(network.objects) == len(before) + len(left) + len(others)
    run_recipe(wanted, "flaky://b/out")
    assert network.objects.keys() - before.keys() == {f"flaky://b/out/{path}" for path in others}


@pytest.fixture
def small_disk(tmp_path) -> Iterator[Path]:
    """A disk of 60 KB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=60k", "tmpfs", disk], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("no right to mount a small disk")
    yield disk
    subprocess.run(["umount", disk], check=True)


def test_a_full_disk_and_one_that_may_not_be_written_are_named_and_cost_nothing(small_disk, tmp_path):
    wanted = recipe(tmp_path)
    run_recipe(wanted, str(tmp_path / "whole"))
    (tmp_path / "small.yaml").write_text(STEPS)
    out = small_disk / "out"
    command = ["run", str(tmp_path / "small.yaml"), "--input", str(tmp_path / "pages.jsonl"), "--output", str(out)]
    for options, said in (
        ("size=60k", "No space left on device; finished work is kept: make room there"),
        ("ro,size=60k", "Read-only file system; choose another folder"),
        ("rw,size=40m", ""),
        ("ro,size=40m", ""),  # finished: nothing is to be written
    ):
        subprocess.run(["mount", "-o", f"remount,{options}", small_disk], check=True)
        done = CliRunner().invoke(main, command)
        if not said:
            assert done.exit_code == 0, done.exception
            continue
        assert isinstance(done.exception, SystemExit), done.exception
        sentence = done.exception.code
        assert sentence.startswith(f"curate: {out}/")
        assert said in sentence
        assert "\n" not in sentence
    assert contents(out) == contents(tmp_path / "whole")


def test_an_output_that_is_replaced_during_the_run_is_said(tmp_path):
    out, wanted = tmp_path / "out", recipe(tmp_path)

    def replaced(by: Callable[[], object]) -> Callable:
        def watch(work, function) -> None:
            if work.title == "pass 2 of 3":
                out.rename(tmp_path / "moved")
                by()
            function()

        return watch

    for by in (lambda: None, out.touch, out.mkdir, lambda: out.symlink_to(tmp_path / "none")):
        with pytest.raises(OSError, match=r"moved, replaced or deleted during the run; run the same command again"):
            run_recipe(wanted, str(out), watch=replaced(by))
        if out.is_symlink() or out.is_file():
            out.unlink()
        shutil.rmtree(out, ignore_errors=True)
        shutil.rmtree(tmp_path / "moved")
    assert run_recipe(wanted, str(out))["corpus"]["documents"] == 10


@pytest.mark.skipif(os.geteuid() == 0, reason="root may enter every folder")
def test_a_folder_that_may_not_be_entered_does_not_vanish(tmp_path):
    recipe(tmp_path)
    closed = tmp_path / "closed"
    closed.mkdir(mode=0)
    for pattern in (tmp_path, tmp_path / "**" / "*.jsonl", tmp_path / "*" / "*.jsonl", closed / "a.jsonl"):
        with pytest.raises(PermissionError):
            files.match(str(pattern))
    closed.chmod(stat.S_IRWXU)


def test_a_glob_that_meets_an_error_raises_it(tmp_path, monkeypatch):
    recipe(tmp_path)
    (tmp_path / "mount").mkdir()
    scan = os.scandir

    def failing(path):
        if str(path).endswith("mount"):
            raise OSError(116, "Stale file handle", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", failing)
    for pattern in (tmp_path, tmp_path / "**" / "*.jsonl", tmp_path / "*" / "*.jsonl"):
        with pytest.raises(OSError, match="Stale file handle"):
            list_inputs(parse_recipe(STEPS, "small.yaml", [str(pattern)]).sources)


def test_globs_match_what_they_always_matched(tmp_path):
    for name in ("a.txt", "b.txt", ".c.txt", "one/d.txt", "one/two/e.txt", ".hid/f.txt", "x[1]/g.txt", "x1/h.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / "one" / "loop").symlink_to(tmp_path / "one" / "loop")

    def matched(pattern: str) -> list[str]:
        return [str(Path(f.path).relative_to(tmp_path)) for f in files.match(f"{tmp_path}/{pattern}")]

    assert matched("*.txt") == ["a.txt", "b.txt"]
    assert matched(".*.txt") == [".c.txt"]
    assert matched("**/*.txt") == ["a.txt", "b.txt", "one/d.txt", "one/two/e.txt", "x1/h.txt", "x[1]/g.txt"]
    assert matched("**") == ["a.txt", "b.txt", "one/d.txt", "one/two/e.txt", "x1/h.txt", "x[1]/g.txt"]
    assert matched("one/**/e.txt") == ["one/two/e.txt"]
    assert matched("o?e/[a-d].txt") == ["one/d.txt"]
    assert matched("one") == ["one/d.txt", "one/two/e.txt"]
    assert matched("x[1]") == ["x[1]/g.txt"]  # it is there, and meant as it is
    assert matched("x[1-9]") == ["x1/h.txt"]
    assert matched("none/*") == matched("a.txt/*") == matched("none") == []


def test_a_name_with_brackets_is_written_and_deleted(tmp_path):
    out = tmp_path / "run[1]"
    for text in ("one", "two"):
        with files.atomic_write(str(out / "a")) as f:
            f.write(text.encode())
    assert (out / "a").read_text() == "two"
    files.delete([str(out / "a"), str(out / "none")])
    assert list(out.iterdir()) == []
