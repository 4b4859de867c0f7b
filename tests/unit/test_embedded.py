"""The article in the data of a page: found in three kinds, and taken where the page itself shows little of it."""

from __future__ import annotations

import json
import time
from html import escape

import pytest

from curate import extract_text
from curate.extract.embedded import article_body

SENTENCE = "The river rose in the night, and the bridge stayed closed until the morning because of it. "


def page(data, shown=""):
    return f'<title>River</title><script type="application/ld+json">{data}</script><body>{shown}</body>'


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"articleBody": "It rained."}, "It rained."),
        ({"@graph": [{"name": "x"}, {"@type": "Article", "articleBody": "It rained."}]}, "It rained."),
        ([{"articleBody": "Short"}, {"articleBody": "The longer one"}], "The longer one"),
        ({"articleBody": "<p>It rained.</p><p>All day &amp; night.</p>"}, "It rained.\n\nAll day & night."),
        ({"articleBody": "Rain &amp; wind"}, "Rain & wind"),
        ({"articleBody": ["no text"]}, ""),
        ({"name": "articleBody"}, ""),
    ],
)
def test_the_article_is_found_in_the_data(data, expected):
    assert article_body(page(json.dumps(data))) == expected


@pytest.mark.parametrize(
    "data",
    [
        "{'articleBody': 1",
        '__NEXT_DATA__>{"body"',
        "data-preloaded='[1]'",
        'data-preloaded=\'{"topic_1": "["}\'',
        '{"articleBody": "a',
        "[" * 100_000 + '"articleBody"',
        "",
    ],
)
def test_what_is_no_data_is_passed_over(data):
    assert article_body(page(data)) == ""


def test_what_next_js_builds_a_page_from_is_data():
    data = {"props": {"pageProps": {"post": {"title": "River", "content": f"<p>{SENTENCE * 5}</p><pre>x = 1</pre>"}}}}
    html = (
        f'<body><div id="__next"></div><script id="__NEXT_DATA__" type="application/json">{json.dumps(data)}</script>'
    )
    found = extract_text(html)
    assert (found.text, found.engine) == ((SENTENCE * 5).strip() + "\n\nx = 1", "data")
    assert article_body(html.replace("content", "description")) == ""


def test_the_posts_of_discourse_are_data_in_their_order():
    posts = [{"id": n, "cooked": f"<p>Post {n}. {SENTENCE * 3}</p>"} for n in range(1, 4)]
    stores = {"site": "{}", "topic_7": json.dumps({"title": "River", "post_stream": {"posts": posts}})}
    html = f'<body><div data-preloaded="{escape(json.dumps(stores))}"></div><noscript>Enable JS</noscript>'
    found = extract_text(html)
    assert found.engine == "data"
    assert [line.partition(".")[0] for line in found.text.split("\n\n")] == ["Post 1", "Post 2", "Post 3"]


def test_it_is_the_text_where_the_page_shows_little_of_it():
    data = json.dumps({"articleBody": SENTENCE * 10})
    found = extract_text(page(data, f"<p>{SENTENCE}</p><p>Subscribe to read on.</p>"))
    assert (found.text, found.engine) == ((SENTENCE * 10).strip(), "data")
    shown = extract_text(page(data, f"<article><p>{SENTENCE * 7}</p><pre>x = 1</pre></article>"))
    assert shown.engine == "blocks"
    assert "x = 1" in shown.text


def test_the_time_is_linear():
    start = time.process_time()
    article_body('<script type="application/ld+json">{"articleBody": 1}' * 50_000)
    article_body('<script type="application/ld+json">{"articleBody": "x"}</script>' * 50_000)
    article_body('<script id="__NEXT_DATA__">{"body": "x"}</script>' * 50_000)
    article_body("data-preloaded='" * 100_000)
    article_body("data-preloaded=" * 100_000)
    assert time.process_time() - start < 3
