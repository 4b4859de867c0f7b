"""Words as spaCy's blank English pipeline splits them, for datatrove.

The rules are those of spaCy 3.8 (spacy/lang/punctuation.py, char_classes.py, en/tokenizer_exceptions.py),
reimplemented: which characters are split off at either end of a piece, which split it inside, and which pieces are
exceptions.

>>> tokens("I can't (really) say: U.S. e-mail costs $5.")
['I', 'ca', "n't", '(', 'really', ')', 'say', ':', 'U.S.', 'e', '-', 'mail', 'costs', '$', '5', '.']
"""

from __future__ import annotations

import functools
import itertools
import unicodedata
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_PUNCTUATION = "…,:;!?¿؟¡()[]{}<>_#*&。？！，、；：～·।،۔؛٪"
_QUOTES = "'\"”“`‘´’‚,„»«「」『』（）〔〕【】《》〈〉〈〉⟦⟧"
_CURRENCY = "$£€¥฿₽﷼₴" + "".join(map(chr, range(0x20A0, 0x20C0)))
_UNITS = (
    "km km² km³ m m² m³ dm dm² dm³ cm cm² cm³ mm mm² mm³ ha µm nm yd in ft kg g mg µg t lb oz m/s km/h kmh mph hPa Pa "
    "mbar mb MB kb KB gb GB tb TB T G M K % км км² км³ м м² м³ дм дм² дм³ см см² см³ мм мм² мм³ нм кг г мг м/с км/ч "
    "кПа Па мбар Кб КБ кб Мб МБ мб Гб ГБ гб Тб ТБ كم كم² كم³ م م² م³ سم سم² سم³ مم مم² مم³ كم غرام جرام جم كغ ملغ كوب"
)
# Letters of scripts without case count as both cases, with everything else in these blocks.
_UNCASED = (
    (0x0591, 0x05F4), (0x0620, 0x064A), (0x066E, 0x06D5), (0x06E5, 0x06FF), (0x0750, 0x077F), (0x08A0, 0x08BD),
    (0x0900, 0x097F), (0x0980, 0x09FF), (0x0B80, 0x0BFF), (0x0C00, 0x0CFF), (0x0D80, 0x0DFF), (0x1100, 0x137F),
    (0x2E80, 0x2FFF), (0x3000, 0x30FF), (0x31C0, 0x4DBF), (0x4E00, 0x9FFF), (0xAC00, 0xD7AF), (0xF900, 0xFAFF),
    (0xFB1D, 0xFDFB), (0xFE30, 0xFE4F), (0xFE70, 0xFEFC), (0x20000, 0x2EBEF),
)  # fmt: skip
_CASED = (
    (0x41, 0x24F), (0x250, 0x2AF), (0x386, 0x3CE), (0x400, 0x45F), (0x490, 0x4E9), (0x1D00, 0x1D9A), (0x1E00, 0x1EFF),
    (0x2C60, 0x2C7F), (0xA722, 0xA7FA), (0xAB30, 0xAB64), (0xFF21, 0xFF5A),
)  # fmt: skip


@functools.cache
def kinds_table() -> NDArray[np.uint16]:
    """Return the class of each code point in spaCy's rules, as bits of `filters.reference_filters.spacy_kernels`."""
    import numpy as np

    from curate.filters.reference_filters import spacy_kernels as k
    from curate.text.characters import SPACE as WHITE, character_table

    kinds = np.zeros(0x110000, np.uint16)
    kinds[(character_table() & WHITE) != 0] |= k.SPACE
    for low, high in _CASED:
        for code in range(low, high + 1):
            category = unicodedata.category(chr(code))
            if category in ("Lu", "Lt"):
                kinds[code] |= k.ALPHA | k.UPPER
            elif category.startswith("L"):
                kinds[code] |= k.ALPHA | k.LOWER
    for low, high in _UNCASED:
        kinds[low : high + 1] |= k.ALPHA | k.UPPER | k.LOWER
    for code in itertools.chain(range(0xA6, 0x3300), range(0x4DC0, 0x4E00), range(0x1D000, 0x1FA6E), (0xFFFC, 0xFFFD)):
        if unicodedata.category(chr(code)) == "So":
            kinds[code] |= k.ICON

    def add(characters: str, bits: int) -> None:
        kinds[[ord(c) for c in characters]] |= bits

    add("§%=—–", k.PREFIX)
    add("—–", k.SUFFIX)
    add(_PUNCTUATION + _QUOTES, k.PREFIX | k.SUFFIX | k.BEFORE_STOP)
    add(_QUOTES, k.QUOTE)
    add(_CURRENCY, k.CURRENCY)
    add("%²-+|", k.BEFORE_STOP)
    kinds[0x30:0x3A] |= k.DIGIT
    host = np.r_[0x30:0x3A, 0x41:0x5B, 0x61:0x7B, 0xA1:0x10000]
    kinds[host[(kinds[host] & k.SPACE) == 0]] |= k.HOST
    add("_-", k.HOST)
    word = (character_table() & 3) != 0  # letters and numbers
    kinds[word] |= k.WORD
    add("_", k.WORD)
    return kinds


