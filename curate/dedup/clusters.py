"""Cluster near duplicates, removing only documents that are similar to one that stays.

Documents have a total order, the rank: of two duplicates the one of smaller rank stays. The steps are

1. *candidates*: documents that share a band. Each is paired with the first of its bucket and with a few before it,
   never with all, so that the pairs of a bucket are linear in its size.
2. *verification*: candidates whose estimated similarity reaches ``threshold`` (less ``SLACK``) are neighbours.
3. *assignment*, in the order of rank: a document with neighbours before it is a duplicate of the most similar of their
   anchors, if that similarity reaches ``anchor_threshold``; otherwise it stays and becomes an anchor. A chain of texts,
   each similar to the next, thus breaks where it has drifted too far from its anchor.
4. *labels*: two anchors that were both similar enough to one document belong to one cluster, if the later one reaches
   ``anchor_threshold`` with the first of the cluster. Both stay.

Whether a document stays depends only on documents of smaller rank, so later documents never change earlier decisions:
comparing new documents with an index of old ones gives the same result as deduplicating all of them together.

>>> import numpy as np
>>> from curate.dedup.minhash import minhash_keys
>>> page = "one page of text that the web holds twice, once with a new last line"
>>> bands, sketches = map(np.array, zip(*map(minhash_keys, ["quite another page", page, page.upper()])))
>>> clusters = cluster(bands, sketches, rank=np.array([0, 2, 1]))
>>> clusters.anchor.tolist(), clusters.similarity.tolist(), clusters.label.tolist()
([0, 2, 2], [1.0, 1.0, 1.0], [0, 2, 2])
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

#: How far below the threshold candidates still are neighbours. curate's own value: half the standard error of a
#: sketch's estimate at 0.8, so that a pair just at the threshold is more likely found than missed. On 41,145 documents
#: of 22 real sources the number removed is then within 0.3 % of what exact similarities and transitive closure remove.
SLACK = 0.0075


class Clusters(NamedTuple):
    """For each document, its anchor (itself if it stays), the similarity to it, and the first anchor of its cluster."""

    anchor: np.ndarray
    similarity: np.ndarray
    label: np.ndarray


def anchor_threshold(threshold: float) -> float:
    """Return the least similarity of a document and its anchor: what two steps of ``threshold`` guarantee.

    1 - J is a metric (Levandowsky and Winter 1971), so two texts that are each ``threshold`` similar to a third have a
    similarity of at least ``2 threshold - 1``. Below a threshold of 0.8 that soon means nothing, so the least
    similarity is then three quarters of the threshold (curate's own value).

    >>> [round(anchor_threshold(t), 3) for t in (0.9, 0.8, 0.6, 0.4)]
    [0.8, 0.6, 0.45, 0.3]
    """
    return round(max(2 * threshold - 1, 0.75 * threshold), 12)


def cluster(bands: np.ndarray, sketches: np.ndarray, rank: np.ndarray, threshold: float = 0.8) -> Clusters:
    """Cluster near duplicates in memory.

    Args:
        bands: uint64 [documents, bands], hashes of bands.
        sketches: uint8 [documents, bins], or signatures, any other integers [documents, permutations].
        rank: [documents], a permutation of 0..documents-1.
        threshold: least estimated similarity, in (0, 1], of near duplicates.

    Returns:
        Anchors and labels as row numbers, and similarities.

    Raises:
        ValueError: the three do not have the same number of documents.
    """
    if not len(bands) == len(sketches) == len(rank):
        raise ValueError(
            f"bands of {len(bands)} documents, sketches of {len(sketches)}, ranks of {len(rank)}: give all of each"
        )
    order = np.argsort(rank)
    rank = np.asarray(rank, np.uint32)
    by_band = [candidate_pairs(bands[:, b], rank)[0] for b in range(bands.shape[1])]
    pairs = distinct(np.concatenate(by_band)) if by_band else np.empty(0, np.uint64)
    nodes, later, earlier = local_pairs(pairs)
    compared = np.ascontiguousarray(sketches[order[nodes]])
    near = verify(compared, later, earlier) >= threshold - SLACK
    inner = assign_clusters(compared, later[near], earlier[near], threshold)
    rows = order[nodes]
    anchor = np.arange(len(rank))
    similarity, label = np.ones(len(rank)), anchor.copy()
    anchor[rows], similarity[rows], label[rows] = rows[inner.anchor], inner.similarity, rows[inner.label]
    return Clusters(anchor, similarity, label)


def candidate_pairs(hashes: np.ndarray, rank: np.ndarray) -> tuple[np.ndarray, int]:
    """Pair the documents that share the hash of one band.

    Args:
        hashes: uint64 [documents], fewer than 2^32.
        rank: uint32 [documents], all different.

    Returns:
        Pairs of ranks, uint64 with the later document in the high half and the earlier one in the low half, and the
        size of the largest bucket.

    Raises:
        ValueError: the numbers of hashes and ranks differ.

    >>> pairs, largest = candidate_pairs(np.array([7, 9, 7], np.uint64), np.array([2, 1, 0], np.uint32))
    >>> [(int(p) >> 32, int(p) & 0xFFFFFFFF) for p in pairs], largest
    ([(2, 0)], 2)
    """
    from curate.dedup.cluster_kernels import bucket_pairs

    if len(hashes) != len(rank):
        raise ValueError(f"{len(hashes)} hashes, but {len(rank)} ranks: give one of each per document")
    # half of a hash and the row in one number: sorting numbers is three times as fast as an indirect sort
    keys = (hashes & np.uint64(0xFFFFFFFF_00000000)) | np.arange(len(hashes), dtype=np.uint64)
    keys.sort()
    pairs, largest = bucket_pairs(keys, hashes, rank)
    return pairs, int(largest)


def local_pairs(pairs: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Number the documents of sorted pairs from 0; return their ranks, and the later and earlier one of each pair."""
    later, earlier = (pairs >> np.uint64(32)).astype(np.uint32), pairs.astype(np.uint32)
    nodes = distinct(np.concatenate([later, earlier]))
    return nodes, np.searchsorted(nodes, later).astype(np.uint32), np.searchsorted(nodes, earlier).astype(np.uint32)


def distinct(values: np.ndarray) -> np.ndarray:
    """Return the distinct values, sorted; several times as fast as `np.unique`, which hashes integers first.

    >>> distinct(np.array([3, 1, 3])).tolist()
    [1, 3]
    """
    values = np.sort(values)
    return values[np.append(True, values[1:] != values[:-1])] if len(values) else values


def verify(sketches: np.ndarray, later: np.ndarray, earlier: np.ndarray) -> np.ndarray:
    """Estimate the similarity of each pair of rows."""
    from curate.dedup.cluster_kernels import similarities

    out = np.empty(len(later))
    similarities(sketches, later, earlier, out)
    return out


def assign_clusters(sketches: np.ndarray, later: np.ndarray, earlier: np.ndarray, threshold: float) -> Clusters:
    """Assign documents, numbered by rank, to anchors, and label the clusters.

    Args:
        sketches: [documents, bins].
        later: uint32 [pairs], sorted: the later document of each pair of neighbours.
        earlier: uint32 [pairs], the earlier document.
        threshold: least similarity of neighbours.

    Returns:
        Anchors and labels as numbers of documents, and similarities.
    """
    from curate.dedup.cluster_kernels import assign, label

    least = anchor_threshold(threshold)
    anchor, similarity, links = assign(sketches, later, earlier, least)
    return Clusters(anchor, similarity, label(sketches, links, least)[anchor])
