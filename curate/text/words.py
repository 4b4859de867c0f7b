"""Word lists by language, and the tables in which the kernels look words up.

>>> stop_words("de")[:3]
('der', 'die', 'das')
"""

from __future__ import annotations

import functools
from importlib import resources
from typing import TYPE_CHECKING

from curate.text.characters import SCRIPT_NAMES
from curate.text.folding import compose, fold

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: Phrases of notices whose lines C4 drops (Raffel et al. 2020; TFDS, c4_utils.py).
POLICY_PHRASES = ("terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies")
#: Languages written without spaces: their listed words are counted as substrings of the text.
UNSPACED_LANGUAGES = frozenset({"zh", "yue", "wuu", "lzh", "ja", "th", "lo", "km", "my", "shn", "mnw", "bo", "dz"})
#: Languages whose sentences end in a space, not in a mark.
UNMARKED_LANGUAGES = frozenset({"th", "lo"})
#: The languages that are written in each script of `curate.text.characters.SCRIPTS`.
_WRITTEN_IN = {
    "cyrillic": "ru uk be bg sr mk kk ky tg mn tt ba cv ce os av ab kv udm sah tyv bua xal krc kbd kum lez inh myv",
    "greek": "el grc pnt",
    "armenian": "hy hyw",
    "hebrew": "he yi lad",
    "arabic": "ar fa ur ps sd ug ckb arz ary azb pnb ks bal prs mzn glk lrc skr",
    "devanagari": "hi mr ne sa mai bho new gom awa mag hne raj doi brx",
    "bengali": "bn as bpy mni",
    "gurmukhi": "pa",
    "gujarati": "gu",
    "oriya": "or",
    "tamil": "ta",
    "telugu": "te",
    "kannada": "kn tcy",
    "malayalam": "ml",
    "sinhala": "si",
    "tibetan": "bo dz",
    "georgian": "ka xmf",
    "ethiopic": "am ti gez",
    "hangul": "ko",
    "han": "zh yue wuu lzh ja ko",
    "hiragana": "ja",
    "katakana": "ja",
    "thai": "th",
    "lao": "lo",
    "khmer": "km",
    "burmese": "my shn mnw",
    "latin": (
        "sr kk tg az uz en de fr es it pt nl sv da no nb nn fi is fo pl cs sk sl hr bs ro hu et lv lt tr vi id ms jv "
        "su tl ceb sw af ca gl eu cy ga gd br mt lb sq eo la oc ast an"
    ),
}


@functools.cache
def scripts_of(language: str) -> tuple[int, ...]:
    """Return the indexes in `text.characters.SCRIPT_NAMES` of the scripts of a language; empty if unknown.

    >>> from curate.text.characters import SCRIPT_NAMES
    >>> [SCRIPT_NAMES[i] for i in scripts_of("ja")]
    ['han', 'hiragana', 'katakana']
    """
    return tuple(i for i, name in enumerate(SCRIPT_NAMES) if language in _WRITTEN_IN.get(name, "").split())


@functools.cache
def _lists(name: str) -> dict[str, tuple[str, ...]]:
    text = resources.files("curate.text").joinpath(f"{name}.txt").read_text("utf-8")
    lines = (line.split(":", 1) for line in text.splitlines() if line and not line.startswith("#"))
    return {language: tuple(dict.fromkeys(words.split())) for language, words in lines}


def stop_words(language: str) -> tuple[str, ...]:
    """Return the stop words of a language (ISO 639-1, else 639-3), lower case; empty if there is no list.

    The lists are curate's own: curate/text/stop_words.txt.

    >>> stop_words("xx")
    ()
    """
    return _lists("stop_words").get(language, ())


def dirty_words(language: str) -> tuple[str, ...]:
    """Return the dirty words and phrases of a language and those of English.

    The lists are curate's own: curate/text/dirty_words.txt.

    >>> "porno" in dirty_words("de"), "titten" in dirty_words("en")
    (True, False)
    """
    lists = _lists("dirty_words")
    own = lists.get(language, ()) if language != "en" else ()
    return tuple(word.replace("_", " ") for word in (*lists["en"], *own))


