"""What the first words of a block say: "Related articles" speaks against main text, and for what is below it as well.

Words are hashes of their letters, in lower case for ASCII; those of a block that is no longer have other hashes than
the words that a longer one begins with.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from curate.extract.columns import ELEMENT, SAID, SAID_AT, START, STOP, TAG
from curate.extract.element_kernels import place_of
from curate.text.compiled import kernel
from curate.text.hash_kernels import FNV32_BASIS, fnv1a_32

HEAD = 12  # words of a block that are looked at; curate's own value
# Bytes of a block that are looked at, and with more it is a longer one: what stands between two marks is one word in a
# script without spaces. curate's own value: twelve English words take some 70.
HEAD_BYTES = 100
AMPERSAND, SEMICOLON, LONGEST_CODE = 38, 59, 10
LONG = np.uint8(1)  # hashed behind the words of a longer block; no letter

Keys = NDArray[np.uint32]
Floats = NDArray[np.float64]
Longs = NDArray[np.int64]


@kernel
def mark_length(out: NDArray[np.uint8], k: int, stop: int) -> int:
    """Return how many bytes from ``k`` on are no part of a word: 0 if a letter or digit begins there.

    Marks are the ASCII ones, those of Latin-1, General Punctuation (U+2000 to U+206F), CJK Symbols (U+3000 to U+303F),
    and any character that is written as a code: ``&raquo;``.
    """
    byte = out[k]
    if 97 <= byte <= 122 or 65 <= byte <= 90 or 48 <= byte <= 57:
        return 0
    if byte == AMPERSAND:
        for j in range(k + 1, min(k + LONGEST_CODE, stop)):
            if out[j] == SEMICOLON:
                return j + 1 - k
    if byte < 128:
        return 1
    following = out[k + 1] if k + 1 < stop else 0
    if byte == 0xC2:
        return 2
    return 3 if (byte == 0xE2 and 0x80 <= following <= 0x81) or (byte == 0xE3 and following == 0x80) else 0


@kernel
def first_words(out: NDArray[np.uint8], blocks: NDArray[np.int32]) -> tuple[Keys, Longs, Longs, NDArray[np.bool_]]:
    """Hash the first words of each block.

    Args:
        out, blocks: of `curate.extract.html_kernels.scan`.

    Returns:
        The hashes of all blocks, and the bytes of each word; where those of each block begin, int64 [blocks + 1];
        whether each block is longer.
    """
    n = len(blocks)
    words, sizes = np.empty(n * HEAD, np.uint32), np.empty(n * HEAD, np.int64)
    starts = np.empty(n + 1, np.int64)
    is_long = np.zeros(n, np.bool_)
    found = 0
    for i in range(n):
        starts[i] = found
        k, stop = np.int64(blocks[i, START]), np.int64(min(blocks[i, STOP], blocks[i, START] + HEAD_BYTES))
        is_long[i] = stop < blocks[i, STOP]
        while k < stop:
            mark = mark_length(out, k, stop)
            if mark:
                k += mark
                continue
            if found - starts[i] == HEAD:
                is_long[i] = True
                break
            h, first = FNV32_BASIS, k
            while k < stop and not mark_length(out, k, stop):
                byte = out[k]
                h = fnv1a_32(h, byte + np.uint8(32) if 65 <= byte <= 90 else byte)
                k += 1
            words[found], sizes[found] = h, k - first
            found += 1
        if is_long[i]:
            for w in range(starts[i], found):
                words[w] = fnv1a_32(words[w], LONG)
    starts[n] = found
    return words[:found], sizes[:found], starts, is_long


@kernel
def describe_words(
    rows: Floats, out: NDArray[np.uint8], blocks: NDArray[np.int32], elements: NDArray[np.int32], groups: Longs,
    heading: int, word_keys: Keys, word_weights: Floats,
) -> None:  # fmt: skip
    """Write what the first words of each block weigh, those of the blocks beside it, and of the heading above.

    Args:
        rows: features, float64 [blocks, FEATURES]; changed in place.
        out, blocks, elements: of `curate.extract.html_kernels.scan`.
        groups, heading: the group of each tag, and that of headings.
        word_keys, word_weights: hashes of words, sorted, and how much each speaks for main text.
    """
    words, sizes, starts, _ = first_words(out, blocks)
    n = len(blocks)
    above = np.zeros(3, np.float64)
    worst, known = 0.0, 0
    for i in range(n):
        row = rows[i, SAID_AT:]
        total, least, greatest = 0.0, 0.0, 0.0
        for k in range(starts[i], starts[i + 1]):
            place = place_of(word_keys, words[k])
            known += sizes[k] * (place >= 0)
            weight = word_weights[place] if place >= 0 else 0.0
            total += weight
            least = weight if k == starts[i] else min(least, weight)
            greatest = weight if k == starts[i] else max(greatest, weight)
        total /= np.sqrt(max(starts[i + 1] - starts[i], 1))
        row[SAID.total], row[SAID.least], row[SAID.greatest] = total, least, greatest
        row[SAID.heading_total], row[SAID.heading_least], row[SAID.heading_greatest] = above
        if groups[elements[blocks[i, ELEMENT], TAG]] == heading:
            above[0], above[1], above[2] = total, least, greatest
            worst = min(worst, total)
        row[SAID.worst_heading] = worst
    known_share = known / max(sizes.sum(), 1)
    for i in range(n):
        rows[i, SAID_AT + SAID.before] = rows[i - 1, SAID_AT + SAID.total] if i > 0 else 0.0
        rows[i, SAID_AT + SAID.after] = rows[i + 1, SAID_AT + SAID.total] if i + 1 < n else 0.0
        rows[i, SAID_AT + SAID.known_share] = known_share
