"""Plan how often to use the documents of each label, so that the corpus has the target shares.

>>> mixture = plan_mixture({"web": 900, "code": 100}, {"web": 0.8, "code": 0.2})
>>> mixture.rates
{'code': 2.25, 'web': 1.0}
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from curate.results import Result

# "Scaling Data-Constrained Language Models" (Muennighoff et al. 2023, arXiv 2305.16264): with up to 4 epochs of
# repeated data the loss is almost the same as with new data; after that the value of repetition falls quickly.
MAX_EPOCHS = 4.0
# curate's own values: beyond these a share or a number of copies would overflow its type, and no plan needs them.
MOST_EPOCHS, MOST_WEIGHT = 1_000_000.0, 1e100


@dataclass(frozen=True, slots=True)
class Mixture(Result):
    """The plan of `plan_mixture`, per label in alphabetical order.

    ``rates`` are epochs: 0.3 uses three documents in ten, 2.5 uses each twice and half of them a third time. ``tokens``
    are those expected after sampling, ``shares`` their share of ``total_tokens``, ``targets`` the requested shares,
    scaled to a sum of 1. ``limited_by`` names the label whose epoch cap limits the size of the corpus, if any;
    ``infeasible`` has a sentence for each target that gives way: the target, the share that it gets, and why.
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
    min_epochs: float = 0.0,
) -> Mixture:
    """Plan the sampling rate of each label.

    Without ``total_tokens`` the shares determine the size. With n tokens and target share t of each label, the label
    with the most tokens for its share (the largest n / t) is used once, and the others are repeated to match it, so
    that no document is dropped or repeated more than needed. If the scarcest label would need more than ``max_epochs``,
    something has to give way:

    - by default the corpus: it is made smaller, to ``max_epochs * min(n / t)`` tokens, until all shares are met, and
      ``limited_by`` names the scarcest label;
    - with ``min_epochs`` the shares: no label is used less often than that, a label that would need more than
      ``max_epochs`` stops there, and ``infeasible`` says which share it gets. ``min_epochs=1`` uses every document.

    With ``total_tokens`` the size is fixed: a label that would need more than ``max_epochs`` stops there, and the
    others make up for it, by their targets, as far as they can; ``infeasible`` says so.

    In both cases the share of a label without tokens goes to the others by their targets, and ``infeasible`` says so.

    Args:
        token_counts: existing tokens, per label.
        targets: weight of each label, >= 0; weights are divided by their sum, so that 50 / 25 / 17 / 8 is the same as
            0.50 / 0.25 / 0.17 / 0.08 (general, maths and reasoning, code, multilingual: Llama 3, arXiv 2407.21783,
            section 3.1.2). A target of 0 excludes a label.
        max_epochs: how often a document may be used, on average over its label; default ``MAX_EPOCHS``.
        total_tokens: the requested size, in tokens; by default the rule above.
        min_epochs: how often a document of a label with a target is used at least, on average; at most ``max_epochs``.
            It does not count if ``total_tokens`` is given.

    Raises:
        ValueError: a label with tokens has no target; a weight, count, cap or size is negative or not finite; or no
            weight is above 0.

    >>> scarce, shares = {"code": 10, "web": 1000}, {"code": 0.5, "web": 0.5}
    >>> plan_mixture(scarce, shares).tokens
    {'code': 40.0, 'web': 40.0}
    >>> plan_mixture(scarce, shares, min_epochs=1).tokens
    {'code': 40.0, 'web': 1000.0}
    >>> plan_mixture(scarce, shares, min_epochs=1).infeasible[0]
    'code: target 50 %, gets 3.85 %, because 4 epochs, the cap, of its 10 tokens are 40'
    >>> plan_mixture({"web": 900, "code": 0}, {"web": 0.8, "code": 0.2}).infeasible
    ['code: target 20 %, but it has no tokens; its share went to the others']
    """
    _check(token_counts, targets, max_epochs, total_tokens, min_epochs)
    labels = sorted({*token_counts, *targets})
    weights = math.fsum(targets.values())
    have = {label: token_counts.get(label, 0) for label in labels}
    wanted = {label: targets.get(label, 0.0) / weights for label in labels}
    return _plan(have, wanted, max_epochs, total_tokens, min_epochs)


def _plan(
    have: Mapping[str, int],
    wanted: Mapping[str, float],
    max_epochs: float,
    total_tokens: int | None,
    min_epochs: float,
) -> Mixture:
    """Plan the sampling rates of labels, given the tokens and the share of each."""
    labels = list(have)
    usable = {label: wanted[label] for label in labels if wanted[label] > 0 and have[label] > 0}
    infeasible = [
        f"{label}: target {_percent(wanted[label])}, but it has no tokens; its share went to the others"
        for label in labels
        if wanted[label] > 0 and have[label] == 0
    ]
    rates = dict.fromkeys(labels, 0.0)
    limited_by = ""
    if usable and total_tokens is None:
        some, limited_by = _most_rates(have, usable, max_epochs, min_epochs)
        rates |= some
        infeasible += _given_way(have, usable, rates, max_epochs)
    elif usable and total_tokens is not None:
        rates |= _fill(have, usable, max_epochs, total_tokens)
        infeasible += _shortfalls(have, usable, rates, max_epochs, total_tokens)
    tokens = {label: rates[label] * have[label] for label in labels}
    total = math.fsum(tokens.values())
    shares = {label: tokens[label] / total if total else 0.0 for label in labels}
    return Mixture(rates, tokens, shares, wanted, total, limited_by, infeasible)


