"""One table of flags for every character of Unicode, in which the kernels look characters up.

>>> table = character_table()
>>> bool(table[ord("é")] & LETTER), bool(table[ord("7")] & LETTER)
(True, False)
"""

from __future__ import annotations

import functools
import unicodedata
from typing import TYPE_CHECKING

from curate.text.folding import fold_table

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: Length of the longest text that kernels take, in characters: positions are int32.
MAX_CODE_POINTS = 2**31 - 1

LETTER = 1 << 0  # general category L*, as in str.isalpha
NUMBER = 1 << 1  # N*; letters and numbers together are str.isalnum
MARK = 1 << 2  # M* and Cf: belongs to the character before it
CONNECTOR = 1 << 3  # Pc, mostly "_"
SPACE = 1 << 4  # str.isspace
UPPER = 1 << 5  # Lu and Lt
DIGIT = 1 << 6  # Nd
PUNCTUATION = 1 << 7  # P*
SYMBOL = 1 << 8  # S*
TERMINAL = 1 << 9  # ends a sentence: `TERMINAL_MARKS`
BULLET = 1 << 10  # opens an item of a list: `BULLETS`
JOINS_LETTERS = 1 << 11  # between two letters it belongs to the word (UAX 29: MidLetter, MidNumLet, Single_Quote)
JOINS_NUMBERS = 1 << 12  # the same between two digits (MidNum, MidNumLet, Single_Quote)
UNSPACED = 1 << 13  # letters of a script that is written without spaces between words: `SCRIPTS`
NO_BREAK_BEFORE = 1 << 14  # in such a script, never begins a word
NO_BREAK_AFTER = 1 << 15  # in such a script, never ends a word
BROKEN = 1 << 16  # not text: U+FFFD, controls other than white space, surrogates, private use, noncharacters
CLOSER = 1 << 17  # closing quotation marks and brackets (Pe, Pf) and " and ': may follow a terminal mark
FOLDS = 1 << 18  # a letter, number or mark that `curate.text.folding` changes or removes
CODE = 1 << 19  # marks that code is full of and prose is not: `CODE_MARKS`
VOWEL_SIGN = 1 << 20  # marks that most texts of the language leave out (Hebrew points, Arabic harakat), and the tatweel
SCRIPT_SHIFT = 24  # for letters, the eight bits from here are the index of the script in `SCRIPTS`
WORD = LETTER | NUMBER | MARK | CONNECTOR

#: Marks that end a sentence in any script: Unicode's Sentence_Terminal property (PropList.txt 15.1) in the Basic
#: Multilingual Plane, the ellipsis, and the Tibetan shads.
TERMINAL_MARKS = (
    "\u0f0d\u0f0e\u0f0f\u0f10\u0f11\u0f12"
    "!.?\u0589\u061d\u061e\u061f\u06d4\u0700\u0701\u0702\u07f9\u0837\u0839\u083d\u083e\u0964\u0965\u104a\u104b\u1362"
    "\u1367\u1368\u166e\u1735\u1736\u17d4\u17d5\u1803\u1809\u1944\u1945\u1aa8\u1aa9\u1aaa\u1aab\u1b5a\u1b5b\u1b5e\u1b5f"
    "\u1b7d\u1b7e\u1c3b\u1c3c\u1c7e\u1c7f\u2026\u203c\u203d\u2047\u2048\u2049\u2e2e\u2e3c\u2e53\u2e54\u3002\ua4ff\ua60e"
    "\ua60f\ua6f3\ua6f7\ua876\ua877\ua8ce\ua8cf\ua92f\ua9c8\ua9c9\uaa5d\uaa5e\uaa5f\uaaf0\uaaf1\uabeb\ufe52\ufe56\ufe57"
    "\uff01\uff0e\uff1f\uff61"
)
#: What opens an item of a list: the bullets of Unicode, the hyphen and dashes, the asterisk.
BULLETS = (
    "-*\u2010\u2011\u2012\u2013\u2022\u2023\u2043\u204c\u204d\u2219\u25aa\u25ab\u25cb\u25cf\u25d8\u25e6\u00b7\u30fb"
)
#: Marks of code. curate's own choice: operators, and the brackets that prose hardly has.
CODE_MARKS = "{}[]=<>_$|\\^~`"

