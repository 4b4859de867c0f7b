"""URL and exact deduplication: of all documents with the same key, the first in a total order stays."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import apache_beam as beam
import numpy as np
import pyarrow as pa

from curate.document import Document, Rejection
from curate.filters.urls import FILE_SCHEME, normalize_url
from curate.text.hashing import stable_u64, text_hash
from pipelines.dedup.alarms import lost_shares
from pipelines.dedup.order import Preference, key_columns, key_ids, rank_key, sort_columns
from pipelines.steps.base import (
    MEMBER,
    PARTITIONS,
    CorpusStep,
    KeySlice,
    Losers,
    WriteMembers,
    fixed,
    read_losers,
)

_HOST_END = re.compile(r"[/\\?#]")


@dataclass(frozen=True, slots=True)
class UrlDedupConfig:
    """Which copy of a URL stays: the newest (Llama 3, section 3.1.1), then the smallest id, unless ``keep`` says more.

    ``keep`` is a list of newest, oldest, longest, quality and source, the most important first; for source, ``sources``
    names the preferred ones, the best first.
    """

    keep: tuple[Preference, ...] = ("newest",)
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ExactDedupConfig:
    """Which copy of a text stays: settings as those of url_dedup."""

    keep: tuple[Preference, ...] = ("newest",)
    sources: tuple[str, ...] = ()


class KeepFirst(CorpusStep):
    """Keeps one document per hash; a hash of 0 means: has no key, stays."""

    key_settings = ("keep", "sources")
    schema: ClassVar[pa.Schema] = pa.schema(
        [("hash", pa.uint64()), ("rank", pa.binary()), ("source", pa.string()), ("site", pa.string())]
    )
    losers_from_keys = False
    shuffles = "48 bytes"
    rule: ClassVar[str]

    def hash(self, document: Document) -> int:
        """Return what makes two documents the same, or 0."""
        raise NotImplementedError

    def needs(self, config: Any) -> Sequence[str]:
        """Scores, where the best copy stays."""
        return ("quality",) if "quality" in config.keep else ()

    def key_function(self, config: Any) -> Callable[[Document], tuple]:
        """Take the hash, the place in the order, and for alarms the source and the site."""
        rank = rank_key(config.keep, config.sources)
        return lambda d: (self.hash(d), rank(d), d.source, site(d.url))

    def shuffled_bytes(self, slices: Sequence[KeySlice]) -> int:
        """Return the bytes of all rows: 48 per document with one preference."""
        return sum(s.count()[0] for s in slices) * _row(_width(slices)).itemsize

    def decide(self, config: Any, keys: beam.PCollection[KeySlice], folder: str) -> None:
        """Shuffle hash, place in the order and address of each document."""
        _ = (
            keys
            | "Blocks" >> beam.FlatMap(_blocks).with_output_types(tuple[tuple[int, int], bytes])
            | "GroupRanges" >> beam.GroupByKey()
            | "KeepFirst" >> beam.Map(_all_but_first).with_output_types(tuple[int, bytes])
            | "WriteMembers" >> WriteMembers(folder)
        )

    def warn(self, config: Any, slices: Sequence[KeySlice], folder: str) -> list[str]:
        """Say which sources and sites lose nearly everything."""
        return lost_shares(slices, folder)

    def losers(self, config: Any, folder: str, index: int, keys: pa.Table | None) -> Losers:
        """Return every copy but the first; the detail names the id that stays and the number of copies."""
        rows = read_losers(folder, index)
        kept, size = rows["kept"], rows["size"]
        return Losers(
            rows["row"].astype(np.int64),
            lambda i: Rejection(self.rule, detail=f"{kept[i].tobytes().hex()} stays, of {size[i]} copies"),
        )


class UrlDedup(KeepFirst):
    """One document per normalised URL."""

    config = UrlDedupConfig
    rule = "older_copy"

    def hash(self, document: Document) -> int:
        """Hash the normalised URL; a document without one has no key: the name of a file is no address."""
        web = document.url and not document.url.startswith(FILE_SCHEME)
        return stable_u64(normalize_url(document.url)) if web else 0

    def clusters(self, folder: str, index: int) -> dict[int, tuple[str, int]]:
        """Return nothing: older versions of a page are no copies that the web has of it."""
        return {}


class ExactDedup(KeepFirst):
    """One document per normalised text."""

    config = ExactDedupConfig
    rule = "exact_duplicate"

    def hash(self, document: Document) -> int:
        """Hash the normalised text."""
        return text_hash(document.text)


def site(url: str) -> str:
    """Return the host in a URL, "" where there is none.

    >>> site("https://news.example.org:443?a=ann@example.org"), site("")
    ('news.example.org', '')
    """
    return _HOST_END.split(url.partition("://")[2], maxsplit=1)[0].rpartition("@")[2].partition(":")[0].lower()


def _row(width: int) -> np.dtype:
    return np.dtype([("hash", "u8"), ("rank", "u1", (width,)), ("slice", "u4"), ("row", "u4")])


def _width(slices: Sequence[KeySlice]) -> int:
    return 8 * (len(slices[0].taken.config.keep) + 3) if slices else 8


def _blocks(keys: KeySlice) -> Iterator[tuple[tuple[int, int], bytes]]:
    rows, table = keys.load(["hash", "rank"])
    hashes = table["hash"].to_numpy()
    mine = np.flatnonzero((hashes != 0) & (hashes // PARTITIONS % keys.parts == keys.part))
    block = np.empty(len(mine), _row(_width([keys])))
    if len(mine):
        block["hash"], block["rank"] = hashes[mine], fixed(table["rank"], np.uint8)[mine]
        block["slice"], block["row"] = keys.index, rows[mine]
    partition = block["hash"] % np.uint64(PARTITIONS)
    for p in np.unique(partition):
        yield (keys.part, int(p)), _dense(block[partition == p])


def _dense(block: np.ndarray) -> bytes:
    # the width goes with the rows: whoever groups them has no configuration
    return block.dtype["rank"].itemsize.to_bytes(2, "little") + block.tobytes()


def _all_but_first(blocks_of: tuple[tuple[int, int], Iterable[bytes]]) -> tuple[int, bytes]:
    (part, _), blocks = blocks_of
    loaded = [np.frombuffer(b, _row(int.from_bytes(b[:2], "little")), offset=2) for b in blocks]
    rows = np.concatenate(loaded)
    del loaded
    ranks = key_columns(rows["rank"])
    order = sort_columns([rows["hash"], *ranks, rows["slice"].astype(np.uint64), rows["row"].astype(np.uint64)])
    hashes = rows["hash"][order]
    first = np.ones(len(rows), bool)
    first[1:] = hashes[1:] != hashes[:-1]
    starts = np.flatnonzero(first)
    sizes = np.diff(np.append(starts, len(rows)))
    group = np.cumsum(first) - 1
    found = np.flatnonzero(sizes[group] > 1)
    out = np.empty(len(found), MEMBER)
    out["slice"], out["row"], out["stays"] = rows["slice"][order[found]], rows["row"][order[found]], first[found]
    kept = order[starts[group[found]]]
    out["kept"] = out["cluster"] = key_ids(rows["rank"][kept]) if len(kept) else np.empty(0, "V16")
    out["similarity"], out["size"] = 1.0, sizes[group[found]]
    return part, out.tobytes()
