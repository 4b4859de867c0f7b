"""Deduplication on a real engine, Flink, embedded in Beam's job server: the same decisions (`pytest -m flink`)."""

from __future__ import annotations

from functools import partial

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions

from pipelines.dedup.distributed import cluster_distributed
from pipelines.dedup.keep_first import ExactDedup, ExactDedupConfig
from pipelines.steps.line_dedup import LineDedup, LineDedupConfig
from pipelines.steps.minhash_dedup import MinHashDedupConfig
from tests.pipelines.dedup_slices import decide, rejections, write_slices
from tests.pipelines.test_dedup_lines import corpus as lines
from tests.pipelines.test_dedup_minhash import corpus, removed
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
def test_near_duplicates(tmp_path, flink, clustering, monkeypatch):
    engine = partial(cluster_distributed, documents_per_range=100)
    monkeypatch.setattr("pipelines.steps.minhash_dedup.cluster_distributed", engine)
    pages = corpus(seed=2)
    here, _ = removed(tmp_path / "here", pages, 4, MinHashDedupConfig(clustering="one_process"))
    there, _ = removed(tmp_path / "there", pages, 4, MinHashDedupConfig(clustering=clustering), make=flink, far=True)
    assert there == here


def test_exact_duplicates(tmp_path, flink):
    parts = [corpus(seed=2)[i::4] for i in range(4)]
    found = []
    for name, more in (("here", {}), ("there", {"make": flink, "far": True})):
        slices = write_slices(tmp_path / name, ExactDedup(), ExactDedupConfig(), parts)
        decide(slices, **more)
        found.append(rejections(slices, parts))
    assert found[0] == found[1] != {}


def test_lines(tmp_path, flink):
    texts = []
    for name, more in (("here", {}), ("there", {"make": flink, "far": True})):
        pages = lines()
        slices = write_slices(tmp_path / name, LineDedup(), LineDedupConfig(), [pages[::2], pages[1::2]])
        decide(slices, **more)
        edit = LineDedup().edit(LineDedupConfig(), slices[0].taken.decision)
        texts.append([getattr(edit(d), "text", "") for d in pages])
    assert texts[0] == texts[1]
