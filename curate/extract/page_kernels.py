"""Compiled loops that count what is on a whole page: links, tags, names of classes, and lines of its text."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from curate.extract.columns import CHARS, ELEMENT, FLAGS, HEADING, LINK_CHARS
from curate.extract.element_kernels import count_equal, is_prose, place_of
from curate.extract.html_kernels import lower
from curate.extract.tag_kernels import (
    ATTRIBUTES,
    BANG,
    DASH,
    GT,
    LT,
    QUESTION,
    SLASH,
    find_byte,
    find_end_tag,
    is_letter,
    is_space,
    name_hash,
    read_attributes,
)
from curate.text.compiled import kernel
from curate.text.hash_kernels import FNV64_BASIS, fnv1a_64
from curate.text.table_kernels import find

Bytes = NDArray[np.uint8]
Table = tuple[NDArray[np.uint64], NDArray[np.int64]]

# Attributes that are looked at, in the order of the table that `read_attributes` gets.
ATTRIBUTE_NAMES = ("href", "rel", "class", "property", "content", "name")
HREF, REL, CLASS, PROPERTY, CONTENT, NAME = range(6)

# Tags that are counted, from 1 because no value of a table is 0. The text in those from `SCRIPT` on is not read.
TAG_NAMES = ("a", "article", "time", "form", "input", "img", "iframe", "h1", "h2", "li", "td", "p", "body", "meta",
             "link", "script", "style", "textarea", "noscript", "template", "svg")  # fmt: skip
A, ARTICLE, TIME, FORM, INPUT, IMAGE, FRAME, H1, H2, ITEM, CELL, PARAGRAPH, BODY, META, LINK, SCRIPT = range(1, 17)

# What a word in an attribute says, as bits.
(
    IS_PAID, IS_TAG, IS_NEXT, IS_BOOKMARK, IS_EXCERPT, IS_PAGER, IS_SHOP, IS_POST, IS_COMMENT, IS_AD, IS_LIST_PAGE,
    IS_SINGLE_PAGE, IS_ARTICLE_TYPE, IS_NO_INDEX,
) = (1 << bit for bit in range(14))  # fmt: skip


class _Count(NamedTuple):
    """Counts over the markup."""

    links: int
    outbound: int
    paid: int
    tag_links: int
    next_links: int
    bookmarks: int
    excerpts: int
    pagers: int
    shop: int
    posts: int
    comments: int
    ads: int
    list_page: int
    single_page: int
    article_type: int
    no_index: int


COUNT = _Count(*range(16))
# The bits of words in rel, class, and the content of meta, and the count that each adds to.
_COUNTED = np.array([
    COUNT.paid, COUNT.tag_links, COUNT.next_links, COUNT.bookmarks, COUNT.excerpts, COUNT.pagers, COUNT.shop,
    COUNT.posts, COUNT.comments, COUNT.ads, COUNT.list_page, COUNT.single_page, COUNT.article_type, COUNT.no_index,
])  # fmt: skip
_IN_REL = IS_PAID | IS_TAG | IS_NEXT | IS_BOOKMARK
_IN_CLASS = IS_EXCERPT | IS_PAGER | IS_SHOP | IS_POST | IS_COMMENT | IS_AD
_IN_BODY = IS_LIST_PAGE | IS_SINGLE_PAGE
_IN_META = IS_ARTICLE_TYPE | IS_NO_INDEX


class _Line(NamedTuple):
    """Counts over the lines of the main text."""

    lines: int
    size: int
    link_lines: int
    link_size: int
    cut_off: int
    questions: int
    prices: int
    percents: int
    sentences: int
    skeletons: int
    words: int
    title_words: int


LINE = _Line(*range(12))


class _Block(NamedTuple):
    """Sums over the blocks."""

    characters: int
    linked: int
    prose: int
    prose_blocks: int
    longest: int
    headings: int
    linked_headings: int


BLOCK = _Block(*range(7))

ELLIPSIS_BYTES = 48  # at the end of a line in which an ellipsis counts: "... Continue reading", in any script
SHORT_ANCHOR = 40  # bytes of a link's text that may be "read more", in any script
REPEATED_ANCHOR = 3  # menus stand at most twice on a page


@kernel
def _add_words(
    data: Bytes, start: int, stop: int, keys: NDArray[np.uint64], values: NDArray[np.int64], wanted: int,
    counts: NDArray[np.int64],
) -> None:  # fmt: skip
    """Count the words of an attribute that the table knows, if they are of the wanted meanings."""
    i = start
    while i < stop:
        while i < stop and (is_space(data[i]) or data[i] == 44):
            i += 1
        begin = i
        while i < stop and not is_space(data[i]) and data[i] != 44:
            i += 1
        if i > begin:
            bits = find(keys, values, np.uint64(name_hash(data, begin, i))) & wanted
            bit = 0
            while bits:
                if bits & 1:
                    counts[_COUNTED[bit]] += 1
                bits >>= 1
                bit += 1


@kernel
def _is_outbound(data: Bytes, start: int, stop: int, host: Bytes) -> bool:
    """Say whether an address leads to another host than the page's, which stands in lower case and without www."""
    while start < stop and is_space(data[start]):
        start += 1
    i = start
    while i < stop and is_letter(data[i]):
        i += 1
    scheme = i - start
    if i < stop and data[i] == 58 and (scheme == 4 or scheme == 5) and (data[start] | 32) == 104:
        i += 1
    elif scheme:
        return False
    if i + 2 > stop or data[i] != SLASH or data[i + 1] != SLASH:
        return False
    i += 2
    if i + 4 <= stop and (data[i] | 32) == 119 and (data[i + 1] | 32) == 119 and (data[i + 2] | 32) == 119:
        i += 4 if data[i + 3] == 46 else 0
    for k in range(len(host)):
        if i + k >= stop:
            return True
        byte = data[i + k]
        if 65 <= byte <= 90:
            byte += 32
        if byte != host[k]:
            return True
    i += len(host)
    return i < stop and data[i] != SLASH and data[i] != 58 and data[i] != QUESTION and data[i] != 35


