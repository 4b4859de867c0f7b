"""Gopher's and FineWeb's quantities as datatrove measures them: version 0.10.1, and the code of FineWeb in 2024.

The older code (0.2.0; FineWeb ran commit 05194d39) counts NLTK's tokens and blank lines, the newer one spaCy's tokens.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from curate.filters.reference_filters.token_counts import (
    DUPLICATE,
    TOP,
    TokenStatistics,
    count_tokens,
    later_copies,
    ratio,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NAMES = (
    "words", "mean_word_length", "hash_ratio", "ellipsis_ratio", "bullet_line_ratio", "ellipsis_line_ratio",
    "alpha_word_ratio", "stop_words",
    "dup_para_frac", "dup_para_char_frac", "dup_line_frac", "dup_line_char_frac",
    *(f"top_{n}_gram" for n in TOP), *(f"dup_{n}_gram" for n in DUPLICATE),
    "lines", "line_punct_ratio", "short_line_ratio", "char_dup_ratio", "list_ratio",
)  # fmt: skip

# Characters that do not form a word on their own, and marks that end a line: datatrove, utils/text.py, as code points.
_PUNCTUATION = (
    "0-8 B-1F 21-2F 3A-40 5B-60 7B-9F AB B4 BB 2013-2014 2019 201C-201E 2026 2236 2501 25BA 3001-3002 3008-300D "
    "3010-3011 FF01 FF05 FF08-FF09 FF0C FF0E FF11 FF1A-FF1B FF1F FF5E"
)
_TERMINAL = (
    "21 2E 3F 589 61D-61F 6D4 700-702 7F9 837 839 83D-83E 964-965 104A-104B 1362 1367-1368 166E 1735-1736 17D4-17D6 "
    "17D9-17DA 1803 1809 1944-1945 1AA8-1AAB 1B5A-1B5B 1B5E-1B5F 1B7D-1B7E 1C3B-1C3C 1C7E-1C7F 203C-203D 2047-2049 "
    "2E2E 2E3C 2E53-2E54 3002 A4FF A60E-A60F A6F3 A6F7 A876-A877 A8CE-A8CF A92F A9C8-A9C9 AA5D-AA5F AAF0-AAF1 ABEB "
    "FE52 FE56-FE57 FF01 FF0E FF1F FF61 10A56-10A57 10F55-10F59 10F86-10F89 11047-11048 110BE-110C1 11141-11143 "
    "111C5-111C6 111CD 111DE-111DF 11238-11239 1123B-1123C 112A9 1144B-1144C 115C2-115C3 115C9-115D7 11641-11642 "
    "1173C-1173E 11944 11946 11A42-11A43 11A9B-11A9C 11C41-11C42 11EF7-11EF8 11F43-11F44 16A6E-16A6F 16AF5 "
    "16B37-16B38 16B44 16E98 1BC9F 1DA88"
)


@functools.cache
def _terminal_marks() -> frozenset[str]:
    return frozenset(chr(code) for code in _codes(_TERMINAL))


def _codes(ranges: str) -> list[int]:
    bounds = [[int(bound, 16) for bound in part.split("-")] for part in ranges.split()]
    return [code for bound in bounds for code in range(bound[0], bound[-1] + 1)]


@functools.cache
def _ignored(with_terminal: bool) -> NDArray[np.bool_]:
    import numpy as np

    ignored = np.zeros(0x110000, np.bool_)
    ignored[_codes(_PUNCTUATION)] = True
    if with_terminal:
        ignored[_codes(_TERMINAL)] = True
    return ignored


def measure(text: str, codes: NDArray[np.uint32]) -> dict[str, float]:
    """Measure as version 0.10.1 does: spaCy's tokens, distinct stop words, no blank lines."""
    from curate.filters.reference_filters.spacy import token_spans

    counts = count_tokens(codes, *token_spans(codes), _ignored(True))
    lines = [line for line in text.split("\n") if line.strip()]
    return {
        **_gopher(text, counts, counts.different_stop_words, _split_lines(text)),
        **_fineweb(text, counts, lines, sum(line[-1] in _terminal_marks() for line in lines)),
    }


