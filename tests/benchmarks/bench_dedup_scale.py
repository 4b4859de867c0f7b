"""Time and memory of near-duplicate removal by number of documents: keys on disk -> verified removal list on disk.

    python -m tests.benchmarks.bench_dedup_scale 1_000_000 4_000_000 --memory 1e9

Each size runs in a process of its own, on one key set of ``signature_sets``; the last line is the fit of time to size.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np


def measure(folder: Path, documents: int, memory: int) -> dict:
    """Decide over a key set that lies in ``folder``, in this process."""
    from functools import partial

    from pipelines.engine.decisions import warn
    from pipelines.steps.base import table_at
    from pipelines.steps.minhash_dedup import CLUSTER_STATS
    from tests.benchmarks.signature_sets import signature_set
    from tests.eager import pipeline
    from tests.pipelines.decisions import decide_stored

    data = signature_set(folder)
    blocks = len(list(folder.glob("keys-*.parquet")))
    make = partial(pipeline, f"--key_memory={memory}", f"--key_scratch={folder}")
    started, cpu = time.perf_counter(), time.process_time()
    decide_stored([data], blocks, make, memory)
    seconds = time.perf_counter() - started
    account = table_at(data.decision, CLUSTER_STATS)
    return {
        "documents": documents,
        "seconds": round(seconds, 1),
        "cpu_seconds": round(time.process_time() - cpu, 1),
        "bytes_per_document": {k: round(n / documents, 1) for k, n in account["stage_bytes"].items()},
        "peak_rss_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, 2),
        "load": os.getloadavg()[0],
        **account,
        "warnings": list(warn([data], 0, range(blocks))),
    }


def main() -> None:
    """Run the sizes one after another."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("documents", type=lambda s: int(float(s)), nargs="+")
    parser.add_argument("--memory", type=float, default=1e9, help="budget in bytes")
    parser.add_argument("--slice", type=int, default=50_000, help="documents in a key file")
    parser.add_argument("--folder", type=Path, help="where to make, or find, the key sets")
    parser.add_argument("--one", action="store_true", help="measure one size that is there, in this process")
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(options.folder, options.documents[0], int(options.memory))))
        return
    from tests.benchmarks.signature_sets import plan, write_signature_set

    base = options.folder or Path(tempfile.mkdtemp())
    results = []
    for documents in options.documents:
        folder = base / str(documents)
        if not (folder / "made").exists():
            write_signature_set(folder, plan(documents), max(1, documents // options.slice))
            (folder / "made").touch()
        command = [sys.executable, "-m", "tests.benchmarks.bench_dedup_scale", str(documents), "--one"]
        command += ["--memory", str(options.memory), "--folder", str(folder)]
        results.append(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
        print(json.dumps(results[-1]), flush=True)
    if len(results) > 1:
        for clock in ("seconds", "cpu_seconds"):
            sizes, times = (np.log([r[k] for r in results]) for k in ("documents", clock))
            print(f"{clock} grow as documents^{np.polyfit(sizes, times, 1)[0]:.2f}")


if __name__ == "__main__":
    main()
