"""Blank the code, addresses and numbers of a text, and the words of all scripts but its main one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from curate.text.characters import LETTER, MARK, SCRIPT_NAMES, SCRIPT_SHIFT
from curate.text.compiled import kernel

#: A line is code if this many times its marks of code reach its words: "x = compute(y);" has two words and three marks,
#: and "see https://example.org/ for more" three words and one. curate's own value.
WORDS_PER_MARK = 2
#: A line that is indented and has at most so many words is more likely code than prose. curate's own values.
INDENT, FEW_WORDS = 2, 3
#: How many half letters of an alphabet a letter of each script counts, so that scripts compare by what they say.
#: Measured on paragraphs of the Universal Declaration of Human Rights and parallel sentences of TICO-19: in Latin
#: letters a text has 1.3 to 1.8 times the letters that it has in an Indic script, Khmer, Burmese or Ethiopic, where
#: most vowels are marks, and 1.7 to 3.0 times those of Chinese, Japanese and Korean.
HALF_LETTERS = np.full(len(SCRIPT_NAMES), 2, np.int64)
HALF_LETTERS[SCRIPT_NAMES.index("devanagari") : SCRIPT_NAMES.index("tibetan") + 1] = 3
HALF_LETTERS[[SCRIPT_NAMES.index(name) for name in ("ethiopic", "khmer", "burmese")]] = 3
HALF_LETTERS[SCRIPT_NAMES.index("hangul") : SCRIPT_NAMES.index("bopomofo") + 1] = 4

#: What a letter of the Latin script counts in the choice of the main script: English terms, names, menus and examples
#: stand in pages of every language, and other scripts hardly ever in English ones. curate's own value: it corrects
#: three of the four judged pages that were wrongly called English without it, and breaks none.
LATIN_WEIGHT = 2 / 3

_LATIN = SCRIPT_NAMES.index("latin")
_HANGUL, _HAN = SCRIPT_NAMES.index("hangul"), SCRIPT_NAMES.index("han")
_LAST_SIGN = SCRIPT_NAMES.index("bopomofo")

_NEWLINE, _SPACE, _TAB = 10, 32, 9
_FIRST, _LAST = 0x21, 0x7E  # a chunk is a run of these, ASCII without spaces and controls
# What `_chunk` finds.
_WORD, _CODE, _BLANK, _MARK, _NOTHING = 0, 1, 2, 3, 4


@kernel
def blank_code(codes: NDArray[np.uint32], table: NDArray[np.uint32], out: NDArray[np.uint32]) -> tuple[int, int]:
    """Write the text to ``out`` with spaces for code, addresses and what mixes letters and digits.

    A line of code loses its ASCII words and keeps the others, which are comments and strings.

    Args:
        codes: code points of the text.
        table: that of `curate.text.characters.character_table`.
        out: of the length of ``codes``.

    Returns:
        The half letters that stay and those that were there.
    """
    total = kept = 0
    size = len(codes)
    start = 0
    while start < size:
        stop = start
        while stop < size and codes[stop] != _NEWLINE:
            total += _size(table[codes[stop]])
            out[stop] = codes[stop]
            stop += 1
        _blank_line(codes, table, out, start, stop)
        for i in range(start, stop):
            kept += _size(table[out[i]])
        if stop < size:
            out[stop] = _NEWLINE
        start = stop + 1
    return kept, total


@kernel
def keep_main_script(
    codes: NDArray[np.uint32], table: NDArray[np.uint32], counts: NDArray[np.int64]
) -> tuple[int, int]:
    """Blank the letters of all scripts but the one that most of the text is in; return its half letters and
    all half letters.

    Han, kana, bopomofo and Hangul are one script here. Letters that are in no listed script stay.

    Args:
        codes: code points of the text, which are changed.
        table: that of `curate.text.characters.character_table`.
        counts: room for the half letters of each script.
    """
    counts[:] = 0
    for code in codes:
        if table[code] & LETTER:
            counts[_group(table[code])] += _size(table[code])
    counts[0] = 0
    total = counts.sum()
    latin = counts[_LATIN]
    counts[_LATIN] = np.int64(latin * LATIN_WEIGHT)
    main = counts.argmax()
    counts[_LATIN] = latin
    if counts[main] < total:
        for i in range(len(codes)):
            group = _group(table[codes[i]]) if table[codes[i]] & LETTER else 0
            if group != 0 and group != main:
                codes[i] = _SPACE
    return counts[main], total


@kernel
def _group(flags: np.uint32) -> np.int64:
    script = np.int64(flags >> np.uint32(SCRIPT_SHIFT))
    return np.int64(_HAN) if _HANGUL <= script <= _LAST_SIGN else script


@kernel
def _size(flags: np.uint32) -> int:
    """Return the half letters of a character."""
    return HALF_LETTERS[np.int64(flags >> np.uint32(SCRIPT_SHIFT))] if flags & LETTER else 0


@kernel
def _blank_line(
    codes: NDArray[np.uint32], table: NDArray[np.uint32], out: NDArray[np.uint32], start: int, stop: int
) -> None:
    """Blank the code in the line from ``start`` to ``stop``."""
    first = start
    while first < stop and (codes[first] == _SPACE or codes[first] == _TAB):
        first += 1
    words = marks = 0
    tab = first > start and codes[start] == _TAB
    whole = False  # a comment, a prompt
    i = first
    while i < stop:
        if not _FIRST <= codes[i] <= _LAST:
            # A word of other letters is counted where it begins.
            words += table[codes[i]] & LETTER != 0 and (i == start or not table[codes[i - 1]] & (LETTER | MARK))
            i += 1
            continue
        end = i
        while end < stop and _FIRST <= codes[end] <= _LAST:
            end += 1
        kind = _chunk(codes, i, end, i == first, end == stop)
        if kind == _WORD:
            words += i == start or not table[codes[i - 1]] & (LETTER | MARK)
            if codes[end - 1] == 59 and end == stop:  # ;
                marks += 1
        elif kind in (_CODE, _MARK):
            marks += 1
        if kind in (_CODE, _BLANK):
            out[i:end] = _SPACE
        if i == first:
            whole = _opens_code(codes, i, end)
        i = end
    if (first - start >= INDENT or tab) and words <= FEW_WORDS:
        marks += 1
    if whole or (marks and WORDS_PER_MARK * marks >= words):
        _blank_words(table, out, first, stop)


@kernel
def _blank_words(table: NDArray[np.uint32], out: NDArray[np.uint32], start: int, stop: int) -> None:
    """Blank the words that are all ASCII."""
    i = start
    while i < stop:
        end = i
        ascii_ = True
        while end < stop and table[out[end]] & (LETTER | MARK):
            ascii_ &= out[end] <= _LAST
            end += 1
        if ascii_:
            out[i:end] = _SPACE
        i = end + 1


@kernel
def _opens_code(codes: NDArray[np.uint32], start: int, end: int) -> bool:
    """Return whether the first chunk of a line is `//`, `/*`, `*/`, `<!--`, `#!`, `>>>` or `$`."""
    one, two = codes[start], codes[start + 1] if start + 1 < end else np.uint32(0)
    if one == 47:  # /
        return two == 47 or two == 42
    if one == 42:  # *
        return two == 47
    if one == 60:  # <
        return two == 33
    if one == 35:  # #
        return two == 33
    if one == 62:  # >
        return two == 62 and start + 2 < end and codes[start + 2] == 62
    return one == 36 and two == 0  # $


@kernel
def _is_letter(code: np.uint32) -> bool:
    return bool(97 <= code <= 122 or 65 <= code <= 90)


@kernel
def _is_digit(code: np.uint32) -> bool:
    return bool(48 <= code <= 57)


@kernel
def _chunk(codes: NDArray[np.uint32], start: int, end: int, is_first: bool, is_last: bool) -> int:
    """Return what a chunk is: a word, code or an address, letters and digits, a mark of code, or nothing."""
    letters = digits = humps = 0
    mixed = marked = False
    for i in range(start, end):
        c = codes[i]
        before = codes[i - 1] if i > start else np.uint32(0)
        after = codes[i + 1] if i + 1 < end else np.uint32(0)
        if _is_letter(c):
            letters += 1
            mixed |= _is_digit(before)  # 3D
            if c <= 90 and 97 <= before <= 122:
                humps += 1
            continue
        if _is_digit(c):
            digits += 1
            mixed |= _is_letter(before)
            continue
        joins = (_is_letter(before) or _is_digit(before)) and (_is_letter(after) or _is_digit(after))
        both = _is_letter(before) and _is_letter(after)
        if c == 61 or c == 123 or c == 125:  # = { }
            marked = True
        elif c == 46:  # . as in example.org, not as in e.g.
            marked |= both and i - start >= 2 and _is_letter(codes[i - 2]) and i + 2 < end and _is_letter(codes[i + 2])
        elif c == 58:  # : as in http://, std::map, "key":
            marked |= after == 47 or after == 58 or before == 34 or both
        elif c == 47 and after == 47 and end == start + 2:  # a comment
            marked = True
        elif c == 47 or c == 95 or c == 35 or c == 43 or c == 42 or c == 38 or c == 124:  # / _ # + * & |
            marked |= joins or (c == before and c != 42 and c != 47 and c != 95 and c != 35)
            marked |= _is_letter(after) and ((c == 95 and before == 95) or c == 38)  # __init__, &nbsp;
        elif c == 64:  # @
            marked |= _is_letter(after) or _is_digit(after)
        elif c == 60:  # <
            marked |= _is_letter(after) or after == 47 or joins or start + 1 == end
        elif c == 62:  # >
            marked |= joins or before == 45
        elif c == 92 or c == 37 or c == 36 or c == 94 or c == 126:  # \ % $ ^ ~
            marked |= _is_letter(after) and (c != 36 or joins or i == start)
            marked |= joins and c != 36
        elif c == 40:  # ( as in call(x)
            marked |= _is_letter(before) or before == 95 or (after == 41 and i > start)
        elif c == 91:  # [ as in a[i], not as in river[12]
            marked |= _is_letter(before) and not _is_digit(after)
        elif c == 59:  # ; alone, inside, or as in call(x);
            marked |= both or before == 41 or (start + 1 == end and is_last)
    if marked:
        return _CODE if letters or digits else _MARK
    if letters == 0:
        # A plus or an asterisk between spaces is an operator, unless it opens an item of a list.
        one = start + 1 == end and not is_first and (codes[start] == 43 or codes[start] == 42)
        return _MARK if one else _NOTHING
    # getElementById is an identifier; kaZwelonke and McDonald are words.
    return _BLANK if mixed or humps > 1 else _WORD
