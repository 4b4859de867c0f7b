"""Fit one small model: a forest over the signals, a fastText classifier over the words, and their calibration.

If sources are named, the classifier is tuned on whole sources that it was not trained on: on known ones more epochs
always look better, because it memorizes them.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curate.models.text_classifier import load_classifier, prepare
from curate.quality.model import QualityModel
from quality_models.examples import Examples
from quality_models.grow import GrowConfig, grow_forest
from quality_models.measures import roc_auc

Floats = NDArray[np.float64]

FOLDS = 3
#: Characters of each text used for training the classifier. curate's own value: long texts should not outweigh short
#: ones.
TRAIN_HEAD = 1500
#: Documents used for tuning. curate's own value, to bound the time: each setting trains ``FOLDS`` classifiers.
TUNE_ON = 9000


@dataclass(frozen=True, slots=True)
class TextConfig:
    """Settings of the fastText classifier; tuning starts with the defaults."""

    epochs: int = 2
    ngrams: int = 2
    rate: float = 0.3
    dimensions: int = 8
    buckets: int = 200_000
    rare: int = 3


@dataclass(frozen=True, slots=True)
class Fitted:
    """A model before calibration, the bytes of its classifier, and results of the training.

    ``unseen`` is the score of each training document by models that did not see its fold (`source_folds`); ``trials``
    are the settings that were tried, with the ROC AUC of each.
    """

    model: QualityModel
    classifier: bytes | None
    unseen: Floats
    trials: list[tuple[TextConfig, float]] = field(default_factory=list)


def fit(
    examples: Examples,
    names: Sequence[str],
    signals: Floats,
    weights: Floats,
    language: str,
    with_text: bool = True,
    budget: float = 60.0,
    say: Callable[[str], None] = lambda line: None,
) -> Fitted:
    """Fit a model.

    Args:
        examples: cleaned.
        names: of the signals to use.
        signals: float64 [n, len(names)].
        weights: of the examples, float64 [n].
        language: ISO 639-1 code the model is for, "" for any.
        with_text: with a fastText classifier, or over signals only.
        budget: seconds of tuning, after which no new trial begins; 0 uses the defaults. Tuning that ends by itself
            gives the same model every time; tuning that runs out of time may not.
        say: called with each line about the progress.
    """
    targets, columns = examples.targets, tuple(names)
    # curate's own values: smaller leaves memorize the sources, and small data cannot afford larger ones.
    grow = GrowConfig(min_leaf=int(np.clip(len(targets) // 100, 5, 50)))
    folds = source_folds(examples)
    say("growing the forest over the signals")
    forest = grow_forest(columns, signals, targets, weights, grow)
    opinions = [_logits(_unseen_forest(columns, signals, targets, weights, folds, grow))]
    trials: list[tuple[TextConfig, float]] = []
    classifier: bytes | None = None
    if with_text:
        high = is_high(targets)
        prepared = [prepare(text, TRAIN_HEAD).replace("__label__", "") for text in examples.texts]
        whole = [prepare(text) for text in examples.texts]
        say("tuning the classifier of words")
        # As many buckets for n-grams, up to the default, as the documents can fill: empty ones take time to quantize.
        start = TextConfig(buckets=int(np.clip(20 * len(prepared), 10_000, TextConfig().buckets)))
        trials = tune(start, prepared, high, folds, budget, say)
        chosen = max(trials, key=lambda trial: trial[1])[0] if trials else start
        say(f"training it: {chosen.epochs} epochs, {chosen.ngrams}-grams, rate {chosen.rate:g}")
        opinions.append(_logits(_unseen_probabilities(prepared, whole, high, folds, chosen)))
        classifier = train_text(prepared, high, chosen, quantize=True)
    loaded = (
        None if classifier is None else load_classifier(classifier, "the new classifier", ("high", "low"), trusted=True)
    )
    unseen = 1 / (1 + np.exp(-np.mean(opinions, axis=0)))
    return Fitted(QualityModel(language, forest, loaded), classifier, unseen, trials)


def is_high(targets: Floats) -> NDArray[np.bool_]:
    """Split targets in two for the classifier: classes as they are, scores at their median.

    >>> is_high(np.array([0.0, 1.0, 1.0])).tolist(), is_high(np.array([0.1, 0.2, 0.4])).tolist()
    ([False, True, True], [False, False, True])
    """
    median = float(np.median(targets))
    return targets > (median if 0 < median < 1 else 0.5)


def _logits(probabilities: Floats) -> Floats:
    p = np.clip(probabilities, 1e-4, 1 - 1e-4)  # as curate.models.text_classifier.logit
    return np.log(p / (1 - p))


def _unseen_forest(
    columns: tuple[str, ...],
    signals: Floats,
    targets: Floats,
    weights: Floats,
    folds: NDArray[np.int64],
    grow: GrowConfig,
) -> Floats:
    """Return, for each document, the prediction of a smaller forest grown on the other folds."""
    said = np.full(len(targets), float(np.average(targets, weights=weights)))
    for k in range(FOLDS):
        inside, outside = folds != k, folds == k
        if inside.any() and outside.any():
            part = replace(grow, trees=grow.trees // 2)
            said[outside] = grow_forest(columns, signals[inside], targets[inside], weights[inside], part).predict(
                signals[outside]
            )
    return said


def source_folds(examples: Examples) -> NDArray[np.int64]:
    """Put every document in one of ``FOLDS`` folds: whole sources if a side has enough of them, else documents.

    >>> examples = Examples(["a"] * 7, np.array([1.0] * 3 + [0.0] * 4), ["x", "y", "z", "w", "w", "w", "w"])
    >>> source_folds(examples).tolist()
    [0, 1, 2, 0, 1, 2, 0]
    """
    folds = np.arange(len(examples.texts)) % FOLDS
    for side in (examples.targets > 0.5, examples.targets <= 0.5):
        counts = Counter(source for source, here in zip(examples.sources, side, strict=True) if here)
        folds[side] = np.arange(side.sum()) % FOLDS
        if len(counts) < FOLDS:
            continue
        filled = [0] * FOLDS
        part: dict[str, int] = {}
        for source, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
            part[source] = filled.index(min(filled))
            filled[part[source]] += count
        for i in np.flatnonzero(side):
            folds[i] = part[examples.sources[i]]
    return folds


def tune(
    start: TextConfig,
    prepared: Sequence[str],
    high: NDArray[np.bool_],
    folds: NDArray[np.int64],
    budget: float,
    say: Callable[[str], None],
) -> list[tuple[TextConfig, float]]:
    """Try settings of the classifier on at most ``TUNE_ON`` documents; a trial's ROC AUC is over the held-out folds.

    Epochs double until the area falls (early stopping), or halve if doubling never helped; then n-grams and learning
    rates are tried around the best.
    """
    # the order of the examples is that of a hash
    texts, labels, parts = prepared[:TUNE_ON], high[:TUNE_ON], folds[:TUNE_ON]
    trials: list[tuple[TextConfig, float]] = []
    end = time.monotonic() + budget

    def attempt(config: TextConfig) -> float:
        try:
            said = _unseen_probabilities(texts, texts, labels, parts, config)
        except RuntimeError as error:  # fastText: "Encountered NaN.", at a rate that is too high for these texts
            say(f"  {config.epochs} epochs, {config.ngrams}-grams, rate {config.rate:g}: {error}")
            return -1.0
        areas = [roc_auc(labels[parts == k], said[parts == k]) for k in range(FOLDS)]
        trials.append((config, float(np.mean([area for area in areas if np.isfinite(area)]))))
        say(f"  {config.epochs} epochs, {config.ngrams}-grams, rate {config.rate:g}: AUC {trials[-1][1]:.4f} unseen")
        return trials[-1][1]

    if budget <= 0:
        return trials
    best = start
    reached = attempt(best)
    for direction in (2.0, 0.5):
        while best.epochs * direction >= 1 and time.monotonic() < end:
            change = replace(best, epochs=int(best.epochs * direction))
            area = attempt(change)
            if area <= reached:
                break
            best, reached = change, area
        if best.epochs > start.epochs:
            break
    for change in (replace(best, ngrams=1), replace(best, rate=0.1), replace(best, rate=0.8)):
        if time.monotonic() >= end:
            break
        area = attempt(change)
        if area > reached:
            best, reached = change, area
    return trials


def _unseen_probabilities(
    train_on: Sequence[str],
    asked: Sequence[str],
    high: NDArray[np.bool_],
    folds: NDArray[np.int64],
    config: TextConfig,
) -> Floats:
    """Return, for each document, the probability of "high" by a classifier trained on the other folds."""
    said = np.full(len(asked), 0.5)
    for k in range(FOLDS):
        inside = np.flatnonzero(folds != k).tolist()
        if not 0 < high[inside].sum() < len(inside):
            continue
        data = train_text([train_on[i] for i in inside], high[inside], config, quantize=False)
        model = load_classifier(data, "a classifier of the cross-validation", ("high", "low"), trusted=True)
        for i in np.flatnonzero(folds == k).tolist():
            said[i] = model.probabilities(asked[i])["high"]
    return said


def train_text(prepared: Sequence[str], high: NDArray[np.bool_], config: TextConfig, quantize: bool) -> bytes:
    """Train a classifier of "high" and "low" on prepared texts; return its file."""
    return train_topics(prepared, ["high" if label else "low" for label in high], config, quantize)


def train_topics(prepared: Sequence[str], labels: Sequence[str], config: TextConfig, quantize: bool) -> bytes:
    """Train a fastText classifier; return its file, quantized (``.ftz``) or not.

    With one thread and a fixed seed, the same texts in the same order give the same file.

    Args:
        prepared: texts from `curate.models.text_classifier.prepare`, without ``__label__``.
        labels: of each text, without white space.
        config: settings.
        quantize: whether to trade a little accuracy for a tenth of the size.
    """
    import fasttext

    with tempfile.TemporaryDirectory() as folder:
        lines = os.path.join(folder, "lines.txt")
        with open(lines, "w", encoding="utf-8") as file:
            for text, label in zip(prepared, labels, strict=True):
                file.write(f"__label__{label} {text}\n")
        settings: dict[str, Any] = {
            "epoch": config.epochs,
            "wordNgrams": config.ngrams,
            "lr": config.rate,
            "dim": config.dimensions,
            "bucket": config.buckets,
            "minCount": config.rare,
        }
        model = fasttext.train_supervised(lines, thread=1, seed=1, verbose=0, **settings)
        if quantize:
            # Without a cutoff, because pruned n-grams need a table lookup that makes scoring 2.5 times as slow.
            model.quantize(input=lines, qnorm=True, thread=1)
        path = os.path.join(folder, "model")
        model.save_model(path)
        with open(path, "rb") as saved:
            return saved.read()


def fit_calibration(scores: Floats, targets: Floats, weights: Floats) -> tuple[float, float]:
    """Return scale and offset of the scores' logits with the smallest cross-entropy (Platt 1999), by Newton's method.

    A quadratic penalty keeps the scale near 1 and the offset near 0 if there are few documents.

    >>> scores, targets = np.repeat([0.4, 0.6], 500), np.repeat([0.1, 0.9], 500)
    >>> scale, offset = fit_calibration(scores, targets, np.ones(1000))
    >>> round(scale, 1), abs(round(offset, 1))
    (5.2, 0.0)
    """
    x, w = np.stack([_logits(scores), np.ones(len(scores))]), np.array([1.0, 0.0])
    for _ in range(50):
        q = 1 / (1 + np.exp(-(w @ x)))
        slope = x @ (weights * (q - targets)) + w - [1.0, 0.0]
        step = np.linalg.solve((x * (weights * q * (1 - q))) @ x.T + np.eye(2), slope)
        w = w - step * min(1.0, 2.0 / max(float(np.abs(step).max()), 1e-9))
    return max(float(w[0]), 0.0), float(w[1])
