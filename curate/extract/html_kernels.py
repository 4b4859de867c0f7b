"""Cut an HTML page into blocks of text, in one pass over its bytes.

No tree is built: a stack of the open block elements says where a text stands, and an end tag closes what HTML would
close. Whatever the page, the work is linear in its size: searches are bounded, or remember that they found nothing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from curate.extract.block_kernels import (
    ACTIONS,
    BLOCK,
    BLOCKS,
    BREAK,
    CODE,
    CUSTOM_ELEMENT,
    DROP,
    ELEMENTS,
    HEIGHT,
    HOLD,
    IMAGE,
    IN_SUP,
    LANG_START,
    LANG_STOP,
    MAX_BLOCKS,
    MAX_ELEMENTS,
    MAX_TOKENS,
    MOST_ATTRIBUTES,
    N_TOKENS,
    NUMERATOR,
    OPEN_SCRIPT,
    OPEN_TITLE,
    OUT,
    PLAIN,
    RAW,
    READING,
    RULE,
    SPACE,
    STATES,
    SUPERSCRIPT,
    TITLE_START,
    TITLE_STOP,
    VOID,
    add_break,
    add_tokens,
    close,
    emit,
    end_inline,
    end_line,
    flush,
    pop,
    start_inline,
)
from curate.extract.columns import (
    ARIA_HIDDEN,
    BLOCK_COLUMNS,
    CELL,
    CHARS,
    DEPTH,
    DROPPED,
    ELEMENT_COLUMNS,
    FIRST_TOKEN,
    FLAGS,
    HEADING,
    HIDDEN,
    IMAGES,
    INLINE,
    PARAGRAPH,
    PARENT,
    PRE,
    SPACED,
    TAG,
    TAG_SOURCE,
    WRAPPED,
)
from curate.extract.tag_kernels import (
    ALT,
    ARIA,
    ATTRIBUTES,
    BANG,
    BLOCK_WORD,
    CLASS,
    DASH,
    GT,
    HIDDEN_ATTRIBUTE,
    HREF,
    ID,
    ITEMPROP,
    LANG,
    LT,
    OLD_SHADOW,
    QUESTION,
    ROLE,
    SCRIPT,
    SHADOW,
    SLASH,
    STYLE,
    begins_line,
    contains,
    find_byte,
    find_end_tag,
    find_script_end,
    find_title_end,
    has_code_word,
    has_line_break,
    has_name,
    is_fraction,
    is_letter,
    is_name_at,
    is_space,
    name_hash,
    read_attributes,
    style_hides,
    style_spaces,
)
from curate.text.compiled import kernel
from curate.text.table_kernels import find

#: A table of names (`curate.text.table_kernels`): hashes and values.
Names = tuple[NDArray[np.uint64], NDArray[np.int64]]
_Numbers = NDArray[np.int64]
#: What the scan knows of tags, see `scan`.
Rules = tuple[_Numbers, _Numbers, _Numbers, _Numbers, _Numbers, NDArray[np.bool_], NDArray[np.bool_]]

HTML_TAG, TITLE_TAG = 1, 2
TRUE = np.frombuffer(b"true", np.uint8)


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
    if j < n and data[j] == GT:  # <!-->
        return j + 1
    if j + 1 < n and data[j] == DASH and data[j + 1] == GT:  # <!--->
        return j + 2
    while j + 2 < n:
        if data[j] == DASH and data[j + 1] == DASH:
            if data[j + 2] == GT:
                return j + 3
            if data[j + 2] == BANG and j + 3 < n and data[j + 3] == GT:  # --!>
                return j + 4
        j += 1
    return n


@kernel
def follows_text(data: NDArray[np.uint8], i: int) -> bool:
    """Say whether text, rather than a tag, stands before ``i`` and white space."""
    while i > 0 and is_space(data[i - 1]):
        i -= 1
    return i > 0 and data[i - 1] != GT


@kernel
def is_text(data: NDArray[np.uint8], i: int) -> bool:
    """Say whether text follows, rather than a tag, after white space."""
    while i < len(data) and is_space(data[i]):
        i += 1
    return i < len(data) and data[i] != LT


@kernel
def lower(data: NDArray[np.uint8], start: int, stop: int) -> NDArray[np.uint8]:
    """ASCII letters in lower case."""
    return data[start:stop] | np.uint8(32)


@kernel
def scan(
    data: NDArray[np.uint8],
    alt_texts: bool,
    xhtml: bool,
    names: Names,
    attributes: Names,
    dropped_classes: Names,
    rules: Rules,
    head: int,
    body: int,
    ruby: int,
    item: int,
    custom: int,
) -> tuple[NDArray[np.uint8], NDArray[np.int32], NDArray[np.int32], NDArray[np.uint32], NDArray[np.int64]]:
    """Cut a page into blocks.

    Args:
        data: the page in UTF-8, uint8 [n]; fewer than 2^31 bytes, because positions are int32.
        alt_texts: whether the alternative texts of images are text.
        xhtml: whether a ``/`` at the end of any start tag closes it.
        names: table of the names of tags (`curate.text.table_kernels.find`): keys, values.
        attributes: table of the names of attributes, see `read_attributes`.
        dropped_classes: table of the classes whose elements are dropped.
        rules: of each tag, what it does; its flag; the tags that its start closes, int [tags, 4], 0 for none; the set
            of tags that stops that; the set that its end does not reach through; those sets, bool [sets, tags]; and
            whether it is a line where it stands in code.
        head, body, ruby, item: the tags of these names.
        custom: the tag that stands for custom elements; the next one stands for unknown names.

    Returns:
        Text (uint8), blocks [n, BLOCK_COLUMNS], elements [n, ELEMENT_COLUMNS], class words of the elements, state.
    """
    action, flag, implied, implied_stop, end_stop, stops, lines = rules
    as_is = PRE | SPACED | WRAPPED
    ends_block = np.zeros(ACTIONS, np.bool_)  # whether the end of an element ends a block
    for k in (BLOCK, CUSTOM_ELEMENT, DROP, CODE):  # only a shadow root of DROP, only code laid out as a block of CODE
        ends_block[k] = True
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
                emit(data, i, j, out, state, block, (elements[top, FLAGS] & as_is) > 0)
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
                    emit(data, i, i + 1, out, state, block, (elements[top, FLAGS] & as_is) > 0)
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
            inline = False
            if does == CUSTOM_ELEMENT and elements[top, TAG] == tag:
                inline = (elements[top, FLAGS] & INLINE) > 0 or is_text(data, i)
            elif elements[top, FLAGS] & INLINE and lines[tag] and elements[top, TAG] == tag:
                inline = True
                if not dropped:
                    end_line(out, state, block)
            if (
                close(tag, stops[end_stop[tag]], state, stack, elements, open_tags)
                and ends_block[does]
                and not inline
                and not dropped
            ):
                flush(out, state, block, blocks, top)
            continue
        if slash and (xhtml or dropped) and does != BREAK and does != RULE and does != IMAGE:
            if does == BLOCK and not dropped:
                flush(out, state, block, blocks, top)
            continue
        # A start tag that opens no element.
        if does == RAW:
            if tag == TITLE_TAG:
                if state[OPEN_TITLE] > 0:
                    continue
                k, ended = find_title_end(data, i, n)
                if state[TITLE_STOP] == 0 and not dropped:
                    state[TITLE_START], state[TITLE_STOP] = i, k
                if not ended:
                    state[OPEN_TITLE] = 1
                    i = k
                    continue
            elif is_name_at(data, begin, j, SCRIPT):
                k, no_end = find_script_end(data, i, n, state[OPEN_SCRIPT] == 0)
                state[OPEN_SCRIPT] |= no_end
            else:
                k = find_end_tag(data, i, n, lower(data, begin, j))
            i = min(find_byte(data, k, n, GT) + 1, n)
            continue
        if does == BREAK:
            if not dropped:
                add_break(out, state, block, blocks, top, (elements[top, FLAGS] & as_is) > 0)
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
                    emit(data, found[ALT, 0], found[ALT, 1], out, state, block, (elements[top, FLAGS] & as_is) > 0)
                    state[SPACE] = 1
            continue
        if does == VOID:
            continue
        unwanted = found[CLASS, 1] > 0 and has_name(
            data, found[CLASS, 0], found[CLASS, 1], dropped_classes[0], dropped_classes[1]
        )
        inside_dropped = dropped and tag == elements[top, TAG]
        own = flag[tag]  # what the tag says of the text in it
        if does == CUSTOM_ELEMENT:
            in_text = elements[top, FLAGS] & (PRE | PARAGRAPH | HEADING | INLINE) > 0
            if in_text or (block[CHARS] > 0 and follows_text(data, begin - 1)):
                does, own = HOLD, INLINE
            else:
                does = BLOCK
        elif does == READING:
            does = DROP if open_tags[ruby] > 0 else PLAIN
        elif lines[tag] and elements[top, FLAGS] & PRE:
            does, own = HOLD, INLINE
            if not dropped:
                end_line(out, state, block)
        elif does == DROP and (found[SHADOW, 1] > 0 or found[OLD_SHADOW, 1] > 0):  # a declarative shadow root
            does = BLOCK
        spaced = style_spaces(data, found[STYLE, 0], found[STYLE, 1]) if found[STYLE, 1] > 0 else 0
        if spaced > 0:
            if does == BLOCK:
                own |= SPACED if spaced == 1 else WRAPPED
            elif does == CODE and (
                has_line_break(data, i, n) or contains(data, found[STYLE, 0], found[STYLE, 1], BLOCK_WORD)
            ):
                does, own = BLOCK, SPACED
        elif (
            found[CLASS, 1] > 0
            and (flag[tag] & CELL or tag == item)
            and begins_line(data, i, n)
            and has_code_word(data, found[CLASS, 0], found[CLASS, 1])
        ):
            own |= SPACED
        if does != BLOCK and does != DROP and does != HOLD and not unwanted and not inside_dropped:
            start_inline(does, found[HREF, 1] > 0, state, block)
            if does == SUPERSCRIPT and is_fraction(data, i, n):
                state[IN_SUP] = NUMERATOR
            continue
        if tag == HTML_TAG and state[LANG_STOP] == 0:
            state[LANG_START], state[LANG_STOP] = found[LANG, 0], found[LANG, 1]
        if open_tags[tag] > 0 and (tag == HTML_TAG or tag == body):  # noqa: SIM109
            continue
        if slash and does == DROP:  # <svg/>
            continue
        if does == BLOCK and not dropped:
            flush(out, state, block, blocks, top)
        if does == BLOCK and open_tags[ruby] > 0:  # never closed
            close(ruby, stops[0], state, stack, elements, open_tags)
        if tag == body or (does == BLOCK and elements[top, TAG] == head):
            close(head, stops[0], state, stack, elements, open_tags)
        for k in range(implied.shape[1]):
            if implied[tag, k] > 0:
                close(implied[tag, k], stops[implied_stop[tag]], state, stack, elements, open_tags)
        # The element that the tag opens.
        parent = stack[state[HEIGHT] - 1]
        new = state[ELEMENTS]
        flags = elements[parent, FLAGS] & ~INLINE | own
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
        elements[new, TAG_SOURCE] = begin - 1
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
