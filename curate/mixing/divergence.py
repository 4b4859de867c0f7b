"""Measure how far the words of a document are from those of a corpus: Llama 3's token-distribution divergence.

>>> corpus = TokenCounts.merge(count_words(text) for text in ["the cat sat", "the dog sat", "a cat and a dog"])
>>> kl_divergence(count_words("the cat sat"), corpus) < kl_divergence(count_words("xq3 zzkl qqw"), corpus)
True
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Bins that words are hashed into. curate's own value: with 262,144, few of the 100,000 most frequent words of a
# language collide, and a full reference takes 3 MB.
BINS = 1 << 18

_WORD = re.compile(r"\w+|[^\w\s]")


@dataclass(frozen=True, slots=True, eq=False)
class TokenCounts:
    """How often each bin occurs in a document, in part of a corpus, or in all of it.

    ``bins`` are the bins that occur, ascending, and ``counts`` how often. Counts are integers, so merging is exact in
    any order and grouping.
    """

    bins: NDArray[np.uint32]
    counts: NDArray[np.int64]

    @property
    def total(self) -> int:
        """Number of tokens counted."""
        return int(self.counts.sum())

    @classmethod
    def of(cls, bins: NDArray[Any]) -> TokenCounts:
        """Count the bins of a sequence of tokens: token ids, or hashes already reduced to less than ``BINS``.

        Raises:
            ValueError: a bin is below 0 or not below ``BINS``.

        >>> import numpy as np
        >>> TokenCounts.of(np.array([5, 3, 5])).counts
        array([1, 2])
        """
        import numpy as np

        values, counts = np.unique(bins, return_counts=True)
        if values.size and (values[0] < 0 or values[-1] >= BINS):
            raise ValueError(f"bins from {values[0]} to {values[-1]}: they must be 0 to {BINS - 1}")
        return cls(values.astype(np.uint32), counts.astype(np.int64))

    @classmethod
    def merge(cls, parts: Iterable[TokenCounts]) -> TokenCounts:
        """Return the sum of parts; without parts, the empty count.

        >>> TokenCounts.merge([]).total
        0
        """
        import numpy as np

        dense = np.zeros(BINS, np.int64)
        for part in parts:
            dense[part.bins] += part.counts  # the bins of one part are distinct
        bins = np.flatnonzero(dense)
        return cls(bins.astype(np.uint32), dense[bins])

    def to_bytes(self) -> bytes:
        """Return the counts as bytes: the bins as little-endian uint32, then the counts as int64."""
        return self.bins.astype("<u4").tobytes() + self.counts.astype("<i8").tobytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> TokenCounts:
        """Return the counts that `to_bytes` wrote.

        >>> TokenCounts.from_bytes(count_words("a b a").to_bytes()).total
        3
        """
        import numpy as np

        n = len(data) // 12
        return cls(
            np.frombuffer(data, "<u4", n).astype(np.uint32), np.frombuffer(data, "<i8", n, 4 * n).astype(np.int64)
        )


def count_words(text: str) -> TokenCounts:
    """Count the words of a text, lower-cased, and its single punctuation marks, each hashed into one of ``BINS`` bins.

    >>> count_words("The cat, the dog").total
    5
    """
    import numpy as np
    import xxhash

    words = _WORD.findall(text.lower())
    hashes = (xxhash.xxh3_64_intdigest(word.encode("utf-8", "surrogatepass")) & (BINS - 1) for word in words)
    return TokenCounts.of(np.fromiter(hashes, np.int64, len(words)))


def kl_divergence(counts: TokenCounts, reference: TokenCounts) -> float:
    """Return the Kullback-Leibler divergence of a document's words from a corpus, KL(document || corpus), in nats.

    This direction measures whether the document has too many words that are rare in the corpus; the other one would
    penalize it for words of the language that it does not use. The corpus is smoothed by one count in every bin, so
    that an unseen word has a large but finite cost.

    Args:
        counts: of the document.
        reference: of the corpus that the document should resemble, in the same bins.

    Returns:
        0 or more; 0 for a document without words.

    >>> kl_divergence(count_words(""), count_words("any corpus"))
    0.0
    """
    import numpy as np

    n = counts.total
    if n == 0:
        return 0.0
    at = np.searchsorted(reference.bins, counts.bins)
    seen = np.zeros(counts.bins.size, np.int64)
    inside = np.flatnonzero(at < reference.bins.size)
    shared = inside[reference.bins[at[inside]] == counts.bins[inside]]
    seen[shared] = reference.counts[at[shared]]
    p = counts.counts / n
    q = (seen + 1) / (reference.total + BINS)
    return max(float(np.sum(p * np.log(p / q))), 0.0)
