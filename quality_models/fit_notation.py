"""Fit the weights by which `quality.domains` says that a text holds code, or maths, from judged pages.

Usage: python -m quality_models.fit_notation JUDGED.jsonl --tests OTHERS.jsonl

The files are JSON lines with the ``text`` of a page, its ``language``, and ``code`` and ``maths``: 1 if the page holds
it, else 0. It prints the weights, and how often they agree with the judgements of both files.
"""

from __future__ import annotations

import json
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from curate.models.text_classifier import prepare
from curate.quality.domains import NOTATION_HEAD, Notation, measure_notation, topic_classifier, witnesses

Floats = NDArray[np.float64]
Features = dict[str, Floats]


def read_judged(path: Path) -> tuple[Features, Features]:
    """Return the evidence [n, columns] and the judgements [n], by label."""
    classifier, _ = topic_classifier()
    code, maths, judged = [], [], []
    for line in path.read_text("utf-8").splitlines():
        row = json.loads(line)
        measured: Notation = measure_notation(row["text"][:NOTATION_HEAD])
        topic = None
        if row["language"] == "en":
            topic = witnesses(classifier.probabilities(prepare(row["text"])), measured)[0]
        code.append(measured.evidence_of_code(topic))
        maths.append(measured.evidence_of_maths())
        judged.append((row["code"] > 0, row["maths"] > 0))
    answers = np.array(judged, np.float64)
    return {"code": np.array(code), "maths": np.array(maths)}, {"code": answers[:, 0], "maths": answers[:, 1]}


def fit(evidence: Floats, held: Floats) -> list[float]:
    """Fit a logistic regression with a penalty of half the sum of squares."""

    def loss(w: Floats) -> tuple[float, Floats]:
        scores = evidence @ w
        slope = evidence.T @ (1 / (1 + np.exp(-scores)) - held) + w
        return float((np.logaddexp(0, scores) - held * scores).sum() + 0.5 * (w**2).sum()), slope

    best = minimize(loss, np.zeros(evidence.shape[1]), jac=True, method="L-BFGS-B")
    return [float(w) for w in best.x.round(3)]


@click.command()
@click.argument("judged", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--tests", required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
def main(judged: Path, tests: Path) -> None:
    """Fit the weights to JUDGED and print them."""
    data = {"fitted": read_judged(judged), "others": read_judged(tests)}
    evidence, answers = data["fitted"]
    for label in evidence:
        weights = fit(evidence[label], answers[label])
        click.echo(f"{label}: {tuple(weights)}")
        for name, (columns, held) in data.items():
            said = columns[label] @ np.array(weights) >= 0
            agreement = (said == held[label]).mean()
            click.echo(f"  {name}: {len(said):,} pages, {int(held[label].sum())} hold it, agreement {agreement:.3f}")


if __name__ == "__main__":
    main()
