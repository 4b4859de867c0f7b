"""Read `golden.jsonl`: texts, the tokens that third-party tokenisers cut them into, and what the originals say."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from definitions import c4_datatrove, c4_fineweb_2024, c4_tfds, dclm_baseline
from golden_texts import CURIOSITIES, FAMILIES
from text_units import Tokenizers, fasttext_tokens

GOLDEN = Path(__file__).parent / "golden.jsonl"

# Longer texts are made again from their family instead of being stored.
GENERATED_ABOVE = 20_000


def text_of(case: dict) -> str:
    """The text of a case: stored, of its family, or a curiosity."""
    if "text" in case:
        return case["text"]
    if "family" in case:
        return next(make for name, make, _ in FAMILIES if name == case["family"])(case["number"])
    return CURIOSITIES[case["name"]]


def pack(text: str, tokenizers: Tokenizers) -> dict[str, Any]:
    """What the tokenisers say when the definitions are run on this text.

    spaCy's and NLTK's tokens of the text; UAX-29 words by piece, since `dclm@baseline` cuts edited texts too, and those
    that begin with no letter or digit left out; how many sentences a line has, unless one. fastText's tokens need no
    storing: `text_units` has them.
    """
    packed: dict[str, Any] = {
        "spacy_words": pack_words(text, tokenizers.spacy_words(text)),
        "nltk_words": pack_words(text, tokenizers.nltk_words(text)),
        "uax29_words": {},
        "spacy_sentences": {},
        "punkt_sentences": {},
    }
    assert tokenizers.fasttext_words(text) == fasttext_tokens(text), "fastText cuts this text otherwise"

    def uax29_words(asked: str) -> list[str]:
        for piece in asked.split():
            words = [word for word in tokenizers.uax29_words(piece) if word[0].isalnum()]
            if words != [piece]:
                packed["uax29_words"][piece] = " ".join(words)
        words = [word for word in tokenizers.uax29_words(asked) if word[0].isalnum()]
        assert words == unpack_pieces(asked, packed["uax29_words"]), "the words of a piece depend on others"
        return words

    def sentences(name: str) -> Callable[[str], int]:
        def count(line: str) -> int:
            found = getattr(tokenizers, name)(line)
            if found != 1:
                packed[name][key_of(line)] = found
            return found

        return count

    dclm_baseline(text, Tokenizers(uax29_words=uax29_words))
    c4_datatrove(text, Tokenizers(spacy_sentences=sentences("spacy_sentences")))
    for definition in (c4_fineweb_2024, c4_tfds):
        definition(text, Tokenizers(punkt_sentences=sentences("punkt_sentences")))
    return packed


def key_of(line: str) -> str:
    """A short name of a line."""
    return hashlib.sha256(line.encode()).hexdigest()[:10]


def pack_words(text: str, words: list[str]) -> dict[str, str] | list[str]:
    """Tokens by the number of the white-space piece that they cut up; all of them where that cannot be undone."""
    cut: dict[str, str] = {}
    rest = iter(words)
    for i, piece in enumerate(text.split()):
        tokens: list[str] = []
        while len("".join(tokens)) < len(piece):
            tokens.append(next(rest, piece))
        if tokens != [piece]:
            cut[str(i)] = " ".join(tokens)
    return cut if unpack_words(text, cut) == words else words


def unpack_words(text: str, stored: dict[str, str] | list[str]) -> list[str]:
    if isinstance(stored, list):
        return stored
    pieces = enumerate(text.split())
    return [word for i, piece in pieces for word in (stored[str(i)].split(" ") if str(i) in stored else [piece])]


def unpack_pieces(text: str, stored: dict[str, str]) -> list[str]:
    return [word for piece in text.split() for word in (stored[piece].split() if piece in stored else [piece])]


def unpack(text: str, packed: dict[str, Any]) -> Tokenizers:
    """Tokenisers that say of this text what was stored."""

    def words(name: str) -> Callable[[str], list[str]]:
        def tokenize(asked: str) -> list[str]:
            assert asked == text, "the stored tokens are those of another text"
            return unpack_words(text, packed[name])

        return tokenize

    return Tokenizers(
        spacy_words=words("spacy_words"),
        nltk_words=words("nltk_words"),
        uax29_words=lambda asked: unpack_pieces(asked, packed["uax29_words"]),
        spacy_sentences=lambda line: packed["spacy_sentences"].get(key_of(line), 1),
        punkt_sentences=lambda line: packed["punkt_sentences"].get(key_of(line), 1),
    )


def golden_cases() -> list[dict]:
    with GOLDEN.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]
