"""Counts per bin as small blocks of bytes, which many machines can add up.

>>> blocks = [histogram(np.array([3, 3, 5])), histogram(np.array([5]))]
>>> bins, counts = add_histograms(blocks)
>>> bins.tolist(), counts.tolist()
([3, 5], [2, 2])
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

BIN = np.dtype([("bin", "i4"), ("count", "i8")])


def histogram(bins: np.ndarray) -> bytes:
    """Count values, int32 [n], and return a block with only the bins that occur."""
    values, counts = np.unique(bins, return_counts=True)
    block = np.empty(len(values), BIN)
    block["bin"], block["count"] = values, counts
    return block.tobytes()


def add_blocks(blocks: Iterable[bytes]) -> bytes:
    """Return the sum of blocks as a block, so that sums can be added up again.

    >>> add_blocks([histogram(np.array([3])), histogram(np.array([3, 5]))]) == histogram(np.array([3, 3, 5]))
    True
    """
    bins, counts = add_histograms(blocks)
    block = np.empty(len(bins), BIN)
    block["bin"], block["count"] = bins, counts
    return block.tobytes()


def add_histograms(blocks: Iterable[bytes]) -> tuple[np.ndarray, np.ndarray]:
    """Return the bins that occur in any block, int32 [bins], ascending, and the count of each, int64 [bins]."""
    total = np.empty(0, BIN)
    for block in blocks:
        rows = np.concatenate([total, np.frombuffer(block, BIN)])
        bins, place = np.unique(rows["bin"], return_inverse=True)
        total = np.empty(len(bins), BIN)
        total["bin"], total["count"] = bins, np.bincount(place, rows["count"], len(bins))
    return total["bin"], total["count"]
