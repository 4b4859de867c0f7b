"""Find runs of digits in a text: every personal number is inside one or begins shortly before it."""

from __future__ import annotations

import re

# Zeros of the Arabic, Persian, Devanagari, Bengali and fullwidth digits.
_ZEROS = "\u0660\u06f0\u0966\u09e6\uff10"
_OTHER_DIGITS = re.compile("[" + "".join(f"{zero}-{chr(ord(zero) + 9)}" for zero in _ZEROS) + "]")
_TO_ASCII_DIGITS = {ord(zero) + value: str(value) for zero in _ZEROS for value in range(10)}


def to_ascii_digits(text: str) -> str:
    """Replace digits of other scripts with ASCII ones, one for one, so that positions stay the same.

    >>> to_ascii_digits("٠١۲३ and 4")
    '0123 and 4'
    """
    if text.isascii() or not _OTHER_DIGITS.search(text):
        return text
    return text.translate(_TO_ASCII_DIGITS)


# Digits with the separators that people put between them.
DIGIT_RUN = re.compile(r"[0-9][0-9 .()\-/\u00a0\u2009\u202f\u2010-\u2013]{5,}")
BEYOND = 16  # characters of the longest extension (", ext. 123456") and of what may not follow it


def begin_in(pattern: re.Pattern[str], text: str, start: int, end: int) -> list[re.Match[str]]:
    """Return the matches that begin in this run of digits; those in the next run are found there."""
    return [match for match in pattern.finditer(text, start, end + BEYOND) if match.start() < end]


def count_digits(text: str) -> int:
    """Count the digits in a text."""
    return sum(map(str.isdigit, text))