def _most_rates(
    have: Mapping[str, int], wanted: Mapping[str, float], max_epochs: float, min_epochs: float
) -> tuple[dict[str, float], str]:
    """Return the rates of the largest corpus that both limits allow, and the label that limits it, "" for none."""
    # Tokens of a corpus in which one epoch of this label has exactly its target share.
    size_at_one_epoch = {label: have[label] / wanted[label] for label in wanted}
    scarcest = min(wanted, key=size_at_one_epoch.__getitem__)
    largest = max(size_at_one_epoch.values())
    size = max(min(largest, max_epochs * size_at_one_epoch[scarcest]), min_epochs * largest)
    # Divided first, so that the label of the largest corpus gets exactly its epochs, not a document less by rounding.
    rates = {label: min(size / size_at_one_epoch[label], max_epochs) for label in wanted}
    return rates, scarcest if size < largest else ""


def _given_way(
    have: Mapping[str, int], wanted: Mapping[str, float], rates: Mapping[str, float], max_epochs: float
) -> list[str]:
    """Return a sentence for each label that the cap keeps below its target, and one for the labels above theirs."""
    total = math.fsum(rates[label] * have[label] for label in wanted)
    weights = math.fsum(wanted.values())
    gets = {label: rates[label] * have[label] / total for label in wanted}
    aims = {label: wanted[label] / weights for label in wanted}  # labels without tokens have a sentence of their own
    below = [label for label in wanted if gets[label] < aims[label] * (1 - 1e-9)]
    above = [label for label in wanted if gets[label] > aims[label] * (1 + 1e-9)]
    sentences = [
        f"{label}: target {_percent(wanted[label])}, gets {_percent(gets[label])}, because {max_epochs:g} epochs, "
        f"the cap, of its {have[label]:,} tokens are {max_epochs * have[label]:,.0f}"
        for label in below
    ]
    if below and above:
        more = ", ".join(f"{label} {_percent(wanted[label])} -> {_percent(gets[label])}" for label in above)
        sentences.append(f"the others get what is missing: {more}")
    return sentences


def _shortfalls(
    have: Mapping[str, int],
    wanted: Mapping[str, float],
    rates: Mapping[str, float],
    max_epochs: float,
    total_tokens: int,
) -> list[str]:
    """Return a sentence for each label, and for the total, that stays below its target."""
    short = [
        f"{label}: target {_percent(wanted[label])} of {total_tokens:,} tokens, but {max_epochs:g} epochs of it, "
        f"the cap, are {max_epochs * have[label]:,.0f}"
        for label in wanted
        if wanted[label] * total_tokens > max_epochs * have[label]
    ]
    reached = math.fsum(rates[label] * have[label] for label in wanted)
    if reached < total_tokens * (1 - 1e-9):
        short.append(
            f"total: {total_tokens:,} tokens requested, but {max_epochs:g} epochs of all labels, the cap, "
            f"are {reached:,.0f}"
        )
    return short


def _fill(
    have: Mapping[str, int], wanted: Mapping[str, float], max_epochs: float, total_tokens: int
) -> dict[str, float]:
    """Return rates that divide ``total_tokens`` by weight; what a label at its cap cannot take goes to the others."""
    rates: dict[str, float] = {}
    left = float(total_tokens)
    # In the order in which labels reach the cap, so that no later label can exceed it before this one does.
    order = sorted(wanted, key=lambda label: (have[label] / wanted[label], label))
    weights = math.fsum(wanted.values())
    for i, label in enumerate(order):
        rates[label] = min(left * wanted[label] / weights / have[label], max_epochs)
        left -= rates[label] * have[label]
        weights = math.fsum(wanted[other] for other in order[i + 1 :])
    return rates


def _check(
    token_counts: Mapping[str, int],
    targets: Mapping[str, float],
    max_epochs: float,
    total_tokens: int | None,
    min_epochs: float,
) -> None:
    for label, weight in sorted(targets.items()):
        if not 0 <= weight <= MOST_WEIGHT:
            raise ValueError(
                f"the target of {label!r} is {weight}: give a weight of 0 or more, at most {MOST_WEIGHT:g}"
            )
    if not math.fsum(targets.values()) > 0:
        raise ValueError("all targets are 0: give at least one label a share")
    for label, count in sorted(token_counts.items()):
        if count < 0:
            raise ValueError(f"the token count of {label!r} is {count}: give 0 or more")
        if count > 0 and label not in targets:
            raise ValueError(
                f"{label!r} has {count:,} tokens but no target: give it a share, or 0 to exclude it "
                f"(targets: {', '.join(sorted(targets))})"
            )
    if not 0 < max_epochs <= MOST_EPOCHS:
        raise ValueError(f"max_epochs is {max_epochs}: give a number above 0, at most {MOST_EPOCHS:,.0f}")
    if not 0 <= min_epochs <= max_epochs:
        raise ValueError(f"min_epochs is {min_epochs}: give a number from 0 to max_epochs, which is {max_epochs:g}")
    if total_tokens is not None and total_tokens < 1:
        raise ValueError(f"total_tokens is {total_tokens}: give 1 or more, or None for as many as the data allows")


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def copies(id: str, rate: float, salt: str) -> int:
    """Return how many copies of a document a rate gives: its integer part, and one more for its fraction of documents.

    Args:
        id: of the document; the same arguments always give the same number, and a higher rate never a smaller one.
        rate: epochs of its label, >= 0.
        salt: names the choice, so that different choices over the same documents are independent.

    >>> copies("a1", 2.0, "mixture"), copies("a1", 0.0, "mixture")
    (2, 0)
    """
    from curate.text.hashing import fraction

    whole = math.floor(rate)
    return whole + (fraction(id, salt) < rate - whole)
