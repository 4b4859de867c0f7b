"""Train a quality model on documents of your own, judge it, and write it where a recipe can name it.

    curate train quality --positive good.jsonl.zst --negative bad.jsonl.zst --output my-quality.zip
    curate train score annotated.jsonl --output my-quality.zip

The first learns from two kinds of documents, the second from scores that people or a language model gave (annotate and
distil: how Llama 3 made its quality classifiers, arXiv 2407.21783, section 3.1.1). Both write the model, its sha256, a
card and a page with the curves. A recipe takes it with ``quality: {model: my-quality.zip}``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from curate.filters.signals import measure
from curate.quality.model import QualityModel, save_quality_model
from quality_models.evaluate import Evaluation, auc_by_source, evaluate
from quality_models.examples import Examples, clean, length_weights, read_texts
from quality_models.fit import fit, fit_calibration, is_high
from quality_models.measures import roc_auc
from quality_models.report import write_card, write_page

Floats = NDArray[np.float64]

#: The signals that a forest reads. Of those that measure nearly the same, one.
SIGNALS = (
    "characters", "words", "lines", "sentences",
    "mean_word_length", "words_per_sentence", "unique_word_share", "top_word_share", "word_entropy",
    "number_word_share", "capital_word_share", "alphabetic_word_share", "longest_chunk", "stop_word_share",
    "distinct_stop_words", "ellipsis_word_ratio", "link_word_ratio",
    "letter_share", "uppercase_share", "digit_share", "punctuation_share", "symbol_share", "space_share",
    "broken_share", "curly_bracket_share",
    "mean_line_length", "longest_line", "bullet_line_share", "ellipsis_line_share", "terminal_line_share",
    "short_line_share", "uppercase_line_share", "numeric_line_share", "newline_word_ratio",
    "duplicate_line_share", "duplicate_line_character_share", "top_2gram_share", "top_3gram_share", "top_4gram_share",
    "repeated_5gram_share", "repeated_10gram_share",
    "policy_phrases", "javascript", "dirty_word_share",
)  # fmt: skip

#: Those that do not mean the same in every language: they hang on lists of words, on letter case, on long words.
ENGLISH_ONLY = frozenset({
    "mean_word_length", "stop_word_share", "distinct_stop_words", "dirty_word_share", "policy_phrases", "javascript",
    "uppercase_share", "uppercase_line_share", "capital_word_share", "longest_chunk", "space_share",
})  # fmt: skip

FEWEST = 50  # documents of a side, below which nothing can be learnt or measured
LEARNT = 0.55  # ROC AUC below which a model is not written. Ours.
SWAPPED = 0.2  # below this ROC AUC of the shipped model on the user's sides, they are taken to be exchanged. Ours.


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """How to train.

    ``budget`` is the seconds for tuning the classifier. ``keep_lengths`` lets the model use how long documents are:
    only for positives and negatives that were collected alike, for otherwise it learns how they were cut. ``with_text``
    False makes a model over signals alone.
    """

    language: str = "en"
    budget: float = 60.0
    keep_lengths: bool = False
    with_text: bool = True
    signals: tuple[str, ...] = SIGNALS


@dataclass(frozen=True, slots=True)
class Trained:
    """What a training gave: the model, its classifier's bytes, and what it reached on documents that it did not see."""

    model: QualityModel
    classifier: bytes | None
    evaluation: Evaluation


def train(
    positive: Sequence[str | Path],
    negative: Sequence[str | Path],
    output: str | Path,
    config: TrainConfig = TrainConfig(),
    text_field: str = "text",
    trust_labels: bool = False,
    say: Callable[[str], None] = lambda line: None,
) -> Trained:
    """Train on documents of two sides and write the model, its sha256, its card and its curves.

    Args:
        positive: JSON lines (``.jsonl``, ``.gz``, ``.zst``) of documents as there should be more of. A row's ``source``
            names where it is from; without one, the file does.
        negative: the same of documents as there should be fewer of.
        output: the model's path, ending in ``.zip``; the card and the page stand beside it as ``.md`` and ``.html``.
        config: how to train.
        text_field: of a row.
        trust_labels: train even if the shipped model would have the two sides the other way round.
        say: told what goes on, a line at a time.

    Raises:
        FileNotFoundError, ValueError: of the input; the message says what, where, and what to do.
    """
    output = _output(output)
    examples = read_classes(positive, negative, text_field)
    if not trust_labels:
        check_not_swapped(examples, config.language)
    trained = train_examples(examples, config, say)
    check_learnt(trained)
    write(trained, output, say)
    return trained


