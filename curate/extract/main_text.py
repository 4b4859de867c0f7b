"""Find the blocks of a page that are its main text, with two forests over features of the blocks.

>>> page = cut("<body><nav><a href='/'>Home</a> <a href='/tea'>Tea</a></nav><h1>Tea</h1><p>Tea is a drink made from "
...            "the leaves of a shrub, and water.</p><p>It is drunk hot or cold, with milk or without.</p>")
>>> print(main_text(page))
Tea
<BLANKLINE>
Tea is a drink made from the leaves of a shrub, and water.
<BLANKLINE>
It is drunk hot or cold, with milk or without.

The first forest judges each block by itself, its neighbours, its ancestors and the page; the second also by the first
forest's predictions for the blocks around it. No feature depends on the language. quality_models/cards/main-text.md
describes training and evaluation.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from curate.extract.blocks import TAGS, Blocks, cut
from curate.extract.columns import (
    CELL_OF,
    CONTEXT_FEATURES,
    ELEMENT,
    FEATURES,
    FLAGS,
    IS_CELL,
    IS_ITEM,
    IS_LIST,
    IS_ROW,
    IS_WHOLE,
    ITEM_OF,
    LIST_OF,
    NAV,
    ROW_OF,
)
from curate.models.shipped import SHIPPED

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from curate.models.forest import Forest

__all__ = ["cut", "main_text"]

FORMAT = "curate main text model 2"
MODEL = SHIPPED / "main-text.zip"
LEAST_CHANCE = 0.1  # of a block that is kept, on any page; curate's own value

# Groups of tags that the forests distinguish; 0 is all others.
_GROUPS = {
    1: "p", 2: "li", 3: "h1 h2 h3 h4 h5 h6 summary", 4: "td th", 5: "dd dt", 6: "pre", 7: "blockquote", 8: "div",
    9: "section", 10: "body", 11: "label button form", 12: "figcaption figure", 13: "article", 14: "main",
    15: "header footer nav aside",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class MainTextModel:
    """Two forests, and the weight of each word in class attributes as evidence for main text, by sorted hashes.

    The sum of a forest's trees, not their mean, is the logit of the chance.
    """

    first: Forest
    second: Forest
    class_keys: NDArray[np.uint32]
    class_weights: NDArray[np.float64]


def main_text(page: Blocks) -> str:
    """Return the main text of a page; empty if no block looks like main text.

    An empty line separates paragraphs, headings and the like; a line break separates lines of code, items of a list and
    rows of a table; a tab separates the cells of a row.
    """
    return join(page, *main_blocks(page))


def main_blocks(page: Blocks) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return which blocks of a page are its main text, in order, and the `places` of its elements."""
    where = places(page)
    if not len(page.blocks):
        return where[:0, 0], where
    return keep(page, chances(page, load_model()), where).nonzero()[0], where


def places(page: Blocks) -> NDArray[np.int64]:
    """Return what holds each element of a page, see `curate.extract.choice_kernels.layout`."""
    from curate.extract.choice_kernels import layout

    return layout(page.elements, _layout_kinds())


