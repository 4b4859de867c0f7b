"""Find near duplicates among texts in memory, for notebooks and small corpora.

>>> near_duplicates(["One page of text.", "another", "one page, of text"])
[Cluster(kept=0, members=(2,), similarity=(1.0,), removed=(2,))]
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from curate.dedup.minhash import MinHashConfig, estimate_similarity, minhash_keys
from curate.results import Result
from curate.text.charset import as_text


@dataclass(frozen=True, slots=True)
class NearDuplicatesConfig:
    """How similar two texts must be to count as near duplicates.

    ``threshold``, in (0, 1], is the least similarity; it chooses the bands and rows unless ``minhash`` does.
    """

    threshold: float = 0.8
    minhash: MinHashConfig | None = None


@dataclass(frozen=True, slots=True)
class Cluster(Result):
    """Texts that are near duplicates, by their position.

    ``members`` are all texts but ``kept``, and ``similarity`` is that of each to ``kept``. ``removed`` are the members
    to remove: nearly always all of them. A member that stays was not similar enough to any text before it, and is in
    the cluster because a later text is similar to both.
    """

    kept: int
    members: tuple[int, ...]
    similarity: tuple[float, ...]
    removed: tuple[int, ...]


def near_duplicates(
    texts: Iterable[str | bytes], config: NearDuplicatesConfig = NearDuplicatesConfig()
) -> list[Cluster]:
    """Find the clusters of near duplicates; the longest text of a cluster stays, or the first of equally long ones.

    Args:
        texts: any texts; 624 bytes of each are kept in memory.
        config: keys and threshold.

    Returns:
        Clusters of two or more texts, in the order of ``kept``.

    Raises:
        TypeError: ``texts`` is one string instead of several.

    >>> clusters = near_duplicates(["The same text, word for word.", "Another.", "the same text word for word"])
    >>> [(cluster.kept, cluster.removed) for cluster in clusters]
    [(0, (2,))]
    """
    import numpy as np

    from curate.dedup.clusters import cluster

    if isinstance(texts, str | bytes):
        raise TypeError("near_duplicates compares texts with each other: give a list of strings, not one string")
    hashing = config.minhash or MinHashConfig.for_threshold(config.threshold)
    bands, sketches, lengths = [], [], []
    for text in map(as_text, texts):
        keys = minhash_keys(text, hashing)
        bands.append(keys[0])
        sketches.append(keys[1])
        lengths.append(len(text))
    if not lengths:
        return []
    rank = np.empty(len(lengths), np.int64)
    rank[np.argsort(-np.array(lengths), kind="stable")] = np.arange(len(lengths))
    clusters = cluster(np.array(bands), np.array(sketches), rank, config.threshold)
    itself = np.arange(len(lengths))
    members: dict[int, list[int]] = {}
    for i in np.flatnonzero(clusters.label != itself).tolist():
        members.setdefault(int(clusters.label[i]), []).append(i)
    return [
        Cluster(
            kept,
            tuple(others),
            tuple(round(estimate_similarity(sketches[i], sketches[kept]), 4) for i in others),
            tuple(i for i in others if clusters.anchor[i] != i),
        )
        for kept, others in sorted(members.items())
    ]
