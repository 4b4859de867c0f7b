"""Speed of signals and rules beside datatrove and dolma, on the same documents in one run on one core.

    python tests/benchmarks/bench_signals.py [--documents N] [--peers DIRECTORY]

DIRECTORY is what ``tests/conformance/build_peers.sh`` built; rows of peers that are not there are left out. The
documents are the main texts of real pages in ``extraction/wcxb`` of the shared data (CURATE_SHARED_DATA, or
``shared/data`` beside the checkout), else those of the sample crawl. The time of a document is processor time, the best
of several rounds, so that what else the machine does counts little; the table has their sums.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

TITLES = {"datatrove": "datatrove, Gopher x 2, C4, FineWeb", "dolma": "dolma, gopher_v1 and c4_v1"}
DATATROVE = """
from datatrove.data import Document
from datatrove.pipeline.filters import (
    C4QualityFilter, FineWebQualityFilter, GopherQualityFilter, GopherRepetitionFilter,
)
filters = GopherRepetitionFilter(), GopherQualityFilter(), C4QualityFilter(), FineWebQualityFilter()

def step(text):  # one after the other on each document, so that they share its words as in a pipeline
    for each in filters:
        each.filter(Document(text=text, id="0"))
"""
DOLMA = """
from dolma.core.data_types import Document
from dolma.taggers.c4 import C4Tagger
from dolma.taggers.gopher import GopherTagger
taggers = GopherTagger(), C4Tagger()

def step(text):
    for each in taggers:
        each.predict(Document(id="0", source="", text=text))
"""
TIMER = """
import json, sys, time
texts = json.load(sys.stdin)
best = [float("inf")] * len(texts)
for _ in range(3):  # all documents in a round: datatrove keeps the words of the last few
    for i, text in enumerate(texts):
        start = time.process_time()
        step(text)
        best[i] = min(best[i], time.process_time() - start)
print(sum(best))
"""


def texts() -> Iterator[str]:
    shared = Path(os.environ.get("CURATE_SHARED_DATA") or ROOT.parent / "shared" / "data")
    pages = shared / "extraction" / "wcxb.jsonl.zst"
    if pages.exists():
        import zstandard

        with pages.open("rb") as file:
            reader = zstandard.ZstdDecompressor(max_window_size=2**27).stream_reader(file)
            for line in io.TextIOWrapper(reader, encoding="utf-8", newline="\n"):
                if text := json.loads(line)["gold"]:
                    yield text
        return
    from fastwarc.warc import ArchiveIterator

    from curate.extract.extraction import extract_text

    for path in sorted((ROOT / "sample_data" / "crawl").glob("*.warc.gz")):
        with path.open("rb") as file:
            for record in ArchiveIterator(file, parse_http=True):
                if text := extract_text(record.reader.read()).text:
                    yield text


def ours(documents: list[str]) -> dict[str, float]:
    """Seconds of each of our functions."""
    from curate.dedup.minhash import minhash_signature
    from curate.filters.heuristics import decide_preset
    from curate.filters.presets import rules_of
    from curate.filters.rules import decide
    from curate.filters.signals import measure

    rules = rules_of(["default"])
    fineweb = ("gopher@fineweb-2024", "c4@fineweb-2024", "fineweb@2024")
    steps: dict[str, Callable[[str], object]] = {
        "curate, all signals": measure,
        "curate, all signals and the default rules": lambda text: decide(measure(text), rules),
        **{
            f"curate, {name}": (lambda text, name=name: decide_preset(text, name))
            for name in ("gopher@dolma", *fineweb)
        },
        "curate, MinHash signature": minhash_signature,
    }
    found = {}
    for name, step in steps.items():
        best = [float("inf")] * len(documents)
        for _ in range(10):
            for i, text in enumerate(documents):
                start = time.process_time()
                step(text)
                best[i] = min(best[i], time.process_time() - start)
        found[name] = sum(best)
    return found


def peer(name: str, python: Path, code: str, documents: list[str]) -> dict[str, float]:
    """Seconds of a peer, run in its own environment."""
    if not python.exists():
        print(f"left out: {python} is not there", file=sys.stderr)
        return {}
    run = subprocess.run(
        [python, "-W", "ignore", "-c", code + TIMER], input=json.dumps(documents), capture_output=True, text=True
    )
    if run.returncode:
        sys.exit(run.stderr)
    return {name: float(run.stdout.splitlines()[-1])}


def first_call() -> tuple[float, float]:
    """Seconds to import, and of the first call with compiled code in the cache."""
    code = "import time; a = time.process_time(); from curate.filters.signals import measure; b = time.process_time(); "
    code += "measure('a'); print(b - a, time.process_time() - b)"
    runs = [subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True) for _ in range(3)]
    imported, called = zip(*(map(float, run.stdout.split()) for run in runs), strict=True)
    return min(imported), min(called)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=300)
    parser.add_argument("--peers", type=Path, default=Path(os.environ.get("CURATE_PEERS", "peers")))
    options = parser.parse_args()
    documents = [text for _, text in zip(range(options.documents), texts(), strict=False)]
    size = sum(len(text.encode("utf-8", "surrogatepass")) for text in documents)
    seconds = ours(documents)
    for name, code in (("datatrove", DATATROVE), ("dolma", DOLMA)):
        seconds |= peer(TITLES[name], options.peers / name / "bin" / "python", code, documents)
    base = seconds["curate, all signals and the default rules"]
    print(f"{len(documents)} documents, {size / len(documents) / 1000:.1f} KB each; load {os.getloadavg()[0]:.1f}")
    print(f"{'':45}{'ms/document':>12}{'MB/s':>10}{'x ours':>10}")
    for name, each in seconds.items():
        print(f"{name:45}{each / len(documents) * 1000:12.3f}{size / each / 1e6:10.2f}{each / base:10.1f}")
    imported, called = first_call()
    print(f"import curate.filters.signals {imported:.3f} s, first call with compiled code in the cache {called:.3f} s")


if __name__ == "__main__":
    main()
