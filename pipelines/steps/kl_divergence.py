"""Token divergence: documents whose tokens are too far from those of the corpus in their language are rejected."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import apache_beam as beam
import numpy as np
import pyarrow as pa

from curate.bounds import Count, Share
from curate.document import Document, Rejection
from curate.mixing.divergence import TokenCounts, kl_divergence
from pipelines.io import files, sealed
from pipelines.steps.base import NO_LOSERS, CorpusStep, KeySlice, Losers, add_histograms, histogram

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


#: A document of a slice: its row, its class, and its divergence in nats.
MEASURED = np.dtype([("row", "u4"), ("group", "S16"), ("value", "f8")])


class Divergence(CorpusStep):
    """Makes one distribution of tokens per language and compares each document with its own language's."""

    config = DivergenceConfig
    losers_from_keys = False
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
        paths = beam.pvalue.AsDict(references)
        _ = (
            keys
            | "Measure" >> beam.FlatMap(_measure, paths, folder).with_output_types(tuple[str, bytes])
            | "Classes" >> beam.GroupByKey()
            | "Limit" >> beam.Map(_limit, config).with_output_types(tuple[str, float])
            | "OneTable" >> beam.combiners.ToList()
            | "Write"
            >> beam.Map(lambda t, path: sealed.write_json(path, dict(sorted(t))), files.join(folder, "limits.json"))
        )

    def losers(self, config: DivergenceConfig, folder: str, index: int, keys: pa.Table | None) -> Losers:
        """Return the documents of the slice that are beyond the limit of their class."""
        limits = sealed.read_json(files.join(folder, "limits.json"))
        if not files.exists(_measured(folder, index)):
            return NO_LOSERS
        with sealed.open_read(_measured(folder, index)) as f:
            found = np.frombuffer(f.read(), MEASURED)
        limit = np.array([limits[group.decode()] for group in found["group"]])
        beyond = np.flatnonzero(found["value"] > limit)
        found, limit = found[beyond], limit[beyond]
        return Losers(
            found["row"].astype(np.int64),
            lambda i: Rejection("unusual_tokens", float(found["value"][i]), float(limit[i])),
        )


def _reference(folder: str, language: str) -> str:
    return files.join(folder, f"reference-{language or 'und'}.bin")


def _measured(folder: str, index: int) -> str:
    return files.join(folder, f"measured-{index:05d}.bin")


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
    with sealed.write(path) as f:
        f.write(TokenCounts.merge(TokenCounts.from_bytes(b) for b in blocks).to_bytes())
    return language, path


def _measure(keys: KeySlice, paths: dict[str, str], folder: str) -> Iterator[tuple[str, bytes]]:
    """Write the class and the divergence of each document down, and yield a histogram per class.

    A class is a language and a power of two of the tokens.
    """
    rows, table = keys.load()
    references: dict[str, TokenCounts] = {}
    found = np.empty(len(rows), MEASURED)
    found["row"] = rows
    columns = (table[name].to_pylist() for name in ("language", "tokens", "counts"))
    for i, (language, tokens, data) in enumerate(zip(*columns, strict=True)):
        if language not in references:
            with sealed.open_read(paths[language]) as f:
                references[language] = TokenCounts.from_bytes(f.read())
        found["group"][i] = f"{language}/{int(tokens).bit_length()}"
        found["value"][i] = kl_divergence(TokenCounts.from_bytes(data), references[language])
    if not len(found):  # Beam cannot write an empty file to S3
        return
    with sealed.write(_measured(folder, keys.index)) as f:
        f.write(found.tobytes())
    for group in np.unique(found["group"]):
        values = found["value"][found["group"] == group]
        yield group.decode(), histogram(np.minimum(values * MILLINATS, TOP).astype(np.int64))


def _limit(histograms: tuple[str, Iterable[bytes]], config: DivergenceConfig) -> tuple[str, float]:
    group, blocks = histograms
    counts = add_histograms(blocks, TOP + 1)
    total = int(counts.sum())
    if total < config.min_documents:
        return group, float("1e9")
    kept = int(np.searchsorted(np.cumsum(counts), np.ceil(total * config.keep)))
    return group, max((kept + 1) / MILLINATS, config.min_divergence)
