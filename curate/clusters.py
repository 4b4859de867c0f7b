"""Clusters of near duplicates in which every member was compared with the one that stays, its anchor.

Texts that share a band are candidates; candidates whose signatures agree in ``threshold`` of their positions are
neighbours. Clusters grow from anchors, best rank first, along neighbours, and take a text only if its signature agrees
with the anchor's in ``anchor_threshold``: a chain of texts, each near the next, breaks where it has drifted too far.

>>> import numpy as np
>>> from curate.clusters import cluster
>>> from curate.minhash import band_hashes, minhash_signature
>>> page = "one page of text that the web holds twice, once with a new last line"
>>> signatures = np.array([minhash_signature(t) for t in (page, page.upper(), "a page of another kind")])
>>> anchor, similarity = cluster(band_hashes(signatures), signatures, np.array([0, 1, 2]), 0.8)
>>> anchor.tolist(), similarity.tolist()
([0, 0, 2], [1.0, 1.0, 1.0])
"""

from __future__ import annotations

import numpy as np

WINDOW = 4


def cluster(
    bands: np.ndarray,
    signatures: np.ndarray,
    rank: np.ndarray,
    threshold: float = 0.8,
    anchor_threshold: float | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Cluster near duplicates.

    Args:
        bands: uint64 [documents, bands], hashes of bands.
        signatures: [documents, permutations], of any integer type.
        rank: [documents], a permutation of 0..documents-1; of near duplicates the smallest rank stays.
        threshold: estimated similarity, in [0, 1], from which two candidates are neighbours.
        anchor_threshold: least estimated similarity of a member and its anchor; ``threshold - 0.15`` by default.

    Returns:
        The row of each document's anchor (its own where it stays), and its estimated similarity to that anchor.
    """
    from curate._cluster_kernels import bucket_pairs, grow, similarities

    documents, positions = signatures.shape
    limit = threshold - 0.15 if anchor_threshold is None else anchor_threshold
    order = np.argsort(rank)
    ordered = np.ascontiguousarray(signatures[order])
    found = [np.empty((0, 2), np.uint32)]
    for band in range(bands.shape[1]):
        hashes = bands[order, band]
        by_hash = np.argsort(hashes, kind="stable").astype(np.uint32)
        found.append(bucket_pairs(hashes[by_hash], by_hash, WINDOW))
    pairs = np.unique(np.concatenate(found), axis=0)
    pairs = pairs[similarities(ordered, pairs) >= np.ceil(threshold * positions - 1e-9)]
    both = np.concatenate([pairs, pairs[:, ::-1]])
    both = both[np.argsort(both[:, 0], kind="stable")]
    starts = np.searchsorted(both[:, 0], np.arange(documents + 1))
    anchor, agree = grow(ordered, starts, both[:, 1], np.ceil(limit * positions - 1e-9))
    out, similarity = np.empty(documents, np.int64), np.empty(documents)
    out[order], similarity[order] = order[anchor], agree / positions
    return out, similarity
