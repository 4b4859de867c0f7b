"""Train the forests that find the main text of pages, and evaluate them by cross-validation over sites.

    python -m quality_models.train_main_text FOLDER [--folds 5] [--write]

FOLDER has ``*.jsonl.zst`` files of pages: ``html`` (bytes as Latin-1), ``gold`` (main text), ``url``, ``id``; rows with
``suspect`` or ``duplicate_of`` are skipped. A site is in one fold only. The measure is the F1 of words (``\\w+``, lower
case, as multisets), as the mean over pages. ``--write`` trains on all pages and writes the model of
`curate.extract.main_text`.
"""

from __future__ import annotations

import argparse
import io
import json
import re
import time
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import zstandard
from numpy.typing import NDArray

from curate.extract.blocks import Blocks, cut
from curate.extract.choice_kernels import context
from curate.extract.columns import CONTEXT_FEATURES, ELEMENT, FEATURES, FIRST_TOKEN, PARENT, WORDLESS_FEATURES
from curate.extract.main_text import FORMAT, MODEL, Evidence, Forests, MainTextModel, chances, describe, keep, places
from curate.extract.word_kernels import first_words
from curate.filters.urls import normalize_url
from curate.models.forest import Forest
from curate.models.model_file import array_bytes, write_model_file
from curate.text.charset import decode
from quality_models.align_kernels import align
from quality_models.boost import BoostConfig, boost

WORD = re.compile(r"\w+")
FOLDS = 5
BLOCKS_OF_A_PAGE = 200  # used for training, drawn at random
PRIOR = 4.0  # pseudo-pages of each class word, with the mean share of main text
MIN_SITES = 3  # on which a class word must occur
MIN_WORD_SITES = 8  # on which a first word of a block must
MAX_CELLS = 400_000_000  # of the table that aligns a page with its gold text


Columns = tuple[str, ...]  # names of features, in order, the first ones of all
Rates = tuple[NDArray[np.uint32], NDArray[np.float64]]  # words, and the share of main text where each stands


@dataclass(frozen=True, slots=True)
class Example:
    """A page: its blocks, their words, the share of each block that is main text, and the page's site."""

    source: str
    kind: str
    site: str
    page: Blocks
    words: list[list[str]]
    share: NDArray[np.float64]
    gold: Counter[str]

    @property
    def fold(self) -> int:
        """The fold of the site."""
        return zlib.crc32(self.site.encode()) % FOLDS


def read_examples(folder: Path) -> Iterator[Example]:
    """Read pages and align them with their gold texts."""
    for path in sorted(folder.glob("*.jsonl.zst")):
        with path.open("rb") as f:
            reader = zstandard.ZstdDecompressor(max_window_size=2**27).stream_reader(f)
            for line in io.TextIOWrapper(reader, encoding="utf-8"):
                row = json.loads(line)
                if row.get("suspect") is None and row.get("duplicate_of") is None:
                    example = make_example(path.name.partition(".")[0], row)
                    if example is not None:
                        yield example


def make_example(source: str, row: dict) -> Example | None:
    """Align one page; return None if it has no words or is too long to align."""
    page = cut(decode(row["html"].encode("latin-1"))[0])
    words = [WORD.findall(text.lower()) for text in page.texts()]
    gold = WORD.findall((row["gold"] or "").lower())
    if not words or sum(map(len, words)) * len(gold) > MAX_CELLS:
        return None
    host = re.sub(r"^[a-z]+://", "", normalize_url(row.get("url") or "")).partition("/")[0]
    site = ".".join(host.split(".")[-2:]) or f"{source}/{row['id']}"
    return Example(source, row.get("page_type") or "", site, page, words, _shares(words, gold), Counter(gold))


def _shares(words: list[list[str]], gold: list[str]) -> NDArray[np.float64]:
    """Return the share of each block's words in the longest common subsequence with the gold text.

    Blocks of three words or more that occur elsewhere in the gold text, out of order, count as well.
    """
    numbers: dict[str, int] = {}
    page = np.array([numbers.setdefault(w, len(numbers)) for block in words for w in block], np.int32)
    wanted = np.array([numbers.setdefault(w, len(numbers)) for w in gold], np.int32)
    on_page, in_gold = align(page, wanted)
    left = Counter(wanted[~in_gold].tolist())
    shares = np.zeros(len(words))
    at = 0
    for i, block in enumerate(words):
        if not block:
            continue
        counts = Counter(page[at : at + len(block)].tolist())
        shares[i] = on_page[at : at + len(block)].mean()
        elsewhere = sum((counts & left).values()) / len(block)
        if elsewhere >= 0.9 and shares[i] < 0.9 and len(block) >= 3:
            shares[i] = elsewhere
            left -= counts
        at += len(block)
    return shares


