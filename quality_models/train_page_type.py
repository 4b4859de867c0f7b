"""Train the forests that say what type a page is, and evaluate them by cross-validation over sites.

    python -m quality_models.train_page_type WCXB.jsonl.zst --judged JUDGED.jsonl --pages PAGES.warc.gz [--write]

The first file has pages with ``html`` (bytes as Latin-1), ``url`` and ``page_type``; rows with ``suspect`` or
``duplicate_of`` are skipped. Judged pages name their page by ``url`` and have a ``kind``, of which `KINDS` are used.
``--write`` trains on all pages and writes the model of `curate.extract.page_type`.
"""

from __future__ import annotations

import argparse
import json
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from curate.extract.blocks import cut
from curate.extract.formulas import formulas_to_text
from curate.extract.main_text import main_text
from curate.extract.page_features import PageFeatures, page_features
from curate.extract.page_type import FORMAT, MODEL, PAGE_TYPES, TYPE_FEATURES, PageTypeModel, describe
from curate.input.warc import Page, read_records
from curate.models.model_file import array_bytes, write_model_file
from curate.text.charset import decode
from quality_models.boost import BoostConfig, boost
from quality_models.examples import read_rows
from quality_models.train_judge import site_of

FOLDS = 5
#: What kinds of judged pages are; others (stubs, errors, spam, stories, data) are no type of their own.
KINDS = {
    "article": "article", "blog": "article", "news": "article", "story": "article", "tutorial": "article",
    "recipe": "article", "docs": "documentation", "reference": "documentation", "forum": "forum", "qa": "forum",
    "product": "product", "listing": "listing", "organisation": "service",
}  # fmt: skip
# curate's own values, as for the judge: small trees on few features each.
BOOST = BoostConfig(trees=120, leaves=8, min_leaf=10, columns=0.3)
LEAST_TARGET = 0.01  # no mark is certain
MIN_SITES = 4  # on which a class word must occur
PRIOR = 6.0  # pseudo-sites of each class word, with the shares of types of all

