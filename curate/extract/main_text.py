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
forest's predictions for the blocks around it. What the first words of a block say ("Related articles") is evidence on a
page whose words are known, which are mostly English; other pages are judged by two forests that know no words.
quality_models/cards/main-text.md describes training and evaluation.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

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
    SAID,
    SAID_AT,
    WORDLESS_FEATURES,
)
from curate.models.shipped import SHIPPED

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from curate.models.forest import Forest

__all__ = ["cut", "main_text"]

FORMAT = "curate main text model 3"
MODEL = SHIPPED / "main-text.zip"
# Share of the letters of a page's first words that stand in known words, from which these are evidence. curate's own
# value: 95 % of the judged English pages of a crawl have 0.44 or more, 95 % of those in other languages less than 0.4.
LEAST_KNOWN = 0.45
LEAST_CHANCE = 0.1  # of a block that is kept, on any page; curate's own value

# Groups of tags that the forests distinguish; 0 is all others.
_GROUPS = {
    1: "p", 2: "li", 3: "h1 h2 h3 h4 h5 h6 summary", 4: "td th", 5: "dd dt", 6: "pre", 7: "blockquote", 8: "div",
    9: "section", 10: "body", 11: "label button form", 12: "figcaption figure", 13: "article", 14: "main",
    15: "header footer nav aside",
}  # fmt: skip


class Evidence(NamedTuple):
    """How much words speak for main text, by sorted hashes: words in class attributes, and the first of blocks."""

    class_keys: NDArray[np.uint32]
    class_weights: NDArray[np.float64]
    word_keys: NDArray[np.uint32]
    word_weights: NDArray[np.float64]


class Forests(NamedTuple):
    """The first forest, and the second, which reads besides what the first says around a block.

    The sum of a forest's trees, not their mean, is the logit of the chance.
    """

    first: Forest
    second: Forest


@dataclass(frozen=True, slots=True)
class MainTextModel:
    """Forests that read what words say, forests that do not, and the words that are evidence for main text."""

    forests: Forests
    wordless: Forests
    evidence: Evidence


class MainBlocks(NamedTuple):
    """Which blocks of a page are its main text, in order; the `places` of its elements; and the `confidence`."""

    kept: NDArray[np.int64]
    where: NDArray[np.int64]
    confidence: float


def main_text(page: Blocks) -> str:
    """Return the main text of a page; empty if no block looks like main text.

    An empty line separates paragraphs, headings and the like; a line break separates lines of code, items of a list and
    rows of a table; a tab separates the cells of a row.
    """
    found = main_blocks(page)
    return join(page, found.kept, found.where)


def main_blocks(page: Blocks) -> MainBlocks:
    """Find the blocks of a page that are its main text."""
    where = places(page)
    if not len(page.blocks):
        return MainBlocks(where[:0, 0], where, 0.0)
    likely = chances(page, load_model())
    kept = keep(page, likely, where)
    return MainBlocks(kept.nonzero()[0], where, confidence(page, likely, kept))


def confidence(page: Blocks, chances: NDArray[np.float64], kept: NDArray[np.bool_]) -> float:
    """Return the F1 of words that a choice of blocks is expected to have, 0 to 1; 0 if nothing is kept."""
    from curate.extract.choice_kernels import expected_f1

    return float(expected_f1(page.blocks, chances, kept))


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
    from curate.extract.region_kernels import complete, complete_technical

    kept = choose(page.blocks, chances, LEAST_CHANCE)
    drop_frame(page.blocks, chances, kept)
    complete(page.blocks, page.elements, _layout_kinds(), where, chances, kept)
    complete_technical(page.blocks, page.elements, chances, kept)
    return kept


def chances(page: Blocks, model: MainTextModel) -> NDArray[np.float64]:
    """Return the probability that each block is main text, float64 [blocks]."""
    import numpy as np

    from curate.extract.choice_kernels import context

    rows = describe(page, model.evidence)
    forests = model.forests
    if rows[0, SAID_AT + SAID.known_share] < LEAST_KNOWN:
        rows, forests = np.ascontiguousarray(rows[:, :SAID_AT]), model.wordless
    first = _sigmoid(forests.first.predict(rows) * len(forests.first.roots))
    around = context(page.blocks, page.elements, first)
    second = _sigmoid(forests.second.predict(np.hstack([rows, around])) * len(forests.second.roots))
    second[page.elements[page.blocks[:, ELEMENT], FLAGS] & NAV > 0] = 0.0  # in nav, only 0.3 % is main text
    return second


def describe(page: Blocks, evidence: Evidence) -> NDArray[np.float64]:
    """Return the features of each block, float64 [blocks, `FEATURES`]."""
    import numpy as np

    from curate.extract.feature_kernels import features, title_hashes

    title = np.unique(title_hashes(np.frombuffer(page.title.lower().encode("utf-8", "replace"), np.uint8)))
    h1 = TAGS.index("h1")
    return features(page.out, page.blocks, page.elements, page.tokens, _groups(), h1, *evidence, title)


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
        for kind, features in (("", FEATURES), ("wordless-", WORDLESS_FEATURES)):
            for name, columns in (("first", features), ("second", (*features, *CONTEXT_FEATURES))):
                if manifest.get(kind + name) != list(columns):
                    raise ValueError(f"its {kind}{name} forest reads other features: train it again")
                forests[kind + name] = read_forest(parts, columns, f"{kind}{name}-")
        evidence = []
        for name in ("class", "word"):
            keys = read_array(parts, f"{name}-keys.npy", "<u4", (None,))
            weights = read_array(parts, f"{name}-weights.npy", "<f4 <f8", keys.shape).astype(np.float64)
            if not (keys[1:] > keys[:-1]).all() or not np.isfinite(weights).all():
                raise ValueError(f"its hashes of {name} words are not sorted, or their weights are not finite")
            evidence += [keys, weights]
    except ValueError as error:
        raise ValueError(f"{path} is not a complete model of main text: {error}") from None
    of_words, wordless = (Forests(forests[f"{kind}first"], forests[f"{kind}second"]) for kind in ("", "wordless-"))
    return MainTextModel(of_words, wordless, Evidence(*evidence))
