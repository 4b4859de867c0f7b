import random

import pytest
from hypothesis import given, settings, strategies as st
from strange_texts import PIECES, strange_text

from curate.filters.clean import (
    C4CleanConfig,
    RefinedWebCleanConfig,
    RepetitionCleanConfig,
    c4_clean,
    refinedweb_clean,
    repetition_clean,
)

any_text = st.one_of(st.text(max_size=80), st.builds(" ".join, st.lists(st.sampled_from(PIECES), max_size=40)))
EDITS = [c4_clean, refinedweb_clean, repetition_clean]


@pytest.mark.parametrize("edit", EDITS)
@settings(deadline=None)
@given(any_text)
def test_counts_say_whether_anything_changed(edit, text):
    result = edit(text)
    assert (result.text == text) == (not result.counts)
    assert all(count > 0 for count in result.counts.values())
    assert len(result.text) <= len(text)


@pytest.mark.parametrize("edit", EDITS)
def test_a_second_time_changes_nothing_more(edit):
    rng = random.Random(1)
    for _ in range(200):
        once = edit(strange_text(rng)).text
        twice = edit(once)
        # a citation mark inside another, or "items in cart" made of two halves, may be left by the first time
        assert twice.text == once or twice.counts.keys() <= {"citation", "calls", "too_few_words", "upper"}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("It rained for forty days.", ""),
        ('She said: "It rained for forty days"', ""),
        ("It rained for forty days", "no_terminal_mark"),
        ("It rained for forty days...", "no_terminal_mark"),
        ("It rained for forty days'", "no_terminal_mark"),
        ("It rained for days.", "too_few_words"),
        ("x" * 1001 + " is not a word of any.", "long_word"),
        ("x" * 1000 + " is not a word of any.", ""),
        ("Lorem Ipsum is what we have here.", "lorem_ipsum"),
        ("Turn on your JavaScript to see it.", "javascript"),
        ("Let f(x) = {x} for every x.", "curly_bracket"),
        ("Please read our Cookie Policy before this.", "policy"),
    ],
)
def test_c4_line_by_line(line, reason):
    assert c4_clean(line).counts == ({reason: 1} if reason else {})
    assert c4_clean(line).text == ("" if reason else line)


def test_c4_takes_citation_marks_out_of_lines_that_stay():
    edit = c4_clean("  It rained[12] for forty[edit] days[citation needed].\nShort[1].")
    assert edit.text == "It rained for forty days."
    assert edit.counts == {"citation": 3, "too_few_words": 1}


def test_c4_as_datatrove_has_it():
    config = C4CleanConfig(min_words=3, terminal_marks=".?!\"'", words_before_citations=True)
    assert c4_clean("Two [1] words.", config).text == "Two  words."
    assert c4_clean("Two [1] words.").counts == {"too_few_words": 1}


@pytest.mark.parametrize(
    ("line", "kept", "reason"),
    [
        ("", "", ""),
        ("An ordinary line", "An ordinary line", ""),
        ("MENU HOME About", None, "upper"),
        ("AB cd", "AB cd", ""),
        ("2021", None, "digits"),
        ("1,234 Likes", None, "counter"),
        ("* 12k views.", None, "counter"),
        ("12 likes this", "12 likes this", ""),
        ("Menu", None, "too_few_words"),
        ("3 items in cart", "3", "calls"),
        ("Go on here read more...", "Go on here", "calls"),
        ("sign-in to see", "to see", "calls"),
        ("one two three four five six seven eight nine ten read more...", None, ""),
    ],
)
def test_refinedweb_line_by_line(line, kept, reason):
    edit = refinedweb_clean(f"Before it.\n{line}\nAfter it.")
    expected = ["Before it.", *([] if reason and kept is None else [line if kept is None else kept]), "After it."]
    assert edit.text == "\n".join(expected)
    assert edit.counts == ({reason: 1} if reason else {})


def test_refinedweb_config_moves_the_limits():
    assert refinedweb_clean("Menu", RefinedWebCleanConfig(min_words=1)).counts == {}


LOG = " ".join(f"12:00:{n:02d} ERROR worker failed to open the file queue/{n}" for n in range(30))
FORMULA = r"$\frac{1}{2}x+\frac{1}{2}y+\frac{1}{2}z+\frac{1}{2}x+\frac{1}{2}y+\frac{1}{2}z=\frac{1}{2}x+\frac{1}{2}y$"
PROSE = (
    "As the value grows, the curve comes closer and closer to the first line; as the value falls, the curve comes "
    "closer and closer to the second line, and at no point does it meet either of them."
)


@pytest.mark.parametrize("place", range(3))
@pytest.mark.parametrize("blank", ["", "\n"])
def test_lines_that_repeat_themselves_go_with_their_newline(place, blank):
    lines = ["One line.", "Another line.", "A third."]
    lines.insert(place, LOG)
    edit = repetition_clean(f"\n{blank}".join(lines))
    assert LOG not in edit.text
    assert edit.text.replace("\n", "") == "One line.Another line.A third."
    assert edit.counts == {"repeated_ngrams": 1}


@pytest.mark.parametrize("line", [FORMULA, PROSE, "la " * 19, "Again and again. " * 5])
def test_formulas_prose_and_short_lines_stay(line):
    assert repetition_clean(line).counts == {}


def test_nothing_is_left_of_a_log():
    assert repetition_clean(LOG).text == ""
    assert repetition_clean(f"{LOG}\n{LOG}").text == ""


def test_repetition_config_moves_the_limits():
    assert repetition_clean("Again and again. " * 5, RepetitionCleanConfig(min_words=10)).counts == {
        "repeated_ngrams": 1
    }
    assert repetition_clean(LOG, RepetitionCleanConfig(max_share=0.99)).counts == {}
