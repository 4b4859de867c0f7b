"""The end of a run: the shards that a killed run has written stay as they are, and the result is the same."""

from __future__ import annotations

import subprocess
import sys

import orjson
import pytest

from pipelines.engine.finish import count_shards
from pipelines.engine.layout import Workspace
from pipelines.engine.run import run_recipe
from tests.pipelines.conftest import PATIENCE, ROOT, curate, outputs
from tests.pipelines.small import english, small_recipe, write_rows

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


def test_as_many_shards_are_written_as_were_counted(tmp_path):
    steps = "  - language\n  - tokenize\n  - exact_dedup\n"
    steps += "  - mixture: {by: language, targets: {en: 1}, total_tokens: 900}\n"
    more = "output: {bytes_per_shard: 2000, tokens_per_shard: 300}\n"
    recipe, output = small_recipe(tmp_path, steps, [*english(20), *english(5)], more), tmp_path / "out"
    report = run_recipe(recipe, str(output))
    space = Workspace.of(recipe, str(output))
    shards = count_shards(space, space.plan.passes[-2])
    for table in ("documents", "tokens", "rejected"):
        assert len([*(output / table).iterdir()]) == getattr(shards, table)
    assert shards.documents == -(-report["corpus"]["text_bytes"] // 2000) > 1
    assert shards.tokens == -(-report["corpus"]["tokens"] // 300) > 1


def test_formats_that_are_left_out_leave_no_files(arguments, tmp_path):
    assert curate(*arguments, tmp_path / "out").returncode == 0
    assert [*(tmp_path / "out" / "megatron").iterdir()]
    assert curate(*arguments, tmp_path / "out", "--set", "output.formats=[parquet]").returncode == 0
    assert not [*(tmp_path / "out").glob("megatron/*")]
    assert curate("verify", tmp_path / "out").returncode == 0
    assert not orjson.loads((tmp_path / "out" / "manifest.json").read_bytes())["recipe"]["output"]["formats"][1:]