def measure_2024(text: str, codes: NDArray[np.uint32]) -> dict[str, float]:
    """Measure as version 0.2.0 does, the code of FineWeb: NLTK's tokens, all stop words, blank lines too."""
    from curate.filters.reference_filters.nltk import token_spans

    counts = count_tokens(codes, *token_spans(codes), _ignored(False), quote_length=2)
    lines = text.split("\n")
    return {
        **_gopher(text, counts, counts.stop_words, text.splitlines()),
        **_fineweb(text, counts, lines, sum(line.endswith((".", "'", '"', "!", "?")) for line in lines)),
    }


def _gopher(text: str, counts: TokenStatistics, stop_words: int, lines: list[str]) -> dict[str, float]:
    from curate.text.ngram_kernels import LATER, TOP_FIRST, TOP_TIMES

    size = len(text)
    paragraphs = _split_paragraphs(text.strip())
    later_paragraphs, later_paragraph_characters = later_copies(paragraphs)
    later_lines, later_line_characters = later_copies(lines)
    shown = text.splitlines()
    quantities = {
        "words": float(counts.words),
        "mean_word_length": ratio(counts.word_characters, counts.words),
        "hash_ratio": ratio(text.count("#"), counts.tokens),
        "ellipsis_ratio": ratio(text.count("...") + text.count("…"), counts.tokens),
        "bullet_line_ratio": ratio(sum(line.lstrip().startswith(("•", "-")) for line in shown), len(shown)),
        "ellipsis_line_ratio": ratio(sum(line.rstrip().endswith(("...", "…")) for line in shown), len(shown)),
        "alpha_word_ratio": ratio(counts.with_letter, counts.tokens),
        "stop_words": float(stop_words),
        "dup_para_frac": ratio(later_paragraphs, len(paragraphs)),
        "dup_para_char_frac": ratio(later_paragraph_characters, size),
        "dup_line_frac": ratio(later_lines, len(lines)),
        "dup_line_char_frac": ratio(later_line_characters, size),
    }
    for n in TOP:  # the words of an n-gram are joined with spaces
        row = counts.ngrams[n]
        quantities[f"top_{n}_gram"] = ratio(row[TOP_FIRST] + (n - 1) * row[TOP_TIMES], size)
    for n in DUPLICATE:
        quantities[f"dup_{n}_gram"] = ratio(counts.ngrams[n][LATER], size)
    return quantities


def _split_lines(text: str) -> list[str]:
    r"""Split as ``re.split(r"\n+", text)`` does, in a third of its time.

    >>> _split_lines("\na\n\n\nb\n"), _split_lines("\n"), _split_lines("")
    (['', 'a', 'b', ''], ['', ''], [''])
    """
    if not text:
        return [""]
    lines = [line for line in text.split("\n") if line]
    return [*[""] * (text[0] == "\n"), *lines, *[""] * (text[-1] == "\n")]


def _split_paragraphs(text: str) -> list[str]:
    r"""Split a stripped text as ``re.split(r"\n{2,}", text)`` does.

    >>> _split_paragraphs("a\nb\n\n\nc\n\n\n\nd"), _split_paragraphs("")
    (['a\nb', 'c', 'd'], [''])
    """
    return [part for piece in text.split("\n\n") if (part := piece.lstrip("\n"))] or [""]


def _fineweb(text: str, counts: TokenStatistics, lines: list[str], ended: int) -> dict[str, float]:
    newlines = text.count("\n")
    repeated = later_copies([line for line in lines if line.strip()])[1]
    return {
        "lines": float(len(lines)),
        "line_punct_ratio": ratio(ended, len(lines)),
        "short_line_ratio": ratio(sum(len(line) <= 30 for line in lines), len(lines)),
        "char_dup_ratio": ratio(repeated, len(text) - newlines),
        "list_ratio": ratio(newlines, counts.tokens),
    }
