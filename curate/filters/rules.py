"""Rules over signals: a name, a signal and a limit. A filter is a list of rules.

>>> from curate.filters.signals import measure
>>> rule = Rule("too_few_words", "words", minimum=50)
>>> decide(measure("Only four words here."), [rule]).reason
'too_few_words'
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from curate.document import Decision
from curate.filters.signals import Signals
from curate.language.codes import UNDETERMINED
from curate.text.words import UNMARKED_LANGUAGES, UNSPACED_LANGUAGES, stop_words

#: Languages that a rule applies to: all; those with a list of stop words; those with spaces between words; those whose
#: sentences end in a mark (all but Thai and Lao).
Where = Literal["everywhere", "stop_word_list", "spaced_language", "sentence_marks"]


@dataclass(frozen=True, slots=True)
class Rule:
    """Keep a text if the signal is not below ``minimum``, or not above ``maximum``; give one of the two.

    With ``strict`` a value equal to the limit is dropped too. ``name`` is the reason reported for a rejection.

    >>> Rule("short_lines", "short_line_share", maximum=0.67, strict=True).passes(0.67)
    False
    """

    name: str
    signal: str
    minimum: float | None = None
    maximum: float | None = None
    strict: bool = False
    where: Where = "everywhere"

    def __post_init__(self) -> None:
        if (self.minimum is None) == (self.maximum is None):
            raise ValueError(f"rule {self.name!r} needs either a minimum or a maximum")

    @property
    def limit(self) -> float:
        """The minimum or the maximum, whichever it has."""
        return self.minimum if self.minimum is not None else self.maximum  # type: ignore[return-value]

    def passes(self, value: float) -> bool:
        """Say whether a text with this value of the signal is kept."""
        if self.minimum is not None:
            return value > self.minimum or (value == self.minimum and not self.strict)
        return value < self.limit or (value == self.limit and not self.strict)

    def applies(self, language: str) -> bool:
        """Say whether the rule applies to texts of a language (ISO 639-1, else 639-3).

        A rule for some languages does not apply to ``und``, a text whose language is not known.
        """
        if self.where == "everywhere":
            return True
        if language == UNDETERMINED:
            return False
        if self.where == "stop_word_list":
            return bool(stop_words(language))
        return language not in (UNSPACED_LANGUAGES if self.where == "spaced_language" else UNMARKED_LANGUAGES)


def decide(signals: Signals | Mapping[str, float], rules: Sequence[Rule], language: str = "en") -> Decision:
    """Decide by rules whether a text is kept.

    Args:
        signals: of the text, as measured or as stored.
        rules: in order; the first that fails is the reason.
        language: of the text, ``und`` if it is not known; rules that do not apply to it are skipped.

    Returns:
        The decision; ``values`` has the signal of every rule that applies, whether or not it failed.

    Raises:
        KeyError: the signal of a rule was not measured.
    """
    measured = signals.as_dict() if isinstance(signals, Signals) else signals
    values: dict[str, float] = {}
    failed: Rule | None = None
    for rule in rules:
        if rule.where != "everywhere" and not rule.applies(language):
            continue
        if rule.signal not in measured:
            raise KeyError(
                f"the rule {rule.name} needs {rule.signal}, which was not measured: "
                "call measure(text, language, reference_filters_of(rules))"
            )
        value = values[rule.signal] = measured[rule.signal]
        if failed is None and not rule.passes(value):
            failed = rule
    if failed is None:
        return Decision(True, values=values)
    return Decision(False, failed.name, values[failed.signal], failed.limit, values)
