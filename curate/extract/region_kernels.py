"""Regions of a page that belong together: code between kept blocks, the cells of a table, the items of a list.

Each block has a chance of its own, and `choice_kernels.choose` takes blocks one by one. So a listing between two kept
paragraphs goes, or a cell of a number, or an item that is a link. What is mostly kept is kept as a whole.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from curate.extract.columns import (
    ASIDE,
    CELL_OF,
    CHARS,
    ELEMENT,
    FIRST,
    FLAGS,
    FOOTER,
    FORM,
    IS_ITEM,
    IS_LIST,
    IS_WHOLE,
    LAST,
    LINK_CHARS,
    NAV,
    PARENT,
    PRE,
    ROW_OF,
    TAG,
)
from curate.extract.element_kernels import words_of
from curate.text.compiled import kernel

# curate's own values, chosen by cross-validation over sites on the 1,417 training pages, and for the structure that
# they keep of 313 built pages: see the card of the model.
# Share of a table's words that are kept, from which all are; and of one with at most `FEW_LINKS` of it in links.
TABLE_KEPT, PLAIN_TABLE_KEPT, FEW_LINKS = 0.5, 0.2, 0.3
LIST_KEPT = 0.7  # the same for a list
# Mean chance of a table with few links, and chance of a formula in a line of its own, from which they are kept beside a
# block that is.
BESIDE = 0.15
# A table of data: two rows and two columns at least, and cells of so many words at most on average, and so many each;
# one that lays out a page has longer ones.
MEAN_CELL, LONGEST_CELL = 40, 200
# Blocks of code, or of formulas, that make a technical page; share of what is kept that its content holds; and the
# least chance of a block in the content that is kept. On such a page the chances of long runs of blocks are all about
# even, and the greatest expected F1 cuts through the middle of them.
TECHNICAL, CONTENT, IN_CONTENT = 4, 0.8, 0.02
# Sums over the blocks of a table or list.
WORDS, KEPT, LINKED, SIZE, ROWS, CELLS, LAST_ROW, LAST_CELL, CELL_WORDS, LONGEST, NESTED, FIRST_BLOCK, LAST_BLOCK = (
    range(13)
)
DOLLAR, BACKSLASH = 36, 92
ELSEWHERE = NAV | FOOTER | ASIDE | FORM  # what is no part of the content even where it stands in it


@kernel
def complete(
    blocks: NDArray[np.int32], elements: NDArray[np.int32], kinds: NDArray[np.int64], places: NDArray[np.int64],
    chances: NDArray[np.float64], keep: NDArray[np.bool_],
) -> None:  # fmt: skip
    """Add what is missing of regions to a choice of blocks.

    Args:
        blocks, elements: of `curate.extract.html_kernels.scan`.
        kinds, places: what `choice_kernels.layout` takes and returns.
        chances: that each block is main text, float64 [blocks].
        keep: the choice, bool [blocks]; changed in place.
    """
    _complete_code(blocks, elements, keep)
    _complete_formulas(blocks, chances, keep)
    n = len(elements) - 1
    table_of, list_of = np.full(n, -1, np.int64), np.full(n, -1, np.int64)
    sums = np.zeros((n, LAST_BLOCK + 1), np.int64)
    chance = np.zeros(n, np.float64)
    for e in range(1, n):
        parent, kind = elements[e, PARENT], kinds[elements[e, TAG]]
        table_of[e], list_of[e] = table_of[parent], list_of[parent]
        if kind & IS_WHOLE and not kind & IS_ITEM:
            if table_of[parent] >= 0:
                sums[table_of[parent], NESTED] = 1
            table_of[e] = e
        if kind & IS_LIST:
            list_of[e] = e
    _sum_regions(blocks, table_of, places, chances, keep, sums, chance)
    kept = np.zeros(n, np.bool_)
    for t in range(n):
        kept[t] = sums[t, WORDS] > 0 and _is_kept_table(sums[t], chance[t], keep)
    _keep_regions(blocks, elements, table_of, kept, keep)
    sums[:] = 0
    chance[:] = 0.0
    _sum_regions(blocks, list_of, places, chances, keep, sums, chance)
    for t in range(n):
        kept[t] = sums[t, WORDS] > 0 and _is_kept_list(sums[t], chance[t], keep)
    _keep_regions(blocks, elements, list_of, kept, keep)


@kernel
def complete_technical(
    blocks: NDArray[np.int32], elements: NDArray[np.int32], chances: NDArray[np.float64], keep: NDArray[np.bool_]
) -> None:
    """Keep the whole content of a technical page from the first kept block on.

    The content is the innermost element that holds most of the words that are kept. Arguments are those of `complete`.
    """
    n, ne = len(blocks), len(elements) - 1
    technical, first = 0, -1
    words = np.zeros(ne, np.float64)
    for i in range(n):
        e = blocks[i, ELEMENT]
        technical += elements[e, FLAGS] & PRE > 0 or _is_formula(blocks[i])
        if keep[i]:
            words[e] += words_of(blocks[i]) + 0.5
            first = i if first < 0 else first
    if technical < TECHNICAL or first < 0:
        return
    for e in range(ne - 1, 0, -1):
        words[elements[e, PARENT]] += words[e]
    content = ne - 1
    while words[content] < CONTENT * words[0]:
        content -= 1
    inside = np.zeros(ne, np.bool_)
    inside[content] = True
    for e in range(content + 1, ne):
        inside[e] = inside[elements[e, PARENT]]
    for i in range(first, n):
        e = blocks[i, ELEMENT]
        if inside[e] and not elements[e, FLAGS] & ELSEWHERE and chances[i] >= IN_CONTENT:
            keep[i] = True


@kernel
def _is_formula(block: NDArray[np.int32]) -> bool:
    return (block[FIRST] == DOLLAR and block[LAST] == DOLLAR) or (
        block[FIRST] == BACKSLASH and (block[LAST] == 93 or block[LAST] == 41)
    )


@kernel
def _complete_code(blocks: NDArray[np.int32], elements: NDArray[np.int32], keep: NDArray[np.bool_]) -> None:
    """Keep each run of ``pre`` that follows a kept block, or comes before one."""
    n = len(blocks)
    i = 0
    while i < n:
        if keep[i] or not elements[blocks[i, ELEMENT], FLAGS] & PRE:
            i += 1
            continue
        start = i
        while i < n and not keep[i] and elements[blocks[i, ELEMENT], FLAGS] & PRE:
            i += 1
        if (start > 0 and keep[start - 1]) or (i < n and keep[i]):
            for k in range(start, i):
                keep[k] = True


@kernel
def _complete_formulas(blocks: NDArray[np.int32], chances: NDArray[np.float64], keep: NDArray[np.bool_]) -> None:
    """Keep formulas in a line of their own after a kept block, or before one."""
    n = len(blocks)
    for step in (1, -1):  # formulas stand in a row, too
        i = 0 if step > 0 else n - 1
        while 0 <= i < n:
            if _is_formula(blocks[i]) and chances[i] >= BESIDE and 0 <= i - step < n and keep[i - step]:
                keep[i] = True
            i += step


@kernel
def _sum_regions(
    blocks: NDArray[np.int32], region_of: NDArray[np.int64], places: NDArray[np.int64], chances: NDArray[np.float64],
    keep: NDArray[np.bool_], sums: NDArray[np.int64], chance: NDArray[np.float64],
) -> None:  # fmt: skip
    """Add up the blocks of each table or list: words, characters, rows, cells, the longest cell, chances."""
    for i in range(len(blocks)):
        e = blocks[i, ELEMENT]
        if region_of[e] < 0:
            continue
        table = sums[region_of[e]]
        n = words_of(blocks[i])
        if not table[WORDS]:
            table[FIRST_BLOCK] = i
        table[LAST_BLOCK] = i
        chance[region_of[e]] += n * chances[i]
        table[WORDS] += n
        table[KEPT] += n * keep[i]
        table[LINKED] += blocks[i, LINK_CHARS]
        table[SIZE] += blocks[i, CHARS]
        if places[e, ROW_OF] > table[LAST_ROW]:
            table[ROWS] += 1
            table[LAST_ROW] = places[e, ROW_OF]
        if places[e, CELL_OF] > table[LAST_CELL]:
            table[CELLS] += 1
            table[LAST_CELL], table[CELL_WORDS] = places[e, CELL_OF], 0
        table[CELL_WORDS] += n
        table[LONGEST] = max(table[LONGEST], table[CELL_WORDS])


@kernel
def _is_kept_table(table: NDArray[np.int64], chance: float, keep: NDArray[np.bool_]) -> bool:
    """Say whether a table holds data, and enough of it is kept or it is likely and stands beside a kept block."""
    if table[NESTED] or table[ROWS] < 2 or table[CELLS] < 2 * table[ROWS]:
        return False
    if table[LONGEST] > LONGEST_CELL or table[WORDS] > MEAN_CELL * table[CELLS]:
        return False
    plain = table[LINKED] <= FEW_LINKS * table[SIZE]
    if plain and chance >= BESIDE * table[WORDS]:
        before, after = table[FIRST_BLOCK] - 1, table[LAST_BLOCK] + 1
        if (before >= 0 and keep[before]) or (after < len(keep) and keep[after]):
            return True
    return table[KEPT] > 0 and table[KEPT] >= (PLAIN_TABLE_KEPT if plain else TABLE_KEPT) * table[WORDS]


@kernel
def _is_kept_list(list_: NDArray[np.int64], chance: float, keep: NDArray[np.bool_]) -> bool:
    """Say whether enough of a list is kept, or it is likely and stands between kept blocks."""
    if list_[LINKED] <= FEW_LINKS * list_[SIZE] and chance >= BESIDE * list_[WORDS]:
        before, after = list_[FIRST_BLOCK] - 1, list_[LAST_BLOCK] + 1
        if before >= 0 and keep[before] and after < len(keep) and keep[after]:
            return True
    return list_[KEPT] > 0 and list_[KEPT] >= LIST_KEPT * list_[WORDS]


@kernel
def _keep_regions(
    blocks: NDArray[np.int32], elements: NDArray[np.int32], region_of: NDArray[np.int64], kept: NDArray[np.bool_],
    keep: NDArray[np.bool_],
) -> None:  # fmt: skip
    for i in range(len(blocks)):
        e = blocks[i, ELEMENT]
        if region_of[e] >= 0 and kept[region_of[e]] and not elements[e, FLAGS] & NAV:
            keep[i] = True
