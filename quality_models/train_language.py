"""Train the language model that ``curate`` ships, or your own.

Usage: python -m quality_models.train_language FOLDER... --code FILE --output quality_models/models/language.npz.zst

A folder has a ``*.jsonl.zst`` file per source, each line with ``text`` and ``language`` (any ISO 639 code; or
``iso639_1`` and ``iso639_3``). With one thread and fixed seeds, the same texts give the same file on the same type of
machine. The card, quality_models/cards/language.md, lists the texts, their licences, and the evaluation.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from curate.language.model import CODE, NO_LANGUAGE, LanguageModel, save_model
from curate.language.model_kernels import ngram_rows
from quality_models.language_kernels import descend
from quality_models.language_texts import Texts, read_texts

# curate's own values, chosen on three sources held out of training (news and web sentences, web pages, children's
# stories).
BUCKETS = 1 << 18
WIDTH = 64
RATE = 1.0
STEPS = 10_000_000
#: The weight of a language, and within it that of a source, is this power of its number of texts, so that small ones
#: are drawn more often.
POWER = 0.5
#: Texts in no language, and code, are drawn this many times as often as a language with as many texts.
NO_LANGUAGE_WEIGHT = 5.0
#: Share of samples that are two texts, with their shares as target, which makes the score of a mixed page low.
MIXED = 0.3
#: Share of texts that are cut to a few words, so that the model learns short texts too.
SHORT = 0.5
#: Values of a row become multiples of a step; `LEVELS` steps are the quantile `LARGEST` of the column's |values|.
#: curate's own values: as good as 16 steps, in 80 % of the bytes.
LEVELS, LARGEST = 10, 1 - 1e-4


def train(texts: Texts, chosen: NDArray[np.bool_], steps: int) -> LanguageModel:
    """Train on the chosen texts; the sharpness of the result is not fitted yet."""
    group_of_text = texts.label.astype(np.int64) * len(texts.sources) + texts.source
    order = np.flatnonzero(chosen)[np.argsort(group_of_text[chosen], kind="stable")]
    group, first, counts = np.unique(group_of_text[order], return_index=True, return_counts=True)
    group_label = group // len(texts.sources)
    size = np.bincount(group_label, counts, len(texts.labels)) ** POWER
    size[[texts.labels.index(NO_LANGUAGE), texts.labels.index(CODE)]] *= NO_LANGUAGE_WEIGHT
    part = counts**POWER
    part = part / np.bincount(group_label, part, len(texts.labels))[group_label] * size[group_label]
    cumulative = np.cumsum(part / part.sum())
    cumulative[-1] = 1.0
    # Rows begin at 0, so that rows of no text stay 0, and the matrix at random, so that the others can leave 0.
    table = np.zeros((BUCKETS, WIDTH), np.float32)
    weights = (0.3 * np.random.default_rng(0).standard_normal((WIDTH, len(texts.labels)))).astype(np.float32)
    bias = np.zeros(len(texts.labels), np.float32)
    started = time.perf_counter()
    for done in range(0, steps, steps // 10):
        loss = descend(
            texts.letters, texts.starts, order, np.append(first, len(order)), group_label, cumulative, texts.classes,
            table, weights, bias, done + 1, steps // 10, done, steps, RATE, MIXED, SHORT,
        )  # fmt: skip
        click.echo(f"{(done + steps // 10) / steps:4.0%}  loss {loss:.4f}  {time.perf_counter() - started:.0f} s")
    # The step of each column moves into the weights.
    touched = np.abs(table[table.any(axis=1)])
    step = (np.maximum(np.quantile(touched, LARGEST, axis=0), 1e-6) / LEVELS).astype(np.float32)
    rows = np.clip(np.rint(table / step), -127, 127).astype(np.int8)
    return LanguageModel(texts.labels, texts.classes, rows, weights * step[:, None], bias, (1.0, 0.0))


def fit_sharpness(model: LanguageModel, texts: Texts, chosen: NDArray[np.bool_], seed: int = 0) -> LanguageModel:
    """Fit the sharpness on texts the model has not seen: whole, cut short and joined in pairs, as in training.

    The best sharpness gives the smallest cross entropy (temperature scaling, Guo et al. 2017, arXiv 1706.04599, with a
    temperature that falls with the number of n-grams).
    """
    rng = np.random.default_rng(seed)
    labels = np.array([texts.labels.index(label) for label in texts.labels])
    places = np.flatnonzero(chosen & np.isin(texts.label, labels))
    logits, n_grams, targets = [], [], []
    for place in rng.permutation(places)[:40_000]:
        pieces, owners = [], []
        for text in [place, *(rng.choice(places, 1) if rng.random() < MIXED else ())]:
            letters = texts.letters[texts.starts[text] : texts.starts[text + 1]]
            size = int(8 * 10 ** rng.random())
            if rng.random() < SHORT and size < len(letters):
                start = int(rng.integers(len(letters) - size))
                letters = letters[start : start + size]
            pieces.append(letters)
            owners.append((int(texts.label[text]), len(letters)))
        codes = np.concatenate(pieces)
        rows = np.empty((len(codes) + 1) * 6, np.int32)
        n = ngram_rows(codes, model.classes, len(model.rows) - 1, rows, 0)[0]
        if n:
            logits.append(model.rows[rows[:n]].mean(axis=0) @ model.weights + model.bias)
            n_grams.append(n)
            targets.append([(label, size / len(codes)) for label, size in owners])
    z, n = np.array(logits, np.float32), np.array(n_grams, np.float32)

    def entropy(sharpness: tuple[float, float]) -> float:
        scaled = z * (sharpness[0] * n / (n + sharpness[1]))[:, None]
        scaled -= scaled.max(axis=1, keepdims=True)
        log_p = scaled - np.log(np.exp(scaled).sum(axis=1, keepdims=True))
        return -sum(share * log_p[i, k] for i, target in enumerate(targets) for k, share in target) / len(targets)

    grid = [(round(0.4 + 0.05 * a, 2), float(b)) for a in range(15) for b in (0, 5, 10, 20, 40, 80)]
    best = min(grid, key=entropy)
    click.echo(
        f"sharpness {best}: cross entropy {entropy(best):.4f}, unscaled {entropy((1.0, 0.0)):.4f}, {len(n)} texts"
    )
    return replace(model, sharpness=best)


@click.command()
@click.argument("folders", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--code", multiple=True, type=click.Path(exists=True, path_type=Path), help="JSON lines of source code.")
@click.option("--hold-out", multiple=True, help="A source (name of a file) to fit the scores on; can be repeated.")
@click.option("--steps", default=STEPS, show_default=True, help="Texts drawn.")
@click.option("--output", required=True, type=click.Path(path_type=Path))
def main(folders: Sequence[Path], code: Sequence[Path], hold_out: Sequence[str], steps: int, output: Path) -> None:
    """Train a language model; with --hold-out, first one without these sources, to fit the scores on them."""
    paths = sorted(path for folder in folders for path in folder.glob("*.jsonl*"))
    texts = read_texts(paths, code)
    click.echo(f"{len(texts.label):,} texts, {len(texts.labels)} labels, {len(texts.sources)} sources")
    sharpness = (1.0, 0.0)
    if hold_out:
        unknown = sorted(set(hold_out) - set(texts.sources))
        if unknown:
            raise click.ClickException(f"no source {', '.join(unknown)}: the sources are {', '.join(texts.sources)}")
        held = np.isin(texts.source, [texts.sources.index(name) for name in hold_out])
        sharpness = fit_sharpness(train(texts, ~held, steps // 2), texts, held).sharpness
    model = replace(train(texts, np.ones(len(texts.label), bool), steps), sharpness=sharpness)
    click.echo(f"{output}: sha256 {save_model(model, output)}, {output.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
