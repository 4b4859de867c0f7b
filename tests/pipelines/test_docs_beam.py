"""The examples of docs/beam.md run as they are printed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "beam.md").read_text("utf-8")
BLOCKS = dict(re.findall(r"```python file=(\S+)\n(.*?)```", PAGE, re.DOTALL))
STORY = (
    "The old mill stands beside the river, and that is where the miller has ground the corn of the valley with his son "
    "for a hundred years. In the spring the water is high and the wheel turns day and night; in the autumn they have "
    "little to do, and so they mend the roof of the house and walk to the market in the town to buy what they need."
)
OTHER = (
    "A comet is a small body of ice and dust that moves around the sun. When it comes near enough, the heat turns some "
    "of the ice to gas, and the light of the sun pushes that away to form the tail which people have seen for "
    "thousands of years. Most comets are too faint for the naked eye, and few of them return within a human lifetime."
)


@pytest.fixture
def run(tmp_path):
    """Run an example in a process of its own, in a folder of its own, and return the folder."""

    def run_block(name: str, *command: str) -> Path:
        (tmp_path / name).write_text(BLOCKS[name])
        path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
        done = subprocess.run(
            [sys.executable, *command, name],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": path},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return tmp_path

    return run_block


def test_the_pipeline_keeps_and_rejects_what_it_says(run, tmp_path):
    texts = [STORY, OTHER, f"{STORY} It is still there.", f"{OTHER} Casino, casino, casino!", "Too short to keep."]
    (tmp_path / "pages").mkdir()
    table = pa.table({"content": texts, "licence": ["CC0"] * len(texts), "other": range(len(texts))})
    pq.write_table(table, tmp_path / "pages" / "a.parquet")
    out = run("corpus.py") / "out"
    kept = [row for path in sorted(out.glob("documents/*.parquet")) for row in pq.read_table(path).to_pylist()]
    assert len(kept) == 2
    assert OTHER in {row["text"] for row in kept}
    assert {row["licence"] for row in kept} == {"CC0"}
    counted = dict(line.split("\t") for path in out.glob("counts*") for line in path.read_text().splitlines())
    assert counted.pop("no_casino/no_casino") == counted.pop("minhash_dedup/near_duplicate") == "1"
    assert list(counted.values()) == ["1"]
    assert sum(len(pq.read_table(path)) for path in out.glob("rejected/*.parquet")) == 3


def test_the_test_of_a_corpus_step_passes(run):
    run("test_cut.py", "-m", "pytest", "-q", "-p", "no:cacheprovider")


def test_every_example_is_tested_and_short():
    assert set(BLOCKS) == {"corpus.py", "test_cut.py"}
    assert BLOCKS["corpus.py"].count("\n") <= 20
