"""The end of a run: the shards that a killed run has written stay as they are, and the result is the same."""

from __future__ import annotations

import subprocess
import sys

import orjson
import pytest

from pipelines.engine.run import run_recipe
from pipelines.recipe.recipe import parse_recipe
from tests.pipelines.conftest import PATIENCE, ROOT, curate, outputs
from tests.pipelines.small import english, write_rows

#: The command line, killed when it has written some shards.
KILLED = """
import os, signal
import pipelines.engine.finish as finish

written, write = [], finish.write_shard

def write_some(task, **more):
    if len(written) == 5:
        os.kill(os.getpid(), signal.SIGKILL)
    write(task, **more)
    written.append(task)

finish.write_shard = write_some
from pipelines.cli import main
main()
"""
RECIPE = "steps: [language, exact_dedup, tokenize]\noutput: {bytes_per_shard: 2000, tokens_per_shard: 2000}\n"


@pytest.fixture
def arguments(tmp_path):
    write_rows(tmp_path / "pages.jsonl", english(40))
    (tmp_path / "r.yaml").write_text(RECIPE)
    return ["run", str(tmp_path / "r.yaml"), "--input", str(tmp_path / "pages.jsonl"), "--output"]


def facts(folder):
    """Inode and time of every shard."""
    return {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in folder.glob("*/part-*")}


@pytest.mark.parametrize("damage", ["none", "flipped", "cut", "deleted", "foreign"])
def test_shards_of_a_killed_run_stay_and_those_that_are_damaged_are_made_again(arguments, tmp_path, damage):
    assert curate(*arguments, tmp_path / "whole").returncode == 0
    command = [sys.executable, "-c", KILLED, *arguments, str(tmp_path / "out")]
    killed = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=PATIENCE, check=False)
    assert killed.returncode == -9
    before = facts(tmp_path / "out")
    assert len(before) == 5
    first = min(before)
    data = first.read_bytes()
    match damage:
        case "flipped":
            first.write_bytes(data[:99] + bytes([data[99] ^ 1]) + data[100:])
        case "cut":
            first.write_bytes(data[:-1])
        case "deleted":
            first.unlink()
        case "foreign":  # a shard of a result that had another number of them
            (first.parent / "part-00000-of-00099.parquet").write_bytes(data)
    done = curate(*arguments, tmp_path / "out")
    assert done.returncode == 0, done.stderr
    after = facts(tmp_path / "out")
    same = {path for path, fact in before.items() if after[path] == fact}
    assert same == set(before) - (set() if damage in ("none", "foreign") else {first})
    assert outputs(tmp_path / "out") == outputs(tmp_path / "whole")
    assert curate("verify", tmp_path / "out").returncode == 0


@pytest.mark.parametrize("by", ["language, targets: {en: 1}", "site, targets: {a: 1, b: 1}"])
def test_as_many_shards_are_written_as_there_should_be(tmp_path, by):
    """A mixture says how often documents are seen, some of which an earlier step of the cut rejects."""
    rows = [row | {"site": "ab"[i % 2]} for i, row in enumerate([*english(20), *english(5)])]
    write_rows(tmp_path / "pages.jsonl", rows)
    text = f"sources: [{{input: {tmp_path}/pages.jsonl, columns: [site]}}]\n"
    text += f"steps: [language, tokenize, exact_dedup, {{mixture: {{by: {by}, total_tokens: 900}}}}]\n"
    text += "output: {bytes_per_shard: 1000, tokens_per_shard: 300}\n"
    output = tmp_path / "out"
    report = run_recipe(parse_recipe(text, "r.yaml"), str(output))
    written = {table: len([*(output / table).iterdir()]) for table in ("documents", "tokens")}
    assert written["documents"] == -(-report["corpus"]["text_bytes"] // 1000) > 1
    assert written["tokens"] == -(-report["corpus"]["tokens"] // 300) > 1


def test_formats_that_are_left_out_leave_no_files(arguments, tmp_path):
    assert curate(*arguments, tmp_path / "out").returncode == 0
    assert [*(tmp_path / "out" / "megatron").iterdir()]
    assert curate(*arguments, tmp_path / "out", "--set", "output.formats=[parquet]").returncode == 0
    assert not [*(tmp_path / "out").glob("megatron/*")]
    assert curate("verify", tmp_path / "out").returncode == 0
    assert not orjson.loads((tmp_path / "out" / "manifest.json").read_bytes())["recipe"]["output"]["formats"][1:]
