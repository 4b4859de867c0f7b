"""Gopher's quantities as DCLM measures them, and how much RefinedWeb's line corrections remove.

Definitions: mlfoundations/dclm, baselines/mappers/filters/content_filters.py, and the recipe
baselines_configs/dclm_baseline_refinedweb.yaml.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from curate.filters.reference_filters.token_counts import (
    DUPLICATE,
    TOP,
    all_copies,
    chunk_spans,
    count_tokens,
    ratio,
    uax29_spans,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NAMES = (
    "words", "mean_word_length", "symbol_ratio", "bullet_line_ratio", "ellipsis_line_ratio", "non_alpha_word_ratio",
    "stop_words", "lines", "dup_line_frac", "dup_line_char_frac", "dup_para_frac", "dup_para_char_frac",
    *(f"top_{n}_gram" for n in TOP), *(f"dup_{n}_gram" for n in DUPLICATE),
)  # fmt: skip
BASELINE_NAMES = (*NAMES, "removed_word_ratio")


def measure(text: str, codes: NDArray[np.uint32]) -> dict[str, float]:
    """Measure the quantities of DCLM-baseline's filters."""
    from curate.filters.reference_filters.token_counts import STOP_WORDS
    from curate.text.ngram_kernels import COVERED, TOP as TOP_LONGEST

    chunks = count_tokens(codes, *chunk_spans(codes))
    words = count_tokens(codes, *uax29_spans(codes))
    lines = [line for line in map(str.strip, text.split("\n")) if line]
    paragraphs = [paragraph for paragraph in map(str.strip, text.split("\n\n")) if paragraph]
    repeated_lines, line_characters = all_copies(lines)
    repeated_paragraphs, paragraph_characters = all_copies(paragraphs)
    stop_words = frozenset(STOP_WORDS)
    # fastText splits tokens at ASCII white space and NUL only.
    pieces = re.split(r"[ \n\r\t\v\f\0]+", text)
    quantities = {
        "words": float(sum(piece[0].isalnum() for piece in pieces if piece)),
        "mean_word_length": ratio(chunks.characters, chunks.tokens),
        "symbol_ratio": ratio(sum(map(text.count, ("#", "...", ". . .", "…"))), chunks.tokens),
        "bullet_line_ratio": ratio(sum(line.startswith(("●", "•", "*", "-")) for line in lines), len(lines)),
        "ellipsis_line_ratio": ratio(sum(line.endswith(("...", ". . .", "…")) for line in lines), len(lines)),
        "non_alpha_word_ratio": ratio(chunks.tokens - chunks.with_letter, chunks.tokens),
        "stop_words": float(sum(word in stop_words for word in text.lower().split())),
        "lines": float(len(lines)),
        "dup_line_frac": ratio(repeated_lines, len(lines)),
        "dup_line_char_frac": ratio(line_characters, sum(map(len, lines))),
        "dup_para_frac": ratio(repeated_paragraphs, len(paragraphs)),
        "dup_para_char_frac": ratio(paragraph_characters, sum(map(len, paragraphs))),
    }
    for n in TOP:
        quantities[f"top_{n}_gram"] = ratio(words.ngrams[n][TOP_LONGEST], words.characters)
    for n in DUPLICATE:
        quantities[f"dup_{n}_gram"] = ratio(words.ngrams[n][COVERED], words.characters)
    return quantities


def measure_baseline(text: str, codes: NDArray[np.uint32]) -> dict[str, float]:
    """Measure the page with consecutive blank lines merged, and the share of words that line corrections remove."""
    from curate.filters.clean import refinedweb_clean
    from curate.text.characters import code_points

    text = re.sub(r"\n{3,}", "\n\n", text)
    codes = code_points(text)
    before = len(uax29_spans(codes)[0])
    after = len(uax29_spans(code_points(refinedweb_clean(text).text))[0])
    return {**measure(text, codes), "removed_word_ratio": ratio(before - after, before)}
