"""The quantities of NeMo Curator's English heuristics (1.4.0, heuristic_filter_english_pipeline.yaml)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from curate.filters.reference_filters.token_counts import DUPLICATE, TOP, chunk_spans, count_tokens, later_copies, ratio
from curate.text.words import POLICY_PHRASES

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NAMES = (
    "alpha_numeric", "symbol_to_word", "numbers_ratio", "urls_ratio", "white_space", "parentheses_ratio",
    "boilerplate_string_ratio", "repeated_lines", "repeated_paragraphs", "repeated_lines_char",
    "repeated_paragraphs_char", "word_count", "punctuation", "words_without_alphabets", "common_english_words",
    "mean_word_length", "max_word_length", "ellipsis", "bullet_ratio",
    *(f"repeating_top_{n}grams" for n in TOP), *(f"repeating_dup_{n}gram" for n in DUPLICATE),
)  # fmt: skip

_KEPT_BY_ALPHA_NUMERIC = re.compile(r"[a-zA-Z0-9\n?!,.]+")
_URL = re.compile(r"https?://(?:[-A-Za-z0-9$_@.&+/:=?#~!*(),]|%[0-9A-Fa-f]{2})+")
_ELLIPSES = ("...", "[...]", "…", "(...)", "[…]", "-»", "read more..", "read more")
_BULLETS = tuple("•‣⁃⁌⁍∙○●◘◦⦾⦿")
# NeMo's list also has five whole cookie banners: two contain "uses cookies", and a part of each of the others is here.
_BOILERPLATE = (
    *POLICY_PHRASES, "privacy overview", "privacy & cookies policy", "privacy and cookies policy",
    "necessary cookies are absolutely essential for the website to function properly",
    "are termed as non-necessary cookies", "you agree to this use. acceptread more",
)  # fmt: skip
# Letters in [[:alpha:]] of the `regex` package but not in str.isalpha: letter numbers and circled letters.
_MORE_LETTERS = re.compile("[ᛮ-ᛰⅠ-ↂↅ-ↈⒶ-ⓩ〇〡-〩〸-〺ꛦ-ꛯ]")


def measure(text: str, codes: NDArray[np.uint32]) -> dict[str, float]:
    """Measure the quantities that NeMo Curator's filters have under the same names."""
    from curate.text.ngram_kernels import LATER_JOINED, TOP_PLACE

    starts, stops = chunk_spans(codes)
    counts = count_tokens(codes, starts, stops)
    lines = [line for line in text.split("\n") if line.strip()]
    stripped = list(map(str.strip, lines))
    paragraphs = text.split("\n\n")
    size = len(text)

    def share(count: float) -> float:
        return count / size if size else 1.0

    line_characters, paragraph_characters = sum(map(len, lines)), sum(map(len, paragraphs))
    later_lines, later_line_characters = later_copies(lines)
    later_paragraphs, later_paragraph_characters = later_copies(paragraphs)
    with_letter = counts.with_letter
    if not text.isascii() and _MORE_LETTERS.search(text):
        with_letter = sum(any(c.isalpha() for c in word) or bool(_MORE_LETTERS.search(word)) for word in text.split())
    quantities = {
        "alpha_numeric": share(size - sum(map(len, _KEPT_BY_ALPHA_NUMERIC.findall(text)))),
        "symbol_to_word": ratio(sum(word in _ELLIPSES or word == "#" for word in text.split()), counts.tokens),
        "numbers_ratio": share(sum(map(text.count, "0123456789"))),
        "urls_ratio": share(sum(map(len, _URL.findall(text)))),
        "white_space": share(sum(map(text.count, "\t\n\r\b "))),
        "parentheses_ratio": share(sum(map(text.count, "{}⟨⟩[]()"))),
        "boilerplate_string_ratio": _boilerplate(paragraphs),
        "repeated_lines": ratio(len(lines) - later_lines, len(lines)),
        "repeated_paragraphs": ratio(len(paragraphs) - later_paragraphs, len(paragraphs)),
        "repeated_lines_char": ratio(line_characters - later_line_characters, line_characters),
        "repeated_paragraphs_char": ratio(paragraph_characters - later_paragraph_characters, paragraph_characters),
        "word_count": float(counts.tokens),
        "punctuation": ratio(sum(not line.endswith((".", "?", "!", '"', "'")) for line in stripped), len(lines)),
        "words_without_alphabets": ratio(with_letter, counts.tokens),
        "common_english_words": float(min(counts.stop_words, 2)),
        "mean_word_length": ratio(counts.characters, counts.tokens),
        "max_word_length": float(counts.longest),
        "ellipsis": ratio(sum(line.lower().endswith(_ELLIPSES) for line in stripped), len(lines)),
        "bullet_ratio": ratio(sum(line.startswith(_BULLETS) for line in stripped), len(lines)),
    }
    for n in TOP:
        quantities[f"repeating_top_{n}grams"] = 1.0
        if counts.tokens >= n:
            first = counts.ngrams[n][TOP_PLACE]
            spans = zip(starts[first : first + n].tolist(), stops[first : first + n].tolist(), strict=True)
            top = " ".join(text[start:stop] for start, stop in spans)
            quantities[f"repeating_top_{n}grams"] = share(text.count(top) * len(top))
    for n in DUPLICATE:
        quantities[f"repeating_dup_{n}gram"] = share(counts.ngrams[n][LATER_JOINED]) if counts.tokens >= n else 1.0
    return quantities


def _boilerplate(paragraphs: list[str]) -> float:
    """Return the share of paragraphs that mention policies; 1 if one has "lorem ipsum"."""
    matched = 0
    for paragraph in paragraphs:
        lowered = paragraph.lower()
        if "lorem ipsum" in lowered:
            return 1.0
        matched += any(phrase in lowered for phrase in _BOILERPLATE)
    return matched / len(paragraphs)