Ints = NDArray[np.int64]
Weights = tuple[NDArray[np.uint32], NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Typed:
    """A page of a known type: its file and site, features, and the class words, sorted."""

    source: str
    site: str
    kind: int
    features: PageFeatures
    tokens: NDArray[np.uint32]

    @property
    def fold(self) -> int:
        """The fold of the site."""
        return zlib.crc32(self.site.encode()) % FOLDS


def read_marked(path: Path) -> Iterator[Typed]:
    """Read pages that say their type."""
    for row in read_rows(path):
        if row.get("suspect") is None and row.get("duplicate_of") is None and row.get("page_type") in PAGE_TYPES:
            url, html = str(row.get("url") or ""), str(row["html"]).encode("latin-1")
            site = site_of(url) or str(row["id"])
            yield _typed(path.name.partition(".")[0], html, url, site, str(row["page_type"]))


def read_judged(judged: Path, pages: Path) -> Iterator[Typed]:
    """Read the pages of a WARC file whose kind was judged."""
    kinds = {str(row["url"]): KINDS[str(row["kind"])] for row in read_rows(judged) if row.get("kind") in KINDS}
    with pages.open("rb") as file:
        for record in read_records(file, pages.name):
            if isinstance(record, Page) and record.url in kinds:
                name = kinds.pop(record.url)
                yield _typed(judged.name, record.content, record.url, site_of(record.url), name, record.charset)


def _typed(source: str, html: bytes, url: str, site: str, name: str, charset: str = "") -> Typed:
    page = formulas_to_text(decode(html, charset)[0])
    blocks = cut(page)
    features = page_features(page, blocks, main_text(blocks), url)
    return Typed(source, site, PAGE_TYPES.index(name), features, np.unique(blocks.tokens))


def weigh_words(examples: Sequence[Typed]) -> Weights:
    """Return the class words that occur on several sites, sorted, and the log odds of each type where they stand."""
    sites = {site: number for number, site in enumerate(sorted({e.site for e in examples}))}
    tokens = np.concatenate([e.tokens for e in examples])
    of_page = np.array([(sites[e.site], e.kind) for e in examples])
    keys, places = np.unique(tokens, return_inverse=True)
    words = np.column_stack([places, np.repeat(of_page, [len(e.tokens) for e in examples], axis=0)])
    counts = np.zeros((len(keys), len(PAGE_TYPES)))
    np.add.at(counts, tuple(np.unique(words, axis=0)[:, [0, 2]].T), 1)  # a site counts once for each of its types
    base = np.bincount(np.unique(of_page, axis=0)[:, 1], minlength=len(PAGE_TYPES)) / len(np.unique(of_page, axis=0))
    base = np.clip(base, LEAST_TARGET, 1 - LEAST_TARGET)
    share = (counts + PRIOR * base) / (counts.sum(axis=1, keepdims=True) + PRIOR)
    odds = np.log(share / (1 - share)) - np.log(base / (1 - base))
    enough = counts.sum(axis=1) >= MIN_SITES
    return keys[enough], odds[enough]


def fit(examples: Sequence[Typed]) -> PageTypeModel:
    """Fit the forests; what class words say of a page is learned from the folds of other sites."""
    folds = np.array([e.fold for e in examples])
    rows = np.empty((len(examples), len(TYPE_FEATURES)))
    for fold in np.unique(folds):
        weights = weigh_words([e for e in examples if e.fold != fold])
        for i in np.flatnonzero(folds == fold).tolist():
            rows[i] = describe(examples[i].features, examples[i].tokens, *weights)
    kinds = np.array([e.kind for e in examples])
    forests = []
    for kind in range(len(PAGE_TYPES)):
        targets = np.clip((kinds == kind).astype(float), LEAST_TARGET, 1 - LEAST_TARGET)
        forests.append(boost(TYPE_FEATURES, rows, targets, np.ones(len(rows)), BOOST))
    return PageTypeModel(tuple(forests), *weigh_words(examples))


def predict(model: PageTypeModel, examples: Sequence[Typed]) -> Ints:
    """Return the likeliest type of each page."""
    rows = np.vstack([describe(e.features, e.tokens, model.keys, model.weights) for e in examples])
    return np.argmax([forest.predict(rows) * len(forest.roots) for forest in model.forests], axis=0)


def evaluate(examples: Sequence[Typed]) -> dict[str, dict[str, float]]:
    """Return, by file, the share of pages whose type is found, and the F1 of each type, on sites never seen."""
    said = np.empty(len(examples), np.int64)
    folds = np.array([e.fold for e in examples])
    for fold in range(FOLDS):
        model = fit([e for e in examples if e.fold != fold])
        said[folds == fold] = predict(model, [e for e in examples if e.fold == fold])
    kinds, sources = np.array([e.kind for e in examples]), np.array([e.source for e in examples])
    table = {}
    for source in np.unique(sources).tolist():
        here, right = sources == source, said == kinds
        table[source] = {"pages": int(here.sum()), "accuracy": round(float(right[here].mean()), 3)}
        for kind, count in sorted(Counter(kinds[here].tolist()).items()):
            both = (here & right & (kinds == kind)).sum()
            table[source][PAGE_TYPES[kind]] = round(float(2 * both / ((said[here] == kind).sum() + count)), 3)
    return table


def save(model: PageTypeModel, path: Path, facts: dict) -> None:
    """Write a model."""
    parts = {"keys.npy": array_bytes(model.keys), "weights.npy": array_bytes(model.weights.astype(np.float32))}
    for name, forest in zip(PAGE_TYPES, model.forests, strict=True):
        for field in ("roots", "feature", "value", "left"):
            array = getattr(forest, field)
            parts[f"{name}-{field}.npy"] = array_bytes(array.astype(np.float32) if field == "value" else array)
    write_model_file(path, FORMAT, {"facts": facts, "features": TYPE_FEATURES}, parts)


def main() -> None:
    """Evaluate, and write the model with ``--write``."""
    parser = argparse.ArgumentParser(description="Train and evaluate the model of page types.")
    parser.add_argument("marked", type=Path)
    parser.add_argument("--judged", type=Path, required=True)
    parser.add_argument("--pages", type=Path, required=True)
    parser.add_argument("--write", action="store_true", help="train on all pages and write the model")
    arguments = parser.parse_args()
    examples = [*read_marked(arguments.marked), *read_judged(arguments.judged, arguments.pages)]
    table = evaluate(examples)
    print(json.dumps(table, indent=1))
    if arguments.write:
        facts = {"pages": len(examples), "sites": len({e.site for e in examples}), "cross_validated": table}
        save(fit(examples), MODEL, facts)
        print("wrote", MODEL.name, MODEL.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
