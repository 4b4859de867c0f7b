"""Edits of a text line by line: C4's cleaning, and the removal of lines that repeat themselves.

>>> c4_clean("Home | About\\nThis line is a whole sentence, and stays.").text
'This line is a whole sentence, and stays.'
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from curate.document import Edit
from curate.words import POLICY_PHRASES

_CITATION = re.compile(r"\[\d*\]|\[edit\]|\[citation needed\]")


@dataclass(frozen=True, slots=True)
class C4CleanConfig:
    """C4's limits (Raffel et al. 2020, section 2.2; TFDS, c4_utils.py)."""

    min_words: int = 5
    max_word_length: int = 1000
    terminal_marks: str = '.?!"'


def c4_clean(text: str, config: C4CleanConfig = C4CleanConfig()) -> Edit:
    """Clean a text as C4 does, line by line.

    Removed are lines with a word longer than ``max_word_length``, lines that do not end in a terminal mark, lines of
    fewer than ``min_words`` words, and those that speak of javascript or of policies; and citation marks in lines that
    stay.

    Returns:
        The edit; ``counts`` says how many lines went for which reason, and how many citation marks.

    >>> c4_clean("Please enable javascript to see this page.").counts
    {'javascript': 1}
    """
    counts: dict[str, int] = {}
    kept = []
    for line in text.splitlines():
        line = line.strip()
        edited, citations = _CITATION.subn("", line)
        reason = _c4_reason(line, edited, config)
        if reason:
            counts[reason] = counts.get(reason, 0) + 1
        else:
            if citations:
                counts["citation"] = counts.get("citation", 0) + citations
            kept.append(edited)
    return Edit("\n".join(kept) if counts else text, counts)


def _c4_reason(line: str, edited: str, config: C4CleanConfig) -> str:
    if any(len(word) > config.max_word_length for word in line.split()):
        return "long_word"
    if not edited.endswith(tuple(config.terminal_marks)) or edited.endswith("..."):
        return "no_terminal_mark"
    if len(edited.split()) < config.min_words:
        return "too_few_words"
    lowered = edited.lower()
    if "javascript" in lowered:
        return "javascript"
    if any(phrase in lowered for phrase in POLICY_PHRASES):
        return "policy"
    return ""


@dataclass(frozen=True, slots=True)
class RepetitionCleanConfig:
    """When a line repeats itself too much: ours, calibrated; Llama 3 publishes no figure."""

    ngram: int = 3
    min_words: int = 20
    max_share: float = 0.5


def repetition_clean(text: str, config: RepetitionCleanConfig = RepetitionCleanConfig()) -> Edit:
    """Remove lines most of which is repeated n-grams: logs, error messages, keyword lists.

    >>> repetition_clean("Fine.\\n" + "ERROR cannot open file " * 20).text
    'Fine.'
    """
    counts: dict[str, int] = {}
    kept = []
    for line in text.split("\n"):
        words = line.split()
        if len(words) >= config.min_words and _covered(words, config.ngram) > config.max_share:
            counts["repeated_ngrams"] = counts.get("repeated_ngrams", 0) + 1
        else:
            kept.append(line)
    return Edit("\n".join(kept) if counts else text, counts)


def _covered(words: list[str], n: int) -> float:
    seen: dict[tuple[str, ...], int] = {}
    grams = [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]
    for gram in grams:
        seen[gram] = seen.get(gram, 0) + 1
    covered = {i + k for i, gram in enumerate(grams) if seen[gram] > 1 for k in range(n)}
    return sum(len(words[i]) for i in covered) / sum(map(len, words))