def keep(page: Blocks, chances: NDArray[np.float64], where: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which blocks to keep, bool [blocks].

    Args:
        page: its blocks.
        chances: that each is main text, float64 [blocks].
        where: the `places` of its elements.
    """
    from curate.extract.choice_kernels import choose, drop_frame
    from curate.extract.region_kernels import complete

    kept = choose(page.blocks, chances, LEAST_CHANCE)
    drop_frame(page.blocks, chances, kept)
    complete(page.blocks, page.elements, _layout_kinds(), where, chances, kept)
    return kept


def chances(page: Blocks, model: MainTextModel) -> NDArray[np.float64]:
    """Return the probability that each block is main text, float64 [blocks]."""
    import numpy as np

    from curate.extract.choice_kernels import context

    rows = describe(page, model.class_keys, model.class_weights)
    first = _sigmoid(model.first.predict(rows) * len(model.first.roots))
    around = context(page.blocks, page.elements, first)
    second = _sigmoid(model.second.predict(np.hstack([rows, around])) * len(model.second.roots))
    second[page.elements[page.blocks[:, ELEMENT], FLAGS] & NAV > 0] = 0.0  # in nav, only 0.3 % is main text
    return second


def describe(page: Blocks, class_keys: NDArray[np.uint32], class_weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the features of each block, float64 [blocks, `FEATURES`]."""
    import numpy as np

    from curate.extract.feature_kernels import features, title_hashes

    title = np.unique(title_hashes(np.frombuffer(page.title.lower().encode("utf-8", "replace"), np.uint8)))
    h1 = TAGS.index("h1")
    return features(page.out, page.blocks, page.elements, page.tokens, _groups(), h1, class_keys, class_weights, title)


@functools.cache
def _groups() -> NDArray[np.int64]:
    import numpy as np

    groups = np.zeros(len(TAGS) + 2, np.int64)
    for group, tags in _GROUPS.items():
        groups[[TAGS.index(tag) for tag in tags.split()]] = group
    return groups


def _sigmoid(x: NDArray[np.float64]) -> NDArray[np.float64]:
    import numpy as np

    return 1 / (1 + np.exp(-np.clip(x, -30, 30)))


@functools.cache
def _layout_kinds() -> NDArray[np.int64]:
    import numpy as np

    kinds = np.zeros(len(TAGS) + 2, np.int64)
    for bits, tags in (
        (IS_ROW | IS_ITEM, "tr"),
        (IS_CELL, "td th"),
        (IS_ITEM, "li dt dd"),
        (IS_LIST, "ul ol dl menu dir"),
        (IS_WHOLE, "table"),
        (IS_WHOLE | IS_ITEM, "pre"),
    ):
        kinds[[TAGS.index(tag) for tag in tags.split()]] = bits
    return kinds


def join(page: Blocks, kept: NDArray[np.int64], where: NDArray[np.int64]) -> str:
    """Join the texts of blocks with the separators that `main_text` describes."""
    held = where[page.blocks[kept, ELEMENT]].tolist()
    parts: list[str] = []
    before = [-1] * 4
    for text, here in zip(page.texts(kept), held, strict=True):
        if text:
            parts += [separator(before, here) if parts else "", text]
            before = here
    return "".join(parts)


def separator(before: list[int], here: list[int]) -> str:
    """Return what separates two blocks in the text form, given what holds the elements of each."""
    if here[ROW_OF] >= 0 and here[ROW_OF] == before[ROW_OF]:
        return "\n" if here[CELL_OF] == before[CELL_OF] else "\t"
    if here[LIST_OF] == before[LIST_OF] >= 0 and here[ITEM_OF] >= 0 and before[ITEM_OF] >= 0:
        return "\n"
    return "\n\n"


@functools.cache
def load_model(path: Path = MODEL) -> MainTextModel:
    """Read a model that `quality_models.train_main_text` wrote, and check every byte of it."""
    import numpy as np

    from curate.models.forest import read_forest
    from curate.models.model_file import read_array, read_model_file

    manifest, parts = read_model_file(path, FORMAT, "python -m quality_models.train_main_text")
    try:
        forests = {}
        for name, columns in (("first", FEATURES), ("second", (*FEATURES, *CONTEXT_FEATURES))):
            if manifest.get(name) != list(columns):
                raise ValueError(f"its {name} forest reads other features: train it again")
            forests[name] = read_forest(parts, columns, f"{name}-")
        keys = read_array(parts, "class-keys.npy", "<u4", (None,))
        weights = read_array(parts, "class-weights.npy", "<f4 <f8", keys.shape).astype(np.float64)
        if not (keys[1:] > keys[:-1]).all() or not np.isfinite(weights).all():
            raise ValueError("its class words are not sorted, or their weights are not finite")
    except ValueError as error:
        raise ValueError(f"{path} is not a complete model of main text: {error}") from None
    return MainTextModel(forests["first"], forests["second"], keys, weights)
