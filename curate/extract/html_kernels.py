"""Cut an HTML page into blocks of text, in one pass over its bytes.

No tree is built: a stack of the open block elements says where a text stands, and an end tag closes what HTML would
close. Whatever the page, the work is linear in its size: searches are bounded, or remember that they found nothing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from curate.extract.columns import (
    ARIA_HIDDEN,
    BLOCK_COLUMNS,
    BREAKS,
    CAPITALS,
    CHARS,
    CODES,
    COMMAS,
    DEPTH,
    DIGITS,
    DROPPED,
    ELEMENT,
    ELEMENT_COLUMNS,
    EMPHASIZED,
    FIRST,
    FIRST_TOKEN,
    FLAGS,
    HIDDEN,
    IDEOGRAPHS,
    IMAGES,
    LAST,
    LINK_CHARS,
    LINK_WORDS,
    LINKS,
    PARENT,
    PRE,
    PUNCTUATION,
    SOURCE,
    START,
    STOP,
    TAG,
    WORDS,
)
from curate.extract.tag_kernels import (
    ALT,
    ARIA,
    ATTRIBUTES,
    BANG,
    CLASS,
    DASH,
    GT,
    HIDDEN_ATTRIBUTE,
    HREF,
    ID,
    ITEMPROP,
    LANG,
    LT,
    QUESTION,
    ROLE,
    SLASH,
    STYLE,
    contains,
    find_byte,
    find_end_tag,
    has_name,
    is_letter,
    is_space,
    name_hash,
    read_attributes,
    style_hides,
)
from curate.text.compiled import kernel
from curate.text.hash_kernels import FNV32_BASIS, fnv1a_32
from curate.text.table_kernels import find

#: A table of names (`curate.text.table_kernels`): hashes and values.
Names = tuple[NDArray[np.uint64], NDArray[np.int64]]
_Numbers = NDArray[np.int64]
#: What the scan knows of tags, see `scan`.
Rules = tuple[_Numbers, _Numbers, _Numbers, _Numbers, _Numbers, NDArray[np.bool_]]

# What a tag does. PLAIN ones are passed over, BLOCK ones start and end blocks, RAW ones hold no tags and no text of the
# page, the text in DROP ones is none of the page's either.
PLAIN, BLOCK, BREAK, RULE, RAW, DROP, LINK, IMAGE, SUPERSCRIPT, EMPHASIS, CODE, VOID = range(12)

# State of the scan.
OUT, SPACE, IN_LINK, IN_EMPHASIS, IN_CODE, IN_SUP, WORD, LINK_HEIGHT, EMPHASIS_HEIGHT, BLOCKS = range(10)
ELEMENTS, HEIGHT, N_TOKENS, TITLE_START, TITLE_STOP, LANG_START, LANG_STOP, MOST_ATTRIBUTES = range(10, 18)
STATES = 18

HTML_TAG, TITLE_TAG = 1, 2
TRUE = np.frombuffer(b"true", np.uint8)

MAX_WORD = 24  # bytes of a word of a class that count
MAX_TOKENS = 24  # words of class, id and role that are kept of an element
# Ours, far from what pages have: of 1,509 real ones the deepest nests 46 elements, the largest has 2,207 blocks and
# 5,961 elements.
MAX_UP = 100  # open elements that an end tag looks through
MAX_BLOCKS, MAX_ELEMENTS = 50_000, 400_000  # of one page; what follows is cut off


@kernel
def emit(
    data: NDArray[np.uint8],
    start: int,
    stop: int,
    out: NDArray[np.uint8],
    state: NDArray[np.int64],
    block: NDArray[np.int32],
    keep_space: bool,
) -> None:
    """Append text to the current block, with white space collapsed unless ``keep_space``, and count what is in it."""
    at = state[OUT]
    space = state[SPACE]
    word = state[WORD]
    linked = state[IN_LINK] > 0
    empty = at == block[START]
    chars, words, punctuation, digits, capitals, commas, ideographs = 0, 0, 0, 0, 0, 0, 0
    for i in range(start, stop):
        byte = data[i]
        if is_space(byte):
            if keep_space:
                out[at] = byte
                at += 1
            else:
                space = 1
            word = 0
            continue
        if byte < 32:
            continue
        if space and not keep_space:
            if not empty and out[at - 1] != 10 and out[at - 1] != 32:
                out[at] = 32
                at += 1
            space = 0
        if empty:
            empty = False
            block[FIRST] = byte
            block[SOURCE] = i
        if state[IN_SUP] > 0:
            # 10<sup>6</sup> is 10^6, and x<sup>2</sup> x^2
            if (48 <= byte <= 57 or byte == DASH) and at > block[START]:
                before = out[at - 1]
                single = is_letter(before) and (at - 2 < block[START] or not is_letter(out[at - 2]))
                if 48 <= before <= 57 or before == 41 or single:
                    out[at] = 94
                    at += 1
            state[IN_SUP] = 0
        out[at] = byte
        at += 1
        if byte < 128:
            chars += 1
            if 48 <= byte <= 57:
                digits += 1
                words += word == 0
                word = 1
            elif is_letter(byte):
                if word == 0:
                    words += 1
                    capitals += byte < 97
                word = 1
            else:
                word = 0
                if byte == 46 or byte == 33 or byte == 63 or byte == 59 or byte == 58:
                    punctuation += 1
                elif byte == 44:
                    commas += 1
        elif byte >= 192:
            chars += 1
            words += word == 0
            word = 1
            if byte == 227 and i + 2 < stop and data[i + 1] == 128:
                punctuation += data[i + 2] == 130
                commas += data[i + 2] == 129
            elif 227 <= byte <= 233:
                ideographs += 1
            elif byte == 239 and i + 2 < stop and data[i + 1] == 188:
                commas += data[i + 2] == 140
                punctuation += data[i + 2] == 129 or data[i + 2] == 159
        block[LAST] = byte
    block[CHARS] += chars
    block[WORDS] += words
    if linked:
        block[LINK_CHARS] += chars
        block[LINK_WORDS] += words
    if state[IN_EMPHASIS] > 0:
        block[EMPHASIZED] += chars
    if state[IN_CODE] > 0:
        block[CODES] += chars
    block[PUNCTUATION] += punctuation
    block[DIGITS] += digits
    block[CAPITALS] += capitals
    block[COMMAS] += commas
    block[IDEOGRAPHS] += ideographs
    state[OUT], state[SPACE], state[WORD] = at, space, word


@kernel
def flush(
    out: NDArray[np.uint8], state: NDArray[np.int64], block: NDArray[np.int32], blocks: NDArray[np.int32], element: int
) -> None:
    """Close the current block and start the next."""
    stop = state[OUT]
    while stop > block[START] and is_space(out[stop - 1]):
        stop -= 1
    if block[CHARS] > 0:
        block[STOP] = stop
        block[ELEMENT] = element
        for k in range(BLOCK_COLUMNS):
            blocks[state[BLOCKS], k] = block[k]
        state[BLOCKS] += 1
    else:
        stop = block[START]
    for k in range(BLOCK_COLUMNS):
        block[k] = 0
    state[OUT] = stop
    block[START] = stop
    state[SPACE] = 0
    state[WORD] = 0


@kernel
def add_tokens(
    data: NDArray[np.uint8],
    start: int,
    stop: int,
    salt: np.uint32,
    tokens: NDArray[np.uint32],
    state: NDArray[np.int64],
    first: int,
) -> None:
    """Keep the hashes of the words of a class or id: runs of letters, cut before capitals too.

    ``first`` is where the element's words begin in ``tokens``, which needs room for one word for every two bytes, and
    never for more than ``MAX_TOKENS`` of an element.
    """
    i = start
    while i < stop and state[N_TOKENS] - first < MAX_TOKENS:
        while i < stop and not is_letter(data[i]):
            i += 1
        begin = i
        h = np.uint32(FNV32_BASIS ^ salt)
        while i < stop and is_letter(data[i]):
            byte = data[i]
            if byte < 97:
                if i > begin and data[i - 1] >= 97:
                    break
                byte += 32
            if i - begin < MAX_WORD:
                h = fnv1a_32(h, byte)
            i += 1
        if i - begin >= 2:
            tokens[state[N_TOKENS]] = h
            state[N_TOKENS] += 1


@kernel
def pop(
    state: NDArray[np.int64], stack: NDArray[np.int32], elements: NDArray[np.int32], open_tags: NDArray[np.int32]
) -> None:
    """Close the innermost element; a link or emphasis opened in it ends with it."""
    state[HEIGHT] -= 1
    open_tags[elements[stack[state[HEIGHT]], TAG]] -= 1
    if state[LINK_HEIGHT] > state[HEIGHT]:
        state[IN_LINK] = 0
        state[LINK_HEIGHT] = 0
    if state[EMPHASIS_HEIGHT] > state[HEIGHT]:
        state[IN_EMPHASIS] = 0
        state[EMPHASIS_HEIGHT] = 0


@kernel
def close(
    tag: int,
    stops: NDArray[np.bool_],
    state: NDArray[np.int64],
    stack: NDArray[np.int32],
    elements: NDArray[np.int32],
    open_tags: NDArray[np.int32],
) -> bool:
    """Close the innermost open element of a tag and all inside it, unless one of ``stops`` stands between."""
    if open_tags[tag] == 0:
        return False
    for up in range(min(MAX_UP, state[HEIGHT])):
        other = elements[stack[state[HEIGHT] - 1 - up], TAG]
        if other == tag:
            for _ in range(up + 1):
                pop(state, stack, elements, open_tags)
            return True
        if stops[other]:
            return False
    return False


@kernel
def has_text(data: NDArray[np.uint8], start: int, stop: int) -> bool:
    """Say whether there is anything but white space."""
    while start < stop and is_space(data[start]):
        start += 1
    return start < stop


@kernel
def find_declaration_end(data: NDArray[np.uint8], i: int) -> int:
    """Index after the comment or declaration whose ``<!`` is at ``i``."""
    n = len(data)
    if i + 3 >= n or data[i + 2] != DASH or data[i + 3] != DASH:
        return min(find_byte(data, i, n, GT) + 1, n)
    j = i + 4
    if j < n and data[j] == GT:
        return j + 1
    while j + 2 < n and not (data[j] == DASH and data[j + 1] == DASH and data[j + 2] == GT):
        j += 1
    return j + 3 if j + 2 < n else n


@kernel
def start_inline(does: int, is_link: bool, state: NDArray[np.int64], block: NDArray[np.int32]) -> None:
    """Note that a link, emphasis, code or superscript begins."""
    if does == LINK:
        state[IN_LINK] = is_link
        state[LINK_HEIGHT] = state[HEIGHT]
        block[LINKS] += is_link
    elif does == EMPHASIS:
        state[IN_EMPHASIS] = 1
        state[EMPHASIS_HEIGHT] = state[HEIGHT]
    elif does == CODE:
        state[IN_CODE] = 1
    elif does == SUPERSCRIPT:
        state[IN_SUP] = 1


@kernel
def end_inline(does: int, state: NDArray[np.int64]) -> None:
    """Note that a link, emphasis, code or superscript ends."""
    if does == LINK:
        state[IN_LINK] = 0
        state[LINK_HEIGHT] = 0
    elif does == EMPHASIS:
        state[IN_EMPHASIS] = 0
    elif does == CODE:
        state[IN_CODE] = 0
    elif does == SUPERSCRIPT:
        state[IN_SUP] = 0


@kernel
def add_break(
    out: NDArray[np.uint8],
    state: NDArray[np.int64],
    block: NDArray[np.int32],
    blocks: NDArray[np.int32],
    element: int,
    is_pre: bool,
) -> None:
    """Break the line; a second break in a row ends the block, except in preformatted text."""
    if state[OUT] > block[START] and out[state[OUT] - 1] == 10 and not is_pre:
        flush(out, state, block, blocks, element)
    elif block[CHARS] > 0:
        out[state[OUT]] = 10
        state[OUT] += 1
        state[SPACE] = 0
        state[WORD] = 0
        block[BREAKS] += 1


@kernel
def scan(
    data: NDArray[np.uint8],
    alt_texts: bool,
    names: Names,
    attributes: Names,
    dropped_classes: Names,
    rules: Rules,
    head: int,
    body: int,
    custom: int,
) -> tuple[NDArray[np.uint8], NDArray[np.int32], NDArray[np.int32], NDArray[np.uint32], NDArray[np.int64]]:
    """Cut a page into blocks.

    Args:
        data: the page in UTF-8, uint8 [n]; fewer than 2^31 bytes, because positions are int32.
        alt_texts: whether the alternative texts of images are text.
        names: table of the names of tags (`curate.text.table_kernels.find`): keys, values.
        attributes: table of the names of attributes, see `read_attributes`.
        dropped_classes: table of the classes whose elements are dropped.
        rules: of each tag, what it does; its flag; the tags that its start closes, int [tags, 4], 0 for none; the set
            of tags that stops that; the set that its end does not reach through; and those sets, bool [sets, tags].
        head, body: the tags of these names.
        custom: the tag that stands for custom elements; the next one stands for unknown names.

    Returns:
        Text (uint8), blocks [n, BLOCK_COLUMNS], elements [n, ELEMENT_COLUMNS], class words of the elements, state.
    """
    action, flag, implied, implied_stop, end_stop, stops = rules
    n = len(data)
    tags = 0  # at most: every tag begins with "<"
    for i in range(n):
        tags += data[i] == LT
    most = min(tags, MAX_ELEMENTS - 1)  # elements besides the root: a tag opens at most one
    # A byte of text is written once; a space, a line break or a "^" only for white space or a tag, which are longer.
    out = np.empty(n, np.uint8)
    # A tag ends at most one block, and the end of the page one more, but none after the last that is allowed.
    blocks = np.empty((min(tags + 1, MAX_BLOCKS), BLOCK_COLUMNS), np.int32)
    elements = np.empty((most + 2, ELEMENT_COLUMNS), np.int32)  # with the root, and a last row for where the tokens end
    # A class word has two letters or more ("AbCd" is two words), and no byte is in two values.
    tokens = np.empty(min(n // 2, most * MAX_TOKENS), np.uint32)
    stack = np.empty(most + 1, np.int32)  # never holds an element twice, nor loses the root, whose tag no name has
    open_tags = np.zeros(len(action), np.int32)
    state = np.zeros(STATES, np.int64)
    block = np.zeros(BLOCK_COLUMNS, np.int32)
    found = np.zeros((ATTRIBUTES, 2), np.int64)
    elements[0] = 0
    elements[0, PARENT] = -1  # the root
    stack[0] = 0
    open_tags[0] = 1
    state[ELEMENTS] = 1
    state[HEIGHT] = 1
    i = 0
    while i < n and state[BLOCKS] < MAX_BLOCKS and state[ELEMENTS] < MAX_ELEMENTS:
        top = stack[state[HEIGHT] - 1]
        if data[i] != LT or i + 1 >= n:  # text
            j = find_byte(data, i + 1, n, LT)
            if elements[top, TAG] == head and has_text(data, i, j):
                pop(state, stack, elements, open_tags)
                top = stack[state[HEIGHT] - 1]
            if not elements[top, FLAGS] & DROPPED:
                emit(data, i, j, out, state, block, (elements[top, FLAGS] & PRE) > 0)
            i = j
            continue
        following = data[i + 1]
        if following == BANG:  # a comment or declaration
            i = find_declaration_end(data, i)
            continue
        ending = following == SLASH
        begin = i + 2 if ending else i + 1
        if begin >= n or not is_letter(data[begin]):
            if ending or following == QUESTION:
                i = min(find_byte(data, i, n, GT) + 1, n)
            else:  # a sign of less than
                if not elements[top, FLAGS] & DROPPED:
                    emit(data, i, i + 1, out, state, block, (elements[top, FLAGS] & PRE) > 0)
                i += 1
            continue
        j = begin
        dash = False
        while j < n and data[j] != GT and data[j] != SLASH and not is_space(data[j]):
            dash |= data[j] == DASH
            j += 1
        tag = find(names[0], names[1], name_hash(data, begin, j))
        if tag == 0:
            tag = custom if dash else custom + 1
        does = action[tag]
        i, slash, count = read_attributes(data, j, n, attributes[0], attributes[1], found)
        state[MOST_ATTRIBUTES] = max(state[MOST_ATTRIBUTES], count)
        dropped = (elements[top, FLAGS] & DROPPED) > 0
        if ending:  # an end tag
            end_inline(does, state)
            if close(tag, stops[end_stop[tag]], state, stack, elements, open_tags) and does == BLOCK and not dropped:
                flush(out, state, block, blocks, top)
            continue
        # A start tag that opens no element.
        if does == RAW:
            k = find_end_tag(data, i, n, begin, j)
            if tag == TITLE_TAG and state[TITLE_STOP] == 0 and not dropped:
                state[TITLE_START], state[TITLE_STOP] = i, k
            i = min(find_byte(data, k, n, GT) + 1, n)
            continue
        if does == BREAK:
            if not dropped:
                add_break(out, state, block, blocks, top, (elements[top, FLAGS] & PRE) > 0)
            continue
        if does == RULE:
            if not dropped:
                flush(out, state, block, blocks, top)
            continue
        if does == IMAGE:
            if not dropped:
                block[IMAGES] += 1
                if alt_texts and found[ALT, 1] > found[ALT, 0]:
                    state[SPACE] = 1
                    emit(data, found[ALT, 0], found[ALT, 1], out, state, block, (elements[top, FLAGS] & PRE) > 0)
                    state[SPACE] = 1
            continue
        if does == VOID:
            continue
        unwanted = found[CLASS, 1] > 0 and has_name(
            data, found[CLASS, 0], found[CLASS, 1], dropped_classes[0], dropped_classes[1]
        )
        inside_dropped = dropped and tag == elements[top, TAG]
        if does != BLOCK and does != DROP and not unwanted and not inside_dropped:
            start_inline(does, found[HREF, 1] > 0, state, block)
            continue
        if tag == HTML_TAG and state[LANG_STOP] == 0:
            state[LANG_START], state[LANG_STOP] = found[LANG, 0], found[LANG, 1]
        if open_tags[tag] > 0 and (tag == HTML_TAG or tag == body):  # noqa: SIM109
            continue
        if slash and does == DROP:  # <svg/>
            continue
        if does == BLOCK and not dropped:
            flush(out, state, block, blocks, top)
        if tag == body or (does == BLOCK and elements[top, TAG] == head):
            close(head, stops[0], state, stack, elements, open_tags)
        for k in range(implied.shape[1]):
            if implied[tag, k] > 0:
                close(implied[tag, k], stops[implied_stop[tag]], state, stack, elements, open_tags)
        # The element that the tag opens.
        parent = stack[state[HEIGHT] - 1]
        new = state[ELEMENTS]
        flags = elements[parent, FLAGS] | flag[tag]
        if unwanted or does == DROP:
            flags |= DROPPED
        if found[HIDDEN_ATTRIBUTE, 1] > 0:
            flags |= HIDDEN
        if found[STYLE, 1] > 0 and style_hides(data, found[STYLE, 0], found[STYLE, 1]):
            flags |= HIDDEN
        if found[ARIA, 1] > 0 and contains(data, found[ARIA, 0], found[ARIA, 1], TRUE):
            flags |= ARIA_HIDDEN
        elements[new, PARENT] = parent
        elements[new, TAG] = tag
        elements[new, FLAGS] = flags
        elements[new, DEPTH] = elements[parent, DEPTH] + 1
        elements[new, FIRST_TOKEN] = state[N_TOKENS]
        if not flags & DROPPED:
            first = state[N_TOKENS]
            add_tokens(data, found[CLASS, 0], found[CLASS, 1], np.uint32(0), tokens, state, first)
            add_tokens(data, found[ID, 0], found[ID, 1], np.uint32(0), tokens, state, first)
            add_tokens(data, found[ROLE, 0], found[ROLE, 1], np.uint32(1), tokens, state, first)
            add_tokens(data, found[ITEMPROP, 0], found[ITEMPROP, 1], np.uint32(2), tokens, state, first)
        stack[state[HEIGHT]] = new
        state[HEIGHT] += 1
        state[ELEMENTS] += 1
        open_tags[tag] += 1
        if flag[tag] & PRE and i < n and data[i] == 10:
            i += 1
    flush(out, state, block, blocks, stack[state[HEIGHT] - 1])
    ne = state[ELEMENTS]
    elements[ne] = 0
    elements[ne, FIRST_TOKEN] = state[N_TOKENS]
    return out[: state[OUT]], blocks[: state[BLOCKS]], elements[: ne + 1], tokens[: state[N_TOKENS]], state
