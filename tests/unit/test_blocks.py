import time

import pytest
from hypothesis import given, strategies as st

from curate.extract import columns as k
from curate.extract.blocks import cut


def texts(page):
    blocks = cut(page)
    return blocks.texts()


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        ("<p>a <b>bold</b>, <i>it</i>alic<p>b", ["a bold, italic", "b"]),
        ("one<br>two<br><br>three<br/><BR />four", ["one\ntwo", "three", "four"]),
        ("<ul><li>a<li>b<ul><li>c</ul><li>d</ul>e", ["a", "b", "c", "d", "e"]),
        ("<table><tr><td>1<td>2<tr><th>3</table>4", ["1", "2", "3", "4"]),
        ("<pre>\n  x\n    y\n</pre>", ["  x\n    y"]),
        ("<pre>a = 1\n<div class=newline></div>\n<div class=newline></div>b</pre>c", ["a = 1\n\nb", "c"]),
        ("<pre><div class=line>a</div><div class=line>  b</div></pre>c", ["a\n  b", "c"]),
        ("<pre><ol><li>a<li>  b</li></ol></pre><div>c", ["a\n  b", "c"]),
        ("<pre><table><tr><td>1<td>a</table></pre>c", ["1", "a", "c"]),
        ("<h2>a<a class=headerlink href=#a>#</a></h2><h3>b <a href=#b>¶</a></h3>C#", ["a", "b", "C#"]),
        ("<p>a\n   b\t c", ["a b c"]),
        ("a&nbsp;b &amp;lt; &copy;&shy;x &#8212; &unknown;", ["a b &lt; ©x — &unknown;"]),
        (f"a&#{'1' * 5000};b&#{'0' * 5000}65;c&#00000066;&#12345678", ["a\ufffdbAcB\ufffd"]),
        ("<script>if (a < b) '<p>no</p>'</script><style>p{}</style><p>yes", ["yes"]),
        ("<!-- <p>no --><p>yes<!-->too<!-- never closed <p>more", ["yestoo"]),
        ("<title>t</title><head><meta x>lost?<p>text", ["lost?", "text"]),
        ("<textarea><p>no</textarea><select><option>no</select><svg><title>no</title>no</svg>yes", ["yes"]),
        ("<noscript>no</noscript><template>no<div>no</div></template><object>no</object>yes", ["yes"]),
        ("<a title='a > b' href=\"x>y\">link</a> 1 < 2 <3 <", ["link 1 < 2 <3 <"]),
        ("<p title=\"never closed>text</p><p>more", ["text", "more"]),
        ("10<sup>6</sup> x<sup>2</sup> word<sup>1</sup> m<sup>-1</sup> 1<sup>st</sup>",
         ["10^6 x^2 word1 m^-1 1st"]),
        ("<span class=katex-html aria-hidden=true><span>x</span><span>y</span></span>after", ["after"]),
        ("<table><tr><td class=gutter>1\n2</td><td class=code>f()</td></tr></table>", ["f()"]),
        ("<my-element>a</my-element><unknown>b</unknown>c", ["a", "bc"]),
        ("<div>a</p>b</div></div>c", ["ab", "c"]),
        ("<div><table><tr><td>a</div>b</td></tr></table>c", ["ab", "c"]),
        ("<dl><dt>k<dd>v<dt>k2</dl>", ["k", "v", "k2"]),
        ("<body>a<body>b</html>c", ["abc"]),
        ("<img alt='no'>text<img alt=no />", ["text"]),
        ("", []),
        ("<p></p> \n <div></div>", []),
    ],
)  # fmt: skip
def test_blocks(page, expected):
    assert texts(page) == expected


def test_title_and_language():
    blocks = cut(
        "<!doctype html><html lang='de-AT'><svg><title>no</title></svg><title>\n A &amp; B </title><title>no</title>"
    )
    assert (blocks.title, blocks.language) == ("A & B", "de-AT")


def test_alternative_texts_on_request():
    blocks = cut("<p>see <img alt='a &quot;map&quot;'>here", alt_texts=True)
    assert blocks.texts()[0] == 'see a "map" here'


def test_counts_of_a_block():
    blocks = cut(
        "<p>Two Words, <a href=/>one link</a>. <a name=x>No link</a> <b>B</b> <code>x1</code> 日本。<img><br>end."
    )
    row = blocks.blocks[0]
    assert (row[k.LINKS], row[k.LINK_WORDS], row[k.LINK_CHARS]) == (1, 2, 7)
    assert (row[k.WORDS], row[k.CAPITALS], row[k.COMMAS], row[k.PUNCTUATION], row[k.DIGITS]) == (10, 4, 1, 3, 1)
    assert (row[k.EMPHASIZED], row[k.CODES], row[k.IMAGES], row[k.BREAKS], row[k.IDEOGRAPHS]) == (1, 2, 1, 1, 2)
    assert (chr(row[k.FIRST]), chr(row[k.LAST])) == ("T", ".")


