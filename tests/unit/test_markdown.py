"""Markdown of a page's main text: exact on small pages, and read back by a library on any."""

from __future__ import annotations

import html
import json
import os
import time
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from curate.extract import ExtractConfig, extract_text
from curate.extract.blocks import cut
from curate.extract.code_languages import code_language
from curate.extract.main_text import join, places
from curate.extract.markdown import body_markdown, markdown
from curate.extract.markdown_text import markdown_to_text
from tests.unit.markdown_reading import read

SHARED = Path(os.environ.get("CURATE_SHARED_DATA", Path(__file__).parents[3] / "shared" / "data"))
MARKDOWN = ExtractConfig(format="markdown")


def whole(page):
    """All blocks of a page as Markdown, and in text form."""
    blocks = cut(page)
    kept, where = range(len(blocks.blocks)), places(blocks)
    return markdown(blocks, kept, where, page.encode()), join(blocks, list(kept), where)


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ("<h1>a</h1><h3>b<br>c</h3><p>d</p>", "# a\n\n### b<br>c\n\nd"),
        ("<h2>C #</h2><h2>1. #tag</h2>", "## C \\#\n\n## 1. #tag"),
        ("<p>some <b>bold</b>, <a href=/x>link</a> and <code>code</code>", "some bold, link and code"),
        ("<p># a<p>- b<p>1. c<p>&gt; d<p>```<p>| e |<p>+1 -1 #f 1.5 a|b",
         "\\# a\n\n\\- b\n\n1\\. c\n\n\\> d\n\n\\`\\`\\`\n\n| e |\n\n+1 -1 #f 1.5 a|b"),
        ("<p>a<br># b<br>---<br>===", "a\n\\# b\n\\---\n\\==="),
        ("<p>a | b<br>--|--", "a | b\n\\--|--"),
        ("<p>2*3*4 snake_case __init__ f(*args) a * b", "2\\*3\\*4 snake_case \\_\\_init\\_\\_ f(\\*args) a * b"),
        ("<p>[a](b) [1] &lt;b> 1 &lt; 2 &amp;amp; AT&amp;T \\d \\* C:\\dir",
         "[a\\](b) [1] \\<b> 1 < 2 \\&amp; AT&T \\d \\\\* C:\\dir"),
        ("<p>[1]: x", "\\[1]: x"),
        (r"<p>$a_1*b_1*c$, \(x_1*y_1*\), $5 and *6*", r"$a_1*b_1*c$, \(x_1*y_1*\), $5 and \*6\*"),
        ("<ul><li>a<ul><li>b<li>c</ul><li>d</ul>e", "- a\n  - b\n  - c\n- d\n\ne"),
        ("<ul><li>a</li><ul><li>b</ul><li>c</ul>", "- a\n  - b\n- c"),
        ("<ul><li>a</ul><ul><li>b</ul><ul><li>c</ul><ol><li>d</ol><ol><li>e</ol>",
         "- a\n\n* b\n\n- c\n\n1. d\n\n1) e"),
        ("<ol start=9><li>a<li>b<pre>x\n  y</pre><li>c</ol>",
         "9. a\n10. b\n\n    ```\n    x\n      y\n    ```\n\n11. c"),
        ("<ul><li>a<ol start=3><li>b</ol></ul>", "- a\n\n  3. b"),
        ("<ul><li><p>a<p>b</ul>", "- a\n\n  b"),
        ("<ul><li>- a<li><ul><li>b</ul></ul>", "- \\- a\n- - b"),
        ("<dl><dt>a<dd>b<dd>c<dt>d</dl>", "- a\n\n  b\n\n  c\n- d"),
        ("<blockquote><p>a<p>b<ul><li>c</ul></blockquote><blockquote>d</blockquote>",
         "> a\n>\n> b\n>\n> - c\n\n> d"),
        ("<pre>\n  a\n\n\tb # c</pre>", "```\n  a\n\n\tb # c\n```"),
        ("<pre><code class='language-md'>````\n```</code></pre>", "`````md\n````\n```\n`````"),
        ("<p><code>a(<br>&nbsp;&nbsp;b)</code>", "```\na(\n  b)\n```"),
        ("<p>verse<br>&nbsp;&nbsp;indented", "```\nverse\n  indented\n```"),
        ("<table><tr><th>a<th>b<tr><td>c<td></table>", "| a | b |\n| --- | --- |\n| c |  |"),
        ("<table><tr><td>a<td>b|c<br>d<tr><td><td>$|x|$</table>",
         "|  |  |\n| --- | --- |\n| a | b\\|c<br>d |\n|  | $\\|x\\|$ |"),
        ("<table><tr><th colspan=2>a<th>b<tr><td rowspan=2>c<td>d<td>e<tr><td>f<td>g</table>",
         "| a |  | b |\n| --- | --- | --- |\n| c | d | e |\n|  | f | g |"),
        ("<table><caption>t</caption><tr><th>a<td>b</table>", "t\n\n|  |  |\n| --- | --- |\n| a | b |"),
        ("<table><tr><td><ul><li>a<li>b</ul><td>c</table>", "|  |  |\n| --- | --- |\n| a<br>b | c |"),
        ("<table><tr><td><h2>a</h2><p>b<ul><li>c</ul></table>", "## a\n\nb\n\n- c"),
        ("<table><tr><td>menu<td><table><tr><td>a<td>b</table></table>", "menu\n\n|  |  |\n| --- | --- |\n| a | b |"),
        ("<table class=blob><tr><td class=code>if a:<tr><td class=code>  b()</table>", "```\nif a:\n  b()\n```"),
        ("<ol><li>a</li><dt>b</dt></ol>", "1. a\n\n- b"),
        ("<div style='white-space: pre'><h2>  a</h2></div>", "## a"),
        ("", ""),
    ],
)  # fmt: skip
def test_markdown(page, expected):
    written, text = whole(page)
    assert written == expected
    assert not read(written).other
    assert read(written).text == markdown_to_text(written)
    assert "".join(read(written).text.split()) == "".join(text.split())


