"""Warnings about sources and sites that lose nearly all of their documents as duplicates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

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
    sentences = []
    for column, least in LEAST.items():
        bins = np.zeros(BINS, np.int64)
        for _, lost in _names(column, keys, decision):
            for name, count in lost.items():
                bins[stable_u64(name) % BINS] += count
        had, gone = Counter[str](), Counter[str]()
        for names, lost in _names(column, keys, decision):
            for name, count in names.items():
                if name and bins[stable_u64(name) % BINS] > LOST * least:
                    had[name] += count
                    gone[name] += lost[name]
        bad = sorted((-gone[name], name) for name in had if had[name] >= least and gone[name] > LOST * had[name])
        for _, name in bad[:NAMED]:
            share = f"{gone[name]:,} of {had[name]:,} documents ({gone[name] / had[name]:.1%})"
            sentences.append(f"{column} {name} loses {share} as duplicates")
        if len(bad) > NAMED:
            sentences.append(f"{len(bad) - NAMED:,} more {column}s lose more than {LOST:.0%} as duplicates")
    return sentences


def _names(
    column: str, keys: Sequence[KeySource], decision: DecisionTable
) -> Iterator[tuple[Counter[str], Counter[str]]]:
    """Yield, per block, the number of documents by name in a column, and the number of those that are lost."""
    for block in keys:
        rows, table = block.load([column])
        lost = pa.array(np.isin(rows, losers_of(decision, block.index)["row"]))
        yield _count(table[column]), _count(table[column].filter(lost))


def _count(column: pa.ChunkedArray) -> Counter[str]:
    return Counter({row["values"]: row["counts"] for row in column.value_counts().to_pylist()})
