"""Compute the shingles of a text, their MinHash signature and sketch, and the hashes of a signature's bands."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from curate.text.compiled import kernel
from curate.text.hash_kernels import FNV64_BASIS, GOLDEN, fnv1a_64, splitmix64

U = np.uint64
ALONE = np.uint32(1 << 31)  # marks a character that is a word by itself
INVISIBLE = np.uint32(1 << 30)  # marks a character that no reader sees
NONE = np.uint32(0xFFFFFFFF)
_1, _32 = U(1), U(32)


@kernel
def hash_words(data: NDArray[np.uint8], table: NDArray[np.uint32], words: NDArray[np.uint64]) -> int:
    """Write the hash of each word of a text in UTF-8 into ``words``; return their number.

    ``words`` has one more slot than there are words: an unfinished hash is written after the last one.
    """
    count, i, h, inside = 0, 0, FNV64_BASIS, 0
    while i < len(data):
        code = np.uint32(data[i])
        i += 1
        if code >= 0x80:  # these bytes come from Python's encoder, so they are well formed
            if code < 0xE0:
                code = ((code & 0x1F) << 6) | (data[i] & 0x3F)
                i += 1
            elif code < 0xF0:
                code = ((code & 0x0F) << 12) | ((data[i] & 0x3F) << 6) | (data[i + 1] & 0x3F)
                i += 2
            else:
                code = ((code & 0x07) << 18) | ((data[i] & 0x3F) << 12) | ((data[i + 1] & 0x3F) << 6)
                code |= data[i + 2] & 0x3F
                i += 3
            if table[code] == INVISIBLE:
                continue
            if table[code] & ALONE:
                words[count] = h
                count += inside
                words[count] = splitmix64(fnv1a_64(FNV64_BASIS, table[code]))
                count += 1
                h, inside = FNV64_BASIS, 0
                continue
        c = table[code]
        # without branches: a hash is written at every character, and kept where a word ends
        words[count] = h
        count += inside & (c == 0)
        h = fnv1a_64(h, c) if c else FNV64_BASIS
        inside = 1 if c else 0
    words[count] = h
    return count + inside


@kernel
def hash_shingles(data: NDArray[np.uint8], table: NDArray[np.uint32], ngram: int) -> NDArray[np.uint64]:
    """Return the hashes of all shingles of a text in UTF-8, at least one."""
    # A finished word took at least two bytes: itself and what ended it. (A character that is a word by itself has three
    # or more; with a word before it, two words have four.) One more slot is for the unfinished word.
    words = np.empty(len(data) // 2 + 1, np.uint64)
    count = hash_words(data, table, words)
    for i in range(count):
        words[i] = splitmix64(words[i])
    if count >= ngram:
        shingles = count - ngram + 1
        hashes = np.zeros(shingles, np.uint64)
        for j in range(ngram):
            for i in range(shingles):
                hashes[i] = hashes[i] * GOLDEN + words[i + j]
        for i in range(shingles):
            hashes[i] = splitmix64(hashes[i])
        return hashes
    whole = U(count)
    for i in range(count):
        whole = whole * GOLDEN + words[i]
    if count == 0:
        for byte in data:
            if byte > 32:
                whole = fnv1a_64(whole, byte)
    return np.full(1, splitmix64(splitmix64(whole) + _1), np.uint64)


@kernel
def signature(
    hashes: NDArray[np.uint64], multipliers: NDArray[np.uint64], increments: NDArray[np.uint64]
) -> NDArray[np.uint32]:
    """Return the minimum of each hash function over all shingles."""
    minima = np.full(len(multipliers), NONE, np.uint32)
    # four shingles at a time, with one load and one store of the minima for all of them: 3 times as fast
    last = len(hashes) - 1
    for i in range(0, len(hashes), 4):
        w, x, y, z = hashes[i], hashes[min(i + 1, last)], hashes[min(i + 2, last)], hashes[min(i + 3, last)]
        for p in range(len(multipliers)):
            a, b = multipliers[p], increments[p]
            left = min((a * w + b) >> _32, (a * x + b) >> _32)
            right = min((a * y + b) >> _32, (a * z + b) >> _32)
            minima[p] = min(minima[p], np.uint32(min(left, right)))
    return minima


@kernel
def sketch(hashes: NDArray[np.uint64], bins: int) -> NDArray[np.uint8]:
    """Return a byte of the smallest shingle in each bin, 0 if the bin is empty."""
    minima = np.full(bins, NONE, np.uint32)
    for x in hashes:
        place = np.int64(x & U(bins - 1))
        minima[place] = min(minima[place], np.uint32(x >> _32))
    out = np.zeros(bins, np.uint8)
    for i in range(bins):
        if minima[i] != NONE:
            out[i] = 1 + minima[i] % 255
    return out


@kernel
def bands(signatures: NDArray[np.uint32], number: int, rows: int) -> NDArray[np.uint64]:
    """Return one hash per band of each signature."""
    out = np.empty((len(signatures), number), np.uint64)
    for i in range(len(signatures)):
        for b in range(number):
            h = U(b + 1) * GOLDEN
            for r in range(rows):
                h = splitmix64(h ^ U(signatures[i, b * rows + r]))
            out[i, b] = h
    return out
