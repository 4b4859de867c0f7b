"""Clusters of near duplicates in one process: band by band, in bounded memory, without a shuffle.

Memory holds 4 bytes per document (its rank; about 100 bytes while documents are ranked, outside the budget), one key
range of as many bands as there are threads, the candidate pairs, and the sketches of candidates, which go to a scratch
file if they do not fit. Key files are read three times, for ranks, bands and sketches, whatever the budget; bands are
spread over scratch files, 168 bytes per document.
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
SCRATCH = "scratch-"  # prefix of the folders that exist while a decision is made
PAIRS = 2_000_000  # pairs verified at a time


@dataclass(slots=True)
class ClusterStats:
    """Statistics of a clustering.

    Attributes:
        documents: number of documents, with those of sketches.
        old_documents: number of documents of sketches.
        parts: key ranges per band.
        candidates: pairs that share a band.
        neighbours: candidate pairs whose similarity reaches the threshold.
        removed: new documents that are removed.
        clusters: clusters of more than one document.
        largest_cluster: documents in the largest cluster.
        largest_cluster_first: id of the first document in it.
        largest_bucket: documents in the largest bucket of a band.
        stage_bytes: bytes of keys that each stage processed.
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
        slices: blocks of keys with the columns rank, bands and sketch; parts of sketches hold older documents.
        bands: number of bands.
        threshold: lowest similarity of near duplicates.
        memory: budget in bytes, excluding what grows with the number of duplicates.
        scratch: folder for temporary files; the system's default if None.

    Returns:
        Statistics, and rows of dtype ``MEMBER`` for the new documents of all clusters of more than one.
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
    with _Candidates(slices, ranks, nodes, memory // 2, scratch) as candidates:
        near = _verify(candidates.sketches, later, earlier) >= threshold - SLACK
        later, earlier = later[near], earlier[near]
        del near
        stats.neighbours = len(later)
        stats.stage_bytes["verify"] = len(nodes) * SKETCH_BINS
        stats.stage_bytes["cluster"] = len(later) * 8
        anchor, similarity, label = assign_clusters(candidates.sketches, later, earlier, threshold)
        sizes = np.bincount(label, minlength=len(nodes))
        stays = anchor == np.arange(len(nodes))
        members = np.flatnonzero((sizes[label] > 1) & (candidates.slices < FIRST_INDEX))
        stats.removed, stats.clusters = int((~stays[members]).sum()), int((sizes > 1).sum())
        if len(sizes):
            stats.largest_cluster = int(sizes.max())
            stats.largest_cluster_first = candidates.ids[int(sizes.argmax())].tobytes().hex()
        rows = np.empty(len(members), MEMBER)
        rows["slice"], rows["row"] = candidates.slices[members], candidates.rows[members]
        rows["stays"], rows["kept"] = stays[members], candidates.ids[anchor[members]]
        rows["cluster"], rows["size"] = candidates.ids[label[members]], sizes[label[members]]
        rows["similarity"] = similarity[members]
    return stats, rows


def _threaded(function: Callable[[Any], Any], items: Sequence[Any]) -> Iterator[Any]:
    """Map a function over items in a few threads; yield results in order, holding only a few at a time."""
    with ThreadPoolExecutor(THREADS) as pool:
        rest = iter(items)
        running = [pool.submit(function, item) for item in islice(rest, THREADS)]
        while running:
            result = running.pop(0).result()
            running += [pool.submit(function, item) for item in islice(rest, 1)]
            yield result


def rank_documents(slices: Sequence[KeySource]) -> list[np.ndarray]:
    """Return the rank of every document that no earlier step rejected, uint32, an array per slice."""
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
    at_a_time = 24 * stats.documents * min(THREADS, bands)  # bytes: hashes, their order, and temporaries of sorting
    stats.parts = parts = max(1, -(-at_a_time // memory))
    stats.stage_bytes["candidates"] = stats.documents * bands * 12
    pairs = [np.empty(0, np.uint64)]
    for leftover in Path(scratch).glob(f"{SCRATCH}*") if scratch else ():  # of an attempt that was killed
        shutil.rmtree(leftover, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=scratch, prefix=SCRATCH) as folder:
        _spread_bands(slices, ranks, bands, parts, Path(folder))

        def pair(name: str) -> tuple[np.ndarray, int]:
            hashes = np.fromfile(Path(folder) / f"{name}.hashes", np.uint64)
            return candidate_pairs(hashes, np.fromfile(Path(folder) / f"{name}.ranks", np.uint32))

        for of_range, largest in _threaded(pair, sorted(p.stem for p in Path(folder).glob("*.hashes"))):
            stats.largest_bucket = max(stats.largest_bucket, largest)
            pairs.append(of_range)
            if sum(map(len, pairs)) * 8 > memory // 4 + len(pairs[0]) * 16:
                pairs = [distinct(np.concatenate(pairs))]
    return distinct(np.concatenate(pairs))


def _spread_bands(slices: Sequence[KeySource], ranks: list[np.ndarray], bands: int, parts: int, folder: Path) -> None:
    """Write hashes and ranks into a file per band and key range, so that key files are read only once."""
    load = partial(_load_bands, slices)
    for number, matrix in enumerate(_threaded(load, range(len(slices)))):
        part = (matrix & np.uint64(0xFFFFFFFF)) % np.uint64(parts)
        for band in range(bands if len(matrix) else 0):
            for p in range(parts):
                in_part = part[:, band] == p
                for ending, column in (("hashes", matrix[:, band]), ("ranks", ranks[number])):
                    with (folder / f"{band:05d}-{p:05d}.{ending}").open("ab") as f:
                        f.write(column[in_part].tobytes())


def _load_bands(slices: Sequence[KeySource], number: int) -> np.ndarray:
    return fixed(slices[number].load(["bands"])[1]["bands"], np.uint64)


class _Candidates:
    """Sketches, ids and addresses of candidate documents; sketches that exceed the budget are in a file."""

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

        for block, (place, sketches, ids, rows) in zip(slices, _threaded(load, range(len(slices))), strict=True):
            if len(place):
                self.sketches[place], self.ids[place] = sketches, ids
                self.slices[place], self.rows[place] = block.index, rows

    def __enter__(self) -> _Candidates:
        return self

    def __exit__(self, *error: object) -> None:
        if self._scratch:
            self._scratch.close()


def _verify(sketches: np.ndarray, later: np.ndarray, earlier: np.ndarray) -> np.ndarray:
    """Estimate the similarity of each pair, a block of pairs per thread."""
    starts = range(0, len(later), PAIRS)
    parts = _threaded(lambda s: verify(sketches, later[s : s + PAIRS], earlier[s : s + PAIRS]), starts)
    return np.concatenate([np.empty(0), *parts])
