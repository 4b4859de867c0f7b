"""What a first judgement says around each block, which blocks to keep, and what holds them on the page."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from curate.extract.columns import (
    CELL_OF,
    CHARS,
    CONTEXT,
    ELEMENT,
    IS_LIST,
    IS_WHOLE,
    ITEM_OF,
    LINK_CHARS,
    LIST_OF,
    PARENT,
    ROW_OF,
    TAG,
)
from curate.extract.element_kernels import S_BLOCKS, larger, words_of
from curate.text.compiled import kernel

# Sums over what is in an element: chances and weights of blocks; and S_BLOCKS, which `larger` reads.
S_CHANCE, S_WEIGHT = 0, 1
SUMS = 3
AROUND = 4  # blocks before it, and as many after it, whose chances are described
CONTAINERS = 5  # whose mean chances are described
# Of a page with hardly any main text, see `drop_frame`; curate's own values, chosen by cross-validation over sites on
# the 1,417 training pages, as they are (no source may lose more than 0.001 of F1) and emptied of most of their text (F1
# may only gain), and on 1,070 judged pages of a crawl, of which no good one may lose a word: see the card of the model.
LITTLE, FEW_SURE, FRAME = 100, 50, 10  # words
SURE, LIKELY, ABOUT = 0.8, 0.8, 0.1  # chances, and how far below the likeliest a block is about as likely
NEAR, FAR, REACH = 2.0, 6.0, 12  # widths of the means around a block, in blocks, and how far they look


@kernel
def mean_around(chances: NDArray[np.float64], weights: NDArray[np.float64], i: int, width: float) -> float:
    """Return the mean of the chances around a block, which fall off as a normal distribution of this width."""
    value, weight = 0.0, 0.0
    for j in range(max(i - REACH, 0), min(i + REACH + 1, len(chances))):
        near = np.exp(-0.5 * ((j - i) / width) ** 2) * weights[j]
        value += near * chances[j]
        weight += near
    return value / weight


@kernel
def context(
    blocks: NDArray[np.int32], elements: NDArray[np.int32], chances: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Describe what a first judgement says around each block.

    Args:
        blocks, elements: of `curate.extract.html_kernels.scan`.
        chances: that each block is main text, by the first judgement, float64 [blocks].

    Returns:
        float64 [blocks, CONTEXT]: the chance of the block, of the four before and the four after it, the mean of its
        five innermost containers of different size, the means around it, near and far, and what the page as a whole
        looks like.
    """
    n = len(blocks)
    ne = len(elements) - 1
    rows = np.full((n, len(CONTEXT)), -1.0)
    sums = np.zeros((ne, SUMS), np.float64)
    weights = np.empty(n, np.float64)
    total, main, largest = 0.0, 0.0, 0.0
    for i in range(n):
        e = blocks[i, ELEMENT]
        weights[i] = words_of(blocks[i]) + 0.5
        sums[e, S_CHANCE] += chances[i] * weights[i]
        sums[e, S_WEIGHT] += weights[i]
        sums[e, S_BLOCKS] += 1
        total += weights[i]
        main += chances[i] * weights[i]
        largest = max(largest, chances[i])
    for e in range(ne - 1, 0, -1):
        for k in range(SUMS):
            sums[elements[e, PARENT], k] += sums[e, k]
    above = larger(sums, elements)
    order = np.argsort(-chances, kind="mergesort")
    taken, right, best = 0.0, 0.0, 0.0
    rank = np.empty(n, np.float64)
    for k in range(n):
        i = order[k]
        rank[i] = k / n
        taken += weights[i]
        right += chances[i] * weights[i]
        best = max(best, 2.0 * right / (taken + main))
    before = 0.0
    for i in range(n):
        row = rows[i]
        row[CONTEXT.chance] = chances[i]
        for k in range(AROUND):
            if i - AROUND + k >= 0:
                row[CONTEXT.before_4 + k] = chances[i - AROUND + k]
            if i + 1 + k < n:
                row[CONTEXT.after_1 + k] = chances[i + 1 + k]
        f = blocks[i, ELEMENT]
        for k in range(CONTAINERS):
            row[CONTEXT.container_0 + k] = sums[f, S_CHANCE] / sums[f, S_WEIGHT]
            f = above[f]
        row[CONTEXT.near] = mean_around(chances, weights, i, NEAR)
        row[CONTEXT.far] = mean_around(chances, weights, i, FAR)
        before += chances[i] * weights[i]
        row[CONTEXT.best_f1] = best
        row[CONTEXT.page_share] = main / total
        row[CONTEXT.largest] = largest
        row[CONTEXT.rank] = rank[i]
        row[CONTEXT.main_before] = before / max(main, 1e-9)
    return rows


