"""What the first words of blocks say."""

from itertools import pairwise

import numpy as np

from curate.extract.blocks import cut
from curate.extract.columns import FEATURES
from curate.extract.main_text import Evidence, describe
from curate.extract.word_kernels import HEAD, HEAD_BYTES, first_words


def hashes(page):
    """Return the hashes of the first words of each block."""
    blocks = cut(page)
    words, _, starts, long = first_words(blocks.out, blocks.blocks)
    return [words[a:b].tolist() for a, b in pairwise(starts)], long.tolist()


def test_words_are_letters_and_digits_in_lower_case():
    words, long = hashes("<p>Related posts<p>related POSTS!<p>post related<p>été 2024<p>...")
    assert words[0] == words[1] != words[2]
    assert words[0][0] == words[2][1]
    assert [len(w) for w in words] == [2, 2, 2, 2, 0]
    assert not any(long)


def test_marks_of_any_kind_are_no_letters():
    marks = "<p>\u201cRead\u201d more\u2026<p>read&nbsp;more \u00bb<p>\u6771\u4eac\u3001\u5927"
    words, _ = hashes(f"<p>Read more &raquo;<p>Read, more!{marks}")
    assert words[0] == words[1] == words[2] == words[3]
    assert [len(w) for w in words] == [2, 2, 2, 2, 2]


def test_the_words_that_a_longer_block_begins_with_are_others():
    twelve = " ".join(f"w{i}" for i in range(HEAD))
    (short, longer), long = hashes(f"<p>{twelve}<p>{twelve} more")
    assert len(short) == len(longer) == HEAD
    assert not set(short) & set(longer)
    assert long == [False, True]


def test_text_without_spaces_is_looked_at_in_part():
    (one, other), long = hashes(f"<p>{'a' * HEAD_BYTES}b<p>{'a' * HEAD_BYTES}c")
    assert one == other
    assert long == [True, True]


def test_a_heading_speaks_for_what_is_below_it():
    page = cut("<h2>Related posts</h2><p>One of them is here<p>Another<h3>Tea</h3><p>Leaves")
    words, *_ = first_words(page.out, page.blocks)
    keys, weights = np.unique(words[:2]), np.array([-2.0, -1.0])
    nothing = np.empty(0, np.uint32), np.empty(0)
    rows = describe(page, Evidence(*nothing, keys, weights))
    said = {name: rows[:, FEATURES.index(f"said_{name}")].tolist() for name in ("total", "heading_least", "before")}
    assert said["total"] == [-3 / np.sqrt(2), 0, 0, 0, 0]
    assert said["heading_least"] == [0, -2, -2, -2, 0]
    assert said["before"] == [0, -3 / np.sqrt(2), 0, 0, 0]
    assert rows[:, FEATURES.index("said_worst_heading")].tolist() == [-3 / np.sqrt(2)] * 5