_MID_LETTER = ":\u00b7\u0387\u055f\u05f4\u2027\ufe13\ufe55\uff1a"
_MID_NUMBER = ",;\u037e\u0589\u060c\u060d\u066c\u07f8\u2044\ufe10\ufe14\ufe50\ufe54\uff0c\uff1b"
_MID_BOTH = ".'\u2018\u2019\u2024\ufe52\uff07\uff0e"

#: Scripts by name, with their main blocks (Unicode 15.1, Blocks.txt). A letter outside them counts as "other". Korean
#: is written with spaces; those from "han" on are not.
SCRIPTS: dict[str, tuple[tuple[int, int], ...]] = {
    "other": (),
    "latin": ((0x41, 0x24F), (0x1E00, 0x1EFF), (0x2C60, 0x2C7F), (0xA720, 0xA7FF), (0xAB30, 0xAB6F), (0xFF21, 0xFF5A)),
    "greek": ((0x370, 0x3FF), (0x1F00, 0x1FFF)),
    "cyrillic": ((0x400, 0x52F), (0x1C80, 0x1C8F), (0x2DE0, 0x2DFF), (0xA640, 0xA69F)),
    "armenian": ((0x530, 0x58F),),
    "hebrew": ((0x590, 0x5FF), (0xFB1D, 0xFB4F)),
    "arabic": ((0x600, 0x6FF), (0x750, 0x77F), (0x870, 0x8FF), (0xFB50, 0xFDFF), (0xFE70, 0xFEFE)),
    "devanagari": ((0x900, 0x97F), (0xA8E0, 0xA8FF)),
    "bengali": ((0x980, 0x9FF),),
    "gurmukhi": ((0xA00, 0xA7F),),
    "gujarati": ((0xA80, 0xAFF),),
    "oriya": ((0xB00, 0xB7F),),
    "tamil": ((0xB80, 0xBFF),),
    "telugu": ((0xC00, 0xC7F),),
    "kannada": ((0xC80, 0xCFF),),
    "malayalam": ((0xD00, 0xD7F),),
    "sinhala": ((0xD80, 0xDFF),),
    "tibetan": ((0xF00, 0xFFF),),
    "georgian": ((0x10A0, 0x10FF), (0x1C90, 0x1CBF), (0x2D00, 0x2D2F)),
    "ethiopic": ((0x1200, 0x139F), (0x2D80, 0x2DDF), (0xAB00, 0xAB2F)),
    "hangul": ((0x1100, 0x11FF), (0x3130, 0x318F), (0xA960, 0xA97F), (0xAC00, 0xD7FF), (0xFFA0, 0xFFDC)),
    "han": (
        (0x2E80, 0x2FDF),
        (0x3005, 0x3007),
        (0x3400, 0x4DBF),
        (0x4E00, 0x9FFF),
        (0xF900, 0xFAFF),
        (0x20000, 0x323AF),
    ),
    "hiragana": ((0x3041, 0x309F), (0x1B001, 0x1B11F)),
    "katakana": ((0x30A0, 0x30FF), (0x31F0, 0x31FF), (0xFF66, 0xFF9F)),
    "bopomofo": ((0x3100, 0x312F), (0x31A0, 0x31BF)),
    "thai": ((0xE00, 0xE7F),),
    "lao": ((0xE80, 0xEFF),),
    "khmer": ((0x1780, 0x17FF),),
    "burmese": ((0x1000, 0x109F), (0xA9E0, 0xA9FF), (0xAA60, 0xAA7F)),
}
SCRIPT_NAMES = tuple(SCRIPTS)
FIRST_UNSPACED = SCRIPT_NAMES.index("han")

# Thai and Lao write some vowels before the consonant that they follow in speech, others after it (Unicode 15.1,
# chapter 16); Khmer's coeng and Burmese's virama stack the next consonant under the last.
_THAI_LAO_LEADING = (*range(0xE40, 0xE45), *range(0xEC0, 0xEC5))
_THAI_LAO_FOLLOWING = (0xE2F, 0xE30, 0xE32, 0xE33, 0xE45, 0xE46, 0xEB0, 0xEB2, 0xEB3, 0xEBD, 0xEC6)
_STACKING = (0x17D2, 0x1039)
# Small kana, the prolonged sound mark and iteration marks continue the word before them.
_KANA_FOLLOWING = (
    *(ord(c) for c in "ぁぃぅぇぉっゃゅょゎゝゞァィゥェォッャュョヮヵヶーヽヾ々"),
    *range(0x31F0, 0x3200),
)