def flags(page):
    blocks = cut(page)
    return {
        text: int(blocks.elements[block[k.ELEMENT], k.FLAGS])
        for text, block in zip(blocks.texts(), blocks.blocks, strict=True)
    }


def test_where_a_text_stands():
    found = flags(
        "<nav>n<p>p</nav><main><article><table><tr><td>t</table><ul><li>l</ul><h2>h</h2><p hidden>x"
        "<p style='color: red; DISPLAY : none'>y<p style='visibility:hidden'>v<p aria-hidden=true>z<p>q</article>"
    )
    inside = k.MAIN | k.ARTICLE
    assert found == {
        "n": k.NAV, "p": k.NAV | k.PARAGRAPH, "t": inside | k.TABLE | k.CELL, "l": inside | k.LIST,
        "h": inside | k.HEADING, "x": inside | k.PARAGRAPH | k.HIDDEN, "y": inside | k.PARAGRAPH | k.HIDDEN,
        "v": inside | k.PARAGRAPH | k.HIDDEN, "z": inside | k.PARAGRAPH | k.ARIA_HIDDEN, "q": inside | k.PARAGRAPH,
    }  # fmt: skip


WORDS = st.text("abcäö日", min_size=1, max_size=6)
TREES = st.recursive(
    WORDS,
    lambda inner: st.tuples(
        st.sampled_from(["p", "div", "ul", "li", "td", "b", "a href=x", "section", "h2", "blockquote", "span"]),
        st.lists(inner, max_size=4),
    ),
    max_leaves=25,
)


def render(tree):
    if isinstance(tree, str):
        return tree + " "
    return f"<{tree[0]}>{''.join(map(render, tree[1]))}</{tree[0].split()[0]}>"


def words(tree):
    return [tree] if isinstance(tree, str) else [w for t in tree[1] for w in words(t)]


@given(st.lists(TREES, max_size=5))
def test_no_text_is_lost_and_none_is_made(trees):
    page = "<body>" + " ".join(map(render, trees))
    assert " ".join(texts(page)).split() == [w for t in trees for w in words(t)]


@given(st.text() | st.text("<>/ =\"'&;!-?abpdivul\n\0").map(lambda s: "<" + s))
def test_any_string_is_a_page(page):
    for text in texts(page):
        text.encode()
        assert not set(text) & set(map(chr, [*range(9), *range(14, 32)])) or "&#" in page


TAGS = (
    "<p> </p> <div> </div> <table> <tr> <td> </table> <b> </b> <a_href=x> </a> <li> <ul> </ul> <pre> </pre> <br> <!--"
    " --> <script> </script> <svg> </svg> <select> </select> <button> <x-y> text_ &lt; ' <p_title=' <head> <body>"
    " </body> <span_class=katex-html> </span> <sup>2 </sup> <title> <div_class='a_b'>"
)
SOUP = st.lists(st.sampled_from([tag.replace("_", " ") for tag in TAGS.split()]), max_size=40).map("".join)


@given(SOUP)
def test_any_soup_of_tags_keeps_the_structure_sound(page):
    found = cut(page)
    n = len(found.elements) - 1
    parents = found.elements[1:n, k.PARENT]
    assert (parents < range(1, n)).all()
    assert (parents >= 0).all()
    assert (found.elements[1:n, k.DEPTH] == found.elements[parents, k.DEPTH] + 1).all()
    assert (found.blocks[:, k.ELEMENT] < n).all()
    assert (found.blocks[1:, k.START] >= found.blocks[:-1, k.STOP]).all()
    assert (found.blocks[:, k.STOP] > found.blocks[:, k.START]).all()
    assert (found.blocks[:, k.LINK_CHARS] <= found.blocks[:, k.CHARS]).all()
    assert found.elements[n, k.FIRST_TOKEN] == len(found.tokens)


PATHOLOGICAL = {
    "deep": "<div>" * 100_000 + "words " + "</div>" * 100_000,
    "end tags": "<div>" * 1000 + "</span></p></li></td>" * 50_000 + "words",
    "open paragraphs": "<p><table><tr><td>" + "<div>" * 1000 + "<p>a" * 20_000,
    "quotes": "<p title='" * 100_000,
    "attributes": "<a " + 'x="y" ' * 300_000 + ">words",
    "comments": "words<!-- " * 200_000,
    "declarations": "<!" * 500_000,
    "scripts": "<script>" * 100_000,
    "less than": "<" * 1_000_000 + "words",
    "class words": "<div class='" + "ab " * 500_000 + "'>words",
    "many": "<p>words</p>" * 300_000,
}


@pytest.mark.parametrize("name", PATHOLOGICAL)
def test_the_time_is_linear(name):
    cut("<p>compiled")
    started = time.process_time()
    cut(PATHOLOGICAL[name])
    assert time.process_time() - started < 2