@kernel
def scan_markup(
    data: Bytes, host: Bytes, tag_table: Table, attribute_table: Table, word_table: Table
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.uint64], NDArray[np.int64]]:
    """Count tags, links and telling words of a page's markup.

    Returns:
        `COUNT`; how often each tag of ``TAG_NAMES`` occurs, from 1; the hash of the letters of each link's text, and
        the number of its bytes.
    """
    n = len(data)
    counts = np.zeros(len(COUNT), np.int64)
    tags = np.zeros(64, np.int64)
    found = np.zeros((ATTRIBUTES, 2), np.int64)
    room = 256
    anchors, sizes = np.empty(room, np.uint64), np.empty(room, np.int64)
    links = 0
    inside, h, size = False, FNV64_BASIS, 0
    i = 0
    while i < n:
        if not inside:
            i = find_byte(data, i, n, LT)
            if i >= n:
                break
        byte = data[i]
        if byte != LT or i + 1 >= n:
            if inside:
                if is_letter(byte):
                    h, size = fnv1a_64(h, byte | 32), size + 1
                elif byte >= 128:
                    h, size = fnv1a_64(h, byte), size + 1
            i += 1
            continue
        following = data[i + 1]
        if following == BANG:
            if i + 3 < n and data[i + 2] == DASH and data[i + 3] == DASH:
                i += 4
                while i < n and not (data[i] == GT and data[i - 1] == DASH and data[i - 2] == DASH):
                    i += 1
            else:
                i = find_byte(data, i, n, GT)
            continue
        closing = following == SLASH
        begin = i + 2 if closing else i + 1
        if begin >= n or not is_letter(data[begin]):
            i += 1
            continue
        end = begin
        while end < n and data[end] != GT and data[end] != SLASH and not is_space(data[end]):
            end += 1
        if inside and end == begin + 1 and (data[begin] | 32) == 97:  # </a>, or an <a> that ends the one before
            if links == room:
                room *= 2
                anchors, sizes = (
                    np.append(anchors, np.empty(links, np.uint64)),
                    np.append(sizes, np.empty(links, np.int64)),
                )
            anchors[links], sizes[links] = h, size
            links += 1
            inside = False
        if closing:
            i = find_byte(data, end, n, GT)
            continue
        tag = find(tag_table[0], tag_table[1], np.uint64(name_hash(data, begin, end)))
        tags[tag] += 1
        if data[min(end, n - 1)] == GT and tag < SCRIPT:  # no attributes
            i = end + 1
            continue
        i, _, _ = read_attributes(data, end, n, attribute_table[0], attribute_table[1], found)
        if found[CLASS, 1]:
            wanted = _IN_BODY | _IN_CLASS if tag == BODY else _IN_CLASS
            _add_words(data, found[CLASS, 0], found[CLASS, 1], word_table[0], word_table[1], wanted, counts)
        if found[REL, 1]:
            _add_words(data, found[REL, 0], found[REL, 1], word_table[0], word_table[1], _IN_REL, counts)
        if tag == A and found[HREF, 1]:
            counts[COUNT.links] += 1
            counts[COUNT.outbound] += _is_outbound(data, found[HREF, 0], found[HREF, 1], host)
            inside, h, size = True, FNV64_BASIS, 0
        elif tag == META and found[CONTENT, 1] - found[CONTENT, 0] < 100:
            _add_words(data, found[CONTENT, 0], found[CONTENT, 1], word_table[0], word_table[1], _IN_META, counts)
        elif tag >= SCRIPT:
            i = find_end_tag(data, i, n, lower(data, begin, end))
    return counts, tags, anchors[:links], sizes[:links]


