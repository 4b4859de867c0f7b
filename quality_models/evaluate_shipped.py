"""Evaluate the shipped quality model on documents that it was not trained on, for the table of its card.

Usage: python -m quality_models.evaluate_shipped QUALITY_FOLDER

The folder has the ``*.jsonl.zst`` files that quality_models/cards/quality.md names.
"""

from __future__ import annotations

import math
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from curate.models.text_classifier import logit
from curate.quality.model import load_quality_model
from curate.quality.scoring import ENGLISH
from quality_models.evaluate import NUMBERS, evaluate
from quality_models.examples import Examples, read_rows
from quality_models.fit import fit
from quality_models.grow import GrowConfig, grow_forest
from quality_models.measures import roc_auc
from quality_models.train_quality import SIGNALS, measure_all, score_all, side_weights
from quality_models.train_shipped import BOILERPLATE, MAIN_TEXT

Floats = NDArray[np.float64]

HUMAN = "human_labelled_dclm"
# Sources by reputation, none of which the model was trained on.
HIGH = (
    "high_abc_news", "high_bbc_news", "high_brown", "high_enwiki_sample", "high_novels", "high_openstax_us_history",
    "high_peps_rst", "high_python_docs", "high_us_speeches",
)  # fmt: skip
LOW = ("low_nltk_web_chat_reviews", "low_sms_spam")
FOLDS = 10


def cross_validated(texts: list[str], labels: Floats, scores: Floats) -> Floats:
    """Score each document again, using the labels of the other nine tenths.

    The result is the sum of two logits: that of the shipped score, and that of a forest over the signals and that
    score, grown on the nine tenths. No document contributes to its own score.
    """
    rows, adapted = np.c_[measure_all(texts, "en", SIGNALS), scores], np.zeros(len(texts))
    place = np.random.default_rng(0).permutation(len(texts)) % FOLDS
    for k in range(FOLDS):
        inside, asked = place != k, place == k
        grow = GrowConfig(trees=200, min_leaf=5)
        forest = grow_forest((*SIGNALS, "score"), rows[inside], labels[inside], np.ones(int(inside.sum())), grow)
        adapted[asked] = [
            logit(p) + logit(score) for p, score in zip(forest.predict(rows[asked]), scores[asked], strict=True)
        ]
    return adapted


def pages_apart(folder: Path) -> tuple[float, int]:
    """Return the ROC AUC of main text against the rest of the same pages, by models trained on other pages."""
    texts, targets, pages = [], [], []
    for name in (MAIN_TEXT, BOILERPLATE):
        for row in read_rows(folder / f"{name}.jsonl.zst"):
            texts.append(str(row["text"]))
            targets.append(float(name == MAIN_TEXT))
            pages.append(str(row["id"]).split("-", 1)[1])  # gold-X and boiler-X are the two parts of page X
    numbers = {page: i for i, page in enumerate(sorted(set(pages)))}
    half = np.array([numbers[page] % 2 for page in pages])
    labels, signals = np.array(targets), measure_all(texts, "en", SIGNALS)
    areas = []
    for k in (0, 1):
        inside, outside = np.flatnonzero(half != k), np.flatnonzero(half == k)
        examples = Examples([texts[i] for i in inside], labels[inside], ["pages"] * len(inside))
        weights = side_weights(np.ones(len(inside)), labels[inside])
        model = fit(examples, SIGNALS, signals[inside], weights, "en", budget=0.0).model
        scores = score_all(model, [texts[i] for i in outside], signals[outside])
        areas.append(roc_auc(labels[outside] > 0.5, scores))
    return float(np.mean(areas)), len(texts)


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
def main(folder: Path) -> None:
    """Evaluate the shipped English model on the files in FOLDER."""
    model = load_quality_model(ENGLISH)

    def scored(name: str) -> Floats:
        texts = [str(row["text"]) for row in read_rows(folder / f"{name}.jsonl.zst")]
        return score_all(model, texts, measure_all(texts, "en", model.forest.names))

    rows = list(read_rows(folder / f"{HUMAN}.jsonl.zst"))
    texts, labels = [str(row["text"]) for row in rows], np.array([float(bool(row["label"])) for row in rows])
    scores = scored(HUMAN)
    lengths = np.array([len(text) for text in texts], np.float64)
    evaluation = evaluate(labels, scores, lengths, [HUMAN] * len(rows))
    click.echo(f"{len(rows)} documents labelled by people, no label used in training")
    for name, label in NUMBERS.items():
        click.echo(f"  {label:45}{getattr(evaluation, name):.3f}")
    agreed = np.array([bool(row["unanimous"]) for row in rows])
    click.echo(f"  {'ROC AUC where all three people agreed':45}{roc_auc(labels[agreed] > 0.5, scores[agreed]):.3f}")
    adapted = cross_validated(texts, labels, scores)
    click.echo(f"  {'ROC AUC with the labels, by cross-validation':45}{roc_auc(labels > 0.5, adapted):.3f}")

    area, count = pages_apart(folder)
    click.echo(f"main text against the rest of the same pages ({count:,} texts), pages unseen: ROC AUC {area:.3f}")

    high, low = np.concatenate([scored(name) for name in HIGH]), np.concatenate([scored(name) for name in LOW])
    sides = np.r_[np.ones(len(high)), np.zeros(len(low))] > 0.5
    click.echo(f"sources by reputation, all unseen: ROC AUC {roc_auc(sides, np.r_[high, low]):.3f}; mean scores:")
    for name in (*HIGH, *LOW):
        click.echo(f"  {name:45}{math.fsum(scored(name)) / max(len(scored(name)), 1):.3f}")


if __name__ == "__main__":
    main()
