"""A short campaign over mutated sketches, models and tokenizers, in a process that must not die of one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
CAMPAIGN = """
import sys, tempfile, time
from pathlib import Path
from random import Random
from tests.fuzz import models

made = models.good(Path(tempfile.mkdtemp(dir=sys.argv[1])))
for i in range(40):
    folder = Path(tempfile.mkdtemp(dir=sys.argv[1]))
    started = time.process_time()
    kind = models.mutate(Random(f"12/{i}"), made, folder)
    wrong = models.check(folder)
    took = time.process_time() - started
    assert not wrong and took < 5, (i, kind, wrong, took)
# not what getrusage says, which begins with the memory of the process that started this one
(peak,) = (int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
assert peak < 1_500_000
"""


def test_mutated_files_work_or_are_refused_and_kill_nothing(tmp_path):
    command = [sys.executable, "-c", CAMPAIGN, str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=ROOT)
    assert ended.returncode == 0, ended.stderr[-3000:]
