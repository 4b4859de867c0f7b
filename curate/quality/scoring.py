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
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from curate.language.codes import resolve
from curate.models.file_stamp import file_stamp
from curate.models.shipped import SHIPPED
from curate.text.charset import as_text

if TYPE_CHECKING:
    from curate.filters.signals import Signals
    from curate.quality.model import QualityModel

ENGLISH = SHIPPED / "quality-en.zip"
ANY_LANGUAGE = SHIPPED / "quality-signals.zip"


def quality_score(
    text: str | bytes, model: str | None = None, signals: Signals | None = None, language: str = "en"
) -> float:
    """Score the quality of a text.

    Args:
        text: any string.
        model: path of a model that ``curate train quality`` wrote; None takes the shipped English one.
        signals: those already measured on this text in this language; measured here where None.
        language: of the text, in any form that `language.codes.canonical` knows. A text in another language than the
            model's is scored by the shipped model for it: English has one, all others the one over signals alone.
            Compare scores within a language.

    Returns:
        0 (worst) to 1 (best).

    Raises:
        FileNotFoundError: no model at that path.
        ValueError: the file is no model of ours, is damaged, or needs signals that this version does not measure.

    >>> 0 <= quality_score("") <= 1
    True
    """
    text = as_text(text)
    language = resolve(language)
    chosen = _load(str(model), file_stamp(model)) if model else None
    if chosen is None or chosen.language not in (language, ""):
        chosen = _load(str(ENGLISH if language == "en" else ANY_LANGUAGE), (0, 0))
    if signals is None:
        from curate.filters.signals import measure

        signals = measure(text, language)
    return chosen.score(text, signals)


@functools.cache
def _load(path: str, stamp: tuple[int, int]) -> QualityModel:
    from curate.quality.model import load_quality_model

    return load_quality_model(path)
