"""Markup that parsers often read otherwise than a browser shows it, for the engines that read it with our help."""

import time

import pytest

from curate.extract.blocks import cut, is_xhtml
from curate.extract.extraction import ExtractConfig, extract_text
from curate.extract.markup import plain_markup

FIRST = (
    "Bees gather nectar from the flowers of the garden all summer, and make honey of it in the hive behind the house."
)
LAST = "When the winter comes they stay inside, close together, and eat what they have put by in the warmer months."
STRICT = '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-strict.dtd">'
DECLARED = '<?xml version="1.0" encoding="utf-8"?>'


def text(body, engine="blocks", head="<!doctype html>"):
    page = f"{head}<html><body><main><h1>Bees</h1><p>{FIRST}</p>{body}<p>{LAST}</p></main></body></html>"
    return extract_text(page, config=ExtractConfig(engine=engine)).text


@pytest.fixture(params=["blocks", "resiliparse"])
def engine(request):
    return request.param


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<ruby>蜂<rt>はち</rt>蜜<rt>みつ</rt></ruby>は甘い。", "蜂蜜は甘い。"),
        ("<ruby>蜂<rp>(</rp><rt>はち</rt><rp>)</rp></ruby>が飛ぶ。", "蜂が飛ぶ。"),
        ("<ruby><rb>花</rb><rt>hana</ruby>が咲く。", "花が咲く。"),
        ("About 10<sup>9</sup> flowers.", "About 10^9 flowers."),
        ("About 10<sup><span>9</span></sup> flowers.", "About 10^9 flowers."),
        ("It weighs 10<sup>&minus;4</sup> kg.", "It weighs 10^−4 kg."),
        ("Take 2<sup>1</sup>/<sub>4</sub> spoons.", "Take 2 1/4 spoons."),
        ("It is 110<sub>2</sub> in base two.", "It is 110_2 in base two."),
        ("The 1<sup>st</sup> of May, H<sub>2</sub>O and Na<sup>+</sup>.", "The 1st of May, H2O and Na+."),
        ("Honig\xadwaben und Bienen&shy;stock.", "Honigwaben und Bienenstock."),
    ],
)
def test_small_marks_in_a_line(html, expected, engine):
    assert expected in text(f"<p>{html} {LAST}</p>", engine)


@pytest.mark.parametrize("start", ["<!-- a --!>", "<!-->", "<!--->", "<!--a--->", "<!>"])
def test_a_comment_ends_where_it_ends_in_a_browser(start, engine):
    found = text(f"{start}<p>This comes after a comment, and belongs to the text.</p><!-- b -->", engine)
    assert "This comes after a comment" in found
    assert LAST in found


def test_a_title_that_never_ends_takes_no_text(engine):
    page = f"<html><head><title>Bees<meta name=a content=b></head><body><p>{FIRST}</p><p>{LAST}</p></body></html>"
    found = extract_text(page, config=ExtractConfig(engine=engine))
    assert (found.title, FIRST in found.text) == ("Bees", True)


@pytest.mark.parametrize("head", [STRICT, DECLARED])
@pytest.mark.parametrize("tag", ["script", "style", "textarea", "iframe", "title"])
def test_what_is_closed_in_its_start_tag_is_empty_in_xhtml(tag, head, engine):
    assert LAST in text(f'<{tag} src="a.js"/>', engine, head)


def test_a_slash_closes_nothing_in_html():
    assert LAST not in text("<script/>")
    assert cut("<svg><style/></svg><p>Shown").texts() == ["Shown"]


@pytest.mark.parametrize("page", [DECLARED + "<html>", STRICT, '<html lang=de xmlns="http://www.w3.org/1999/xhtml">'])
def test_xhtml_says_what_it_is(page):
    assert is_xhtml(page)
    assert not is_xhtml("<!doctype html><html><p>DTD XHTML, http://www.w3.org/1999/xhtml")


def test_a_script_that_writes_a_script_ends_at_its_own_end(engine):
    found = text(
        "<script><!-- w('<script>a()</script>'); leaks --></script><p>Text after the script of this page.</p>", engine
    )
    assert "leaks" not in found
    assert "Text after the script" in found


def test_a_script_in_a_script_that_ends_only_itself_takes_no_page():
    assert LAST in text("<script><!-- <script></script>")


def test_a_declarative_shadow_root_is_content(engine):
    comb = "<style>p{}</style><p>Inside there are combs of wax and honey.</p>"
    root = f"<bee-hive><template shadowrootmode=open>{comb}</template></bee-hive>"
    assert "Inside there are combs" in text(root, engine)
    assert "Inside there are combs" not in text(root.replace(" shadowrootmode=open", ""), engine)


def test_custom_elements_in_running_text_break_no_line():
    assert "A queen, the only one, lays eggs." in text("<p>A <bee-term>queen</bee-term>, the only one, lays eggs.</p>")
    assert "Drones do not work." in text("<div><bee-term>Drones</bee-term> do not work.</div>")
    assert "a = b\n  c" in text("<pre>a <x-op>=</x-op> b\n  <x-name>c</x-name></pre>")
    cards = cut("<x-app><x-card>One card.</x-card><x-card>Another card.</x-card></x-app>")
    assert cards.texts() == ["One card.", "Another card."]


CODE = ["for bee in hive:", "    if bee.old:", "        bee.rest()", "    bee.fly()"]


@pytest.mark.parametrize(
    "html",
    [
        "<div style='white-space:pre'>" + "\n".join(CODE) + "</div>",
        "<code style='display: block; white-space: pre'>" + "\n".join(CODE) + "</code>",
        "<p>" + "<br>".join(line.replace(" ", "&nbsp;") for line in CODE) + "</p>",
        "<table class=src>"
        + "".join(f"<tr><td class='no'></td><td class='src-line'>{c}</td></tr>" for c in CODE)
        + "</table>",
    ],
)
def test_code_keeps_its_lines_however_it_is_laid_out(html, engine):
    assert "\n".join(CODE) in text(html, engine).replace("\t", "")


def test_lines_that_break_as_they_are_written_lose_spaces_only_where_nobody_sees_them():
    found = text("<p style='white-space: pre-wrap'>A line of a poem,  \n  and one below.</p>")
    assert "A line of a poem,\n  and one below." in found
    assert "One line. And more." in text("<p style='white-space: pre-wrap'>One line.  And more. </p>")


@pytest.mark.parametrize("tag", ["ul", "ol"])
@pytest.mark.parametrize("around", ["main", "article", "section", "div", "blockquote"])
def test_lists_of_sentences_stay_wherever_they_stand(tag, around, engine):
    items = (
        "<li>The queen lays the eggs of <a href=/q>all</a>.</li><li>The workers do everything else in the hive.</li>"
    )
    assert "do everything else" in text(f"<{around}><{tag}>{items}</{tag}></{around}>", engine)


@pytest.mark.parametrize(
    "page",
    [
        "<sup>" * 50_000,
        "1<sup>1</sup>" * 20_000,
        "<ruby><rt>" * 20_000,
        "<td class=code>  x" * 10_000,
        ">  x" * 40_000,
        "<title>" * 40_000,
        "<script><!--<script></script>" * 10_000,
        "<template shadowroot>" * 10_000,
        DECLARED + "<script " * 30_000,
        "a <x-y>" * 30_000,
        "<code style=white-space:pre>" * 10_000,
    ],
)
def test_no_markup_takes_long(page):
    started = time.process_time()
    plain_markup(page)
    cut(page)
    assert time.process_time() - started < 2
