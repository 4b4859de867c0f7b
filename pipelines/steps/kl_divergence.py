"""KL divergence: reject documents whose tokens are distributed too differently from the corpus in their language."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar

import apache_beam as beam
import numpy as np
import pyarrow as pa

from curate.bounds import Count, Share
from curate.document import Document, Rejection
from curate.mixing.divergence import TokenCounts, kl_divergence
from curate.mixing.histogram import add_blocks, add_histograms, histogram
from pipelines.steps.base import (
    Applied,
    CorpusStep,
    DecisionTable,
    KeySource,
    block_address,
    rows_at,
    table_at,
    table_part,
)

MILLINATS = 1000  # divergences are ranked to 0.001 nats, so that a small histogram gives an exact percentile
TOP = 30 * MILLINATS  # larger divergences share a bin
LIMITS = "limits"  # address of the limit of each class

#: A row per document of a block: its row number, its class, and its divergence in nats.
MEASURED = np.dtype([("row", "u4"), ("group", "S16"), ("value", "f8")])


@dataclass(frozen=True, slots=True)
class KlDivergence(CorpusStep):
    """Reject the documents with the highest KL(document || corpus), in nats, within a language and length class.

    The Llama 3 paper (section 3.1.1) names the filter but publishes no numbers; the defaults are curate's own values.
    ``keep`` 0.99 rejects the one document in a hundred that diverges most, if it also exceeds ``min_divergence``.
    Short documents always diverge more than long ones, so each is ranked among documents of its length, to a factor of
    two. A class with fewer than ``min_documents`` is too small to say what is usual and loses none.
    """

    keep: Share = 0.99
    min_divergence: float = 4.0
    min_documents: Count = 200

    reads: ClassVar = frozenset({"tokens"})
    assumes: ClassVar = {"language": "all documents are compared with each other"}
    by_document: ClassVar = True
    shuffles: ClassVar = "a token count table per slice"
    key_schema: ClassVar = pa.schema([("language", pa.string()), ("tokens", pa.int64()), ("counts", pa.large_binary())])

    def key(self) -> Callable[[Document], tuple]:
        """Build the function that extracts the language, the number of tokens, and the count of each token."""

        def key(document: Document) -> tuple:
            assert document.tokens is not None
            return document.language, len(document.tokens), TokenCounts.of(document.tokens).to_bytes()

        return key

    def decide(self, keys: beam.PCollection[KeySource]) -> beam.PCollection[tuple[str, bytes]]:
        """Shuffle one count table per slice and language, then one histogram of divergences per length class."""
        references = (
            keys
            | "Count" >> beam.FlatMap(_count).with_output_types(tuple[str, bytes])
            | "Languages" >> beam.CombinePerKey(_merged).with_output_types(tuple[str, bytes])
        )
        measured = keys | "Measure" >> beam.FlatMap(_measure, beam.pvalue.AsDict(references)).with_output_types(
            tuple[str, bytes]
        )
        limits = (
            measured
            | "Histograms" >> beam.FlatMap(_histograms).with_output_types(tuple[str, bytes])
            | "Classes" >> beam.CombinePerKey(add_blocks).with_output_types(tuple[str, bytes])
            | "Limit" >> beam.Map(_limit, self).with_output_types(tuple[str, float])
            | "OneTable" >> beam.combiners.ToList()
            | "Table" >> beam.Map(lambda t: table_part(LIMITS, dict(sorted(t)))).with_output_types(tuple[str, bytes])
        )
        return (measured, limits) | beam.Flatten()

    def apply(self, decision: DecisionTable, keys: KeySource) -> Applied:
        """Reject the documents above the limit of their class."""
        limits = table_at(decision, LIMITS)
        rows = rows_at(decision, block_address(keys.index), MEASURED)
        limit = np.array([limits[group.decode()] for group in rows["group"]])
        beyond = np.flatnonzero(rows["value"] > limit)
        beyond = beyond[np.argsort(rows["row"][beyond], kind="stable")]
        rows, limit = rows[beyond], limit[beyond]
        return Applied(
            rows["row"].astype(np.int64),
            lambda i: Rejection("unusual_tokens", float(rows["value"][i]), float(limit[i])),
        )


def _count(keys: KeySource) -> Iterator[tuple[str, bytes]]:
    _, table = keys.load()
    counts: dict[str, list[TokenCounts]] = {}
    for language, data in zip(table["language"].to_pylist(), table["counts"].to_pylist(), strict=True):
        counts.setdefault(language, []).append(TokenCounts.from_bytes(data))
    for language in sorted(counts):
        yield language, TokenCounts.merge(counts[language]).to_bytes()


def _merged(blocks: Iterable[bytes]) -> bytes:
    return TokenCounts.merge(map(TokenCounts.from_bytes, blocks)).to_bytes()


def _measure(keys: KeySource, references: dict[str, bytes]) -> Iterator[tuple[str, bytes]]:
    """Yield the class and divergence of each document; a class is a language and a token count to a power of two."""
    numbers, table = keys.load()
    usual: dict[str, TokenCounts] = {}
    rows = np.empty(len(numbers), MEASURED)
    rows["row"] = numbers
    columns = (table[name].to_pylist() for name in ("language", "tokens", "counts"))
    for i, (language, tokens, data) in enumerate(zip(*columns, strict=True)):
        if language not in usual:
            usual[language] = TokenCounts.from_bytes(references[language])
        rows["group"][i] = f"{language}/{int(tokens).bit_length()}"
        rows["value"][i] = kl_divergence(TokenCounts.from_bytes(data), usual[language])
    if len(rows):
        yield block_address(keys.index), rows.tobytes()


def _histograms(measured: tuple[str, bytes]) -> Iterator[tuple[str, bytes]]:
    rows = np.frombuffer(measured[1], MEASURED)
    for group in np.unique(rows["group"]):
        values = rows["value"][rows["group"] == group]
        yield group.decode(), histogram(np.minimum(values * MILLINATS, TOP).astype(np.int32))


def _limit(histograms: tuple[str, bytes], step: KlDivergence) -> tuple[str, float]:
    group, block = histograms
    bins, counts = add_histograms([block])
    total = int(counts.sum())
    if total < step.min_documents:
        return group, float("1e9")
    kept = int(bins[np.searchsorted(np.cumsum(counts), np.ceil(total * step.keep))])
    return group, max((kept + 1) / MILLINATS, step.min_divergence)
