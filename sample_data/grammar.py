"""Articles out of the word material in text/: a small grammar with alternatives, facts and numbers.

A file text/LANGUAGE.txt holds kinds of article. A kind starts with ``== name`` and gives

    @ name | river               columns; every further ``@`` line is a row of facts, and makes one article
    ~ season = spring | autumn   a word picked per article
    # people = 900..4000         a number picked per article
    title: {name} in {season}    also ``h:`` (heading), ``li:`` (list item), ``img:`` (a picture's alt text)
    p:                           a paragraph: one sentence a line
    The river is called {river}.
    | People call the river {river}.       another way to say the sentence above
    ? A sentence that some articles leave out.
    pre:                         lines kept as they are, up to ``:pre``

Nothing is random: every choice is a hash of the article's name and of the place where the choice is made.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from operator import eq
from pathlib import Path

TEXT = Path(__file__).parent / "text"
GROUPING = {"en": ",", "hi": ",", "ar": ",", "zh": ",", "ja": ",", "fr": " ", "ru": " "}  # others: a full stop
UNSPACED = {"zh", "ja"}


def choose(count: int, *key: object) -> int:
    """A number below ``count`` that depends on nothing but the key."""
    digest = hashlib.blake2b("/".join(map(str, key)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % count


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of an article: its tag, and its sentences (for ``pre``: its lines)."""

    tag: str
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Article:
    """One text with its title, before any page is put around it."""

    language: str
    kind: str
    number: int
    title: str
    blocks: tuple[Block, ...]

    def block_text(self, block: Block) -> str:
        """The block as one string."""
        return {"pre": "\n", "p": "" if self.language in UNSPACED else " "}.get(block.tag, " ").join(block.sentences)

    @property
    def text(self) -> str:
        """The article as plain text: title, then blocks, an empty line between."""
        return "\n\n".join([self.title, *map(self.block_text, self.blocks)])

    def own_sentence(self, others: list[Article]) -> str:
        """Its longest sentence that no other article has."""
        said = {s for other in others if other.number != self.number for b in other.blocks for s in b.sentences}
        own = (s for b in self.blocks if b.tag == "p" for s in b.sentences if s not in said)
        return max(own, key=lambda s: (len(s), s))


@dataclass(slots=True)
class Kind:
    """A kind of article as read from the file."""

    name: str
    columns: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    picks: dict[str, list[str]] = field(default_factory=dict)
    numbers: dict[str, tuple[int, int]] = field(default_factory=dict)
    # Each block: tag, and for every sentence (optional?, alternatives)
    blocks: list[tuple[str, list[tuple[bool, list[str]]]]] = field(default_factory=list)


def read_kinds(language: str) -> dict[str, Kind]:
    """The kinds of article of a language, in the order of its file."""
    kinds: dict[str, Kind] = {}
    kind: Kind | None = None
    verbatim = False
    for raw in (TEXT / f"{language}.txt").read_text(encoding="utf-8").split("\n"):
        line = raw.rstrip()
        if verbatim:
            if line == ":pre":
                verbatim = False
            else:
                kind.blocks[-1][1].append((False, [line]))
        elif line == "== frame":
            kind = None
        elif match := re.fullmatch(r"== (\w+)", line):
            kind = kinds[match[1]] = Kind(match[1])
        elif not line or kind is None:
            continue
        elif line.startswith("@ "):
            cells = [cell.strip() for cell in line[2:].split("|")]
            if not kind.columns:
                kind.columns = cells
            elif len(cells) == len(kind.columns):
                kind.rows.append(cells)
            else:
                wanted = len(kind.columns)
                raise ValueError(f"text/{language}.txt, {kind.name}: {len(cells)} cells, not {wanted}: {line}")
        elif match := re.fullmatch(r"~ (\w+) = (.+)", line):
            kind.picks[match[1]] = [word.strip() for word in match[2].split("|")]
        elif match := re.fullmatch(r"# (\w+) = (\d+)\.\.(\d+)", line):
            kind.numbers[match[1]] = (int(match[2]), int(match[3]))
        elif match := re.fullmatch(r"(title|h|li|img): ?(.+)", line):
            kind.blocks.append((match[1], [(False, [match[2]])]))
        elif line in ("p:", "pre:"):
            kind.blocks.append((line[:-1], []))
            verbatim = line == "pre:"
        elif line.startswith("| "):
            kind.blocks[-1][1][-1][1].append(line[2:])
        elif line.startswith("? "):
            kind.blocks[-1][1].append((True, [line[2:]]))
        else:
            kind.blocks[-1][1].append((False, [line]))
    return kinds


def read_frame(language: str, host: str) -> dict[str, str]:
    """The words of a site's navigation, banner and footer: each site has its own choice of them."""
    section = (TEXT / f"{language}.txt").read_text(encoding="utf-8").split("== frame\n")[1].split("\n\n")[0]
    pairs = (line.split(": ", 1) for line in section.split("\n") if line)
    options = {name: words.split(" || ") for name, words in pairs}
    return {name: words[choose(len(words), "frame", host, name)] for name, words in options.items()}


def number(value: int, language: str) -> str:
    """The number as people write it: groups of three from 10,000 on, so that years stay years."""
    return f"{value:,}".replace(",", GROUPING.get(language, ".")) if value >= 10_000 else str(value)


def write(kind: Kind, language: str) -> list[Article]:
    """Every article of a kind: one per row of facts, or just one where there are no rows."""
    articles, spoken = [], []
    for index, row in enumerate(kind.rows or [[]]):
        key = (language, kind.name, index)
        words = dict(zip(kind.columns, row, strict=True))
        words |= {name: options[choose(len(options), *key, name)] for name, options in kind.picks.items()}
        for name, (low, high) in kind.numbers.items():
            words[name] = number(low + choose(high - low + 1, *key, name), language)
        # Of a few ways to say it, the one that shares the fewest sentences with the article most like it so far.
        ways = [way_to_say(kind, *key, salt) for salt in range(12)]
        way = min(ways, key=lambda way: max((sum(map(eq, way, other)) for other in spoken), default=0))
        spoken.append(way)
        title, blocks, turn = "", [], 0
        for tag, sentences in kind.blocks:
            said = []
            for _, options in sentences:
                if way[turn] >= 0:
                    option = options[way[turn]]
                    said.append(option if tag in ("pre", "img") else fill(option, words))
                turn += 1
            if tag == "title":
                title = said[0]
            elif said:
                blocks.append(Block(tag, tuple(said)))
        articles.append(Article(language, kind.name, index, title, tuple(blocks)))
    return articles


def way_to_say(kind: Kind, *key: object) -> list[int]:
    """Which alternative of each sentence, in order; -1 leaves the sentence out."""
    sentences = [sentence for _, group in kind.blocks for sentence in group]
    return [
        -1 if optional and choose(10, *key, turn, "?") < 3 else choose(len(options), *key, turn)
        for turn, (optional, options) in enumerate(sentences)
    ]


def fill(sentence: str, words: dict[str, str]) -> str:
    """The sentence with its facts, and a capital where a fact now starts it."""
    filled = re.sub(r"\{(\w+)\}", lambda match: words[match[1]], sentence)
    return filled[:1].upper() + filled[1:]
