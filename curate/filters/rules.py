"""Rules over signals: a name, a signal, a limit. A filter is a list of them, and they are data.

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
from curate.text.words import UNMARKED_LANGUAGES, UNSPACED_LANGUAGES, stop_words

#: Where a rule applies: everywhere; where we have a list of the language's stop words; where words have spaces between
#: them; where sentences end in a mark (in all languages but Thai and Lao).
Where = Literal["everywhere", "stop_word_list", "spaced_language", "sentence_marks"]


@dataclass(frozen=True, slots=True)
class Rule:
    """A text is kept if the signal is not below ``minimum``, or not above ``maximum``: give one of the two.

    With ``strict`` a value equal to the limit is dropped too. ``name`` is what a rejection is called by.

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
            raise ValueError(f"rule {self.name!r} needs a minimum or a maximum, one of the two")

    @property
    def limit(self) -> float:
        """The minimum or the maximum, whichever it has."""
        return self.minimum if self.minimum is not None else self.maximum  # type: ignore[return-value]

    def passes(self, value: float) -> bool:
        """Whether a text with this value of the signal is kept."""
        if self.minimum is not None:
            return value > self.minimum or (value == self.minimum and not self.strict)
        return value < self.limit or (value == self.limit and not self.strict)

    def applies(self, language: str) -> bool:
        """Whether the rule says anything about texts of a language (ISO 639-1, else 639-3)."""
        if self.where == "everywhere":
            return True
        if self.where == "stop_word_list":
            return bool(stop_words(language))
        return language not in (UNSPACED_LANGUAGES if self.where == "spaced_language" else UNMARKED_LANGUAGES)


def decide(signals: Signals | Mapping[str, float], rules: Sequence[Rule], language: str = "en") -> Decision:
    """Decide by rules whether a text is kept.

    Args:
        signals: of the text, as measured or as stored.
        rules: in order; the first that fails is the reason.
        language: of the text; rules that do not apply to it are passed over.

    Returns:
        The decision; ``values`` holds the signal of every rule that applies, whether or not it failed.

    Raises:
        KeyError: a rule's signal is not among those measured.
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