# Exceptions that are split, as their tokens.
_CUT = (
    "y' all", "y all", "how 'd 'y", "How 'd 'y", "not 've", "not ve", "Not 've", "Not ve", "can not", "Can not",
    "gon na", "Gon na", "got ta", "Got ta", "let 's", "Let 's", "c'm on", "C'm on", "° f .", "° F .", "° c .",
    "° C .", "° k .", "° K .",
)  # fmt: skip
# Exceptions that are one token each.
_WHOLE = (
    "doin' goin' nothin' nuthin' ol' somethin' Doin' Goin' Nothin' Nuthin' Ol' Somethin' 'em 'll 'nuff 'S 's ‘S ‘s "
    "and/or w/o 're 'Cause 'cause 'cos 'Cos 'coz 'Coz 'cuz 'Cuz 'bout ma'am Ma'am o'clock O'clock lovin' Lovin' "
    "havin' Havin' Mt. Ak. Ala. Apr. Ariz. Ark. Aug. Calif. Colo. Conn. Dec. Del. Feb. Fla. Ga. Ia. Id. Ill. Ind. "
    "Jan. Jul. Jun. Kan. Kans. Ky. La. Mar. Mass. Mich. Minn. Miss. N.C. N.D. N.H. N.J. N.M. N.Y. Neb. Nebr. Nev. "
    "Nov. Oct. Okla. Ore. Pa. S.C. Sep. Sept. Tenn. Va. Wash. Wis. 'd a.m. Adm. Bros. co. Co. Corp. D.C. Dr. e.g. "
    "E.g. E.G. Gen. Gov. i.e. I.e. I.E. Inc. Jr. Ltd. Md. Messrs. Mo. Mont. Mr. Mrs. Ms. p.m. Ph.D. Prof. Rep. "
    "Rev. Sen. St. vs. v.s. — ' '' \\\") <space> C++ \\t \\n ä. ö. ü. "
    # faces
    ":) :-) :)) :-)) :))) :-))) (: (-: =) (= :] :-] [: [-: [= =] :o) (o: :} :-} 8) 8-) (-8 ;) ;-) (; (-; :( :-( "
    ":(( :-(( :((( :-((( ): )-: =( >:( :') :'-) :'( :'-( :/ :-/ =/ =| :| :-| ]= =[ :1 :P :-P :p :-p :O :-O :o :-o "
    ":0 :-0 :() >:o :* :-* :3 :-3 =3 :> :-> :X :-X :x :-x :D :-D ;D ;-D =D xD XD xDD XDD 8D 8-D ^_^ ^__^ ^___^ >.< "
    ">.> <.< ._. ;_; -_- -__- v.v V.V v_v V_V o_o o_O O_o O_O 0_o o_0 0_0 o.O O.o O.O o.o 0.0 o.0 0.o @_@ <3 <33 "
    "<333 </3 (^_^) (-_-) (._.) (>_<) (*_*) (¬_¬) ಠ_ಠ ಠ︵ಠ (ಠ_ಠ) ¯\\(ツ)/¯ (╯°□°）╯︵┻━┻ ><(((*>"
)


