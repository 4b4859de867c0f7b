"""Train the language model by stochastic gradient descent."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from curate.language.model_kernels import ngram_rows
from curate.text.compiled import kernel

Floats = NDArray[np.float32]


@kernel
def descend(
    letters: NDArray[np.uint32],
    starts: NDArray[np.int64],
    order: NDArray[np.int64],
    groups: NDArray[np.int64],
    group_label: NDArray[np.int64],
    cumulative: NDArray[np.float64],
    classes: NDArray[np.uint8],
    table: Floats,
    weights: Floats,
    bias: Floats,
    seed: int,
    steps: int,
    done: int,
    total_steps: int,
    rate: float,
    mixed: float,
    short: float,
) -> float:
    """Run stochastic gradient descent on the cross entropy, its rate falling linearly to 0; return the mean loss."""
    np.random.seed(seed)
    width, labels = weights.shape
    rows = np.empty(20_000, np.int32)
    mean, back = np.empty(width, np.float32), np.empty(width, np.float32)
    logits = np.empty(labels, np.float32)
    loss = 0.0
    for step in range(steps):
        speed = np.float32(rate * (1.0 - (done + step) / total_steps))
        n_rows = first = label = other = 0
        parts = 2 if np.random.random() < mixed else 1
        for part in range(parts):
            group = np.searchsorted(cumulative, np.random.random(), "right")
            text = order[groups[group] + np.int64(np.random.random() * (groups[group + 1] - groups[group]))]
            start, end = _cut(letters, starts[text], starts[text + 1], np.random.random() < short)
            n_rows = ngram_rows(letters[start:end], classes, len(table) - 1, rows, n_rows)[0]
            if part == 0:
                first, label = n_rows, group_label[group]
            else:
                other = group_label[group]
        if n_rows == 0:
            continue
        mean[:] = 0
        for i in range(n_rows):
            row = table[rows[i]]
            for j in range(width):
                mean[j] += row[j]
        mean *= np.float32(1) / np.float32(n_rows)
        logits[:] = bias
        for j in range(width):
            for k in range(labels):
                logits[k] += mean[j] * weights[j, k]
        logits -= logits.max()
        for k in range(labels):
            logits[k] = np.exp(logits[k])
        logits *= np.float32(1) / logits.sum()
        loss -= math.log(logits[label] + 1e-9)
        share = np.float32(first) / np.float32(n_rows)
        back[:] = 0
        for k in range(labels):
            gradient = -logits[k]
            if k == label:
                gradient += share
            if k == other and parts == 2:
                gradient += np.float32(1) - share
            if abs(gradient) > np.float32(1e-4):  # skip the hundreds of labels that are practically excluded
                for j in range(width):
                    back[j] += gradient * weights[j, k]
                    weights[j, k] += speed * gradient * mean[j]
                bias[k] += np.float32(0.1) * speed * gradient
        back *= speed / np.float32(n_rows)
        for i in range(n_rows):
            row = table[rows[i]]
            for j in range(width):
                row[j] += back[j]
    return loss / steps


@kernel
def _cut(letters: NDArray[np.uint32], start: np.int64, end: np.int64, short: bool) -> tuple[np.int64, np.int64]:
    """Return the bounds of a text, or of a piece of 8 to 80 letters, mostly of whole words."""
    if not short or end - start < 12:
        return start, end
    size = np.int64(8 * 10.0 ** np.random.random())
    if size >= end - start:
        return start, end
    first = start + np.int64(np.random.random() * (end - start - size))
    last = first + size
    if np.random.random() < 0.8:
        while first > start and letters[first - 1] != 0:
            first -= 1
        while last < end and letters[last] != 0:
            last += 1
    return first, last
