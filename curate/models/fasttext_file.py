"""Check the layout of a fastText model file before the library, which trusts every number in it, reads it.

A wrong count makes the library read outside of its arrays, and a word without an end makes it read forever. So every
number that an address depends on is checked here, and the parts must fill the file exactly. The order of the parts is
that of ``FastText::loadModel`` in github.com/facebookresearch/fastText (src/fasttext.cc, args.cc, dictionary.cc,
densematrix.cc, quantmatrix.cc, productquantizer.cc), which has not changed since 2017.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

# src/fasttext.cc: the first four bytes of every model file, and the versions that the library reads.
MAGIC, VERSIONS = (793712314).to_bytes(4, "little"), (11, 12)
# src/args.h: the type of model that has labels; hierarchical softmax, negative sampling, softmax and one-vs-all.
_SUPERVISED, _LOSSES, _HIERARCHICAL = 3, range(1, 5), 1
# src/loss.cc: the count of a node that has no children yet; a label with more breaks the tree of labels.
_INFINITE = 10**15
# src/productquantizer.h: the number of centroids of each part of a vector, one per value of a byte.
_CENTROIDS = 256

#: Longest n-gram of characters or words. curate's own value: the default is 6, and the time per text grows with its
#: square.
MAX_NGRAM = 64
#: N-grams of all words together. curate's own value: the library keeps 4 bytes of each, so 1 GB in all. Published
#: models of 2 million words with n-grams of 2 to 5 letters have 80 million.
MAX_SUBWORDS = 250_000_000


@dataclass(slots=True)
class _Cursor:
    """A position in the bytes of a file; every read is checked against the end."""

    data: Any  # bytes, or a memory map
    at: int = 0

    def take(self, form: str) -> tuple[Any, ...]:
        """Return the numbers at this position, little-endian, and move past them."""
        size = struct.calcsize("<" + form)
        return struct.unpack("<" + form, self.data[self.at : self.skip(size)])

    def skip(self, size: int) -> int:
        """Move past some bytes; return the position after them."""
        if size > len(self.data) - self.at:
            raise ValueError(f"it ends at byte {len(self.data):,}, but {size:,} bytes should follow byte {self.at:,}")
        self.at += size
        return self.at

    def flag(self) -> bool:
        """Return the truth value at this position."""
        (value,) = self.take("B")
        _require(value in (0, 1), f"byte {self.at - 1:,} is {value}, neither true nor false")
        return bool(value)


@dataclass(frozen=True, slots=True)
class _Sizes:
    """The sizes that a file declares: columns, hashed n-grams, words, labels, and n-grams kept, or -1 for all."""

    dim: int
    bucket: int
    words: int
    labels: int
    pruned: int


def check_fasttext(data: Any) -> None:
    """Refuse a file that is not a complete fastText classifier with consistent numbers.

    Args:
        data: its bytes, or a memory map of them.

    Raises:
        ValueError: the file is refused; the message says why, as the end of a sentence about the file.
    """
    cursor = _Cursor(data)
    cursor.skip(8)  # magic and version
    dim, _, _, _, _, word_ngrams, loss, model, bucket, minn, maxn, _, _ = cursor.take("12id")
    _require(model == _SUPERVISED, f"it is a model of type {model}, not a classifier")
    _require(loss in _LOSSES, f"its loss has the unknown type {loss}")
    _require(dim >= 1, f"its vectors have {dim} numbers")
    _require(bucket >= 0, f"it has {bucket} buckets")
    _require(0 <= minn <= MAX_NGRAM and 0 <= maxn <= MAX_NGRAM, f"it has n-grams of {minn} to {maxn} characters")
    _require(0 <= word_ngrams <= MAX_NGRAM, f"it has n-grams of {word_ngrams} words")
    _require(bucket > 0 or (maxn == 0 and word_ngrams <= 1), "it has n-grams but no buckets for them")
    sizes = _check_dictionary(cursor, dim, bucket, max(0, maxn - max(minn, 1) + 1), loss == _HIERARCHICAL)
    quantized = cursor.flag()
    _require(quantized or sizes.pruned < 0, "it has a selection of n-grams, which only quantized models have")
    rows = sizes.words + (bucket if sizes.pruned < 0 else sizes.pruned)
    _check_matrix(cursor, quantized, rows, sizes.dim, "input")
    quantized_output = cursor.flag()
    _check_matrix(cursor, quantized and quantized_output, sizes.labels, sizes.dim, "output")
    _require(cursor.at == len(data), f"{len(data) - cursor.at:,} bytes follow its end")


def _check_dictionary(cursor: _Cursor, dim: int, bucket: int, lengths: int, tree: bool) -> _Sizes:
    """Check the words, then the labels, each with a count; ``lengths`` is the number of n-gram lengths."""
    entries, words, labels, _, pruned = cursor.take("3i2q")
    _require(words >= 0 and labels >= 1, f"it has {words} words and {labels} labels")
    _require(entries == words + labels, f"it has {entries} entries, but {words} words and {labels} labels")
    _require(-1 <= pruned <= bucket, f"it keeps {pruned} of {bucket} n-grams")
    data, begin, after = cursor.data, cursor.at, struct.Struct("<qb").unpack_from
    at, last = begin, len(data) - 10
    for entry in range(entries):  # there can be millions, so this loop avoids calls
        end = data.find(b"\0", at)
        if not at < end <= last:
            raise ValueError(f"entry {entry:,} of its dictionary is empty or has no end")
        count, is_label = after(data, end + 1)
        if is_label != (entry >= words) or not 0 <= count < _INFINITE:
            raise ValueError(f"entry {entry:,} of its dictionary has the type {is_label} and the count {count}")
        if is_label:
            _check_label(bytes(data[at:end]), count, tree)
        at = end + 10
    # With its two boundaries, a word has at most as many n-grams of a length as it has letters.
    _require(lengths * (at - begin) <= MAX_SUBWORDS, "its words have too many n-grams to be held in memory")
    cursor.at = at
    _check_pruned(cursor, pruned)
    return _Sizes(dim, bucket, words, labels, pruned)


def _check_label(label: bytes, count: int, tree: bool) -> None:
    try:
        label.decode()
    except UnicodeDecodeError:
        raise ValueError(f"its label {label[:100]!r} is not UTF-8") from None
    # Labels that never occurred make the tree as deep as their number, and walking it needs that much stack.
    _require(count > 0 or not tree, f"its label {label[:100]!r} has the count 0 in a tree of labels")


def _check_pruned(cursor: _Cursor, pruned: int) -> None:
    """Check the rows of the n-grams that quantization kept: pairs of a bucket and a row."""
    import numpy as np

    if pruned > 0:
        start = cursor.at
        pairs = np.frombuffer(cursor.data, "<i4", 2 * pruned, start) if cursor.skip(8 * pruned) else None
        assert pairs is not None
        rows = pairs[1::2]
        _require(bool((rows >= 0).all() and (rows < pruned).all()), "its selection of n-grams has rows outside of it")


def _check_matrix(cursor: _Cursor, quantized: bool, rows: int, columns: int, name: str) -> None:
    normed = quantized and cursor.flag()
    declared = cursor.take("2q")
    _require(
        declared == (rows, columns),
        f"its {name} matrix is {declared[0]} x {declared[1]}, but by its dictionary and settings {rows} x {columns}",
    )
    if not quantized:
        _check_numbers(cursor, rows * columns, name)
        return
    (codes,) = cursor.take("i")
    start = cursor.at
    cursor.skip(max(codes, 0))
    parts = _check_quantizer(cursor, columns, name)
    _require(codes == rows * parts, f"its {name} matrix has {codes} codes for {rows} rows of {parts}")
    assert cursor.at > start
    if normed:
        cursor.skip(rows)
        _check_quantizer(cursor, 1, name)


def _check_quantizer(cursor: _Cursor, columns: int, name: str) -> int:
    """Check how rows of ``columns`` numbers are split into parts, and the centroids; return the number of parts."""
    dim, parts, size, last = cursor.take("4i")
    fits = dim == columns and 1 <= size <= dim and parts == -(-dim // size) and last == dim - (parts - 1) * size
    _require(
        fits, f"its {name} matrix of {columns} columns is split into {parts} parts of {size} and a last one of {last}"
    )
    _check_numbers(cursor, dim * _CENTROIDS, name)
    return int(parts)


def _check_numbers(cursor: _Cursor, count: int, name: str) -> None:
    """Check that float32 numbers are finite: otherwise the library fails at the first text that uses one."""
    import numpy as np

    start, block = cursor.at, 1 << 20
    cursor.skip(4 * count)
    for first in range(0, count, block):
        numbers = np.frombuffer(cursor.data, "<f4", min(block, count - first), start + 4 * first)
        _require(bool(np.isfinite(numbers).all()), f"its {name} matrix has numbers that are not finite")


def _require(true: bool, otherwise: str) -> None:
    if not true:
        raise ValueError(otherwise)
