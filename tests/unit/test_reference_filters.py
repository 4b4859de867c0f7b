"""Quantities of the filters of others: ours are those of the plain definitions, over the same tokens, on any text."""

import math
import random
import sys
import time
from pathlib import Path

import pytest
from strange_texts import strange_text

from curate.filters.presets import PRESETS, reference_filters_of
from curate.filters.reference_filters import (
    REFERENCE_FILTERS,
    measure_reference,
    nltk,
    quantity_names,
    spacy,
    token_counts as tokens,
)
from curate.filters.rules import decide
from curate.text.characters import code_points

sys.path.insert(0, str(Path(__file__).parents[1] / "conformance"))

from definitions import DEFINITIONS
from text_units import Tokenizers


def pieces(text, spans):
    return [text[a:b] for a, b in zip(*map(list, spans), strict=True)]


def nltk_words(text):
    """Our tokens with the double quotes as long as NLTK makes them."""
    return ["``" if token == '"' else token for token in nltk.tokens(text)]


OURS = Tokenizers(
    spacy_words=spacy.tokens,
    spacy_sentences=spacy.sentences,
    nltk_words=nltk_words,
    punkt_sentences=nltk.sentences,
    uax29_words=lambda text: pieces(text, tokens.uax29_spans(code_points(text))),
)
#: datatrove joins the words of its duplicate n-grams with nothing between them, so that "ab c" is "a bc": ours are not.
UNLIKE = {"gopher@datatrove": "dup_", "gopher@fineweb-2024": "dup_"}


@pytest.mark.parametrize("preset", sorted(set(DEFINITIONS) & set(PRESETS)))
def test_quantities_are_those_of_the_definitions(preset):
    (reference_filter,) = reference_filters_of(PRESETS[preset])
    rng = random.Random(5)
    for _ in range(120):
        text = strange_text(rng)
        _, reason, expected = DEFINITIONS[preset](text, tokenizers=OURS)
        found = measure_reference(reference_filter, text)
        for name, value in expected.items():
            mine = found.get(f"{reference_filter}_{name}")
            if mine is not None and not math.isnan(value) and not name.startswith(UNLIKE.get(preset, ())):
                assert mine == pytest.approx(value, rel=1e-12, abs=1e-12), (name, text)
        if reason != "undefined":
            assert decide(found, PRESETS[preset]).reason == reason or preset in UNLIKE


@pytest.mark.parametrize("reference_filter", REFERENCE_FILTERS)
def test_every_quantity_is_a_number_on_any_text(reference_filter):
    rng = random.Random(6)
    for text in ["", " ", "\n", "\x00", "\ud800", *(strange_text(rng) for _ in range(100))]:
        found = measure_reference(reference_filter, text)
        assert tuple(found) == quantity_names(reference_filter)
        assert all(map(math.isfinite, found.values()))


@pytest.mark.parametrize("reference_filter", REFERENCE_FILTERS)
@pytest.mark.parametrize(
    "piece", ["a ", "a", "a.", "same line.\n", "\n", "((", "a@b", "[1", "http://a", "漢", "a's ", ". "]
)
def test_the_time_is_linear(reference_filter, piece):
    def seconds(characters):
        text = piece * (characters // len(piece))
        start = time.process_time()
        measure_reference(reference_filter, text)
        return time.process_time() - start

    seconds(1000)
    # 16 times the text; what is quadratic takes 256 times as long
    assert seconds(320_000) < 80 * seconds(20_000) + 0.5


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I'm sure they'll (maybe) can't.", ["I", "'m", "sure", "they", "'ll", "(", "maybe", ")", "ca", "n't", "."]),
        ("The well-known U.S. firm...", ["The", "well", "-", "known", "U.S.", "firm", "..."]),
        ("See http://a.com/b-c, or mail me@x.org!", ["See", "http://a.com/b-c", ",", "or", "mail", "me@x.org", "!"]),
        (
            "10km for $5.50, 3-4 or and/or :)",
            ["10", "km", "for", "$", "5.50", ",", "3", "-", "4", "or", "and/or", ":)"],
        ),
        ("one.Two a,b 1,000 x=y", ["one", ".", "Two", "a", ",", "b", "1,000", "x", "=", "y"]),
    ],
)
def test_spacy_tokens(text, expected):
    assert spacy.tokens(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Dr. No can't go. He's “late”.", ["Dr.", "No", "ca", "n't", "go", ".", "He", "'s", "“", "late", "”", "."]),
        (
            "We gonna pay $3.88 (or 3,36)--now!",
            ["We", "gon", "na", "pay", "$", "3.88", "(", "or", "3,36", ")", "--", "now", "!"],
        ),
        ("It ends: here, he said.", ["It", "ends", ":", "here", ",", "he", "said", "."]),
        ("No end. of it", ["No", "end", ".", "of", "it"]),
    ],
)
def test_nltk_tokens(text, expected):
    assert nltk.tokens(text) == expected


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("", 0),
        ("One", 1),
        ("One. Two? Three! four", 4),
        ("Mr. Smith met J. R. Jones.", 1),
        ("He waited... and waited... It rained.", 2),
        ('"Go!" he said. "Now."', 3),
        ("Stop!!", 2),
        ("Version 3. now", 1),
    ],
)
def test_punkt_sentences(text, sentences):
    assert nltk.sentences(text) == sentences
