"""Find benchmark items in documents, by shared word 13-grams of folded text.

>>> item = "Natalia sold clips to 48 of her friends in April and then she sold half as many clips in May"
>>> index = ContaminationIndex([("gsm8k-0", "gsm8k", item)])
>>> [(hit.item_id, hit.overlap) for hit in index.find("He said: " + item.upper() + "! And left.")]
[('gsm8k-0', 1.0)]
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from annotated_types import Interval

from curate.bounds import File, Score
from curate.input.checked_file import open_regular, parse_json
from curate.input.compression import Damaged, decompressed, split_compression
from curate.results import Result
from curate.text.charset import as_text
from curate.text.folding import fold, join_broken_words, origins

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# "Language Models are Few-Shot Learners" (Brown et al. 2020, arXiv 2005.14165), appendix C: 13-grams of lower-case
# words without punctuation, ignoring items of fewer than 8 words, and n-grams of too many sources.
NGRAM = 13
MIN_WORDS = 8
MAX_ITEMS = 10
#: Most bytes of a line in a file of items, and of the whole file, uncompressed. curate's own values: an item is a
#: question with its text, and the index of more than a gigabyte of them takes more memory than a worker has.
MAX_LINE, MAX_FILE = 4 << 20, 1 << 30

# In folded text (`curate.text.folding`), a word is a run of characters other than spaces, controls, punctuation and
# symbols, so that combining marks stay in their word; in scripts without spaces (Han and kana; Thai, Lao, Burmese,
# Khmer) each character is a word.
_HAN = r"\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_LETTERWISE = r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\ua9e0-\ua9ff\uaa60-\uaa7f"
_BREAK = (
    r"\s\x00-/:-@\[-`{-\xbf\u060c\u061b\u061f\u0964\u0965\u2000-\u2bff\u3000-\u303f"
    r"\ufe10-\ufe6f\uff01-\uff0f\uff1a-\uff20"
)
_WORD = re.compile(f"[{_HAN}{_LETTERWISE}]|[^{_BREAK}{_HAN}{_LETTERWISE}]+")
_LETTER_OF_WORD = re.compile(f"[{_LETTERWISE}]")
#: How many letters of such a script count as a word of `MIN_WORDS`: eight letters are two words of any Thai text.
#: curate's own value, about the length of a short word.
LETTERS_PER_WORD = 3
_BROKEN_WORD = re.compile(rf"([^{_BREAK}]+)-(\n[ \t]*)([^{_BREAK}]+)")
# Odd multiplier of the rolling hash: 2**64 / golden ratio.
_MULTIPLIER = 0x9E3779B97F4A7C15


@dataclass(frozen=True, slots=True)
class Hit(Result):
    """An item found in a text: the share of its n-grams that the text has, and where, in characters of the text.

    ``start`` and ``end`` enclose the longest run of matched n-grams that touch or overlap.
    """

    item_id: str
    benchmark: str
    overlap: float
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class DecontaminateConfig:
    """The benchmarks whose items no document may contain.

    ``benchmarks`` are files, each a benchmark with the name of the file: JSON lines with a ``text`` and optionally an
    ``id``, or text files with one item per line; they may be compressed. A document with ``min_overlap`` or more of the
    n-grams of an item is rejected: half, as in Tülu 3 (Lambert et al. 2024, arXiv 2411.15124, section 3.2, which
    matches 8-grams). ``ngram`` is that of ``ContaminationIndex``, which ignores items of fewer than 8 words.
    """

    benchmarks: tuple[File, ...]
    min_overlap: Score = 0.5
    ngram: Annotated[int, Interval(ge=MIN_WORDS)] = NGRAM


def read_items(path: str) -> Iterator[tuple[str, str, str]]:
    """Yield (item id, benchmark, text) of each item in a file of the formats of `DecontaminateConfig`.

    The id is the path and the item's own id, or the number of its line.

    Raises:
        ValueError: a line is not an item or is too long (the message has its number), or the file is damaged or too
            large.
    """
    name = split_compression(path)[0]
    benchmark = Path(name).stem
    for number, line in enumerate(_lines(path), 1):
        if not line.strip():
            continue
        item: Any = {"text": as_text(line).strip()}
        if name.endswith((".jsonl", ".json")):
            try:
                item = parse_json(line)
            except ValueError as e:
                raise ValueError(f"{path}:{number}: {e}") from None
        text = item.get("text") if isinstance(item, dict) else None
        if not isinstance(text, str):
            raise ValueError(f"{path}:{number}: not an item: give a JSON object with a text")
        yield f"{path}:{item.get('id', number)}", benchmark, text


def _lines(path: str) -> Iterator[bytes]:
    """Yield the lines of a file, which may be compressed, up to the size that an index can hold."""
    number = size = 0
    with open_regular(path) as stream:
        unpacked = decompressed(stream, path)
        try:
            while line := unpacked.readline(MAX_LINE + 1):
                number, size = number + 1, size + len(line)
                if len(line) > MAX_LINE:
                    raise ValueError(f"{path}:{number}: a line of more than {MAX_LINE:,} bytes is not an item")
                if size > MAX_FILE:
                    raise ValueError(f"{path} has more than {MAX_FILE:,} bytes of items: split it into smaller files")
                yield line
        except Damaged as e:
            raise ValueError(f"{path}: damaged after line {number:,}: {e or type(e).__name__}") from None


class ContaminationIndex:
    """An index over benchmark items that finds them in any text.

    Words are runs of letters and digits, case-folded, so that case, punctuation and layout do not matter; a Chinese or
    Japanese character counts as a word. An item is found if a text has ``ngram`` consecutive words of it; an item of
    fewer words must match as a whole, and items of fewer than 8 words are ignored: ``too_short`` counts those. An
    n-gram that more than 10 items share (the fixed words of a task's instruction) identifies none of them and is
    ignored.

    Args:
        items: (item id, benchmark, text) of each; ids must be unique.
        ngram: consecutive words that count as a match; 13 as in GPT-3.

    Raises:
        ValueError: two items have the same id, or ``ngram`` is below 8.
    """

    def __init__(self, items: Iterable[tuple[str, str, str | bytes]], ngram: int = NGRAM) -> None:
        import numpy as np

        if ngram < MIN_WORDS:
            raise ValueError(f"ngram is {ngram}, but fewer than {MIN_WORDS} words match by chance: give more")
        self.ngram = ngram
        self.too_short = 0
        self._vocabulary: dict[str, int] = {}
        self._items: list[tuple[str, str]] = []
        hashes, lengths, owners = [], [], []
        seen: set[str] = set()
        for item_id, benchmark, text in items:
            if item_id in seen:
                raise ValueError(
                    f"two items have the id {item_id!r}: make the ids unique, for instance benchmark-number"
                )
            seen.add(item_id)
            words = _words(fold(join_broken_words(as_text(text))))
            letters = sum(map(bool, map(_LETTER_OF_WORD.match, words)))
            if len(words) - letters + letters // LETTERS_PER_WORD < MIN_WORDS:
                self.too_short += 1
                continue
            for word in words:
                self._vocabulary.setdefault(word, _word_hash(word))
            values = np.array([self._vocabulary[word] for word in words], np.uint64)
            length = min(ngram, len(words))
            grams = np.unique(_rolling(values, length)[length])
            hashes.append(grams)
            lengths.append(np.full(grams.size, length, np.uint8))
            owners.append(np.full(grams.size, len(self._items), np.uint32))
            self._items.append((item_id, benchmark))
        self._build(hashes, lengths, owners)

    def _build(self, hashes: list[Any], lengths: list[Any], owners: list[Any]) -> None:
        import numpy as np

        hash_column = np.concatenate([*hashes, np.empty(0, np.uint64)])
        owner_column = np.concatenate([*owners, np.empty(0, np.uint32)])
        length_column = np.concatenate([*lengths, np.empty(0, np.uint8)])
        order = np.lexsort((owner_column, hash_column))
        hash_column, owner_column, length_column = hash_column[order], owner_column[order], length_column[order]
        _, run = np.unique(hash_column, return_counts=True)
        keep = np.repeat(run <= MAX_ITEMS, run)
        self._hashes = hash_column[keep]
        self._owners = owner_column[keep]
        self._entry_lengths = length_column[keep]
        self._lengths = sorted({int(n) for n in np.unique(self._entry_lengths)})
        self._grams_of = np.bincount(self._owners, minlength=len(self._items))
        # The leading bits of hashes that occur: one lookup excludes nearly every n-gram that is in no item.
        bits = max(int(self._hashes.size).bit_length() + 4, 10)
        self._sieve_shift = np.uint64(64 - bits)
        self._sieve = np.zeros(1 << bits, np.bool_)
        self._sieve[self._hashes >> self._sieve_shift] = True

    def find(self, text: str | bytes) -> list[Hit]:
        """Return the items that a text contains in part or whole, by falling overlap, then by item id.

        >>> ContaminationIndex([]).find("anything")
        []
        """
        text = as_text(text)
        import numpy as np

        folded = self._join_broken_words(fold(text.replace("\u00ad\n", "-\n")))
        words = _words(folded)
        if not self._lengths or len(words) < self._lengths[0]:
            return []
        # Words that are in no item all hash to 0, so that n-grams with one are in the index only by chance.
        vocabulary = self._vocabulary
        values = np.fromiter((vocabulary.get(word, 0) for word in words), np.uint64, len(words))
        rolled = _rolling(values, self._lengths[-1])
        matches: dict[int, dict[int, set[int]]] = {}  # positions of words by item and n-gram
        for length in self._lengths:
            grams = rolled[length]
            maybe = np.flatnonzero(self._sieve[grams >> self._sieve_shift])
            low = np.searchsorted(self._hashes, grams[maybe], side="left")
            high = np.searchsorted(self._hashes, grams[maybe], side="right")
            for position, first, last in zip(maybe.tolist(), low.tolist(), high.tolist(), strict=True):
                for entry in range(first, last):
                    if self._entry_lengths[entry] == length:
                        at = matches.setdefault(int(self._owners[entry]), {})
                        at.setdefault(int(self._hashes[entry]), set()).update(range(position, position + length))
        if not matches:
            return []
        places = origins(text.replace("\u00ad\n", "-\n"))
        spans = [(places[match.start()], places[match.end()]) for match in _WORD.finditer(folded)]
        hits = [self._hit(owner, grams, spans) for owner, grams in matches.items()]
        return sorted(hits, key=lambda hit: (-hit.overlap, hit.item_id))

    def _join_broken_words(self, folded: str) -> str:
        """Join the words that a hyphen breaks at the end of a line and an item has whole; places after them stay."""

        def join(match: re.Match[str]) -> str:
            word = f"{match[1]}{match[3]}"
            return f"{word} {match[2]}" if word.casefold() in self._vocabulary else match[0]

        return _BROKEN_WORD.sub(join, folded) if "-\n" in folded else folded

    def _hit(self, owner: int, grams: dict[int, set[int]], spans: list[tuple[int, int]]) -> Hit:
        positions = sorted(set().union(*grams.values()))
        first, last = _longest_run(positions)
        item_id, benchmark = self._items[owner]
        overlap = len(grams) / int(self._grams_of[owner])
        return Hit(item_id, benchmark, overlap, spans[first][0], spans[last][1])


def _longest_run(positions: list[int]) -> tuple[int, int]:
    """Return the first and last of the longest run of consecutive numbers; of equal runs, the earliest."""
    best = (positions[0], positions[0])
    start = positions[0]
    for before, position in zip([positions[0], *positions], positions, strict=False):
        if position - before > 1:
            start = position
        if position - start > best[1] - best[0]:
            best = (start, position)
    return best


def _words(text: str) -> list[str]:
    # Case after splitting, word by word: it can change the length of a text, and hits are in its characters.
    words = _WORD.findall(text)
    return " ".join(words).casefold().split(" ") if words else []


def _word_hash(word: str) -> int:
    import xxhash

    return xxhash.xxh3_64_intdigest(word.encode("utf-8", "surrogatepass"))


def _rolling(values: NDArray[np.uint64], longest: int) -> dict[int, NDArray[np.uint64]]:
    """Return, for each length up to ``longest``, the hashes of all runs of that many values."""
    import numpy as np

    rolled = {1: values}
    with np.errstate(over="ignore"):
        for length in range(2, longest + 1):
            previous = rolled[length - 1]
            rolled[length] = previous[:-1] * np.uint64(_MULTIPLIER) + values[length - 1 :]
    return rolled
