"""What the blocks of a page look like, as numbers, and which of them to keep."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from curate.extract.html_kernels import (
    BREAKS,
    CAPITALS,
    CHARS,
    CODES,
    COMMAS,
    DEPTH,
    DIGITS,
    ELEMENT,
    EMPHASIZED,
    FIRST,
    FIRST_TOKEN,
    FLAGS,
    IDEOGRAPHS,
    IMAGES,
    LAST,
    LINK_CHARS,
    LINKS,
    PARENT,
    PUNCTUATION,
    SOURCE,
    START,
    STOP,
    TAG,
    WORDS,
)  # fmt: skip
from curate.extract.tag_kernels import MAX_NAME
from curate.text.compiled import kernel
from curate.text.hash_kernels import FNV32_BASIS, FNV64_BASIS, GOLDEN, fnv1a_32, fnv1a_64

# Numbers of a block: its own, of each of four neighbours, of each of four containers, of the page, where it stands as
# bits, class words of what it stands in, its words in the title, repeated siblings around it, its place on the page.
OWN, NEIGHBOURS, AROUND, LEVELS, CONTAINER, PAGE, BITS, CHAIN, REPEATED, PLACE = 23, 4, 6, 4, 6, 10, 21, 4, 8, 10
FEATURES = OWN + NEIGHBOURS * AROUND + LEVELS * CONTAINER + PAGE + BITS + CHAIN + REPEATED + PLACE
# Numbers of what a first judgement says around a block, with its own.
CONTEXT = 21
# Sums over what is in an element.
S_CHARS, S_LINKED, S_BLOCKS, S_MARKS, S_WORDS, S_PROSE = range(6)
# Groups of tags that matter to this file.
LIST_ITEM, HEADING, ARTICLE_TAG, MAIN_TAG = 2, 3, 13, 14
MAX_CLIMB = 30  # ancestors looked at for repeated siblings
_TAG_FACTOR = np.uint64(0xC2B2AE3D27D4EB4F)  # odd, and unlike `GOLDEN`: the second prime of xxHash64
TITLE_BLOCK = 40  # words of a block that are compared with the title


@kernel
def words_of(block: NDArray[np.int32]) -> int:
    """Words of a block; two ideographs count as one."""
    return block[WORDS] + block[IDEOGRAPHS] // 2


@kernel
def is_prose(block: NDArray[np.int32]) -> bool:
    """Say whether a block is longer than 80 characters and not mostly links."""
    return block[CHARS] > 80 and block[LINK_CHARS] * 4 < block[CHARS]


@kernel
def place_of(keys: NDArray[np.uint64], h: np.uint64) -> int:
    """Place of a hash in a sorted list of hashes, or -1."""
    low, high = 0, len(keys)
    while low < high:
        middle = (low + high) // 2
        if keys[middle] < h:
            low = middle + 1
        else:
            high = middle
    return low if low < len(keys) and keys[low] == h else -1


@kernel
def larger(sums: NDArray[np.float64], elements: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return, for each element, the next ancestor that holds more blocks, or the root."""
    found = np.zeros(len(sums), np.int64)
    for e in range(1, len(sums)):
        parent = elements[e, PARENT]
        found[e] = parent if sums[parent, S_BLOCKS] > sums[e, S_BLOCKS] else found[parent]
    return found


