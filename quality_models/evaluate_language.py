"""Evaluate language identification: several engines on the same labelled texts, in one run.

Usage: python -m quality_models.evaluate_language FOLDER [--fasttext lid.176.ftz] [--engine NAME ...]

The folder has ``*.jsonl.zst`` files, each line with ``text``, ``iso639_3``, ``iso639_1`` if the language has such a
code, and ``kind`` if a file has several kinds of texts. With ``--words N`` only the first words of each text are used.
py3langid takes part if it is installed.
"""

from __future__ import annotations

import itertools
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, replace
from pathlib import Path

import click
import numpy as np

from curate.language.codes import canonical
from curate.language.detection import LanguageConfig, detect_language
from curate.language.prior import RAREST, web_shares
from curate.text.words import UNSPACED_LANGUAGES
from quality_models.examples import read_rows

Detect = Callable[[str], tuple[str, float]]

#: Characters of the pages for measuring speed, which are joined texts of a set.
PAGE = 10_000


@dataclass(frozen=True, slots=True)
class Labelled:
    """A set of texts, the canonical code of each, and whether the set gives it a two-letter code."""

    name: str
    texts: list[str]
    languages: list[str]
    two_letter: list[bool]


@dataclass(frozen=True, slots=True)
class Result:
    """The results of an engine on a set.

    ``macro_f1`` is over the languages with a two-letter code, on their texts only; ``macro_f1_all`` over the same
    languages on all texts, so that texts of other languages misclassified as one of them count. ``on_web`` is the share
    of correct answers with languages weighted by their share of the web, and ``score_on_web`` the mean score with the
    same weights. ``calibration`` is the expected calibration error; ``kept`` and ``precision`` are of the texts with a
    score of at least 0.65. Times are in ms per text and per page of `PAGE` characters.
    """

    macro_f1: float
    macro_f1_all: float
    on_web: float
    score_on_web: float
    calibration: float
    kept: float
    precision: float
    ms: float
    ms_page: float


def read_sets(folder: Path, every: int = 1) -> list[Labelled]:
    """Read every n-th labelled text, with a set for each file and kind."""
    sets: dict[str, Labelled] = {}
    for path in sorted(folder.glob("*.jsonl*")):
        for row in itertools.islice(read_rows(path), 0, None, every):
            name = " ".join(filter(None, (path.name.split(".")[0], str(row.get("kind") or ""))))
            labelled = sets.setdefault(name, Labelled(name, [], [], []))
            labelled.texts.append(str(row["text"]))
            labelled.languages.append(_language(str(row.get("iso639_1") or row["iso639_3"])))
            labelled.two_letter.append(bool(row.get("iso639_1")))
    return list(sets.values())


def _language(code: str) -> str:
    try:
        return canonical(code)
    except ValueError:  # a language that has no code yet
        return code


def first_words(data: Labelled, words: int) -> Labelled:
    """Cut each text to its first words; in a language without spaces two characters count as a word."""
    texts = [
        text[: 2 * words] if language in UNSPACED_LANGUAGES and " " not in text[: 2 * words].strip()
        else " ".join(text.split(maxsplit=words)[:words])
        for text, language in zip(data.texts, data.languages, strict=True)
    ]  # fmt: skip
    return replace(data, name=f"{data.name}, {words} words", texts=texts)


def macro_f1(gold: Sequence[str], predicted: Sequence[str], languages: Sequence[str]) -> float:
    """Return the mean F1 of these languages.

    >>> macro_f1(["en", "en", "fr"], ["en", "fr", "fr"], ["en", "fr"])
    0.6666666666666666
    """
    right = Counter(a for a, b in zip(gold, predicted, strict=True) if a == b)
    all_gold, all_predicted = Counter(gold), Counter(predicted)
    return sum(2 * right[k] / (all_gold[k] + all_predicted[k]) for k in languages) / len(languages)


def expected_calibration_error(right: Sequence[bool], scores: Sequence[float]) -> float:
    """Return the mean distance of score and accuracy over ten bins of the score, weighted by texts.

    Source: Guo et al. 2017, arXiv 1706.04599.

    >>> round(expected_calibration_error([True, False], [0.95, 0.95]), 2)
    0.45
    """
    bins: dict[int, list[tuple[bool, float]]] = defaultdict(list)
    for hit, score in zip(right, scores, strict=True):
        bins[min(int(score * 10), 9)].append((hit, score))
    return sum(abs(sum(h - s for h, s in members)) for members in bins.values()) / len(scores)


