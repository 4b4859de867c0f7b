"""Near-duplicate removal against other tools, on real documents whose similar pairs are all known exactly.

    python -m tests.benchmarks.bench_dedup_peers --peers PYTHON [--tools curate rensa ...]

PYTHON is an interpreter that has rensa, datasketch, datatrove[processing] and text-dedup. Every tool gets the same
texts, word 5-grams and 14 bands of 8 rows, in one process, one after another; a tool is measured in a process of its
own, so that start-up counts for all. Documents that a tool puts together are those it links, directly or by a chain.
"""

from __future__ import annotations

import argparse
import json
import os
import pickle
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

TOOLS = ("curate", "rensa", "datasketch", "datatrove", "text-dedup")
BANDS, ROWS, NGRAM = 14, 8, 5


def shingles(text: str) -> list[str]:
    """Word 5-grams as the tools without a tokenizer of their own get them."""
    words = re.findall(r"\w+", text.lower())
    return [" ".join(words[i : i + NGRAM]) for i in range(max(1, len(words) - NGRAM + 1))]


def linked(documents: int, pairs) -> list[int]:
    """The smallest document of each one's component."""
    parent = list(range(documents))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for a, b in pairs:
        a, b = root(a), root(b)
        parent[max(a, b)] = min(a, b)
    return [root(i) for i in range(documents)]


def curate(texts: list[str], folder: Path) -> dict:
    """This project: `near_duplicates`, in memory."""
    from curate.dedup.in_memory import near_duplicates

    labels, removed = list(range(len(texts))), 0
    for cluster in near_duplicates(texts):
        removed += len(cluster.removed)
        for i in cluster.members:
            labels[i] = cluster.kept
    return {"labels": labels, "removed": removed}


def rensa(texts: list[str], folder: Path) -> dict:
    """Rensa's RMinHash and its LSH index, whose hits are joined."""
    from rensa import RMinHash, RMinHashLSH

    index = RMinHashLSH(threshold=0.8, num_perm=BANDS * ROWS, num_bands=BANDS)
    hashes = []
    for i, text in enumerate(texts):
        minhash = RMinHash(num_perm=BANDS * ROWS, seed=1)
        minhash.update(shingles(text))
        hashes.append(minhash)
        index.insert(i, minhash)
    return {"labels": linked(len(texts), ((i, j) for i, m in enumerate(hashes) for j in index.query(m)))}


def datasketch(texts: list[str], folder: Path) -> dict:
    """datasketch's MinHash and MinHashLSH, whose hits are joined."""
    from datasketch import MinHash, MinHashLSH

    index = MinHashLSH(params=(BANDS, ROWS), num_perm=BANDS * ROWS)
    hashes = []
    for i, text in enumerate(texts):
        minhash = MinHash(num_perm=BANDS * ROWS)
        minhash.update_batch([s.encode() for s in shingles(text)])
        hashes.append(minhash)
        index.insert(i, minhash)
    return {"labels": linked(len(texts), ((i, j) for i, m in enumerate(hashes) for j in index.query(m)))}


def datatrove(texts: list[str], folder: Path) -> dict:
    """datatrove's four stages as in its FineWeb example, one task each."""
    from datatrove.data import Document
    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.dedup import (
        MinhashDedupBuckets,
        MinhashDedupCluster,
        MinhashDedupFilter,
        MinhashDedupSignature,
    )
    from datatrove.pipeline.dedup.minhash import MinhashConfig

    documents = [Document(text=t, id=str(i)) for i, t in enumerate(texts)]
    config = MinhashConfig(num_buckets=BANDS, hashes_per_bucket=ROWS, n_grams=NGRAM)
    where = {name: str(folder / name) for name in ("signatures", "buckets", "remove")}
    seen: dict[int, int | None] = {}

    def note(data, rank: int = 0, world_size: int = 1):
        for document in data:
            seen[int(document.id)] = document.metadata.get("minhash_cluster_id")
            yield document

    class Removed:
        def write(self, document, rank):
            seen[int(document.id)] = document.metadata["minhash_cluster_id"]

        def __enter__(self):
            return self

        def __exit__(self, *error):
            return None

    kept = MinhashDedupFilter(where["remove"], load_cluster_ids=True)
    kept.exclusion_writer = Removed()
    for tasks, steps in (
        (1, [documents, MinhashDedupSignature(output_folder=where["signatures"], config=config)]),
        (BANDS, [MinhashDedupBuckets(where["signatures"], where["buckets"], config=config)]),
        (1, [MinhashDedupCluster(where["buckets"], where["remove"], config=config, save_cluster_id=True)]),
    ):
        LocalPipelineExecutor(steps, tasks=tasks, workers=1, logging_dir=str(folder / f"logs{len(steps)}{tasks}")).run()
    for _ in note(kept.run(iter(documents), 0, 1)):
        pass
    first: dict[int, int] = {}
    labels = list(range(len(texts)))
    for i in sorted(seen):
        if seen[i] is not None and seen[i] >= 0:
            labels[i] = first.setdefault(seen[i], i)
    return {"labels": labels}


