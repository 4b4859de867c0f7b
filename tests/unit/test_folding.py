"""One folding for all that compares or searches texts: what looks the same is the same, with places in the original."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings, strategies as st

from curate.dedup.in_memory import near_duplicates
from curate.dedup.minhash import datasketch_minhash, minhash_keys
from curate.text.folding import (
    COMPOSES,
    compose,
    fold,
    fold_table,
    join_broken_words,
    origins,
    plain_characters,
    without_invisible,
)
from curate.text.hashing import text_hash

pieces = st.sampled_from(
    ["a", "u", "U", "\u0308", "\u0301", "ü", "ｗ", "３", "\u00ad", "\u200b", "\ufeff", "½", "…", "\u00a0", " ", "ﬁ",
     "ｶ", "ﾞ", "が", "か", "\u3099", "한", "\u1112", "\u1161", "\u11ab", "ำ", "老", "\ud800", "\0", "\n", "𝐚",
     "\U000e0020", "™"]
)  # fmt: skip
texts = st.lists(pieces, max_size=20).map("".join)

GERMAN = (
    "Der Händler öffnete früh am Morgen seine Bude über dem Fluss, während müde Fischer ihre Körbe füllten und die "
    "Möwen böse um die Brücke kreisten; später kämen größere Käufer aus den Dörfern."
)
ENGLISH = (
    "The ferry crossed the river twice a day, and the children who lived on the far bank took it to school every "
    "morning until the bridge was finished and nobody waited at the landing anymore."
)


def wide(text: str) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


@settings(max_examples=500, deadline=None)
@given(texts)
def test_a_fold_is_of_a_piece_and_its_places_are_in_the_text(text):
    folded, places = fold(text), origins(text)
    assert fold(folded) == folded
    assert len(places) == len(folded) + 1
    assert places == sorted(places)
    assert places[-1] == len(text)
    visible, kept = without_invisible(text)
    assert [text[i] for i in kept[:-1]] == list(visible)
    assert len(plain_characters(text)[0]) == len(text)
    assert plain_characters(text)[1] or visible == text or "\U000e0020" in text


@settings(max_examples=300, deadline=None)
@given(st.text(st.characters(exclude_categories=("Cs", "Mn", "Mc", "Cf")), max_size=30))
def test_without_marks_it_is_nfkc_but_for_spaces_and_punctuation(text):
    letters = "".join(c for c in text if c.isalnum())
    assert fold(letters) == unicodedata.normalize("NFKC", without_invisible(letters)[0])


_LETTERS = [chr(c) for c in (*range(0xC0, 0x250), *range(0x1E00, 0x2000), *range(0xAC00, 0xB000)) if chr(c).isalpha()]


@settings(max_examples=500, deadline=None)
@given(st.lists(st.sampled_from(_LETTERS), max_size=30).map("".join))
def test_composed_and_decomposed_are_one(text):
    assert fold(unicodedata.normalize("NFD", text)) == fold(unicodedata.normalize("NFC", text)) == fold(text)


@pytest.mark.parametrize("text", ["plain", "", "curly “quotes” – and a dash…", "Füße", "北京，上海"])
def test_what_needs_no_folding_is_returned_as_it_is(text):
    assert compose(text) is text
    assert origins("plain") == [0, 1, 2, 3, 4, 5]


def test_the_table_has_all_of_unicode():
    for code in range(0x110000):
        character = chr(code)
        entry = int(fold_table()[code])
        if unicodedata.normalize("NFKC", character) != character:
            folded = unicodedata.normalize("NFKC", character)
            assert entry != code or not any(map(str.isalnum, folded)), hex(code)
        parts = unicodedata.decomposition(character)
        if parts and "<" not in parts and " " in parts and unicodedata.normalize("NFC", character) == character:
            assert fold_table()[int(parts.split()[1], 16)] & COMPOSES, hex(code)


def test_the_mark_of_a_footnote_is_no_digit():
    assert plain_characters("12¹ １２½") == ("12¹ 12½", False)


DISGUISES = {
    "decomposed": (GERMAN, unicodedata.normalize("NFD", GERMAN)),
    "soft hyphens": (GERMAN, GERMAN.replace("ck", "c\u00adk").replace("er", "e\u00adr")),
    "full width": (ENGLISH, wide(ENGLISH)),
    "word joiners": (ENGLISH, ENGLISH.replace("th", "t\u2060h")),
    "no-break spaces": (ENGLISH, ENGLISH.replace(" ", "\u00a0")),
    "zero width spaces": (ENGLISH, ENGLISH.replace(" ", " \u200b")),
    "ligatures": (ENGLISH.replace("fi", "ﬁ"), ENGLISH),
    "tags": (ENGLISH, ENGLISH.replace("r", "r\U000e0041")),
    "broken words": (ENGLISH, ENGLISH.replace("children", "chil-\ndren").replace("morning", "morn\u00ad\n  ing")),
}


@pytest.mark.parametrize("disguise", DISGUISES)
def test_texts_that_look_the_same_are_duplicates(disguise):
    one, other = DISGUISES[disguise]
    assert one != other
    assert text_hash(one) == text_hash(other)
    (found,) = near_duplicates([one, other])
    assert found.similarity == (1.0,)
    assert datasketch_minhash(one).jaccard(datasketch_minhash(other)) == 1.0


def test_texts_that_differ_stay_different():
    for one, other in (("schon gut so", "schön gut so"), ("x 12", "x 13"), ("Anglo- Saxon", "Anglo Saxony")):
        assert text_hash(one) != text_hash(other)
        assert minhash_keys(one)[1].tolist() != minhash_keys(other)[1].tolist()


def test_words_are_joined_only_where_a_line_breaks_them():
    assert join_broken_words("a well-known fact -\n 3-\n4 x") == "a well-known fact -\n 3-\n4 x"
    assert join_broken_words("hun-\n  dred") == "hundred"
