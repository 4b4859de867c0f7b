"""Domain labels: the obvious cases, strange texts, sites, and real documents of sources that were not trained on."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from curate.quality.domains import LABELS, classify_domain, measure_notation, notation
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
def test_code_and_maths_are_what_they_are_in_any_language(language):
    found = classify_domain("Der Hund schläft im Garten.", language=language)
    assert (found.label, found.topic, found.about) == ("multilingual", "", "")
    assert found.score > 0.9
    assert classify_domain(CODE, language=language).label == "code"
    assert classify_domain(PROOF, language=language).label == "maths"


ESSAY = """Most programmers learn their second programming language much faster than their first. The ideas of
variables, functions and loops carry over, and only the syntax of the language is new. What takes
years is something else: to read the code of other people, to choose names for classes and methods
that will still make sense after the next refactoring, and to know when a unit test is worth more
than another feature. Software engineers who write Python every day often say that debugging taught
them more about their compiler and their libraries than any book or tutorial did."""


def test_what_a_text_is_about_is_not_what_it_holds():
    found = classify_domain(ESSAY)
    assert (found.label, found.about) == ("general", "code")
    assert (classify_domain(CODE).label, classify_domain(CODE).about) == ("code", "code")
    assert classify_domain(f"{PROOF}\n{CODE}").label == "code"


@pytest.mark.parametrize(
    "line",
    [
        r"Open C:\Windows\System32\log.txt and delete the file \Users\Public\max.txt.",
        r"The key is HKEY_LOCAL_MACHINE\Software\Microsoft\Windows, in \\server\share\pi.",
        r"The class is App\Models\User, as in \System.",
        "It costs $5 or $10, at most $12.",
        "The path is $HOME/$USER.",
        "It was −5 degrees, and 10 ∙ 20 guests came.",
        "See http://example.org/?p=12&a=b and http://example.org/?x=1",
    ],
)
def test_what_looks_like_maths_and_is_not(line):
    assert measure_notation(line).formula_parts == 0
    assert classify_domain(" ".join([line] * 40)).label != "maths"


@pytest.mark.parametrize(
    "formula",
    [r"\frac{a}{b}", r"2\pi", "$n$", "$a_1 + b$", "$$x$$", "x^2", "a_{n}", "f(x)", "n = 3", "∀", r"\(x\)", r"L \to M"],
)
def test_formulas(formula):
    assert measure_notation(f"We see that {formula} is so").formula_parts > 0


@pytest.mark.parametrize(
    "line",
    [
        "sudo apt-get install varnish",
        "git clone https://example.org/a.git",
        "user@host:~$ ls -l",
        "public interface Shape",
        "void describeTo(Description description)",
        "private final int size;",
        "--start-at-task <NAME>",
        "print(line.strip())",
        '"name": "value",',
        "SELECT name FROM users",
        "Dim x As Integer",
        "@Override",
        "    image: postgres",
        "return a + b",
    ],
)
def test_lines_of_code(line):
    assert measure_notation(line).lines == 1


@pytest.mark.parametrize(
    "line",
    [
        "the licensee may copy the work, and its parts (as defined in Section 2);",
        "and all the stars above the sea;",
        "Choose your option(s)",
        "return to the top",
        "UPDATE 5:30 PM",
        "$ 5,000",
        "git is great, and make no mistake",
        r"\end{align}",
        "Source: our own reporting",
        "Keyword(s)",
        "@somebody",
    ],
)
def test_prose_that_looks_like_code(line):
    assert measure_notation(line).lines == 0


def test_a_site_is_evidence_of_what_a_page_is_about():
    question = "How can I do this faster? I tried the usual way and it takes minutes."
    about = {}
    for url in (None, "https://stackoverflow.com/questions/1", "https://math.stackexchange.com/q/1"):
        about[url] = classify_domain(question, url)
        assert about[url].label == "general"
    assert about["https://stackoverflow.com/questions/1"].about == "code"
    assert about[None].about == "general"
    assert classify_domain(STORY, "https://github.com/someone/fair").about == "general"


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
    assert 1 / 2 <= found.score <= 1


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
    ("name", "label", "about", "least"),
    [
        ("high_python_docs", "code", "code", 0.8),  # some sections have no code
        ("high_peps_rst", "", "code", 0.85),
        ("high_bbc_news", "general", "general", 0.98),
        ("high_brown", "general", "general", 0.98),
        ("high_openstax_us_history", "general", "general", 0.98),
    ],
)
def test_sources_that_were_not_trained_on(name, label, about, least):
    from quality_models.examples import read_rows

    found = [classify_domain(str(row["text"])) for row in read_rows(QUALITY / f"{name}.jsonl.zst")]
    right = [domain.about == about and label in (domain.label, "") for domain in found]
    assert sum(right) / len(right) >= least
    if label == "general":  # the score is about how often the label is right
        assert sum(domain.score for domain in found) / len(found) <= sum(right) / len(right) + 0.05
