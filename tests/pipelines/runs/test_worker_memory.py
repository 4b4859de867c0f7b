"""The largest record that is read, through a whole recipe: a process stays within what `curate plan` says."""

from __future__ import annotations

import random
import subprocess
import sys

import orjson

from curate.input.limits import MAX_RECORD_BYTES
from pipelines.engine.estimate import WORKER_BYTES
from tests.pipelines.conftest import PATIENCE, ROOT

RECIPE = """name: all
steps:
  - extract
  - language: {min_score: 0.0}
  - exact_dedup
  - minhash_dedup
  - line_dedup
  - repetition_clean
  - quality: {min_score: 0, max_spam: 1, max_listing: 1}
  - domain
  - pii
  - tokenize
"""
#: Runs a command and prints its peak of memory in KiB.
MEASURED = (
    "import resource, subprocess, sys; done = subprocess.run(sys.argv[1:]);"
    "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss); sys.exit(done.returncode)"
)


def test_a_page_of_the_largest_size_takes_what_a_worker_may(tmp_path):
    chance = random.Random(0)
    words = ["a", "of\n", "the man\n", "北京", "。", "a.b@example.org ", "10.2.3.4 ", "walks to the river ", "12-3 "]
    text, size = [], 0
    while size < MAX_RECORD_BYTES - 1_500_000:
        word = chance.choice(words)
        text.append(word)
        size += len(word.encode()) + word.count("\n")
    (tmp_path / "page.jsonl").write_bytes(orjson.dumps({"text": "".join(text), "url": "http://a.example/"}))
    (tmp_path / "all.yaml").write_text(RECIPE)
    arguments = ("run", tmp_path / "all.yaml", "--input", tmp_path / "page.jsonl", "--output", tmp_path / "out")
    command = [sys.executable, "-c", MEASURED, sys.executable, "-m", "pipelines", *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=True)
    assert int(done.stdout.split()[-1]) << 10 < WORKER_BYTES
    report = orjson.loads((tmp_path / "out" / "report.json").read_bytes())
    assert report["corpus"]["documents"] == 1
