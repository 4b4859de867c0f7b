"""Quality by any fastText classifier: the probability of its label for good texts.

>>> one_line("  A heading\\nand a line.\\r\\n")
'A heading and a line.'
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from curate.models.fasttext_model import load_fasttext, predict
from curate.models.model_file import check_sha256

# Labels that an error lists. curate's own value: a quality classifier has only a few.
_LISTED = 20


@dataclass(frozen=True, slots=True)
class LabelModel:
    """A fastText model, and its label for good texts."""

    label: str
    labels: int
    model: Any

    def score(self, text: str) -> float:
        """Return the probability of the label; for a text without known words, all labels are equally likely."""
        probabilities = dict(predict(self.model, one_line(text)))
        return probabilities.get(self.label, 0.0) if probabilities else 1 / self.labels


def one_line(text: str) -> str:
    """Return a whole text as one line, as DCLM does for its classifier; a lone surrogate becomes "?".

    Source: mlfoundations/dclm, baselines/mappers/enrichers/quality_prediction_enrichers_calc_fasttext.py.
    """
    line = " ".join(text.strip().splitlines())
    return line if line.isascii() else line.encode("utf-8", "replace").decode()


def load_label_model(path: str | Path, label: str | None) -> LabelModel:
    """Load a fastText classifier.

    Args:
        path: of a ``.bin`` or ``.ftz`` file; a ``.sha256`` beside it is checked.
        label: for good texts, with or without ``__label__``.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is not a complete classifier or does not match its ``.sha256``; or the label is not given
            or does not exist, and the message lists those that do.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no model at {path}: give the path of a fastText classifier (.bin or .ftz)")
    check_sha256(path)
    model = load_fasttext(path)
    labels = sorted(model.get_labels())
    for name in (label, f"__label__{label}") if label else ():
        if name in labels:
            return LabelModel(name, len(labels), model)
    have = ", ".join(labels[:_LISTED]) + (f" and {len(labels) - _LISTED:,} more" if len(labels) > _LISTED else "")
    wrong = f"has no label {label!r}" if label else "does not say which of its labels is for good texts"
    raise ValueError(f"{path} {wrong}: set label to one of {have}")
