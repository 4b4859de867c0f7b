"""Gopher's quantities as dolma 1.2.1 tags them (``gopher_v1``): white-space words, blank lines, all copies counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from curate.filters.reference_filters.token_counts import DUPLICATE, TOP, all_copies, chunk_spans, count_tokens, ratio

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NAMES = (
    "word_count", "median_word_length", "symbol_to_word_ratio", "fraction_of_words_with_alpha_character",
    "required_word_count", "fraction_of_lines_starting_with_bullet_point", "fraction_of_lines_ending_with_ellipsis",
    "fraction_of_duplicate_lines", "fraction_of_characters_in_duplicate_lines",
    *(f"fraction_of_characters_in_most_common_{n}grams" for n in TOP),
    *(f"fraction_of_characters_in_duplicate_{n}grams" for n in DUPLICATE),
)  # fmt: skip


def measure(text: str, codes: NDArray[np.uint32]) -> dict[str, float]:
    """Measure the quantities that dolma's tagger has under the same names."""
    from curate.text.ngram_kernels import ALL_COPIES, EVERY, TOP_FIRST

    counts = count_tokens(codes, *chunk_spans(codes))
    lines = text.split("\n")
    repeated_lines, repeated_characters = all_copies(lines)
    with_symbol = sum("#" in word or "…" in word for word in text.split()) if "#" in text or "…" in text else 0
    quantities = {
        "word_count": float(counts.tokens),
        "median_word_length": counts.median_length,
        "symbol_to_word_ratio": ratio(with_symbol, counts.tokens),
        "fraction_of_words_with_alpha_character": ratio(counts.with_letter, counts.tokens),
        "required_word_count": float(counts.stop_words),
        "fraction_of_lines_starting_with_bullet_point": sum(line.startswith(("*", "-")) for line in lines) / len(lines),
        "fraction_of_lines_ending_with_ellipsis": sum(line.endswith("…") for line in lines) / len(lines),
        "fraction_of_duplicate_lines": repeated_lines / len(lines),
        # Lines contain white space and words do not, so this can exceed 1.
        "fraction_of_characters_in_duplicate_lines": repeated_characters / max(counts.characters, 1),
    }
    for n in TOP:
        share = ratio(counts.ngrams[n][TOP_FIRST], counts.characters)
        quantities[f"fraction_of_characters_in_most_common_{n}grams"] = share
    for n in DUPLICATE:
        row = counts.ngrams[n]
        quantities[f"fraction_of_characters_in_duplicate_{n}grams"] = ratio(row[ALL_COPIES], row[EVERY])
    return quantities
