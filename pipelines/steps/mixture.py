"""Mixture: how often each label's documents are seen, so that the corpus meets target shares of tokens."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal

import apache_beam as beam
import numpy as np
import pyarrow as pa

from curate.document import Document, Rejection
from curate.language.codes import canonical
from curate.mixing.mixture import copies, plan_mixture
from curate.quality.domains import LABELS
from pipelines.io import files, sealed
from pipelines.steps.base import CorpusStep, KeySlice, Losers, RunError, Taken

SALT = "mixture"


@dataclass(frozen=True, slots=True)
class MixtureConfig:
    """Target shares of tokens by label. The default is Llama 3's (section 3.1.2); four epochs at most is ours, after
    Muennighoff et al. 2023, "Scaling Data-Constrained Language Models".
    """

    targets: Mapping[str, float] = field(
        default_factory=lambda: {"general": 0.50, "maths": 0.25, "code": 0.17, "multilingual": 0.08}
    )
    by: Literal["domain", "language", "source"] = "domain"
    max_epochs: float = 4.0
    total_tokens: int | None = None


class MixtureStep(CorpusStep):
    """Samples or repeats documents by a hash of their id."""

    config = MixtureConfig
    key_settings = ("by",)
    shuffles = "a number per slice"
    schema: ClassVar[pa.Schema] = pa.schema([("label", pa.string()), ("tokens", pa.int64()), ("id", pa.string())])

    def needs(self, config: MixtureConfig) -> Sequence[str]:
        """Tokens, and labels where a map step gives them."""
        return ("tokenize", config.by) if config.by != "source" else ("tokenize",)

    def check(self, config: MixtureConfig) -> None:
        """Try the plan, and look for misspelt labels."""
        if config.by == "domain" and (unknown := sorted(set(config.targets) - set(LABELS))):
            raise ValueError(f"targets: {unknown[0]!r} is no domain; known: {', '.join(LABELS)}")
        for code in config.targets if config.by == "language" else ():
            if (right := canonical(code)) != code:
                raise ValueError(f"targets: languages are written as {right!r}, not {code!r}")
        plan_mixture(dict.fromkeys(config.targets, 1), config.targets, config.max_epochs, config.total_tokens)

    def key_function(self, config: MixtureConfig) -> Callable[[Document], tuple]:
        """Take the label, the token count and the id."""

        def key(document: Document) -> tuple:
            assert document.tokens is not None
            return getattr(document, config.by), len(document.tokens), document.id

        return key

    def decide(self, config: MixtureConfig, keys: beam.PCollection[KeySlice], folder: str) -> None:
        """Shuffle one number per slice and label."""
        _ = (
            keys
            | "Tokens" >> beam.FlatMap(_tokens).with_output_types(tuple[str, int])
            | "PerLabel" >> beam.CombinePerKey(sum)
            | "OneTable" >> beam.combiners.ToList()
            | "Plan" >> beam.Map(_plan, config, files.join(folder, "mixture.json"))
        )

    def losers(self, config: Any, folder: str, index: int, keys: pa.Table | None) -> Losers:
        """Return the documents that the mixture leaves out."""
        assert keys is not None
        rates, labels = _rates(folder), keys["label"].to_pylist()
        rows = np.flatnonzero(_copies(rates, keys) == 0)
        return Losers(rows, lambda i: Rejection("downsampled", None, rates.get(labels[rows[i]], 0.0), labels[rows[i]]))

    def copies(self, taken: Taken, index: int) -> np.ndarray:
        """Return how often each document of a slice is seen."""
        return _copies(_rates(taken.decision), taken.keys(index))

    def edit(self, config: MixtureConfig, folder: str) -> Callable[[Document], Document | Rejection]:
        """Return the function that says how often a document is seen."""
        rates = _rates(folder)
        return lambda d: replace(d, copies=copies(d.id, rates.get(getattr(d, config.by), 0.0), SALT))

    def warn(self, config: MixtureConfig, slices: Sequence[KeySlice], folder: str) -> list[str]:
        """Name the labels that no target speaks of; it is an error if these are all there are."""
        tokens = sealed.read_json(files.join(folder, "mixture.json"))["tokens"]
        if any(tokens.values()) and not any(n and config.targets.get(label) for label, n in tokens.items()):
            raise RunError(
                f"mixture: no target is for a {config.by} that is there: targets name {', '.join(config.targets)}, "
                f"and there are {', '.join(label or 'documents without one' for label, n in tokens.items() if n)}"
            )
        left_out = {label: n for label, n in tokens.items() if n and label not in config.targets}
        if not left_out:
            return []
        named = ", ".join(f"{label or 'no ' + config.by} ({n:,} tokens)" for label, n in left_out.items())
        return [f"left out, for no target names them: {named}; give each a target, or 0 to say that it is meant"]


def _rates(folder: str) -> dict[str, float]:
    return sealed.read_json(files.join(folder, "mixture.json"))["rates"]


def _copies(rates: Mapping[str, float], keys: pa.Table) -> np.ndarray:
    rows = zip(keys["id"].to_pylist(), keys["label"].to_pylist(), strict=True)
    return np.array([copies(id_, rates.get(label, 0.0), SALT) for id_, label in rows], np.int64)


def _tokens(keys: KeySlice) -> Iterator[tuple[str, int]]:
    _, table = keys.load()
    for row in table.group_by("label").aggregate([("tokens", "sum")]).to_pylist():
        yield row["label"], row["tokens_sum"]


def _plan(counts: list[tuple[str, int]], config: MixtureConfig, path: str) -> None:
    found = dict(sorted(counts))
    targets = dict.fromkeys(found, 0.0) | dict(config.targets)  # the run goes on without what no target names
    plan = plan_mixture(found, targets, config.max_epochs, config.total_tokens)
    facts = {
        "tokens": found,
        "rates": dict(plan.rates),
        "planned": dict(plan.shares),
        "targets": dict(plan.targets),
        "limited_by": plan.limited_by,
        "infeasible": list(plan.infeasible),
    }
    sealed.write_json(path, facts)
