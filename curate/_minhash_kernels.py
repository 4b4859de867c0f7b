"""Compiled loops of ``curate.minhash``: shingles and their minima, and band hashes."""

from __future__ import annotations

import numpy as np
from numba import njit

U = np.uint64
PRIME = U(0x100000001B3)  # FNV-1a's 64-bit prime, as multiplier of the rolling word hash
ROLL = U(0x9E3779B97F4A7C15)  # 2^64 / golden ratio, odd: multiplier of the rolling shingle hash
ALONE = np.uint32(1 << 31)


@njit(cache=True, nogil=True, inline="always")
def mix(x: U) -> U:
    """Finaliser of SplitMix64 (Steele, Lea, Flood 2014): every input bit changes every output bit."""
    x = (x ^ (x >> U(30))) * U(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> U(27))) * U(0x94D049BB133111EB)
    return x ^ (x >> U(31))


@njit(cache=True, nogil=True)
def shingles(codes, table, ngram, out):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Write the hashes of all shingles of a text into ``out``; returns their number, at least 1."""
    words = np.zeros(ngram, np.uint64)  # the last ``ngram`` word hashes
    power = U(1)
    for _ in range(ngram):
        power *= ROLL
    count, found = 0, 0
    rolling, word, inside, loose = U(0), U(0), False, U(0)
    for i in range(len(codes) + 1):
        c = np.uint32(0)
        if i < len(codes):
            c = table[codes[i]] if codes[i] < len(table) else np.uint32(0)
        ends = inside and (c == 0 or c & ALONE)
        for closing in range(2):
            if closing == 0:
                if not ends:
                    continue
            else:
                if not c & ALONE:
                    continue
                word = U(c)
            h = mix(word + ROLL)
            place = count % ngram
            rolling = rolling * ROLL + h - power * words[place]
            words[place] = h
            count += 1
            inside = False
            word = U(0)
            if count >= ngram:
                out[found] = mix(rolling)
                found += 1
        if c != 0 and not c & ALONE:
            word = word * PRIME + U(c)
            inside = True
        elif i < len(codes) and codes[i] > 32:
            loose = (loose + U(codes[i])) * PRIME
    if count == 0:
        rolling = loose
    if found == 0:
        out[0] = mix(mix(rolling + U(count)) + U(1))
        found = 1
    return found


@njit(cache=True, nogil=True)
def signature(codes, table, ngram, multipliers, increments):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Return the minima of all hash functions over the shingles of a text."""
    hashes = np.empty(max(1, len(codes)), np.uint64)
    found = shingles(codes, table, ngram, hashes)
    minima = np.full(len(multipliers), np.uint32(0xFFFFFFFF), np.uint32)
    for i in range(found):
        x = hashes[i]
        for p in range(len(multipliers)):
            h = np.uint32((multipliers[p] * x + increments[p]) >> U(32))
            minima[p] = min(minima[p], h)
    return minima


@njit(cache=True, nogil=True)
def bands(signatures, bands, rows):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Return one hash per band of each signature."""
    out = np.empty((len(signatures), bands), np.uint64)
    for i in range(len(signatures)):
        for b in range(bands):
            h = U(b + 1) * ROLL
            for r in range(rows):
                h = mix(h ^ U(signatures[i, b * rows + r]))
            out[i, b] = h
    return out
