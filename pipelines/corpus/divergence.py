"""Token divergence: documents whose tokens are too far from those of the corpus in their language are rejected."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import apache_beam as beam
import numpy as np
import pyarrow as pa

from curate.bounds import Count, Share
from curate.divergence import TokenCounts, kl_divergence
from curate.document import Document, Rejection
from pipelines import files
from pipelines.corpus.base import CorpusStep, KeySlice, Losers, add_histograms, histogram

MILLINATS = 1000  # a divergence is ranked to a thousandth of a nat: a histogram makes the percentile exact and small
TOP = 30 * MILLINATS


@dataclass(frozen=True, slots=True)
class DivergenceConfig:
    """Reject the documents with the highest KL(document || corpus), in nats, within a language and a length class.

    The Llama 3 paper (section 3.1.1) names the filter and publishes no figure; these are ours. ``keep`` .99: the one
    document in a hundred that is furthest away goes, and only if it is also further than ``min_divergence``. Short
    documents are always further away than long ones, so each is ranked among those with as many tokens, to a factor
    of two; a class with fewer than ``min_documents`` says nothing about what is usual, and loses none.
    """

    keep: Share = 0.99
    min_divergence: float = 4.0
    min_documents: Count = 200


class Divergence(CorpusStep):
    """Makes one distribution of tokens per language and compares each document with its own language's."""

    config = DivergenceConfig
    shuffles = "a token count table per slice"
    schema: ClassVar[pa.Schema] = pa.schema(
        [("language", pa.string()), ("tokens", pa.int64()), ("counts", pa.large_binary())]
    )

    def needs(self, config: DivergenceConfig) -> Sequence[str]:
        """Tokens."""
        return ("tokenize",)

    def key_function(self, config: DivergenceConfig) -> Callable[[Document], tuple]:
        """Take the language and how often each token occurs."""

        def key(document: Document) -> tuple:
            assert document.tokens is not None
            return document.language, len(document.tokens), TokenCounts.of(document.tokens).to_bytes()

        return key

    def decide(self, config: DivergenceConfig, keys: beam.PCollection[KeySlice], folder: str) -> None:
        """Shuffle one count table per slice and language, then one histogram of divergences per length class."""
        # a side input made of the main one: what waits for it is names of key files, a few bytes each
        references = (
            keys
            | "Count" >> beam.FlatMap(_count).with_output_types(tuple[str, bytes])
            | "Languages" >> beam.GroupByKey()
            | "Merge" >> beam.Map(_merge, folder).with_output_types(tuple[str, str])
        )
        _ = (
            keys
            | "Measure" >> beam.FlatMap(_measure, beam.pvalue.AsDict(references)).with_output_types(tuple[str, bytes])
            | "Classes" >> beam.GroupByKey()
            | "Limit" >> beam.Map(_limit, config).with_output_types(tuple[str, float])
            | "OneTable" >> beam.combiners.ToList()
            | "Write"
            >> beam.Map(lambda t, path: files.write_json(path, dict(sorted(t))), files.join(folder, "limits.json"))
        )

    def losers(self, config: DivergenceConfig, folder: str, index: int, keys: pa.Table | None) -> Losers:
        """Return the documents of the slice that are beyond the limit of their class."""
        assert keys is not None
        limits = files.read_json(files.join(folder, "limits.json"))
        found = [
            (row, value, limits[group])
            for row, group, value in _divergences(keys, lambda language: _read(_reference(folder, language)), limits)
            if value > limits[group]
        ]
        rows = np.array([row for row, _, _ in found], np.int64)
        return Losers(rows, lambda i: Rejection("unusual_tokens", *found[i][1:]))


def _reference(folder: str, language: str) -> str:
    return files.join(folder, f"reference-{language or 'und'}.bin")


def _read(path: str) -> TokenCounts:
    with files.open_read(path) as f:
        return TokenCounts.from_bytes(f.read())


def _count(keys: KeySlice) -> Iterator[tuple[str, bytes]]:
    _, table = keys.load()
    counts: dict[str, list[TokenCounts]] = {}
    for language, data in zip(table["language"].to_pylist(), table["counts"].to_pylist(), strict=True):
        counts.setdefault(language, []).append(TokenCounts.from_bytes(data))
    for language in sorted(counts):
        yield language, TokenCounts.merge(counts[language]).to_bytes()


def _merge(counts: tuple[str, Iterable[bytes]], folder: str) -> tuple[str, str]:
    language, blocks = counts
    path = _reference(folder, language)
    with files.atomic_write(path) as f:
        f.write(TokenCounts.merge(TokenCounts.from_bytes(b) for b in blocks).to_bytes())
    return language, path


def _divergences(
    table: pa.Table, reference: Callable[[str], TokenCounts], classes: Container[str] | None = None
) -> Iterator[tuple[int, str, float]]:
    """Yield row, class (language and power of two of the tokens) and divergence in nats of each document.

    Documents whose class is not among ``classes`` are passed over: an earlier step took the whole class.
    """
    references: dict[str, TokenCounts] = {}
    columns = (table[name].to_pylist() for name in ("language", "tokens", "counts"))
    for row, (language, tokens, data) in enumerate(zip(*columns, strict=True)):
        group = f"{language}/{int(tokens).bit_length()}"
        if classes is not None and group not in classes:
            continue
        if language not in references:
            references[language] = reference(language)
        yield row, group, kl_divergence(TokenCounts.from_bytes(data), references[language])


def _measure(keys: KeySlice, paths: dict[str, str]) -> Iterator[tuple[str, bytes]]:
    _, table = keys.load()
    groups: dict[str, list[int]] = {}
    for _, group, value in _divergences(table, lambda language: _read(paths[language])):
        groups.setdefault(group, []).append(min(int(value * MILLINATS), TOP))
    for group in sorted(groups):
        yield group, histogram(np.array(groups[group]))


def _limit(histograms: tuple[str, Iterable[bytes]], config: DivergenceConfig) -> tuple[str, float]:
    group, blocks = histograms
    counts = add_histograms(blocks, TOP + 1)
    total = int(counts.sum())
    if total < config.min_documents:
        return group, float("1e9")
    kept = int(np.searchsorted(np.cumsum(counts), np.ceil(total * config.keep)))
    return group, max((kept + 1) / MILLINATS, config.min_divergence)
