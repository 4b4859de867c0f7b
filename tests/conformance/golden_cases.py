"""Read `golden.jsonl`: texts, the tokens that third-party tokenisers cut them into, and what the originals say."""

from __future__ import annotations

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

    spaCy's and NLTK's tokens of the text; UAX-29 words by line (there is a boundary at each newline), since
    `dclm@baseline` cuts edited texts too; sentences by line. White space, and what goes without saying (the words
    between white space; one sentence), is left out. fastText's tokens need no storing: `text_units` has them.
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
        for line in asked.split("\n"):
            words = [word for word in tokenizers.uax29_words(line) if word.strip()]
            if words != line.split():
                packed["uax29_words"][line] = pack_words(line, words)
        return tokenizers.uax29_words(asked)

    def sentences(name: str) -> Callable[[str], int]:
        def count(line: str) -> int:
            found = getattr(tokenizers, name)(line)
            if found != 1:
                packed[name][line] = found
            return found

        return count

    dclm_baseline(text, Tokenizers(uax29_words=uax29_words))
    c4_datatrove(text, Tokenizers(spacy_sentences=sentences("spacy_sentences")))
    c4_fineweb_2024(text, Tokenizers(punkt_sentences=sentences("punkt_sentences")))
    c4_tfds(text, Tokenizers(punkt_sentences=sentences("punkt_sentences")))
    return packed


def pack_words(text: str, words: list[str]) -> list[str] | str | None:
    """The words as a list, or joined with spaces where that can be undone, or None for those between white space."""
    if words == text.split():
        return None
    joined = " ".join(words)
    return joined if joined.split(" ") == words else words


def unpack_words(text: str, stored: list[str] | str | None) -> list[str]:
    if stored is None:
        return text.split()
    return stored.split(" ") if isinstance(stored, str) else stored


def unpack(text: str, packed: dict[str, Any]) -> Tokenizers:
    """Tokenisers that say of this text what was stored."""

    def words(name: str) -> Callable[[str], list[str]]:
        def tokenize(asked: str) -> list[str]:
            assert asked == text, "the stored tokens are those of another text"
            return unpack_words(text, packed[name])

        return tokenize

    def uax29_words(asked: str) -> list[str]:
        lines = asked.split("\n")
        return [word for line in lines for word in unpack_words(line, packed["uax29_words"].get(line))]

    return Tokenizers(
        spacy_words=words("spacy_words"),
        nltk_words=words("nltk_words"),
        uax29_words=uax29_words,
        spacy_sentences=lambda line: packed["spacy_sentences"].get(line, 1),
        punkt_sentences=lambda line: packed["punkt_sentences"].get(line, 1),
    )


def golden_cases() -> list[dict]:
    with GOLDEN.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]