def measure(detect: Detect, data: Labelled, limit: float = 0.65) -> Result:
    """Run an engine over a set."""
    for text in data.texts[:50]:  # load the model, compile
        detect(text)
    started = time.perf_counter()
    answers = [detect(text) for text in data.texts]
    ms = (time.perf_counter() - started) * 1000 / len(answers)
    pages = _pages(data)
    started = time.perf_counter()
    for page in pages:
        detect(page)
    ms_page = (time.perf_counter() - started) * 1000 / len(pages)
    predicted = [language for language, _ in answers]
    scores = [score for _, score in answers]
    right = [a == b for a, b in zip(data.languages, predicted, strict=True)]
    shares, counts = web_shares(), Counter(data.languages)
    weights = [shares.get(language, RAREST) / counts[language] for language in data.languages]
    two = [i for i, is_two in enumerate(data.two_letter) if is_two]
    languages = sorted({data.languages[i] for i in two})
    kept = [hit for hit, score in zip(right, scores, strict=True) if score >= limit]
    return Result(
        macro_f1([data.languages[i] for i in two], [predicted[i] for i in two], languages),
        macro_f1(data.languages, predicted, sorted({k for k in data.languages if len(k) == 2})),
        float(np.average(right, weights=weights)),
        float(np.average(scores, weights=weights)),
        expected_calibration_error([right[i] for i in two], [scores[i] for i in two]),
        len(kept) / len(answers),
        float(np.mean(kept)) if kept else float("nan"),
        ms,
        ms_page,
    )


def _pages(data: Labelled) -> list[str]:
    """Return at most 200 pages of one language each, from texts in the order of the set."""
    by_language: dict[str, list[str]] = defaultdict(list)
    for text, language in zip(data.texts, data.languages, strict=True):
        by_language[language].append(text)
    pages = ["\n".join(texts * (1 + PAGE // sum(map(len, texts)))) for texts in by_language.values()]
    return [page[:PAGE] for page in pages][:200]


def engines(fasttext_model: str | None) -> dict[str, Detect]:
    """Return the engines of `curate`, and py3langid if it is installed."""

    def engine(config: LanguageConfig) -> Detect:
        def detect(text: str) -> tuple[str, float]:
            result = detect_language(text, config)
            return result.language, result.score

        return detect

    by_name = {"curate": engine(LanguageConfig())}
    if fasttext_model:
        by_name[f"fasttext {Path(fasttext_model).name}"] = engine(LanguageConfig("fasttext", fasttext_model))
    by_name["langdetect"] = engine(LanguageConfig("langdetect"))
    try:
        from py3langid.langid import MODEL_FILE, LanguageIdentifier  # type: ignore[import-not-found]
    except ImportError:
        return by_name
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)  # since 0.4

    def py3langid(text: str) -> tuple[str, float]:
        language, score = identifier.classify(text)
        return _language(language), float(score)

    return by_name | {"py3langid": py3langid}


@click.command()
@click.argument("folder", type=click.Path(exists=True, path_type=Path))
@click.option("--fasttext", "fasttext_model", help="A fastText model, such as lid.176.ftz, to compare with.")
@click.option("--engine", "names", multiple=True, help="Only these engines.")
@click.option("--set", "only", multiple=True, help="Only the sets whose name contains this.")
@click.option("--words", multiple=True, type=click.IntRange(min=1), help="Use only this many words; can be repeated.")
@click.option("--every", default=1, show_default=True, help="Use only every n-th text.")
def main(
    folder: Path,
    fasttext_model: str | None,
    names: Sequence[str],
    only: Sequence[str],
    words: Sequence[int],
    every: int,
) -> None:
    """Print a table with a line for each set of texts and engine."""
    columns = "macro F1,on all,right on the web,score there,calibration error,kept at 0.65,of them right,ms,ms of 10 KB"
    print(f"| texts | engine | {' | '.join(columns.split(','))} |")
    print(f"|---|---|{'---:|' * len(columns.split(','))}")
    sets = [data for data in read_sets(folder, every) if not only or any(part in data.name for part in only)]
    for data in [first_words(data, n) for data in sets for n in words] if words else sets:
        for name, detect in engines(fasttext_model).items():
            if names and name not in names:
                continue
            r = measure(detect, data)
            line = [f"{data.name} ({len(data.texts):,})", name, *(f"{figure:.3f}" for figure in astuple(r))]
            print(f"| {' | '.join(line)} |", flush=True)


if __name__ == "__main__":
    main()
