"""Train the classifier of topics behind `quality.domains`, and weigh it against the rules, the same bytes every time.

Usage: python -m quality_models.train_domain FOLDER --output quality_models/models/domain-en.zip

FOLDER holds the ``*.jsonl.zst`` files that quality_models/cards/domain.md names: a ``text``, a ``topic`` and a
``source`` per line. The weights are fitted to what classifiers say of sources that they were not trained on: a topic
that comes from few sources (mathematics from LaTeX books) is otherwise recognised by its source, and believed too much.
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
from curate.models.text_classifier import load_classifier, prepare
from curate.quality.domains import FORMAT, TOPIC_OF, witnesses
from curate.text.hashing import stable_u64
from quality_models.examples import read_rows
from quality_models.fit import TextConfig, train_topics

Floats = NDArray[np.float64]

CLASSES = ("general", "code", "maths")
TRAIN_HEAD = 2000
SETTINGS = TextConfig(epochs=6, ngrams=1, rate=0.3, dimensions=24, buckets=10_000, rare=3)

# Documents of a topic from one source that are taken: the web's are many kinds of pages, a book's are one.
MOST = {"weborganizer_examples": 600, "reddit_top_2013": 600}
MOST_OF_ANOTHER = 200
# Licences that forbid commercial use, and texts that no person wrote.
LEFT_OUT = ("openstax_", "gpteacher_codegen", "reuters_21578", "us_supreme_court_arguments")

# WebOrganizer's topic "Software Development" is code where the page teaches or discusses it; pages of companies that
# sell it, and news about it, are about software.
CODE_FORMATS = frozenset({
    "Academic Writing", "Documentation", "FAQ", "Knowledge Article", "Nonfiction Writing", "Q&A Forum", "Tutorial",
})  # fmt: skip

# Folds of sources for the weights: each leaves out some of every class. Sources not named go by a hash of their name.
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
    """A text, its topic with ``_`` for spaces, and where it is from."""

    text: str
    topic: str
    source: str

    @property
    def label(self) -> str:
        """The mixture's label of the topic."""
        names = {topic.replace(" ", "_"): label for label, topic in TOPIC_OF.items()}
        return names.get(self.topic, "general")


def gather(folder: Path) -> list[LabelledPage]:
    """Read the pages that have a topic, a fixed choice of each source, in the order of a hash."""
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
    """Train the classifier of topics; returns its file."""
    texts = [prepare(page.text, TRAIN_HEAD).replace("__label__", "") for page in pages]
    return train_topics(texts, [page.topic for page in pages], SETTINGS, quantize)


def unseen_witnesses(pages: list[LabelledPage]) -> Floats:
    """What `domains.witnesses` finds in each page, by a classifier not trained on its source; float64 [n, 5]."""
    fold = np.array([FOLD_OF.get(page.source, stable_u64(page.source) % FOLDS) for page in pages])
    found: list[tuple[float, ...]] = [()] * len(pages)
    for k in range(FOLDS):
        rest = [page for page, f in zip(pages, fold.tolist(), strict=True) if f != k]
        topics = tuple({page.topic for page in rest})
        data = train_classifier(rest, quantize=False)
        classifier = load_classifier(data, "a fold's classifier", topics, trusted=True)
        for i in np.flatnonzero(fold == k).tolist():
            found[i] = witnesses(pages[i].text, classifier.probabilities(prepare(pages[i].text)))
    return np.array(found)


def fit_weights(found: Floats, labels: list[str], sources: list[str]) -> dict[str, list[float]]:
    """Multinomial logistic regression of the labels on the witnesses; "general" has the weights 0.

    Every source of a label weighs the same within it, and the labels as often as they have documents.
    """
    target = np.array([CLASSES.index(label) for label in labels])
    counts = Counter(zip(labels, sources, strict=True))
    kinds = Counter(label for label, _ in counts)
    per_label = Counter(labels)
    weight = np.array(
        [per_label[label] / kinds[label] / counts[label, source] for label, source in zip(labels, sources, strict=True)]
    )

    def loss(flat: Floats) -> tuple[float, Floats]:
        w = flat.reshape(len(CLASSES) - 1, found.shape[1])
        scores = np.c_[np.zeros(len(found)), found @ w.T]
        scores -= scores.max(axis=1, keepdims=True)
        p = np.exp(scores)
        p /= p.sum(axis=1, keepdims=True)
        slope = p.copy()
        slope[np.arange(len(target)), target] -= 1
        value = -(weight * np.log(np.maximum(p[np.arange(len(target)), target], 1e-12))).sum() + 0.5 * (w**2).sum()
        return float(value), (((slope * weight[:, None]).T @ found)[1:] + w).ravel()

    best = minimize(loss, np.zeros((len(CLASSES) - 1) * found.shape[1]), jac=True, method="L-BFGS-B")
    rows = best.x.reshape(len(CLASSES) - 1, -1).round(4).tolist()
    return dict(zip(CLASSES[1:], rows, strict=True))


def confusion(found: Floats, weights: dict[str, list[float]], pages: list[LabelledPage]) -> dict[str, dict[str, float]]:
    """For each class and source, the share of its pages that get each label."""
    scores = np.c_[np.zeros(len(found)), found @ np.array([weights[label] for label in CLASSES[1:]]).T]
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
    found = unseen_witnesses(pages)
    weights = fit_weights(found, [page.label for page in pages], [page.source for page in pages])
    table = confusion(found, weights, pages)
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
