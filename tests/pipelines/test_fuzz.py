"""The fuzzing campaign itself: the same inputs for the same seed, and it sees what is wrong."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from random import Random

import pytest

from tests.fuzz.checks import check_output, check_printed
from tests.fuzz.documents import Writer
from tests.fuzz.runs import Batch, make_batch
from tests.pipelines.conftest import ROOT

DIGEST = """
import hashlib
from random import Random
from tests.fuzz.documents import Writer
from tests.fuzz.runs import make_batch
files = make_batch(Random("seed"), Writer(Random("seed"), 1))
print(hashlib.sha256(repr([(n, i.mutation, sorted(i.certain), i.data) for n, i in files]).encode()).hexdigest())
"""


def test_a_seed_gives_the_same_inputs_in_every_process():
    def digest(hash_seed: str) -> str:
        environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": hash_seed}
        return subprocess.check_output([sys.executable, "-c", DIGEST], cwd=ROOT, env=environment, text=True)

    assert digest("1") == digest("2")


@pytest.fixture(scope="module")
def batch(tmp_path_factory):
    """A run over two files that nothing harmed."""
    rng = Random(1)
    files = [file for file in make_batch(rng, Writer(rng, 1)) if file[1].mutation == "untouched"][:2]
    batch = Batch(tmp_path_factory.mktemp("fuzz"), "blocks")
    return batch, files, batch.run(files)


def test_untouched_documents_survive(batch):
    _, files, ran = batch
    assert ran.problems == []
    assert ran.facts.markers == files[0][1].certain | files[1][1].certain


def test_a_wrong_count_is_seen(batch, tmp_path):
    runner, _, _ = batch
    path = shutil.copytree(runner.scratch / "out", tmp_path / "out") / "report.json"
    report = json.loads(path.read_bytes())
    report["steps"][2]["kept"] -= 1
    path.write_text(json.dumps(report))
    assert {problem.kind for problem in check_output(path.parent, 2).problems} == {"funnel", "manifest"}
    assert [problem.kind for problem in check_output(path.parent, 3).problems if problem.kind == "inputs"] == ["inputs"]


def test_a_lost_document_is_seen_and_its_file_found(batch):
    runner, (first, (name, made)), _ = batch
    files = [first, (name, replace(made, certain=made.certain | {"Kybababababa"}))]
    lost = runner.run(files[1:]).problems
    assert [problem.kind for problem in lost] == ["lost documents (untouched)"]
    ((problem, names),) = runner.explain(files, lost)
    assert "Kybababababa" in problem.detail
    assert names == [name.decode()]


def test_a_traceback_and_an_escape_are_seen():
    printed = 'read 3\nTraceback (most recent call last):\n  File "x"\nValueError: \x1b[31m\n'
    assert [problem.kind for problem in check_printed(printed)] == ["traceback", "terminal"]
