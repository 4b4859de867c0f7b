import math
import pickle
import random
import subprocess
import sys
import time
import unicodedata
from pathlib import Path

import pytest
import reference_signals
from hypothesis import given, settings, strategies as st
from strange_texts import LANGUAGES, PIECES, strange_text

from curate.filters.signals import FORMULAS, measure, signal_names
from curate.text.words import dirty_words

SAMPLES = Path(__file__).parents[2] / "sample_data" / "text"

pieces = st.lists(st.sampled_from(PIECES), max_size=40)
any_text = st.one_of(
    st.text(max_size=80),
    st.builds(str.join, st.sampled_from(["", " ", "\n"]), pieces),
    st.builds(lambda words, times: "\n".join([" ".join(words)] * times), pieces, st.integers(1, 6)),
)


def agrees(text, language):
    found, expected = measure(text, language).as_dict(), reference_signals.measure(text, language)
    assert list(found) == list(expected) == list(signal_names())
    for name, value in expected.items():
        assert math.isclose(found[name], value, rel_tol=1e-9, abs_tol=1e-12), (name, found[name], value)


@given(any_text, st.sampled_from(LANGUAGES))
@settings(max_examples=300, deadline=None)
def test_kernels_are_the_plain_definitions(text, language):
    agrees(text, language)


@pytest.mark.parametrize("seed", range(3))
def test_kernels_are_the_plain_definitions_on_strange_texts(seed):
    rng = random.Random(seed)
    for _ in range(60):
        agrees(strange_text(rng), rng.choice(LANGUAGES))


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.txt")), ids=lambda path: path.stem)
def test_kernels_are_the_plain_definitions_on_ordinary_text(path):
    agrees(path.read_text("utf-8")[:20_000], path.stem[:2])


@given(any_text, st.sampled_from(LANGUAGES))
@settings(max_examples=100, deadline=None)
def test_values_are_numbers_and_shares_are_shares(text, language):
    for name, value in measure(text, language).as_dict().items():
        assert value >= 0
        assert math.isfinite(value)
        if name.endswith("_share") and not name.startswith(("top_", "frequent_", "stop_", "dirty_")):
            assert value <= 1, name


def test_a_page_by_hand():
    text = "Cats and dogs. Cats and dogs!\n\n  CATS 9 LIVES...  \n• one {x}\n• one {x}\n"
    signals = measure(text)
    assert (signals.words, signals.lines, signals.paragraphs, signals.sentences) == (13, 4, 2, 3)
    assert signals.capital_word_share == pytest.approx(2 / 13)
    assert signals.number_word_share == pytest.approx(1 / 13)
    assert signals.stop_words == 2  # "and", twice
    assert signals.top_2gram_share == pytest.approx(2 * 7 / 40)
    assert signals.curly_bracket_share == pytest.approx(4 / sum(not c.isspace() for c in text))
    assert (signals.bullet_line_share, signals.ellipsis_line_share) == (0.5, 0.25)
    assert (signals.terminal_line_share, signals.short_line_share) == (0.5, 1)
    assert (signals.duplicate_line_share, signals.repeated_line_share) == (0.25, 0.5)
    assert signals.newline_word_ratio == pytest.approx(5 / 13)


@pytest.mark.parametrize(
    ("language", "text", "words"),
    [
        # Universal Declaration of Human Rights, article 1, and the words that dictionary segmenters find in it
        ("zh", "人人生而自由，在尊严和权利上一律平等。他们赋有理性和良心，并应以兄弟关系的精神相对待。", 21),
        ("ja", "すべての人間は、生まれながらにして自由であり、かつ、尊厳と権利とについて平等である。", 20),
        ("th", "มนุษย์ทั้งหลายเกิดมามีอิสระและเสมอภาคกันในเกียรติศักดิ์และสิทธิ", 12),
    ],
)
def test_words_without_spaces_are_about_as_many_as_people_count(language, text, words):
    assert measure(text, language).words == pytest.approx(words, rel=0.4)


