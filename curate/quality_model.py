"""The file of a quality model: a zip of a manifest, a fastText classifier and a forest, each checked by its sha256."""

from __future__ import annotations

import hashlib
import io
import json
import math
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curate.forest import Forest
from curate.text_classifier import TextClassifier, load_classifier, prepare

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from curate.signals import Signals

FORMAT = "curate quality model 1"
LABELS = ("high", "low")
_ARRAYS = ("roots", "feature", "value", "left")


@dataclass(frozen=True, slots=True)
class QualityModel:
    """A quality model in memory: two opinions, each a probability, and how they are weighed.

    The score is ``sigmoid(forest_weight * logit(f) + text_weight * logit(t) + offset)`` of the forest's ``f``, which
    reads the signals, and of ``t``, which the fastText classifier, if there is one, says of the words: a logarithmic
    opinion pool, calibrated. ``language`` is the one it was trained for, "" for any; ``facts`` is how it was trained
    and what it reached.
    """

    language: str
    forest: Forest
    classifier: TextClassifier | None
    forest_weight: float = 1.0
    text_weight: float = 0.0
    offset: float = 0.0
    facts: Mapping[str, Any] = field(default_factory=dict)

    def score(self, text: str, signals: Signals) -> float:
        """Score one text, 0 to 1."""
        import numpy as np

        return self.score_row(text, np.array([[getattr(signals, name) for name in self.forest.names]]))

    def score_row(self, text: str, row: NDArray[np.float64]) -> float:
        """Score one text of which the forest's signals are given, float64 [1, signals]."""
        total = self.forest_weight * logit(float(self.forest.predict(row)[0])) + self.offset
        if self.classifier is not None:
            total += self.text_weight * logit(self.classifier.probabilities(prepare(text))["high"])
        return 1 / (1 + math.exp(-total))


def logit(p: float) -> float:
    """Return ``ln(p / (1 - p))``, of p no nearer to 0 and 1 than 0.0001: no single opinion shall settle a score.

    >>> logit(0.5), round(logit(1.0), 2)
    (0.0, 9.21)
    """
    p = min(max(p, 1e-4), 1 - 1e-4)
    return math.log(p / (1 - p))


def save_quality_model(path: str | Path, model: QualityModel, classifier: bytes | None) -> str:
    """Write a model and, beside it, its sha256 in a file that ``sha256sum --check`` reads.

    Args:
        path: ends in ``.zip``.
        model: its ``classifier`` is not looked at.
        classifier: the fastText file, or None for a model over signals alone.

    Returns:
        The sha256 of the file, hex.
    """
    import numpy as np

    members: dict[str, bytes] = {}
    if classifier is not None:
        members["classifier.ftz"] = classifier
    for name in _ARRAYS:
        buffer = io.BytesIO()
        np.save(buffer, getattr(model.forest, name))
        members[f"{name}.npy"] = buffer.getvalue()
    manifest = {
        "format": FORMAT,
        "language": model.language,
        "features": list(model.forest.names),
        "weights": {"forest": model.forest_weight, "text": model.text_weight, "offset": model.offset},
        "sha256": {name: hashlib.sha256(data).hexdigest() for name, data in members.items()},
        "facts": model.facts,
    }
    members = {"manifest.json": (json.dumps(manifest, indent=1, ensure_ascii=False) + "\n").encode(), **members}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data)  # of 1980 and stored: the same bytes every time
    path = Path(path)
    path.write_bytes(buffer.getvalue())
    digest = hashlib.sha256(buffer.getvalue()).hexdigest()
    path.with_name(path.name + ".sha256").write_text(f"{digest}  {path.name}\n")
    return digest


def load_quality_model(path: str | Path) -> QualityModel:
    """Read a model; every byte is checked.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not a quality model, damaged, not the file its ``.sha256`` speaks of, or of signals unknown here.
    """
    import numpy as np

    from curate.signals import signal_names

    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f"no quality model at {path}: give the path of a file that `curate train quality` wrote"
        )
    data = path.read_bytes()
    beside = path.with_name(path.name + ".sha256")
    if beside.is_file():
        expected, found = beside.read_text().split()[0], hashlib.sha256(data).hexdigest()
        if expected != found:
            raise ValueError(
                f"{path} has sha256 {found}, but {beside.name} says {expected}: the file was changed or cut off; "
                "copy both again"
            )
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        manifest = json.loads(members.pop("manifest.json"))
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise ValueError(f"{path} is not a quality model, or damaged: {error}") from error
    if manifest.get("format") != FORMAT:
        raise ValueError(f"{path} has the format {manifest.get('format')!r}; this version reads {FORMAT!r}")
    for name, digest in manifest["sha256"].items():
        if hashlib.sha256(members.get(name, b"")).hexdigest() != digest:
            raise ValueError(f"{path}: {name} does not have the sha256 of the manifest: the file was changed")
    names = tuple(manifest["features"])
    missing = sorted(set(names) - set(signal_names()))
    if missing:
        raise ValueError(
            f"{path} needs signals that this version of curate does not measure: {', '.join(missing)}: train it again"
        )
    arrays = (np.load(io.BytesIO(members[f"{name}.npy"]), allow_pickle=False) for name in _ARRAYS)
    forest = Forest(names, *arrays)
    forest.check()
    classifier = None
    if "classifier.ftz" in members:
        classifier = load_classifier(members["classifier.ftz"], f"classifier.ftz in {path}", LABELS)
    weights = manifest["weights"]
    return QualityModel(
        manifest["language"],
        forest,
        classifier,
        weights["forest"],
        weights["text"],
        weights["offset"],
        manifest["facts"],
    )
