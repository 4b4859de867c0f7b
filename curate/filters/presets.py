"""Named lists of rules: the filters of published corpora, each as in its original, and curate's default.

>>> [rule.name for rule in PRESETS["c4@tfds"]]
['too_long', 'loremipsum', 'squigglybracket', 'too_few_sentences']
"""

from __future__ import annotations

import difflib
import functools
from collections.abc import Mapping, Sequence
from dataclasses import replace

from curate.filters.rules import Rule

# Gopher, table A1 (Rae et al. 2021, arXiv 2112.11446): share of characters in n-grams.
_TOP = ((2, 0.20), (3, 0.18), (4, 0.16))
_DUPLICATE = ((5, 0.15), (6, 0.14), (7, 0.13), (8, 0.12), (9, 0.11), (10, 0.10))

#: Gopher's quality rules (Rae et al. 2021, arXiv 2112.11446, appendix A1.1).
GOPHER_QUALITY = (
    Rule("gopher_too_few_words", "words", minimum=50),
    Rule("gopher_too_many_words", "words", maximum=100_000),
    Rule("gopher_short_words", "mean_word_length", minimum=3, where="spaced_language"),
    Rule("gopher_long_words", "mean_word_length", maximum=10, where="spaced_language"),
    Rule("gopher_hash_signs", "hash_word_ratio", maximum=0.1),
    Rule("gopher_ellipses", "ellipsis_word_ratio", maximum=0.1),
    Rule("gopher_bullets", "bullet_line_share", maximum=0.9),
    Rule("gopher_ellipsis_lines", "ellipsis_line_share", maximum=0.3),
    Rule("gopher_alphabetic_words", "alphabetic_word_share", minimum=0.8),
    Rule("gopher_stop_words", "distinct_stop_words", minimum=2, where="stop_word_list"),
)
#: Gopher's repetition rules (Rae et al. 2021, table A1).
GOPHER_REPETITION = (
    Rule("gopher_duplicate_lines", "duplicate_line_share", maximum=0.3),
    Rule("gopher_duplicate_paragraphs", "duplicate_paragraph_share", maximum=0.3),
    Rule("gopher_duplicate_line_characters", "duplicate_line_character_share", maximum=0.2),
    Rule("gopher_duplicate_paragraph_characters", "duplicate_paragraph_character_share", maximum=0.2),
    *(Rule(f"gopher_top_{n}gram", f"top_{n}gram_share", maximum=limit) for n, limit in _TOP),
    *(Rule(f"gopher_duplicate_{n}grams", f"duplicate_{n}gram_share", maximum=limit) for n, limit in _DUPLICATE),
)


def with_limits(rules: Sequence[Rule], limits: Mapping[str, float | None]) -> tuple[Rule, ...]:
    """Return rules with changed limits; None removes a rule.

    Raises:
        ValueError: a limit is for a rule that is not in the list, or is NaN.
    """
    names = [rule.name for rule in rules]
    for name in limits:
        if name not in names:
            raise ValueError(f"unknown rule {name!r} in the limits{_nearest(name, names)}")
        if (limit := limits[name]) is not None and limit != limit:
            raise ValueError(f"the limit of {name!r} is not a number; use None to remove the rule")
    changed = []
    for rule in rules:
        limit = limits.get(rule.name, rule.limit)
        if limit is not None:
            is_minimum = rule.minimum is not None
            changed.append(replace(rule, minimum=limit) if is_minimum else replace(rule, maximum=limit))
    return tuple(changed)


def _nearest(name: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, known, 1, 0.5)
    return f": did you mean {close[0]!r}?" if close else f": there are {', '.join(sorted(known))}"


# curate's own values, for pages of every kind and language; docs/presets.md has what each rule takes of judged pages.
# Gopher's rules, with limits that pages of code and formulas pass: half of the latter have more than 0.15 of their
# characters in repeated 5-grams, and API references up to 0.44. Lines of code may repeat, and so may a name, once.
# FineWeb's minimum share of lines that end in a mark, which 29 % of code files miss, is replaced by a maximum share of
# short lines without a mark at the end, and by at least one sentence, unless the function words are those of verse.
# Filler text, damaged text, messages of servers, text full of repetitive lines, and pornography that the block lists
# missed are dropped.
_OUR_LIMITS: dict[str, float | None] = {
    "gopher_short_words": 2.5,
    "gopher_alphabetic_words": 0.3,
    # Of 802 judged good pages and 628 bad ones these two take 9 and 1 that no other rule takes; the third is implied by
    # the characters of duplicate lines.
    "gopher_duplicate_lines": None,
    "gopher_duplicate_paragraphs": None,
    "gopher_duplicate_paragraph_characters": None,
    **{f"gopher_duplicate_{n}grams": 3 * limit for n, limit in _DUPLICATE},
}
# The signals that measure what the rule of Gopher is about without what is no fault of a page.
_OUR_SIGNALS = {
    "gopher_duplicate_line_characters": "duplicate_text_line_character_share",
    **{f"gopher_top_{n}gram": f"frequent_{n}gram_share" for n, _ in _TOP},
}


