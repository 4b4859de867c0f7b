"""Edit a text line by line: the cleaning of C4 and RefinedWeb, and the removal of repetitive lines.

>>> c4_clean("Home | About\\nThis line is a whole sentence, and stays.").text
'This line is a whole sentence, and stays.'
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from curate.document import Edit
from curate.filters.signals import REPETITIVE_LINE_SHARE, REPETITIVE_LINE_WORDS
from curate.text.charset import as_text
from curate.text.words import POLICY_PHRASES

_CITATION = re.compile(r"\[\d*\]|\[edit\]|\[citation needed\]")


@dataclass(frozen=True, slots=True)
class C4CleanConfig:
    """Which lines C4 keeps (Raffel et al. 2020, arXiv 1910.10683, section 2.2; TFDS, c4_utils.py).

    An empty ``terminal_marks`` keeps lines whatever their end. With ``words_before_citations`` the words of a line are
    counted before its citation marks are removed, as datatrove does.
    """

    min_words: int = 5
    max_word_length: int = 1000
    terminal_marks: str = '.?!"'
    words_before_citations: bool = False


def c4_clean(text: str | bytes, config: C4CleanConfig = C4CleanConfig()) -> Edit:
    """Clean a text as C4 does, line by line; `filters.heuristics.c4_quality` decides whether to keep the page.

    This removes lines with a word longer than ``max_word_length``, lines that do not end in a terminal mark or end in
    an ellipsis, lines of fewer than ``min_words`` words, lines that contain "javascript", "lorem ipsum", "{" or a
    phrase of cookie and policy notices; and citation marks in the lines that stay (``[12]``, ``[edit]``,
    ``[citation needed]``). C4 drops the whole page for "lorem ipsum" and "{".

    Args:
        text: any text; lines end as in ``str.splitlines``.
        config: C4's limits.

    Returns:
        The edit, with stripped lines; ``counts`` has the number of lines removed for each reason (``long_word``,
        ``no_terminal_mark``, ``too_few_words``, ``lorem_ipsum``, ``javascript``, ``curly_bracket``, ``policy``), and
        of citation marks (``citation``).

    >>> c4_clean("Please enable javascript to see this page.\\nIt rained for forty days [1].").counts
    {'javascript': 1, 'citation': 1}
    """
    text = as_text(text)
    counts: dict[str, int] = {}
    kept = []
    for raw in text.splitlines():
        line = raw.strip()
        edited, reason = c4_line(line, config)
        if reason:
            counts[reason] = counts.get(reason, 0) + 1
            continue
        if edited != line:
            counts["citation"] = counts.get("citation", 0) + len(_CITATION.findall(line))
        kept.append(edited)
    cleaned = "\n".join(kept).strip()
    if cleaned != text and not counts:
        counts["white_space"] = 1
    return Edit(cleaned, counts)


def c4_line(line: str, config: C4CleanConfig) -> tuple[str, str]:
    """Return a stripped line without citation marks, and why C4 removes it ("" if it stays), in C4's order.

    >>> c4_line("Home", C4CleanConfig())
    ('Home', 'no_terminal_mark')
    """
    words = None
    if len(line) > config.max_word_length:
        words = line.split()
        if max(map(len, words), default=0) > config.max_word_length:
            return line, "long_word"
    edited = _CITATION.sub("", line) if "[" in line else line
    marks = tuple(config.terminal_marks)
    if marks and (not edited.endswith(marks) or edited.endswith("...")):
        return edited, "no_terminal_mark"
    if len((line if config.words_before_citations else edited).split()) < config.min_words:
        return edited, "too_few_words"
    lowered = edited.lower()
    if "lorem ipsum" in lowered:
        return edited, "lorem_ipsum"
    if "javascript" in lowered:
        return edited, "javascript"
    if "{" in edited:
        return edited, "curly_bracket"
    if any(phrase in lowered for phrase in POLICY_PHRASES):
        return edited, "policy"
    return edited, ""


@dataclass(frozen=True, slots=True)
class RefinedWebCleanConfig:
    """RefinedWeb's line corrections, as in DCLM (mlfoundations/dclm, baselines/mappers/modifiers.py)."""

    max_upper_share: float = 0.5
    max_digit_share: float = 0.999999
    min_words: int = 2
    max_words_of_short_line: int = 10


