"""Named lists of rules: the filters of published corpora, each as its original has it, and our default.

>>> gopher_quality("Too short.").reason
'gopher_too_few_words'
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import replace

from curate.document import Decision
from curate.rules import Rule, decide

_QUALITY = (
    Rule("gopher_too_few_words", "words", minimum=50),
    Rule("gopher_too_many_words", "words", maximum=100_000),
    Rule("gopher_short_words", "mean_word_length", minimum=3, where="spaced_language"),
    Rule("gopher_long_words", "mean_word_length", maximum=10, where="spaced_language"),
    Rule("gopher_hash_signs", "hash_word_ratio", maximum=0.1),
    Rule("gopher_ellipses", "ellipsis_word_ratio", maximum=0.1),
    Rule("gopher_bullets", "bullet_line_share", maximum=0.9),
    Rule("gopher_ellipsis_lines", "ellipsis_line_share", maximum=0.3),
    Rule("gopher_alphabetic_words", "alphabetic_word_share", minimum=0.6),
    Rule("gopher_stop_words", "distinct_stop_words", minimum=2, where="stop_word_list"),
)
_REPETITION = (
    Rule("gopher_duplicate_lines", "duplicate_line_share", maximum=0.3),
    Rule("gopher_duplicate_paragraphs", "duplicate_paragraph_share", maximum=0.3),
    Rule("gopher_duplicate_line_characters", "duplicate_line_character_share", maximum=0.2),
    Rule("gopher_duplicate_paragraph_characters", "duplicate_paragraph_character_share", maximum=0.2),
    *(
        Rule(f"gopher_top_{n}gram", f"top_{n}gram_share", maximum=limit)
        for n, limit in ((2, 0.2), (3, 0.18), (4, 0.16))
    ),
    *(
        Rule(f"gopher_repeated_{n}grams", f"repeated_{n}gram_share", maximum=limit)
        for n, limit in ((5, 0.3), (6, 0.28), (7, 0.26), (8, 0.24), (9, 0.22), (10, 0.2))
    ),
)
_FINEWEB = (
    Rule("fineweb_terminal_lines", "terminal_line_share", minimum=0.05),
    Rule("fineweb_newlines", "newline_word_ratio", maximum=0.5),
)
_LLAMA3 = (
    Rule("lorem_ipsum", "lorem_ipsum", maximum=1),
    Rule("dirty_words", "dirty_word_share", maximum=0.01),
)

#: The rules of each preset, in the order in which its original applies them.
PRESETS: dict[str, tuple[Rule, ...]] = {
    "default": (*_QUALITY, *_REPETITION, *_FINEWEB, *_LLAMA3),
}


def rules_of(presets: Sequence[str], limits: Mapping[str, float | None] | None = None) -> tuple[Rule, ...]:
    """Return the rules of presets, one after the other, with changed limits.

    Args:
        presets: names in `PRESETS`.
        limits: new limit by rule name; None removes the rule.

    Raises:
        ValueError: an unknown preset or rule.

    >>> [rule.limit for rule in rules_of(["default"], {"gopher_too_few_words": 20})][0]
    20
    >>> rules_of(["defualt"])
    Traceback (most recent call last):
    ValueError: unknown preset 'defualt': did you mean 'default'?
    """
    rules = [rule for name in presets for rule in _get(name)]
    limits = limits or {}
    names = [rule.name for rule in rules]
    for name in limits:
        if name not in names:
            raise ValueError(f"unknown rule {name!r} in the limits{_nearest(name, names)}")
    changed = []
    for rule in rules:
        limit = limits.get(rule.name, rule.limit)
        if limit is not None:
            is_minimum = rule.minimum is not None
            changed.append(replace(rule, minimum=limit) if is_minimum else replace(rule, maximum=limit))
    return tuple(changed)


def _get(preset: str) -> tuple[Rule, ...]:
    if preset not in PRESETS:
        raise ValueError(f"unknown preset {preset!r}{_nearest(preset, list(PRESETS))}")
    return PRESETS[preset]


def _nearest(name: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, known, 1, 0.5)
    return f": did you mean {close[0]!r}?" if close else f": known are {', '.join(sorted(known))}"


def gopher_quality(text: str) -> Decision:
    """Decide by Gopher's quality rules."""
    from curate.signals import measure

    return decide(measure(text), _QUALITY)


def gopher_repetition(text: str) -> Decision:
    """Decide by Gopher's repetition rules."""
    from curate.signals import measure

    return decide(measure(text), _REPETITION)


def llama3_heuristics(text: str) -> Decision:
    """Decide by all rules of our default."""
    from curate.signals import measure

    return decide(measure(text), PRESETS["default"])
