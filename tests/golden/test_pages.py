"""Whole pages written for this test, each with the exact text that a careful reader takes from it.

``pages/NAME.html`` is a page, ``pages/NAME.txt`` its main text, and ``pages/NAME.md``, where there is one, the same as
Markdown. The first line of a page is a comment with its address and the options it is read with; it is not part of
the page. The texts were written before anybody looked at what the extractor gives.

The texts are exact but for one thing: the heading that repeats the page's title may open the text or not, since the
title has a field of its own (`Extraction.title`), and which of the two the choice of blocks does says nothing.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from curate.extract import ExtractConfig, Extraction, extract_text

PAGES = Path(__file__).with_name("pages")
NAMES = sorted(path.stem for path in PAGES.glob("*.html"))
MARKDOWN = sorted(path.stem for path in PAGES.glob("*.md"))
# Kinds of content and page, each the first word of the names of its pages.
THEMES = {
    "alt",
    "bare",
    "cjk",
    "code",
    "docs",
    "forum",
    "jsonld",
    "kind",
    "list",
    "maths",
    "odd",
    "rtl",
    "ruby",
    "script",
    "table",
}
# Pages whose text is not yet right, and what is wrong with it. A page that becomes right has to leave the list.
WRONG_TODAY = {
    # The choice of blocks keeps what is not content.
    "bare-cookie-wall.txt": "the text of a consent layer is kept, and the page has no other",
    "bare-gallery.txt": "the photographer's name and the footer are kept; a page of pictures has no text",
    "bare-login.txt": "the labels of a form are kept",
    "cjk-korean.txt": "the list of related articles is kept",
    "forum-discourse.txt": "authors, dates, numbers and likes of posts are kept",
    "forum-mailing-list.txt": "the sender's address and the links that sort the archive are kept",
    "forum-phpbb.txt": "profiles, signatures and the list of who is online are kept, and the last post is lost",
    "forum-questions.txt": "votes, tags, reputation and the head of the form are kept",
    "kind-blogger-comments.txt": "the dates and labels of the post and of comments are kept",
    "kind-printable.txt": "the address that it was printed from is kept",
    "kind-shop-product.txt": "the heading of recommendations is kept, without the recommendations",
    "kind-substack.txt": "the plea to subscribe in the middle of the letter is kept",
    "list-definitions.txt": "the menu in the left cell of a layout table is kept, and its last link joins the heading",
    "list-recipe.txt": "the link that jumps to the recipe is kept",
    "ruby-rb-groups.txt": "the list of related articles is kept",
    # It loses what is content.
    "alt-figures.txt": "the alternative texts and the caption of figures are lost",
    "alt-not-asked-for.txt": "the caption of the lead picture is lost",
    "code-copy-button.md": "a listing with a title and an admonition are lost",
    "code-copy-button.txt": "a listing with a title and an admonition are lost",
    "code-hexo-figure.md": "the caption of a listing, its file name, is lost",
    "code-hexo-figure.txt": "the caption of a listing, its file name, is lost",
    "code-tabs.txt": "one of the two labels of tabs is lost",
    "odd-noscript-images.txt": "the caption of the lead picture is lost",
    # Blocks are made or joined wrongly, whichever are chosen.
    "code-br-nbsp.txt": "paragraphs in a cell of a layout table lose the blank line between them",
    "code-line-per-div.txt": "lines of code that are a div each, without a pre, lose their indentation and stand apart",
    "code-textarea.txt": "code in a read-only textarea is lost",
    "docs-khronos-xhtml.txt": "mfenced loses its fences and commas; the references of See Also are lost",
    "docs-sphinx-api.txt": "the link [source] stays in a signature",
    "jsonld-next-data.txt": "items of a list in a page's data have blank lines between them, unlike those of a page",
    "maths-images-alt.txt": "a space stands between a formula and the comma or full stop after it",
    "maths-mathjax-scripts.txt": "a space stands between a formula and the comma or full stop after it",
    "maths-mathml-only.txt": "a space stands between a formula and the comma or full stop after it",
    "maths-mediawiki.txt": "the mark ^ that leads back from a reference stays",
    "table-layout-nested.txt": "paragraphs in a cell of a layout table lose the blank line between them",
}
_OPTIONS = re.compile(r"<!-- url=(\S+)(?: alt_texts=(all))? -->")


def _marked(file_names: list[str]) -> list[object]:
    return [
        pytest.param(name, marks=pytest.mark.xfail(strict=True, reason=WRONG_TODAY[name]))
        if name in WRONG_TODAY
        else name
        for name in file_names
    ]


def _read(name: str, **options: str) -> Extraction:
    first, _, page = (PAGES / name).with_suffix(".html").read_text("utf-8").partition("\n")
    found = _OPTIONS.fullmatch(first)
    assert found, f"{name}: the first line has to be <!-- url=... -->, with alt_texts=all if it is read so"
    return extract_text(page, found[1], ExtractConfig(alt_texts=found[2] or "formulas", **options))


def _below_title(text: str, title: str) -> str:
    """Take a first line that the title of the page begins with, or ends with, off its text."""
    first, _, rest = text.partition("\n")
    heading = first.removeprefix("# ")
    return rest.removeprefix("\n") if heading and (title.startswith(heading) or title.endswith(heading)) else text


def _compare(file: str, **options: str) -> None:
    found = _read(file, **options)
    expected = (PAGES / file).read_text("utf-8").removesuffix("\n")
    assert _below_title(found.text, found.title) == _below_title(expected, found.title)


@pytest.mark.parametrize("file", _marked([f"{name}.txt" for name in NAMES]))
def test_the_text_of_a_page(file: str) -> None:
    _compare(file)


@pytest.mark.parametrize("file", _marked([f"{name}.md" for name in MARKDOWN]))
def test_the_markdown_of_a_page(file: str) -> None:
    _compare(file, format="markdown")


def test_there_are_pages_of_every_kind() -> None:
    assert len(NAMES) >= 60
    assert {name.partition("-")[0] for name in NAMES} == THEMES
    assert {path.stem for path in PAGES.iterdir()} == set(NAMES)
    assert {path.stem for path in PAGES.glob("*.txt")} == set(NAMES)
    files = {path.name for path in PAGES.iterdir()}
    assert set(WRONG_TODAY) <= files
