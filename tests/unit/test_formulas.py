import time

import pytest
from hypothesis import given, strategies as st

from curate.extract.blocks import cut
from curate.extract.formulas import formulas_to_text


def text(page):
    return " ".join(formulas_to_text(page).split())


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ('<math alttext="x^{2}"><mi>x</mi></math>', "$x^{2}$"),
        ('<math display="block" alttext="a &lt; b"/>x</math>', "$$a &lt; b$$"),
        ("<math><semantics><mi>E</mi><annotation encoding='application/x-tex'>{\\displaystyle E = mc^2}</annotation>"
         "</semantics></math>", "$E = mc^2$"),
        ('<SCRIPT TYPE="math/tex; mode=display">\\int_0^1 x\\,dx</SCRIPT>', "$$\\int_0^1 x\\,dx$$"),
        ('<script type="math/tex">\\(x\\)</script>', "\\(x\\)"),
        ('<script type="math/tex; mode=display">% <![CDATA[\na<b %]]></script>', "$$a&lt;b$$"),
        ('<img class="tex" alt="n!">', "$n!$"),
        ("<img src='https://s0.wp.com/latex.php?latex=n' alt=n>", "$n$"),
        ('<IMG ALT="\\frac{a}{b}" src=1.gif>', "$\\frac{a}{b}$"),
        ('<img alt="E = mc^2">', "$E = mc^2$"),
        ('<img alt="$x$">', "$x$"),
    ],
)  # fmt: skip
def test_tex_is_kept(page, expected):
    assert text(f"<p>a {page} b</p>") == f"<p>a {expected} b</p>"


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        ("<mi>x</mi><mo>=</mo><mn>1</mn>", "x = 1"),
        ("<mfrac><mrow><mo>-</mo><mi>b</mi></mrow><mrow><mn>2</mn><mi>a</mi></mrow></mfrac>", "(- b)/2a"),
        ("<msub><mi>x</mi><mi>i</mi></msub><msup><mi>y</mi><mrow><mi>n</mi><mo>+</mo><mn>1</mn></mrow></msup>",
         "x_iy^(n + 1)"),
        ("<msqrt><mi>x</mi></msqrt>", "sqrt(x)"),
        ("<mroot><mi>x</mi><mn>3</mn></mroot>", "root(x, 3)"),
        ("<munderover><mo>∑</mo><mi>i</mi><mi>n</mi></munderover><mi>i</mi>", "∑_i^n i"),
        ("<mrow><mi>a</mi>", "a"),
        ("<mtable><mtr><mtd>1</mtd><mtd>0</mtd></mtr></mtable>", "1 0 ;"),
    ],
)  # fmt: skip
def test_symbols_without_tex_stand_in_a_line(inside, expected):
    assert text(f"<math>{inside}</math>") == expected


@pytest.mark.parametrize(
    "page",
    [
        '<img alt="A cat on a mat" src="/texas/math.jpg" class="texture">',
        '<img alt="IMG_2953" src="x.jpg">',
        "<img alt='C:\\temp\\photos'>",
        '<img src="latex.png">',
        "<p>x^2 and $y$</p><script>var a = '<math>';</script>",
        "<math><mi>x</mi>",
    ],
)
def test_what_is_no_formula_stays(page):
    assert formulas_to_text(page) == page


DRAWN = "<span class='katex-html' aria-hidden=true><span class=base><span>(</span><span>x</span>)</span></span>"


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        (f"<p>a <span class='katex'>{DRAWN}</span> b", "a (x) b"),
        (f"<p>a <span class='katex'><math alttext='(x)'><mi>x</mi></math>{DRAWN}</span> b", "a $(x)$ b"),
    ],
)
def test_a_drawn_formula_is_text_where_its_source_is_not_there(page, expected):
    assert cut(formulas_to_text(page)).texts() == [expected]


def test_a_picture_of_a_formula_that_is_there_goes():
    page = (
        '<math alttext="{\\displaystyle E}"><mi>E</mi></math><img class="mwe-math-fallback-image-inline" '
        'alt="{\\displaystyle E}">'
    )
    assert text(page) == "$E$"


PIECES = (
    "<math> </math> <mfrac> </mfrac> <mi> x <img_alt= ' \" \\frac > <script_type='math/tex'> </script> <annotation_tex>"
)


@given(st.lists(st.sampled_from(PIECES.split())).map(lambda pieces: "".join(pieces).replace("_", " ")))
def test_any_soup_is_survived(page):
    formulas_to_text(page)


def test_what_is_nested_too_deeply_stays():
    assert text("<math>" + "<mrow>" * 90 + "x</math>") == "x"
    page = "<math>" + "<mrow>" * 110 + "x</math>"
    assert text(page) == page


@pytest.mark.parametrize(
    "page",
    ["<math>" * 100_000, "<math></math>" * 50_000, "<img alt='x^2' " * 50_000, "<math>" + "<mi>" * 30_000 + "</mo>" * 10_000 + "</math>",  # noqa: E501
     "<script type=math/tex>" * 50_000, "<img " * 200_000, "<math>" + "<annotation tex " * 10_000 + "</math>",
     "<math><" + "a" * 190_000 + "</math>", "<img alt=x class=math " + "a" * 190_000 + ">",
     "<math>" + "<mfrac>" * 15_000 + "x" * 90_000 + "</math>", "<math>" + "<annotation tex>" * 10_000 + "</math>"],
)  # fmt: skip
def test_the_time_is_bounded(page):
    started = time.process_time()
    formulas_to_text(page)
    assert time.process_time() - started < 3
