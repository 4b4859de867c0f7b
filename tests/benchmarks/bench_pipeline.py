"""What Beam and files cost: the text path of a recipe, run by ``curate run``, beside its functions in a plain loop.

    python -m tests.benchmarks.bench_pipeline [--copies 30] [--rounds 3]

JSONL in, language, signals and rules, PII, quality score, MinHash key, Parquet out, over the main texts of real pages
in ``extraction/wcxb`` of the shared data (CURATE_SHARED_DATA, or ``shared/data`` beside the checkout), each of them
``--copies`` times. The loop does the same with the same documents in one process, and writes the texts that are left
and their keys, as anybody would: no signals, no rejections, no way to stop and go on. Processor time is of all
processes, less that of a run over one document (imports, models, planning).
"""

from __future__ import annotations

import argparse
import io
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import zstandard

ROOT = Path(__file__).parents[2]
SHARED = Path(os.environ.get("CURATE_SHARED_DATA") or ROOT.parent / "shared" / "data")
STEPS = ("language", "heuristics", "pii", "quality")
RECIPE = "steps:\n" + "".join(f"  - {step}\n" for step in (*STEPS, "minhash_dedup"))


def write_input(path: Path, copies: int) -> int:
    """Write the documents as JSONL; returns their number."""
    with (SHARED / "extraction" / "wcxb.jsonl.zst").open("rb") as f:
        reader = zstandard.ZstdDecompressor(max_window_size=2**27).stream_reader(f)
        texts = [json.loads(line)["gold"] for line in io.TextIOWrapper(reader, encoding="utf-8", newline="\n")]
    lines = [json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in texts if text]
    for part in range(copies):
        path.with_suffix(f".{part:03d}.jsonl").write_text("".join(lines), encoding="utf-8")
    return copies * len(lines)


def loop(paths: list[Path]) -> None:
    """Call the functions of the recipe, one document after another, and write what is left."""
    import orjson
    import pyarrow as pa
    import pyarrow.parquet as pq

    from curate.document import Document
    from curate.text.hashing import document_id
    from pipelines.recipe.recipe import parse_recipe

    *steps, dedup = (entry.step for entry in parse_recipe(RECIPE, "recipe.yaml").steps)
    chain: list[Callable] = [step.make() for step in steps]
    key = dedup.key()
    for path in paths:
        kept = []
        with path.open("rb") as lines:
            for line in lines:
                document = Document(id=document_id("", "", line), text=orjson.loads(line)["text"])
                for function in chain:
                    document = function(document)
                    if not isinstance(document, Document):
                        break
                else:
                    kept.append((document.id, document.text, document.language, document.quality, *key(document)[:2]))
        names = ["id", "text", "language", "quality", "bands", "sketch"]
        table = pa.Table.from_arrays([pa.array(column) for column in zip(*kept, strict=True)], names)
        pq.write_table(table, path.with_suffix(".parquet"), compression="zstd", use_dictionary=["language"])


def timed(command: list[str]) -> tuple[float, float]:
    """Run a command; returns its wall and processor seconds, those of its children too."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Print wall and processor time of the loop and of runs with one and two workers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--copies", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--loop", nargs="+", type=Path, help="only the loop over these files, in this process")
    arguments = parser.parse_args()
    if arguments.loop:
        loop(arguments.loop)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "recipe.yaml").write_text(RECIPE, encoding="utf-8")
        documents = write_input(folder / "pages", arguments.copies)
        paths = sorted(folder.glob("pages.*.jsonl"))
        megabytes = sum(path.stat().st_size for path in paths) / 1e6
        (folder / "one.jsonl").write_bytes(paths[0].open("rb").readline())

        def run(pattern: str, workers: int) -> list[str]:
            output = tempfile.mkdtemp(dir=folder)
            recipe = str(folder / "recipe.yaml")
            command = [sys.executable, "-m", "pipelines.cli", "run", recipe, "--output", output]
            return [*command, "--input", str(folder / pattern), "--workers", str(workers)]

        def plain(files: list[Path]) -> list[str]:
            return [sys.executable, "-m", "tests.benchmarks.bench_pipeline", "--loop", *map(str, files)]

        commands = {
            "loop": (lambda: plain(paths), lambda: plain([folder / "one.jsonl"])),
            "1 worker": (lambda: run("pages.*.jsonl", 1), lambda: run("one.jsonl", 1)),
            "2 workers": (lambda: run("pages.*.jsonl", 2), lambda: run("one.jsonl", 2)),
        }
        rounds: dict[str, list[tuple[float, float, float, float]]] = {what: [] for what in commands}
        for _ in range(arguments.rounds):
            for what, (whole, one) in commands.items():
                (wall, cpu), (start_wall, start_cpu) = timed(whole()), timed(one())
                rounds[what].append((wall - start_wall, cpu - start_cpu, start_wall, start_cpu))
        median = {what: [statistics.median(column) for column in zip(*r, strict=True)] for what, r in rounds.items()}
        print(
            f"{documents:,} documents, {megabytes:.0f} MB, load {os.getloadavg()[0]:.1f}, of {arguments.rounds} rounds"
        )
        print(
            f"{'':10} {'wall s':>8} {'CPU s':>8} {'MB/s of CPU':>12} {'ms CPU/doc':>11} {'start s':>8} {'its CPU':>8}"
        )
        for what, (wall, cpu, start_wall, start_cpu) in median.items():
            print(
                f"{what:10} {wall:8.1f} {cpu:8.1f} {megabytes / cpu:12.1f} {1000 * cpu / documents:11.3f}"
                f" {start_wall:8.1f} {start_cpu:8.1f}"
            )
        print(f"CPU, 1 worker / loop: {median['1 worker'][1] / median['loop'][1]:.2f}")
        print(f"wall, 1 worker / 2 workers: {median['1 worker'][0] / median['2 workers'][0]:.2f}")


if __name__ == "__main__":
    main()
