"""Clusters of near duplicates in one process: band by band, in bounded memory, without a shuffle.

What is held at a time: 4 bytes per document (its rank; about 100 while the documents are ranked, which no budget
bounds), a key range of as many bands as there are threads, the candidate pairs, and the sketches of candidates, in
memory where they fit and else in a scratch file. The key files are read three times, for ranks, bands and sketches,
whatever the memory; bands are spread over scratch files, 168 bytes a document.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from curate.dedup.clusters import SLACK, assign_clusters, candidate_pairs, distinct, local_pairs, verify
from curate.dedup.minhash import SKETCH_BINS
from pipelines.dedup.index import FIRST_INDEX, load_ranks
from pipelines.dedup.members import MEMBER, fixed
from pipelines.dedup.order import key_columns, key_ids, sort_columns
from pipelines.steps.base import KeySource

THREADS = min(4, os.cpu_count() or 1)
SCRATCH = "scratch-"  # how the names of folders begin that are there while a decision is made
PAIRS = 2_000_000  # pairs that are verified at a time


@dataclass(slots=True)
class ClusterStats:
    """What a clustering did.

    ``documents`` with those of sketches (``old_documents``), key ranges of a band (``parts``), pairs, new documents
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


def cluster_keys(
    slices: Sequence[KeySource], bands: int, threshold: float, memory: int, scratch: str | None = None
) -> tuple[ClusterStats, np.ndarray]:
    """Cluster the documents of all slices.

    Args:
        slices: where the keys are, columns rank, bands and sketch; parts of sketches among them hold older documents.
        bands: number of bands.
        threshold: similarity from which two documents are near duplicates.
        memory: budget in bytes; what grows with the number of duplicates is not in it.
        scratch: folder for temporary files; the system's if None.

    Returns:
        What was done, and rows of dtype ``MEMBER`` for all documents of clusters with more than one.
    """
    stats = ClusterStats()
    ranks = rank_documents(slices)
    stats.documents = sum(map(len, ranks))
    stats.old_documents = sum(len(r) for r, s in zip(ranks, slices, strict=True) if s.index >= FIRST_INDEX)
    stats.stage_bytes["rank"] = stats.documents * 32
    pairs = _candidates(slices, ranks, bands, memory // 2, scratch, stats)
    stats.candidates = len(pairs)
    nodes, later, earlier = local_pairs(pairs)
    del pairs
    with _Nodes(slices, ranks, nodes, memory // 2, scratch) as found:
        near = _verify(found.sketches, later, earlier) >= threshold - SLACK
        later, earlier = later[near], earlier[near]
        del near
        stats.neighbours = len(later)
        stats.stage_bytes["verify"] = len(nodes) * SKETCH_BINS
        stats.stage_bytes["cluster"] = len(later) * 8
        anchor, similarity, label = assign_clusters(found.sketches, later, earlier, threshold)
        sizes = np.bincount(label, minlength=len(nodes))
        stays = anchor == np.arange(len(nodes))
        some = np.flatnonzero((sizes[label] > 1) & (found.slices < FIRST_INDEX))
        stats.removed, stats.clusters = int((~stays[some]).sum()), int((sizes > 1).sum())
        if len(sizes):
            stats.largest_cluster = int(sizes.max())
            stats.largest_cluster_first = found.ids[int(sizes.argmax())].tobytes().hex()
        rows = np.empty(len(some), MEMBER)
        rows["slice"], rows["row"], rows["stays"] = found.slices[some], found.rows[some], stays[some]
        rows["kept"], rows["cluster"] = found.ids[anchor[some]], found.ids[label[some]]
        rows["similarity"], rows["size"] = similarity[some], sizes[label[some]]
    return stats, rows


def _threaded(function: Callable[[Any], Any], items: Sequence[Any]) -> Iterator[Any]:
    """Map in order over a few threads, holding only a few results."""
    with ThreadPoolExecutor(THREADS) as pool:
        rest = iter(items)
        running = [pool.submit(function, item) for item in islice(rest, THREADS)]
        while running:
            result = running.pop(0).result()
            running += [pool.submit(function, item) for item in islice(rest, 1)]
            yield result


def rank_documents(slices: Sequence[KeySource]) -> list[np.ndarray]:
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
    slices: Sequence[KeySource],
    ranks: list[np.ndarray],
    bands: int,
    memory: int,
    scratch: str | None,
    stats: ClusterStats,
) -> np.ndarray:
    """Return the candidate pairs of all bands, sorted, each once."""
    at_a_time = 24 * stats.documents * min(THREADS, bands)  # hashes, their order, and what sorting takes
    stats.parts = parts = max(1, -(-at_a_time // memory))
    stats.stage_bytes["candidates"] = stats.documents * bands * 12
    found = [np.empty(0, np.uint64)]
    for left in Path(scratch).glob(f"{SCRATCH}*") if scratch else ():  # of an attempt that was killed
        shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=scratch, prefix=SCRATCH) as folder:
        _spread_bands(slices, ranks, bands, parts, Path(folder))

        def pair(name: str) -> tuple[np.ndarray, int]:
            hashes = np.fromfile(Path(folder) / f"{name}.hashes", np.uint64)
            return candidate_pairs(hashes, np.fromfile(Path(folder) / f"{name}.ranks", np.uint32))

        for pairs, largest in _threaded(pair, sorted(p.stem for p in Path(folder).glob("*.hashes"))):
            stats.largest_bucket = max(stats.largest_bucket, largest)
            found.append(pairs)
            if sum(map(len, found)) * 8 > memory // 4 + len(found[0]) * 16:
                found = [distinct(np.concatenate(found))]
    return distinct(np.concatenate(found))


def _spread_bands(slices: Sequence[KeySource], ranks: list[np.ndarray], bands: int, parts: int, folder: Path) -> None:
    """Write hashes and ranks into a file per band and key range, so that the key files are read once."""
    load = partial(_load_bands, slices)
    for number, matrix in enumerate(_threaded(load, range(len(slices)))):
        part = (matrix & np.uint64(0xFFFFFFFF)) % np.uint64(parts)
        for band in range(bands if len(matrix) else 0):
            for p in range(parts):
                mine = part[:, band] == p
                for ending, column in (("hashes", matrix[:, band]), ("ranks", ranks[number])):
                    with (folder / f"{band:05d}-{p:05d}.{ending}").open("ab") as f:
                        f.write(column[mine].tobytes())


def _load_bands(slices: Sequence[KeySource], number: int) -> np.ndarray:
    return fixed(slices[number].load(["bands"])[1]["bands"], np.uint64)


class _Nodes:
    """Sketches, ids and addresses of the documents that are candidates; sketches beyond the budget lie in a file."""

    def __init__(
        self, slices: Sequence[KeySource], ranks: list[np.ndarray], nodes: np.ndarray, memory: int, scratch: str | None
    ) -> None:
        shape = (len(nodes), SKETCH_BINS)
        self._scratch = None
        if len(nodes) * SKETCH_BINS > memory:
            self._scratch = tempfile.TemporaryFile(dir=scratch)  # noqa: SIM115
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
