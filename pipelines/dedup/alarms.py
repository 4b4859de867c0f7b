"""Alarms: a source or a site that a deduplication step takes nearly everything from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa

from curate.text.hashing import stable_u64
from pipelines.dedup.members import losers_of
from pipelines.steps.base import DecisionTable, KeySource

LOST = 0.9  # share of a source or site that must be lost for an alarm
LEAST = {"source": 20, "site": 1000}  # documents it must have had: small sites are often copies as a whole
NAMED = 20  # alarms of a kind, the largest losses first; the rest are counted
BINS = 1 << 20  # names are counted one by one only where a bin of them has lost enough: memory stays small


def lost_shares(keys: Sequence[KeySource], decision: DecisionTable) -> list[str]:
    """Say which sources and sites lose more than nine tenths of their documents.

    Args:
        keys: of a step, with the columns source and site.
        decision: of it.

    Returns:
        A sentence for each, the largest losses first.
    """
    sentences = []
    for kind, least in LEAST.items():
        bins = np.zeros(BINS, np.int64)
        for _, lost in _names(kind, keys, decision):
            for name, count in lost.items():
                bins[stable_u64(name) % BINS] += count
        had, gone = Counter[str](), Counter[str]()
        for names, lost in _names(kind, keys, decision):
            for name, count in names.items():
                if name and bins[stable_u64(name) % BINS] > LOST * least:
                    had[name] += count
                    gone[name] += lost[name]
        bad = sorted((-gone[name], name) for name in had if had[name] >= least and gone[name] > LOST * had[name])
        for _, name in bad[:NAMED]:
            share = f"{gone[name]:,} of {had[name]:,} documents ({gone[name] / had[name]:.1%})"
            sentences.append(f"{kind} {name} loses {share} as duplicates")
        if len(bad) > NAMED:
            sentences.append(f"{len(bad) - NAMED:,} more {kind}s lose more than {LOST:.0%} as duplicates")
    return sentences


def _names(
    kind: str, keys: Sequence[KeySource], decision: DecisionTable
) -> Iterator[tuple[Counter[str], Counter[str]]]:
    """Count, in one block after another, the documents of each name and those of them that are lost."""
    for block in keys:
        rows, table = block.load([kind])
        lost = pa.array(np.isin(rows, losers_of(decision, block.index)["row"]))
        yield _count(table[kind]), _count(table[kind].filter(lost))


def _count(column: pa.ChunkedArray) -> Counter[str]:
    return Counter({row["values"]: row["counts"] for row in column.value_counts().to_pylist()})