def _default() -> tuple[Rule, ...]:
    gopher = with_limits((*GOPHER_QUALITY, *GOPHER_REPETITION), _OUR_LIMITS)
    return (
        *(replace(rule, signal=_OUR_SIGNALS.get(rule.name, rule.signal)) for rule in gopher),
        Rule("no_sentences", "sentences_or_verses", minimum=1, where="sentence_marks"),
        Rule("loose_lines", "menu_line_share", maximum=0.75),
        Rule("fineweb_newlines", "newline_word_ratio", maximum=0.5),
        Rule("lorem_ipsum", "lorem_ipsum", maximum=0),
        Rule("broken_characters", "broken_share", maximum=0.01),
        Rule("mojibake", "mojibake_share", maximum=0.01),
        Rule("error_page", "error_page", maximum=1),
        Rule("few_spaces", "space_share", minimum=0.06, where="spaced_language"),
        Rule("repetitive_lines", "repetitive_line_character_share", maximum=0.5),
        Rule("dirty_words", "dirty_word_share", maximum=0.01),
    )


def _rules(reference_filter: str, *limits: tuple[str, str, str, float]) -> tuple[Rule, ...]:
    """Build rules over quantities of a reference filter: name, quantity, comparison that DROPS a text, limit."""
    rules = []
    for name, quantity, comparison, limit in limits:
        strict = len(comparison) == 2  # "<=" drops a value equal to the limit
        signal = f"{reference_filter}_{quantity}"
        if comparison[0] == "<":
            rules.append(Rule(name, signal, minimum=limit, strict=strict))
        else:
            rules.append(Rule(name, signal, maximum=limit, strict=strict))
    return tuple(rules)


def _datatrove_gopher(reference_filter: str) -> tuple[Rule, ...]:
    return _rules(
        reference_filter,
        ("dup_para_frac", "dup_para_frac", ">", 0.3),
        ("dup_para_char_frac", "dup_para_char_frac", ">", 0.2),
        ("dup_line_frac", "dup_line_frac", ">", 0.3),
        ("dup_line_char_frac", "dup_line_char_frac", ">", 0.2),
        *((f"top_{n}_gram", f"top_{n}_gram", ">", limit) for n, limit in _TOP),
        *((f"duplicated_{n}_n_grams", f"dup_{n}_gram", ">", limit) for n, limit in _DUPLICATE),
        ("gopher_short_doc", "words", "<", 50),
        ("gopher_long_doc", "words", ">", 100_000),
        ("gopher_below_avg_threshold", "mean_word_length", "<", 3),
        ("gopher_above_avg_threshold", "mean_word_length", ">", 10),
        ("gopher_too_many_hashes", "hash_ratio", ">", 0.1),
        ("gopher_too_many_ellipsis", "ellipsis_ratio", ">", 0.1),
        ("gopher_too_many_bullets", "bullet_line_ratio", ">", 0.9),
        ("gopher_too_many_end_ellipsis", "ellipsis_line_ratio", ">", 0.3),
        ("gopher_below_alpha_threshold", "alpha_word_ratio", "<", 0.8),
        ("gopher_enough_stop_words", "stop_words", "<", 2),
    )


