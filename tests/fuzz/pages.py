"""HTML pages around good documents, and what can be done to one of them."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from random import Random

from tests.fuzz import raw
from tests.fuzz.documents import Document

FRAME = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title></head>
<body><nav><a href="/">Home</a> <a href="/about">About us</a></nav>
<main><article><h1>{title}</h1>
{body}
</article></main><footer>All rights reserved.</footer></body></html>
"""
TAGS = (
    "p",
    "div",
    "b",
    "table",
    "tr",
    "td",
    "li",
    "ul",
    "pre",
    "a",
    "font",
    "form",
    "script",
    "svg",
    "math",
    "q",
    "x-y",
)
#: Text that later steps stumble over: marks, controls, half characters, long words, scripts and things to scrub.
ODD_TEXT = (
    "\0", "\x0b\x0c\x1c\x85", "\ufeff", "\u202e gnihtemos", "e" + "\u0301" * 400, "\U0010ffff", "\ufffe", "🏳️‍🌈" * 40,
    "ﷺ" * 60, "\u200b" * 300, "a" * 3000, "x " * 1500, "ｆｕｌｌ ｗｉｄｔｈ", "ß İ ı ǅ ﬃ",
    "\u2028\u2029", "الحمد", "日本語" * 30,
    "anna@mail.example and +44 20 7946 0123", "4111 1111 1111 1111", "DE89 3704 0044 0532 0130 00", "193.0.14.129",
    "fe80::1%eth0", "$\\frac{a}{b}$" * 30, "\\" * 500, "<" * 300, "&" * 300, "http://" + "a." * 600, "1" * 800,
    "-" * 900,
    "{{ }} {% raw %}", "%s %n {0}", "\t" * 400, "| a | b |\n" * 80, "def f(x):\n    return x\n" * 40,
)  # fmt: skip


def page(document: Document, body: str = "") -> str:
    """Return a document as a web page."""
    body = body or "\n".join(f"<p>{escape(paragraph)}</p>" for paragraph in document.paragraphs)
    return FRAME.format(title=escape(document.title), body=body)


def odd_text(rng: Random, text: str) -> str:
    """Put odd text between two words of a text."""
    words = text.split(" ")
    for _ in range(rng.choice((1, 1, 3))):
        words.insert(rng.randrange(len(words) + 1), rng.choice(ODD_TEXT))
    return " ".join(words)


def _nest(rng: Random, html: str) -> str:
    depth = rng.choice((30, 300, 3000, 20_000))
    tags = rng.choice(((rng.choice(TAGS),), rng.sample(TAGS, 3)))
    opened = "".join(f"<{tags[i % len(tags)]}>" for i in range(depth))
    closed = rng.choice(("", "".join(f"</{tags[i % len(tags)]}>" for i in reversed(range(depth)))))
    return _inside(rng, html, opened, closed)


def _attributes(rng: Random, html: str) -> str:
    tag = rng.choice(TAGS)
    name = rng.choice(("id", "class", "style", "alt", "href", "title", "x"))
    value = rng.choice(
        ("AbAb" * 500, "a " * 3000, "aB" * 40_000, "\0" * 999, "'" * 999, "&amp;" * 2000, "&#x110000;" * 99)
    )
    given = rng.choice((f'{name}="{value}"', f"{name}='{value}", f"{name}={value}", f"{name} " * 5000, f"{value}=1"))
    return _inside(rng, html, f"<{tag} {given}>")


def _entities(rng: Random, html: str) -> str:
    entity = rng.choice(("&#0;", "&#xd800;", "&#x110000;", "&#99999999999999999999;", "&#x;", "&amp", "&CounterClockwiseContourIntegral;", "&#128;"))  # fmt: skip  # noqa: E501
    return _inside(rng, html, entity * rng.choice((1, 40, 4000)))


def _unclosed(rng: Random, html: str) -> str:
    start = rng.choice(
        ("<!--", "<!-- -- >", "<script>", "<style>", "<textarea>", "<title>", "<![CDATA[", "<?php", "<!DOCTYPE",
        "<p ",
         "<a href='", "<plaintext>", "<noscript>", "<template>", "<script/>", "</", "<", "<svg><style>", "<select>",
         "<frameset>", "<math><mi>", "<xmp>", "<iframe>")
    )  # fmt: skip
    return _inside(rng, html, start)


def _many(rng: Random, html: str) -> str:
    piece = rng.choice(
        ("<p>", "<br>", "<td>", "</p>", "<p>a</p>", "<a href=x>y</a>", "<h1>", "<li>z", "<!-- -->", "<img alt=q>")
    )
    return _inside(rng, html, piece * rng.choice((100, 3000, 20_000)))


def _text(rng: Random, html: str) -> str:
    return _inside(rng, html, rng.choice(ODD_TEXT))


def _encoding(rng: Random, html: str) -> str:
    name = rng.choice(
        ("utf-7", "utf-16", "utf-32", "x" * 5000, "iso-2022-jp", "hz", "unicode_escape", "zlib", "", "\0", "gb18030")
    )
    return html.replace('"utf-8"', f'"{name}"')


def _formula(rng: Random, html: str) -> str:
    depth = rng.choice((5, 200, 3000))
    piece = rng.choice(
        ("<math><mrow>" * depth + "<mi>x</mi>", r"\(" + r"\frac{1}{" * depth + "}" * depth + r"\)", "$$" * depth)
    )
    return _inside(rng, html, piece)


def _table(rng: Random, html: str) -> str:
    span = rng.choice(("1000000000", "-1", "x", "65535"))
    cell = f"<td colspan={span} rowspan={span}>cell</td>"
    return _inside(rng, html, f"<table>{'<tr>' + cell * rng.choice((1, 60)) + '</tr>'}" * rng.choice((1, 30)))


MUTATIONS: dict[str, Callable[[Random, str], str]] = {
    "nesting": _nest, "attributes": _attributes, "entities": _entities, "unclosed": _unclosed, "many_tags": _many,
    "odd_text": _text, "meta_charset": _encoding, "formula": _formula, "table": _table,
}  # fmt: skip
ENCODINGS = ("utf-16", "utf-16-be", "utf-32", "utf-7", "cp1252", "shift_jis", "gb18030", "koi8-r", "utf-8-sig")


def mutate_page(rng: Random, document: Document) -> tuple[str, bytes]:
    """Return the page of a document, mutated, and the name of the mutation."""
    html = page(document)
    kind = rng.random()
    if kind < 0.2:
        name, data = raw.mutate(rng, html.encode())
        return f"page:{name}", data
    if kind < 0.3:
        encoding = rng.choice(ENCODINGS)
        return "page:encoding", html.encode(encoding, "xmlcharrefreplace")
    names = [rng.choice(sorted(MUTATIONS)) for _ in range(rng.choice((1, 1, 2)))]
    for name in names:
        html = MUTATIONS[name](rng, html)
    return f"page:{'+'.join(names)}", html.encode("utf-8", "surrogatepass")


def _inside(rng: Random, html: str, opened: str, closed: str = "") -> str:
    """Put something between two tags of a page, or, half of the time, around all that is behind a place."""
    places = [i + 1 for i, c in enumerate(html) if c == ">"]
    at = rng.choice(places)
    until = rng.choice((at, len(html) - len("</article></main></body></html>")))
    until = max(at, until)
    return html[:at] + opened + html[at:until] + closed + html[until:]
