"""Align a page with its gold text."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from curate.text.compiled import kernel


@kernel
def align(a: NDArray[np.int32], b: NDArray[np.int32]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Mark, in both sequences, a longest common subsequence."""
    n, m = len(a), len(b)
    length = np.zeros((n + 1, m + 1), np.uint16)
    for i in range(n - 1, -1, -1):
        for j in range(m - 1, -1, -1):
            if a[i] == b[j]:
                length[i, j] = length[i + 1, j + 1] + 1
            else:
                length[i, j] = max(length[i + 1, j], length[i, j + 1])
    in_a, in_b = np.zeros(n, np.bool_), np.zeros(m, np.bool_)
    i, j = 0, 0
    while i < n and j < m:
        if a[i] == b[j]:
            in_a[i] = in_b[j] = True
            i += 1
            j += 1
        elif length[i + 1, j] >= length[i, j + 1]:
            i += 1
        else:
            j += 1
    return in_a, in_b
