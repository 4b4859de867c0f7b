"""The filters of published corpora as functions of a text, and the value that each of their rules measures.

>>> gopher_quality("Too short.").reason
'gopher_too_few_words'
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from curate.document import Decision
from curate.filters.presets import GOPHER_QUALITY, GOPHER_REPETITION, reference_filters_of, rules_of, with_limits
from curate.filters.rules import Rule, decide
from curate.language.codes import canonical
from curate.results import Result


@dataclass(frozen=True, slots=True)
class RuleConfig:
    """The language of a text (ISO 639-1, else 639-3), and limits that differ from the published ones, by rule name.

    A limit of None removes the rule.
    """

    language: str = "en"
    limits: Mapping[str, float | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.language != "en":
            object.__setattr__(self, "language", canonical(self.language))


def decide_preset(text: str | bytes, preset: str, config: RuleConfig = RuleConfig()) -> Decision:
    """Decide by a preset whether a text is kept.

    >>> decide_preset("A page of one sentence, and no more.", "c4@tfds").reason
    'too_few_sentences'
    """
    return _decide(text, rules_of([preset], config.limits), config.language)


def _decide(text: str | bytes, rules: Sequence[Rule], language: str) -> Decision:
    from curate.filters.signals import measure

    return decide(measure(text, language, reference_filters_of(rules)), rules, language)


def gopher_quality(text: str | bytes, config: RuleConfig = RuleConfig()) -> Decision:
    """Decide by the quality rules of Gopher (Rae et al. 2021, arXiv 2112.11446, appendix A1.1), over curate's words.

    Args:
        text: any string.
        config: its language, and limits to change.

    Returns:
        The decision, with the first rule that failed and the values of all rules.

    Raises:
        ValueError: a limit is for a rule that does not exist.

    >>> gopher_quality("Too short.").limit
    50
    >>> fewer = RuleConfig(limits={"gopher_too_few_words": 5})
    >>> gopher_quality("A short text of the right kind, and that is it.", fewer).keep
    True
    """
    return _decide(text, with_limits(GOPHER_QUALITY, config.limits), config.language)


def gopher_repetition(text: str | bytes, config: RuleConfig = RuleConfig()) -> Decision:
    """Decide by the repetition rules of Gopher (Rae et al. 2021, table A1), over curate's words.

    Arguments, result and errors are those of `gopher_quality`.

    >>> gopher_repetition("Again and again. " * 20).reason
    'gopher_top_2gram'
    """
    return _decide(text, with_limits(GOPHER_REPETITION, config.limits), config.language)


def c4_quality(text: str | bytes, config: RuleConfig = RuleConfig()) -> Decision:
    """Decide by C4's page rules as in TFDS (`c4@tfds`); `curate.filters.clean.c4_clean` has its line rules.

    Arguments, result and errors are those of `gopher_quality`.

    >>> c4_quality("Lorem ipsum dolor sit amet. It is. So it goes.").reason
    'loremipsum'
    """
    return decide_preset(text, "c4@tfds", config)


def fineweb_quality(text: str | bytes, config: RuleConfig = RuleConfig()) -> Decision:
    """Decide by FineWeb's own rules, as in the script that produced it (`fineweb@2024`).

    Arguments, result and errors are those of `gopher_quality`.

    >>> fineweb_quality("home\\nshop\\ncart").reason
    'line_punct_ratio'
    """
    return decide_preset(text, "fineweb@2024", config)


def llama3_heuristics(text: str | bytes, config: RuleConfig = RuleConfig()) -> Decision:
    """Decide by the rules of the llama3 recipe (`default`); limits that the paper does not publish are curate's own.

    Arguments, result and errors are those of `gopher_quality`.

    >>> llama3_heuristics("Too short.").reason
    'gopher_too_few_words'
    """
    return decide_preset(text, "default", config)


@dataclass(frozen=True, slots=True)
class Quantity(Result):
    """One rule applied to a text: the value of its signal, the limit, and whether the text passes."""

    rule: str
    signal: str
    value: float
    limit: float
    kind: Literal["minimum", "maximum"]
    passes: bool

    def __str__(self) -> str:
        mark = "ok  " if self.passes else "FAIL"
        return f"{mark} {self.rule:40} {self.signal:40} {self.value:12.6g}  {self.kind} {self.limit:g}"


def explain(text: str | bytes, preset: str = "default", config: RuleConfig = RuleConfig()) -> list[Quantity]:
    """Return the value and limit of each rule of a preset, except for rules that do not apply to the language.

    >>> print(explain("Too short.", "gopher@paper")[0])
    FAIL gopher_too_few_words                     words                                               2  minimum 50
    """
    from curate.filters.signals import measure

    rules = rules_of([preset], config.limits)
    values = measure(text, config.language, reference_filters_of(rules)).as_dict()
    return [
        Quantity(
            rule.name,
            rule.signal,
            values[rule.signal],
            rule.limit,
            "maximum" if rule.minimum is None else "minimum",
            rule.passes(values[rule.signal]),
        )
        for rule in rules
        if rule.applies(config.language)
    ]
