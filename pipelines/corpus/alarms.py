"""Alarms: a source or a site that a deduplication step takes nearly everything from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from pipelines.corpus.base import KeySlice

LOST = 0.9  # share of a source or site that must be lost for an alarm
LEAST = {"source": 20, "site": 1000}  # documents it must have had: small sites are often copies as a whole
NAMED = 20  # alarms of a kind, the largest losses first; the rest are counted


def lost_shares(slices: Sequence[KeySlice], folder: str) -> list[str]:
    """Say which sources and sites lose more than nine tenths of their documents.

    Args:
        slices: of a step whose keys have the columns source and site.
        folder: of its decision.

    Returns:
        A sentence for each, the largest losses first.
    """
    from pipelines.corpus.base import read_losers

    had: dict[str, Counter[str]] = {kind: Counter() for kind in LEAST}
    lost: dict[str, Counter[str]] = {kind: Counter() for kind in LEAST}
    for part in slices:
        rows, table = part.load(list(LEAST))
        duplicate = pa.array(np.isin(rows, read_losers(folder, part.index)["row"]))
        for kind in LEAST:
            _count(table[kind], had[kind])
            _count(table[kind].filter(duplicate), lost[kind])
    sentences = []
    for kind, least in LEAST.items():
        bad = [n for n in lost[kind] if n and had[kind][n] >= least and lost[kind][n] > LOST * had[kind][n]]
        bad.sort(key=lambda n, kind=kind: (-lost[kind][n], n))  # type: ignore[misc]
        for name in bad[:NAMED]:
            gone, all_of_it = lost[kind][name], had[kind][name]
            sentences.append(
                f"{kind} {name} loses {gone:,} of {all_of_it:,} documents ({gone / all_of_it:.1%}) as duplicates"
            )
        if len(bad) > NAMED:
            sentences.append(f"{len(bad) - NAMED:,} more {kind}s lose more than {LOST:.0%} as duplicates")
    return sentences


def _count(column: pa.ChunkedArray, into: Counter[str]) -> None:
    for row in column.value_counts().to_pylist():
        into[row["values"]] += row["counts"]
