"""Slices in groups: what their workers count is added up, and their sorted runs are merged, to the same bytes."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from pipelines.engine import finish, sums
from pipelines.engine.progress import Task, show
from pipelines.engine.run import run_recipe
from pipelines.engine.runners import Runner
from pipelines.engine.sums import Groups, added
from pipelines.io import shards, sources
from pipelines.io.shards import shard_of_id, shard_of_tokens, shards_of
from pipelines.io.slice_files import read_slices, store_slices
from pipelines.io.sources import InputFile, cut_slices
from pipelines.recipe.recipe import parse_recipe
from tests.pipelines.conftest import outputs
from tests.pipelines.engine.test_decisions import Elsewhere
from tests.pipelines.small import english, write_rows

RECIPE = """
sources: [{{input: "{folder}/a.jsonl", name: a}}, {{input: "{folder}/b.jsonl", name: b}}]
steps: [language, tokenize, exact_dedup, {{mixture: {{by: source, targets: {{a: 1, b: 1}}}}}}]
output: {{bytes_per_shard: 3000, tokens_per_shard: 700}}
"""


@pytest.fixture(scope="module")
def recipe(tmp_path_factory):
    folder = tmp_path_factory.mktemp("input")
    write_rows(folder / "a.jsonl", english(90))
    write_rows(folder / "b.jsonl", english(40))  # copies of pages of a, with equal dates
    return parse_recipe(RECIPE.format(folder=folder), "r.yaml")


@pytest.fixture(scope="module")
def one_slice(recipe, tmp_path_factory):
    folder = tmp_path_factory.mktemp("one")
    return folder, run_recipe(recipe, str(folder))


@pytest.fixture
def many_slices(monkeypatch):
    monkeypatch.setattr(sources, "MIN_SLICE_BYTES", 1500)
    monkeypatch.setattr(sums, "TOGETHER", 4)


@pytest.mark.parametrize("runner", [Runner, Elsewhere])
@pytest.mark.parametrize("merged", [False, True])
def test_groups_and_merged_runs_give_the_same_bytes(
    recipe, one_slice, many_slices, monkeypatch, tmp_path, merged, runner
):
    monkeypatch.setattr(finish, "MOST_BATCHES", 0 if merged else 10**9)
    monkeypatch.setattr(shards, "MERGE_BYTES", 3000)  # several runs of a merge
    written = []
    monkeypatch.setattr(finish, "write_shards", _seen(finish.write_shards, written))
    with runner() as where:
        report = run_recipe(recipe, str(tmp_path / "out"), where)
    (names,) = written
    assert len([name for name in names if name.startswith("sum-")]) > 3
    assert bool([name for name in names if name.startswith("merge-")]) == merged
    assert report == one_slice[1]
    assert outputs(tmp_path / "out") == outputs(one_slice[0])
    assert len(list((tmp_path / "out" / "documents").iterdir())) > 5


def _seen(write_shards, written):
    """Note the names in the folder of the last pass when its shards are written."""

    def seen(output, facts, of_result, run_all):
        paths = write_shards(output, facts, of_result, run_all)
        written.append([path.name for path in Path(facts).iterdir()])
        return paths

    return seen


def test_a_source_that_loses_nearly_all_of_its_documents_is_named(one_slice):
    _, report = one_slice
    assert "exact_dedup: source b loses 40 of 40 documents (100.0%) as duplicates" in report["warnings"]


@pytest.mark.parametrize("damage", ["flipped", "deleted"])
@pytest.mark.parametrize("before", ["pass 2", "shards"])
def test_damaged_sums_places_and_merged_runs_are_made_again(
    recipe, one_slice, many_slices, monkeypatch, tmp_path, before, damage
):
    monkeypatch.setattr(finish, "MOST_BATCHES", 0)
    with pytest.raises(Stopped):
        run_recipe(recipe, str(tmp_path), watch=partial(stop_before, before))
    work = tmp_path / "_work"
    kinds = ("sum-", "inputs-", "places-documents", "merge-documents", "kept-")
    chosen = [sorted(work.rglob(f"{kind}*"))[0] for kind in kinds if list(work.rglob(f"{kind}*"))]
    assert len(chosen) == (3 if before == "pass 2" else 5)
    for path in chosen:
        data = bytearray(path.read_bytes())
        if damage == "deleted":
            path.unlink()
        else:
            data[len(data) // 2] ^= 0x41
            path.write_bytes(data)
    run_recipe(recipe, str(tmp_path))
    assert outputs(tmp_path) == outputs(one_slice[0])


class Stopped(Exception):
    """A run is stopped."""


def stop_before(before, task, function):
    """Stop before a part of a run."""
    if task.title.startswith(before):
        raise Stopped
    function()


def test_the_sum_of_parts_does_not_depend_on_how_they_are_grouped():
    parts = [
        {
            "steps": {"a": {"read": i, "rejected": {f"rule {i % 3}": i}}},
            "first_errors": {"a": f"error {i}"} if i else {},
        }
        for i in range(9)
    ]
    groups = Groups(300)
    assert [i for group in range(groups.count) for i in groups.slices(group)] == list(range(300))
    assert all(index in groups.slices(groups.of(index)) for index in range(300))
    whole = added(parts)
    assert added([added(parts[:4]), added(parts[4:])]) == whole
    assert whole["first_errors"] == {"a": "error 1"}
    assert whole["steps"] == {"a": {"read": 36, "rejected": {"rule 0": 9, "rule 1": 12, "rule 2": 15}}}


@pytest.mark.parametrize("count", [1, 3, 1000, 2**31])
def test_the_shards_of_many_rows_are_those_of_each(count):
    random = np.random.default_rng(count)
    keys = np.concatenate([random.integers(0, 2**64, 500, np.uint64), np.array([0, 2**64 - 1], np.uint64)])
    ids = [f"{key:016x}{key:016x}" for key in keys.tolist()]
    rows = pa.table({"id": ids, "key": keys})
    assert shards_of(rows, "documents", count).tolist() == [shard_of_id(id, count) for id in ids]
    assert shards_of(rows, "tokens", count).tolist() == [shard_of_tokens(key, count) for key in keys.tolist()]


def test_slices_are_read_from_files_as_they_were_stored(tmp_path):
    files = [InputFile(f"/data/\udce9 {i}.jsonl", 900_000, 1.5, "jsonl", "s", columns=("a", "b")) for i in range(30)]
    slices = cut_slices(files)
    numbers, read = store_slices(slices, str(tmp_path))
    assert [slice_ for number in numbers for slice_ in read(number)] == slices
    assert read.func is read_slices


def test_the_number_of_slices_is_bounded(monkeypatch):
    monkeypatch.setattr(sources, "MOST_SLICES", 50)
    inputs = [InputFile(f"/{i}.warc.gz", 1_000_000_000, 1.0, "warc", "s") for i in range(100)]
    slices = cut_slices(inputs)
    assert len(slices) == 50
    assert {slice_.size for slice_ in slices} == {2_000_000_000}


def test_the_progress_of_many_slices_is_the_number_of_those_that_are_done(tmp_path, capfd):
    for index in range(200):
        (tmp_path / f"slice-{index:05d}.json").touch()  # not read
    (tmp_path / "slice-00200.json.host-1-1.incomplete").touch()
    show(Task("pass 1", str(tmp_path), 1000, 300), lambda: None)
    assert "200 of 300 slices" in capfd.readouterr().err