def train_scores(
    annotated: Sequence[str | Path],
    output: str | Path,
    config: TrainConfig = TrainConfig(),
    text_field: str = "text",
    score_field: str = "score",
    trust_labels: bool = False,
    say: Callable[[str], None] = lambda line: None,
) -> Trained:
    """Train on documents with a number each, from any judge, and write the same files as `train`.

    The model's 0 and 1 are the lowest and the highest number of the file; both are in its manifest.

    Raises:
        FileNotFoundError, ValueError: of the input; the message says what, where, and what to do.
    """
    output = _output(output)
    texts, sources, scores = read_texts(annotated, text_field, score_field)
    low, high = float(np.min(scores, initial=np.inf)), float(np.max(scores, initial=-np.inf))
    if not low < high:
        raise ValueError(f"every {score_field!r} is {low:g}: there is nothing to learn" if texts else "no documents")
    examples = Examples(texts, (np.array(scores) - low) / (high - low), sources)
    if not trust_labels:
        check_not_swapped(examples, config.language)
    trained = train_examples(examples, config, say)
    check_learnt(trained)
    model = replace(trained.model, facts={**trained.model.facts, "scores": {"0": low, "1": high}})
    trained = replace(trained, model=model)
    write(trained, output, say)
    return trained


def train_examples(
    examples: Examples, config: TrainConfig = TrainConfig(), say: Callable[[str], None] = lambda line: None
) -> Trained:
    """Clean, fit and measure; `train` and `train_scores` without files.

    Raises:
        ValueError: too few documents, or none on one side.
    """
    start, read = time.monotonic(), len(examples.texts)
    examples, left_out = clean(examples)
    check_sides(examples, left_out)
    counts = ", ".join(f"{n:,} {name}" for name, n in left_out.items()) or "nothing"
    say(f"{read:,} documents read, {len(examples.texts):,} used; left out: {counts}")
    signals = measure_all(examples.texts, config.language or "en", config.signals)
    lengths = np.array([len(text) for text in examples.texts], np.float64)
    weights = (side_weights if config.keep_lengths else length_weights)(lengths, examples.targets)
    # The order of clean examples is that of a hash: one in ten to calibrate, one in ten to measure on.
    part = np.arange(len(examples.texts)) % 10
    inside, tuned, held = (np.flatnonzero(here) for here in (part > 1, part == 1, part == 0))
    learnt = examples.take(inside)
    fitted = fit(
        learnt, config.signals, signals[inside], weights[inside], config.language, config.with_text, config.budget, say
    )
    say("calibrating, and measuring on documents held out")
    raw = score_all(fitted.model, examples.take(tuned).texts, signals[tuned])
    scale, offset = fit_calibration(raw, examples.targets[tuned], weights[tuned])
    model = replace(fitted.model, scale=scale, offset=offset)
    outside = examples.take(held)
    found = evaluate(outside.targets, score_all(model, outside.texts, signals[held]), lengths[held], outside.sources)
    found = replace(found, unseen=auc_by_source(learnt.targets, fitted.unseen, learnt.sources))
    facts = {
        "documents": {"read": read, "used": len(examples.texts), "left_out": left_out},
        "sources": _by_source(examples),
        "lengths": "kept" if config.keep_lengths else "balanced",
        "tuning": [{**asdict(setting), "auc": round(area, 4)} for setting, area in fitted.trials],
        "held_out": found.summary(),
    }
    say(f"trained in {time.monotonic() - start:.0f} s")
    return Trained(replace(model, facts=facts), fitted.classifier, found)


