"""A quality model and its file: a forest over signals, a fastText classifier, and their calibration."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curate.models.forest import Forest, read_forest
from curate.models.model_file import array_bytes, read_model_file, write_model_file
from curate.models.shipped import is_shipped
from curate.models.text_classifier import TextClassifier, load_classifier, logit, prepare

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from curate.filters.signals import Signals

FORMAT = "curate quality model 1"
LABELS = ("high", "low")
_CLASSIFIER = "classifier.ftz"
_ARRAYS = ("roots", "feature", "value", "left")
#: Largest scale and offset. curate's own value: those of the shipped models are near 1, and exp(710) overflows.
_MOST = 60


@dataclass(frozen=True, slots=True)
class QualityModel:
    """A quality model: two probabilities and their calibration.

    The score is ``sigmoid(scale * m + offset)``, where ``m`` is the mean of ``logit(f)`` and ``logit(t)``. The forest
    computes ``f`` from the signals and the fastText classifier ``t`` from the words; without a classifier ``m`` is
    ``logit(f)``. In such a logarithmic opinion pool the more certain opinion counts more. ``language`` is the language
    that the model was trained for, "" for any; ``facts`` describe its training and evaluation.
    """

    language: str
    forest: Forest
    classifier: TextClassifier | None
    scale: float = 1.0
    offset: float = 0.0
    facts: Mapping[str, Any] = field(default_factory=dict)

    def score(self, text: str, signals: Signals) -> float:
        """Score one text, 0 to 1."""
        import numpy as np

        return self.score_row(text, np.array([[getattr(signals, name) for name in self.forest.names]]))

    def score_row(self, text: str, row: NDArray[np.float64]) -> float:
        """Score one text, given the forest's signals, float64 [1, signals]."""
        mean = logit(float(self.forest.predict(row)[0]))
        if self.classifier is not None:
            mean = (mean + logit(self.classifier.probabilities(prepare(text))["high"])) / 2
        return 1 / (1 + math.exp(-self.scale * mean - self.offset))


def save_quality_model(path: str | Path, model: QualityModel, classifier: bytes | None) -> str:
    """Write a model, and beside it a ``.sha256`` file for ``sha256sum --check``.

    Args:
        path: of the file, usually ``.zip``.
        model: its ``classifier`` is ignored.
        classifier: bytes of the fastText file, or None for a model over signals only.

    Returns:
        The sha256 of the file, hex.
    """
    parts: dict[str, bytes] = {} if classifier is None else {_CLASSIFIER: classifier}
    parts |= {f"{name}.npy": array_bytes(getattr(model.forest, name)) for name in _ARRAYS}
    manifest = {
        "language": model.language,
        "signals": list(model.forest.names),
        "calibration": {"scale": model.scale, "offset": model.offset},
        "facts": model.facts,
    }
    return write_model_file(path, FORMAT, manifest, parts)


def load_quality_model(path: str | Path) -> QualityModel:
    """Read a model, and check every byte of it.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is not a quality model, is damaged, does not match its ``.sha256``, or needs signals that
            this version does not measure.
    """
    from curate.filters.signals import signal_names

    manifest, parts = read_model_file(path, FORMAT, "curate train quality")
    _check_manifest(manifest, path)
    names = tuple(manifest["signals"])
    missing = sorted(set(names) - set(signal_names()))
    if missing:
        raise ValueError(
            f"{path} needs signals that this version of curate does not measure: {', '.join(missing)[:300]}: train it "
            "again"
        )
    try:
        forest = read_forest(parts, names)
    except ValueError as error:
        raise ValueError(f"{path} is not a complete quality model: {error}") from None
    classifier = None
    if _CLASSIFIER in parts:
        name = f"{_CLASSIFIER} in {path}"
        classifier = load_classifier(parts[_CLASSIFIER], name, LABELS, trusted=is_shipped(path))
    calibration = manifest["calibration"]
    return QualityModel(
        manifest["language"], forest, classifier, calibration["scale"], calibration["offset"], manifest["facts"]
    )


def _check_manifest(manifest: Mapping[str, Any], path: str | Path) -> None:
    if missing := {"signals", "calibration", "language", "facts"} - set(manifest):
        raise ValueError(f"{path} is damaged: its manifest lacks {', '.join(sorted(missing))}")
    names, calibration = manifest["signals"], manifest["calibration"]
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError(f"{path} is damaged: the signals in its manifest are not a list of names")
    if not isinstance(manifest["language"], str) or not isinstance(manifest["facts"], dict):
        raise ValueError(f"{path} is damaged: language or facts in its manifest have the wrong type")
    if not isinstance(calibration, dict) or set(calibration) != {"scale", "offset"}:
        raise ValueError(f"{path} is damaged: the calibration in its manifest is not a scale and an offset")
    scale, offset = calibration["scale"], calibration["offset"]
    if not all(type(n) in (int, float) and abs(n) <= _MOST for n in (scale, offset)):
        raise ValueError(f"{path} is damaged: it calibrates scores with scale {scale!r:.50} and offset {offset!r:.50}")
