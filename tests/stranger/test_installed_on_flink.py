"""The same on a real engine: Flink, embedded in Beam's job server (`make test-flink`)."""

from __future__ import annotations

import pytest

from tests.pipelines.conftest import outputs
from tests.runners.flink_server import FlinkError, job_server

pytestmark = pytest.mark.flink


def test_a_recipe_with_modules_of_ones_own_on_flink(curate, project):
    assert curate(project, "run", "recipe.yaml", "--output", "out").returncode == 0
    try:
        with job_server() as flink:
            done = curate(project, "run", "recipe.yaml", "--output", "flink", "--", *flink.options)
            assert done.returncode == 0, done.stderr + flink.last_words()
    except FlinkError as e:
        pytest.fail(str(e), pytrace=False)
    assert outputs(project / "flink") == outputs(project / "out")
