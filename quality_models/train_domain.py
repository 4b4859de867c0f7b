"""Train the topic classifier of `quality.domains` and its weights against the rules, always with the same bytes.

Usage: python -m quality_models.train_domain FOLDER --output quality_models/models/domain-en.zip

FOLDER has the ``*.jsonl.zst`` files that quality_models/cards/domain.md names: a ``text``, a ``topic`` and a ``source``
per line. The weights are fitted to predictions for sources that the classifiers were not trained on: a topic from few
sources (mathematics from LaTeX books) would otherwise be recognized by its source, and trusted too much.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from curate.models.model_file import write_model_file
from curate.models.text_classifier import HEAD, load_classifier, prepare
from curate.quality.domains import FORMAT, TOPIC_OF, measure_notation, witnesses
from curate.text.hashing import stable_u64
from quality_models.examples import read_rows
from quality_models.fit import TextConfig, train_topics

Floats = NDArray[np.float64]

CLASSES = ("general", "code", "maths")
TRAIN_HEAD = 2000
SETTINGS = TextConfig(epochs=6, ngrams=1, rate=0.3, dimensions=24, buckets=10_000, rare=3)

# Most documents of a topic from one source: those of the web are of many kinds, those of a book of one.
MOST = {"weborganizer_examples": 600, "reddit_top_2013": 600}
MOST_OF_ANOTHER = 200
# Sources with licences that forbid commercial use, and texts that no person wrote.
LEFT_OUT = ("openstax_", "gpteacher_codegen", "reuters_21578", "us_supreme_court_arguments")

# WebOrganizer's topic "Software Development" is code if the page teaches or discusses it; pages of companies that sell
# software, and news, are about software.
CODE_FORMATS = frozenset({
    "Academic Writing", "Documentation", "FAQ", "Knowledge Article", "Nonfiction Writing", "Q&A Forum", "Tutorial",
})  # fmt: skip

# Folds of sources for the weights: each leaves out some of every class. Other sources are assigned by hash.
FOLDS = 4
FOLD_OF = {
    "weborganizer_examples": 0,
    "reddit_top_2013": 1,
    "the_algorithms": 2,
    "rust_book": 3,
    "stacks_project": 2,
    "hott_book": 3,
}


@dataclass(frozen=True, slots=True)
class LabelledPage:
    """A text, its topic with ``_`` for spaces, and its source."""

    text: str
    topic: str
    source: str

    @property
    def label(self) -> str:
        """The mixture's label of the topic."""
        names = {topic.replace(" ", "_"): label for label, topic in TOPIC_OF.items()}
        return names.get(self.topic, "general")


def gather(folder: Path) -> list[LabelledPage]:
    """Read the pages with a topic, a fixed selection per source, in the order of a hash."""
    pages = []
    for path in sorted(folder.glob("*.jsonl.zst")):
        for row in read_rows(path):
            source = str(row["source"])
            topic = str(row.get("topic") or "").replace(" ", "_")
            if topic == "Code" and row.get("format", "Tutorial") not in CODE_FORMATS:
                topic = "Software_&_Hardware"
            if topic and not source.startswith(LEFT_OUT):
                pages.append(LabelledPage(str(row["text"]), topic, source))
    pages.sort(key=lambda page: (stable_u64(page.text), page.topic, page.source))
    taken: Counter[tuple[str, str]] = Counter()
    chosen = []
    for page in pages:
        taken[page.topic, page.source] += 1
        if taken[page.topic, page.source] <= MOST.get(page.source, MOST_OF_ANOTHER):
            chosen.append(page)
    return chosen


def train_classifier(pages: list[LabelledPage], quantize: bool) -> bytes:
    """Train the classifier of topics; return its file."""
    texts = [prepare(page.text, TRAIN_HEAD).replace("__label__", "") for page in pages]
    return train_topics(texts, [page.topic for page in pages], SETTINGS, quantize)


