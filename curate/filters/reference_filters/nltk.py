"""English words and sentences as NLTK splits them, for FineWeb's code of 2024 and C4.

NLTK's Punkt model is trained; here a full stop ends a sentence unless it follows an abbreviation of a short list or an
initial, with exceptions (`treebank_kernels.find_sentence_end`). Treebank's rules are those of NLTK 3.9
(nltk/tokenize/destructive.py), reimplemented.

>>> tokens("Mr. Smith can't come (he says). It's \\"late\\".")
['Mr.', 'Smith', 'ca', "n't", 'come', '(', 'he', 'says', ')', '.', 'It', "'s", '"', 'late', '"', '.']
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# curate's own list of abbreviations that are common in English texts and do not end a sentence.
_ABBREVIATIONS = (
    "mr mrs ms dr prof gen col lt sgt capt cmdr adm maj pvt spc sen rep hon st mt ft jr sr inc corp co ltd bros "
    "messrs vs v eg ie cf al ca approx dept est fig figs nos vol vols pp p pg ed eds jan feb mar apr jun jul aug "
    "sep sept oct nov dec mon tue tues wed thu thur thurs fri u.s u.k u.n u.s.a a.m p.m d.c n.y n.j n.h n.c s.c n.d "
    "s.d l.a ph.d m.d b.a m.a a.d a.k.a r.i ave blvd rd ariz calif colo conn del fla ga kan ky md mich minn mo mont "
    "neb nev okla pa tenn tex va vt wis wyo"
)
# curate's own list of words that, capitalized, begin a sentence even after an abbreviation.
_STARTERS = (
    "i it he she they we but the this these those there in for if while although however since despite at as most "
    "some by then his her one two also under during after before yes"
)
_CONTRACTIONS = {
    "cannot": 3,
    "gimme": 3,
    "gonna": 3,
    "gotta": 3,
    "lemme": 3,
    "d'ye": 2,
    "more'n": 4,
    "wanna": 3,
    "'tis": 2,
    "'twas": 2,
}


@functools.cache
def kinds_table() -> NDArray[np.uint16]:
    """Return the class of each code point in Treebank's rules, as bits of `reference_filters.treebank_kernels`."""
    import numpy as np

    from curate.filters.reference_filters import treebank_kernels as k
    from curate.text import characters as c

    table = c.character_table()
    kinds = np.zeros(0x110000, np.uint16)
    kinds[(table & c.SPACE) != 0] |= k.SPACE
    kinds[(table & (c.LETTER | c.NUMBER | c.MARK | c.CONNECTOR)) != 0] |= k.WORD
    kinds[(table & c.DIGIT) != 0] |= k.DIGIT
    kinds[(table & c.UPPER) != 0] |= k.UPPER
    kinds[(table & (c.LETTER | c.UPPER)) == c.LETTER] |= k.LOWER
    kinds[[ord(x) for x in ';@#$%&?!*()[]{}<>"«»“”„‘’']] |= k.ALONE
    kinds[[ord(x) for x in "])}>\"'»”’"]] |= k.CLOSES
    kinds[[ord(x) for x in "])}\"'"]] |= k.CLOSES_ASCII
    kinds[[ord(x) for x in ")\";}]*:@'({[!?"]] |= k.NO_WORD
    kinds[[ord(x) for x in ".,-"]] |= k.NO_LETTER
    return kinds


@functools.cache
def _tables() -> tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.uint64], NDArray[np.int64]]:
    import numpy as np

    from curate.filters.reference_filters.treebank_kernels import ABBREVIATION, STARTER
    from curate.text.characters import code_points
    from curate.text.hash_kernels import hash_codes
    from curate.text.table_kernels import make_table

    def hashes(words: list[str]) -> NDArray[np.uint64]:
        return np.array([int(hash_codes(code_points(word), 0, len(word))) for word in words], np.uint64)

    abbreviations, starters = _ABBREVIATIONS.split(), _STARTERS.split()
    entries = [ABBREVIATION] * len(abbreviations) + [STARTER] * len(starters)
    return (
        *make_table(hashes(abbreviations + starters), np.array(entries, np.int64)),
        *make_table(hashes(list(_CONTRACTIONS)), np.array(list(_CONTRACTIONS.values()), np.int64)),
    )


def token_spans(codes: NDArray[np.uint32]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return where each token starts and stops, in code points."""
    import numpy as np

    from curate.filters.reference_filters.treebank_kernels import treebank_tokens

    room = len(codes)  # a token has at least one character, and no character is in two
    starts, stops = np.empty(room, np.int32), np.empty(room, np.int32)
    n = treebank_tokens(codes, kinds_table(), *_tables(), starts, stops)
    return starts[:n], stops[:n]


def tokens(text: str) -> list[str]:
    """Return the tokens of a text, with double quotes unchanged.

    >>> tokens("I cannot wait...")
    ['I', 'can', 'not', 'wait', '...']
    """
    from curate.text.characters import code_points

    return [text[start:stop] for start, stop in zip(*map(list, token_spans(code_points(text))), strict=True)]


def sentences(text: str) -> int:
    """Count the sentences of a text.

    >>> sentences("Dr. No came at 5 p.m. on Monday. He left!")
    2
    """
    from curate.filters.reference_filters.treebank_kernels import count_sentences
    from curate.text.characters import code_points

    return int(count_sentences(code_points(text), kinds_table(), *_tables()[:2]))
