"""Near duplicates among texts in memory, for notebooks and small corpora.

>>> from curate import near_duplicates
>>> near_duplicates(["One page of text.", "another", "one page, of text"])
[Cluster(kept=0, members=(2,), similarity=(1.0,))]
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from curate.minhash import MinHashConfig, band_hashes, minhash_signature


@dataclass(frozen=True, slots=True)
class NearDuplicatesConfig:
    """The signature's settings, and the estimated similarity from which two texts are near duplicates."""

    minhash: MinHashConfig = field(default_factory=MinHashConfig)
    threshold: float = 0.8


@dataclass(frozen=True, slots=True)
class Cluster:
    """A text that stays, the texts it stands for, and the similarity of each to it; texts are named by position."""

    kept: int
    members: tuple[int, ...]
    similarity: tuple[float, ...]


def near_duplicates(texts: Iterable[str], config: NearDuplicatesConfig = NearDuplicatesConfig()) -> list[Cluster]:
    """Find the clusters of near duplicates; of each, the longest text stays, of equally long ones the first.

    Args:
        texts: any texts; only their signatures are held.
        config: signature and threshold.

    Returns:
        Clusters of two or more texts, by the position of the text that stays.
    """
    from curate.clusters import cluster

    signatures, lengths = [], []
    for text in texts:
        signatures.append(minhash_signature(text, config.minhash))
        lengths.append(len(text))
    if not signatures:
        return []
    matrix = np.array(signatures)
    rank = np.empty(len(lengths), np.int64)
    rank[np.lexsort((np.arange(len(lengths)), -np.array(lengths)))] = np.arange(len(lengths))
    anchor, similarity = cluster(band_hashes(matrix, config.minhash), matrix, rank, config.threshold)
    members: dict[int, list[int]] = {}
    for i in np.flatnonzero(anchor != np.arange(len(anchor))).tolist():
        members.setdefault(int(anchor[i]), []).append(i)
    return [Cluster(k, tuple(m), tuple(similarity[m].round(4).tolist())) for k, m in sorted(members.items())]
