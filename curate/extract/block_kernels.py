"""Build the blocks and elements of a page: text, line breaks, and what opens and closes an element."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from curate.extract.columns import (
    BLOCK_COLUMNS,
    BREAKS,
    CAPITALS,
    CHARS,
    CODES,
    COMMAS,
    DIGITS,
    ELEMENT,
    EMPHASIZED,
    FIRST,
    IDEOGRAPHS,
    LAST,
    LINK_CHARS,
    LINK_WORDS,
    LINKS,
    PUNCTUATION,
    SOURCE,
    START,
    STOP,
    TAG,
    WORDS,
)
from curate.extract.tag_kernels import DASH, contains, is_letter, is_space
from curate.text.compiled import kernel
from curate.text.hash_kernels import FNV32_BASIS, fnv1a_32

# What a tag does. PLAIN ones are passed over, BLOCK ones start and end blocks, RAW ones hold no tags and no text of the
# page, the text in DROP ones is none of the page's either. HOLD ones are elements in running text; READING ones are
# dropped in ruby, CUSTOM_ELEMENT ones are blocks or in running text.
PLAIN, BLOCK, BREAK, RULE, RAW, DROP, LINK, IMAGE, SUPERSCRIPT, EMPHASIS, CODE, VOID, SUBSCRIPT, HOLD = range(14)
READING, CUSTOM_ELEMENT = 14, 15
ACTIONS = 16

# State of the scan.
OUT, SPACE, IN_LINK, IN_EMPHASIS, IN_CODE, IN_SUP, WORD, LINK_HEIGHT, EMPHASIS_HEIGHT, BLOCKS = range(10)
ELEMENTS, HEIGHT, N_TOKENS, TITLE_START, TITLE_STOP, LANG_START, LANG_STOP, MOST_ATTRIBUTES = range(10, 18)
OPEN_TITLE, OPEN_SCRIPT = 18, 19  # whether a title, or a script in a script, was found not to end
STATES = 20

# What IN_SUP says: the next byte is the first of a superscript, of the numerator of a fraction, or of a subscript.
EXPONENT, NUMERATOR, INDEX = 1, 2, 3

MAX_WORD = 24  # bytes of a word of a class that count
MAX_TOKENS = 24  # words of class, id and role that are kept of an element
# Ours, far from what pages have: of 1,509 real ones the deepest nests 46 elements, the largest has 2,207 blocks and
# 5,961 elements.
MAX_UP = 100  # open elements that an end tag looks through
MAX_BLOCKS, MAX_ELEMENTS = 50_000, 400_000  # of one page; what follows is cut off


@kernel
def starts_number(data: NDArray[np.uint8], i: int, stop: int) -> bool:
    """Say whether a digit, a minus or a plus before a digit begins at ``i``."""
    byte = data[i]
    if 48 <= byte <= 57 or byte == DASH:
        return True
    if byte == 43:  # plus: 10<sup>+3</sup>, but not Na<sup>+</sup>
        return i + 1 < stop and 48 <= data[i + 1] <= 57
    return contains(data, i, min(i + len(MINUS), stop), MINUS) or contains(data, i, min(i + 7, stop), MINUS_CODE)


MINUS, MINUS_CODE = np.frombuffer("\u2212".encode(), np.uint8), np.frombuffer(b"&minus;", np.uint8)


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
            # 10<sup>6</sup> is 10^6, x<sup>2</sup> x^2, 1<sup>1</sup>/<sub>2</sub> 1 1/2, 101<sub>2</sub> 101_2
            if at > block[START] and starts_number(data, i, stop):
                before = out[at - 1]
                single = is_letter(before) and (at - 2 < block[START] or not is_letter(out[at - 2]))
                digit = 48 <= before <= 57
                if state[IN_SUP] == EXPONENT and (digit or before == 41 or single):
                    out[at] = 94
                    at += 1
                elif digit and state[IN_SUP] != EXPONENT:
                    out[at] = 32 if state[IN_SUP] == NUMERATOR else 95
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
        state[IN_SUP] = EXPONENT
    elif does == SUBSCRIPT:
        state[IN_SUP] = INDEX


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
    elif does == SUPERSCRIPT or does == SUBSCRIPT:  # noqa: SIM109
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
def end_line(out: NDArray[np.uint8], state: NDArray[np.int64], block: NDArray[np.int32]) -> None:
    """Break the line of preformatted text, unless it has just been broken."""
    if block[CHARS] > 0 and out[state[OUT] - 1] != 10:
        out[state[OUT]] = 10
        state[OUT] += 1
        state[SPACE] = 0
        state[WORD] = 0
        block[BREAKS] += 1