@pytest.mark.parametrize(
    ("inside", "around", "expected"),
    [
        (b"<code class='hljs python'>", [b"<pre>"], "python"),
        (b"", [b'<pre class="brush: js; toolbar: false">'], "js"),
        (b"", [b"<pre>", b'<div class="highlight-python3 notranslate">'], "python3"),
        (b"", [b"<pre>", b"<div>", b'<div class="highlight highlight-source-rust">'], "rust"),
        (b"", [b"<pre>", b"<td class=code>", b"<tr>", b"<table>", b'<figure class="highlight ruby">'], "ruby"),
        (b"", [b'<pre class="src src-emacs-lisp">'], "emacs-lisp"),
        (b"", [b'<pre class="r">'], "r"),
        (b"", [b'<pre data-language="c++">'], "c++"),
        (b"", [b'<pre lang="go">'], "go"),
        (b"<span></span><span class='kt'>", [b"<pre>", b'<div class="highlight">'], ""),
        (b"<code class='language-none'>", [b"<pre>", b"<article class='lang-en go'>"], ""),
        (b"<code class='language-a`b\n'>", [b"<pre>"], ""),
    ],
)
def test_the_language_of_code(inside, around, expected):
    assert code_language(inside, around) == expected


TEXT = st.text(st.sampled_from("ab1é `*_[]()<>#-+.!|~&;\\$=:>\n"), max_size=30)
FIXED = st.sampled_from(
    ["# a", "- b", "1. c", "***", "> d", "~~~", "[x]: y", "a\n===", "a|b\n-|-", "<div>", "&lt;", "\\", "`a` `b`"]
)
PARTS = st.one_of(TEXT, FIXED).map(lambda text: html.escape(text).replace("\n", "<br>"))
INDENTED = st.text(st.sampled_from("ab `~#|\n\t"), max_size=30).map(lambda text: f"<pre>x{html.escape(text)}</pre>")
LEAVES = st.one_of(
    PARTS.map(lambda text: f"<p>{text}</p>"),
    st.tuples(st.integers(1, 6), PARTS).map(lambda heading: f"<h{heading[0]}>{heading[1]}</h{heading[0]}>"),
    INDENTED,
    st.lists(st.lists(PARTS, min_size=2, max_size=3), min_size=1, max_size=3).map(
        lambda rows: "<table><tr><th>a<th>b" + "".join(f"<tr><td>{'<td>'.join(row)}" for row in rows) + "</table>"
    ),
)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.tuples(st.sampled_from(["ul", "ol", "ol start=7"]), st.lists(inner, min_size=1, max_size=3)).map(
            lambda items: f"<{items[0]}><li>{'<li>'.join(items[1])}</{items[0][:2]}>"
        ),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: f"<blockquote>{''.join(parts)}</blockquote>"),
        st.lists(st.tuples(PARTS, inner), min_size=1, max_size=2).map(
            lambda terms: "<dl>" + "".join(f"<dt>{term}<dd>{inside}" for term, inside in terms) + "</dl>"
        ),
    ),
    max_leaves=8,
)


@settings(max_examples=400, deadline=None)
@given(st.lists(TREES, max_size=4))
def test_markdown_without_its_marks_is_the_text_form(parts):
    written, text = whole("".join(parts))
    reading = read(written)
    assert not reading.other
    assert reading.text == text
    assert markdown_to_text(written) == text


def test_a_library_reads_the_structure_of_a_page_back():
    page = """<h1>Tea</h1><p>Tea is a drink, made in <code>*many*</code> ways.</p><h2>Steps</h2><ol><li>Boil water.
        <li>Wait:<ul><li>green, 2 minutes<li>black, 4 minutes</ul></ol><h2>By program</h2>
        <div class="highlight-python"><pre>def tea(water):\n    return boil(water)\n\n\nprint(tea("w"))</pre></div>
        <table><tr><th>Kind<th>Minutes<th>Note<tr><td>green<td>2<td><tr><td>black<td>4<td>a|b</table>"""
    reading = read(whole(page)[0])
    assert reading.headings == [(1, "Tea"), (2, "Steps"), (2, "By program")]
    assert reading.fences == [("python", 'def tea(water):\n    return boil(water)\n\n\nprint(tea("w"))')]
    assert reading.tables == [[["Kind", "Minutes", "Note"], ["green", "2", ""], ["black", "4", "a|b"]]]
    assert [mark for mark, _ in reading.items] == ["1.", "2.", "-", "-"]


