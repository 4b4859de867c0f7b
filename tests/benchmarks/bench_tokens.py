"""Speed: `tokens.tokenizers` beside the `tokenizers` library with the same file, on the same texts and one core.

    python tests/benchmarks/bench_tokens.py [--documents N]

The documents are those of ``bench_signals.py``. Both must give the same ids of each, or the run ends. The time of a
document is processor time, the best of several rounds; a megabyte is a million bytes of UTF-8.
"""

from __future__ import annotations

import argparse
import itertools
import os
import time
from collections.abc import Callable

import tokenizers
from bench_signals import texts

from curate.tokens.tokenizers import load_tokenizer

ROUNDS = 3


def seconds(encode: Callable[[str], object], documents: list[str]) -> float:
    """Return the processor time of all documents, for each the best of several rounds."""
    best = [float("inf")] * len(documents)
    for _ in range(ROUNDS):
        for i, text in enumerate(documents):
            start = time.process_time()
            encode(text)
            best[i] = min(best[i], time.process_time() - start)
    return sum(best)


def main() -> None:
    """Print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=500)
    documents = list(itertools.islice(texts(), parser.parse_args().documents))
    ours = load_tokenizer()
    theirs = tokenizers.Tokenizer.from_str(ours.to_json())
    theirs.encode_special_tokens = True  # a special token's name in a text is text
    for text in documents:
        if ours.encode(text).tolist() != theirs.encode(text, add_special_tokens=False).ids:
            raise SystemExit(f"the ids of a text differ: {text[:80]!r}")
    megabytes = sum(len(text.encode()) for text in documents) / 1e6
    print(f"{len(documents)} documents, {megabytes:.1f} MB, load {os.getloadavg()[0]:.1f}; the same ids")
    for name, encode in (
        ("curate.tokens.tokenizers", ours.encode),
        ("tokenizers", lambda text: theirs.encode(text, add_special_tokens=False).ids),
    ):
        print(f"{name:14} {megabytes / seconds(encode, documents):6.1f} MB/s")


if __name__ == "__main__":
    main()