def class_rates(example: Example) -> Rates:
    """Return the class words of a page, and the share of main text in the elements that have each."""
    elements, blocks = example.page.elements, example.page.blocks
    n = len(elements) - 1
    weight = np.sqrt([len(words) for words in example.words])
    main, total = np.zeros(n), np.zeros(n)
    np.add.at(main, blocks[:, ELEMENT], weight * example.share)
    np.add.at(total, blocks[:, ELEMENT], weight)
    for e in range(n - 1, 0, -1):
        main[elements[e, PARENT]] += main[e]
        total[elements[e, PARENT]] += total[e]
    sums: dict[int, list[float]] = {}
    for e in np.flatnonzero(total).tolist():
        for token in set(example.page.tokens[elements[e, FIRST_TOKEN] : elements[e + 1, FIRST_TOKEN]].tolist()):
            known = sums.setdefault(token, [0.0, 0.0])
            known[0] += main[e]
            known[1] += total[e]
    return np.array(list(sums), np.uint32), np.array([a / b for a, b in sums.values()])


def word_rates(example: Example, long: bool) -> Rates:
    """Return the first words of the blocks of a page, and the mean share of main text in the blocks that have each.

    ``long`` chooses between blocks with more words than are looked at and all others.
    """
    words, _, starts, is_long = first_words(example.page.out, example.page.blocks)
    block = np.repeat(np.arange(len(is_long)), np.diff(starts))
    chosen = is_long[block] == long
    pairs = np.unique(np.stack([words.astype(np.int64), block], 1)[chosen], axis=0)
    keys, inverse = np.unique(pairs[:, 0], return_inverse=True)
    return keys.astype(np.uint32), np.bincount(inverse, example.share[pairs[:, 1]]) / np.bincount(inverse)