def _dclm_gopher(reference_filter: str) -> tuple[Rule, ...]:
    return _rules(
        reference_filter,
        ("words_min", "words", "<", 50),
        ("words_max", "words", ">", 100_000),
        ("mean_word_length_min", "mean_word_length", "<", 3),
        ("mean_word_length_max", "mean_word_length", ">", 10),
        ("symbol_ratio", "symbol_ratio", ">", 0.1),
        ("bullet_line_ratio", "bullet_line_ratio", ">", 0.9),
        ("ellipsis_line_ratio", "ellipsis_line_ratio", ">", 0.3),
        ("non_alpha_word_ratio", "non_alpha_word_ratio", ">", 0.2),
        ("stop_words", "stop_words", "<", 2),
        ("repetition_empty", "lines", "<", 1),
        ("dup_line_frac", "dup_line_frac", ">", 0.3),
        ("dup_para_frac", "dup_para_frac", ">", 0.3),
        ("dup_line_char_frac", "dup_line_char_frac", ">", 0.2),
        ("dup_para_char_frac", "dup_para_char_frac", ">", 0.2),
        *((f"top_{n}_gram", f"top_{n}_gram", ">", limit) for n, limit in _TOP),
        *((f"dup_{n}_gram", f"dup_{n}_gram", ">", limit) for n, limit in _DUPLICATE),
    )


# dolma's tagger has no limits, so these are Gopher's, in Gopher's order.
_DOLMA_GOPHER = _rules(
    "dolma",
    ("word_count_min", "word_count", "<", 50),
    ("word_count_max", "word_count", ">", 100_000),
    ("median_word_length_min", "median_word_length", "<", 3),
    ("median_word_length_max", "median_word_length", ">", 10),
    ("symbol_to_word_ratio", "symbol_to_word_ratio", ">", 0.1),
    ("fraction_of_lines_starting_with_bullet_point", "fraction_of_lines_starting_with_bullet_point", ">", 0.9),
    ("fraction_of_lines_ending_with_ellipsis", "fraction_of_lines_ending_with_ellipsis", ">", 0.3),
    ("fraction_of_words_with_alpha_character", "fraction_of_words_with_alpha_character", "<", 0.8),
    ("required_word_count", "required_word_count", "<", 2),
    ("fraction_of_duplicate_lines", "fraction_of_duplicate_lines", ">", 0.3),
    ("fraction_of_characters_in_duplicate_lines", "fraction_of_characters_in_duplicate_lines", ">", 0.2),
    *((name, name, ">", limit) for n, limit in _TOP for name in [f"fraction_of_characters_in_most_common_{n}grams"]),
    *(
        (name, name, ">", limit)
        for n, limit in _DUPLICATE
        for name in [f"fraction_of_characters_in_duplicate_{n}grams"]
    ),
)


def _c4_datatrove(reference_filter: str) -> tuple[Rule, ...]:
    return _rules(
        reference_filter,
        ("lorem_ipsum", "lorem_ipsum", ">", 0),
        ("curly_bracket", "curly_bracket", ">", 0),
        ("too_few_sentences", "sentences", "<", 5),
    )


def _fineweb_2024(repeated_characters: float) -> tuple[Rule, ...]:
    return _rules(
        "fineweb2024",
        ("line_punct_ratio", "line_punct_ratio", "<=", 0.12),
        ("short_line_ratio", "short_line_ratio", ">=", 0.67),
        ("char_dup_ratio", "char_dup_ratio", ">=", repeated_characters),
    )


_NEMO = _rules(
    "nemo",
    ("alpha_numeric", "alpha_numeric", ">", 0.25),
    ("symbol_to_word", "symbol_to_word", ">", 0.1),
    ("numbers_ratio", "numbers_ratio", ">", 0.15),
    ("urls_ratio", "urls_ratio", ">", 0.2),
    ("white_space", "white_space", ">", 0.25),
    ("parentheses_ratio", "parentheses_ratio", ">", 0.1),
    ("boilerplate_string_ratio", "boilerplate_string_ratio", ">", 0.4),
    ("repeated_lines", "repeated_lines", "<", 0.7),
    ("repeated_paragraphs", "repeated_paragraphs", "<", 0.7),
    ("repeated_lines_char", "repeated_lines_char", "<", 0.8),
    ("repeated_paragraphs_char", "repeated_paragraphs_char", "<", 0.8),
    ("word_count_min", "word_count", "<", 50),
    ("word_count_max", "word_count", ">", 100_000),
    ("punctuation", "punctuation", ">", 0.85),
    ("words_without_alphabets", "words_without_alphabets", "<", 0.8),
    ("common_english_words", "common_english_words", "<", 2),
    ("mean_word_length_min", "mean_word_length", "<", 3),
    ("mean_word_length_max", "mean_word_length", ">", 10),
    ("max_word_length", "max_word_length", ">", 1000),
    ("ellipsis", "ellipsis", ">", 0.3),
    *((f"repeating_top_{n}grams", f"repeating_top_{n}grams", ">", limit) for n, limit in _TOP),
    *((f"repeating_dup_{n}gram", f"repeating_dup_{n}gram", ">", limit) for n, limit in _DUPLICATE),
    ("bullet_ratio", "bullet_ratio", ">", 0.9),
)

