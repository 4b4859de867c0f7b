"""fastText classifiers: the one way their text is prepared, and loading them with errors that say what is wrong.

>>> prepare("Home | About\\nIt rained, again.")
'home  |  about <n> it rained ,  again . '
"""

from __future__ import annotations

import math
import os
import tempfile
from dataclasses import dataclass
from typing import Any

#: Characters of a text that are read. Ours: on web pages the ranking by quality does not gain from more.
HEAD = 2500
# Words are cut at white space by fastText; these marks become words of their own.
_MARKS = '.,!?:;()"|'

# github.com/facebookresearch/fastText, src/fasttext.cc: the first eight bytes of every model file.
_MAGIC = (793712314).to_bytes(4, "little")
_VERSIONS = (11, 12)


def prepare(text: str, head: int = HEAD) -> str:
    """Return a text as these classifiers see it: its beginning, lower case, marks and line ends as words.

    Args:
        text: any string; lone surrogates become "?".
        head: characters that are read.
    """
    text = text[:head].lower()
    for mark in _MARKS:
        text = text.replace(mark, f" {mark} ")
    text = text.replace("\r", "").replace("\n", " <n> ")
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def logit(p: float) -> float:
    """Return ``ln(p / (1 - p))``, of p no nearer to 0 and 1 than 0.0001: no single opinion shall settle a score.

    >>> logit(0.5), round(logit(1.0), 2)
    (0.0, 9.21)
    """
    p = min(max(p, 1e-4), 1 - 1e-4)
    return math.log(p / (1 - p))


@dataclass(frozen=True, slots=True)
class TextClassifier:
    """A fastText model and its labels, without the ``__label__`` they carry inside."""

    labels: tuple[str, ...]
    _model: Any

    def probabilities(self, prepared: str) -> dict[str, float]:
        """Return the probability of each label for a text that `prepare` made; together 1.

        A text of which no word is known gives every label the same.
        """
        found = self._model.f.predict(prepared + "\n", -1, 0.0, "strict")
        scores = {label.removeprefix("__label__"): min(float(score), 1.0) for score, label in found}
        return scores or dict.fromkeys(self.labels, 1 / len(self.labels))


def load_classifier(data: bytes, name: str, labels: tuple[str, ...]) -> TextClassifier:
    """Load a fastText model from the bytes of its file.

    Args:
        data: a ``.bin`` or ``.ftz`` file.
        name: of the file, for errors.
        labels: those it must have, in any order.

    Raises:
        ValueError: not a fastText model, one of a version this library cannot read, or one with other labels.
        ImportError: the installed ``fasttext`` module is missing or cannot load models.
    """
    if data[:4] != _MAGIC:
        raise ValueError(f"{name} is not a fastText model (its first bytes are {data[:4]!r})")
    version = int.from_bytes(data[4:8], "little")
    if version not in _VERSIONS:
        raise ValueError(
            f"{name} was written by another build of fastText (file version {version}; this one reads "
            f"{' and '.join(map(str, _VERSIONS))}): train it again here, or install the build that wrote it"
        )
    try:
        import fasttext
    except ImportError as error:
        raise ImportError("no module fasttext: pip install fasttext-community") from error
    # fastText opens files by name only.
    handle, path = tempfile.mkstemp(suffix=".ftz")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        model = fasttext.load_model(path)
    except (ValueError, RuntimeError, MemoryError) as error:
        raise ValueError(f"fastText cannot read {name}, the file is damaged: {error}") from error
    finally:
        os.unlink(path)
    have = tuple(sorted(label.removeprefix("__label__") for label in model.labels))
    if have != tuple(sorted(labels)):
        raise ValueError(f"{name} has the labels {', '.join(have)}; expected are {', '.join(sorted(labels))}")
    return TextClassifier(have, model)
