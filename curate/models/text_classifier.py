"""fastText classifiers of texts: prepare their text, and load them from bytes.

>>> prepare("Home | About\\nIt rained, again.")
'home  |  about <n> it rained ,  again . '
"""

from __future__ import annotations

import hashlib
import math
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from curate.models.fasttext_model import load_fasttext, predict

#: Characters of a text that are read. curate's own value: more does not improve the ranking of web pages by quality.
HEAD = 2500
# fastText splits words at white space; these marks become separate words.
_MARKS = '.,!?:;()"|'


def prepare(text: str, head: int = HEAD) -> str:
    """Return a text as these classifiers read it: its beginning, in lower case, with marks and line ends as words.

    Args:
        text: any string; lone surrogates become "?".
        head: number of characters to read.
    """
    text = text[:head].lower()
    for mark in _MARKS:
        text = text.replace(mark, f" {mark} ")
    text = text.replace("\r", "").replace("\n", " <n> ")
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def logit(p: float) -> float:
    """Return ``ln(p / (1 - p))`` of p clipped to [0.0001, 0.9999], so that no single model decides a score alone.

    >>> logit(0.5), round(logit(1.0), 2)
    (0.0, 9.21)
    """
    p = min(max(p, 1e-4), 1 - 1e-4)
    return math.log(p / (1 - p))


@dataclass(frozen=True, slots=True)
class TextClassifier:
    """A fastText model and its labels, without the prefix ``__label__``."""

    labels: tuple[str, ...]
    _model: Any

    def probabilities(self, prepared: str) -> dict[str, float]:
        """Return the probability of each label for a text from `prepare`; they add up to 1.

        If the model knows no word of the text, all labels are equally likely.
        """
        scores = {label.removeprefix("__label__"): score for label, score in predict(self._model, prepared)}
        return scores or dict.fromkeys(self.labels, 1 / len(self.labels))


def load_classifier(data: bytes, name: str, labels: tuple[str, ...], trusted: bool = False) -> TextClassifier:
    """Load a fastText model from the bytes of its file.

    Args:
        data: a ``.bin`` or ``.ftz`` file.
        name: of the file, for errors.
        labels: the labels it must have, in any order.
        trusted: skip the checks of `load_fasttext`, because the bytes come with curate or were just made here.

    Raises:
        ValueError, ImportError: as `curate.models.fasttext_model.load_fasttext`; ValueError also for other labels.
    """
    handle, path = tempfile.mkstemp(suffix=".ftz")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        model = load_fasttext(Path(path), name, hashlib.sha256(data).hexdigest(), trusted)
    finally:
        os.unlink(path)
    have = tuple(sorted(label.removeprefix("__label__") for label in model.labels))
    if have != tuple(sorted(labels)):
        raise ValueError(f"{name} has the labels {', '.join(have)}; expected are {', '.join(sorted(labels))}")
    return TextClassifier(have, model)
