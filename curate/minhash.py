"""MinHash signatures of documents, and the bands that bring near duplicates together.

The Jaccard similarity of two texts is the share of word n-grams ("shingles") that they have in common. A signature
holds, for each of a few hundred random orders of all shingles, the text's smallest one; two signatures agree in a
position with a probability that equals the similarity (Broder 1997). Locality-sensitive hashing cuts a signature into
``bands`` of ``rows`` positions: texts that agree in a whole band are candidates, with probability
``1 - (1 - J**rows)**bands``.

>>> from curate.minhash import minhash_signature, similarity
>>> a = minhash_signature("the quick brown fox jumps over the lazy dog")
>>> b = minhash_signature("The quick, brown fox jumps over the lazy dog!")
>>> a.shape, similarity(a, b)
((112,), 1.0)
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

#: Scripts written without spaces between words: each of their characters counts as a word of its own. Thai, Lao,
#: Myanmar, Khmer; kana and bopomofo; Han with its extensions and compatibility forms (Unicode 15.1, Blocks.txt).
UNSPACED = (
    (0x0E00, 0x0EFF),
    (0x1000, 0x109F),
    (0x1780, 0x17FF),
    (0x3005, 0x3007),
    (0x3040, 0x312F),
    (0x31F0, 0x31FF),
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0xFF66, 0xFF9D),
    (0x1B000, 0x1B16F),
    (0x20000, 0x323AF),
)
ALONE = 1 << 31  # marks a character that is a word of its own in the table of characters


@dataclass(frozen=True, slots=True)
class MinHashConfig:
    """How a signature is made and cut into bands.

    ``ngram`` words make a shingle (5: Lee et al. 2021, FineWeb). ``bands`` x ``rows`` positions; 14 x 8 is FineWeb's
    (Penedo et al. 2024, section 3.4). ``seed`` chooses the random orders.
    """

    ngram: int = 5
    bands: int = 14
    rows: int = 8
    seed: int = 1

    def __post_init__(self) -> None:
        for name in ("ngram", "bands", "rows"):
            if getattr(self, name) < 1:
                raise ValueError(f"MinHash {name} is {getattr(self, name)}: it must be at least 1")

    @property
    def permutations(self) -> int:
        """Positions in a signature."""
        return self.bands * self.rows


def minhash_signature(text: str, config: MinHashConfig = MinHashConfig()) -> np.ndarray:
    r"""Compute the MinHash signature of a text.

    Words are the runs of ``\w`` in the lower-cased text; in scripts written without spaces every character is a word.
    Punctuation, case and white space do not count. A text of fewer than ``ngram`` words is one shingle as a whole; one
    without any word is its characters without white space: such texts match only if they are the same.

    Args:
        text: any text.
        config: shingle length, bands and rows.

    Returns:
        uint32 array [permutations].

    >>> minhash_signature("to be or not to be", MinHashConfig(bands=2, rows=2)).dtype
    dtype('uint32')
    """
    multipliers, increments = _orders(config.permutations, config.seed)
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    return _kernels()[0](codes, characters(), config.ngram, multipliers, increments)


def band_hashes(signature: np.ndarray, config: MinHashConfig = MinHashConfig()) -> np.ndarray:
    """Hash each band of a signature.

    Args:
        signature: uint32 array [permutations], or [documents, permutations].
        config: bands and rows.

    Returns:
        uint64 array [bands], or [documents, bands]; the band's number is mixed in, so that equal rows in different
        bands differ.

    >>> band_hashes(minhash_signature("one two three")).shape
    (14,)
    """
    many = np.atleast_2d(np.ascontiguousarray(signature, np.uint32))
    if many.shape[1] != config.permutations:
        raise ValueError(f"the signature has {many.shape[1]} positions, bands x rows are {config.permutations}")
    hashes = _kernels()[1](many, config.bands, config.rows)
    return hashes if signature.ndim == 2 else hashes[0]


def similarity(a: np.ndarray, b: np.ndarray) -> float:
    """Estimate the Jaccard similarity of two texts: the share of positions in which their signatures agree."""
    return float(np.mean(a == b))


@lru_cache(maxsize=1)
def characters() -> np.ndarray:
    r"""Return, for each code point, its lower-case form if it is matched by ``\w``, else 0.

    ``ALONE`` is set in characters that are words of their own.

    >>> [int(characters()[ord(c)]) for c in "A_-"]
    [97, 95, 0]
    """
    # built in one go over a string of all code points; only U+0130 becomes two characters when lower-cased
    every = "".join(map(chr, range(sys.maxunicode + 1))).replace("\u0130", "i")
    as_codes = lambda s: np.frombuffer(s.encode("utf-32-le", "surrogatepass"), np.uint32)  # noqa: E731
    lower = as_codes(every.lower())
    table = np.where(as_codes(re.sub(r"\W", "\0", every)) != 0, lower, 0).astype(np.uint32)
    for first, last in UNSPACED:
        block = table[first : last + 1]
        block[block != 0] |= ALONE
    return table


@lru_cache(maxsize=8)
def _orders(permutations: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return multipliers (odd) and increments of the hash family h(x) = (a x + b mod 2^64) >> 32."""
    # PCG64 and raw integers: a stream that NumPy guarantees not to change
    stream = np.random.PCG64(seed).random_raw(2 * permutations)
    return stream[:permutations] | np.uint64(1), stream[permutations:].copy()


@lru_cache(maxsize=1)
def _kernels() -> tuple[Callable, Callable]:
    from curate import _minhash_kernels as kernels

    return kernels.signature, kernels.bands
