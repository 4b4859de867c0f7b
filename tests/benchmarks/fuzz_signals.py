"""Compare the kernels with plain Python on many strange texts: ``python fuzz_signals.py [TEXTS] [SEED]``.

Prints each text on which a signal differs, and how many texts were tried; 100,000 take some twenty minutes.
"""

from __future__ import annotations

import math
import random
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "unit"))

import reference_signals
from strange_texts import LANGUAGES, strange_text

from curate.filters.signals import measure


def differences(text: str, language: str) -> dict[str, tuple[float, float]]:
    """The signals that the kernels and the reference do not agree on, or that are no number."""
    found, expected = measure(text, language).as_dict(), reference_signals.measure(text, language)
    if list(found) != list(expected):
        return {"names": (len(found), len(expected))}
    return {
        name: (found[name], expected[name])
        for name in found
        if not math.isclose(found[name], expected[name], rel_tol=1e-9, abs_tol=1e-12)
    }


def main() -> None:
    texts = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    rng = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else 0)
    wrong = 0
    for i in range(texts):
        text, language = strange_text(rng), rng.choice(LANGUAGES)
        if found := differences(text, language):
            wrong += 1
            print(i, language, repr(text), found, flush=True)
    print(f"{texts} texts, {wrong} on which the kernels and the reference differ")
    sys.exit(wrong > 0)


if __name__ == "__main__":
    main()
