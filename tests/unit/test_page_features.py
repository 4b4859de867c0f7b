"""Features of whole pages: what each one counts, and that strange pages cost nothing and break nothing."""

from __future__ import annotations

import math
import time

import pytest

from curate.extract import extract_text
from curate.extract.blocks import cut
from curate.extract.page_features import PAGE_FEATURES, PageFeatures, page_features


def features(html: str, text: str = "", url: str = "") -> PageFeatures:
    return page_features(html, cut(html), text, url)


def test_links_by_where_they_lead() -> None:
    page = features(
        "<a href='/a'>one</a><a href='https://www.site.example/b'>two</a><a href='HTTPS://site.example'>three</a>"
        "<a href='//other.example/c'>four</a><a href='http://site.example.evil.example/'>five</a><a>no link</a>"
        "<a href='mailto:x@other.example'>six</a>",
        url="https://www.site.example/page",
    )
    assert (page.links, round(page.outbound_share * page.links)) == (6, 2)


def test_words_of_rel_and_class() -> None:
    page = features(
        "<body class='archive category paged'><a rel='nofollow sponsored' href='/x'></a><a rel=bookmark href=/y>p</a>"
        "<div class='entry-summary'>...</div><nav class='pagination'></nav><span class='price'>1</span>"
    )
    assert (page.paid_links, page.bookmarks, page.excerpt_words, page.pager_words, page.shop_words) == (2, 1, 1, 1, 1)
    assert (page.list_page_words, page.single_page_words) == (3, 0)
    assert features("<div class='archive'>").list_page_words == 0  # says nothing of the page


def test_what_stands_in_scripts_and_comments_is_not_counted() -> None:
    page = features("<script>'<a href=/x>x</a>'</script><!-- <a href=/y>y</a> --><style><article></style>")
    assert (page.links, page.articles, page.scripts) == (0, 0, 1)


def test_links_that_say_the_same_again_and_again() -> None:
    page = features("".join(f"<p>{i}<a href='/{i}'>Mehr <b>lesen</b>!</a>" for i in range(4)) + "<a href='/'>Start</a>")
    assert (page.repeated_anchors, page.most_repeated_anchor) == (4, 4)


@pytest.mark.parametrize(
    "end", ["...", "\u2026", "[...]", "[\u2026]", "... Read more", "\u2026 \u7d9a\u304d\u3092\u8aad\u3080"]
)
def test_paragraphs_that_are_cut_off(end: str) -> None:
    page = features("", f"It began on a day in spring {end}\nIt ended in the autumn... or so they say, at least.\n")
    assert (page.cut_off_lines, page.cut_off_share) == (1, 0.5)


def test_prices_and_shares() -> None:
    assert features("", "From $ 12, $12.50, 9,90 \u20ac, \u20b9300 and 5\u20ac. 20% off; 100 % no").prices == 4
    assert features("", "20% off and 15%").percents == 2


def test_sentences_with_other_names() -> None:
    text = "The hotel Astoria in Wien has 40 rooms. The hotel Adria in Prague has 25 rooms. It is so quiet at night."
    assert features("", text).skeleton_share == pytest.approx(2 / 3)


def test_lines_that_are_links() -> None:
    page = features(
        "<ul><li><a href=/a>First post</a><li><a href=/b>Second post</a></ul>", "First post\nSecond post\nText"
    )
    assert page.link_lines == 2
    assert 0.7 < page.link_line_share < 1


@pytest.mark.parametrize(
    ("url", "depth", "lists", "number", "date", "slug"),
    [
        ("https://a.example/", 0, 0, 0, 0, 0),
        ("https://a.example/tag/tea/page/3/", 4, 2, 1, 0, 1),
        ("https://a.example/2019/04/", 2, 0, 1, 1, 1),
        ("https://a.example/2019/04/how-to-brew-tea.html?p=1", 3, 0, 0, 1, 4),
        ("a strange address", 1, 0, 0, 0, 3),
        ("http://[::1/x", 1, 0, 0, 0, 1),
    ],
)
def test_shape_of_the_address(url: str, depth: int, lists: int, number: int, date: int, slug: int) -> None:
    page = features("", url=url)
    shape = page.url_depth, page.url_list_words, page.url_number, page.url_date, page.url_slug_words
    assert shape == (depth, lists, number, date, slug)


@pytest.mark.parametrize(
    "html",
    [
        "",
        "<",
        "<a",
        "<a href='",
        "<!--",
        "</",
        "<a href=x>" * 50,
        "<script>",
        "\ud800<a href=\ud800>",
        "<a rel='",
        "\0" * 9,
    ],
)
def test_strange_pages(html: str) -> None:
    page = extract_text(html, "http://\ud800/\ud800").page_features
    assert tuple(page) == PAGE_FEATURES
    assert all(math.isfinite(value) and value >= 0 for value in page.values())


def test_time_is_linear() -> None:
    for piece in ("<a href='x'>y</a>", "<a ", "<!-- ", "<script>", "<b class='", "A b c d e f. "):
        times = []
        for size in (100_000, 400_000):
            html = piece * (size // len(piece))
            blocks = cut("")
            started = time.process_time()
            page_features(html, blocks, html)
            times.append(time.process_time() - started)
        assert times[1] < 0.5 + 16 * times[0]
