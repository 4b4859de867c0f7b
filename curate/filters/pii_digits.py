"""Find runs of digits in a text: every personal number is inside one or begins shortly before it."""

from __future__ import annotations

import re

#: What is written without a space beside a number: Thai, Lao, Burmese, Khmer, kana, Han, Hangul (whose particles follow
#: a noun directly), half-width kana, and the raised digits of footnotes.
UNSPACED = (
    "\u0e00-\u0e4f\u0e80-\u0ecf\u1000-\u103f\u1780-\u17df\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uac00-\ud7af\uff66-\uff9f\u00b2\u00b3\u00b9\u2070-\u2079"
)
#: A character that a number may not touch: a letter or digit of any other script, or "_".
TOUCHING = rf"[^\W{UNSPACED}]"

# Digits with the separators that people put between them, in `plain_characters`.
DIGIT_RUN = re.compile(r"[0-9][0-9 .()\-/\u2013]{5,}")
BEYOND = 16  # characters of the longest extension (", ext. 123456") and of what may not follow it


def begin_in(pattern: re.Pattern[str], text: str, start: int, end: int) -> list[re.Match[str]]:
    """Return the matches that begin in this run of digits; those in the next run are found there."""
    return [match for match in pattern.finditer(text, start, end + BEYOND) if match.start() < end]


def count_digits(text: str) -> int:
    """Count the digits in a text."""
    return sum(map(str.isdigit, text))
