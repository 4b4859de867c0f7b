import time

import pytest
from hypothesis import given, strategies as st

from curate.extract.extraction import ExtractConfig, extract_text

ARTICLE = """<html lang="de-AT"><head><title> Soup \n of roots</title><script>var hidden = 1;</script></head><body>
<nav><ul><li><a href="/">Home</a></li><li><a href="/news">News</a></li></ul></nav>
<div class="cookie-banner">We use cookies. <button>Accept</button></div>
<main><article><header><h1>Soup of roots</h1></header>
<p>A long first paragraph that says something about soup, and why it is better on the second day than on the first.</p>
<ul><li>641 grams of roots</li><li>salt</li></ul>
<pre><code>for root in roots:
    cut(root)</code></pre>
<p>The formula is <img src="f.png" alt="E = mc^2"> and nothing else.</p>
<p>Another paragraph that closes the article with some words about how long it keeps in a cold place.</p>
</article></main><footer>All rights reserved</footer></body></html>"""


@pytest.mark.parametrize("engine", ["resiliparse", "trafilatura", "blocks"])
def test_the_article_and_nothing_around_it(engine):
    found = extract_text(ARTICLE, "http://example.org/", ExtractConfig(engine=engine))
    assert found.engine == engine
    for wanted in ("Soup of roots", "A long first paragraph", "641 grams of roots", "cut(root)", "Another paragraph"):
        assert wanted in found.text
    for boilerplate in ("Home", "cookies", "All rights", "hidden", "<", "**"):
        assert boilerplate not in found.text
    assert (found.title, found.language) == ("Soup of roots", "de-AT")


@pytest.mark.parametrize("engine", ["resiliparse", "trafilatura", "blocks"])
def test_code_keeps_its_lines_and_formulas_are_kept(engine):
    text = extract_text(ARTICLE, config=ExtractConfig(engine=engine)).text
    assert "for root in roots:\n    cut(root)" in text
    assert "$E = mc^2$" in text


@pytest.mark.parametrize("engine", ["blocks", "resiliparse"])
def test_alternative_texts_of_other_pictures_on_request(engine):
    page = ARTICLE.replace("<p>Another", "<p><img alt='A bowl of soup'>Another")
    assert "A bowl" not in extract_text(page, config=ExtractConfig(engine=engine)).text
    assert "A bowl" in extract_text(page, config=ExtractConfig(engine=engine, alt_texts="all")).text


def test_bytes_are_decoded_by_the_declared_charset():
    page = "<p>Больше текста на русском языке, чтобы было что читать.</p>"
    assert extract_text(page.encode("windows-1251"), charset="windows-1251").text == page[3:-4]


ARTICLE_WORDS = "A soup of roots gets better on the second day, and nobody can say why that is so."

PATHOLOGICAL = {
    "deep": "<div>" * 100_000 + "words " + "</div>" * 100_000,
    "deep and open": "<div>" * 100_000 + "words",
    "bold italics": "<b><i>" * 50_000 + "words",
    "many elements": "<p>words</p>" * 300_000,
    "attributes": "<a " + 'x="y" ' * 300_000 + ">words",
    "attributes without scripts": "<noscript><a " + " ".join(f"x{i}=1" for i in range(60_000)) + "></noscript>words",
    "different attributes": "<a " + " ".join(f"x{i}='>'" for i in range(200_000)) + ">words",
    "huge": "<p>words</p>" * 3_000_000,
    "less than": "<" * 1_000_000 + "words",
    "comments": "words<!-- " * 200_000,
    "nested lists": "<ul><li>words" * 900,
    "articles in lists": "<article><ul><li>" * 600 + "<a>words</a> and " * 20_000,
    "links in a list": "<article><ul>" + "<li><a>words</a> and " * 100_000,
    "lists": "<article>" + "<ul><li>words</ul>" * 20_000,
}


@pytest.mark.parametrize("engine", ["resiliparse", "trafilatura", "blocks"])
@pytest.mark.parametrize("name", PATHOLOGICAL)
def test_no_page_takes_long(name, engine):
    started = time.process_time()
    found = extract_text(PATHOLOGICAL[name], config=ExtractConfig(engine=engine))
    assert time.process_time() - started < 20  # minutes, without a bound
    assert found.engine in (engine, "blocks")
    assert "words" in found.text or name == "less than"  # a tag that never ends


@given(st.text() | st.text("<>/ =\"'&;!-abpdivul\n").map(lambda s: "<" + s))
def test_any_string_is_a_page(page):
    found = extract_text(page)
    assert isinstance(found.text, str)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_page(page):
    extract_text(page)


@pytest.mark.parametrize("page", [None, 7, bytearray(b"<p>a")])
def test_what_is_no_page_is_refused(page):
    with pytest.raises(TypeError, match=f"HTML is str or bytes, not {type(page).__name__}"):
        extract_text(page)


def test_pages_do_not_depend_on_those_before():
    config = ExtractConfig(engine="trafilatura")
    first = extract_text(ARTICLE, config=config)
    for _ in range(5):
        assert extract_text(ARTICLE, config=config) == first


@pytest.mark.parametrize("tag", ["noscript", "NoScript"])
@pytest.mark.parametrize("shown", ["", "<p>Loading ...</p>"])
@pytest.mark.parametrize("engine", ["resiliparse", "trafilatura", "blocks"])
def test_a_page_that_has_its_text_for_browsers_without_scripts_only(engine, shown, tag):
    """As forums that run on Discourse: an application that draws itself, and for crawlers the posts in ``noscript``."""
    posts = "".join(f"<div class='post'><p>{ARTICLE_WORDS} This is answer {i}.</p></div>" for i in range(4))
    page = f"<html><head><title>Soup</title></head><body>{shown}<{tag}><h1>Soup</h1>{posts}</{tag}></body></html>"
    found = extract_text(page, config=ExtractConfig(engine=engine))
    if engine == "blocks" or not shown:
        assert "This is answer 3." in found.text


@pytest.mark.parametrize("engine", ["resiliparse", "trafilatura", "blocks"])
def test_an_application_that_asks_for_scripts_has_no_text(engine):
    page = "<body><noscript>You need to enable JavaScript to run this app.</noscript><div id=root></div></body>"
    assert "JavaScript" not in extract_text(page, config=ExtractConfig(engine=engine)).text


def test_what_is_said_of_scripts_beside_a_text_is_none_of_it():
    page = ARTICLE.replace("<main>", "<noscript><p>Turn scripts on, please, to see this page.</p></noscript><main>")
    assert extract_text(page, config=ExtractConfig(engine="blocks")) == extract_text(
        ARTICLE, config=ExtractConfig(engine="blocks")
    )
