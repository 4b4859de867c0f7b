"""How often to use the documents of each label, so that the corpus has the shares it should have.

>>> mixture = plan_mixture({"web": 900, "code": 100}, {"web": 0.8, "code": 0.2})
>>> mixture.rates
{'code': 2.25, 'web': 1.0}
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from curate.results import Result

# "Scaling Data-Constrained Language Models" (Muennighoff et al. 2023, arXiv 2305.16264): up to 4 epochs of repeated
# data change the loss hardly at all against new data; after that the value of a repetition falls quickly.
MAX_EPOCHS = 4.0
# Ours: beyond these a share or a number of copies no longer fits into its type, and no plan asks for them.
MOST_EPOCHS, MOST_WEIGHT = 1_000_000.0, 1e100


@dataclass(frozen=True, slots=True)
class Mixture(Result):
    """What `plan_mixture` decided, per label in the order of the alphabet.

    ``rates`` are epochs: 0.3 takes three documents in ten, 2.5 takes each twice and half of them a third time.
    ``tokens`` are those expected after sampling, ``shares`` their part of ``total_tokens``, ``targets`` what was asked
    for, made to sum to 1. ``limited_by`` names the label whose epoch cap keeps the corpus small, if any;
    ``infeasible`` says, a sentence each, which targets are missed and why.
    """

    rates: Mapping[str, float]
    tokens: Mapping[str, float]
    shares: Mapping[str, float]
    targets: Mapping[str, float]
    total_tokens: float
    limited_by: str = ""
    infeasible: list[str] = field(default_factory=list)


def plan_mixture(
    token_counts: Mapping[str, int],
    targets: Mapping[str, float],
    max_epochs: float = MAX_EPOCHS,
    total_tokens: int | None = None,
) -> Mixture:
    """Plan the sampling rate of each label.

    Without ``total_tokens`` the shares come first and the size follows. With n tokens and target share t of each label,
    the corpus has ``min(max(n / t), max_epochs * min(n / t))`` tokens: the most plentiful label for its share is
    read once and the others are repeated to meet it, so that nothing is thrown away and nothing repeated beyond that;
    unless the scarcest label would then need more than ``max_epochs``: the corpus is made smaller until it does not,
    and ``limited_by`` names that label.

    With ``total_tokens`` the size comes first: a label that would need more than ``max_epochs`` stops there, and the
    others take over what it lacks, by their targets, as far as they can; ``infeasible`` says so.

    Either way the share of a label with no tokens goes to the others by their targets, and ``infeasible`` says so.

    Args:
        token_counts: tokens that exist, per label.
        targets: weight of each label, >= 0, divided by their sum: 50 / 25 / 17 / 8 is the same as .50 / .25 / .17 / .08
            (general, maths and reasoning, code, multilingual: Llama 3, arXiv 2407.21783, section 3.1.2). A target of 0
            leaves a label out.
        max_epochs: how often a document may be used, on average over its label; default ``MAX_EPOCHS``.
        total_tokens: the size wanted, in tokens; by default the rule above.

    Raises:
        ValueError: a label with tokens and no target; a weight, count, cap or size that is negative or not finite; no
            weight above 0.

    >>> plan_mixture({"web": 900, "code": 0}, {"web": 0.8, "code": 0.2}).infeasible
    ['code: target 20 %, but it has no tokens; its share went to the others']
    """
    _check(token_counts, targets, max_epochs, total_tokens)
    labels = sorted({*token_counts, *targets})
    weights = math.fsum(targets.values())
    have = {label: token_counts.get(label, 0) for label in labels}
    wanted = {label: targets.get(label, 0.0) / weights for label in labels}
    usable = [label for label in labels if wanted[label] > 0 and have[label] > 0]
    infeasible = [
        f"{label}: target {_percent(wanted[label])}, but it has no tokens; its share went to the others"
        for label in labels
        if wanted[label] > 0 and have[label] == 0
    ]
    rates = dict.fromkeys(labels, 0.0)
    limited_by = ""
    if usable and total_tokens is None:
        some, limited_by = _most_rates(have, {label: wanted[label] for label in usable}, max_epochs)
        rates |= some
    elif usable and total_tokens is not None:
        rates |= _fill(have, {label: wanted[label] for label in usable}, max_epochs, total_tokens)
        infeasible += _shortfalls(have, {label: wanted[label] for label in usable}, rates, max_epochs, total_tokens)
    tokens = {label: rates[label] * have[label] for label in labels}
    total = math.fsum(tokens.values())
    shares = {label: tokens[label] / total if total else 0.0 for label in labels}
    return Mixture(rates, tokens, shares, wanted, total, limited_by, infeasible)


def _most_rates(
    have: Mapping[str, int], wanted: Mapping[str, float], max_epochs: float
) -> tuple[dict[str, float], str]:
    """Rates of the largest corpus that the cap allows, and the label that limits it, "" for none."""
    # Tokens the corpus would have if this label, at one epoch, were exactly its share of it.
    size_at_one_epoch = {label: have[label] / wanted[label] for label in wanted}
    scarcest = min(wanted, key=size_at_one_epoch.__getitem__)
    size = max(size_at_one_epoch.values())
    limited_by = ""
    if size > max_epochs * size_at_one_epoch[scarcest]:
        size = max_epochs * size_at_one_epoch[scarcest]
        limited_by = scarcest
    return {label: min(size / size_at_one_epoch[label], max_epochs) for label in wanted}, limited_by


def _shortfalls(
    have: Mapping[str, int],
    wanted: Mapping[str, float],
    rates: Mapping[str, float],
    max_epochs: float,
    total_tokens: int,
) -> list[str]:
    """Say which labels, and whether the whole, stay below what was asked for."""
    short = [
        f"{label}: target {_percent(wanted[label])} of {total_tokens:,} tokens, but {max_epochs:g} epochs of it, "
        f"the cap, are {max_epochs * have[label]:,.0f}"
        for label in wanted
        if wanted[label] * total_tokens > max_epochs * have[label]
    ]
    reached = math.fsum(rates[label] * have[label] for label in wanted)
    if reached < total_tokens * (1 - 1e-9):
        short.append(
            f"total: {total_tokens:,} tokens wanted, but {max_epochs:g} epochs of all labels, the cap, "
            f"are {reached:,.0f}"
        )
    return short


def _fill(
    have: Mapping[str, int], wanted: Mapping[str, float], max_epochs: float, total_tokens: int
) -> dict[str, float]:
    """Rates that share ``total_tokens`` out by weight; what a label at its cap cannot take goes to the others."""
    rates: dict[str, float] = {}
    left = float(total_tokens)
    # The labels in the order in which they reach the cap: none of those that follow can overflow before this one does.
    order = sorted(wanted, key=lambda label: (have[label] / wanted[label], label))
    weights = math.fsum(wanted.values())
    for i, label in enumerate(order):
        rates[label] = min(left * wanted[label] / weights / have[label], max_epochs)
        left -= rates[label] * have[label]
        weights = math.fsum(wanted[other] for other in order[i + 1 :])
    return rates


def _check(
    token_counts: Mapping[str, int], targets: Mapping[str, float], max_epochs: float, total_tokens: int | None
) -> None:
    for label, weight in sorted(targets.items()):
        if not 0 <= weight <= MOST_WEIGHT:
            raise ValueError(
                f"the target of {label!r} is {weight}: give a weight of 0 or more, at most {MOST_WEIGHT:g}"
            )
    if not math.fsum(targets.values()) > 0:
        raise ValueError("no target is above 0: give at least one label a share")
    for label, count in sorted(token_counts.items()):
        if count < 0:
            raise ValueError(f"the token count of {label!r} is {count}: counts start at 0")
        if count > 0 and label not in targets:
            raise ValueError(
                f"{label!r} has {count:,} tokens and no target: give it a share, or 0 to leave it out "
                f"(targets: {', '.join(sorted(targets))})"
            )
    if not 0 < max_epochs <= MOST_EPOCHS:
        raise ValueError(f"max_epochs is {max_epochs}: give a number above 0, at most {MOST_EPOCHS:,.0f}")
    if total_tokens is not None and total_tokens < 1:
        raise ValueError(f"total_tokens is {total_tokens}: give 1 or more, or None for as many as the data allows")


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def copies(id: str, rate: float, salt: str) -> int:
    """How many copies of one document a rate gives: the whole part, and one more for its share of documents.

    Args:
        id: of the document; the same arguments always give the same number, and a higher rate never a smaller one.
        rate: epochs of its label, >= 0.
        salt: names the choice, so that two choices over the same documents are independent.

    >>> copies("a1", 2.0, "mixture"), copies("a1", 0.0, "mixture")
    (2, 0)
    """
    from curate.text.hashing import fraction

    whole = math.floor(rate)
    return whole + (fraction(id, salt) < rate - whole)
