"""Score how good a text is for training, from 0 to 1.

>>> essay = (
...     "The tides follow the moon because its pull is stronger on the near side of the Earth than on the far side. "
...     "Where coasts narrow, the water rises higher, and harbours have to be built for both extremes."
... )
>>> menu = "Home | Shop | Cart (0)\\nLogin\\nSign up\\nShare Tweet\\nBuy now!!!\\nRelated products\\nNext >>\\n"
>>> quality_score(essay) > quality_score(menu)
True

A forest over the signals of `filters.signals` and a fastText classifier over the words are combined and calibrated. 0.5
means that the text is as likely to come from the good as from the bad half of the training documents. Texts in other
languages than the model's are scored by the shipped forest over signals only. quality_models/cards/quality.md describes
the training and evaluation of the shipped models.

Other models: a fastText classifier, such as DCLM's, or your own function.

>>> quality_score(essay, model=lambda text: len(set(text.split())) / len(text.split())) > 0.7
True
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from curate.language.codes import UNDETERMINED, resolve
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
        model: None for the shipped English model; otherwise the path of a model that ``curate train quality`` wrote,
            the path of a fastText classifier (``.bin`` or ``.ftz``), which reads the whole text as one line, or a
            function of the text.
        signals: the signals of this text in this language, if already measured. Only models that
            ``curate train quality`` wrote use them.
        language: of the text, in any form that `language.codes.canonical` knows. A text in another language than the
            model's is scored by the shipped model for its language: one for English, and one over signals only for all
            others. Of a text whose language is not known, pass ``und``: ``model`` scores it, by default the one over
            signals only. A fastText classifier and a function score every language. Compare scores within a language
            only.
        label: of the good texts, for a fastText classifier, such as ``"__label__hq"``. The score is its probability.

    Returns:
        0 (worst) to 1 (best). For a function, the number it returns, which may be any finite number.

    Raises:
        FileNotFoundError: there is no model at that path.
        ValueError: the file is not a quality model, is damaged, or needs signals that this version does not measure; a
            fastText classifier has no such label, or none is given; or a function does not return a finite number.

    >>> 0 <= quality_score("") <= 1
    True
    """
    text = as_text(text)
    if label is not None and (model is None or callable(model)):
        raise ValueError("only a fastText classifier has a label: give its path as model, or remove label")
    if callable(model):
        return _checked(model(text), model)
    chosen = _load(str(model), label, file_stamp(model)) if model else None
    if isinstance(chosen, LabelModel):
        return chosen.score(text)
    language = resolve(language)
    if chosen is None or (chosen.language not in (language, "") and language != UNDETERMINED):
        chosen = _shipped(str(ENGLISH if language == "en" else ANY_LANGUAGE))
    if signals is None:
        from curate.filters.signals import measure

        signals = measure(text, language)
    return chosen.score(text, signals)


def word_opinion(text: str, language: str = "en") -> float:
    """Return the logit of the shipped classifier's opinion on the words of a text; 0 if the text is not English.

    >>> word_opinion("Der Hund schl\u00e4ft im Garten.", "de")
    0.0
    """
    if language != "en":
        return 0.0
    from curate.models.text_classifier import logit, prepare

    classifier = _shipped(str(ENGLISH)).classifier
    return 0.0 if classifier is None else logit(classifier.probabilities(prepare(text))["high"])


def _checked(score: object, function: Callable[[str], float]) -> float:
    """Return the score of a user's function as a float, which must be finite, because documents are ranked by it."""
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
        raise ValueError(f"only a fastText classifier has a label, and {path} is not one: remove label")
    from curate.quality.model import load_quality_model

    return load_quality_model(path)


@functools.cache
def _shipped(path: str) -> QualityModel:
    from curate.quality.model import load_quality_model

    return load_quality_model(path)
