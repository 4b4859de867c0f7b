"""Deduplication on a real engine, Flink, embedded in Beam's job server: the same decisions (`pytest -m flink`)."""

from __future__ import annotations

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions

from pipelines.steps.exact_dedup import ExactDedup
from pipelines.steps.line_dedup import LineDedup
from pipelines.steps.minhash_dedup import MinHashDedup
from tests.pipelines.decisions import applied, decide_stored, rejections, store_keys
from tests.pipelines.steps.test_line_dedup import corpus as lines, edited
from tests.pipelines.steps.test_minhash_dedup import corpus, removed, small_ranges, stored  # noqa: F401
from tests.runners.flink_server import FlinkError, job_server

pytestmark = pytest.mark.flink


@pytest.fixture(scope="module")
def flink():
    """Make pipelines on Flink, with two workers."""
    try:
        with job_server() as server:
            yield lambda: beam.Pipeline(options=PipelineOptions([*server.options, "--parallelism=2"]))
    except FlinkError as e:
        pytest.fail(str(e), pytrace=False)


@pytest.mark.parametrize("clustering", ["one_process", "distributed"])
@pytest.mark.usefixtures("small_ranges")
def test_near_duplicates(tmp_path, flink, clustering):
    pages = corpus(seed=2)
    here, _ = removed(pages, 4)
    step = MinHashDedup(clustering=clustering)
    there, _, _ = stored(tmp_path, pages, 4, step, make=flink, distributed=True)
    assert there == here


def test_exact_duplicates(tmp_path, flink):
    blocks = [corpus(seed=2)[i::4] for i in range(4)]
    data = store_keys(tmp_path, ExactDedup(), blocks)
    decide_stored([data], 4, flink, distributed=True)
    there = rejections([data.apply(i) for i in range(4)], blocks)
    assert there == rejections(applied(ExactDedup(), blocks), blocks) != {}


def test_lines(tmp_path, flink):
    step, blocks = LineDedup(), [lines()[::2], lines()[1::2]]
    data = store_keys(tmp_path, step, blocks)
    decide_stored([data], 2, flink, distributed=True)
    assert edited([data.apply(i) for i in range(2)], blocks) == edited(applied(step, blocks), blocks)


def test_decisions_that_follow_each_other_are_one_job(tmp_path, flink):
    """Each waits for the decision before it, on an engine that knows no order but that of data."""
    blocks = [corpus(seed=2)[i::4] for i in range(4)]
    found = []
    for name, more in (("here", {}), ("there", {"make": flink, "distributed": True})):
        cut = [store_keys(tmp_path / name, step, blocks) for step in (ExactDedup(), MinHashDedup())]
        assert len(decide_stored(cut, 4, **more)) == 1
        found.append([rejections([data.apply(i) for i in range(4)], blocks) for data in cut])
    assert found[0] == found[1]
    assert all(found[0])
