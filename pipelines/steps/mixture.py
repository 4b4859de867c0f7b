"""Mixture: plan how often each document is seen in training, so that the tokens have target shares of labels."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import apache_beam as beam
import pyarrow as pa

from curate.bounds import Field
from curate.document import Document
from curate.language.codes import canonical
from curate.mixing.mixture import copies, plan_mixture
from curate.quality.domains import LABELS
from pipelines.steps.base import (
    Applied,
    CorpusStep,
    DecisionTable,
    KeySource,
    RunError,
    from_settings,
    label_of,
    table_at,
    table_part,
)

SALT = "mixture"
PLAN = "mixture"  # address of the plan


@dataclass(frozen=True, slots=True)
class Mixture(CorpusStep):
    """Plan how often each document is in ``tokens/``, to meet target shares of tokens per label.

    It rejects nothing: ``copies`` of a document says how often it is in ``tokens/``, which is 0 for those that the plan
    leaves out. By default every document of a label with a target is used at least once, scarce labels are repeated up
    to ``max_epochs``, and a share that cannot be met that way gives way, with a warning. ``min_epochs: 0`` meets the
    shares and leaves out documents instead, and so does ``total_tokens``, up to that size.

    The default targets are Llama 3's (section 3.1.2). At most four epochs is curate's own value, after Muennighoff et
    al. 2023, "Scaling Data-Constrained Language Models". ``by`` names the field that holds the label: ``domain``,
    ``language``, ``source``, or a column.
    """

    targets: Mapping[str, float] = field(
        default_factory=lambda: {"general": 0.50, "maths": 0.25, "code": 0.17, "multilingual": 0.08}
    )
    by: Field = "domain"
    max_epochs: float = 4.0
    total_tokens: int | None = None
    min_epochs: float = 1.0

    writes: ClassVar = frozenset({"copies"})
    key_settings: ClassVar = ("by",)
    shuffles: ClassVar = "a number per slice"
    judges: ClassVar = False
    key_schema: ClassVar = pa.schema([("label", pa.string()), ("tokens", pa.int64()), ("id", pa.string())])

    @from_settings
    def reads(self) -> frozenset[str]:
        """The tokens and the label."""
        return frozenset({"tokens", self.by})

    def check(self) -> None:
        """Compute a trial plan, and look for misspelt labels."""
        if self.by == "domain" and (unknown := sorted(set(self.targets) - set(LABELS))):
            raise ValueError(f"targets: {unknown[0]!r} is not a domain; known: {', '.join(LABELS)}")
        for code in self.targets if self.by == "language" else ():
            if (right := canonical(code)) != code:
                raise ValueError(f"targets: write the language {code!r} as {right!r}")
        plan_mixture(dict.fromkeys(self.targets, 1), self.targets, self.max_epochs, self.total_tokens, self.min_epochs)

    def check_sources(self, sources: Collection[str]) -> None:
        """Look for targets that are not sources."""
        if self.by == "source" and (unknown := sorted(set(self.targets).difference(sources))):
            raise ValueError(
                f"names the source {unknown[0]!r}, but the recipe has {', '.join(sorted(sources))}; name it there, "
                "as sources: [{input: PATTERN, name: NAME}]"
            )

    def key(self) -> Callable[[Document], tuple]:
        """Build the function that extracts the label, the token count and the id."""

        def key(document: Document) -> tuple:
            assert document.tokens is not None
            return label_of(document, self.by), len(document.tokens), document.id

        return key

    def decide(self, keys: beam.PCollection[KeySource]) -> beam.PCollection[tuple[str, bytes]]:
        """Shuffle one number per slice and label."""
        return (
            keys
            | "Tokens" >> beam.FlatMap(_tokens).with_output_types(tuple[str, int])
            | "PerLabel" >> beam.CombinePerKey(sum)
            | "OneTable" >> beam.combiners.ToList()
            | "Plan" >> beam.Map(_plan, self).with_output_types(tuple[str, bytes])
        )

    def apply(self, decision: DecisionTable, keys: KeySource) -> Applied:
        """Set ``copies`` of each document."""
        copies_of = self.copies_of(decision)
        return Applied(edit=lambda row, document: replace(document, copies=copies_of(document)))

    def copies_of(self, decision: DecisionTable) -> Callable[[Document], int]:
        """Build the function that returns how often a document is in ``tokens/``."""
        rates = table_at(decision, PLAN)["rates"]
        return lambda document: copies(document.id, rates.get(label_of(document, self.by), 0.0), SALT)

    def warnings(self, decision: DecisionTable, keys: Sequence[KeySource]) -> list[str]:
        """Warn of labels without a target.

        Raises:
            RunError: no label in the corpus has a target.
        """
        tokens = table_at(decision, PLAN)["tokens"]
        if any(tokens.values()) and not any(n and self.targets.get(label) for label, n in tokens.items()):
            present = ", ".join(label or f"documents without {self.by}" for label, n in tokens.items() if n)
            raise RunError(
                f"mixture: targets name {', '.join(self.targets)}, but the corpus has {present}; set a target for a "
                f"{self.by} in the corpus"
            )
        left_out = {label: n for label, n in tokens.items() if n and label not in self.targets}
        if not left_out:
            return []
        named = ", ".join(f"{label or 'no ' + self.by} ({n:,} tokens)" for label, n in left_out.items())
        return [
            f"left out of tokens/, because they have no target: {named}; give each a target, or 0 to leave it out on "
            "purpose"
        ]

    def report(self, decision: DecisionTable, text: Callable[[int, int], str]) -> dict[str, Any]:
        """Show the plan."""
        return {"mixture": table_at(decision, PLAN) | {"by": self.by}}


def _tokens(keys: KeySource) -> Iterator[tuple[str, int]]:
    _, table = keys.load()
    for row in table.group_by("label").aggregate([("tokens", "sum")]).to_pylist():
        yield row["label"], row["tokens_sum"]


def _plan(counts: list[tuple[str, int]], step: Mixture) -> tuple[str, bytes]:
    return table_part(PLAN, plan_of(dict(counts), step))


def plan_of(token_counts: Mapping[str, int], step: Mixture) -> dict[str, Any]:
    """Return the plan of a mixture as plain values, the table of its decision.

    Args:
        token_counts: number of tokens in the corpus, per label.
        step: the settings of the mixture.
    """
    tokens = dict(sorted(token_counts.items()))
    targets = dict.fromkeys(tokens, 0.0) | dict(step.targets)  # a label without a target is left out
    plan = plan_mixture(tokens, targets, step.max_epochs, step.total_tokens, step.min_epochs)
    return {
        "tokens": tokens,
        "rates": dict(plan.rates),
        "planned": dict(plan.shares),
        "targets": dict(plan.targets),
        "limited_by": plan.limited_by,
        "infeasible": list(plan.infeasible),
    }
