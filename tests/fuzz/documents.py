"""Good documents: varied English prose that the recipe keeps, each with a word of its own that can be found afterwards.

The sentences are those of the sample data; every document combines the paragraphs of two kinds of article and picks
facts, numbers and wording at random, so that no two documents are near duplicates.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

SAMPLES = Path(__file__).parents[2] / "sample_data"
SYLLABLES = [c + v for c in "bdfgklmnprstvz" for v in "aeiou"]
#: The marker of a document: no word of any language begins so, and no part of it is a word that a filter looks for.
MARKER = re.compile(r"\bKy(?:[bdfgklmnprstvz][aeiou]){5}\b")
#: How a document says its marker; the words beside it make the line unlike all others.
SAYINGS = (
    "Those who keep the register call this place {marker}, after the {0} and the {1} that once hung over its door.",
    "In the old ledger it is written as {marker}, between a drawing of a {0} and a note about somebody's {1}.",
    "People who know the story well will ask for {marker} by name, and they will be shown the {0} beside the {1}.",
    "A label with the word {marker} was found under the {0}, and nobody has explained how it got behind the {1}.",
)


@dataclass(frozen=True, slots=True)
class Document:
    """A good document: the marker in its text, where it is from, its title and its paragraphs."""

    marker: str
    url: str
    date: str
    title: str
    paragraphs: tuple[str, ...]

    @property
    def text(self) -> str:
        """The document as plain text."""
        return "\n\n".join([self.title, *self.paragraphs])


class Writer:
    """Writes documents that differ from each other.

    Args:
        rng: all choices are its own.
        number: of the first document; two writers with far numbers share no marker and no URL.
    """

    def __init__(self, rng: Random, number: int) -> None:
        self._rng, self._number = rng, number

    def take(self, count: int) -> list[Document]:
        """Write some documents."""
        return [self._write() for _ in range(count)]

    def _write(self) -> Document:
        rng = self._rng
        number, self._number = self._number, self._number + 1
        marker = "Ky" + "".join(SYLLABLES[number // 70**i % 70] for i in range(5))
        title, paragraphs = "", []
        for kind in rng.sample(sorted(_kinds()), 2):
            name, said = _article(rng, _kinds()[kind])
            title = title or name
            paragraphs += said
        saying = rng.choice(SAYINGS).format(*rng.sample(_words(), 2), marker=marker)
        paragraphs.insert(rng.randrange(1, len(paragraphs)), saying)
        date = f"20{rng.randrange(10, 25)}-{rng.randrange(1, 13):02d}-{rng.randrange(1, 29):02d}T12:00:00Z"
        url = f"https://site{number % 997}.example/{number}"
        return Document(marker, url, date, f"{title} ({number})", tuple(paragraphs))


def markers(texts: Iterable[str]) -> set[str]:
    """Return the markers in some texts."""
    return {found for text in texts for found in MARKER.findall(text)}


@cache
def _words() -> list[str]:
    return (SAMPLES / "text" / "words.txt").read_text(encoding="utf-8").split()


@cache
def _kinds() -> dict[str, Any]:
    sys.path.append(str(SAMPLES))
    try:
        from grammar import read_kinds  # type: ignore[import-not-found]
    finally:
        sys.path.remove(str(SAMPLES))
    return read_kinds("en")


def _article(rng: Random, kind: Any) -> tuple[str, list[str]]:
    """Return a title and about half of the paragraphs of a kind of article, with facts of several of its rows."""
    facts = {name: rng.choice(kind.rows)[column] for column, name in enumerate(kind.columns)}
    facts |= {name: rng.choice(words) for name, words in kind.picks.items()}
    facts |= {name: str(rng.randint(low, high)) for name, (low, high) in kind.numbers.items()}

    def fill(options: list[str]) -> str:
        said = re.sub(r"\{(\w+)\}", lambda match: facts[match[1]], rng.choice(options))
        return said[:1].upper() + said[1:]

    blocks = [sentences for tag, sentences in kind.blocks if tag == "p"]
    chosen = sorted(rng.sample(range(len(blocks)), max(1, (len(blocks) + 1) // 2)))
    title = next((fill(sentences[0][1]) for tag, sentences in kind.blocks if tag == "title"), kind.name)
    return title, [" ".join(fill(options) for _, options in blocks[i]) for i in chosen]
