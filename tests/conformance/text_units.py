"""Words, lines, duplicates: the units that the published filters count, each written out in the plainest way.

A filter's tokeniser is often another library's. `Tokenizers` holds them; `SIMPLE` are stand-ins that need nothing
installed, and the live originals' own are in `originals.py`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Words = Callable[[str], list[str]]


def characters(ranges: str) -> frozenset[str]:
    """The characters of hexadecimal ranges such as ``"21 3F 61-7A"``."""
    out: set[str] = set()
    for part in ranges.split():
        first, _, last = part.partition("-")
        out.update(chr(code) for code in range(int(first, 16), int(last or first, 16) + 1))
    return frozenset(out)


# datatrove 0.2.0 and 0.10.1, utils/text.py: PUNCTUATION (cc_net's list and control characters) as code points.
PUNCTUATION_2024 = characters(
    "0-8 B-1F 21-2F 3A-40 5B-60 7B-9F AB B4 BB 2013-2014 2019 201C-201E 2026 2236 2501 25BA 3001-3002 3008-300D "
    "3010-3011 FF01 FF05 FF08-FF09 FF0C FF0E FF11 FF1A-FF1B FF1F FF5E"
)

# datatrove 0.10.1, utils/text.py: TERMINAL_PUNCTUATION, marks that end a sentence in any script (159 of them).
TERMINAL_PUNCTUATION = characters(
    "21 2E 3F 589 61D-61F 6D4 700-702 7F9 837 839 83D-83E 964-965 104A-104B 1362 1367-1368 166E 1735-1736 17D4-17D6 "
    "17D9-17DA 1803 1809 1944-1945 1AA8-1AAB 1B5A-1B5B 1B5E-1B5F 1B7D-1B7E 1C3B-1C3C 1C7E-1C7F 203C-203D 2047-2049 "
    "2E2E 2E3C 2E53-2E54 3002 A4FF A60E-A60F A6F3 A6F7 A876-A877 A8CE-A8CF A92F A9C8-A9C9 AA5D-AA5F AAF0-AAF1 ABEB "
    "FE52 FE56-FE57 FF01 FF0E FF1F FF61 10A56-10A57 10F55-10F59 10F86-10F89 11047-11048 110BE-110C1 11141-11143 "
    "111C5-111C6 111CD 111DE-111DF 11238-11239 1123B-1123C 112A9 1144B-1144C 115C2-115C3 115C9-115D7 11641-11642 "
    "1173C-1173E 11944 11946 11A42-11A43 11A9B-11A9C 11C41-11C42 11EF7-11EF8 11F43-11F44 16A6E-16A6F 16AF5 "
    "16B37-16B38 16B44 16E98 1BC9F 1DA88"
)

# datatrove 0.10.1 counts both as punctuation.
PUNCTUATION = PUNCTUATION_2024 | TERMINAL_PUNCTUATION

# Gopher (Rae et al. 2021, arXiv 2112.11446, appendix A): two of these must occur.
STOP_WORDS = frozenset({"the", "be", "to", "of", "and", "that", "have", "with"})

# C4 (TFDS c4_utils.py): a line with one of these is removed.
POLICY_PHRASES = (
    "terms of use",
    "privacy policy",
    "cookie policy",
    "uses cookies",
    "use of cookies",
    "use cookies",
)


def fasttext_tokens(text: str) -> list[str]:
    """What fastText's `tokenize` gives: words between ASCII white space and NUL, and ``</s>`` for each newline."""
    tokens: list[str] = []
    for i, line in enumerate(text.split("\n")):
        if i:
            tokens.append("</s>")
        tokens.extend(word for word in re.split(r"[ \r\t\v\f\0]+", line) if word)
    return tokens


def simple_words(text: str) -> list[str]:
    """Runs of letters and digits, and each other character that is not white space by itself."""
    return re.findall(r"\w+|[^\w\s]", text)


def simple_sentences(text: str) -> int:
    """How many runs of text there are that end in ``.``, ``?`` or ``!`` or at the end."""
    return len(re.findall(r"[^.!?\s][^.!?]*[.!?]*|[.!?]+", text))


@dataclass(frozen=True)
class Tokenizers:
    """The third-party tokenisers that the originals use, as plain functions of a text."""

    spacy_words: Words = simple_words  # spaCy blank("en"), tokens stripped, empty ones left out
    spacy_sentences: Callable[[str], int] = simple_sentences  # how many the "sentencizer" of blank("en") finds
    nltk_words: Words = simple_words  # NLTK word_tokenize: Punkt, then Treebank
    punkt_sentences: Callable[[str], int] = simple_sentences  # how many NLTK's Punkt for English finds
    uax29_words: Words = simple_words  # segments between UAX-29 word boundaries (uniseg)
    fasttext_words: Words = fasttext_tokens


SIMPLE = Tokenizers()


def ratio(part: float, whole: float) -> float:
    """``part / whole``; NaN where the original would divide by zero."""
    return part / whole if whole else float("nan")


def repeats(items: Sequence[str]) -> tuple[int, int]:
    """How many items stand there for the second time or later, and their characters."""
    seen: set[str] = set()
    again: list[str] = []
    for item in items:
        if item in seen:
            again.append(item)
        seen.add(item)
    return len(again), sum(map(len, again))


def repeated_at_all(items: Sequence[str]) -> tuple[int, int]:
    """How many items have an equal among the others, the first one included, and their characters."""
    counts = Counter(items)
    all_of_them = [item for item in items if counts[item] > 1]
    return len(all_of_them), sum(map(len, all_of_them))


def n_grams(words: Sequence[str], n: int) -> list[tuple[str, ...]]:
    """All runs of n words, in order."""
    return [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]


def letters(grams: Sequence[str]) -> int:
    """Characters of these words, without anything between them."""
    return sum(map(len, grams))
