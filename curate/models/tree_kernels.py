"""Compiled loop that walks rows of features down the trees of a forest."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from curate.text.compiled import kernel


@kernel
def predict_rows(
    rows: NDArray[np.float64],
    roots: NDArray[np.int32],
    feature: NDArray[np.int16],
    value: NDArray[np.float64],
    left: NDArray[np.int32],
) -> NDArray[np.float64]:
    """Return the mean leaf value over the trees for each row; `curate.models.forest.Forest` describes the arrays."""
    out = np.empty(rows.shape[0], np.float64)
    for i in range(rows.shape[0]):
        total = 0.0
        for tree in range(roots.shape[0]):
            node = roots[tree]
            while feature[node] >= 0:
                node = left[node] if rows[i, feature[node]] <= value[node] else left[node] + 1
            total += value[node]
        out[i] = total / roots.shape[0]
    return out
