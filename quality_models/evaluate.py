"""Evaluate a quality model on labelled documents, with all results in one record."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from quality_models.examples import Examples
from quality_models.fit import is_high
from quality_models.measures import (
    average_precision,
    calibration,
    calibration_error,
    precision_recall,
    roc_auc,
    roc_curve,
    spearman,
)

Floats = NDArray[np.float64]
POINTS = 200  # kept of each curve

#: The numbers of an evaluation, with their labels.
NUMBERS = {
    "auc": "ROC AUC",
    "average_precision": "average precision",
    "rank_correlation": "rank correlation of score and target",
    "calibration_error": "calibration error",
    "length_auc": "ROC AUC of the length alone",
    "within_length_auc": "ROC AUC among documents of one length",
    "length_correlation": "rank correlation of score and length",
}


@dataclass(frozen=True, slots=True)
class Evaluation:
    """How scores compare with targets.

    Areas are ROC AUC of documents above against below the middle of the targets. ``length_auc`` is that of the length
    of the text alone; ``within_length_auc`` that of the score among documents of similar length;
    ``length_correlation`` the rank correlation of score and length. ``by_source`` has documents and area of each source
    against the other side (within the source if it has both sides); ``unseen`` the same for models trained without that
    source. ``rank_correlation`` is Spearman's, of score and target.
    """

    documents: int
    auc: float
    average_precision: float
    calibration_error: float
    rank_correlation: float
    length_auc: float
    within_length_auc: float
    length_correlation: float
    roc: tuple[Floats, Floats]
    precision_recall: tuple[Floats, Floats]
    calibration: list[tuple[float, float, int]]
    by_source: dict[str, tuple[int, float]]
    unseen: dict[str, tuple[int, float]] = field(default_factory=dict)

    def summary(self) -> dict[str, object]:
        """Return the numbers without the curves, to three decimals, as JSON values."""

        def short(sources: dict[str, tuple[int, float]]) -> dict[str, list[float | None]]:
            return {name: [n, _json(area)] for name, (n, area) in sources.items()}

        return {
            "documents": self.documents,
            **{name: _json(getattr(self, name)) for name in NUMBERS},
            "auc_by_source": short(self.by_source),
            "auc_by_source_unseen": short(self.unseen),
        }


def _json(value: float) -> float | None:
    return round(value, 3) if np.isfinite(value) else None


def evaluate(targets: Floats, scores: Floats, lengths: Floats, sources: list[str]) -> Evaluation:
    """Compare scores with targets.

    Args:
        targets: in [0, 1], float64 [n].
        scores: in [0, 1], float64 [n].
        lengths: of the texts, float64 [n].
        sources: of each document, [n].
    """
    high = is_high(targets)
    return Evaluation(
        documents=len(scores),
        auc=roc_auc(high, scores),
        average_precision=average_precision(high, scores),
        calibration_error=calibration_error(targets, scores),
        rank_correlation=spearman(scores, targets),
        length_auc=roc_auc(high, lengths),
        within_length_auc=within_length_auc(high, scores, lengths),
        length_correlation=spearman(scores, lengths),
        roc=_thin(roc_curve(high, scores)),
        precision_recall=_thin(precision_recall(high, scores)),
        calibration=calibration(targets, scores),
        by_source=auc_by_source(targets, scores, sources),
    )


def within_length_auc(high: NDArray[np.bool_], scores: Floats, lengths: Floats) -> float:
    """Return the ROC AUC over pairs whose lengths are between the same two powers of two.

    >>> high, lengths = np.array([True, False, True, False]), np.array([100.0, 100, 900, 900])
    >>> within_length_auc(high, np.array([0.2, 0.1, 0.8, 0.9]), lengths)
    0.5
    """
    bins = np.log2(np.maximum(lengths, 1)).astype(np.int64)
    areas, pairs = 0.0, 0
    for b in np.unique(bins):
        here = bins == b
        count = int(high[here].sum()) * int((~high[here]).sum())
        if count:
            areas += roc_auc(high[here], scores[here]) * count
            pairs += count
    return areas / pairs if pairs else float("nan")


def auc_by_source(targets: Floats, scores: Floats, sources: list[str]) -> dict[str, tuple[int, float]]:
    """Return documents and ROC AUC of each source, largest first.

    >>> auc_by_source(np.array([1.0, 1.0, 0.0]), np.array([0.9, 0.1, 0.5]), ["a", "b", "c"])
    {'a': (1, 1.0), 'b': (1, 0.0), 'c': (1, 0.5)}
    """
    high = is_high(targets)
    places: dict[str, list[int]] = {}
    for i, source in enumerate(sources):
        places.setdefault(source, []).append(i)
    areas = {}
    for source, here in sorted(places.items(), key=lambda item: (-len(item[1]), item[0])):
        own = np.zeros(len(scores), bool)
        own[here] = True
        sides = high[own]
        compared = own if 0 < sides.sum() < len(sides) else own | (high != sides[0])
        areas[source] = (len(here), roc_auc(high[compared], scores[compared]))
    return areas


def _thin(curve: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
    keep = np.unique(np.linspace(0, len(curve[0]) - 1, POINTS).astype(np.int64))
    return curve[0][keep], curve[1][keep]


def score_texts(model_path: str | None, examples: Examples, language: str = "en") -> Floats:
    """Score the texts with the model at a path, or the shipped one for their language.

    Raises:
        ValueError: the model is for another language.
    """
    from curate.quality.model import load_quality_model
    from curate.quality.scoring import quality_score

    if model_path and (of := load_quality_model(model_path).language) not in (language, ""):
        raise ValueError(f"{model_path} is a model for {of!r}, but the documents are in {language!r}: set --language")
    return np.array([quality_score(text, model_path, language=language) for text in examples.texts])
