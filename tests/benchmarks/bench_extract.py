"""Extraction engines and their peers side by side: F1 of the main text, and time per page.

    python -m tests.benchmarks.bench_extract [FOLDER] [--engines blocks,trafilatura,...] [--pages N]

FOLDER holds ``*.jsonl.zst`` files of pages: ``html`` (bytes as Latin-1), ``gold`` (main text), ``url``; rows with
``suspect`` or ``duplicate_of`` are left out. By default it is ``extraction`` in the evaluation data, beside the
checkout or where CURATE_SHARED_DATA says. Engines are those of ``extract_text``, and `PEERS`, libraries as their own
documentation calls them, on the page as this project decodes it; a peer that is not installed is left out (of those,
only readability-lxml is no dependency). F1 is of words (``\\w+``, lower case) as multisets, the mean over pages. The
shipped model of ``blocks`` was trained on that folder: for pages that it has not seen see the card of the model, or
give another folder. Time is CPU time of one process; engines take turns on each page, so that load is the same for all.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import re
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from statistics import mean, median

import zstandard

from curate.extract.extraction import ExtractConfig, extract_text
from curate.text.charset import decode

FOLDER = Path(os.environ.get("CURATE_SHARED_DATA", Path(__file__).parents[3] / "shared" / "data")) / "extraction"
WORD = re.compile(r"\w+")


def f1(text: str, gold: str) -> float:
    """F1 of two multisets of words."""
    found, wanted = (Counter(WORD.findall(t.lower())) for t in (text, gold))
    total = sum(found.values()) + sum(wanted.values())
    return 2 * sum((found & wanted).values()) / total if total else 1.0


def _trafilatura(page: str) -> str:
    import trafilatura

    return trafilatura.extract(page) or ""


def _resiliparse(page: str) -> str:
    from resiliparse.extract.html2text import extract_plain_text

    return extract_plain_text(page, main_content=True)


def _readability(page: str) -> str:
    import readability
    from lxml.html import fromstring

    try:
        return fromstring(readability.Document(page).summary()).text_content()
    except (readability.readability.Unparseable, ValueError):
        return ""


def _justext(page: str) -> str:
    import justext

    try:
        paragraphs = justext.justext(page.encode(), justext.get_stoplist("English"), encoding="utf-8")
    except (ValueError, AssertionError):  # a page without elements
        return ""
    return "\n".join(paragraph.text for paragraph in paragraphs if not paragraph.is_boilerplate)


PEERS: dict[str, Callable[[str], str]] = {
    "trafilatura-itself": _trafilatura,
    "resiliparse-itself": _resiliparse,
    "readability-lxml": _readability,
    "justext": _justext,
}


def runner(engine: str) -> Callable[[bytes, str | None], str]:
    """Return the function from a page and its URL to its text."""
    if engine in PEERS:
        return lambda page, url: PEERS[engine](decode(page)[0])
    config = ExtractConfig(engine=engine)
    return lambda page, url: extract_text(page, url, config).text


def main() -> None:
    """Print a table per file and kind of page."""
    parser = argparse.ArgumentParser(description="Compare extraction engines.")
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER)
    parser.add_argument("--engines", default="blocks,resiliparse,trafilatura,readability-lxml,justext")
    parser.add_argument("--pages", type=int, default=10**9, help="of each file")
    arguments = parser.parse_args()
    engines = {}
    for engine in arguments.engines.split(","):
        try:
            (run := runner(engine))(b"<p>Loaded and compiled.</p>", None)
        except ImportError as error:
            print(f"{engine} is left out: {error}")
        else:
            engines[engine] = run
    scores: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    seconds: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    size: dict[str, int] = defaultdict(int)
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
                size[name] += len(page)
                for engine, run in engines.items():
                    started = time.process_time()
                    text = run(page, row.get("url"))
                    seconds[name][engine].append(time.process_time() - started)
                    scores[name][engine].append(f1(text, row["gold"] or ""))
                    if row.get("page_type"):
                        scores[f"{name}: {row['page_type']}"][engine].append(scores[name][engine][-1])
    for name, by_engine in sorted(scores.items()):
        pages = len(next(iter(by_engine.values())))
        print(f"{name}: {pages} pages" + (f" of {size[name] / pages / 1000:.0f} KB" if name in size else ""))
        for engine, values in by_engine.items():
            took = [1000 * second for second in seconds[name][engine]] if name in seconds else []
            cost = f"   ms a page: mean {mean(took):6.2f}, median {median(took):6.2f}" if took else ""
            print(f"  {engine:20} F1 {mean(values):.4f}{cost}")


if __name__ == "__main__":
    main()
