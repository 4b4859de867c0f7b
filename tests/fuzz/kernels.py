"""Give strange pages and texts to every public function, with every index of the kernels checked.

    python -m tests.fuzz.kernels SECONDS SEED

Prints each call that raises or takes longer than `SLOW`, with the input, and exits with 1 if there was any.
"""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Callable
from typing import Any

SLOW = 1.0, 10e-6  # seconds of a call, and for each byte besides: 10 s a MB


def functions() -> tuple[dict[str, Callable[[str], Any]], dict[str, Callable[[str], Any]]]:
    """Return what takes a page and what takes a text, by name."""
    from curate import classify_domain, detect_language, line_hashes, normalize_url, quality_score, scrub_pii
    from curate.dedup.minhash import minhash_keys
    from curate.extract.extraction import ExtractConfig, extract_text
    from curate.extract.formulas import formulas_to_text
    from curate.filters.clean import RepetitionCleanConfig, c4_clean, refinedweb_clean, repetition_clean
    from curate.filters.reference_filters import REFERENCE_FILTERS
    from curate.filters.signals import measure
    from curate.tokens.tokenizers import load_tokenizer

    loose = RepetitionCleanConfig(min_words=1, max_share=0.1)
    everything = ExtractConfig(alt_texts="all")
    pages: dict[str, Callable[[str], Any]] = {
        "extract_text": extract_text,
        "extract_text, alternative texts": lambda page: extract_text(page, config=everything),
        "extract_text, bytes": lambda page: extract_text(page.encode("utf-8", "surrogatepass")),
        "formulas_to_text": formulas_to_text,
    }
    texts: dict[str, Callable[[str], Any]] = {
        "measure": lambda text: measure(text, "en", list(REFERENCE_FILTERS)),
        "measure, Japanese": lambda text: measure(text, "ja"),
        "minhash_keys": minhash_keys,
        "line_hashes": line_hashes,
        "repetition_clean": lambda text: repetition_clean(text, loose),
        "c4_clean": c4_clean,
        "refinedweb_clean": refinedweb_clean,
        "detect_language": detect_language,
        "quality_score": quality_score,
        "classify_domain": classify_domain,
        "scrub_pii": scrub_pii,
        "normalize_url": normalize_url,
        "tokens": load_tokenizer("curate-32k").encode,
    }
    return pages, texts


def failure(function: Callable[[str], Any], given: str) -> str:
    """Call a function; return what is wrong, or nothing."""
    started = time.process_time()
    try:
        function(given)
    except Exception as error:  # whatever it is, these functions take any string
        return f"{type(error).__name__}: {error}"
    seconds, size = time.process_time() - started, len(given.encode("utf-8", "surrogatepass"))
    return f"{seconds:.1f} s for {size:,} bytes" if seconds > SLOW[0] + SLOW[1] * size else ""


def main() -> None:
    """Run until the time is up."""
    from tests.unit.strange_texts import strange_page, strange_text

    pages, texts = functions()
    for function in (*pages.values(), *texts.values()):
        function("<p>A text for which everything is compiled and loaded.")
    rng = random.Random(int(sys.argv[2]))
    end = time.monotonic() + float(sys.argv[1])
    calls = failures = 0
    while time.monotonic() < end:
        longest = rng.choice((5, 80, 80, 2000))
        page, text = strange_page(rng, longest), strange_text(rng, longest)
        for given, group in ((page, pages), (text, texts), (page, texts)):
            for name, function in group.items():
                calls += 1
                if wrong := failure(function, given):
                    failures += 1
                    print(f"{name}: {wrong}\n    {given!r}", flush=True)
    print(f"{calls:,} calls, {failures} failures, seed {sys.argv[2]}")
    sys.exit(failures > 0)


if __name__ == "__main__":
    os.environ["NUMBA_BOUNDSCHECK"] = "1"  # before numba is imported
    main()
