"""All decisions of a cut are one Beam job; keys beyond the memory, and loops, have jobs of their own."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from curate.document import Document
from pipelines.engine.decisions import DecisionJob, decision_jobs
from pipelines.engine.run import run_recipe
from pipelines.engine.runners import Runner
from pipelines.recipe.recipe import load_recipe
from pipelines.steps.exact_dedup import ExactDedup
from pipelines.steps.minhash_dedup import BYTES_PER_DOCUMENT, MinHashDedup
from pipelines.steps.quality_cut import QualityCut
from pipelines.steps.url_dedup import UrlDedup
from tests.eager import pipeline
from tests.pipelines.conftest import CRAWL, outputs
from tests.pipelines.decisions import decide_stored, key_sizes, store_keys


class Here(Runner):
    """The runner of local runs, which counts its jobs."""

    jobs = 0

    def pipeline(self, scratch=None):
        """Count and return a pipeline."""
        self.jobs += 1
        return super().pipeline(scratch)


class Elsewhere(Here):
    """A runner with workers elsewhere, as the run sees it: in memory, one process."""

    def __init__(self):
        super().__init__()
        self.local, self.distributed = False, True

    def pipeline(self, scratch=None):
        """Count and return a pipeline in memory."""
        self.jobs += 1
        return pipeline()


@pytest.mark.parametrize(("runner", "jobs"), [(Here, 2), (Elsewhere, 5)])
def test_llama3_takes_few_jobs_and_gives_the_same_bytes(runner, jobs, corpus, tmp_path):
    with runner() as counting:
        run_recipe(load_recipe("llama3", [f"{CRAWL}/*"]), str(tmp_path / "out"), counting)
    assert counting.jobs == jobs
    assert outputs(tmp_path / "out") == outputs(corpus)
    with runner() as again:
        run_recipe(load_recipe("llama3", [f"{CRAWL}/*"]), str(tmp_path / "out"), again)
    assert again.jobs == 0


STEPS = (UrlDedup(), ExactDedup(), QualityCut(within=()))


@pytest.fixture
def cut(tmp_path):
    """Keys of three steps in four blocks."""
    pages = [Document(id=f"{i:032x}", url=f"http://a.org/{i % 50}", quality=i / 100) for i in range(100)]
    return [store_keys(tmp_path, step, [pages[i::4] for i in range(4)]) for step in STEPS]


def test_steps_that_follow_each_other_share_a_job(cut):
    assert decision_jobs(cut, key_sizes(cut, 4), 10**9, False, 100) == [DecisionJob((0, 1, 2))]
    assert decision_jobs(cut, key_sizes(cut, 4), 10**9, True, 100) == [DecisionJob((0, 1, 2))]


def test_keys_beyond_the_memory_are_decided_share_by_share(cut):
    few = decision_jobs(cut, key_sizes(cut, 4), 7_000, False, 100)
    assert few == [
        *(DecisionJob((0,), i, 3) for i in range(3)),
        *(DecisionJob((1,), i, 3) for i in range(3)),
        DecisionJob((2,)),
    ]
    assert decision_jobs(cut, key_sizes(cut, 4), 7_000, True, 100) == [
        DecisionJob((0, 1, 2))
    ]  # workers elsewhere have memory together


def test_a_decision_that_is_there_is_not_made_again(cut):
    decide_stored(cut[:1], 4)
    assert decision_jobs(cut, key_sizes(cut, 4), 10**9, False, 100) == [DecisionJob((1, 2))]
    written = {path: path.stat().st_mtime_ns for path in _files(cut[0])}
    assert decide_stored(cut, 4) == [DecisionJob((1, 2))]
    assert {path: path.stat().st_mtime_ns for path in _files(cut[0])} == written
    assert decide_stored(cut, 4) == []


def test_a_decision_of_which_a_file_is_lost_is_made_again(cut):
    decide_stored(cut, 4)
    next(path for path in _files(cut[0]) if path.name.startswith("block-")).unlink()
    assert decision_jobs(cut, key_sizes(cut, 4), 10**9, False, 100) == [DecisionJob((0,))]


@pytest.mark.parametrize("documents", [10**9 / BYTES_PER_DOCUMENT + 1, math.inf])
def test_a_clustering_beyond_the_memory_has_jobs_of_its_own(cut, tmp_path, documents):
    decision = replace(cut[0].decision, folder=str(tmp_path / "near"))
    near = replace(cut[0], step=MinHashDedup(), name="near", decision=decision)
    sizes = key_sizes(cut, 4)
    expected = [DecisionJob((0,)), DecisionJob((1,), iterative=True), DecisionJob((2,))]
    assert decision_jobs([cut[0], near, cut[2]], {}, 10**9, True, documents) == expected
    assert decision_jobs([cut[0], near, cut[2]], {}, 10**9, True, 1000) == [DecisionJob((0, 1, 2))]
    assert decision_jobs([cut[0], near, cut[2]], sizes | {"near": (100, 100)}, 10**9, False, 1000) == [
        DecisionJob((0, 1, 2))
    ]


def _files(data):
    return sorted(Path(data.decision.folder).iterdir())