def unseen_witnesses(pages: list[LabelledPage]) -> Floats:
    """Return `domains.witnesses` of each page, by a classifier not trained on its source; float64 [n, 5]."""
    fold = np.array([FOLD_OF.get(page.source, stable_u64(page.source) % FOLDS) for page in pages])
    evidence: list[tuple[float, ...]] = [()] * len(pages)
    for k in range(FOLDS):
        rest = [page for page, f in zip(pages, fold.tolist(), strict=True) if f != k]
        topics = tuple({page.topic for page in rest})
        data = train_classifier(rest, quantize=False)
        classifier = load_classifier(data, "a fold's classifier", topics, trusted=True)
        for i in np.flatnonzero(fold == k).tolist():
            text = pages[i].text
            evidence[i] = witnesses(classifier.probabilities(prepare(text)), measure_notation(text[:HEAD]))
    return np.array(evidence)


def fit_weights(evidence: Floats, labels: list[str], sources: list[str]) -> dict[str, list[float]]:
    """Fit a multinomial logistic regression of the labels on the evidence; "general" has weights of 0.

    The sources of a label have equal weight, and each label has the weight of its number of documents.
    """
    target = np.array([CLASSES.index(label) for label in labels])
    counts = Counter(zip(labels, sources, strict=True))
    n_sources = Counter(label for label, _ in counts)
    per_label = Counter(labels)
    weight = np.array(
        [
            per_label[label] / n_sources[label] / counts[label, source]
            for label, source in zip(labels, sources, strict=True)
        ]
    )

    def loss(flat: Floats) -> tuple[float, Floats]:
        w = flat.reshape(len(CLASSES) - 1, evidence.shape[1])
        scores = np.c_[np.zeros(len(evidence)), evidence @ w.T]
        scores -= scores.max(axis=1, keepdims=True)
        p = np.exp(scores)
        p /= p.sum(axis=1, keepdims=True)
        slope = p.copy()
        slope[np.arange(len(target)), target] -= 1
        value = -(weight * np.log(np.maximum(p[np.arange(len(target)), target], 1e-12))).sum() + 0.5 * (w**2).sum()
        return float(value), (((slope * weight[:, None]).T @ evidence)[1:] + w).ravel()

    best = minimize(loss, np.zeros((len(CLASSES) - 1) * evidence.shape[1]), jac=True, method="L-BFGS-B")
    rows = best.x.reshape(len(CLASSES) - 1, -1).round(4).tolist()
    return dict(zip(CLASSES[1:], rows, strict=True))


def confusion(
    evidence: Floats, weights: dict[str, list[float]], pages: list[LabelledPage]
) -> dict[str, dict[str, float]]:
    """Return, for each class and source, the share of its pages that get each label."""
    scores = np.c_[np.zeros(len(evidence)), evidence @ np.array([weights[label] for label in CLASSES[1:]]).T]
    said = scores.argmax(axis=1)
    groups: dict[str, list[int]] = {}
    for i, page in enumerate(pages):
        groups.setdefault(f"{page.label}: {page.source}", []).append(i)
    return {
        name: {label: round(float((said[places] == c).mean()), 3) for c, label in enumerate(CLASSES)}
        for name, places in sorted(groups.items())
        if len(places) >= 50
    }


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--output", required=True, type=click.Path(path_type=Path))
def main(folder: Path, output: Path) -> None:
    """Train on the pages in FOLDER and write OUTPUT."""
    pages = gather(folder)
    click.echo(f"{len(pages):,} pages")
    evidence = unseen_witnesses(pages)
    weights = fit_weights(evidence, [page.label for page in pages], [page.source for page in pages])
    table = confusion(evidence, weights, pages)
    click.echo(f"{'label: source, unseen by the classifier':52}" + "".join(f"{label:>9}" for label in CLASSES))
    for name, shares in table.items():
        click.echo(f"{name:52}" + "".join(f"{shares[label]:9.3f}" for label in CLASSES))
    topics = sorted({page.topic for page in pages})
    facts = {"documents": len(pages), "unseen": table}
    parts = {"classifier.ftz": train_classifier(pages, quantize=True)}
    digest = write_model_file(output, FORMAT, {"topics": topics, "weights": weights, "facts": facts}, parts)
    click.echo(f"weights {weights}\n{output} ({output.stat().st_size / 1e6:.1f} MB), sha256 {digest}")


if __name__ == "__main__":
    main()