def read_classes(positive: Sequence[str | Path], negative: Sequence[str | Path], text_field: str = "text") -> Examples:
    """Read documents of two sides, targets 1 and 0.

    Raises:
        FileNotFoundError, ValueError: of a file that cannot be read; the message says which and where.
    """
    good, good_sources, _ = read_texts(positive, text_field)
    bad, bad_sources, _ = read_texts(negative, text_field)
    return Examples(good + bad, np.r_[np.ones(len(good)), np.zeros(len(bad))], good_sources + bad_sources)


def check_sides(examples: Examples, left_out: Mapping[str, int]) -> None:
    """Raise ValueError unless both sides have enough documents to learn from and to measure on."""
    high = is_high(examples.targets) if len(examples.texts) else np.zeros(0, bool)
    for side, count in (("positive", int(high.sum())), ("negative", int((~high).sum()))):
        if count < FEWEST:
            raise ValueError(
                f"{count} usable {side} documents, at least {FEWEST} are needed"
                + (f" (left out: {dict(left_out)})" if left_out else "")
            )


def check_not_swapped(examples: Examples, language: str) -> None:
    """Raise ValueError where the shipped model finds the documents of low targets clearly better than those of high."""
    from curate.quality.scoring import quality_score

    places = np.concatenate([np.flatnonzero((examples.targets > 0.5) == side)[:200] for side in (False, True)])
    sample = examples.take(places)
    area = roc_auc(sample.targets > 0.5, np.array([quality_score(text, language=language) for text in sample.texts]))
    if area < SWAPPED:
        raise ValueError(
            f"the shipped model finds the bad documents better than the good ones (ROC AUC {area:.2f}): are the two "
            "sides exchanged, or the scores the wrong way round? If they are meant so, say --trust-labels"
        )


def check_learnt(trained: Trained) -> None:
    """Raise ValueError where the model is no better than chance on the documents that it did not see."""
    if trained.evaluation.auc < LEARNT:
        raise ValueError(
            "nothing was learnt: on documents that it did not see the model has a ROC AUC of "
            f"{trained.evaluation.auc:.2f}, and chance has .5. Are the labels right, and are there enough documents?"
        )


def measure_all(texts: Sequence[str], language: str, names: Sequence[str]) -> Floats:
    """Measure the named signals of each text, float64 [n, len(names)]."""
    found = (measure(text, language) for text in texts)
    return np.array([[getattr(signals, name) for name in names] for signals in found]).reshape(-1, len(names))


def score_all(model: QualityModel, texts: Sequence[str], rows: Floats) -> Floats:
    """Score texts of which the model's signals are measured already."""
    return np.array([model.score_row(text, row[None]) for text, row in zip(texts, rows, strict=True)])


def side_weights(lengths: Floats, targets: Floats) -> Floats:
    """Weights under which both sides count the same, whatever their lengths.

    >>> side_weights(np.ones(3), np.array([1.0, 1.0, 0.0])).tolist()
    [0.75, 0.75, 1.5]
    """
    return length_weights(np.ones_like(lengths), targets)


def write(trained: Trained, output: Path, say: Callable[[str], None]) -> None:
    """Write a model with its sha256, card and curves, and say where."""
    digest = save_quality_model(output, trained.model, trained.classifier)
    write_card(output.with_suffix(".md"), output.stem, trained.model, trained.evaluation, digest)
    measured_on = f"{trained.evaluation.documents:,} documents held out of the training."
    write_page(output.with_suffix(".html"), output.stem, trained.evaluation, measured_on)
    say(f"model   {output} ({output.stat().st_size / 1e6:.1f} MB), sha256 in {output.name}.sha256")
    say(f"card    {output.with_suffix('.md')}")
    say(f"curves  {output.with_suffix('.html')}")


def _output(path: str | Path) -> Path:
    output = Path(path)
    if output.suffix != ".zip":
        raise ValueError(f"the output {path} does not end in .zip: a model is one .zip file")
    if not output.parent.is_dir():
        raise ValueError(f"no folder {output.parent} for the output: make it first")
    return output


def _by_source(examples: Examples) -> dict[str, tuple[int, float]]:
    found: dict[str, list[float]] = {}
    for source, target in zip(examples.sources, examples.targets.tolist(), strict=True):
        found.setdefault(source, []).append(target)
    return {source: (len(targets), round(sum(targets) / len(targets), 3)) for source, targets in sorted(found.items())}
