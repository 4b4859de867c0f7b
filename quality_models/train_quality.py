"""Train a quality model on your own documents, evaluate it, and write it for use in a recipe.

    curate train quality --positive good.jsonl.zst --negative bad.jsonl.zst --output my-quality.zip
    curate train score annotated.jsonl --output my-quality.zip

The first learns from good and bad documents, the second from scores by people or a language model (annotate and distil,
as for Llama 3's quality classifiers, arXiv 2407.21783, section 3.1.1). Both write the model, its sha256, a card and a
page with the curves. A recipe uses it with ``quality: {model: my-quality.zip}``.
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

#: The signals that a forest uses: one of each group that measure nearly the same.
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

#: Signals that differ between languages, because they depend on word lists, letter case or the length of words.
ENGLISH_ONLY = frozenset({
    "mean_word_length", "stop_word_share", "distinct_stop_words", "dirty_word_share", "policy_phrases", "javascript",
    "uppercase_share", "uppercase_line_share", "capital_word_share", "longest_chunk", "space_share",
})  # fmt: skip

FEWEST = 50  # documents per side that training and evaluation need, at least
LEARNT = 0.55  # ROC AUC below which a model is not written; curate's own value
SWAPPED = 0.2  # ROC AUC of the shipped model below which the user's sides look swapped; curate's own value


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """How to train.

    ``budget`` is the time for tuning the classifier, in seconds. ``keep_lengths`` lets the model use the length of
    documents; use it only if positives and negatives were collected alike, because otherwise the model learns how they
    were cut. ``with_text`` False trains a model over signals only.
    """

    language: str = "en"
    budget: float = 60.0
    keep_lengths: bool = False
    with_text: bool = True
    signals: tuple[str, ...] = SIGNALS


@dataclass(frozen=True, slots=True)
class Trained:
    """The results of training: the model, its classifier's bytes, and its evaluation on unseen documents."""

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
        positive: JSON lines (``.jsonl``, ``.gz``, ``.zst``) of good documents. The ``source`` of a row names its
            source, by default the file.
        negative: the same for bad documents.
        output: the model's path, ending in ``.zip``; the card and the page go beside it as ``.md`` and ``.html``.
        config: how to train.
        text_field: field of a row with the text.
        trust_labels: train even if the shipped model prefers the negatives.
        say: called with each line about the progress.

    Raises:
        FileNotFoundError, ValueError: the input is wrong; the message says what, where, and what to do.
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
    """Train on documents with scores from any judge, and write the same files as `train`.

    The model's 0 and 1 are the lowest and the highest score of the file; both are in its manifest.

    Raises:
        FileNotFoundError, ValueError: the input is wrong; the message says what, where, and what to do.
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
    """Clean, fit and evaluate: `train` and `train_scores` without files.

    Raises:
        ValueError: there are too few documents on a side.
    """
    start, read = time.monotonic(), len(examples.texts)
    examples, left_out = clean(examples)
    check_sides(examples, left_out)
    counts = ", ".join(f"{n:,} {name}" for name, n in left_out.items()) or "nothing"
    say(f"{read:,} documents read, {len(examples.texts):,} used; left out: {counts}")
    signals = measure_all(examples.texts, config.language or "en", config.signals)
    lengths = np.array([len(text) for text in examples.texts], np.float64)
    weights = (side_weights if config.keep_lengths else length_weights)(lengths, examples.targets)
    # Clean examples are in the order of a hash: one in ten is for calibration, one in ten for evaluation.
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
    scores = score_all(model, outside.texts, signals[held])
    evaluation = evaluate(outside.targets, scores, lengths[held], outside.sources)
    evaluation = replace(evaluation, unseen=auc_by_source(learnt.targets, fitted.unseen, learnt.sources))
    facts = {
        "documents": {"read": read, "used": len(examples.texts), "left_out": left_out},
        "sources": _by_source(examples),
        "lengths": "kept" if config.keep_lengths else "balanced",
        "tuning": [{**asdict(setting), "auc": round(area, 4)} for setting, area in fitted.trials],
        "held_out": evaluation.summary(),
    }
    say(f"trained in {time.monotonic() - start:.0f} s")
    return Trained(replace(model, facts=facts), fitted.classifier, evaluation)


def read_classes(positive: Sequence[str | Path], negative: Sequence[str | Path], text_field: str = "text") -> Examples:
    """Read documents of two sides, with targets 1 and 0.

    Raises:
        FileNotFoundError, ValueError: a file cannot be read; the message says which and where.
    """
    good, good_sources, _ = read_texts(positive, text_field)
    bad, bad_sources, _ = read_texts(negative, text_field)
    return Examples(good + bad, np.r_[np.ones(len(good)), np.zeros(len(bad))], good_sources + bad_sources)


def check_sides(examples: Examples, left_out: Mapping[str, int]) -> None:
    """Raise ValueError unless both sides have enough documents for training and evaluation."""
    high = is_high(examples.targets) if len(examples.texts) else np.zeros(0, bool)
    for side, count in (("positive", int(high.sum())), ("negative", int((~high).sum()))):
        if count < FEWEST:
            raise ValueError(
                f"{count} usable {side} documents, at least {FEWEST} are needed"
                + (f" (left out: {dict(left_out)})" if left_out else "")
            )


def check_not_swapped(examples: Examples, language: str) -> None:
    """Raise ValueError if the shipped model clearly prefers the documents with low targets."""
    from curate.quality.scoring import quality_score

    places = np.concatenate([np.flatnonzero((examples.targets > 0.5) == side)[:200] for side in (False, True)])
    sample = examples.take(places)
    area = roc_auc(sample.targets > 0.5, np.array([quality_score(text, language=language) for text in sample.texts]))
    if area < SWAPPED:
        raise ValueError(
            f"the shipped model scores the bad documents higher than the good ones (ROC AUC {area:.2f}): check "
            "that the two sides are not swapped, or the scores reversed; if they are meant so, use --trust-labels"
        )


def check_learnt(trained: Trained) -> None:
    """Raise ValueError if the model is no better than chance on unseen documents."""
    if trained.evaluation.auc < LEARNT:
        raise ValueError(
            f"nothing was learnt: on unseen documents the model has a ROC AUC of {trained.evaluation.auc:.2f}, and "
            "chance has 0.5; check the labels, or give more documents"
        )


def measure_all(texts: Sequence[str], language: str, names: Sequence[str]) -> Floats:
    """Measure the named signals of each text, float64 [n, len(names)]."""
    measured = (measure(text, language) for text in texts)
    return np.array([[getattr(signals, name) for name in names] for signals in measured]).reshape(-1, len(names))


def score_all(model: QualityModel, texts: Sequence[str], rows: Floats) -> Floats:
    """Score texts, given the model's signals, float64 [n, signals]."""
    return np.array([model.score_row(text, row[None]) for text, row in zip(texts, rows, strict=True)])


def side_weights(lengths: Floats, targets: Floats) -> Floats:
    """Return weights under which both sides count the same, whatever their lengths.

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
        raise ValueError(f"no folder {output.parent} for the output: create it first")
    return output


def _by_source(examples: Examples) -> dict[str, tuple[int, float]]:
    by_source: dict[str, list[float]] = {}
    for source, target in zip(examples.sources, examples.targets.tolist(), strict=True):
        by_source.setdefault(source, []).append(target)
    return {name: (len(targets), round(sum(targets) / len(targets), 3)) for name, targets in sorted(by_source.items())}
