"""Judge a page as a careful reader would: is it worth training on, is it spam, is it a listing?

>>> essay = (
...     "The tides follow the moon because its pull is stronger on the near side of the Earth than on the far side. "
...     "Where coasts narrow, the water rises higher, and harbours have to be built for both extremes."
... )
>>> menu = "Home | Shop | Cart (0)\\nLogin\\nSign up\\nShare Tweet\\nBuy now!!!\\nRelated products\\nNext >>\\n"
>>> judge_page(essay).worth > judge_page(menu).worth
True

Boosted forests over the signals of the text, the opinion of the shipped quality model on its words, and the features of
the page were trained on pages that were judged by reading. A document that began as text has no page; it is judged by
forests that never saw one. quality_models/cards/judge.md describes training and evaluation; ``curate train judge``
trains a judge on judgements of your own.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curate.extract.page_features import PAGE_FEATURES, PageFeatures
from curate.filters.signals import Signals, measure, signal_names
from curate.language.codes import resolve
from curate.models.file_stamp import file_stamp
from curate.models.forest import Forest, read_forest
from curate.models.model_file import array_bytes, read_model_file, write_model_file
from curate.models.shipped import SHIPPED
from curate.quality.scoring import word_opinion
from curate.results import Result
from curate.text.charset import as_text

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FORMAT = "curate judge model 1"
JUDGE = SHIPPED / "judge.zip"
#: What the forests of a judge predict, each with a page and without one.
OUTPUTS = ("keep", "grade", "spam", "listing")
#: The feature that is no signal and no feature of the page: the the logit in `curate.quality.scoring.word_opinion`.
WORDS = "words_opinion"
_ARRAYS = ("roots", "feature", "value", "left")


@dataclass(frozen=True, slots=True)
class Judgement(Result):
    """What a judge says of a page, each from 0 to 1.

    ``worth``: below 0.5, the chance that a reader would keep the page, which is then less than even; from 0.5, which
    such a page has at least, 0.5 plus half the grade expected of a reader who gives 0 to 1. ``spam`` and ``listing``:
    the chances that it was made for search engines, and that it only lists or excerpts other pages.
    """

    worth: float
    spam: float
    listing: float


@dataclass(frozen=True, slots=True)
class JudgeModel:
    """Forests by output, for pages and for texts without one; ``facts`` describe training and evaluation.

    The sum of a forest's trees is the logit of its output. All forests of one kind read the same features.
    """

    of_pages: Mapping[str, Forest]
    of_texts: Mapping[str, Forest]
    facts: Mapping[str, Any] = field(default_factory=dict)

    def judge(self, signals: Signals, words: float, page: PageFeatures | None) -> Judgement:
        """Judge a text.

        Args:
            signals: of the text.
            words: the logit of the opinion on its words.
            page: features of its page, if there is one.
        """
        forests = self.of_texts if page is None else self.of_pages
        row = judge_row(forests["keep"].names, signals, words, page)
        keep, grade, spam, listing = (chance(forests[name], row) for name in OUTPUTS)
        return Judgement(worth(keep, grade), spam, listing)


def judge_page(
    text: str | bytes,
    page: PageFeatures | None = None,
    signals: Signals | None = None,
    language: str = "en",
    model: str | Path | None = None,
) -> Judgement:
    """Judge a text, with its page if there is one.

    Args:
        text: any string.
        page: features of the page, as ``extract_text(html, url).page_features``.
        signals: of this text in this language, if already measured.
        language: of the text, in any form that `curate.language.codes.canonical` knows.
        model: the path of a judge that ``curate train judge`` wrote; None for the shipped one.

    Raises:
        FileNotFoundError: there is no model at that path.
        ValueError: the file is not a judge, or is damaged.

    >>> 0 <= judge_page("").worth <= 1
    True
    """
    text, language = as_text(text), resolve(language)
    if signals is None:
        signals = measure(text, language)
    path = JUDGE if model is None else Path(model)
    return _load(str(path), file_stamp(path)).judge(signals, word_opinion(text, language), page)


def worth(keep: float, grade: float) -> float:
    """Return one number whose border is 0.5 and whose upper half ranks by grade: see `Judgement`.

    >>> worth(0.4, 0.9), worth(0.5, 0.0), worth(0.9, 0.6)
    (0.4, 0.5, 0.8)
    """
    return keep if keep < 0.5 else 0.5 + grade / 2


def chance(forest: Forest, row: NDArray[np.float64]) -> float:
    """Return the probability that a boosted forest predicts for one row, float64 [1, features]."""
    total = float(forest.predict(row)[0]) * len(forest.roots)
    return 1 / (1 + math.exp(-min(max(total, -30.0), 30.0)))


def judge_row(names: tuple[str, ...], signals: Signals, words: float, page: PageFeatures | None) -> NDArray[np.float64]:
    """Return the named features of a text and its page, float64 [1, features]."""
    import numpy as np

    sources = [words if name == WORDS else getattr(page if name in _OF_PAGE else signals, name) for name in names]
    return np.array([sources], np.float64)


_OF_PAGE = frozenset(PAGE_FEATURES)


@functools.cache
def _load(path: str, stamp: tuple[int, int]) -> JudgeModel:
    return load_judge(path)


def save_judge(path: str | Path, model: JudgeModel) -> str:
    """Write a judge and its ``.sha256``; return the sha256 of the file, hex."""
    import numpy as np

    parts = {}
    for kind, forests in (("page", model.of_pages), ("text", model.of_texts)):
        for output, forest in forests.items():
            for array in _ARRAYS:
                values = getattr(forest, array)
                part = array_bytes(values.astype(np.float32) if array == "value" else values)
                parts[f"{kind}-{output}-{array}.npy"] = part
    names = {"page": model.of_pages["keep"].names, "text": model.of_texts["keep"].names}
    return write_model_file(path, FORMAT, {"features": names, "facts": model.facts}, parts)


def load_judge(path: str | Path) -> JudgeModel:
    """Read a judge, and check every byte of it.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is not a judge, is damaged, or needs features that this version does not measure.
    """
    manifest, parts = read_model_file(path, FORMAT, "curate train judge")
    names, facts = manifest.get("features"), manifest.get("facts")
    known = {"text": {*signal_names(), WORDS}, "page": {*signal_names(), WORDS, *PAGE_FEATURES}}
    if not isinstance(names, dict) or set(names) != set(known) or not isinstance(facts, dict):
        raise ValueError(f"{path} is damaged: features or facts of its manifest have the wrong type")
    for kind, have in known.items():
        if not isinstance(names[kind], list) or not all(isinstance(name, str) for name in names[kind]):
            raise ValueError(f"{path} is damaged: its manifest does not list the features of each {kind}")
        if missing := sorted(set(names[kind]) - have):
            raise ValueError(
                f"{path} needs what this version does not measure: {', '.join(missing)[:300]}: train again"
            )
    try:
        of_pages, of_texts = (
            {output: read_forest(parts, tuple(names[kind]), f"{kind}-{output}-") for output in OUTPUTS}
            for kind in ("page", "text")
        )
    except ValueError as error:
        raise ValueError(f"{path} is not a complete judge: {error}") from None
    return JudgeModel(of_pages, of_texts, facts)