def _contractions() -> Iterator[tuple[str, ...]]:
    """Yield pronouns, question words and verbs with their contracted endings, as tokens."""

    def both(word: str) -> tuple[str, str]:
        return word, word.title()

    def endings(word: str, *kinds: str) -> Iterator[tuple[str, ...]]:
        """Yield the word with each ending, with and without its apostrophe."""
        for kind in kinds:
            parts = tuple(kind.split())
            yield word, *parts
            yield word, *(part.replace("'", "") for part in parts)

    for word in itertools.chain(*map(both, ("i", "you", "he", "she", "it", "we", "they"))):
        yield from endings(word, "'ll", "'ll 've", "'d", "'d 've")
        if word.lower() in ("i", "you", "we", "they"):
            yield from endings(word, "'ve")
        if word.lower() in ("you", "we", "they"):
            yield from endings(word, "'re")
        if word.lower() in ("he", "she", "it"):
            yield from endings(word, "'s")
        if word.lower() == "i":
            yield from endings(word, "'m", "'m a")
    question_words = ("who", "what", "when", "where", "why", "how", "there", "that", "this", "these", "those")
    for word in itertools.chain(*map(both, question_words)):
        yield from endings(word, "'ll", "'ll 've", "'d", "'d 've")
        if word.lower() not in ("these", "those"):
            yield from endings(word, "'s")
        if word.lower() not in ("that", "this"):
            yield from endings(word, "'re", "'ve")
    verbs = "ca could do does did had may might must need ought sha should wo would"
    for word in itertools.chain(*map(both, verbs.split())):
        yield from endings(word, "n't", "n't 've")
        if word.lower() in ("could", "might", "must", "should", "would"):
            yield from endings(word, "'ve")
    for word in itertools.chain(*map(both, ("ai", "are", "is", "was", "were", "have", "has", "dare"))):
        yield from endings(word, "n't")


def _exceptions() -> Iterator[tuple[str, ...]]:
    """Yield the pieces that are exceptions to the rules, as their tokens."""
    yield from _contractions()
    for hour in range(1, 13):
        for half in ("a.m.", "am", "p.m.", "pm"):
            yield str(hour), half
    for text in _CUT:
        yield tuple(text.split())
    for word in _WHOLE.split():
        yield (word,)
    for letter in "abcdefghijklmnopqrstuvwxyz":
        yield (f"{letter}.",)


# Words that match the patterns above but are not exceptions.
_NO_EXCEPTIONS = frozenset(
    word for pair in ("Ill", "Its", "Hell", "Shell", "Shed", "Were", "Well", "Whore") for word in (pair, pair.lower())
)


@functools.cache
def _tables() -> tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.uint64], NDArray[np.int64]]:
    """Return the exceptions and the units, as hash tables for the kernel."""
    import numpy as np

    from curate.text.characters import code_points
    from curate.text.hash_kernels import hash_codes
    from curate.text.table_kernels import make_table

    def hash_of(text: str) -> int:
        codes = code_points(text)
        return int(hash_codes(codes, 0, len(codes)))

    exceptions = {"".join(parts): parts for parts in _exceptions()}
    exceptions |= {text.replace("'", "’"): parts for text, parts in exceptions.items()}
    kept = {text: parts for text, parts in exceptions.items() if text not in _NO_EXCEPTIONS}
    hashes = np.array([hash_of(text) for text in kept], np.uint64)
    sizes = [[*map(len, parts), 0, 0][:2] if len(parts) > 1 else [len(parts[0]), 0] for parts in kept.values()]
    pieces = np.array([first << 16 | second << 8 | 1 for first, second in sizes], np.int64)
    units = dict.fromkeys(_UNITS.split())
    return (
        *make_table(hashes, pieces),
        *make_table(np.array([hash_of(unit) for unit in units], np.uint64), np.ones(len(units), np.int64)),
    )


def token_spans(codes: NDArray[np.uint32]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return where each token starts and stops, in code points."""
    import numpy as np

    from curate.filters.reference_filters.spacy_kernels import spacy_tokens

    room = len(codes)  # a token has at least one character, and no character is in two
    starts, stops = np.empty(room, np.int32), np.empty(room, np.int32)
    n = spacy_tokens(codes, kinds_table(), *_tables(), starts, stops)
    return starts[:n], stops[:n]


def tokens(text: str) -> list[str]:
    """Return the tokens of a text.

    >>> tokens("See example.com/a-b, and/or the U.K. (10km away)...")[:9]
    ['See', 'example.com/a-b', ',', 'and/or', 'the', 'U.K.', '(', '10', 'km']
    """
    from curate.text.characters import code_points

    return [text[start:stop] for start, stop in zip(*map(list, token_spans(code_points(text))), strict=True)]


@functools.cache
def _terminal() -> NDArray[np.bool_]:
    import numpy as np

    from curate.text.characters import TERMINAL, character_table

    terminal: NDArray[np.bool_] = (character_table() & TERMINAL) != 0
    terminal[0x2026] = False  # in spaCy, an ellipsis does not end a sentence
    return np.asarray(terminal)


def sentences(text: str) -> int:
    """Count the sentences of a text as spaCy's "sentencizer" does.

    >>> sentences("Dr. No came. Really?! He left")
    3
    """
    from curate.filters.reference_filters.spacy_kernels import count_spacy_sentences
    from curate.text.characters import character_table, code_points

    codes = code_points(text)
    return int(count_spacy_sentences(codes, *token_spans(codes), _terminal(), character_table()))
