"""Compiled loops of ``curate.clusters``; documents are numbered by rank, so that the smaller number stays."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def bucket_pairs(hashes, numbers, window):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Return candidate pairs [pairs, 2] of sorted hashes: a bucket's first with all, and each with those before it."""
    found = 0
    for writing in range(2):  # count, then write
        pairs = np.empty((found, 2), np.uint32)
        found = 0
        start = 0
        for i in range(1, len(hashes) + 1):
            if i < len(hashes) and hashes[i] == hashes[start]:
                continue
            for j in range(start + 1, i):
                if writing:
                    pairs[found, 0], pairs[found, 1] = numbers[start], numbers[j]
                found += 1
                for k in range(max(start + 1, j - window), j):
                    if writing:
                        pairs[found, 0], pairs[found, 1] = numbers[k], numbers[j]
                    found += 1
            start = i
    return pairs


@njit(cache=True, nogil=True)
def similarities(signatures, pairs):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Return in how many positions the signatures of each pair agree."""
    out = np.empty(len(pairs), np.int64)
    for i in range(len(pairs)):
        out[i] = agreement(signatures, pairs[i, 0], pairs[i, 1])
    return out


@njit(cache=True, nogil=True)
def agreement(signatures, a, b):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Return in how many positions two signatures agree."""
    same = 0
    for p in range(signatures.shape[1]):
        same += signatures[a, p] == signatures[b, p]
    return same


@njit(cache=True, nogil=True)
def grow(signatures, starts, neighbours, least):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Grow clusters along neighbours from anchors in order; returns anchor and agreement of each document."""
    n = len(starts) - 1
    anchor = np.full(n, -1, np.int64)
    agree = np.full(n, signatures.shape[1], np.int64)
    stack = np.empty(n, np.int64)
    for a in range(n):
        if anchor[a] >= 0:
            continue
        anchor[a] = a
        stack[0], top = a, 1
        while top:
            top -= 1
            d = stack[top]
            for e in range(starts[d], starts[d + 1]):
                other = neighbours[e]
                if anchor[other] >= 0:
                    continue
                same = agreement(signatures, a, other)
                if same >= least:
                    anchor[other], agree[other] = a, same
                    stack[top] = other
                    top += 1
    return anchor, agree