@kernel
def choose(blocks: NDArray[np.int32], chances: NDArray[np.float64], least: float) -> NDArray[np.bool_]:
    """Choose the blocks that give the greatest expected F1 of words, none with a chance below ``least``.

    With a chance p for each block of w words, taking the set T is expected to find sum_T(pw) right words among
    sum_T(w) taken and sum(pw) wanted; the best set is one of the first k by falling chance.
    """
    n = len(blocks)
    order = np.argsort(-chances, kind="mergesort")
    wanted = 0.0
    for i in range(n):
        wanted += chances[i] * words_of(blocks[i])
    taken, right, best, best_k = 0.0, 0.0, -1.0, 0
    for k in range(n):
        i = order[k]
        if chances[i] < least:
            break
        taken += words_of(blocks[i])
        right += chances[i] * words_of(blocks[i])
        value = 2.0 * right / max(taken + wanted, 1e-9)
        if value > best:
            best, best_k = value, k + 1
    keep = np.zeros(n, np.bool_)
    for k in range(best_k):
        keep[order[k]] = True
    return keep


@kernel
def expected_f1(blocks: NDArray[np.int32], chances: NDArray[np.float64], keep: NDArray[np.bool_]) -> float:
    """Return the expected F1 of words of a choice of blocks, as `choose` estimates it."""
    taken, right, wanted = 0.0, 0.0, 0.0
    for i in range(len(blocks)):
        n = words_of(blocks[i])
        wanted += chances[i] * n
        taken += n * keep[i]
        right += chances[i] * n * keep[i]
    return 2.0 * right / max(taken + wanted, 1e-9)


@kernel
def drop_frame(blocks: NDArray[np.int32], chances: NDArray[np.float64], keep: NDArray[np.bool_]) -> None:
    """Take what is only likelier than the rest of the page out of a choice, if the page has hardly any main text.

    The greatest expected F1 needs some text: of an error page or a gallery, `choose` keeps banners and menus. If less
    than `LITTLE` words are kept, hardly any of them `SURE`, and at least `FRAME` words of the page are not kept or in
    links, only `LIKELY` blocks stay, and those about as likely as the likeliest.
    """
    words, kept, plain, sure, best = 0, 0, 0.0, 0, 0.0
    for i in range(len(blocks)):
        n = words_of(blocks[i])
        words += n
        if keep[i]:
            kept += n
            plain += n * (1 - blocks[i, LINK_CHARS] / max(blocks[i, CHARS], 1))
            best = max(best, chances[i])
            if chances[i] >= SURE:
                sure += n
    if kept < LITTLE and words - plain >= FRAME and sure < FEW_SURE:
        for i in range(len(blocks)):
            keep[i] &= chances[i] >= min(LIKELY, best - ABOUT)


@kernel
def layout(elements: NDArray[np.int32], kinds: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return what holds each element, int [elements, 4]: columns `ROW_OF`, `CELL_OF`, `ITEM_OF`, `LIST_OF`; else -1.

    Args:
        elements: of `curate.extract.html_kernels.scan`.
        kinds: of each tag, bits: `IS_ROW`, `IS_CELL`, `IS_ITEM`, `IS_LIST`, `IS_WHOLE`.
    """
    n = len(elements) - 1
    found = np.full((n, 4), -1, np.int64)
    for e in range(1, n):
        parent, kind = elements[e, PARENT], kinds[elements[e, TAG]]
        if not kind & IS_WHOLE:
            found[e] = found[parent]
        for column in (ROW_OF, CELL_OF, ITEM_OF):
            if kind & (1 << column):
                found[e, column] = e
        if kind & IS_WHOLE or (kind & IS_LIST and found[e, LIST_OF] < 0):  # a list in a list is part of it
            found[e, LIST_OF] = e
    return found