@functools.cache
def stop_word_share(language: str) -> float:
    """Return the share of stop words among the words of ordinary prose of a language.

    Medians of documents and paragraphs, measured (curate/text/stop_word_shares.txt); where none was measured 0.25,
    about the median over languages.

    >>> stop_word_share("en"), stop_word_share("ko"), stop_word_share("xx")
    (0.35, 0.09, 0.25)
    """
    return float(_lists("stop_word_shares").get(language, ("0.25",))[0])


@functools.cache
def watch_table(language: str) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Return the table of `text.watch_kernels` for a language: stop words, dirty words, and the phrases of C4."""
    import numpy as np

    from curate.text.characters import character_table, code_points
    from curate.text.hash_kernels import join
    from curate.text.table_kernels import make_table
    from curate.text.watch_kernels import DIRTY, JAVASCRIPT, LAST, LOREM, NUMBER_SHIFT, POLICY, STOP
    from curate.text.word_kernels import FACTS, find_words

    hashes: list[int] = []
    values: list[int] = []

    def add(phrase: str, value: int) -> None:
        codes = code_points(compose(phrase))
        # A word has at least one character.
        room = [np.empty(len(codes), t) for t in (np.int32, np.int32, np.uint64, np.uint64)]
        facts = np.empty(len(FACTS), np.int64)
        n = find_words(codes, character_table(), lower_table(), *room, facts)
        words = room[3][:n]
        if n > 1:
            hashes.append(int(words[-1]))
            values.append(LAST)
        key = words[0]
        for word in words[1:]:
            key = np.uint64(join(key, word))
        hashes.append(int(key))
        values.append(value)

    unspaced = language in UNSPACED_LANGUAGES
    for number, word in enumerate(() if unspaced else stop_words(language)):
        add(word, STOP | number << NUMBER_SHIFT)
    for word in dirty_words("en" if unspaced else language):
        add(word, DIRTY)
    for phrase in POLICY_PHRASES:
        add(phrase, POLICY)
    add("lorem ipsum", LOREM)
    add("javascript", JAVASCRIPT)
    return make_table(np.array(hashes, np.uint64), np.array(values, np.int64))


@functools.cache
def lower_table() -> NDArray[np.uint32]:
    """Return the folded lower case of each code point, uint32 [0x110000]; 0 if folding removes it.

    >>> chr(lower_table()[ord("Ж")]), chr(lower_table()[ord("Ｂ")])
    ('ж', 'b')
    """
    import numpy as np

    from curate.text.folding import COMPOSES, fold_table

    # All but rare scripts have their capitals below U+2000.
    lower = np.arange(0x110000, dtype=np.uint32)
    lower[:0x2000] = [ord(chr(i).lower()[0]) for i in range(0x2000)]
    return lower[fold_table() & ~np.uint32(COMPOSES)]


def pieces_found(text: str, language: str, dirty: int) -> dict[str, int]:
    """Count listed words as substrings of a folded text in a language without spaces between words.

    Args:
        text: any text.
        language: one of `UNSPACED_LANGUAGES`.
        dirty: number of English dirty words in the text, to which those of the language are added.

    >>> pieces_found("東京の駅の前", "ja", 0)
    {'stop_words': 2, 'different_stop_words': 1, 'dirty_words': 0}
    """
    text = fold(text)
    words, own = _pieces(language)
    stops = [text.count(word) for word in words]
    return {
        "stop_words": sum(stops),
        "different_stop_words": sum(times > 0 for times in stops),
        "dirty_words": dirty + sum(map(text.count, own)),
    }


@functools.cache
def _pieces(language: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the stop words and the dirty words of a language, without the English ones, folded as texts are."""
    own = dirty_words(language)[len(dirty_words("en")) :]
    return tuple(map(fold, stop_words(language))), tuple(map(fold, own))
