"""What the blocks of a page look like, as numbers: what `curate.extract.columns.FEATURES` names."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from curate.extract.columns import (
    BREAKS,
    CAPITALS,
    CHARS,
    CLASSES,
    CLASSES_AT,
    CODES,
    COMMAS,
    CONTAINER,
    CONTAINERS_AT,
    DEPTH,
    DIGITS,
    ELEMENT,
    EMPHASIZED,
    FEATURES,
    FIRST,
    FLAG_NAMES,
    FLAGS,
    FLAGS_AT,
    IMAGES,
    LAST,
    LEVELS,
    LINK_CHARS,
    LINKS,
    NEIGHBOUR,
    NEIGHBOURS,
    NEIGHBOURS_AT,
    OWN,
    PAGE,
    PAGE_AT,
    PARENT,
    PLACE,
    PLACE_AT,
    PUNCTUATION,
    SIBLINGS,
    SIBLINGS_AT,
    SOURCE,
    START,
    STOP,
    TAG,
    WORDS,
)
from curate.extract.element_kernels import (
    S_BLOCKS,
    S_CHARS,
    S_LINKED,
    S_MARKS,
    S_PROSE,
    S_WORDS,
    Floats,
    Ints,
    Keys,
    Longs,
    count_equal,
    is_prose,
    larger,
    place_of,
    sibling_keys,
    sum_elements,
    weigh_classes,
    words_of,
)
from curate.extract.tag_kernels import MAX_NAME
from curate.extract.word_kernels import describe_words
from curate.text.compiled import kernel
from curate.text.hash_kernels import FNV32_BASIS, FNV64_BASIS, fnv1a_32, fnv1a_64

# Groups of tags that matter to this file (`curate.extract.main_text`).
LIST_ITEM, HEADING_TAG, ARTICLE_TAG, MAIN_TAG = 2, 3, 13, 14
MAX_CLIMB = 30  # ancestors looked at for repeated siblings
MIN_SIBLINGS = 3  # that count as repeated
TITLE_BLOCK = 40  # words of a block that are compared with the title
MAX_TITLE = 30  # words of a block that may be the title
NOWHERE = 999.0  # how far what the page does not have is
_STEPS = tuple(step for _, step in NEIGHBOURS)

Bytes = NDArray[np.uint8]


@kernel
def count_copies(out: Bytes, blocks: Ints) -> Longs:
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
def title_hashes(title: Bytes) -> Keys:
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
def title_words(out: Bytes, block: Ints, title: Keys) -> tuple[int, int]:
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
def first_character(byte: int) -> int:
    """Kind of the first byte of a block: a small letter, a capital, a digit, not ASCII, any other."""
    if 97 <= byte <= 122:
        return 0
    if 65 <= byte <= 90:
        return 1
    if 48 <= byte <= 57:
        return 2
    return 4 if byte < 128 else 3


@kernel
def last_character(byte: int) -> int:
    """Kind of the last byte of a block: the end of a sentence, a colon, a digit, any other."""
    if byte in (33, 46, 63):
        return 3
    if byte == 58:
        return 2
    return 1 if 48 <= byte <= 57 else 0


@kernel
def describe_blocks(rows: Floats, blocks: Ints, elements: Ints, groups: Longs, sums: Floats) -> None:
    """Write what each block is by itself."""
    n = len(blocks)
    page_words = max(sums[0, S_WORDS], 1.0)
    words_before = 0.0
    for i in range(n):
        b, row = blocks[i], rows[i]
        e = b[ELEMENT]
        chars, words = max(b[CHARS], 1), words_of(b)
        row[OWN.log_characters] = np.log(1.0 + chars)
        row[OWN.log_words] = np.log(1.0 + words)
        row[OWN.link_share] = b[LINK_CHARS] / chars
        row[OWN.links] = b[LINKS]
        row[OWN.marks_per_word] = (b[PUNCTUATION] + b[COMMAS]) / max(words, 1)
        row[OWN.punctuation] = b[PUNCTUATION]
        row[OWN.commas] = b[COMMAS]
        row[OWN.digit_share] = b[DIGITS] / chars
        row[OWN.capitals_per_word] = b[CAPITALS] / max(b[WORDS], 1)
        row[OWN.breaks] = b[BREAKS]
        row[OWN.emphasized_share] = b[EMPHASIZED] / chars
        row[OWN.code_share] = b[CODES] / chars
        row[OWN.images] = b[IMAGES]
        row[OWN.characters_per_word] = chars / max(words, 1)
        row[OWN.first_character] = first_character(b[FIRST])
        row[OWN.last_character] = last_character(b[LAST])
        row[OWN.tag_group] = groups[elements[e, TAG]]
        row[OWN.depth] = elements[e, DEPTH]
        row[OWN.place] = i / n
        row[OWN.words_before] = words_before / page_words
        row[OWN.log_blocks_before] = np.log(1.0 + i)
        row[OWN.log_blocks_after] = np.log(1.0 + n - i)
        row[OWN.log_gap] = np.log(1.0 + b[SOURCE] - (blocks[i - 1, SOURCE] if i > 0 else 0))
        words_before += words


@kernel
def describe_neighbours(rows: Floats, blocks: Ints, elements: Ints, groups: Longs, classes: Floats) -> None:
    """Write what the blocks around each block are; -1 where there is none."""
    n = len(blocks)
    for i in range(n):
        row = rows[i]
        e = blocks[i, ELEMENT]
        c = NEIGHBOURS_AT
        for step in _STEPS:
            k = i + step
            if 0 <= k < n:
                other = blocks[k]
                there = other[ELEMENT]
                row[c + NEIGHBOUR.log_words] = np.log(1.0 + words_of(other))
                row[c + NEIGHBOUR.link_share] = other[LINK_CHARS] / max(other[CHARS], 1)
                row[c + NEIGHBOUR.marks] = other[PUNCTUATION] + other[COMMAS]
                row[c + NEIGHBOUR.tag_group] = groups[elements[there, TAG]]
                row[c + NEIGHBOUR.is_sibling] = there == e or elements[there, PARENT] == elements[e, PARENT]
                row[c + NEIGHBOUR.class_weights] = classes[there, CLASSES.total]
            else:
                row[c : c + len(NEIGHBOUR)] = -1.0
            c += len(NEIGHBOUR)


@kernel
def describe_containers(rows: Floats, blocks: Ints, elements: Ints, sums: Floats) -> None:
    """Write what the element of each block holds, and the elements around it that hold more blocks."""
    page_chars = max(sums[0, S_CHARS], 1.0)
    above = larger(sums, elements)
    for i in range(len(blocks)):
        row = rows[i]
        f = blocks[i, ELEMENT]
        for level in range(LEVELS):
            c = CONTAINERS_AT + level * len(CONTAINER)
            total = max(sums[f, S_CHARS], 1.0)
            row[c + CONTAINER.log_characters] = np.log(1.0 + sums[f, S_CHARS])
            row[c + CONTAINER.link_share] = sums[f, S_LINKED] / total
            row[c + CONTAINER.log_blocks] = np.log(1.0 + sums[f, S_BLOCKS])
            row[c + CONTAINER.marks_per_word] = sums[f, S_MARKS] / max(sums[f, S_WORDS], 1.0)
            row[c + CONTAINER.page_share] = sums[f, S_CHARS] / page_chars
            row[c + CONTAINER.prose_share] = sums[f, S_PROSE] / total
            f = above[f]


@kernel
def describe_page(rows: Floats, blocks: Ints, elements: Ints, groups: Longs, sums: Floats) -> None:
    """Write what the page is, the same for every block."""
    n = len(blocks)
    headings, items, articles, mains = 0, 0, 0, 0
    for i in range(n):
        group = groups[elements[blocks[i, ELEMENT], TAG]]
        headings += group == HEADING_TAG
        items += group == LIST_ITEM
    for e in range(len(elements) - 1):
        articles += groups[elements[e, TAG]] == ARTICLE_TAG
        mains += groups[elements[e, TAG]] == MAIN_TAG
    page_chars = max(sums[0, S_CHARS], 1.0)
    page = np.empty(len(PAGE), np.float64)
    page[PAGE.log_characters] = np.log(1.0 + page_chars)
    page[PAGE.log_blocks] = np.log(1.0 + n)
    page[PAGE.link_share] = sums[0, S_LINKED] / page_chars
    page[PAGE.prose_share] = sums[0, S_PROSE] / page_chars
    page[PAGE.heading_share] = headings / max(n, 1)
    page[PAGE.item_share] = items / max(n, 1)
    page[PAGE.log_articles] = np.log(1.0 + articles)
    page[PAGE.mains] = mains
    page[PAGE.characters_per_block] = page_chars / max(n, 1)
    page[PAGE.marks_per_word] = sums[0, S_MARKS] / max(sums[0, S_WORDS], 1.0)
    for i in range(n):
        for k in range(len(PAGE)):
            rows[i, PAGE_AT + k] = page[k]


@kernel
def describe_elements(rows: Floats, blocks: Ints, elements: Ints, classes: Floats) -> None:
    """Write where each block stands, as bits, and what the class words there weigh."""
    for i in range(len(blocks)):
        e = blocks[i, ELEMENT]
        for bit in range(len(FLAG_NAMES)):
            rows[i, FLAGS_AT + bit] = (elements[e, FLAGS] >> bit) & 1
        for k in range(len(CLASSES)):
            rows[i, CLASSES_AT + k] = classes[e, k]


@kernel
def describe_siblings(rows: Floats, blocks: Ints, elements: Ints, tokens: NDArray[np.uint32], sums: Floats) -> None:
    """Write which repeated siblings each block stands in: the nearest ones, and those with the most characters."""
    ne = len(elements) - 1
    page_chars = max(sums[0, S_CHARS], 1.0)
    keys = sibling_keys(elements, tokens)
    siblings = count_equal(keys)
    order = np.argsort(keys, kind="mergesort")
    chars, linked = np.zeros(ne, np.float64), np.zeros(ne, np.float64)  # of an element and its like siblings
    first = 0
    while first < ne:
        size = siblings[order[first]]
        all_chars, all_linked = 0.0, 0.0
        for k in range(first, first + size):
            all_chars += sums[order[k], S_CHARS]
            all_linked += sums[order[k], S_LINKED]
        for k in range(first, first + size):
            chars[order[k]], linked[order[k]] = all_chars, all_linked
        first += size
    c = SIBLINGS_AT
    for i in range(len(blocks)):
        row = rows[i]
        nearest, largest, f = -1, -1, blocks[i, ELEMENT]
        for level in range(MAX_CLIMB):
            if f <= 0:
                break
            if siblings[f] >= MIN_SIBLINGS:
                if nearest < 0:
                    nearest = f
                    row[c + SIBLINGS.nearest] = siblings[f]
                    row[c + SIBLINGS.nearest_characters] = chars[f] / siblings[f]
                    row[c + SIBLINGS.nearest_page_share] = chars[f] / page_chars
                    row[c + SIBLINGS.nearest_level] = level
                if largest < 0 or chars[f] > chars[largest]:
                    largest = f
            f = elements[f, PARENT]
        if largest >= 0:
            row[c + SIBLINGS.largest] = siblings[largest]
            row[c + SIBLINGS.largest_characters] = chars[largest] / siblings[largest]
            row[c + SIBLINGS.largest_page_share] = chars[largest] / page_chars
            row[c + SIBLINGS.largest_link_share] = linked[largest] / max(chars[largest], 1.0)


@kernel
def describe_places(
    rows: Floats, out: Bytes, blocks: Ints, elements: Ints, groups: Longs, h1: int, title: Keys, prose: float
) -> None:
    """Write how far each block is from headings, prose and the title; ``prose`` is the characters of all prose."""
    n = len(blocks)
    copies = count_copies(out, blocks)
    c = PLACE_AT
    following = -1
    for i in range(n - 1, -1, -1):
        rows[i, c + PLACE.until_prose] = following - i if following >= 0 else NOWHERE
        if is_prose(blocks[i]):
            following = i
    first_h1, last_prose, last_heading, heading_tag, best_title = -1, -1, -1, 0, -1
    best_overlap, prose_before = 0.0, 0.0
    for i in range(n):
        if first_h1 < 0 and elements[blocks[i, ELEMENT], TAG] == h1:
            first_h1 = i
    for i in range(n):
        b, row = blocks[i], rows[i]
        tag = elements[b[ELEMENT], TAG]
        counted, found = title_words(out, b, title)
        overlap = 2.0 * found / max(len(title) + counted, 1)
        if overlap > best_overlap and counted < MAX_TITLE:
            best_overlap, best_title = overlap, i
        row[c + PLACE.copies] = copies[i]
        row[c + PLACE.since_h1] = i - first_h1 if first_h1 >= 0 else -NOWHERE
        row[c + PLACE.prose_before] = prose_before / max(prose, 1.0)
        row[c + PLACE.since_prose] = i - last_prose if last_prose >= 0 else NOWHERE
        row[c + PLACE.since_heading] = i - last_heading if last_heading >= 0 else NOWHERE
        row[c + PLACE.heading_tag] = heading_tag
        row[c + PLACE.title_overlap] = overlap
        if groups[tag] == HEADING_TAG:
            last_heading, heading_tag = i, tag
        if is_prose(b):
            last_prose = i
            prose_before += b[CHARS]
    for i in range(n):
        rows[i, c + PLACE.since_title] = i - best_title if best_title >= 0 else -NOWHERE
        rows[i, c + PLACE.best_title_overlap] = best_overlap


@kernel
def features(
    out: Bytes,
    blocks: Ints,
    elements: Ints,
    tokens: NDArray[np.uint32],
    groups: Longs,
    h1: int,
    class_keys: NDArray[np.uint32],
    class_weights: Floats,
    word_keys: NDArray[np.uint32],
    word_weights: Floats,
    title: Keys,
) -> Floats:
    """Describe each block of a page.

    Args:
        out, blocks, elements, tokens: of `curate.extract.html_kernels.scan`.
        groups: of each tag, the group of tags it belongs to.
        h1: the tag of that name.
        class_keys, class_weights: hashes of class words, sorted, and how much each speaks for main text.
        word_keys, word_weights: the same of the first words of blocks (`curate.extract.word_kernels`).
        title: hashes of the words in the page's title, of more than two letters, sorted.

    Returns:
        float64 [blocks, FEATURES].
    """
    rows = np.zeros((len(blocks), len(FEATURES)), np.float64)
    sums = sum_elements(blocks, elements)
    classes = weigh_classes(elements, tokens, class_keys, class_weights)
    describe_blocks(rows, blocks, elements, groups, sums)
    describe_neighbours(rows, blocks, elements, groups, classes)
    describe_containers(rows, blocks, elements, sums)
    describe_page(rows, blocks, elements, groups, sums)
    describe_elements(rows, blocks, elements, classes)
    describe_siblings(rows, blocks, elements, tokens, sums)
    describe_places(rows, out, blocks, elements, groups, h1, title, sums[0, S_PROSE])
    describe_words(rows, out, blocks, elements, groups, HEADING_TAG, word_keys, word_weights)
    return rows
