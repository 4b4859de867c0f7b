"""Speed of MinHash signatures, text in, 112 positions of word 5-grams out, on one core, against rensa and datasketch.

    python -m tests.benchmarks.bench_dedup_signatures --peers PYTHON

PYTHON is an interpreter that has rensa and datasketch. CPU seconds count, the best of a few rounds; a round is about 10
MB of real documents of 5 to 20 KB, or of made-up ones where the real ones are not there.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROUNDS = 5


def functions(tool: str) -> dict[str, Callable[[str], object]]:
    """What a tool measures, by name."""
    if tool == "curate":
        from curate.dedup.minhash import minhash_keys, minhash_signature

        return {"curate minhash_signature": minhash_signature, "curate minhash_keys (bands and sketch)": minhash_keys}
    sys.path.insert(0, str(Path(__file__).parent))
    from bench_dedup_peers import shingles

    if tool == "rensa":
        from rensa import RMinHash

        def rensa(text: str) -> object:
            minhash = RMinHash(num_perm=112, seed=1)
            minhash.update(shingles(text))
            return minhash.digest()

        return {"shingles in Python": shingles, "rensa RMinHash": rensa}
    from datasketch import MinHash

    def datasketch(text: str) -> object:
        minhash = MinHash(num_perm=112)
        minhash.update_batch([s.encode() for s in shingles(text)])
        return minhash.hashvalues

    return {"datasketch MinHash": datasketch}


def measure(tool: str, texts: list[str]) -> dict[str, float]:
    """Best CPU seconds of each function over all texts."""
    found = {}
    for name, function in functions(tool).items():
        function(texts[0])  # compile
        best = float("inf")
        for _ in range(ROUNDS):
            started = time.process_time()
            for text in texts:
                function(text)
            best = min(best, time.process_time() - started)
        found[name] = best
    return found


def documents() -> list[str]:
    """About 10 MB of text."""
    from tests.unit.near_duplicate_data import near_duplicates_folder, real_texts

    if near_duplicates_folder():
        return [t for t in real_texts() if 5_000 < len(t) < 20_000][:1200]
    import numpy as np

    random = np.random.default_rng(0)
    words = ["".join(map(chr, random.integers(97, 123, n))) for n in random.integers(2, 10, 5000)]
    return [" ".join(words[i] for i in random.integers(0, 5000, 1700)) for _ in range(1000)]


def main() -> None:
    """Measure each tool and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", default=sys.executable, help="interpreter with the other tools")
    parser.add_argument("--worker", nargs=3, metavar=("TOOL", "TEXTS", "RESULT"))
    options = parser.parse_args()
    if options.worker:
        tool, texts, result = options.worker
        Path(result).write_text(json.dumps(measure(tool, json.loads(Path(texts).read_text()))))
        return
    texts = documents()
    size = sum(len(t.encode()) for t in texts)
    print(f"{len(texts)} documents of {size / len(texts) / 1e3:.1f} KB")
    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        path, result = Path(folder) / "texts.json", Path(folder) / "result.json"
        path.write_text(json.dumps(texts))
        for tool in ("curate", "rensa", "datasketch"):
            python = sys.executable if tool == "curate" else options.peers
            command = [python, __file__, "--worker", tool, str(path), str(result)]
            subprocess.run(command, check=True, env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])})
            found |= json.loads(result.read_text())
    for name, seconds in found.items():
        ratio = seconds / found["curate minhash_signature"]
        speed, each = size / seconds / 1e6, seconds / len(texts) * 1e3
        print(f"{name:40} {speed:7.1f} MB/s {each:7.3f} ms per document, {ratio:5.1f} times the time")


if __name__ == "__main__":
    main()