@kernel
def repeated_anchors(anchors: NDArray[np.uint64], sizes: NDArray[np.int64]) -> tuple[int, int]:
    """Return how many short links have a text that occurs often, as "read more" does, and how often the commonest."""
    equal = count_equal(anchors)
    repeated = most = 0
    for i in range(len(anchors)):
        if 0 < sizes[i] <= SHORT_ANCHOR and equal[i] >= REPEATED_ANCHOR:
            repeated += 1
            most = max(most, equal[i])
    return repeated, most


@kernel
def sum_blocks(blocks: NDArray[np.int32], elements: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return `BLOCK`: sums over the blocks of a page."""
    sums = np.zeros(len(BLOCK), np.int64)
    for i in range(len(blocks)):
        b = blocks[i]
        sums[BLOCK.characters] += b[CHARS]
        sums[BLOCK.linked] += b[LINK_CHARS]
        if elements[b[ELEMENT], FLAGS] & HEADING:
            sums[BLOCK.headings] += 1
            sums[BLOCK.linked_headings] += 2 * b[LINK_CHARS] > b[CHARS]
        elif is_prose(b):
            sums[BLOCK.prose] += b[CHARS]
            sums[BLOCK.prose_blocks] += 1
            sums[BLOCK.longest] = max(sums[BLOCK.longest], np.int64(b[CHARS]))
    return sums


@kernel
def _has_ellipsis(text: Bytes, start: int, stop: int) -> bool:
    """Say whether there is an ellipsis near the end of a line, and no full stop after it."""
    i = stop - 1
    while i >= max(start, stop - ELLIPSIS_BYTES):
        if text[i] == 46:
            return i - 2 >= start and text[i - 1] == 46 and text[i - 2] == 46
        if text[i] == 0xA6 and i - 2 >= start and text[i - 1] == 0x80 and text[i - 2] == 0xE2:
            return True
        i -= 1
    return False


@kernel
def _is_currency_before(text: Bytes, i: int) -> bool:
    """Say whether the byte before ``i`` ends a sign of currency: $ £ ¥ and those of U+20A0 to U+20BF."""
    if i >= 1 and text[i - 1] == 36:
        return True
    if i >= 2 and text[i - 2] == 0xC2 and (text[i - 1] == 0xA3 or text[i - 1] == 0xA5):
        return True
    return i >= 3 and text[i - 3] == 0xE2 and text[i - 2] == 0x82 and text[i - 1] >= 0xA0


@kernel
def _is_currency_after(text: Bytes, i: int, n: int) -> bool:
    if i < n and (text[i] == 32 or text[i] == 36):
        i += 1
    return i + 3 <= n and text[i] == 0xE2 and text[i + 1] == 0x82 and text[i + 2] >= 0xA0


@kernel
def scan_text(text: Bytes, anchors: NDArray[np.uint64], title: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Return `LINE`: counts over the lines and sentences of a main text.

    Args:
        text: UTF-8.
        anchors: sorted hashes of the texts of the page's links.
        title: sorted hashes of the long words of the title.
    """
    n = len(text)
    out = np.zeros(len(LINE), np.int64)
    skeletons = np.empty(n // 8 + 1, np.uint64)
    sentences = 0
    line, h, size = 0, FNV64_BASIS, 0
    skeleton, words = FNV64_BASIS, 0
    word, word_start, letters = FNV64_BASIS, -1, 0
    for i in range(n + 1):
        byte = np.int64(text[i]) if i < n else np.int64(10)
        low = byte | 32
        letter = 97 <= low <= 122 or byte >= 128
        digit = 48 <= byte <= 57
        if letter:
            h, size = fnv1a_64(h, low if byte < 128 else byte), size + 1
        if letter or digit:
            if word_start < 0:
                word, word_start, letters = FNV64_BASIS, i, 0
            word = fnv1a_64(word, low if byte < 128 else byte)
            letters += int(letter)
            if digit and (i + 1 == n or not 48 <= text[i + 1] <= 57):
                out[LINE.prices] += _is_currency_after(text, i + 1, n)
                out[LINE.percents] += i + 1 < n and text[i + 1] == 37
            if digit and i and not 48 <= text[i - 1] <= 57:
                out[LINE.prices] += _is_currency_before(text, i)
        elif word_start >= 0:
            first = text[word_start]
            name = 65 <= first <= 90 or 48 <= first <= 57
            skeleton = fnv1a_64(skeleton, 1) if name else fnv1a_64(skeleton, word)
            words += 1
            if letters >= LONG_WORD:
                out[LINE.words] += 1
                out[LINE.title_words] += place_of(title, word) >= 0
            word_start = -1
        ends = byte == 10 or byte == 33 or byte == 63 or (byte == 46 and (i + 1 >= n or is_space(text[i + 1])))
        if ends:
            if words >= 5:
                skeletons[sentences] = skeleton
                sentences += 1
            skeleton, words = FNV64_BASIS, 0
        if byte == 10:
            stop = i
            while stop > line and is_space(text[stop - 1]):
                stop -= 1
            if stop > line and size:
                out[LINE.lines] += 1
                out[LINE.size] += size
                if place_of(anchors, h) >= 0:
                    out[LINE.link_lines] += 1
                    out[LINE.link_size] += size
                out[LINE.cut_off] += _has_ellipsis(text, line, stop)
                out[LINE.questions] += text[stop - 1] == QUESTION
            line, h, size = i + 1, FNV64_BASIS, 0
    equal = count_equal(skeletons[:sentences])
    out[LINE.sentences] = sentences
    out[LINE.skeletons] = (equal > 1).sum()
    return out


LONG_WORD = 4  # letters (bytes) of a word of the title that counts


@kernel
def word_hashes(text: Bytes) -> NDArray[np.uint64]:
    """Return the hash of each long word of a title, as `scan_text` makes them."""
    hashes = np.empty(len(text) // LONG_WORD + 1, np.uint64)
    found = 0
    word, letters, inside = FNV64_BASIS, 0, False
    for i in range(len(text) + 1):
        byte = np.int64(text[i]) if i < len(text) else np.int64(32)
        low = byte | 32
        letter = 97 <= low <= 122 or byte >= 128
        if letter or 48 <= byte <= 57:
            if not inside:
                word, letters, inside = FNV64_BASIS, 0, True
            word = fnv1a_64(word, low if byte < 128 else byte)
            letters += int(letter)
        elif inside:
            if letters >= LONG_WORD:
                hashes[found] = word
                found += 1
            inside = False
    return hashes[:found]


class _Counted(NamedTuple):
    """What `count_page` returns: `COUNT`, tags, `LINE`, `BLOCK`, repeated links, copies of one, words of the title."""

    counts: NDArray[np.int64]
    tags: NDArray[np.int64]
    lines: NDArray[np.int64]
    sums: NDArray[np.int64]
    repeated: int
    most: int
    title_words: int


@kernel
def count_page(
    data: Bytes, host: Bytes, text: Bytes, title: Bytes, blocks: NDArray[np.int32], elements: NDArray[np.int32],
    tag_table: Table, attribute_table: Table, word_table: Table,
) -> _Counted:  # fmt: skip
    """Count everything on a page in one call: one compiled function is loaded, and not five.

    Args:
        data: markup.
        host: of the page's address.
        text: main text.
        title: of the page.
        blocks, elements: of `curate.extract.blocks.cut`.
        tag_table, attribute_table, word_table: see `scan_markup`.
    """
    counts, tags, anchors, sizes = scan_markup(data, host, tag_table, attribute_table, word_table)
    words = np.sort(word_hashes(title))
    lines = scan_text(text, np.sort(anchors), words)
    repeated, most = repeated_anchors(anchors, sizes)
    return _Counted(counts, tags, lines, sum_blocks(blocks, elements), repeated, most, len(words))
