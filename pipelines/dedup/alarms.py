"""Warnings about sources and sites that lose nearly all of their documents as duplicates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pyarrow as pa

from curate.text.hashing import stable_u64
from pipelines.dedup.members import losers_of
from pipelines.steps.base import DecisionTable, KeySource

# The limits are curate's own values.
LOST = 0.9  # share of a source or site that must be lost for a warning
LEAST = {"source": 20, "site": 1000}  # documents that it must have had: small sites are often whole copies
NAMED = 20  # warnings per column, the largest losses first; the rest are counted
BINS = 1 << 20  # names are first counted in bins, and one by one only in bins with enough losses, to bound memory


def lost_shares(keys: Sequence[KeySource], decision: DecisionTable) -> list[str]:
    """Describe the sources and sites that lose more than nine tenths of their documents.

    Args:
        keys: blocks of a step's keys, with the columns source and site.
        decision: the step's decision.

    Returns:
        A sentence for each, the largest losses first.
    """
    bins = {column: np.zeros(BINS, np.int64) for column in LEAST}
    for _, lost in _names(LEAST, keys, decision):
        for column, names in lost.items():
            for name, count in names.items():
                bins[column][stable_u64(name) % BINS] += count
    suspects = [column for column, least in LEAST.items() if (bins[column] > LOST * least).any()]
    had: dict[str, Counter[str]] = {column: Counter() for column in suspects}
    gone: dict[str, Counter[str]] = {column: Counter() for column in suspects}
    for names_of, lost in _names(suspects, keys, decision) if suspects else ():
        for column, names in names_of.items():
            for name, count in names.items():
                if name and bins[column][stable_u64(name) % BINS] > LOST * LEAST[column]:
                    had[column][name] += count
                    gone[column][name] += lost[column][name]
    return [sentence for column in suspects for sentence in _sentences(column, had[column], gone[column])]


def _sentences(column: str, had: Counter[str], gone: Counter[str]) -> Iterator[str]:
    bad = sorted((-gone[name], name) for name in had if had[name] >= LEAST[column] and gone[name] > LOST * had[name])
    for _, name in bad[:NAMED]:
        share = f"{gone[name]:,} of {had[name]:,} documents ({gone[name] / had[name]:.1%})"
        yield f"{column} {name} loses {share} as duplicates"
    if len(bad) > NAMED:
        yield f"{len(bad) - NAMED:,} more {column}s lose more than {LOST:.0%} as duplicates"


def _names(
    columns: Iterable[str], keys: Sequence[KeySource], decision: DecisionTable
) -> Iterator[tuple[dict[str, Counter[str]], dict[str, Counter[str]]]]:
    """Yield, per block and column, the number of documents by name, and the number of those that are lost."""
    names = list(columns)
    for block in keys:
        rows, table = block.load(names)
        lost = pa.array(np.isin(rows, losers_of(decision, block.index)["row"]))
        yield {c: _count(table[c]) for c in names}, {c: _count(table[c].filter(lost)) for c in names}


def _count(column: pa.ChunkedArray) -> Counter[str]:
    return Counter({row["values"]: row["counts"] for row in column.value_counts().to_pylist()})
