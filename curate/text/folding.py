r"""One folding of text: what looks the same to a reader is made the same, with places in the original.

- `fold` is for comparison: texts that differ only in invisible characters, in full-width or otherwise compatible
  forms, or in composed and decomposed letters become equal.
- `plain_characters` and `without_invisible` are for finding numbers and addresses: they exchange a character for one
  other, or remove it, so that the mark of a footnote, "¹", never becomes a digit of the number before it.

>>> fold("ｐａｇｅ o\u00adne, u\u0308ber") == "page one, über"
True
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: Ranges of characters that no reader sees: soft hyphen, combining grapheme joiner, Arabic letter mark, Mongolian vowel
#: separators, zero width space and joiners, marks and embeddings of direction, word joiner and invisible operators,
#: variation selectors, zero width no-break space, tags. Unicode's Default_Ignorable_Code_Point (DerivedCoreProperties
#: 15.1) without the Hangul and Khmer letters of that list.
INVISIBLE = (
    "\u00ad\u034f\u061c\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff"
    "\U000e0001\U000e0020-\U000e007f\U000e0100-\U000e01ef"
)
_INVISIBLE = re.compile(f"[{INVISIBLE}]+")
# A word that was broken at the end of a line. A capital after the break begins another word ("Anglo-\nSaxon").
_BROKEN_WORD = re.compile(r"(?<=[^\W\d_])[-\u00ad\u2010]\n[ \t]*(?=[^\W\d_])")

# Where Unicode 15.1 has characters that normalization changes or composes; a test compares it with all of Unicode.
_FOLDED = (
    (0x80, 0x3400),
    (0xA690, 0xAC00),
    (0xF900, 0x10000),
    (0x10780, 0x12000),
    (0x1D100, 0x1FC00),
    (0x2F800, 0x2FA20),
)

#: Flag of `fold_table`: the character folds together with its neighbours, or to several characters.
COMPOSES = 1 << 31


@functools.cache
def fold_table() -> NDArray[np.uint32]:
    """Return what each code point folds to by itself, uint32 [0x110000]: 0 if removed, itself with `COMPOSES`.

    >>> [int(fold_table()[ord(c)]) for c in "ａ\u200bb"] == [ord("a"), 0, ord("b")]
    True
    """
    import numpy as np

    table = np.arange(0x110000, dtype=np.uint32)
    for code in chain.from_iterable(range(*block) for block in _FOLDED):
        character = chr(code)
        folded = unicodedata.normalize("NFKC", character)
        if len(folded) == 1:
            table[code] = ord(folded)
        elif any(map(str.isalnum, folded)):  # spaces and marks, as of the ellipsis, stay as they are
            table[code] |= COMPOSES
    for code in _following():
        table[code] |= COMPOSES
    for first, last in re.findall("(.)(?:-(.))?", INVISIBLE):
        table[ord(first) : ord(last or first) + 1] = 0
    table.flags.writeable = False
    return table


def _following() -> set[int]:
    """Return the characters that join the one before them: NFKC_Quick_Check=Maybe, and their half-width forms."""
    second = {*range(0x1161, 0x1176), *range(0x11A8, 0x11C3), 0xFF9E, 0xFF9F, *range(0xFFA0, 0xFFDD)}
    for code in chain.from_iterable(range(*block) for block in _FOLDED):
        parts = unicodedata.decomposition(chr(code))
        if parts and parts[0] != "<" and " " in parts:
            second.add(int(parts.split()[1], 16))
    return second


def _compositions(visible: str) -> Iterator[tuple[int, int, str]]:
    """Yield start, stop and folded form of each place of a text without invisible characters that composes."""
    import numpy as np

    from curate.text.characters import code_points

    flagged = np.flatnonzero(fold_table()[code_points(visible)] & COMPOSES).tolist()
    i = done = 0
    while i < len(flagged):
        first = max(done, flagged[i] - 1)  # with the letter that a mark stands on
        while i + 1 < len(flagged) and flagged[i + 1] == flagged[i] + 1:
            i += 1
        done = flagged[i] + 1
        i += 1
        yield first, done, unicodedata.normalize("NFKC", visible[first:done])


def compose(text: str) -> str:
    """Fold what does not fold character by character; the text itself, if there is nothing of the kind.

    What remains is to exchange each character for that of `fold_table`.

    >>> compose("u\u0308ber"), compose("ｏne")
    ('über', 'ｏne')
    """
    import numpy as np

    from curate.text.characters import code_points

    if text.isascii() or not np.any(fold_table()[code_points(text)] & COMPOSES):
        return text
    visible = _INVISIBLE.sub("", text)
    pieces, done = [], 0
    for start, stop, folded in _compositions(visible):
        pieces += [visible[done:start], folded]
        done = stop
    composed = "".join([*pieces, visible[done:]])
    return text if composed == text else composed


def fold(text: str) -> str:
    """Fold a text for comparison: without invisible characters, in NFKC; case, spaces and punctuation stay.

    Args:
        text: any text; one in ASCII is returned at once.

    Returns:
        A text that folds to itself. Unlike NFKC, forms that stand for spaces and marks alone (the ellipsis) stay.

    >>> fold("Ｔel:\u200b ３"), fold("½…")
    ('Tel: 3', '1⁄2…')
    """
    if text.isascii():
        return text
    import numpy as np

    from curate.text.characters import code_points

    codes = code_points(text)
    folded = fold_table()[codes]
    if np.any(folded & COMPOSES):
        codes = code_points(compose(text))
        folded = fold_table()[codes] & ~np.uint32(COMPOSES)
    elif np.array_equal(codes, folded):
        return text
    return folded[(folded != 0) | (codes == 0)].astype("<u4").tobytes().decode("utf-32-le", "surrogatepass")


def origins(text: str) -> list[int]:
    """Return where each character of ``fold(text)`` begins in the text, and the length of the text at the end.

    >>> origins("o\u00adne"), origins("a½b")
    ([0, 2, 3, 4], [0, 1, 1, 1, 2, 3])
    """
    if text.isascii():
        return list(range(len(text) + 1))
    visible, places = without_invisible(text)
    found, done = [], 0
    for start, stop, folded in _compositions(visible):
        found += places[done:start]
        found += [places[min(start + k, stop - 1)] for k in range(len(folded))] if len(folded) != 1 else [places[start]]
        done = stop
    return found + places[done:]


def without_invisible(text: str) -> tuple[str, list[int]]:
    """Remove the `INVISIBLE` characters; return the rest and the place of each of its characters and of its end.

    >>> without_invisible("o\u00adne")
    ('one', [0, 2, 3, 4])
    """
    places: list[int] = []
    done = 0
    for run in _INVISIBLE.finditer(text):
        places += range(done, run.start())
        done = run.end()
    places += range(done, len(text) + 1)
    return _INVISIBLE.sub("", text), places


def join_broken_words(text: str) -> str:
    r"""Join the words that a hyphen breaks at the end of a line, as in text from print.

    >>> join_broken_words("a hun-\ndred years")
    'a hundred years'
    """
    return _BROKEN_WORD.sub("", text) if "-\n" in text or "\u00ad\n" in text or "\u2010\n" in text else text


# Zeros of the Arabic, Persian, Devanagari, Bengali and full-width digits.
_ZEROS = "\u0660\u06f0\u0966\u09e6\uff10"
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#: What `plain_characters` exchanges: digits; full-width letters and the marks of numbers and addresses; spaces that do
#: not end a line; hyphens and the minus sign. The dash of a range, U+2013, stays: a range of pages is not a phone
#: number. Full-width commas stay too, which end an address and are in every Chinese line.
_PLAIN = (
    {chr(0xFEE0 + ord(c)): c for c in f"{_LETTERS}#%&'()*+-./:=@[]_"}
    | {chr(ord(zero) + value): str(value) for zero in _ZEROS for value in range(10)}
    | dict.fromkeys("\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000", " ")
    | dict.fromkeys("\u2010\u2011\u2012\u2212\ufe58\ufe63", "-")
    | {"\ufe52": ".", "\ufe6b": "@"}
)
_TO_PLAIN = {ord(other): plain for other, plain in _PLAIN.items()}
# One search for both. The invisible ones beyond the Basic Multilingual Plane would slow it down, and are in no number.
_UNUSUAL = re.compile(f"[{INVISIBLE[: INVISIBLE.index(chr(0xE0001))]}{''.join(map(re.escape, _PLAIN))}]")


def plain_characters(text: str) -> tuple[str, bool]:
    r"""Exchange full-width forms, other digits, spaces and hyphens for those of ASCII, so that positions stay the same.

    Args:
        text: any text; one in ASCII is returned at once.

    Returns:
        The text, and whether it has characters for `without_invisible`.

    >>> plain_characters("０３－１２３４\u00a0 ٠١٢۳")
    ('03-1234  0123', False)
    """
    if text.isascii():
        return text, False
    found = set(_UNUSUAL.findall(text))
    others = found & _PLAIN.keys()
    if len(others) > 8:
        plain = text.translate(_TO_PLAIN)
    else:  # a few are exchanged several times as fast as by a translation of all characters
        plain = text
        for character in others:
            plain = plain.replace(character, _PLAIN[character])
    return plain, len(others) < len(found)
