"""Warnings about sources that lose nearly all of their documents as duplicates; `pipelines.result.alarms` has sites."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from pipelines.dedup.members import losers_of
from pipelines.steps.base import DecisionTable, KeySource

# The limits are curate's own values.
LOST = 0.9  # share of a source that must be lost for a warning
LEAST = 20  # documents that it must have had


def lost_shares(keys: Sequence[KeySource], decision: DecisionTable) -> list[str]:
    """Describe the sources that lose more than nine tenths of their documents.

    Args:
        keys: blocks of a step's keys, with the column source.
        decision: the step's decision.

    Returns:
        A sentence for each, the largest losses first.
    """
    had, gone = Counter[str](), Counter[str]()
    for block in keys:
        rows, table = block.load(["source"])
        lost = pa.array(np.isin(rows, losers_of(decision, block.index)["row"]))
        had += _count(table["source"])
        gone += _count(table["source"].filter(lost))
    bad = sorted((-gone[name], name) for name in had if name and had[name] >= LEAST and gone[name] > LOST * had[name])
    return [
        f"source {name} loses {gone[name]:,} of {had[name]:,} documents ({gone[name] / had[name]:.1%}) as duplicates"
        for _, name in bad
    ]


def _count(column: pa.ChunkedArray) -> Counter[str]:
    return Counter({row["values"]: row["counts"] for row in column.value_counts().to_pylist()})
