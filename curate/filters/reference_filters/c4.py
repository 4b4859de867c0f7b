"""What C4's page cleaning asks of a page, as TFDS and datatrove have it; `filters.clean.c4_clean` does the cleaning."""

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
#: FineWeb turned the rule of terminal marks off (datatrove, examples/fineweb.py).
FINEWEB = C4CleanConfig(min_words=3, terminal_marks="", words_before_citations=True)


def measure_tfds(text: str, codes: NDArray[np.uint32]) -> dict[str, float]:
    """Measure as TFDS does (4.9.10, c4_utils.py): sentences by Punkt."""
    from curate.filters.reference_filters import nltk

    return _page(text, TFDS, nltk.sentences)


def measure_datatrove(text: str, codes: NDArray[np.uint32]) -> dict[str, float]:
    """Measure as datatrove's C4QualityFilter does (0.10.1): sentences by spaCy."""
    from curate.filters.reference_filters import spacy

    return _page(text, DATATROVE, spacy.sentences)


def measure_fineweb(text: str, codes: NDArray[np.uint32]) -> dict[str, float]:
    """Measure as FineWeb did in 2024: any line may end without a mark, sentences by Punkt."""
    from curate.filters.reference_filters import nltk

    return _page(text, FINEWEB, nltk.sentences)


def _page(text: str, config: C4CleanConfig, sentences: Callable[[str], int]) -> dict[str, float]:
    """Whether "lorem ipsum" or a curly bracket stands in a line that is kept so far, and sentences before that line."""
    found = {"chars": float(len(text)), "lorem_ipsum": 0.0, "curly_bracket": 0.0, "sentences": 0.0}
    for line in text.splitlines():
        edited, reason = c4_line(line.strip(), config)
        if reason in ("lorem_ipsum", "curly_bracket"):
            found[reason] = 1.0
            break
        if not reason:
            found["sentences"] += sentences(edited)
    return found
