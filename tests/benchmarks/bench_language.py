"""Time of language identification by length of text, engine beside engine on the same texts.

    python -m tests.benchmarks.bench_language [--fasttext lid.176.ftz]

The texts are made from the sentences of the unit test. Macro F1 by engine is what quality_models.evaluate_language
prints.
"""

from __future__ import annotations

import argparse
import json
import os
import time

from curate.language.detection import LanguageConfig, detect_language, language_shares
from tests.unit.test_language import SENTENCES

LENGTHS = (100, 1_000, 10_000, 1_000_000)


def milliseconds(call, texts: list[str], rounds: int = 5) -> float:
    """Processor time per text, the best of some rounds."""
    call(texts[0])
    best = float("inf")
    for _ in range(rounds):
        started = time.process_time()
        for text in texts:
            call(text)
        best = min(best, time.process_time() - started)
    return round(best * 1000 / len(texts), 4)


def main() -> None:
    """Print a line of JSON for each length."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fasttext", help="a fastText model to compare with")
    arguments = parser.parse_args()
    configs = {"curate": LanguageConfig(), "langdetect": LanguageConfig("langdetect")}
    if arguments.fasttext:
        configs["fasttext"] = LanguageConfig("fasttext", arguments.fasttext)
    for length in LENGTHS:
        texts = [((text + "\n") * (length // len(text) + 1))[:length] for text in SENTENCES.values()]
        times = {
            name: milliseconds(lambda t, c=config: detect_language(t, c), texts) for name, config in configs.items()
        }
        times["shares"] = milliseconds(language_shares, texts)
        print(json.dumps({"characters": length, "ms": times, "load": os.getloadavg()[0]}), flush=True)


if __name__ == "__main__":
    main()