_OF_CATEGORY = {
    "Lu": LETTER | UPPER,
    "Lt": LETTER | UPPER,
    "Ll": LETTER,
    "Lm": LETTER,
    "Lo": LETTER,
    "Nd": NUMBER | DIGIT,
    "Nl": NUMBER,
    "No": NUMBER,
    "Mn": MARK,
    "Mc": MARK,
    "Me": MARK,
    "Cf": MARK,
    "Cc": BROKEN,
    "Cs": BROKEN,
    "Co": BROKEN,
    "Pc": CONNECTOR | PUNCTUATION,
    "Pd": PUNCTUATION,
    "Ps": PUNCTUATION,
    "Pe": PUNCTUATION | CLOSER,
    "Pi": PUNCTUATION,
    "Pf": PUNCTUATION | CLOSER,
    "Po": PUNCTUATION,
    "Sm": SYMBOL,
    "Sc": SYMBOL,
    "Sk": SYMBOL,
    "So": SYMBOL,
    **dict.fromkeys(("Zs", "Zl", "Zp", "Cn"), 0),
}
# Planes 3 (from U+323B0) to 13 hold no characters, and 15 and 16 are private use.
_ASSIGNED = ((0, 0x323B0), (0xE0000, 0xE01F0))


def code_points(text: str) -> NDArray[np.uint32]:
    """Return a text as its code points, lone surrogates too, uint32 [characters].

    Raises:
        ValueError: the text is longer than `MAX_CODE_POINTS`.

    >>> code_points("aé").tolist()
    [97, 233]
    """
    import numpy as np

    if len(text) > MAX_CODE_POINTS:
        raise ValueError(f"a text has {len(text):,} characters, over {MAX_CODE_POINTS:,}; cut it into documents")
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


@functools.cache
def character_table() -> NDArray[np.uint32]:
    """Return the flags of every code point, uint32 [0x110000]; built once per process, from Python's Unicode data.

    >>> SCRIPT_NAMES[character_table()[0x0E01] >> SCRIPT_SHIFT]
    'thai'
    """
    import numpy as np

    table = np.zeros(0x110000, np.uint32)
    for first, stop in _ASSIGNED:
        categories = map(unicodedata.category, map(chr, range(first, stop)))
        table[first:stop] = np.fromiter(map(_OF_CATEGORY.__getitem__, categories), np.uint32, stop - first)
    table[0xF0000:] = BROKEN
    letters = (table & LETTER) != 0
    for index, ranges in enumerate(SCRIPTS.values()):
        for low, high in ranges:
            block = table[low : high + 1]
            block[letters[low : high + 1]] |= index << SCRIPT_SHIFT
    table[(table >> SCRIPT_SHIFT) >= FIRST_UNSPACED] |= UNSPACED
    for flag, characters in (
        (SPACE, _SPACES),
        (TERMINAL, TERMINAL_MARKS),
        (BULLET, BULLETS),
        (JOINS_LETTERS, _MID_LETTER + _MID_BOTH),
        (JOINS_NUMBERS, _MID_NUMBER + _MID_BOTH),
        (CLOSER, "\"'"),
        (CODE, CODE_MARKS),
        (VOWEL_SIGN, "\u0640"),
    ):
        table[[ord(c) for c in characters]] |= flag
    for low, high in ((0x591, 0x5C8), (0x610, 0x61B), (0x64B, 0x660), (0x670, 0x671), (0x6D6, 0x6EE)):
        block = table[low:high]
        block[(block & MARK) != 0] |= VOWEL_SIGN
    table[0xFFFD] = BROKEN
    table[0xFDD0:0xFDF0] = BROKEN
    table[0xFFFE::0x10000] = table[0xFFFF::0x10000] = BROKEN
    table[[ord(c) for c in _SPACES]] &= ~np.uint32(BROKEN)
    table[list(_THAI_LAO_LEADING + _STACKING)] |= NO_BREAK_AFTER
    table[list(_THAI_LAO_FOLLOWING + _KANA_FOLLOWING)] |= NO_BREAK_BEFORE
    folded = fold_table()
    table[(folded != np.arange(len(table))) & (table & WORD != 0)] |= FOLDS
    table.flags.writeable = False
    return table


# str.isspace: category Zs, Zl, Zp, and the control characters whose bidirectional class is white space or separator.
_SPACES = (
    "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
