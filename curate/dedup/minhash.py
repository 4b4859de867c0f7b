"""MinHash: estimate how similar two texts are from a few hundred bytes of each.

The Jaccard similarity of two texts is the share of their word n-grams ("shingles") that they have in common. Two small
arrays represent the shingles of a text:

- The *signature* has, for each of ``bands x rows`` random orders of all shingles, the text's first one. Two signatures
  agree in a position with a probability that equals the similarity (Broder 1997). Split into ``bands`` of ``rows``
  positions it finds candidates: texts of similarity J agree in at least one whole band with probability
  ``1 - (1 - J**rows)**bands``.
- The *sketch* verifies candidates: the shingles are hashed into 512 bins, and each bin keeps a byte of its first
  shingle (one permutation hashing, Li, Owen and Zhang 2012; b-bit minwise hashing, Li and König 2010). Its estimate of
  a similarity of 0.8 has a standard error of 0.015; 112 positions of a signature (448 bytes) have 0.038.

>>> from curate.dedup.minhash import estimate_similarity, minhash_sketch
>>> a = minhash_sketch("the quick brown fox jumps over the lazy dog")
>>> b = minhash_sketch("The quick, brown fox jumps over the lazy dog!")
>>> c = minhash_sketch("the quick brown fox jumps over the lazy cat")
>>> estimate_similarity(a, b), round(estimate_similarity(a, c), 2)
(1.0, 0.67)
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from curate.text.charset import as_text
from curate.text.folding import COMPOSES, compose, fold_table, join_broken_words

if TYPE_CHECKING:
    import datasketch
    import numpy as np

#: Bins of a sketch, one byte each. curate's own value: of 500,000 pages of a template with similarities of 0.74, 1.3 %
#: count as duplicates at 0.8; with 256 bins, 29 % did.
SKETCH_BINS = 512
#: Most positions of a signature. curate's own value: seven times the longest published one (20 x 450, Lee et al. 2021).
MAX_PERMUTATIONS = 1 << 16


@dataclass(frozen=True, slots=True)
class MinHashConfig:
    """How a signature is computed and split into bands.

    A shingle has ``ngram`` words (5: Lee et al. 2021, FineWeb). A signature has ``bands`` x ``rows`` positions, 14 x 8
    in FineWeb (Penedo et al. 2024, section 3.4). ``seed`` selects the random orders.
    """

    ngram: int = 5
    bands: int = 14
    rows: int = 8
    seed: int = 1

    def __post_init__(self) -> None:
        bounds = {
            "ngram": (1, 1000),
            "bands": (1, MAX_PERMUTATIONS),
            "rows": (1, MAX_PERMUTATIONS),
            "seed": (0, 2**64 - 1),
        }
        for name, (least, most) in bounds.items():
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool):
                raise ValueError(f"MinHash: {name} is {value!r:.50}; it must be a whole number")
            if not least <= value <= most:
                at = f"at least {least}" if value < least else f"at most {most:,}"
                raise ValueError(f"MinHash: {name} is {value}; it must be {at}")
        if self.permutations > MAX_PERMUTATIONS:
            raise ValueError(f"MinHash: bands x rows is {self.permutations:,}; it must be at most {MAX_PERMUTATIONS:,}")

    @property
    def permutations(self) -> int:
        """Positions in a signature."""
        return self.bands * self.rows

    def candidate_probability(self, similarity: float) -> float:
        """Return the probability that two texts of this similarity agree in a whole band: the S-curve.

        >>> [round(MinHashConfig().candidate_probability(j), 2) for j in (0.5, 0.6, 0.7, 0.8, 0.9)]
        [0.05, 0.21, 0.56, 0.92, 1.0]
        """
        return 1 - (1 - similarity**self.rows) ** self.bands

    @classmethod
    def for_threshold(cls, threshold: float, permutations: int = 112, recall: float = 0.9) -> MinHashConfig:
        """Choose bands and rows for a similarity threshold: the most rows that reach the recall.

        More rows mean fewer false candidates to verify; fewer rows mean more bands and fewer missed pairs.

        Args:
            threshold: least similarity of near duplicates, in (0, 1]; above 0.99, the bands are those of 0.99.
            permutations: most positions in a signature.
            recall: least probability that two texts of exactly this similarity become candidates. Clusters find more
                than pairs do, and most near duplicates are more similar: on 41,145 documents of 22 real sources, 14 x 8
                finds 99.4 % of all pairs with a similarity of at least 0.8.

        Raises:
            ValueError: no split of that many positions reaches the recall.

        >>> MinHashConfig.for_threshold(0.8) == MinHashConfig(bands=14, rows=8)
        True
        """
        if not 0 < threshold <= 1:
            raise ValueError(f"MinHash: the threshold is {threshold}; it must be above 0 and at most 1")
        for rows in range(permutations, 0, -1):
            config = cls(bands=permutations // rows, rows=rows)
            if config.candidate_probability(min(threshold, 0.99)) >= recall:
                return config
        raise ValueError(
            f"MinHash: {permutations} permutations find texts of similarity {threshold} with a probability below "
            f"{recall}; allow more permutations or a lower recall"
        )


def minhash_signature(text: str | bytes, config: MinHashConfig = MinHashConfig()) -> np.ndarray:
    r"""Compute the MinHash signature of a text.

    Words are the runs of ``\w`` in the folded (`curate.text.folding`), lower-cased text; in scripts written without
    spaces (Han, kana, Thai, ...) every character is a word. Punctuation, case and white space do not count. A text of
    fewer than ``ngram`` words is a single shingle, and one without words consists of its characters other than ASCII
    white space: such texts are near duplicates only if they are the same.

    Args:
        text: any text.
        config: shingle length, bands and rows.

    Returns:
        uint32 [permutations].

    >>> minhash_signature("to be or not to be", MinHashConfig(bands=2, rows=2)).shape
    (4,)
    """
    text = as_text(text)
    from curate.dedup.minhash_kernels import signature

    return signature(_shingles(text, config.ngram), *_orders(config.permutations, config.seed))


def band_hashes(signature: np.ndarray, config: MinHashConfig = MinHashConfig()) -> np.ndarray:
    """Hash each band of a signature.

    Args:
        signature: uint32 [permutations], or [documents, permutations].
        config: bands and rows.

    Returns:
        uint64 [bands], or [documents, bands]; equal rows in different bands have different hashes.

    Raises:
        ValueError: the signature does not have ``bands`` x ``rows`` positions.

    >>> band_hashes(minhash_signature("one two three")).shape
    (14,)
    """
    import numpy as np

    from curate.dedup.minhash_kernels import bands

    many = np.atleast_2d(np.ascontiguousarray(signature, np.uint32))
    if many.shape[1] != config.permutations:
        raise ValueError(
            f"MinHash: {many.shape[1]} positions in the signature, but bands x rows = {config.permutations}"
        )
    hashes = bands(many, config.bands, config.rows)
    return hashes if np.ndim(signature) == 2 else hashes[0]


def minhash_sketch(text: str | bytes, config: MinHashConfig = MinHashConfig()) -> np.ndarray:
    """Compute the sketch of a text, from which its similarity to another is estimated.

    Args:
        text: any text.
        config: shingle length.

    Returns:
        uint8 [512]: for each bin a byte of its first shingle, 1 to 255, or 0 if it is empty.

    >>> int((minhash_sketch("fewer than five words") > 0).sum())
    1
    """
    from curate.dedup.minhash_kernels import sketch

    return sketch(_shingles(as_text(text), config.ngram), SKETCH_BINS)


def minhash_keys(text: str | bytes, config: MinHashConfig = MinHashConfig()) -> tuple[np.ndarray, np.ndarray]:
    """Compute the keys that deduplication needs of a text, hashing its shingles once.

    Args:
        text: any text.
        config: shingle length, bands and rows.

    Returns:
        The band hashes, uint64 [bands], and the sketch, uint8 [512].

    >>> bands, sketch = minhash_keys("one two three four five")
    >>> bands.nbytes + sketch.nbytes
    624
    """
    text = as_text(text)
    from curate.dedup.minhash_kernels import bands, signature, sketch

    shingles = _shingles(text, config.ngram)
    positions = signature(shingles, *_orders(config.permutations, config.seed))
    return bands(positions.reshape(1, -1), config.bands, config.rows)[0], sketch(shingles, SKETCH_BINS)


def estimate_similarity(a: np.ndarray, b: np.ndarray) -> float:
    """Estimate the Jaccard similarity of two texts.

    Args:
        a: the sketch of one text, or its signature.
        b: the same of the other.

    Returns:
        For sketches, the bins that agree, less those that agree by chance, over the bins that are not empty in both.
        For signatures, the share of positions that agree.

    Raises:
        ValueError: they do not have the same type and length.

    >>> estimate_similarity(minhash_signature("a"), minhash_signature("b"))
    0.0
    """
    from curate.dedup.cluster_kernels import similarity

    if a.shape != b.shape or a.dtype != b.dtype:
        raise ValueError(f"MinHash: {_described(a)} cannot be compared with {_described(b)}: give two of the same type")
    return float(similarity(a, b))


def _described(a: np.ndarray) -> str:
    return f"{a.dtype} {list(a.shape)}"


def datasketch_minhash(
    text: str | bytes, config: MinHashConfig = MinHashConfig(), permutations: int = 128
) -> datasketch.MinHash:
    """Compute a signature for an index in `datasketch`: its hash functions over curate's shingles.

    Args:
        text: any text.
        config: shingle length and seed; bands and rows are those of the index.
        permutations: ``num_perm`` of the index.

    Returns:
        A ``datasketch.MinHash``; a shingle is its words, joined with single spaces, in UTF-8.

    >>> datasketch_minhash("One, two").jaccard(datasketch_minhash("one two"))
    1.0
    """
    from datasketch import MinHash

    words = _words(as_text(text))
    last = max(1, len(words) - config.ngram + 1)
    minhash = MinHash(num_perm=permutations, seed=config.seed)
    shingles = {" ".join(words[i : i + config.ngram]) for i in range(last)}
    minhash.update_batch([s.encode("utf-8", "surrogatepass") for s in sorted(shingles)])
    return minhash


def _words(text: str) -> list[str]:
    """Split a text into the words of its shingles; a text without words is a single word."""
    from curate.dedup.minhash_kernels import ALONE, INVISIBLE

    table, alone = _characters(), int(ALONE)
    text = compose(join_broken_words(text))
    codes = (int(table[ord(c)]) for c in text if table[ord(c)] != INVISIBLE)
    spaced = "".join(f" {chr(c ^ alone)} " if c & alone else chr(c) if c else " " for c in codes)
    return spaced.split() or ["".join(text.split())]


def _shingles(text: str, ngram: int) -> np.ndarray:
    import numpy as np

    from curate.dedup.minhash_kernels import hash_shingles

    text = compose(join_broken_words(text))
    data = np.frombuffer(text.encode("utf-8", "surrogatepass"), np.uint8)
    return hash_shingles(data, _characters(), ngram)


@lru_cache(maxsize=1)
def _characters() -> np.ndarray:
    r"""Return the folded lower case of each code point that ``\w`` matches, else 0.

    ``ALONE`` is set if the character is a word; the table has ``INVISIBLE`` for what no reader sees.
    """
    import numpy as np

    from curate.dedup.minhash_kernels import ALONE, INVISIBLE
    from curate.text.characters import UNSPACED, character_table, code_points

    # over one string of all code points; only U+0130 becomes two characters in lower case
    every = "".join(map(chr, range(sys.maxunicode + 1))).replace("\u0130", "i")
    table = np.where(code_points(re.sub(r"\W", "\0", every)) != 0, code_points(every.lower()), 0).astype(np.uint32)
    table[(table != 0) & (character_table() & UNSPACED != 0)] |= ALONE
    folded = fold_table() & ~np.uint32(COMPOSES)
    table = table[folded]
    table[(folded == 0) & (np.arange(len(table)) != 0)] = INVISIBLE
    return table


@lru_cache(maxsize=8)
def _orders(permutations: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return odd multipliers and increments of the hash family h(x) = (a x + b mod 2^64) >> 32."""
    import numpy as np

    # NumPy guarantees that PCG64's stream of raw integers does not change
    stream = np.random.PCG64(seed).random_raw(2 * permutations)
    return stream[:permutations] | np.uint64(1), stream[permutations:].copy()
