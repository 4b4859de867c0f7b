"""Speed of the quality score, of the domain label and of what they are made of, on one core.

    python tests/benchmarks/bench_quality.py [--documents N]

The documents are main texts of real pages of 8,000 to 12,500 characters in ``quality/web_main_text_gold`` of the shared
data (CURATE_SHARED_DATA, or ``shared/data`` beside the checkout), else lines of the sample crawl's English text put
together to that length. The time of a document is processor time, the best of several rounds. What the score is worth:
``python -m quality_models.evaluate_shipped``.
"""

from __future__ import annotations

import argparse
import os
import random
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROUNDS = 8


def texts() -> list[str]:
    """The documents, about 10 KB each."""
    shared = Path(os.environ.get("CURATE_SHARED_DATA") or ROOT.parent / "shared" / "data")
    pages = shared / "quality" / "web_main_text_gold.jsonl.zst"
    if pages.exists():
        from quality_models.examples import read_rows

        return [text for row in read_rows(pages) if 8000 <= len(text := str(row["text"])) <= 12_500]
    sentences = (ROOT / "sample_data" / "text" / "en.txt").read_text().split("\n")
    rng = random.Random(0)
    return ["\n".join(rng.choices(sentences, k=110)) for _ in range(200)]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=200)
    documents = texts()[: parser.parse_args().documents]

    from curate.filters.signals import measure
    from curate.models.text_classifier import prepare
    from curate.quality.domains import classify_domain
    from curate.quality.model import load_quality_model
    from curate.quality.scoring import ENGLISH, quality_score

    start = time.process_time()
    quality_score(documents[0])
    classify_domain(documents[0])
    first = time.process_time() - start
    model = load_quality_model(ENGLISH)
    classifier = model.classifier
    assert classifier is not None
    signals = {text: measure(text) for text in documents}
    prepared = {text: prepare(text) for text in documents}
    steps: dict[str, Callable[[str], object]] = {
        "quality_score, signals measured inside": quality_score,
        "quality_score, signals given": lambda text: quality_score(text, signals=signals[text]),
        "quality_score, another language, signals given": lambda t: quality_score(t, signals=signals[t], language="de"),
        "classify_domain": classify_domain,
        "  of which: signals": measure,
        "  of which: preparing the words": prepare,
        "  of which: fastText": lambda text: classifier.probabilities(prepared[text]),
    }
    size = sum(map(len, documents)) / len(documents)
    print(f"{len(documents)} documents of {size:,.0f} characters; models and kernels load in {first:.1f} s")
    for name, step in steps.items():
        best = [float("inf")] * len(documents)
        for _ in range(ROUNDS):
            for i, text in enumerate(documents):
                begin = time.process_time()
                step(text)
                best[i] = min(best[i], time.process_time() - begin)
        print(f"{name:50}{sum(best) / len(best) * 1e3:8.3f} ms")


if __name__ == "__main__":
    main()