def text_dedup(texts: list[str], folder: Path) -> dict:
    """text-dedup's command, with xxh3; its documents are numbered in their order."""
    path, out = folder / "texts.jsonl", folder / "out"
    path.write_text("".join(json.dumps({"text": t}) + "\n" for t in texts))
    command = [sys.executable, "-m", "text_dedup.minhash", "--path", "json", "--data_files", str(path)]
    command += ["--split", "train", "--cache_dir", str(folder / "cache"), "--output", str(out), "--column", "text"]
    command += ["--ngram", str(NGRAM), "--min_length", "1", "--num_perm", str(BANDS * ROWS), "--b", str(BANDS)]
    command += ["--r", str(ROWS), "--hash_func", "xxh3", "--num_proc", "1", "--debug"]
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, "HF_DATASETS_OFFLINE": "1"})
    with (out / "uf.pkl").open("rb") as f:
        pairs = pickle.load(f).parent.items()
    return {"labels": linked(len(texts), pairs)}


def measure(tool: str, documents: Path) -> dict:
    """Run one tool in this process."""
    texts = json.loads(documents.read_text())
    run = {"curate": curate, "rensa": rensa, "datasketch": datasketch, "datatrove": datatrove, "text-dedup": text_dedup}
    with tempfile.TemporaryDirectory() as folder:
        started, before = time.perf_counter(), os.times()
        found = run[tool](texts, Path(folder))
        after = os.times()
    cpu = sum(after[:4]) - sum(before[:4])
    return {**found, "seconds": time.perf_counter() - started, "cpu_seconds": cpu}


def judge(labels: list[int], removed: int | None, pairs: list[tuple[int, int, float]]) -> dict:
    """Compare with the pairs that are known: all of Jaccard similarity .5 or more."""
    documents = len(labels)
    exact = documents - len(set(linked(documents, ((a, b) for a, b, j in pairs if j >= 0.8))))
    alike = [(a, b) for a, b, j in pairs if j >= 0.8]
    sizes = Counter(labels)
    together = sum(n * (n - 1) // 2 for n in sizes.values())
    known = sum(labels[a] == labels[b] for a, b, _ in pairs)
    removed = documents - len(sizes) if removed is None else removed
    return {
        "recall of pairs >= .8": round(sum(labels[a] == labels[b] for a, b in alike) / len(alike), 4),
        "together but < .5": round((together - known) / max(1, together), 4),
        "largest": max(sizes.values()),
        "removed": removed,
        "against exact": f"{removed / exact - 1:+.1%}",
    }


def main() -> None:
    """Measure each tool and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", default=sys.executable, help="interpreter with the other tools")
    parser.add_argument("--tools", nargs="+", default=TOOLS)
    parser.add_argument("--worker", nargs=3, metavar=("TOOL", "TEXTS", "RESULT"))
    options = parser.parse_args()
    if options.worker:
        tool, documents, result = options.worker
        Path(result).write_text(json.dumps(measure(tool, Path(documents))))
        return
    from tests.unit.near_duplicate_data import real_pairs, real_texts

    pairs = list(zip(*(a.tolist() for a in real_pairs()), strict=True))
    with tempfile.TemporaryDirectory() as folder:
        texts, result = Path(folder) / "texts.json", Path(folder) / "result.json"
        texts.write_text(json.dumps(real_texts()))
        for tool in options.tools:
            python = sys.executable if tool == "curate" else options.peers
            command = [python, __file__, "--worker", tool, str(texts), str(result)]
            done = subprocess.run(
                command,
                capture_output=True,
                text=True,
                env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
            )
            if done.returncode:
                print(f"{tool}: failed: {done.stderr.strip().splitlines()[-1]}", flush=True)
                continue
            found = json.loads(result.read_text())
            row = judge(found["labels"], found.get("removed"), pairs)
            row |= {k: round(found[k], 1) for k in ("seconds", "cpu_seconds")}
            print(f"{tool:12}", *(f"{k} {v}" for k, v in row.items()), sep="  ", flush=True)


if __name__ == "__main__":
    main()