#: The rules of each preset, in the order and with the names of its original.
PRESETS: dict[str, tuple[Rule, ...]] = {
    "default": _default(),
    "gopher@paper": (*GOPHER_QUALITY, *GOPHER_REPETITION),
    "gopher@datatrove": _datatrove_gopher("datatrove"),
    "gopher@fineweb-2024": _datatrove_gopher("fineweb2024"),
    "gopher@dclm": _dclm_gopher("dclm"),
    "gopher@dolma": _DOLMA_GOPHER,
    "c4@tfds": _rules(
        "c4_tfds",
        ("too_long", "chars", ">", 190_000),
        ("loremipsum", "lorem_ipsum", ">", 0),
        ("squigglybracket", "curly_bracket", ">", 0),
        ("too_few_sentences", "sentences", "<", 3),
    ),
    "c4@datatrove": _c4_datatrove("c4_datatrove"),
    "c4@fineweb-2024": _c4_datatrove("c4_fineweb2024"),
    "fineweb@datatrove": _rules(
        "datatrove",
        ("empty", "lines", "<", 1),
        ("line_punct_ratio", "line_punct_ratio", "<", 0.12),
        ("short_line_ratio", "short_line_ratio", ">", 0.67),
        ("char_dup_ratio", "char_dup_ratio", ">", 0.01),
        ("list_ratio", "list_ratio", ">", 0.3),
    ),
    "fineweb@2024": (*_fineweb_2024(0.01), *_rules("fineweb2024", ("list_ratio", "list_ratio", ">", 0.3))),
    "fineweb@paper": _fineweb_2024(0.1),
    "dclm@baseline": (
        *_dclm_gopher("dclm_baseline"),
        *_rules("dclm_baseline", ("removed_word_ratio", "removed_word_ratio", ">", 0.05)),
    ),
    "nemo@english": _NEMO,
}


def rules_of(presets: Sequence[str], limits: Mapping[str, float | None] | None = None) -> tuple[Rule, ...]:
    """Return the rules of several presets, one after the other, with changed limits.

    Args:
        presets: names in `PRESETS`.
        limits: new limits by rule name; None removes the rule.

    Raises:
        ValueError: a preset or rule is unknown.

    >>> [rule.limit for rule in rules_of(["default"], {"gopher_too_few_words": 20})][0]
    20
    >>> rules_of(["defualt"])
    Traceback (most recent call last):
    ValueError: unknown preset 'defualt': did you mean 'default'?
    """
    return with_limits([rule for name in presets for rule in _get(name)], limits or {})


def reference_filters_of(rules: Sequence[Rule]) -> tuple[str, ...]:
    """Return the reference filters whose quantities some rules need, for `curate.filters.signals.measure`.

    Raises:
        ValueError: the signal of a rule does not exist.

    >>> reference_filters_of(rules_of(["default", "gopher@dolma", "dclm@baseline"]))
    ('dclm_baseline', 'dolma')
    >>> reference_filters_of([Rule("too_short", "wrods", minimum=50)])
    Traceback (most recent call last):
    ValueError: the rule 'too_short' needs the signal 'wrods', which does not exist: did you mean 'words'?
    """
    from curate.filters.signals import signal_names

    own = signal_names()
    needed = set()
    for rule in rules:
        if rule.signal in own:
            continue
        owners = _owners()
        if rule.signal not in owners:
            close = difflib.get_close_matches(rule.signal, [*own, *owners], 1, 0.5)
            hint = f"did you mean {close[0]!r}?" if close else "docs/signals.md and docs/presets.md list all"
            raise ValueError(f"the rule {rule.name!r} needs the signal {rule.signal!r}, which does not exist: {hint}")
        needed.add(owners[rule.signal])
    return tuple(sorted(needed))


@functools.cache
def _owners() -> dict[str, str]:
    """Return the reference filter that each quantity belongs to."""
    from curate.filters.reference_filters import REFERENCE_FILTERS, quantity_names

    return {name: each for each in REFERENCE_FILTERS for name in quantity_names(each)}


def _get(preset: str) -> tuple[Rule, ...]:
    if preset not in PRESETS:
        raise ValueError(f"unknown preset {preset!r}{_nearest(preset, list(PRESETS))}")
    return PRESETS[preset]
