"""How good a text is for training, as a number from 0 to 1.

>>> essay = (
...     "The tides follow the moon because its pull is stronger on the near side of the Earth than on the far side. "
...     "Where coasts narrow, the water rises higher, and harbours have to be built for both extremes."
... )
>>> menu = "Home | Shop | Cart (0)\\nLogin\\nSign up\\nShare Tweet\\nBuy now!!!\\nRelated products\\nNext >>\\n"
>>> quality_score(essay) > quality_score(menu)
True

Two opinions are weighed and calibrated: a forest's over the signals of `filters.signals`, and a fastText classifier's
over the words. 0.5 means: as likely to come from the good as from the bad half of the training documents. For languages
other than the model's, the shipped forest over signals alone answers. What the shipped models were trained on and how
they were measured: quality_models/cards/quality.md.

Models of others: a fastText classifier, such as DCLM's, or a function of one's own.

>>> quality_score(essay, model=lambda text: len(set(text.split())) / len(text.split())) > 0.7
True
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from curate.language.codes import resolve
from curate.models.fasttext_model import is_fasttext
from curate.models.file_stamp import file_stamp
from curate.models.shipped import SHIPPED
from curate.quality.fasttext_quality import LabelModel, load_label_model
from curate.text.charset import as_text

if TYPE_CHECKING:
    from curate.filters.signals import Signals
    from curate.quality.model import QualityModel

ENGLISH = SHIPPED / "quality-en.zip"
ANY_LANGUAGE = SHIPPED / "quality-signals.zip"


def quality_score(
    text: str | bytes,
    model: str | Path | Callable[[str], float] | None = None,
    signals: Signals | None = None,
    language: str = "en",
    label: str | None = None,
) -> float:
    """Score the quality of a text.

    Args:
        text: any string.
        model: None takes the shipped English one. Else the path of a model that ``curate train quality`` wrote; the
            path of a fastText classifier (``.bin`` or ``.ftz``), which reads the whole text as one line; or a function
            of the text.
        signals: those already measured on this text in this language; measured here where None. Only models that
            ``curate train quality`` wrote read them.
        language: of the text, in any form that `language.codes.canonical` knows. A text in another language than the
            model's is scored by the shipped model for it: English has one, all others the one over signals alone.
            A fastText classifier and a function score every language. Compare scores within a language.
        label: of the good texts, for a fastText classifier: ``"__label__hq"``. The score is its probability.

    Returns:
        0 (worst) to 1 (best). Of a function, what it returns: any finite number, for documents are ranked by it.

    Raises:
        FileNotFoundError: no model at that path.
        ValueError: the file is not a quality model, is damaged, or needs signals that this version does not measure; a
            fastText classifier without a label, or with one that it lacks; a function that returns NaN, an infinity or
            something other than a number.

    >>> 0 <= quality_score("") <= 1
    True
    """
    text = as_text(text)
    if label is not None and (model is None or callable(model)):
        raise ValueError("label is for a fastText classifier: give its path as model, or leave label out")
    if callable(model):
        return _checked(model(text), model)
    chosen = _load(str(model), label, file_stamp(model)) if model else None
    if isinstance(chosen, LabelModel):
        return chosen.score(text)
    language = resolve(language)
    if chosen is None or chosen.language not in (language, ""):
        chosen = _shipped(str(ENGLISH if language == "en" else ANY_LANGUAGE))
    if signals is None:
        from curate.filters.signals import measure

        signals = measure(text, language)
    return chosen.score(text, signals)


def _checked(score: object, function: Callable[[str], float]) -> float:
    """Return the score of a function of one's own as a float: one that ranks, so no NaN and no infinity."""
    try:
        number = math.nan if isinstance(score, (str, bytes)) else float(score)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"the quality model {_name(function)} returned {score!r:.100}: it must return a finite number")
    return number


def _name(function: Callable[[str], float]) -> str:
    return str(getattr(function, "__qualname__", type(function).__qualname__))


@functools.cache
def _load(path: str, label: str | None, stamp: tuple[int, int]) -> QualityModel | LabelModel:
    if is_fasttext(path):
        return load_label_model(path, label)
    if label is not None:
        raise ValueError(f"label is for a fastText classifier, which {path} is not: leave it out")
    from curate.quality.model import load_quality_model

    return load_quality_model(path)


@functools.cache
def _shipped(path: str) -> QualityModel:
    from curate.quality.model import load_quality_model

    return load_quality_model(path)
