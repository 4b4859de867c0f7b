"""Extraction engines side by side: F1 of the main text, and time per page.

    python -m tests.benchmarks.bench_extract [FOLDER] [--engines resiliparse,trafilatura,blocks] [--pages N]

FOLDER holds ``*.jsonl.zst`` files of pages: ``html`` (bytes as Latin-1), ``gold`` (main text), ``url``; rows with
``suspect`` or ``duplicate_of`` are left out. By default it is ``extraction`` in the evaluation data, beside the
checkout or where CURATE_SHARED_DATA says. F1 is of words (``\\w+``, lower case) as multisets, the mean over pages. The
shipped model of the engine ``blocks`` was trained on that folder: for pages it has not seen see the card of the model,
or give another folder. Time is CPU time of one process; engines take turns on each page, so that load is the same for
all.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import re
import time
from collections import Counter, defaultdict
from pathlib import Path

import zstandard

from curate.extract.extraction import ExtractConfig, extract_text

FOLDER = Path(os.environ.get("CURATE_SHARED_DATA", Path(__file__).parents[3] / "shared" / "data")) / "extraction"
WORD = re.compile(r"\w+")


def f1(text: str, gold: str) -> float:
    """F1 of two multisets of words."""
    found, wanted = (Counter(WORD.findall(t.lower())) for t in (text, gold))
    total = sum(found.values()) + sum(wanted.values())
    return 2 * sum((found & wanted).values()) / total if total else 1.0


def main() -> None:
    """Print a table per file and kind of page."""
    parser = argparse.ArgumentParser(description="Compare extraction engines.")
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER)
    parser.add_argument("--engines", default="resiliparse,trafilatura,blocks")
    parser.add_argument("--pages", type=int, default=10**9, help="of each file")
    arguments = parser.parse_args()
    engines = arguments.engines.split(",")
    for engine in engines:
        extract_text("<p>Loaded and compiled.</p>", config=ExtractConfig(engine=engine))
    scores: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    seconds: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for path in sorted(arguments.folder.glob("*.jsonl.zst")):
        name = path.name.partition(".")[0]
        with path.open("rb") as f:
            reader = zstandard.ZstdDecompressor(max_window_size=2**27).stream_reader(f)
            done = 0
            for line in io.TextIOWrapper(reader, encoding="utf-8"):
                row = json.loads(line)
                if row.get("suspect") is not None or row.get("duplicate_of") is not None or done >= arguments.pages:
                    continue
                done += 1
                page = row["html"].encode("latin-1")
                for engine in engines:
                    started = time.process_time()
                    text = extract_text(page, row.get("url"), ExtractConfig(engine=engine)).text
                    seconds[name][engine] += time.process_time() - started
                    scores[name][engine].append(f1(text, row["gold"] or ""))
                    if row.get("page_type"):
                        scores[f"{name}: {row['page_type']}"][engine].append(scores[name][engine][-1])
    for name, by_engine in sorted(scores.items()):
        pages = len(by_engine[engines[0]])
        shown = []
        for engine, values in by_engine.items():
            cost = f" {1000 * seconds[name][engine] / pages:6.2f} ms" if name in seconds else ""
            shown.append(f"{engine} {sum(values) / pages:.4f}{cost}")
        print(f"{name:32} {pages:5} pages  ", "   ".join(shown))


if __name__ == "__main__":
    main()