def test_json_ld_and_engines():
    assert body_markdown("# no\n\n&lt;b>") == "\\# no\n\n\\<b>"
    body = "<h2>Rain</h2>" + "<p>It rained all day, and the river rose.</p>" * 30 + "<ul><li>wet<li>cold</ul>"
    data = json.dumps({"@type": "Article", "articleBody": body})
    page = extract_text(f'<script type="application/ld+json">{data}</script><p>It rained.', config=MARKDOWN)
    assert page.engine == "data"
    assert page.text.startswith("## Rain\n\nIt rained all day")
    assert page.text.endswith("\n\n- wet\n- cold")
    with pytest.raises(ValueError, match="'trafilatura' writes text only: use engine: blocks"):
        ExtractConfig(engine="trafilatura", format="markdown")
    with pytest.raises(ValueError, match="unknown format 'html'"):
        ExtractConfig(format="html")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "page",
    [
        "<ul><li>a" * 20_000,
        "<blockquote>a" * 20_000,
        "<table>" + "<tr><td rowspan=9999>a<td colspan=999>b" * 20_000,
        "<table><tr><td>a<td>b" * 5_000,
        "<table>" + "<tr><td>a<td>b</table><table>" * 20_000,
        "<p>" + "$ ` *a _b [c]( <d &e; \\( \\[ \\begin{align} ```" * 20_000,
        "<ul><li>" + "<pre>a\n\n</pre>" * 20_000,
        "<pre>" + "`a" * 200_000,
        "<dl>" + "<dt>a<dd>b" * 20_000,
    ],
    ids=["lists", "quotes", "spans", "tables in tables", "tables", "marks", "code in a list", "backticks", "terms"],
)
def test_any_page_takes_time_and_space_in_proportion(page):
    whole("<p>compiles")
    started = time.perf_counter()
    written, _ = whole(page)
    assert time.perf_counter() - started < 20
    assert len(written) < 60 * len(page)
    markdown_to_text(written)
    assert time.perf_counter() - started < 25


@pytest.mark.skipif(
    not (SHARED / "structure").exists(), reason="the evaluation data is not here (CURATE_SHARED_DATA names its folder)"
)
def test_built_pages_read_back():
    import zstandard

    pages = lines = code = fences = rows = read_rows = 0
    with open(SHARED / "structure" / "pages.jsonl.zst", "rb") as file:
        data = zstandard.ZstdDecompressor(max_window_size=2**27).stream_reader(file, read_across_frames=True).read()
    for row in map(json.loads, data.split(b"\n")[:-1:4]):
        page = row["html"].encode("latin-1")
        text, written = extract_text(page, row["url"]).text, extract_text(page, row["url"], MARKDOWN).text
        reading = read(written)
        assert not reading.other
        assert markdown_to_text(written) == reading.text
        pages += 1
        lines += reading.text == text
        # What the text form has of the page's code and tables, the library finds in fences and tables.
        inside = [f"\n{content.expandtabs()}\n" for _, content in reading.fences]
        for block in row["code"]:
            wanted = "\n" + "\n".join(block["lines"]) + "\n"
            if wanted in f"\n{text.expandtabs()}\n":
                code += 1
                fences += any(wanted in content for content in inside)
        tables = {tuple(cell for cell in cells if cell) for table in reading.tables for cells in table}
        for cells in (tuple(cell for cell in cells if cell) for table in row["tables"] for cells in table):
            if f"\n{chr(9).join(cells)}\n" in f"\n{text}\n" and len(cells) > 1:
                rows += 1
                read_rows += cells in tables
    assert lines >= 0.97 * pages
    assert fences >= 0.99 * code > 0
    assert read_rows >= 0.99 * rows > 0


@pytest.mark.parametrize(
    "page",
    [
        "<p>Tea.</p>" * 5 + "<table><tr><td>" + "<p>Tea is a drink of leaves and water, hot or cold.</p>" * 4000,
        "<table><tr><td><h2>x</h2>" + "<p>a b c</p>" * 4000,
        "<table><tr><td>q</td><td style='white-space:pre'>" + "<div>a b</div>" * 4000,
        f"<p style='white-space:pre'>a{' ' * 200_000}b</p>",
        f"<h2 style='white-space:pre'>a{' ' * 200_000}b<br>c</h2>",
        '<script type="application/ld+json">{"articleBody": "a' + " " * 200_000 + 'b"}</script>',
    ],
    ids=["layout", "headed", "spaced", "paragraph", "heading", "data"],
)
def test_long_runs_of_one_kind_take_time_in_proportion(page):
    extract_text("<p>Compiled.</p>", config=MARKDOWN)
    started = time.process_time()
    extract_text(page, config=MARKDOWN)
    assert time.process_time() - started < 3
