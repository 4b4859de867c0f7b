"""Train a judge of pages (`curate.quality.judge`) on pages that people or a language model judged by reading.

    curate train judge --judged judged.jsonl --pages pages.warc.gz --output my-judge.zip

A judged row names its page by ``url`` or ``id`` and says ``keep`` (0 to 1; 0.5 for a borderline page) and, if judged,
``quality`` (0 to 5), ``spam`` and ``listing`` (0 or 1). The pages are WARC files, JSON lines with ``html`` or ``text``,
or the folder of a finished run, whose documents have a text but no page. Evaluation is by cross-validation over sites:
no page is judged by forests that saw another page of its site.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from curate.extract.extraction import ExtractConfig, extract_text
from curate.extract.page_features import PAGE_FEATURES, PageFeatures
from curate.filters.signals import Signals, measure, signal_names
from curate.input.warc import Page, read_records
from curate.language.detection import detect_language
from curate.quality.judge import OUTPUTS, WORDS, JudgeModel, judge_row, save_judge
from curate.quality.scoring import word_opinion
from curate.text.hashing import stable_u64
from quality_models.boost import BoostConfig, boost
from quality_models.examples import read_rows
from quality_models.measures import roc_auc, spearman

Floats = NDArray[np.float64]

FOLDS = 10
FEWEST = 50  # judged pages that a judge needs; curate's own value
BEST_GRADE = 5.0  # of ``quality``
# curate's own values: small trees on few features each, because neighbours of them reach the same within the noise.
BOOST = BoostConfig(trees=200, leaves=8, min_leaf=10, columns=0.25)
# No target is certain: a reader's judgement may be wrong. curate's own value.
LEAST_TARGET = 0.02
TEXT_NAMES = (*signal_names(), WORDS)
PAGE_NAMES = (*TEXT_NAMES, *PAGE_FEATURES)


@dataclass(frozen=True, slots=True)
class Judged:
    """A judged text: what is measured of it, its site and language, and the targets in the order of ``OUTPUTS``."""

    site: str
    language: str
    source: str
    signals: Signals
    words: float
    page: PageFeatures | None
    targets: tuple[float, float, float, float]


def train_judge(
    judged: Sequence[str | Path],
    pages: Sequence[str | Path],
    output: str | Path,
    say: Callable[[str], None] = lambda line: None,
) -> JudgeModel:
    """Train a judge, evaluate it by cross-validation over sites, and write it with its sha256.

    Args:
        judged: JSON lines of judgements.
        pages: files or folders with the pages that they are of.
        output: the model's path, ending in ``.zip``.
        say: called with each line about the progress and the evaluation.

    Raises:
        FileNotFoundError, ValueError: the input is wrong; the message says what, where, and what to do.
    """
    output = Path(output)
    if output.suffix != ".zip" or not output.parent.is_dir():
        raise ValueError(f"the output {output} is not a .zip file in a folder that exists: a judge is one .zip file")
    judgements = [row for path in judged for row in read_judgements(path)]
    examples = list(read_judged(judgements, pages))
    if len(examples) < FEWEST:
        raise ValueError(
            f"{len(examples):,} of {len(judgements):,} judged pages were found in the files of --pages, at least "
            f"{FEWEST} are needed: rows are matched by url or id"
        )
    say(f"{len(examples):,} of {len(judgements):,} judged pages found, of {len({e.site for e in examples}):,} sites")
    said = cross_validate(examples)
    table = evaluate_judge(examples, said)
    for name, numbers in table.items():
        say(f"  {name:24} " + ", ".join(f"{key} {value:g}" for key, value in numbers.items()))
    facts = {"pages": len(examples), "sites": len({e.site for e in examples}), "cross_validated": table}
    model = replace(fit_judge(examples), facts=facts)
    save_judge(output, model)
    say(f"model   {output} ({output.stat().st_size / 1e6:.1f} MB), sha256 in {output.name}.sha256")
    return model


def read_judgements(path: str | Path) -> Iterator[dict[str, Any]]:
    """Read judged rows.

    Raises:
        FileNotFoundError, ValueError: the file cannot be read, or a row is no judgement.
    """
    for number, row in enumerate(read_rows(path), 1):
        for name, most in (("keep", 1.0), ("quality", BEST_GRADE), ("spam", 1.0), ("listing", 1.0)):
            value = row.get(name, 0.0 if name != "keep" else None)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
                raise ValueError(f"{path}, row {number}: {name} is {value!r:.50}: give a number from 0 to {most:g}")
        if not row.get("url") and not row.get("id"):
            raise ValueError(f"{path}, row {number}: neither url nor id says which page was judged")
        yield row


def read_judged(judgements: Sequence[Mapping[str, Any]], pages: Sequence[str | Path]) -> Iterator[Judged]:
    """Find the pages that were judged and measure them."""
    for row, text, page, source in find_judged(judgements, pages):
        yield _measure(row, text, page, source)


def find_judged(
    judgements: Sequence[Mapping[str, Any]], pages: Sequence[str | Path]
) -> Iterator[tuple[Mapping[str, Any], str, PageFeatures | None, str]]:
    """Find the pages that were judged: the judgement, the text, the features and the file of each.

    A page that occurs twice counts once.
    """
    wanted: dict[str, Mapping[str, Any]] = {}
    for row in judgements:
        for key in (_key(str(row.get("url") or "")), str(row.get("id") or "")):
            if key:
                wanted.setdefault(key, row)
    done: set[int] = set()
    for path in pages:
        for keys, read in _pages(Path(path)):
            row = next((wanted[key] for key in keys if key in wanted), {})
            if row and id(row) not in done:
                done.add(id(row))
                yield row, *read(), Path(path).name


def _key(url: str) -> str:
    return url.partition("://")[2] or url


#: The keys of a page, and what reads its text and its features, for only few pages of a crawl are judged.
_Read = tuple[tuple[str, ...], Callable[[], tuple[str, PageFeatures | None]]]


def _pages(path: Path) -> Iterator[_Read]:
    if path.is_dir():
        import pyarrow.parquet as pq

        for part in sorted((path / "documents").glob("*.parquet")):
            for row in pq.read_table(part, columns=["id", "url", "text"]).to_pylist():
                yield (_key(row["url"]), row["id"]), _text(row["text"])
    elif {".warc", ".arc"} & set(path.suffixes):
        with path.open("rb") as file:
            for record in read_records(file, path.name):
                if isinstance(record, Page):
                    yield (_key(record.url),), _html(record.content, record.url, record.charset)
    else:
        for row in read_rows(path):
            url, html = str(row.get("url") or ""), row.get("html")
            keys = tuple(key for key in (_key(url), str(row.get("id") or "")) if key)
            yield keys, _html(str(html), url) if html else _text(str(row.get("text") or ""))


def _text(text: str) -> Callable[[], tuple[str, PageFeatures | None]]:
    return lambda: (text, None)


def _html(html: bytes | str, url: str, charset: str = "") -> Callable[[], tuple[str, PageFeatures | None]]:
    def read() -> tuple[str, PageFeatures | None]:
        extracted = extract_text(html, url, ExtractConfig(engine="blocks"), charset)
        return extracted.text, extracted.page_features

    return read


def _measure(row: Mapping[str, Any], text: str, page: PageFeatures | None, source: str) -> Judged:
    language = detect_language(text).language or "en"
    keep = float(row["keep"])
    grade = float(row["quality"]) / BEST_GRADE if "quality" in row else keep
    targets = keep, grade, float(row.get("spam", 0)), float(row.get("listing", 0))
    signals = measure(text, language)
    site = site_of(str(row.get("url") or "")) or str(row.get("id"))
    return Judged(site, language, source, signals, word_opinion(text, language), page, targets)


def site_of(url: str) -> str:
    """Return the name under which a site is registered, roughly, so that its pages are held out together.

    >>> site_of("https://www.blog.example.co.uk/a"), site_of("https://en.example.org/")
    ('example.co.uk', 'example.org')
    """
    try:
        labels = (urlsplit(url if "//" in url else "//" + url).hostname or "").split(".")
    except ValueError:  # "Invalid IPv6 URL"
        return ""
    under_country = len(labels) > 2 and len(labels[-1]) == 2 and len(labels[-2]) <= 3
    return ".".join(labels[-3:] if under_country else labels[-2:])


def fit_judge(examples: Sequence[Judged]) -> JudgeModel:
    """Fit the forests of both kinds; those of pages on the examples that have one, or on none if there are too few."""
    with_page = [example for example in examples if example.page is not None]
    of_texts = _fit(examples, TEXT_NAMES)
    # without pages to learn from, a page is judged by its text alone
    return JudgeModel(_fit(with_page, PAGE_NAMES) if len(with_page) >= FEWEST else of_texts, of_texts)


def _fit(examples: Sequence[Judged], names: tuple[str, ...]) -> dict[str, Any]:
    rows = np.vstack([judge_row(names, e.signals, e.words, e.page) for e in examples])
    targets = np.clip(np.array([e.targets for e in examples]), LEAST_TARGET, 1 - LEAST_TARGET)
    return {
        output: boost(names, rows, targets[:, i].copy(), np.ones(len(rows)), BOOST) for i, output in enumerate(OUTPUTS)
    }


def cross_validate(examples: Sequence[Judged]) -> dict[str, Floats]:
    """Return what forests that never saw its site say of each example: ``keep``, ``worth``, ``spam``, ``listing``.

    ``text_keep`` and ``text_worth`` are said without looking at the page.
    """
    folds = np.array([stable_u64(example.site) % FOLDS for example in examples])
    said = {name: np.zeros(len(examples)) for name in ("worth", "spam", "listing", "text_worth")}
    for fold in range(FOLDS):
        inside = [example for example, k in zip(examples, folds, strict=True) if k != fold]
        if len(inside) < FEWEST or len(inside) == len(examples):
            continue
        model = fit_judge(inside)
        for i in np.flatnonzero(folds == fold).tolist():
            example = examples[i]
            judgement = model.judge(example.signals, example.words, example.page)
            for name in ("worth", "spam", "listing"):
                said[name][i] = judgement[name]
            said["text_worth"][i] = model.judge(example.signals, example.words, None).worth
    return said


def evaluate_judge(examples: Sequence[Judged], said: Mapping[str, Floats]) -> dict[str, dict[str, float]]:
    """Compare with the judgements, in all and by file and language: precision, recall, F1, rank correlation, ROC AUC.

    Borderline pages count for rank correlation only.
    """
    keep, grade, spam, listing = np.array([e.targets for e in examples]).T
    sources, languages = np.array([e.source for e in examples]), np.array([e.language for e in examples])
    everything = np.ones(len(examples), bool)
    parts = {"all": everything, **{f"file {s}": sources == s for s in np.unique(sources)}}
    parts |= {f"language {c}": languages == c for c, n in sorted(Counter(languages.tolist()).items()) if n >= 20}
    table = {name: _compare(said["worth"][here], keep[here], grade[here]) for name, here in parts.items()}
    table["all, text alone"] = _compare(said["text_worth"], keep, grade)
    for name, target in (("spam", spam), ("listing", listing)):
        table[name] = {"pages": int((target > 0.5).sum()), "auc": _round(roc_auc(target > 0.5, said[name]))}
    return table


def _compare(worths: Floats, keep: Floats, grade: Floats) -> dict[str, float]:
    kept = worths >= 0.5
    right, wrong = int((kept & (keep > 0.5)).sum()), int((kept & (keep < 0.5)).sum())
    good = max(int((keep > 0.5).sum()), 1)
    return {
        "pages": len(worths),
        "precision": _round(right / max(right + wrong, 1)),
        "recall": _round(right / good),
        "f1": _round(2 * right / max(right + wrong + good, 1)),
        "rho": _round(spearman(worths, grade)),
        "rho_kept": _round(spearman(worths[kept], grade[kept])) if kept.sum() > 2 else float("nan"),
        "auc": _round(roc_auc((keep > 0.5)[keep != 0.5], worths[keep != 0.5])),
    }


def _round(number: float) -> float:
    return round(number, 3)
