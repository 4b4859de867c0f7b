"""Texts for training language identification, including texts in no language, laid out for the training loop.

Input is JSON lines with ``text`` and ``language`` (any ISO 639 code) or ``iso639_1`` / ``iso639_3``, a file per source.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from curate.language.codes import canonical
from curate.language.model import CODE, NO_LANGUAGE, OTHER, folded_code_points
from curate.language.model_kernels import KNOWN, NO_LETTER, UNSEEN
from quality_models.examples import read_rows

#: Least number of texts for a language to become a label; others are trained on as `OTHER`. curate's own value.
SMALLEST = 20
#: Least number of occurrences for a letter to count as known. curate's own value.
RAREST_LETTER = 5
#: A macrolanguage whose members are labels themselves (hr, bs, sr): its texts would only blur them.
LEFT_OUT = frozenset({"sh"})

# Half of the Serbian web but little of the free text is in Latin letters, so Cyrillic text is used in both scripts.
# Vuk's alphabet and Gaj's correspond letter by letter.
_GAJ = str.maketrans(
    dict(zip("абвгдђежзијклмнопрстћуфхцчш", "abvgdđežzijklmnoprstćufhcčš", strict=True))
    | dict(zip("АБВГДЂЕЖЗИЈКЛМНОПРСТЋУФХЦЧШ", "ABVGDĐEŽZIJKLMNOPRSTĆUFHCČŠ", strict=True))
    | {"љ": "lj", "њ": "nj", "џ": "dž", "Љ": "Lj", "Њ": "Nj", "Џ": "Dž"}
)

# Texts in no language. curate's own choice: words of 1 to 12 letters drawn at random from the alphabet of a real text;
# the letters of a real text shuffled; random bytes in base64 and hex; neighbouring keys; code.
_MADE = 20_000  # or as many as there are texts
_ALPHABET = 70  # a text with more different letters has no alphabet, and looks the same when shuffled
_KEYS = ("qwertyuiop", "asdfghjkl", "zxcvbnm", "йцукенгшщзхъ", "фывапролджэ", "ячсмитьбю")
_COMMENTS = ("#", "//", "*", "/*", '"', "'", "--", ">>>", "<")
_CODE_MARKS = "(){}[];=<>:"
_PIECE = 500  # characters of code in one text


@dataclass(frozen=True, slots=True)
class Texts:
    """Texts as code points, one after the other: text i is ``letters[starts[i]:starts[i + 1]]``.

    A single 0 separates words. ``label`` and ``source`` [texts] index ``labels`` and ``sources``; ``classes``
    [0x110000] is the class of each code point that the model will store.
    """

    letters: NDArray[np.uint32]
    starts: NDArray[np.int64]
    label: NDArray[np.int32]
    source: NDArray[np.int32]
    labels: tuple[str, ...]
    sources: tuple[str, ...]
    classes: NDArray[np.uint8]


def read_texts(paths: Sequence[Path], code: Sequence[Path] = ()) -> Texts:
    """Read all texts, decide which languages become labels and which letters are known, and add texts in no language.

    Args:
        paths: JSON lines files of texts with their language.
        code: JSON lines files whose ``text`` is source code.
    """
    codes, languages, sources = [], [], []
    for path in paths:
        for row in read_rows(path):
            language = canonical(str(row.get("language") or row.get("iso639_1") or row["iso639_3"]))
            if language not in LEFT_OUT:
                text = str(row["text"])
                for written in (text, text.translate(_GAJ)) if language == "sr" and "а" in text else (text,):
                    codes.append(folded_code_points(written))
                    languages.append(language)
                    sources.append(path.name.split(".")[0])
    counts = Counter(languages)
    for name, text in _no_language(codes, code):
        codes.append(folded_code_points(text))
        languages.append(CODE if name == CODE else NO_LANGUAGE)
        sources.append(name)
    classes = _classes(codes[: counts.total()])
    known = {language for language, count in counts.items() if count >= SMALLEST}
    labels = (*sorted(known), OTHER, NO_LANGUAGE, CODE)
    names = tuple(sorted(set(sources)))
    letters = [_words(text, classes) for text in codes]
    place = {label: i for i, label in enumerate(labels)}
    source_place = {name: i for i, name in enumerate(names)}
    return Texts(
        np.concatenate(letters),
        np.append(0, np.cumsum([len(text) for text in letters])),
        np.array([place.get(language, place[OTHER]) for language in languages], np.int32),
        np.array([source_place[name] for name in sources], np.int32),
        labels,
        names,
        classes,
    )


def _classes(codes: Sequence[NDArray[np.uint32]]) -> NDArray[np.uint8]:
    counts = np.zeros(0x110000, np.int64)
    for start in range(0, len(codes), 10_000):
        counts += np.bincount(np.concatenate(codes[start : start + 10_000]), minlength=len(counts))
    classes = np.full(len(counts), NO_LETTER, np.uint8)
    for i in range(len(counts)):
        if unicodedata.category(chr(i))[0] in "LM":
            classes[i] = KNOWN if counts[i] >= RAREST_LETTER else UNSEEN
    return classes


def _words(codes: NDArray[np.uint32], classes: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """Replace each run of characters other than known letters with one 0; a 0 ends the text."""
    codes = np.append(np.where(classes[codes] == KNOWN, codes, 0), 0).astype(np.uint32)
    return codes[(codes != 0) | np.append(False, codes[:-1] != 0)]


def _no_language(codes: Sequence[NDArray[np.uint32]], code: Sequence[Path]) -> Iterable[tuple[str, str]]:
    rng = np.random.default_rng(0)
    made = 0
    wanted = min(_MADE, len(codes))
    while made < wanted:
        text = "".join(map(chr, codes[int(rng.integers(len(codes)))]))
        letters = [c for c in text if c.isalpha()]
        alphabet = sorted(set(letters))
        if not 5 <= len(alphabet) <= _ALPHABET:
            continue
        shuffled = iter([letters[i] for i in rng.permutation(len(letters))])
        yield "no language: shuffled", "".join(next(shuffled) if c.isalpha() else c for c in text)
        yield (
            "no language: random",
            " ".join("".join(rng.choice(alphabet, int(rng.integers(1, 13)))) for _ in range(int(rng.integers(3, 60)))),
        )
        made += 1
    for i in range(wanted // 4):
        data = rng.bytes(int(rng.integers(10, 300)))
        keys = [rng.choice(_KEYS[3 * (i % 4 == 0) :][:3]) for _ in range(int(rng.integers(1, 20)))]
        yield "no language: bytes", _base64(data) if i % 3 else data.hex()
        yield "no language: keys", " ".join(_typed(str(row), rng) for row in keys)
    for path in code:
        for row in read_rows(path):
            for piece in _code_pieces(str(row["text"])):
                yield CODE, piece


def _base64(data: bytes) -> str:
    import base64

    return base64.b64encode(data).decode()


def _typed(keys: str, rng: np.random.Generator) -> str:
    """Return letters as if typed at random on a keyboard: steps to nearby keys of one row."""
    at, typed = int(rng.integers(len(keys))), ""
    for _ in range(int(rng.integers(3, 14))):
        typed += keys[at]
        at = (at + int(rng.integers(-2, 3))) % len(keys)
    return typed


def _code_pieces(text: str) -> Iterable[str]:
    """Yield pieces of source code, with only the lines that cannot be prose."""
    lines = (line for line in text.splitlines() if not line.lstrip().startswith(_COMMENTS))
    code = "\n".join(line for line in lines if sum(map(line.count, _CODE_MARKS)) >= 2)
    for start in range(0, len(code) - 50, _PIECE):
        yield code[start : start + _PIECE]
