"""Measure the signals of a text, the numbers that rules are about, in one pass.

>>> signals = measure("The cat sat on the mat.\\nThe cat sat on the mat.")
>>> signals.words, signals.lines, signals.duplicate_line_share
(12.0, 2.0, 0.5)

`docs/signals.md` has the formula and the source of each. A share of nothing is 0, and no signal is ever NaN.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import TYPE_CHECKING

from curate.language.codes import resolve
from curate.results import Result
from curate.text.charset import as_text

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: A line is repetitive if it has this many words or more, and more than this share of their characters are in second
#: and later occurrences of 3-grams within the line. curate's own values, calibrated (docs/signals.md); Llama 3 (arXiv
#: 2407.21783, section 3.1.1) publishes the rule without figures.
REPETITIVE_LINE_WORDS = 20
REPETITIVE_LINE_SHARE = 0.5


#: A text reads as prose or verse, not as a menu or table, if its share of function words is at least this part of that
#: of ordinary prose of the language. curate's own value: of the bad pages of short lines that were judged by reading 8
#: in 10 are below it, of the good ones none that the rules would drop.
READS_AS_PROSE = 0.75


@dataclass(frozen=True, slots=True)
class Signals(Result):
    """The measured signals of a text: counts, means and shares, in the order of the stored columns.

    Words are those of `text.word_kernels`, a line is stripped and not empty, a paragraph is a run of such lines, a
    chunk is a run of characters between white space. ``duplicate`` counts second and later copies, ``repeated`` all
    copies of anything that occurs more than once. Shares of lines are relative to the lines, shares of characters to
    those that are not white space, shares of n-grams to the characters of words.
    """

    # size
    characters: float
    bytes: float
    words: float
    lines: float
    paragraphs: float
    sentences: float
    sentences_or_verses: float
    # words
    mean_word_length: float
    words_per_sentence: float
    unique_word_share: float
    top_word_share: float
    word_entropy: float
    number_word_share: float
    capital_word_share: float
    mixed_script_word_share: float
    alphabetic_word_share: float
    longest_chunk: float
    stop_words: float
    distinct_stop_words: float
    stop_word_share: float
    function_word_ratio: float
    hash_word_ratio: float
    ellipsis_word_ratio: float
    link_word_ratio: float
    # characters
    letter_share: float
    uppercase_share: float
    digit_share: float
    punctuation_share: float
    symbol_share: float
    space_share: float
    broken_share: float
    mojibake_share: float
    curly_bracket_share: float
    main_script_share: float
    language_script_share: float
    unspaced_share: float
    # lines
    mean_line_length: float
    longest_line: float
    bullet_line_share: float
    ellipsis_line_share: float
    terminal_line_share: float
    short_line_share: float
    loose_line_share: float
    menu_line_share: float
    uppercase_line_share: float
    numeric_line_share: float
    newline_word_ratio: float
    # copies inside the text
    duplicate_line_share: float
    duplicate_line_character_share: float
    duplicate_text_line_character_share: float
    duplicate_paragraph_share: float
    duplicate_paragraph_character_share: float
    repeated_line_share: float
    repeated_line_character_share: float
    repeated_paragraph_share: float
    repeated_paragraph_character_share: float
    repetitive_line_share: float
    repetitive_line_character_share: float
    top_2gram_share: float
    top_3gram_share: float
    top_4gram_share: float
    frequent_2gram_share: float
    frequent_3gram_share: float
    frequent_4gram_share: float
    duplicate_5gram_share: float
    duplicate_6gram_share: float
    duplicate_7gram_share: float
    duplicate_8gram_share: float
    duplicate_9gram_share: float
    duplicate_10gram_share: float
    repeated_5gram_share: float
    repeated_6gram_share: float
    repeated_7gram_share: float
    repeated_8gram_share: float
    repeated_9gram_share: float
    repeated_10gram_share: float
    # content
    lorem_ipsum: float
    javascript: float
    policy_phrases: float
    error_page: float
    dirty_words: float
    dirty_word_share: float
    # quantities as reference filters measure them, if requested
    reference_quantities: Mapping[str, float] = field(default_factory=dict)

    def _names(self) -> tuple[str, ...]:
        return (*_NAMES, *self.reference_quantities)

    def __getitem__(self, name: str) -> float:
        if name in self.reference_quantities:
            return self.reference_quantities[name]
        if name in _OWN:
            return float(getattr(self, name))
        raise KeyError(name)

    def as_dict(self) -> dict[str, float]:
        """Return the signals by name, in the order of `signal_names`."""
        return {**dict(zip(_NAMES, _VALUES(self), strict=True)), **self.reference_quantities}


_NAMES = tuple(field.name for field in fields(Signals))[:-1]
_OWN = frozenset(_NAMES)
_VALUES = attrgetter(*_NAMES)


def signal_names(reference_filters: Iterable[str] = ()) -> tuple[str, ...]:
    """Return the names of all signals, in order.

    Args:
        reference_filters: names in `curate.filters.reference_filters.REFERENCE_FILTERS`; their quantities follow
            curate's own signals.

    >>> signal_names()[:3], signal_names(["c4_tfds"])[-1]
    (('characters', 'bytes', 'words'), 'c4_tfds_sentences')
    """
    from curate.filters.reference_filters import quantity_names

    return (*_NAMES, *(name for each in reference_filters for name in quantity_names(each)))


#: The formula of each signal: a count, or a count divided by another; the counts are those of
#: `filters.measure_kernels`, and those that `measure` adds to them.
FORMULAS: dict[str, str] = {
    "characters": "characters",
    "bytes": "bytes",
    "words": "words",
    "lines": "lines",
    "paragraphs": "paragraphs",
    "sentences": "sentences",
    "sentences_or_verses": "sentences_or_verses",
    "mean_word_length": "word_characters / words",
    "words_per_sentence": "words / sentences",
    "unique_word_share": "different_words / words",
    "top_word_share": "top_word / words",
    "word_entropy": "entropy",
    "number_word_share": "numbers / words",
    "capital_word_share": "capitals / words",
    "mixed_script_word_share": "mixed_scripts / words",
    "alphabetic_word_share": "chunks_with_letter / chunks",
    "longest_chunk": "longest_chunk",
    "stop_words": "stop_words",
    "distinct_stop_words": "different_stop_words",
    "stop_word_share": "stop_words / words",
    "function_word_ratio": "stop_words / expected_stop_words",
    "hash_word_ratio": "hash_signs / words",
    "ellipsis_word_ratio": "ellipses / words",
    "link_word_ratio": "links / words",
    "letter_share": "letters / visible",
    "uppercase_share": "uppers / letters",
    "digit_share": "digits / visible",
    "punctuation_share": "punctuation / visible",
    "symbol_share": "symbols / visible",
    "space_share": "spaces / characters",
    "broken_share": "broken / visible",
    "mojibake_share": "mojibake / visible",
    "curly_bracket_share": "curly_brackets / visible",
    "main_script_share": "main_script / letters",
    "language_script_share": "in_language / letters",
    "unspaced_share": "unspaced / letters",
    "mean_line_length": "line_characters / lines",
    "longest_line": "longest_line",
    "bullet_line_share": "bullet_lines / lines",
    "ellipsis_line_share": "ellipsis_lines / lines",
    "terminal_line_share": "terminal_lines / lines",
    "short_line_share": "short_lines / lines",
    "loose_line_share": "loose_lines / lines",
    "menu_line_share": "menu_lines / lines",
    "uppercase_line_share": "upper_lines / lines",
    "numeric_line_share": "numeric_lines / lines",
    "newline_word_ratio": "newlines / words",
    "duplicate_line_share": "later_lines / lines",
    "duplicate_line_character_share": "later_line_characters / line_characters",
    "duplicate_text_line_character_share": "later_text_line_characters / line_characters",
    "duplicate_paragraph_share": "later_paragraphs / paragraphs",
    "duplicate_paragraph_character_share": "later_paragraph_characters / line_characters",
    "repeated_line_share": "repeated_lines / lines",
    "repeated_line_character_share": "repeated_line_characters / line_characters",
    "repeated_paragraph_share": "repeated_paragraphs / paragraphs",
    "repeated_paragraph_character_share": "repeated_paragraph_characters / line_characters",
    "repetitive_line_share": "repetitive_lines / lines",
    "repetitive_line_character_share": "repetitive_line_characters / characters",
    "top_2gram_share": "top_2gram / word_characters",
    "top_3gram_share": "top_3gram / word_characters",
    "top_4gram_share": "top_4gram / word_characters",
    "frequent_2gram_share": "frequent_2gram / word_characters",
    "frequent_3gram_share": "frequent_3gram / word_characters",
    "frequent_4gram_share": "frequent_4gram / word_characters",
    "duplicate_5gram_share": "later_5grams / word_characters",
    "duplicate_6gram_share": "later_6grams / word_characters",
    "duplicate_7gram_share": "later_7grams / word_characters",
    "duplicate_8gram_share": "later_8grams / word_characters",
    "duplicate_9gram_share": "later_9grams / word_characters",
    "duplicate_10gram_share": "later_10grams / word_characters",
    "repeated_5gram_share": "covered_5grams / word_characters",
    "repeated_6gram_share": "covered_6grams / word_characters",
    "repeated_7gram_share": "covered_7grams / word_characters",
    "repeated_8gram_share": "covered_8grams / word_characters",
    "repeated_9gram_share": "covered_9grams / word_characters",
    "repeated_10gram_share": "covered_10grams / word_characters",
    "lorem_ipsum": "lorem_ipsum",
    "javascript": "javascript",
    "policy_phrases": "policy_phrases",
    "error_page": "error_page",
    "dirty_words": "dirty_words",
    "dirty_word_share": "dirty_words / words",
}
_PARTS = tuple((part, whole or "one") for part, _, whole in (formula.partition(" / ") for formula in FORMULAS.values()))


def measure(text: str | bytes, language: str = "en", reference_filters: Iterable[str] = ()) -> Signals:
    """Measure a text.

    Args:
        text: any string: empty, ten megabytes in one line, lone surrogates, NUL.
        language: ISO 639-1 code, else 639-3, which selects the lists of stop words and dirty words, and the script. A
            language without lists has no stop words, and the English dirty words.
        reference_filters: names in `reference_filters.REFERENCE_FILTERS`, whose quantities are measured too;
            `curate.filters.presets.reference_filters_of` returns those that a list of rules needs.

    Returns:
        The signals, in time linear in the length of the text.

    >>> measure("").words
    0.0
    >>> measure("Der Hund und die Katze sind im Haus.", "de").distinct_stop_words
    5.0
    """
    from curate.filters.error_pages import error_score
    from curate.filters.reference_filters import measure_reference
    from curate.text.characters import FIRST_UNSPACED, code_points
    from curate.text.words import scripts_of, stop_word_share

    text, language = as_text(text), resolve(language)
    codes = code_points(text)
    n, scripts = _count(text, language, codes)
    n["one"] = 1.0
    n["characters"] = len(codes)
    n["visible"] = len(codes) - n["spaces"]  # characters that are not white space
    n["main_script"] = max(scripts)
    n["unspaced"] = sum(scripts[FIRST_UNSPACED:])
    expected = scripts_of(language)
    n["in_language"] = sum(scripts[i] for i in expected) if expected else n["main_script"]
    n["expected_stop_words"] = n["words"] * stop_word_share(language)
    n |= _lines_of_prose(n)
    n["error_page"] = error_score(codes)
    values = [n[part] / n[whole] if n[whole] else 0.0 for part, whole in _PARTS]
    quantities = [measure_reference(each, text, codes) for each in reference_filters]
    others = {name: value for each in quantities for name, value in each.items()}
    return Signals(*values, reference_quantities=others)  # type: ignore[misc, arg-type]


def _count(text: str, language: str, codes: NDArray[np.uint32]) -> tuple[dict[str, float], list[int]]:
    """Return the counts of `filters.measure_kernels` with the entropy, and the letters of each script."""
    import numpy as np

    from curate.filters.measure_kernels import COUNTS, measure_codes
    from curate.text.characters import SCRIPT_NAMES, character_table, code_points
    from curate.text.folding import compose
    from curate.text.words import UNSPACED_LANGUAGES, lower_table, pieces_found, watch_table

    out = np.empty(len(COUNTS), np.int64)
    letters_of = np.empty(len(SCRIPT_NAMES), np.int64)
    limits = REPETITIVE_LINE_WORDS, REPETITIVE_LINE_SHARE
    tables = character_table(), lower_table(), *watch_table(language), *limits
    entropy = measure_codes(codes, *tables, out, letters_of)
    n: dict[str, float] = dict(zip(COUNTS, out.tolist(), strict=True))
    if (composed := compose(text)) is not text:  # the lists have composed letters
        measure_codes(code_points(composed), *tables, out, letters_of.copy())
        again = dict(zip(COUNTS, out.tolist(), strict=True))
        n |= {name: again[name] for name in ("stop_words", "different_stop_words", "dirty_words")}
    if language in UNSPACED_LANGUAGES:
        n.update(pieces_found(text, language, int(n["dirty_words"])))
    return n | {"entropy": entropy}, letters_of.tolist()


def _lines_of_prose(n: Mapping[str, float]) -> dict[str, float]:
    """Return what depends on whether the words of a text are those of prose: lines of verse, and lines of menus."""
    prose = n["stop_words"] > 0 and n["stop_words"] >= READS_AS_PROSE * n["expected_stop_words"]
    verses = n["lines"] if prose and not n["sentences"] else n["sentences"]
    return {"sentences_or_verses": verses, "menu_lines": 0 if prose else n["loose_text_lines"]}
