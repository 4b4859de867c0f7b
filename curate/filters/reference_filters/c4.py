"""The quantities of C4's page rules, as in TFDS and datatrove; `filters.clean.c4_clean` has the line rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from curate.filters.clean import C4CleanConfig, c4_line

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NAMES = ("chars", "lorem_ipsum", "curly_bracket", "sentences")
TFDS = C4CleanConfig()
DATATROVE = C4CleanConfig(min_words=3, terminal_marks=".?!\"'", words_before_citations=True)
#: FineWeb turned off the rule about terminal marks (datatrove, examples/fineweb.py).
FINEWEB = C4CleanConfig(min_words=3, terminal_marks="", words_before_citations=True)


def measure_tfds(text: str, codes: NDArray[np.uint32]) -> dict[str, float]:
    """Measure as TFDS does (4.9.10, c4_utils.py), with Punkt's sentences."""
    from curate.filters.reference_filters import nltk

    return _page(text, TFDS, nltk.sentences)


def measure_datatrove(text: str, codes: NDArray[np.uint32]) -> dict[str, float]:
    """Measure as datatrove's C4QualityFilter does (0.10.1), with spaCy's sentences."""
    from curate.filters.reference_filters import spacy

    return _page(text, DATATROVE, spacy.sentences)


def measure_fineweb(text: str, codes: NDArray[np.uint32]) -> dict[str, float]:
    """Measure as FineWeb did in 2024: lines may end without a mark, and sentences are Punkt's."""
    from curate.filters.reference_filters import nltk

    return _page(text, FINEWEB, nltk.sentences)


def _page(text: str, config: C4CleanConfig, sentences: Callable[[str], int]) -> dict[str, float]:
    """Return whether a line that no earlier rule removes has "lorem ipsum" or "{", and the sentences before it."""
    quantities = {"chars": float(len(text)), "lorem_ipsum": 0.0, "curly_bracket": 0.0, "sentences": 0.0}
    for line in text.splitlines():
        edited, reason = c4_line(line.strip(), config)
        if reason in ("lorem_ipsum", "curly_bracket"):
            quantities[reason] = 1.0
            break
        if not reason:
            quantities["sentences"] += sentences(edited)
    return quantities
