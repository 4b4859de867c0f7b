"""What commands say where a user is in between: a run that is not finished, options that do not go together."""

from __future__ import annotations

import json
import re

import pytest

from pipelines.engine.plan import make_plan
from pipelines.io.sources import list_inputs
from pipelines.recipe.recipe import load_recipe
from pipelines.result.report import render
from tests.pipelines.conftest import curate

RECIPE = "steps:\n  - exact_dedup\n"


@pytest.fixture
def arguments(tmp_path):
    (tmp_path / "in.jsonl").write_text('{"text": "A page of words."}\n' * 3)
    (tmp_path / "r.yaml").write_text(RECIPE)
    return tmp_path / "r.yaml", "--input", tmp_path / "in.jsonl", "--output", tmp_path / "out"


@pytest.mark.parametrize("command", ["report", "recut", "explain"])
def test_a_run_that_is_not_finished_is_said_to_be(arguments, tmp_path, command):
    assert curate("run", *arguments).returncode == 0
    (tmp_path / "out" / "manifest.json").unlink()
    where = ["some-id", "--output", tmp_path / "out"] if command == "explain" else [tmp_path / "out"]
    done = curate(command, *where)
    assert done.returncode == 1
    assert "is not finished" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_workers_beside_a_beam_runner_are_refused(arguments):
    done = curate("run", *arguments, "--workers", "2", "--", "--runner=PortableRunner", "--job_endpoint=embed")
    assert done.returncode == 1
    assert "--workers 2" in done.stderr
    assert "--parallelism" in done.stderr


def test_plan_has_as_many_passes_as_run(arguments, tmp_path):
    planned = curate("plan", *arguments, "--no-estimate").stdout
    recipe = load_recipe(str(tmp_path / "r.yaml"), [str(tmp_path / "in.jsonl")])
    passes = make_plan(recipe, list_inputs(recipe.sources)).passes
    assert re.findall(r"^│ (\d+|shards) ", planned, re.MULTILINE) == [*(str(p.index + 1) for p in passes), "shards"]
    assert f"pass 1 of {len(passes)}" in curate("run", *arguments).stderr


def test_tables_of_the_report_scroll_on_a_narrow_screen(arguments, tmp_path):
    assert curate("run", *arguments).returncode == 0
    page = render(json.loads((tmp_path / "out" / "report.json").read_text()))
    narrow = re.search(r"@media \(max-width: \d+rem\) \{(.*)\}", page)
    assert narrow
    assert "table { display: block; overflow-x: auto; }" in narrow[1]
