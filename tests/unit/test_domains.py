"""Domain labels: the obvious cases, strange texts, sites, and real documents of sources that were not trained on."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from curate.quality.domains import LABELS, classify_domain, notation
from tests.unit.strange_texts import LANGUAGES, strange_text

QUALITY = Path(os.environ.get("CURATE_SHARED_DATA", Path(__file__).parents[3] / "shared" / "data")) / "quality"

CODE = """#include <stdio.h>

int main(void) {
    int total = 0;
    for (int i = 0; i < 10; i++) {
        total += i;
    }
    printf("%d\\n", total);
    return 0;
}
"""
TUTORIAL = """To read a file line by line in Python, open it in a with statement and loop over the file object. The
interpreter closes the file for you, even if the loop raises an exception.

with open("names.txt") as file:
    for line in file:
        print(line.strip())

If the file is large, do not call read(): it puts the whole content into memory. A generator function is better.
"""
PROOF = """Theorem. Let $f$ be continuous on $[a, b]$ and differentiable on $(a, b)$. If $f(a) = f(b)$, there is a point
$c$ with $f'(c) = 0$.

Proof. A continuous function on a closed interval attains its maximum $M$ and its minimum $m$. If $m = M$, the function
is constant and $f'(x) = 0$ for all $x$. Otherwise one of them is attained at an inner point, and there
\\lim_{h \\to 0} \\frac{f(c+h) - f(c)}{h} = 0.
"""
STORY = """The fair came to the village in the last week of August. There were stalls with gingerbread and ribbons, a
man with a dancing bear, and a tent in which, for a penny, one could see the smallest horse in the world. My grandmother
bought two yards of blue cloth and a paper bag of cherries, and we ate them on the steps of the church."""


@pytest.mark.parametrize(
    ("text", "label"), [(CODE, "code"), (TUTORIAL, "code"), (PROOF, "maths"), (STORY, "general"), ("", "general")]
)
def test_obvious_cases(text, label):
    assert classify_domain(text).label == label


@pytest.mark.parametrize("language", ["de", "und", "", "zh"])
def test_what_is_not_english_is_multilingual(language):
    found = classify_domain(CODE, language=language)
    assert (found.label, found.score, found.topic) == ("multilingual", 1.0, "")


def test_a_site_is_evidence_and_not_more():
    question = "How can I do this faster? I tried the usual way and it takes minutes."
    odds = {}
    for url in (None, "https://stackoverflow.com/questions/1", "https://math.stackexchange.com/q/1"):
        odds[url] = classify_domain(question, url)
    assert odds["https://stackoverflow.com/questions/1"].label == "code"
    assert odds[None].label == "general"
    assert classify_domain(STORY, "https://github.com/someone/fair").label == "general"


@pytest.mark.parametrize(
    "url", ["", "https://notgithub.com/", "https://github.com.example.org/", "http://[::1", "github", "//", "\ud800"]
)
def test_other_and_broken_addresses_say_nothing(url):
    assert classify_domain(STORY, url) == classify_domain(STORY)


@settings(max_examples=100, deadline=None)
@given(st.integers(min_value=0), st.sampled_from(LANGUAGES))
def test_strange_texts_get_a_label(seed, language):
    found = classify_domain(strange_text(random.Random(seed)), language=language)
    assert found.label in LABELS
    assert 1 / 3 <= found.score <= 1


@given(st.text())
def test_notation_is_a_share_and_a_ratio(text):
    code, formulas = notation(text)
    assert 0 <= code <= 1
    assert formulas >= 0


@pytest.mark.parametrize("start", ["import a", "import a.b\t", "package a", "a()", "from a import b", "@a(", "a = b"])
@pytest.mark.parametrize("space", [" ", "\t", "\r"])
def test_white_space_in_a_line_is_not_cut_in_every_way(start, space):
    import time

    line = start + space * 20_000 + "~"
    began = time.process_time()
    notation(line)
    assert time.process_time() - began < 0.5


@pytest.mark.parametrize(
    ("line", "is_code"),
    [
        ("import numpy as np", True),
        ("import a.b.{C, D} ;", True),
        ("import\t'x'  ;  ", True),
        ("import it now!", False),
        ("package org.example ; ", True),
        ("package a b", False),
        ("from . import x  # all", True),
        ("call(x) ; ", True),
        ("call(x) : y", False),
    ],
)
def test_ends_of_lines_of_code(line, is_code):
    assert notation(line)[0] == is_code


@pytest.mark.parametrize("piece", ["(", "a(", ";", " ;", "\\", "$", "$a", "a^", "=", "a =", "<a", "\t", "\n", "x_{"])
def test_no_text_is_slow(piece):
    import time

    start = time.process_time()
    classify_domain(piece * 100_000)
    assert time.process_time() - start < 1.0


@pytest.mark.skipif(not QUALITY.is_dir(), reason="the evaluation data is not here (CURATE_SHARED_DATA)")
@pytest.mark.parametrize(
    ("name", "label", "least"),
    [
        ("high_python_docs", "code", 0.9),
        ("high_peps_rst", "code", 0.85),
        ("high_bbc_news", "general", 0.98),
        ("high_brown", "general", 0.98),
        ("high_openstax_us_history", "general", 0.98),
    ],
)
def test_sources_that_were_not_trained_on(name, label, least):
    from quality_models.examples import read_rows

    found = [classify_domain(str(row["text"])) for row in read_rows(QUALITY / f"{name}.jsonl.zst")]
    right = [domain.label == label for domain in found]
    assert sum(right) / len(right) >= least
    # and the score is about how often the label is right, on sources of which all have one label
    assert sum(domain.score for domain in found) / len(found) <= sum(right) / len(right) + 0.05