def weigh(rates: Sequence[Rates], sites: Sequence[str], least: int) -> tuple[NDArray[np.uint32], NDArray[np.float64]]:
    """Return the words that occur on some sites, sorted, and the log odds of main text where they stand.

    Args:
        rates: of each page, what `class_rates` or `word_rates` returns.
        sites: of each page.
        least: number of sites on which a word must occur.
    """
    numbers = {site: i for i, site in enumerate(sorted(set(sites)))}
    token = np.concatenate([tokens for tokens, _ in rates])
    rate = np.concatenate([share for _, share in rates])
    site = np.repeat([numbers[s] for s in sites], [len(tokens) for tokens, _ in rates])
    keys, inverse = np.unique(token, return_inverse=True)
    seen = np.bincount(np.unique(inverse.astype(np.int64) * len(numbers) + site) // len(numbers), minlength=len(keys))
    base = rate.mean()
    mean = (np.bincount(inverse, rate) + PRIOR * base) / (np.bincount(inverse) + PRIOR)
    odds = np.log(mean / (1 - mean)) - np.log(base / (1 - base))
    return keys[seen >= least], odds[seen >= least]


def logits(forest: Forest, rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the sum of the trees for each row."""
    return forest.predict(rows) * len(forest.roots)


class Trainer:
    """Trains on any selection of folds, and caches intermediate results for the next one."""

    def __init__(self, examples: list[Example]) -> None:
        self.examples = examples
        self.class_rates = [class_rates(e) for e in examples]
        self.word_rates = [[word_rates(e, long) for e in examples] for long in (False, True)]
        self._evidence: dict[frozenset[int], Evidence] = {}
        self._first: dict[tuple[frozenset[int], Columns], Forest] = {}

    def evidence(self, without: frozenset[int]) -> Evidence:
        """Return the weights of words from all folds but some."""
        if without not in self._evidence:
            chosen = [i for i, e in enumerate(self.examples) if e.fold not in without]
            sites = [self.examples[i].site for i in chosen]
            classes = weigh([self.class_rates[i] for i in chosen], sites, MIN_SITES)
            words = [weigh([rates[i] for i in chosen], sites, MIN_WORD_SITES) for rates in self.word_rates]
            keys, places = np.unique(np.concatenate([keys for keys, _ in words]), return_index=True)
            weights = np.concatenate([weights for _, weights in words])[places]
            self._evidence[without] = Evidence(*classes, keys, weights)
        return self._evidence[without]

    def rows(self, example: Example, without: frozenset[int]) -> NDArray[np.float64]:
        """Return the features of a page, with weights of words from other folds than its own and ``without``."""
        return describe(example.page, self.evidence(without | {example.fold}))

    def first(self, without: frozenset[int], columns: Columns) -> Forest:
        """Return the first forest over some columns of the features, from all folds but some."""
        if (without, columns) not in self._first:
            chosen = [e for e in self.examples if e.fold not in without]
            rows = [self.rows(e, without)[:, : len(columns)] for e in chosen]
            self._first[without, columns] = self._grow(chosen, rows, columns, 1)
        return self._first[without, columns]

    def train(self, without: frozenset[int]) -> MainTextModel:
        """Train on all folds but some, with what words say and without."""
        return MainTextModel(
            self.forests(without, FEATURES), self.forests(without, WORDLESS_FEATURES), self.evidence(without)
        )

    def forests(self, without: frozenset[int], columns: Columns) -> Forests:
        """Train two forests; the second uses predictions for pages that the first did not see."""
        chosen = [e for e in self.examples if e.fold not in without]
        described = []
        for example in chosen:
            rows = self.rows(example, without)[:, : len(columns)]
            unseen = self.first(without | {example.fold}, columns)
            chance = 1 / (1 + np.exp(-logits(unseen, rows)))
            described.append(np.hstack([rows, context(example.page.blocks, example.page.elements, chance)]))
        return Forests(self.first(without, columns), self._grow(chosen, described, (*columns, *CONTEXT_FEATURES), 2))

    def _grow(
        self, examples: list[Example], described: list[NDArray[np.float64]], names: tuple[str, ...], seed: int
    ) -> Forest:
        """Grow a forest; all pages have the same weight, and a block that of its number of words to the power 0.75."""
        random = np.random.default_rng(seed)
        rows, targets, weights = [], [], []
        for example, table in zip(examples, described, strict=True):
            n = len(table)
            some = np.sort(random.permutation(n)[:BLOCKS_OF_A_PAGE])
            weight = (np.array([len(words) for words in example.words]) + 1.0) ** 0.75
            rows.append(table[some])
            targets.append(example.share[some])
            weights.append((weight / weight.sum() * 100 * n / len(some))[some])
        return boost(
            names, np.concatenate(rows), np.concatenate(targets), np.concatenate(weights), BoostConfig(seed=seed)
        )


def f1(extracted: Counter[str], gold: Counter[str]) -> float:
    """Return the F1 of two multisets of words."""
    both = sum((extracted & gold).values())
    total = sum(extracted.values()) + sum(gold.values())
    return 2 * both / total if total else 1.0


def measure(model: MainTextModel, example: Example) -> float:
    """Return the F1 of the main text that a model extracts from a page."""
    kept = keep(example.page, chances(example.page, model), places(example.page))
    return f1(Counter(w for i in np.flatnonzero(kept) for w in example.words[i]), example.gold)


def save(model: MainTextModel, path: Path, facts: dict) -> None:
    """Write a model."""
    arrays = {
        name.replace("_", "-"): array.astype(np.float32) if array.dtype == np.float64 else array
        for name, array in model.evidence._asdict().items()
    }
    forests = {"first": model.forests.first, "second": model.forests.second}
    forests |= {"wordless-first": model.wordless.first, "wordless-second": model.wordless.second}
    for name, forest in forests.items():
        for field in ("roots", "feature", "value", "left"):
            array = getattr(forest, field)
            arrays[f"{name}-{field}"] = array.astype(np.float32) if field == "value" else array
    parts = {f"{name}.npy": array_bytes(array) for name, array in arrays.items()}
    write_model_file(path, FORMAT, {"facts": facts, **{name: forest.names for name, forest in forests.items()}}, parts)


def main() -> None:
    """Evaluate, and write the model with ``--write``."""
    parser = argparse.ArgumentParser(description="Train and evaluate the main text model.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--folds", type=int, default=FOLDS, help="how many of the five folds to evaluate")
    parser.add_argument("--write", action="store_true", help="train on all pages and write the model")
    arguments = parser.parse_args()
    examples = list(read_examples(arguments.folder))
    trainer = Trainer(examples)
    results: dict[str, list[float]] = defaultdict(list)
    for fold in range(arguments.folds):
        started = time.process_time()
        model = trainer.train(frozenset({fold}))
        for example in examples:
            if example.fold == fold:
                value = measure(model, example)
                results[example.source].append(value)
                if example.kind:
                    results[f"{example.source}: {example.kind}"].append(value)
        print(f"fold {fold}: {time.process_time() - started:.0f} s", flush=True)
    table = {name: {"pages": len(v), "f1": round(float(np.mean(v)), 4)} for name, v in sorted(results.items())}
    print(json.dumps(table, indent=1))
    if arguments.write:
        facts = {"pages": len(examples), "sites": len({e.site for e in examples}), "cross-validated f1": table}
        save(trainer.train(frozenset()), MODEL, facts)
        print("wrote", MODEL.name, MODEL.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
