"""Line hashes: ccNet's normalisation, one count per document, and removal that leaves all else as it is."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from curate.dedup.lines import (
    PUNCTUATION,
    LineDedupConfig,
    find_lines,
    is_content,
    line_hashes,
    normalize_line,
    remove_lines,
)

#: Text of lines that are often alike: case, digits, white space and punctuation differ.
pieces = st.sampled_from(
    ["Menu", "menu", " ", "\t", "1", "2", "…", "–", "！", "-", "é", "x", "\u200b", "\x07", "\u3000", "٣"]
)
lines = st.lists(pieces, max_size=5).map("".join)
texts = st.lists(lines, max_size=12).map("\n".join)
anything = st.text(st.characters(exclude_categories=()), max_size=120)


def ccnet(line):
    """The normalisation in plain Python, from ccNet's description."""
    line = re.sub(r"\d", "0", line.strip().lower())
    return "".join(c for c in line if c not in PUNCTUATION and not (ord(c) < 32 or 127 <= ord(c) < 160))


def test_ccnet_s_punctuation_is_34_marks():
    assert len(set(PUNCTUATION)) == len(PUNCTUATION) == 34


@settings(max_examples=300, deadline=None)
@given(texts)
def test_lines_are_the_same_just_when_ccnet_makes_them_equal(text):
    found = [ccnet(line) for line in text.split("\n")]
    assert [normalize_line(line) for line in text.split("\n")] == found
    assert len(line_hashes(text)) == len(set(found) - {""})
    for i, one in enumerate(found):
        for other in found[:i]:
            same = line_hashes(one).tolist() == line_hashes(other).tolist()
            assert same == (one == other or ccnet(one) == ccnet(other))


@settings(max_examples=200, deadline=None)
@given(texts, st.sets(st.integers(0, 11)))
def test_just_the_lines_in_the_table_are_removed(text, chosen):
    rows = text.split("\n")
    hot = np.unique(np.concatenate([np.empty(0, np.uint64), *(line_hashes(rows[i]) for i in chosen if i < len(rows))]))
    gone = {ccnet(rows[i]) for i in chosen if i < len(rows)} - {""}
    edit = remove_lines(text, hot)
    assert [r for r in edit.text.split("\n") if r.strip()] == [r for r in rows if r.strip() and ccnet(r) not in gone]
    assert sum(edit.counts.values()) == sum(ccnet(r) in gone for r in rows)
    assert remove_lines(edit.text, hot).counts == {}


@settings(max_examples=300, deadline=None)
@given(anything)
def test_any_text_copes(text):
    hashes = line_hashes(text)
    assert (np.diff(hashes.astype(object)) > 0).all()
    assert len(hashes) <= text.count("\n") + 1
    assert remove_lines(text, np.empty(0, np.uint64)).text == text
    left = remove_lines(text, hashes).text
    assert not len(line_hashes(left))
    assert set(find_lines(text, set(hashes.tolist()))) == set(hashes.tolist())


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("One.\n\nmenu\n\nTwo.", "One.\n\nTwo."),
        ("menu\n\nOne.\n\nmenu", "One."),
        ("One.\nmenu\nTwo.", "One.\nTwo."),
        ("One.\n\n\nmenu\nmenu\n\nTwo.\n\n\nThree.\n", "One.\n\n\nTwo.\n\n\nThree.\n"),
        ("One.\n\nTwo.\n\n", "One.\n\nTwo.\n\n"),
    ],
)
def test_a_line_goes_with_the_blank_lines_that_it_would_leave(text, left):
    assert remove_lines(text, line_hashes("menu")).text == left


LOOP = "How to add them up\n\nfor item in items\n  total += item\nend\n\nThat is all there is to it."
MANUAL = (
    "Array.at()\n\nThe method takes an integer and returns the item at that index, which may be negative.\n\n"
    "Parameters\n\nThe zero-based index of the item, counted from the end of the array if it is negative.\n\n"
    "Returns\tAn item\n\nSee also"
)


def test_fences_and_rows_of_tables_in_markdown_are_spared():
    config = LineDedupConfig(protect_code=True, protect_structure=True)
    text = "- one\n  - two\n\n  ```c\n  x = 1;\n  words\n  ```\n\n| a |  |\n| --- | --- |\n| b | c |\n\nEnd."
    hot = np.unique([h for line in text.split("\n") for h in line_hashes(line)])
    assert remove_lines(text, hot, config, markdown=True).text == (
        "  ```c\n  x = 1;\n  words\n  ```\n\n| a |  |\n| --- | --- |\n| b | c |"
    )
    assert "  - two" in remove_lines(text, hot, config).text  # in text, what is indented is code


def test_code_headings_and_rows_of_tables_are_spared():
    config = LineDedupConfig(protect_code=True, protect_structure=True)
    spared = {"for item in items", "  total += item", "end"}
    for text, stays in ((LOOP, spared), (MANUAL, {"Parameters", "Returns\tAn item"})):
        edit = remove_lines(text, np.unique(np.concatenate([line_hashes(line) for line in text.split("\n")])), config)
        assert set(edit.text.split("\n")) - {""} == stays


def test_lines_of_content_are_marked_whatever_else_is_on_the_page():
    config = LineDedupConfig(content_characters=30)
    hashes = line_hashes("Menu\n  " + "a line of content " * 2, config)
    assert sorted(is_content(hashes).tolist()) == [False, True]
    assert line_hashes("A LINE of content " * 2, config).tolist() == hashes[is_content(hashes)].tolist()
    assert remove_lines("x\n" + "a line of content " * 2, hashes, config).counts == {"repeated_paragraph": 1}


def test_a_document_that_comes_early_enough_keeps_its_line():
    hot = line_hashes("menu")
    until = np.array([7], np.uint64)
    assert remove_lines("menu\nx", hot, kept_until=until, order=7).text == "menu\nx"
    assert remove_lines("menu\nx", hot, kept_until=until, order=8).text == "x"


@pytest.mark.parametrize(
    "line", ["}", "  });", "import os", "    return x", "for i in range(3):", "else:", "#include <x>", "{"]
)
def test_program_text_is_spared_where_that_is_wanted(line):
    text = f"Menu\n{line}\nMenu"
    assert len(line_hashes(text)) == 2
    config = LineDedupConfig(protect_code=True)
    assert len(line_hashes(text, config)) == 1
    assert remove_lines(text, line_hashes(text), config).text == line


@pytest.mark.parametrize(
    "line", ["Read more", "© 2024 Company. All rights reserved.", "Classified ads", "If you agree, click here"]
)
def test_menus_are_no_program_text(line):
    assert len(line_hashes(line, LineDedupConfig(protect_code=True))) == 1


def test_short_lines_are_spared_where_that_is_wanted():
    config = LineDedupConfig(min_characters=5)
    assert len(line_hashes("Home\nAbout\n  Log in…  \n!!!", config)) == 2


def test_settings_that_cannot_work_are_refused():
    with pytest.raises(ValueError, match="max_copies is 0"):
        LineDedupConfig(max_copies=0)
    with pytest.raises(ValueError, match="keep_first is -1"):
        LineDedupConfig(keep_first=-1)


def test_a_line_of_ten_megabytes():
    text = "x" * 10_000_000 + "\nmenu"
    assert remove_lines(text, line_hashes("menu")).text == "x" * 10_000_000
