"""Say what kind of page a page is: an article, a listing, a product, a forum, documentation, a service, a collection.

>>> from curate.extract.page_features import page_features
>>> page = "<div class='topic-post' itemtype='DiscussionForumPosting'><p>Does it boil?</div>" * 9
>>> blocks = cut(page)
>>> page_type(page_features(page, blocks, "Does it boil?\\n\\n" * 9), blocks) in PAGE_TYPES
True

A boosted forest for each type reads the features of the page and what the words in class attributes say.
quality_models/cards/page-type.md describes training and evaluation.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from curate.extract.blocks import Blocks, cut
from curate.extract.page_features import PAGE_FEATURES, PageFeatures, page_values
from curate.models.shipped import SHIPPED

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from curate.models.forest import Forest

__all__ = ["PAGE_TYPES", "cut", "page_type"]

FORMAT = "curate page type model 1"
MODEL = SHIPPED / "page-type.zip"
#: As the pages of WCXB are marked: a collection shows many products, pictures or works; a service describes an offer.
PAGE_TYPES = ("article", "listing", "product", "forum", "documentation", "service", "collection")
#: The features that the forests read: of the page, and how much its class words speak for each type.
TYPE_FEATURES = (*PAGE_FEATURES, *(f"class_words_{name}" for name in PAGE_TYPES))


@dataclass(frozen=True, slots=True)
class PageTypeModel:
    """A forest for each type, whose trees add up to its logit, and the weight of class words, by sorted hashes.

    ``weights`` is float64 [keys, PAGE_TYPES].
    """

    forests: tuple[Forest, ...]
    keys: NDArray[np.uint32]
    weights: NDArray[np.float64]


def page_type(features: PageFeatures, page: Blocks, model: PageTypeModel | None = None) -> str:
    """Return the likeliest of `PAGE_TYPES`.

    Args:
        features: of the page and its main text.
        page: its blocks.
        model: the shipped one by default.
    """
    import numpy as np

    model = model or load_model()
    row = describe(features, np.unique(page.tokens), model.keys, model.weights)[None]
    logits = [float(forest.predict(row)[0]) * len(forest.roots) for forest in model.forests]
    return PAGE_TYPES[logits.index(max(logits))]


def describe(
    features: PageFeatures, tokens: NDArray[np.uint32], keys: NDArray[np.uint32], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return what the forests read of a page, float64 [TYPE_FEATURES].

    Args:
        features: of the page.
        tokens: hashes of its class words, sorted, each once.
        keys, weights: of class words.
    """
    import numpy as np

    places = np.searchsorted(keys, tokens)
    known = places[places < len(keys)][keys[places[places < len(keys)]] == tokens[places < len(keys)]]
    said = weights[known].sum(axis=0) / np.sqrt(max(len(known), 1))
    return np.array([*page_values(features), *said], np.float64)


@functools.cache
def load_model(path: Path = MODEL) -> PageTypeModel:
    """Read a model that `quality_models.train_page_type` wrote, and check every byte of it."""
    import numpy as np

    from curate.models.forest import read_forest
    from curate.models.model_file import read_array, read_model_file

    manifest, parts = read_model_file(path, FORMAT, "python -m quality_models.train_page_type")
    try:
        if manifest.get("features") != list(TYPE_FEATURES):
            raise ValueError("its forests read other features: train it again")
        forests = tuple(read_forest(parts, TYPE_FEATURES, f"{name}-") for name in PAGE_TYPES)
        keys = read_array(parts, "keys.npy", "<u4", (None,))
        weights = read_array(parts, "weights.npy", "<f4 <f8", (len(keys), len(PAGE_TYPES))).astype(np.float64)
        if not (keys[1:] > keys[:-1]).all() or not np.isfinite(weights).all():
            raise ValueError("its hashes of class words are not sorted, or their weights are not finite")
    except ValueError as error:
        raise ValueError(f"{path} is not a complete model of page types: {error}") from None
    return PageTypeModel(forests, keys, weights)
