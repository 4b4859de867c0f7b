"""Listings: reject pages that have hardly anything of their own, because other pages of their site have it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import apache_beam as beam
import numpy as np
import pyarrow as pa

from curate.dedup.addresses import address_rank, site_of
from curate.dedup.paragraphs import limits_of, listing_shares, page_paragraphs, paragraph_dtype
from curate.document import Document, Rejection
from curate.text.hashing import stable_u64
from pipelines.dedup.key_ranges import key_ranges, split_rows
from pipelines.steps.base import Applied, CorpusStep, DecisionTable, KeySource, block_address, rows_at

#: A page in a shuffle: its site, the rank and order of its address, its characters, its address in the run, and how
#: many paragraphs of it follow.
PAGE = np.dtype(
    [("site", "u8"), ("rank", "u1"), ("order", "u8"), ("characters", "u4"), ("slice", "u4"), ("row", "u4"), ("n", "u4")]
)
#: A row per listing: its row, the share of its paragraphs that other pages keep, and the limit of that.
LISTING = np.dtype([("row", "u4"), ("share", "f8"), ("limit", "f8")])


@dataclass(frozen=True, slots=True)
class Listings(CorpusStep):
    """Reject archives, tag and category pages, front pages: pages whose paragraphs stand in other pages of their site.

    A page is a listing if 70 % of its paragraphs, or 50 % below an address such as /tag/tea, stand in other pages that
    stay; excerpts that are cut off with an ellipsis count as what they are taken from (`curate.dedup.paragraphs`).
    """

    reads: ClassVar = frozenset({"text", "url"})
    key_schema: ClassVar = pa.schema(
        [
            ("site", pa.uint64()),
            ("rank", pa.uint8()),
            ("order", pa.uint64()),
            ("characters", pa.uint32()),
            ("paragraphs", pa.binary()),
        ]
    )
    by_document: ClassVar = True
    shuffles: ClassVar = "20 bytes per paragraph"

    def key(self) -> Callable[[Document], tuple]:
        """Build the function that extracts the site, the rank of the address, and the paragraphs."""

        def key(document: Document) -> tuple:
            host = site_of(document.url)
            rows = page_paragraphs(document.text) if host else np.empty(0, paragraph_dtype())
            place = stable_u64(host, "site"), address_rank(document.url, document.canonical)
            return (
                *place,
                stable_u64(f"{document.id}/{document.source}", "listings"),
                len(document.text),
                rows.tobytes(),
            )

        return key

    def key_bytes(self, keys: Sequence[KeySource]) -> int:
        """Return an estimate of the bytes of all shuffled rows: those of 20 paragraphs per page."""
        return sum(block.count()[0] for block in keys) * _page_bytes()

    def decide(self, keys: beam.PCollection[KeySource]) -> beam.PCollection[tuple[str, bytes]]:
        """Shuffle the paragraphs of each page to a partition of sites."""
        return (
            keys
            | "Pages"
            >> beam.FlatMap(_pages, key_ranges(keys, _page_bytes())).with_output_types(tuple[int, tuple[bytes, bytes]])
            | "Sites" >> beam.GroupByKey()
            | "Listings" >> beam.FlatMap(_listings).with_output_types(tuple[str, bytes])
        )

    def apply(self, decision: DecisionTable, keys: KeySource) -> Applied:
        """Reject the listings of a block."""
        rows = np.sort(rows_at(decision, block_address(keys.index), LISTING), order="row")

        def rejection(i: int) -> Rejection:
            return Rejection("listing", round(float(rows["share"][i]), 4), float(rows["limit"][i]))

        return Applied(rows["row"].astype(np.int64), rejection)


def _page_bytes() -> int:
    """Return an estimate of the bytes of a page in the shuffle, with 20 paragraphs."""
    return PAGE.itemsize + 20 * paragraph_dtype().itemsize


def _pages(keys: KeySource, ranges: int) -> Iterator[tuple[int, tuple[bytes, bytes]]]:
    numbers, table = keys.load()
    sites = table["site"].to_numpy()
    paragraphs = table["paragraphs"].to_pylist()
    pages = np.empty(len(table), PAGE)
    for name in ("site", "rank", "order", "characters"):
        pages[name] = table[name].to_numpy()
    pages["slice"], pages["row"] = keys.index, numbers
    pages["n"] = [len(rows) // paragraph_dtype().itemsize for rows in paragraphs]
    in_part = np.flatnonzero((sites // ranges % keys.parts == keys.part) & (pages["n"] > 0))
    for number, mine in split_rows(in_part, sites[in_part] % np.uint64(ranges)):
        yield number, (pages[mine].tobytes(), b"".join(paragraphs[i] for i in mine))


def _listings(partition: tuple[int, Iterable[tuple[bytes, bytes]]]) -> Iterator[tuple[str, bytes]]:
    heads, bodies = zip(*partition[1], strict=True)
    pages = np.frombuffer(b"".join(heads), PAGE)
    paragraphs = np.frombuffer(b"".join(bodies), paragraph_dtype())
    document = np.repeat(np.arange(len(pages)), pages["n"])
    ranks, characters = pages["rank"].astype(np.int64), pages["characters"].astype(np.int64)
    shares = listing_shares(pages["site"], ranks, pages["order"], characters, document, paragraphs)
    for block in np.unique(pages["slice"][shares > 0]):
        mine = np.flatnonzero((shares > 0) & (pages["slice"] == block))
        rows = np.empty(len(mine), LISTING)
        rows["row"], rows["share"], rows["limit"] = pages["row"][mine], shares[mine], limits_of(ranks[mine])
        yield block_address(int(block)), rows.tobytes()