_COUNTER = re.compile(
    r"\W*\d[,.\d]*[kmb]?\s+(?:likes|shares|comments|retweets|reposts|quotes|bookmarks|upvotes|downvotes|downloads|views|"
    r"followers)\W*"
)
# The original does not escape the dots, so they match any three characters.
_CALLS = (re.compile(r"\s?items in cart"), re.compile(r"\s?read more...$"), re.compile(r"^sign-in\s?"))


def refinedweb_clean(text: str | bytes, config: RefinedWebCleanConfig = RefinedWebCleanConfig()) -> Edit:
    """Remove lines that are not text, as RefinedWeb's corrections do (Penedo et al. 2023, arXiv 2306.01116, G.2).

    This removes lines of capitals above ``max_upper_share`` or digits above ``max_digit_share``, counters ("12 likes")
    and lines of fewer than ``min_words`` words; and from lines of up to ``max_words_of_short_line`` words "items in
    cart", a "read more..." at the end and a "sign-in" at the beginning. Empty lines stay. DCLM drops a page that loses
    more than 5 % of its words (preset ``dclm@baseline``).

    Returns:
        The edit; ``counts`` by reason: ``upper``, ``digits``, ``counter``, ``too_few_words``, ``calls``.

    >>> refinedweb_clean("MENU HOME ABOUT\\nA first line.\\n12 likes\\nA second line. read more...").text
    'A first line.\\nA second line.'
    """
    text = as_text(text)
    counts: dict[str, int] = {}
    kept = []
    for line in text.split("\n"):
        edited, reason = _refinedweb_line(line, config)
        if reason:
            counts[reason] = counts.get(reason, 0) + 1
        if edited is not None:
            kept.append(edited)
    return Edit("\n".join(kept) if counts else text, counts)


def _refinedweb_line(line: str, config: RefinedWebCleanConfig) -> tuple[str | None, str]:
    """Return the line as edited, None if it is removed, and why it was edited or removed."""
    if not line:
        return line, ""
    if not line.islower() and sum(map(str.isupper, line)) > config.max_upper_share * len(line):
        return None, "upper"
    if line.isdigit() and config.max_digit_share < 1:
        return None, "digits"
    if not line[0].isalpha() and _COUNTER.fullmatch(line.lower()):
        return None, "counter"
    words = len(line.split())
    if words < config.min_words:
        return None, "too_few_words"
    if words <= config.max_words_of_short_line:
        edited = line
        for call in _CALLS:
            edited = call.sub("", edited)
        if edited != line:
            return (edited if edited.strip() else None), "calls"
    return line, ""


@dataclass(frozen=True, slots=True)
class RepetitionCleanConfig:
    """When a line repeats itself too much: curate's own values, calibrated (docs/signals.md); Llama 3 gives none."""

    min_words: int = REPETITIVE_LINE_WORDS
    max_share: float = REPETITIVE_LINE_SHARE


def repetition_clean(text: str | bytes, config: RepetitionCleanConfig = RepetitionCleanConfig()) -> Edit:
    """Remove lines that consist of repeated n-grams: logs, error messages, lists of keywords.

    Such lines can be very long and unique, so that line deduplication does not find them (Llama 3, arXiv 2407.21783,
    section 3.1.1). A line is removed if it has ``min_words`` words or more, of 3 bytes or more on average (so that
    formulas stay), and more than ``max_share`` of their characters are in second and later occurrences of word 3-grams
    within that line.

    Returns:
        The edit; ``counts`` has the number of lines as ``repeated_ngrams``.

    >>> repetition_clean("Fine.\\n" + "ERROR cannot open file " * 20).text
    'Fine.'
    """
    from curate.filters.measure_kernels import repetitive_lines
    from curate.text.characters import character_table, code_points
    from curate.text.words import lower_table

    text = as_text(text)
    codes = code_points(text)
    spans = repetitive_lines(codes, character_table(), lower_table(), config.min_words, config.max_share).tolist()
    if not spans:
        return Edit(text)
    kept = []
    done = 0
    for start, stop in spans:  # with the newline after the line, or before it if it is the last
        kept.append(text[done:start])
        done = stop + 1
    kept.append(text[done:])
    cleaned = "".join(kept)
    ends_in_removed = done > len(text)
    return Edit(cleaned[:-1] if ends_in_removed and cleaned else cleaned, {"repeated_ngrams": len(spans)})
