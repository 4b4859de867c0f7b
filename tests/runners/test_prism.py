"""The same bytes from Prism, Beam's runner for one machine."""

from __future__ import annotations

import pytest

from tests.pipelines.conftest import outputs, run
from tests.runners.fetch import Absent
from tests.runners.other_servers import prism_server

pytestmark = pytest.mark.prism


def test_the_sample_recipe_gives_the_same_bytes_on_prism(tmp_path):
    why = ""
    try:
        with prism_server() as prism:
            run(tmp_path / "prism", "--", *prism.options)
    except Absent as e:
        why = str(e)
    if why:
        pytest.skip(why)
    assert outputs(tmp_path / "prism") == outputs(run(tmp_path / "memory"))
