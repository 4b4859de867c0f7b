"""Split features into bins with about as many rows each, on which trees are grown (Ke et al. 2017, LightGBM)."""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike, NDArray

BINS = 255


def cut_into_bins(
    rows: NDArray[np.float64], stored: DTypeLike = np.float64
) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """Split each column at its quantiles.

    Args:
        rows: features, float64 [n, columns], no NaN.
        stored: the type in which a forest will store the cuts, which are rounded to it.

    Returns:
        The cuts, float64 [columns, BINS - 1], padded with infinity, and the bin of each value, uint8 [columns, n]: the
        number of cuts below it.

    >>> cuts, bins = cut_into_bins(np.array([[1.0], [2.0], [2.0], [5.0]]))
    >>> cuts[0, :3].tolist(), bins[0].tolist()
    ([1.0, 2.0, inf], [0, 1, 1, 2])
    """
    n, columns = rows.shape
    cuts = np.full((columns, BINS - 1), np.inf)
    binned = np.empty((columns, n), np.uint8)
    for column in range(columns):
        values = rows[:, column]
        quantiles = np.unique(np.quantile(values, np.linspace(0, 1, BINS + 1)[1:-1], method="inverted_cdf"))
        quantiles = quantiles[quantiles < values.max()].astype(stored).astype(np.float64)
        cuts[column, : len(quantiles)] = quantiles
        binned[column] = np.searchsorted(quantiles, values, side="left")
    return cuts, binned