def test_a_phrase_without_spaces_is_cut_alike_wherever_it_stands():
    phrase = "隣の客はよく柿食う客だ"
    for before in ("", "あ", "本日", "これは"):
        repeated = measure("。".join(f"{before[:n]}{phrase}" for n in range(len(before) + 1)) * 3, "ja")
        assert repeated.duplicate_5gram_share > 0.5


def test_the_same_text_has_the_same_signals_in_any_process():
    text = "The cat sat on the mat. 東京都に行く。 " * 30
    code = f"from curate.filters.signals import measure; print(repr(measure({text!r}, 'ja')))"
    for seed in ("0", "1"):
        run = subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        )
        assert run.stdout.strip() == repr(measure(text, "ja"))


def test_signals_survive_pickling_and_do_not_change():
    signals = measure("a b c", "en", ["c4_tfds"])
    assert pickle.loads(pickle.dumps(signals)) == signals
    assert signals.as_dict()["c4_tfds_sentences"] == 0
    with pytest.raises(AttributeError):
        signals.words = 7


def test_names_and_formulas_are_the_fields():
    assert tuple(FORMULAS) == signal_names()
    assert len(set(signal_names(["dolma", "dclm", "nemo"]))) == len(signal_names(["dolma", "dclm", "nemo"]))


HARD = {
    "one letter": "a",
    "one word": "a ",
    "one line": "same line\n",
    "empty lines": "\n",
    "no spaces": "漢字",
    "combining": "e\u0301",
    "surrogates": "\ud800",
    "apostrophes": "a'",
    "dots": "a.",
    "brackets": "((",
    "at signs": "a@b",
    "slashes": "/a",
    "dashes": "--",
    "citations": "[",
    "hashes": "#",
    "words that come back": "one two three four five six seven ",
}


@pytest.mark.parametrize("piece", HARD.values(), ids=HARD.keys())
def test_the_time_is_linear(piece):
    measure(piece)

    def seconds(characters):
        text = piece * (characters // len(piece))
        start = time.process_time()
        measure(text)
        return time.process_time() - start

    # 16 times the text; the machine may be busy, but what is quadratic takes 256 times as long
    assert seconds(960_000) < 80 * min(seconds(60_000) for _ in range(3)) + 0.5


def test_ten_megabytes_in_one_line():
    text = "".join(f"word{i % 100_000} " for i in range(1_000_000))
    signals = measure(text)
    assert signals.bytes == len(text) > 9_000_000
    assert (signals.words, signals.lines) == (1_000_000, 1)
    assert signals.unique_word_share == pytest.approx(0.1)
    assert signals.repetitive_line_share == 1


def test_the_document_has_every_signal_with_its_formula():
    rows = [
        [cell.strip().strip("`") for cell in line.split("|")[1:3]]
        for line in (Path(__file__).parents[2] / "docs" / "signals.md").read_text("utf-8").splitlines()
        if line.startswith("| `")
    ]
    assert [tuple(row) for row in rows] == list(FORMULAS.items())


def test_listed_words_are_seen_in_any_form():
    page = "The committee met on a cold morning and talked about the price of bread for an hour. {}"
    accented = next(word for word in dirty_words("es") if word.isalpha() and unicodedata.normalize("NFD", word) != word)
    for word, other in [("porn", "ｐｏｒｎ"), ("Porn", "ＰＯＲＮ"), ("porn", "po\u00adrn"), ("porn", "p\u200born"),
                        ("porn", "por\u2060n"),
                        ("porn", "𝐩𝐨𝐫𝐧"), (accented, unicodedata.normalize("NFD", accented))]:  # fmt: skip
        plain, disguised = (measure(page.format(form), "es") for form in (word, other))
        assert plain.dirty_words == disguised.dirty_words == 1, other
        assert plain.dirty_word_share == disguised.dirty_word_share
        assert plain.stop_words == disguised.stop_words
