"""Clusters of near duplicates in one process: band by band, in bounded memory, without a shuffle.

What is held at a time: 4 bytes per document (its rank), a few bands of all documents (as many as the budget takes), the
candidate pairs, and the sketches of candidates, in memory where they fit and else in a scratch file. The key files are
read once for the ranks, once per group of bands, and once for the sketches.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np

from curate.clusters import SLACK, assign_clusters, candidate_pairs, distinct, local_pairs, verify
from curate.minhash import SKETCH_BINS
from pipelines.corpus.base import MEMBER, fixed, write_members
from pipelines.corpus.index import FIRST_INDEX, Piece, load_ranks
from pipelines.corpus.order import key_columns, key_ids, sort_columns

THREADS = min(4, os.cpu_count() or 1)
PAIRS = 2_000_000  # pairs that are verified at a time


@dataclass(slots=True)
class Account:
    """What a clustering did.

    ``documents`` with those of sketches (``old_documents``), passes over the bands (``parts``), pairs, new documents
    removed, bytes of keys that each stage went over, and the extremes.
    """

    documents: int = 0
    old_documents: int = 0
    parts: int = 0
    candidates: int = 0
    neighbours: int = 0
    removed: int = 0
    clusters: int = 0
    largest_cluster: int = 0
    largest_cluster_first: str = ""
    largest_bucket: int = 0
    stage_bytes: dict[str, int] = field(default_factory=dict)


def cluster_slices(slices: Sequence[Piece], bands: int, threshold: float, folder: str, memory: int) -> Account:
    """Cluster the documents of all slices and write who is removed.

    Args:
        slices: where the keys are, columns rank, bands and sketch; parts of sketches among them hold older documents.
        bands: number of bands.
        threshold: similarity from which two documents are near duplicates.
        folder: of the decision.
        memory: budget in bytes; what grows with the number of duplicates is not in it.

    Returns:
        What was done.
    """
    account = Account()
    ranks = rank_documents(slices)
    account.documents = sum(map(len, ranks))
    account.old_documents = sum(len(r) for r, s in zip(ranks, slices, strict=True) if s.index >= FIRST_INDEX)
    account.stage_bytes["rank"] = account.documents * 32
    pairs = _candidates(slices, ranks, bands, memory // 2, account)
    account.candidates = len(pairs)
    nodes, later, earlier = local_pairs(pairs)
    del pairs
    with _Nodes(slices, ranks, nodes, memory // 2) as found:
        near = _verify(found.sketches, later, earlier) >= threshold - SLACK
        later, earlier = later[near], earlier[near]
        del near
        account.neighbours = len(later)
        account.stage_bytes["verify"] = len(nodes) * SKETCH_BINS
        account.stage_bytes["cluster"] = len(later) * 8
        anchor, similarity, label = assign_clusters(found.sketches, later, earlier, threshold)
        sizes = np.bincount(label, minlength=len(nodes))
        stays = anchor == np.arange(len(nodes))
        some = np.flatnonzero((sizes[label] > 1) & (found.slices < FIRST_INDEX))
        account.removed, account.clusters = int((~stays[some]).sum()), int((sizes > 1).sum())
        if len(sizes):
            account.largest_cluster = int(sizes.max())
            account.largest_cluster_first = found.ids[int(sizes.argmax())].tobytes().hex()
        rows = np.empty(len(some), MEMBER)
        rows["slice"], rows["row"], rows["stays"] = found.slices[some], found.rows[some], stays[some]
        rows["kept"], rows["cluster"] = found.ids[anchor[some]], found.ids[label[some]]
        rows["similarity"], rows["size"] = similarity[some], sizes[label[some]]
    rows = rows[np.argsort(rows["slice"], kind="stable")]
    for block in np.split(rows, np.flatnonzero(np.diff(rows["slice"])) + 1):
        if len(block):
            write_members(block, folder, int(block["slice"][0]))
    return account


def _threaded(function: Callable[[Any], Any], items: Sequence[Any]) -> Iterator[Any]:
    """Map in order over a few threads, holding only a few results."""
    with ThreadPoolExecutor(THREADS) as pool:
        rest = iter(items)
        running = [pool.submit(function, item) for item in islice(rest, THREADS)]
        while running:
            result = running.pop(0).result()
            running += [pool.submit(function, item) for item in islice(rest, 1)]
            yield result


def rank_documents(slices: Sequence[Piece]) -> list[np.ndarray]:
    """Return the rank of every document that is alive, uint32, a block per slice."""
    indexed = any(s.index >= FIRST_INDEX for s in slices)
    keys = list(_threaded(lambda s: load_ranks(s, indexed)[1], slices))
    sizes = [len(k) for k in keys]
    keys = [k for k in keys if len(k)]
    rank = np.empty(sum(sizes), np.uint32)
    if keys:
        columns = [np.concatenate(c) for c in zip(*map(key_columns, keys), strict=True)]
        del keys
        rank[sort_columns(columns)] = np.arange(len(rank), dtype=np.uint32)
    return np.split(rank, np.cumsum(sizes)[:-1])


def _candidates(
    slices: Sequence[Piece], ranks: list[np.ndarray], bands: int, memory: int, account: Account
) -> np.ndarray:
    """Return the candidate pairs of all bands, sorted, each once."""
    documents = account.documents
    per_band = 24 * documents  # hashes, their order, and the order's own copy
    parts = max(1, -(-per_band * min(THREADS, bands) // memory))  # key ranges of a band
    at_once = max(1, min(bands, memory * parts // max(1, per_band)))
    groups = [range(b, min(b + at_once, bands)) for b in range(0, bands, at_once)]
    account.parts = len(groups) * parts
    account.stage_bytes["candidates"] = documents * bands * 12
    rank = np.concatenate(ranks) if ranks else np.empty(0, np.uint32)
    found = [np.empty(0, np.uint64)]
    for group in groups:
        for part in range(parts):
            loaded = _band_parts(slices, group, bands, part, parts)
            work = [(h, rank if rows is None else rank[rows]) for h, rows in loaded]
            for pairs, largest in _threaded(lambda w: candidate_pairs(*w), work):
                account.largest_bucket = max(account.largest_bucket, largest)
                found.append(pairs)
                if sum(map(len, found)) * 8 > memory // 4 + len(found[0]) * 16:
                    found = [distinct(np.concatenate(found))]
            del loaded, work
    return distinct(np.concatenate(found))


def _band_parts(
    slices: Sequence[Piece], group: range, bands: int, part: int, parts: int
) -> list[tuple[np.ndarray, np.ndarray | None]]:
    """Load, for each band of a group, the hashes of a key range and the numbers of their documents (None: of all)."""

    def load(piece: Piece) -> list[np.ndarray]:
        matrix = fixed(piece.load(["bands"])[1]["bands"], np.uint64)
        return [matrix[:, b].copy() if len(matrix) else np.empty(0, np.uint64) for b in group]

    blocks: list[list[np.ndarray]] = [[] for _ in group]
    numbers: list[list[np.ndarray]] = [[] for _ in group]
    first = 0
    for columns in _threaded(load, slices):
        for i, hashes in enumerate(columns):
            if parts > 1:
                mine = np.flatnonzero((hashes >> np.uint64(32)) % np.uint64(parts) == part)
                numbers[i].append((mine + first).astype(np.uint32))
                blocks[i].append(hashes[mine])
            else:
                blocks[i].append(hashes)
        first += len(columns[0])
    return [(np.concatenate(b), np.concatenate(n) if parts > 1 else None) for b, n in zip(blocks, numbers, strict=True)]


class _Nodes:
    """Sketches, ids and addresses of the documents that are candidates; sketches beyond the budget lie in a file."""

    def __init__(self, slices: Sequence[Piece], ranks: list[np.ndarray], nodes: np.ndarray, memory: int) -> None:
        shape = (len(nodes), SKETCH_BINS)
        self._scratch = None
        if len(nodes) * SKETCH_BINS > memory:
            self._scratch = tempfile.TemporaryFile()  # noqa: SIM115
            self.sketches: np.ndarray = np.memmap(self._scratch, np.uint8, "w+", shape=shape)
        else:
            self.sketches = np.empty(shape, np.uint8)
        self.ids = np.empty(len(nodes), "V16")
        self.slices, self.rows = np.empty(len(nodes), np.uint32), np.empty(len(nodes), np.uint32)

        def load(number: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
            place = np.minimum(np.searchsorted(nodes, ranks[number]), max(0, len(nodes) - 1))
            wanted = np.flatnonzero(nodes[place] == ranks[number]) if len(nodes) else np.empty(0, np.int64)
            if not len(wanted):
                return place[:0], wanted, wanted, wanted
            rows, table = slices[number].load(["sketch", "rank"])
            ids = key_ids(fixed(table["rank"], np.uint8)[wanted])
            return place[wanted], fixed(table["sketch"], np.uint8)[wanted], ids, rows[wanted]

        for piece, (place, sketches, ids, rows) in zip(slices, _threaded(load, range(len(slices))), strict=True):
            if len(place):
                self.sketches[place], self.ids[place] = sketches, ids
                self.slices[place], self.rows[place] = piece.index, rows

    def __enter__(self) -> _Nodes:
        return self

    def __exit__(self, *error: object) -> None:
        if self._scratch:
            self._scratch.close()


def _verify(sketches: np.ndarray, later: np.ndarray, earlier: np.ndarray) -> np.ndarray:
    """Estimate similarities, a block of pairs per thread."""
    starts = range(0, len(later), PAIRS)
    parts = _threaded(lambda s: verify(sketches, later[s : s + PAIRS], earlier[s : s + PAIRS]), starts)
    return np.concatenate([np.empty(0), *parts])
