"""Heuristic filters: rules over the signals of a text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar

from curate.document import Document, Rejection
from curate.filters.presets import reference_filters_of, rules_of
from curate.filters.reference_filters import REFERENCE_FILTERS
from curate.filters.rules import Rule, decide
from curate.filters.signals import measure, signal_names
from curate.language.codes import UNDETERMINED
from pipelines.steps.base import MapFunction, MapStep, from_settings, value_of


@dataclass(frozen=True, slots=True)
class InlineRule:
    """A rule written in the recipe: the name of its rejections, a signal or numeric column, and ``min`` or ``max``.

    With ``strict``, a value equal to the limit is rejected too. A document without the column passes.
    """

    name: str
    signal: str
    min: float | None = None
    max: float | None = None
    strict: bool = False

    def __post_init__(self) -> None:
        self.rule()

    def rule(self) -> Rule:
        """Convert to the type that ``decide`` takes.

        Raises:
            ValueError: neither or both of ``min`` and ``max`` are given.
        """
        return Rule(self.name, self.signal, self.min, self.max, self.strict)


def is_signal(name: str) -> bool:
    """Return whether a name is that of a signal, including the quantities of reference filters."""
    return name in signal_names(REFERENCE_FILTERS)


@dataclass(frozen=True, slots=True)
class Heuristics(MapStep):
    """Require documents to pass presets of rules; ``limits`` changes limits by rule name (null removes the rule).

    ``rules`` adds rules over any signal (docs/signals.md) or numeric column, for example
    ``rules: [{name: shouting, signal: uppercase_share, max: 0.3}]``. They are applied after the rules of ``presets``.
    Rules that depend on the language (``Rule.where``) do not apply to a document whose language is not known.
    """

    presets: tuple[str, ...] = ("default",)
    limits: Mapping[str, float | None] = field(default_factory=dict)
    rules: tuple[InlineRule, ...] = ()

    assumes: ClassVar = {"language": "rules that depend on the language are skipped"}
    writes: ClassVar = frozenset({"signals"})
    must_reject: ClassVar = True

    def all_rules(self) -> tuple[Rule, ...]:
        """Return the rules of all presets with their limits, followed by the inline rules.

        Raises:
            ValueError: a preset or rule is unknown.
        """
        return (*rules_of(self.presets, self.limits), *(rule.rule() for rule in self.rules))

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that inline rules use: names that are not signals."""
        return tuple(rule.signal for rule in self.rules if not is_signal(rule.signal))

    @from_settings
    def reads(self) -> frozenset[str]:
        """The text, and the columns that inline rules use."""
        return frozenset({"text", *self.columns})

    @from_settings
    def measures(self) -> tuple[str, ...]:
        """Reference filters whose quantities the rules use."""
        inline = [rule.rule() for rule in self.rules if is_signal(rule.signal)]
        return reference_filters_of([*rules_of(self.presets, self.limits), *inline])

    def make(self) -> MapFunction:
        """Build the function that measures a text and rejects it at the first rule that fails."""
        rules, measures, columns = self.all_rules(), self.measures, self.columns
        if not rules:
            raise ValueError("no rules are left; name a preset, for example presets: [default]")

        def heuristics(document: Document) -> Document | Rejection:
            language = document.language or UNDETERMINED
            signals = measure(document.plain_text, language, measures)
            if columns:
                values = {name: value_of(document, name) for name in columns}
                present = [rule for rule in rules if values.get(rule.signal, 0) is not None]
                decision = decide({**signals.as_dict(), **values}, present, language)
            else:
                decision = decide(signals, rules, language)
            if not decision.keep:
                return Rejection(decision.reason, decision.value, decision.limit, signals=signals)
            return replace(document, signals=signals)

        return heuristics