@kernel
def count_copies(out: NDArray[np.uint8], blocks: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return how many blocks of the page have the same text, for each block."""
    n = len(blocks)
    hashes = np.empty(n, np.uint64)
    for i in range(n):
        h = FNV64_BASIS
        for k in range(blocks[i, START], blocks[i, STOP]):
            h = fnv1a_64(h, out[k])
        hashes[i] = h
    return count_equal(hashes)


@kernel
def count_equal(keys: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Return how often the key of each place occurs."""
    order = np.argsort(keys, kind="mergesort")  # quicksort is quadratic in an order that a page can choose
    counts = np.empty(len(keys), np.int64)
    first = 0
    while first < len(keys):
        last = first
        while last < len(keys) and keys[order[last]] == keys[order[first]]:
            last += 1
        for k in range(first, last):
            counts[order[k]] = last - first
        first = last
    return counts


@kernel
def sibling_keys(elements: NDArray[np.int32], tokens: NDArray[np.uint32]) -> NDArray[np.uint64]:
    """Hash of parent, tag and first three class words of each element: equal for the items of a list of anything."""
    n = len(elements) - 1
    keys = np.zeros(n, np.uint64)
    for e in range(1, n):
        h = np.uint64(elements[e, PARENT]) * GOLDEN
        h += np.uint64(elements[e, TAG]) * _TAG_FACTOR
        first = elements[e, FIRST_TOKEN]
        for t in range(first, min(elements[e + 1, FIRST_TOKEN], first + 3)):
            h = fnv1a_64(h, tokens[t])
        keys[e] = h
    return keys


@kernel
def title_hashes(title: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Hash the words of more than two letters in a title, which is in lower case and UTF-8; of long ones the start."""
    hashes = np.empty((len(title) + 1) // 4, np.uint64)  # a word of three bytes, and what ends it
    found, size = 0, 0
    h = FNV32_BASIS
    for k in range(len(title) + 1):
        byte = title[k] if k < len(title) else np.uint8(32)
        if 97 <= byte <= 122 or byte >= 128:
            if size < MAX_NAME:
                h = fnv1a_32(h, byte)
            size += 1
        else:
            if size > 2:
                hashes[found] = h
                found += 1
            h, size = FNV32_BASIS, 0
    return hashes[:found]


@kernel
def title_words(out: NDArray[np.uint8], block: NDArray[np.int32], title: NDArray[np.uint64]) -> tuple[int, int]:
    """Count the words at the start of a block, and those of them that stand in the title: sorted hashes."""
    counted, found, size = 0, 0, 0
    h = FNV32_BASIS
    for k in range(block[START], block[STOP] + 1):
        byte = out[k] if k < block[STOP] else 32
        if 65 <= byte <= 90:
            byte += 32
        if 97 <= byte <= 122 or byte >= 128:
            h = fnv1a_32(h, byte)
            size += 1
        elif size > 0:
            counted += 1
            found += size > 2 and place_of(title, h) >= 0
            h = FNV32_BASIS
            size = 0
            if counted == TITLE_BLOCK:
                break
    return counted, found


@kernel
def features(
    out: NDArray[np.uint8],
    blocks: NDArray[np.int32],
    elements: NDArray[np.int32],
    tokens: NDArray[np.uint32],
    groups: NDArray[np.int64],
    h1: int,
    class_keys: NDArray[np.uint32],
    class_weights: NDArray[np.float64],
    title: NDArray[np.uint64],
) -> NDArray[np.float64]:
    """Describe each block of a page.

    Args:
        out, blocks, elements, tokens: of `curate.extract.html_kernels.scan`.
        groups: of each tag, the group of tags it belongs to.
        h1: the tag of that name.
        class_keys, class_weights: hashes of class words, sorted, and how much each speaks for main text.
        title: hashes of the words in the page's title, of more than two letters, sorted.

    Returns:
        float64 [blocks, FEATURES].
    """
    n = len(blocks)
    ne = len(elements) - 1
    rows = np.zeros((n, FEATURES), np.float64)
    sums = np.zeros((ne, 6), np.float64)
    headings, items, prose_total, first_h1 = 0, 0, 0.0, -1
    for i in range(n):
        b = blocks[i]
        e = b[ELEMENT]
        sums[e, S_CHARS] += b[CHARS]
        sums[e, S_LINKED] += b[LINK_CHARS]
        sums[e, S_BLOCKS] += 1
        sums[e, S_MARKS] += b[PUNCTUATION] + b[COMMAS]
        sums[e, S_WORDS] += words_of(b)
        if is_prose(b):
            sums[e, S_PROSE] += b[CHARS]
            prose_total += b[CHARS]
        group = groups[elements[e, TAG]]
        headings += group == HEADING
        items += group == LIST_ITEM
        if first_h1 < 0 and elements[e, TAG] == h1:
            first_h1 = i
    for e in range(ne - 1, 0, -1):
        for k in range(6):
            sums[elements[e, PARENT], k] += sums[e, k]
    above = larger(sums, elements)
    # Class words: weight of the element's own, then sum, least and greatest of all it stands in.
    chain = np.zeros((ne, CHAIN), np.float64)
    articles, mains = 0, 0
    for e in range(ne):
        own = 0.0
        for t in range(elements[e, FIRST_TOKEN], elements[e + 1, FIRST_TOKEN]):
            place = place_of(class_keys, tokens[t])
            own += class_weights[place] if place >= 0 else 0.0
        chain[e, 0] = own
        parent = elements[e, PARENT]
        if parent >= 0:
            chain[e, 1] = chain[parent, 1] + own
            chain[e, 2] = min(chain[parent, 2], own)
            chain[e, 3] = max(chain[parent, 3], own)
        articles += groups[elements[e, TAG]] == ARTICLE_TAG
        mains += groups[elements[e, TAG]] == MAIN_TAG
    keys = sibling_keys(elements, tokens)
    siblings = count_equal(keys)
    order = np.argsort(keys, kind="mergesort")
    family = np.zeros((ne, 2), np.float64)  # characters, and linked ones, of an element and its like siblings
    first = 0
    while first < ne:
        size = siblings[order[first]]
        chars, linked = 0.0, 0.0
        for k in range(first, first + size):
            chars += sums[order[k], S_CHARS]
            linked += sums[order[k], S_LINKED]
        for k in range(first, first + size):
            family[order[k], 0], family[order[k], 1] = chars, linked
        first += size
    copies = count_copies(out, blocks)
    page_chars, page_words = max(sums[0, S_CHARS], 1.0), max(sums[0, S_WORDS], 1.0)
    next_prose = np.full(n, 999.0)
    following = -1
    for i in range(n - 1, -1, -1):
        if following >= 0:
            next_prose[i] = following - i
        if is_prose(blocks[i]):
            following = i
    last_prose, last_heading, heading_tag, best_title, best_overlap = -1, -1, 0, -1, 0.0
    words_before, prose_before = 0.0, 0.0
    for i in range(n):
        b = blocks[i]
        e = b[ELEMENT]
        tag = elements[e, TAG]
        chars, words = max(b[CHARS], 1), words_of(b)
        row = rows[i]
        row[0] = np.log(1.0 + chars)
        row[1] = np.log(1.0 + words)
        row[2] = b[LINK_CHARS] / chars
        row[3] = b[LINKS]
        row[4] = (b[PUNCTUATION] + b[COMMAS]) / max(words, 1)
        row[5] = b[PUNCTUATION]
        row[6] = b[COMMAS]
        row[7] = b[DIGITS] / chars
        row[8] = b[CAPITALS] / max(b[WORDS], 1)
        row[9] = b[BREAKS]
        row[10] = b[EMPHASIZED] / chars
        row[11] = b[CODES] / chars
        row[12] = b[IMAGES]
        row[13] = chars / max(words, 1)
        byte = b[FIRST]
        row[14] = 0 if 97 <= byte <= 122 else 1 if 65 <= byte <= 90 else 2 if 48 <= byte <= 57 else 3
        if byte < 128 and row[14] == 3:
            row[14] = 4
        byte = b[LAST]
        row[15] = 3 if byte in (33, 46, 63) else 2 if byte == 58 else 1 if 48 <= byte <= 57 else 0
        row[16] = groups[tag]
        row[17] = elements[e, DEPTH]
        row[18] = i / n
        row[19] = words_before / page_words
        row[20] = np.log(1.0 + i)
        row[21] = np.log(1.0 + n - i)
        row[22] = np.log(1.0 + b[SOURCE] - (blocks[i - 1, SOURCE] if i > 0 else 0))
        c = OWN
        for step in (-2, -1, 1, 2):
            k = i + step
            if 0 <= k < n:
                other = blocks[k]
                there = other[ELEMENT]
                row[c] = np.log(1.0 + words_of(other))
                row[c + 1] = other[LINK_CHARS] / max(other[CHARS], 1)
                row[c + 2] = other[PUNCTUATION] + other[COMMAS]
                row[c + 3] = groups[elements[there, TAG]]
                row[c + 4] = there == e or elements[there, PARENT] == elements[e, PARENT]
                row[c + 5] = chain[there, 1]
            else:
                row[c : c + AROUND] = -1.0
            c += AROUND
        f = e
        for _ in range(LEVELS):
            total = max(sums[f, S_CHARS], 1.0)
            row[c] = np.log(1.0 + sums[f, S_CHARS])
            row[c + 1] = sums[f, S_LINKED] / total
            row[c + 2] = np.log(1.0 + sums[f, S_BLOCKS])
            row[c + 3] = sums[f, S_MARKS] / max(sums[f, S_WORDS], 1.0)
            row[c + 4] = sums[f, S_CHARS] / page_chars
            row[c + 5] = sums[f, S_PROSE] / total
            c += CONTAINER
            f = above[f]
        row[c] = np.log(1.0 + page_chars)
        row[c + 1] = np.log(1.0 + n)
        row[c + 2] = sums[0, S_LINKED] / page_chars
        row[c + 3] = sums[0, S_PROSE] / page_chars
        row[c + 4] = headings / n
        row[c + 5] = items / n
        row[c + 6] = np.log(1.0 + articles)
        row[c + 7] = mains
        row[c + 8] = page_chars / n
        row[c + 9] = sums[0, S_MARKS] / page_words
        c += PAGE
        for bit in range(BITS):
            row[c + bit] = (elements[e, FLAGS] >> bit) & 1
        c += BITS
        for k in range(CHAIN):
            row[c + k] = chain[e, k]
        c += CHAIN
        nearest, largest, f = -1, -1, e
        for level in range(MAX_CLIMB):
            if f <= 0:
                break
            if siblings[f] >= 3:
                if nearest < 0:
                    nearest = f
                    row[c] = siblings[f]
                    row[c + 1] = family[f, 0] / siblings[f]
                    row[c + 2] = family[f, 0] / page_chars
                    row[c + 3] = level
                if largest < 0 or family[f, 0] > family[largest, 0]:
                    largest = f
            f = elements[f, PARENT]
        if largest >= 0:
            row[c + 4] = siblings[largest]
            row[c + 5] = family[largest, 0] / siblings[largest]
            row[c + 6] = family[largest, 0] / page_chars
            row[c + 7] = family[largest, 1] / max(family[largest, 0], 1.0)
        c += REPEATED
        counted, found = title_words(out, b, title)
        overlap = 2.0 * found / max(len(title) + counted, 1)
        if overlap > best_overlap and counted < 30:
            best_overlap, best_title = overlap, i
        row[c] = copies[i]
        row[c + 1] = i - first_h1 if first_h1 >= 0 else -999.0
        row[c + 2] = prose_before / max(prose_total, 1.0)
        row[c + 3] = i - last_prose if last_prose >= 0 else 999.0
        row[c + 4] = next_prose[i]
        row[c + 5] = i - last_heading if last_heading >= 0 else 999.0
        row[c + 6] = heading_tag
        row[c + 7] = overlap
        if groups[tag] == HEADING:
            last_heading, heading_tag = i, tag
        if is_prose(b):
            last_prose = i
            prose_before += b[CHARS]
        words_before += words
    c = FEATURES - 2
    for i in range(n):
        rows[i, c] = i - best_title if best_title >= 0 else -999.0
        rows[i, c + 1] = best_overlap
    return rows


@kernel
def context(
    blocks: NDArray[np.int32], elements: NDArray[np.int32], chances: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Describe what a first judgement says around each block.

    Args:
        blocks, elements: of `curate.extract.html_kernels.scan`.
        chances: that each block is main text, by the first judgement, float64 [blocks].

    Returns:
        float64 [blocks, CONTEXT]: the chance of the block, of the four before and the four after it, the mean of its
        five innermost containers of different size, the means around it, near and far, and what the page as a whole
        looks like.
    """
    n = len(blocks)
    ne = len(elements) - 1
    rows = np.full((n, CONTEXT), -1.0)
    sums = np.zeros((ne, 3), np.float64)  # S_BLOCKS is 2
    weights = np.empty(n, np.float64)
    total, main, largest = 0.0, 0.0, 0.0
    for i in range(n):
        e = blocks[i, ELEMENT]
        weights[i] = words_of(blocks[i]) + 0.5
        sums[e, 0] += chances[i] * weights[i]
        sums[e, 1] += weights[i]
        sums[e, S_BLOCKS] += 1
        total += weights[i]
        main += chances[i] * weights[i]
        largest = max(largest, chances[i])
    for e in range(ne - 1, 0, -1):
        for k in range(3):
            sums[elements[e, PARENT], k] += sums[e, k]
    above = larger(sums, elements)
    order = np.argsort(-chances, kind="mergesort")
    taken, right, best = 0.0, 0.0, 0.0
    rank = np.empty(n, np.float64)
    for k in range(n):
        i = order[k]
        rank[i] = k / n
        taken += weights[i]
        right += chances[i] * weights[i]
        best = max(best, 2.0 * right / (taken + main))
    before = 0.0
    for i in range(n):
        row = rows[i]
        row[0] = chances[i]
        for k in range(4):
            if i - 4 + k >= 0:
                row[1 + k] = chances[i - 4 + k]
            if i + 1 + k < n:
                row[5 + k] = chances[i + 1 + k]
        f = blocks[i, ELEMENT]
        for k in range(5):
            row[9 + k] = sums[f, 0] / sums[f, 1]
            f = above[f]
        for k in range(2):
            width = 2.0 if k == 0 else 6.0
            value, weight = 0.0, 0.0
            for j in range(max(i - 12, 0), min(i + 13, n)):
                near = np.exp(-0.5 * ((j - i) / width) ** 2) * weights[j]
                value += near * chances[j]
                weight += near
            row[14 + k] = value / weight
        before += chances[i] * weights[i]
        row[16] = best
        row[17] = main / total
        row[18] = largest
        row[19] = rank[i]
        row[20] = before / max(main, 1e-9)
    return rows


@kernel
def choose(blocks: NDArray[np.int32], chances: NDArray[np.float64], least: float) -> NDArray[np.bool_]:
    """Choose the blocks that give the greatest expected F1 of words, none with a chance below ``least``.

    With a chance p for each block of w words, taking the set T is expected to find sum_T(pw) right words among
    sum_T(w) taken and sum(pw) wanted; the best set is one of the first k by falling chance.
    """
    n = len(blocks)
    order = np.argsort(-chances, kind="mergesort")
    wanted = 0.0
    for i in range(n):
        wanted += chances[i] * words_of(blocks[i])
    taken, right, best, best_k = 0.0, 0.0, -1.0, 0
    for k in range(n):
        i = order[k]
        if chances[i] < least:
            break
        taken += words_of(blocks[i])
        right += chances[i] * words_of(blocks[i])
        value = 2.0 * right / max(taken + wanted, 1e-9)
        if value > best:
            best, best_k = value, k + 1
    keep = np.zeros(n, np.bool_)
    for k in range(best_k):
        keep[order[k]] = True
    return keep


@kernel
def layout(elements: NDArray[np.int32], kinds: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return what holds each element, int [elements, 4]: table row, cell, item and list; -1 for none.

    Args:
        elements: of `curate.extract.html_kernels.scan`.
        kinds: of each tag, bits: 1 a row, 2 a cell, 4 an item, 8 a list, 16 a table or code, which ends lists outside.
    """
    n = len(elements) - 1
    found = np.full((n, 4), -1, np.int64)
    for e in range(1, n):
        parent, kind = elements[e, PARENT], kinds[elements[e, TAG]]
        if not kind & 16:
            found[e] = found[parent]
        for k in range(3):
            if kind & (1 << k):
                found[e, k] = e
        if kind & 16 or (kind & 8 and found[e, 3] < 0):  # a list in a list is part of it
            found[e, 3] = e
    return found
