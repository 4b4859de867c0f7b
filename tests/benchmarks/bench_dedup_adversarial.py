"""Near-duplicate removal where it is hard: time, memory and what is removed.

    python -m tests.benchmarks.bench_dedup_adversarial

A million copies of one page; half a million pages of one template that differ in a paragraph (similarity .6 to each
other) or in a sentence (.9); a chain of 10,000 pages, each .85 similar to the next; a million pages without a word.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np


def cases() -> dict[str, np.ndarray]:
    """Planned documents by name."""
    from tests.benchmarks.signature_sets import PLAN

    def alike(documents: int, shared: float) -> np.ndarray:
        rows = np.zeros(documents, PLAN)
        rows["root"], rows["shared"] = 1, shared
        return rows

    chain = alike(10_000, 1.0)
    chain["place"] = np.random.Generator(np.random.PCG64(0)).permutation(len(chain)) + 1
    return {
        "a million copies of one page": alike(1_000_000, 1.0),
        "500,000 pages of a template, J = .6": alike(500_000, 0.75),
        "500,000 pages of a template, J = .74": alike(500_000, 0.85),
        "500,000 pages of a template, J = .9": alike(500_000, 2 * 0.9 / 1.9),
        "a chain of 10,000 pages, J = .85": chain,
    }


def main() -> None:
    """Run the cases one after another."""
    from tests.benchmarks.signature_sets import write_signature_set

    for name, planned in cases().items():
        with tempfile.TemporaryDirectory() as folder:
            write_signature_set(Path(folder), planned, max(1, len(planned) // 50_000))
            command = [sys.executable, "-m", "tests.benchmarks.bench_dedup_scale", str(len(planned)), "--one"]
            done = subprocess.run([*command, "--folder", folder], check=True, capture_output=True, text=True)
        found = json.loads(done.stdout)
        shown = ("seconds", "cpu_seconds", "peak_rss_gb", "candidates", "removed", "largest_cluster", "largest_bucket")
        print(f"{name}:", *(f"{k} {found[k]:,}" for k in shown), sep="  ", flush=True)


if __name__ == "__main__":
    main()
