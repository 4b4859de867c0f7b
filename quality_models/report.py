"""Present an evaluation: a page with the curves as pictures, a model card, and a few lines on the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from curate.quality.model import QualityModel
from curate.text.printable import printable
from quality_models.evaluate import NUMBERS, Evaluation

Floats = NDArray[np.float64]

_SIZE, _EDGE = 300, 42  # pixels of a picture, and of the space for its axes
_STYLE = """body{font:15px/1.5 system-ui,sans-serif;max-width:70em;margin:2em auto;padding:0 1em;color:#222}
figure{display:inline-block;margin:0 1.5em 1em 0}figcaption{text-align:center;color:#555}
table{border-collapse:collapse}td,th{padding:.15em .8em;text-align:right;border-bottom:1px solid #ddd}
td:first-child,th:first-child{text-align:left}svg text{font:11px system-ui,sans-serif;fill:#555}"""


def write_page(path: str | Path, title: str, evaluation: Evaluation, measured_on: str) -> None:
    """Write one self-contained HTML file with curves, calibration, areas by source and the effect of length."""
    baseline = evaluation.precision_recall[0][-1]
    pictures = [
        _picture("ROC", "negatives taken", "positives taken", *evaluation.roc, diagonal=True),
        _picture("Precision and recall", "recall", "precision", *evaluation.precision_recall[::-1], level=baseline),
        _picture(
            "Calibration",
            "score",
            "share of positives",
            np.array([score for score, _, _ in evaluation.calibration]),
            np.array([target for _, target, _ in evaluation.calibration]),
            diagonal=True,
        ),
    ]
    rows = [[NUMBERS[name], _number(getattr(evaluation, name))] for name in NUMBERS]
    sources = [
        [name, f"{n:,}", _number(area), _number(evaluation.unseen.get(name, (0, float("nan")))[1])]
        for name, (n, area) in evaluation.by_source.items()
    ]
    Path(path).write_text(
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{_text(title)}</title><style>{_STYLE}</style>"
        f"<h1>{_text(title)}</h1><p>Measured on {_text(measured_on)}</p>"
        f"{''.join(pictures)}{_table(['measure', ''], rows)}<h2>By source</h2>"
        f"<p>ROC AUC of each source against the other side; after a training also by models trained without the "
        f"source, on all of its documents.</p>"
        f"{_table(['source', 'documents', 'AUC', 'AUC, source unseen'], sources)}</html>\n",
        encoding="utf-8",
    )


def print_evaluation(evaluation: Evaluation) -> None:
    """Print the numbers, and the area of each source."""
    for name, label in NUMBERS.items():
        click.echo(f"{label:40} {_number(getattr(evaluation, name))}")
    for source, (n, area) in evaluation.by_source.items():
        unseen = evaluation.unseen.get(source)
        more = f", unseen {_number(unseen[1])}" if unseen else ""
        click.echo(f"  {printable(source):38} {_number(area)}  ({n:,} documents{more})")


def write_card(path: str | Path, name: str, model: QualityModel, evaluation: Evaluation, digest: str) -> None:
    """Write a model card in Markdown: training data, training, evaluation, limitations."""
    facts: Mapping[str, Any] = model.facts
    sources = "".join(f"| {source} | {n:,} | {mean:.2f} |\n" for source, (n, mean) in sorted(facts["sources"].items()))
    numbers = "".join(f"| {label} | {_number(getattr(evaluation, key))} |\n" for key, label in NUMBERS.items())
    unseen = "".join(f"| {source} | {n:,} | {_number(area)} |\n" for source, (n, area) in evaluation.unseen.items())
    Path(path).write_text(
        f"# {name}\n\n"
        f"A quality model for {model.language or 'any language'}: a forest over {len(model.forest.names)} signals"
        f"{' and a fastText classifier' if model.classifier else ''}. sha256 `{digest}`.\n\n"
        f"## Trained on\n\n{facts['documents']['used']:,} documents of {facts['documents']['read']:,} read "
        f"(left out: {facts['documents']['left_out'] or 'none'}); lengths {facts['lengths']}.\n\n"
        f"| source | documents | mean target |\n| --- | --- | --- |\n{sources}\n"
        f"## Measured\n\nOn {evaluation.documents:,} documents held out of all training:\n\n"
        f"| measure | value |\n| --- | --- |\n{numbers}\n"
        f"By models trained without the source (ROC AUC against the other side):\n\n"
        f"| source | documents | AUC |\n| --- | --- | --- |\n{unseen}\n"
        f"## What it is not\n\nIt knows the difference between these two kinds of documents and no other. A number on "
        f"sources it knows says little about sources it does not; look at the second table, and at documents near your "
        f"limit. Scores compare within a language.\n",
        encoding="utf-8",
    )


def _text(value: str) -> str:
    return escape(printable(value))


def _number(value: float) -> str:
    return f"{value:.3f}" if np.isfinite(value) else "-"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    cells = "".join(f"<tr>{''.join(f'<td>{_text(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><tr>{''.join(f'<th>{_text(cell)}</th>' for cell in head)}</tr>{cells}</table>"


def _picture(
    title: str, across: str, up: str, x: Floats, y: Floats, diagonal: bool = False, level: float | None = None
) -> str:
    """Return a line in the unit square as SVG, with a dashed line of reference: the diagonal, or a level."""

    def at(a: float, b: float) -> str:
        return f"{_EDGE + a * _SIZE:.1f},{10 + (1 - b) * _SIZE:.1f}"

    width, height = _SIZE + _EDGE + 10, _SIZE + _EDGE + 10
    line = " ".join(at(a, b) for a, b in zip(x.tolist(), y.tolist(), strict=True))
    dots = "".join(
        f'<circle cx="{at(a, b).split(",")[0]}" cy="{at(a, b).split(",")[1]}" r="2.5" fill="#1769aa"/>'
        for a, b in (zip(x.tolist(), y.tolist(), strict=True) if len(x) <= 12 else ())
    )
    ends = [at(0, 0), at(1, 1)] if diagonal else [at(0, level or 0), at(1, level or 0)]
    ticks = "".join(
        f'<text x="{_EDGE + t * _SIZE}" y="{_SIZE + 24}" text-anchor="middle">{t:g}</text>'
        f'<text x="{_EDGE - 6}" y="{14 + (1 - t) * _SIZE}" text-anchor="end">{t:g}</text>'
        for t in (0, 0.25, 0.5, 0.75, 1)
    )
    return (
        f'<figure><svg role="img" aria-label="{escape(title)}" width="{width}" height="{height}">'
        f'<rect x="{_EDGE}" y="10" width="{_SIZE}" height="{_SIZE}" fill="#f7f7f7" stroke="#ccc"/>{ticks}'
        f'<text x="{_EDGE + _SIZE / 2}" y="{_SIZE + 40}" text-anchor="middle">{escape(across)}</text>'
        f'<text transform="translate(11,{10 + _SIZE / 2}) rotate(-90)" text-anchor="middle">{escape(up)}</text>'
        f'<polyline points="{" ".join(ends)}" stroke="#999" stroke-dasharray="4" fill="none"/>'
        f'<polyline points="{line}" stroke="#1769aa" stroke-width="2" fill="none"/>{dots}</svg>'
        f"<figcaption>{escape(title)}</figcaption></figure>"
    )
