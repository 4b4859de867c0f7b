"""The blocks of text of an HTML page, and what is known of each.

>>> page = cut("<body><div class='post'><p>Tea is <a href='/x'>made</a> of leaves.<p>Yes.</div>")
>>> page.texts()
['Tea is made of leaves.', 'Yes.']
"""

from __future__ import annotations

import functools
import html
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from curate.extract.columns import CHARS, CODES, ELEMENT, FLAGS, PRE, SPACED, START, STOP, WORDS, WRAPPED

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


MAX_BYTES = 2**31 - 1  # of a page in UTF-8: positions in it are int32
_MANY_SPACES = re.compile(r" {2,}")
_LONG_CODE = re.compile(r"&#[0-9]{8,};?")  # Unicode ends at &#1114111;


@dataclass(frozen=True, slots=True)
class Blocks:
    """A page in pieces; the columns of the arrays are named in `curate.extract.columns`."""

    out: NDArray[np.uint8]
    blocks: NDArray[np.int32]
    elements: NDArray[np.int32]
    tokens: NDArray[np.uint32]
    title: str
    language: str
    most_attributes: int  # of one tag that is not in noscript

    def texts(self, chosen: NDArray[np.int64] | slice = slice(None)) -> list[str]:
        """Return the texts of some blocks, by default of all."""
        out = self.out.tobytes()
        blocks = self.blocks[chosen]
        places = blocks[:, [START, STOP]].tolist()
        flags = self.elements[blocks[:, ELEMENT], FLAGS].tolist()
        all_code = (blocks[:, CODES] == blocks[:, CHARS]).tolist()
        return [
            _text(out[start:stop].decode("utf-8", "replace"), flag, code)
            for (start, stop), flag, code in zip(places, flags, all_code, strict=True)
        ]


def _text(text: str, flags: int, all_code: bool) -> str:
    """Return the text of a block with characters for codes, and with the white space that counts."""
    text = _unescape(text).replace("\xad", "")  # where a word may be cut
    if flags & (PRE | SPACED):
        return text.replace("\xa0", " ").strip("\n")
    if flags & WRAPPED and "\n" in text:
        return "\n".join(line.rstrip() for line in text.replace("\xa0", " ").split("\n")).strip("\n")
    if "\xa0" in text:  # spaces for layout
        if "\n" in text:
            return _indented(text)
        text = text.replace("\xa0", " ")
        if all_code:
            return text.rstrip()
    text = (_MANY_SPACES.sub(" ", text) if "  " in text else text).strip()
    return text.removesuffix("¶").rstrip()  # a link to the place itself


def _indented(text: str) -> str:
    """Return lines with the indentation that no-break spaces give them, less what all have in common."""
    lines, indents = [], []
    for line in text.split("\n"):
        body = line.lstrip(" \xa0")
        lines.append(_MANY_SPACES.sub(" ", body.replace("\xa0", " ")).rstrip())
        indents.append(len(line) - len(body))
    least = min((indent for line, indent in zip(lines, indents, strict=True) if line), default=0)
    lines = [" " * (indent - least) + line if line else "" for line, indent in zip(lines, indents, strict=True)]
    return "\n".join(lines).strip("\n")


# Tags by what they do and what they say of the text in them: see `curate.extract.block_kernels`.
#: Fewer words make no document (Gopher, Rae et al. 2021, has 50): the sentence that an application needs scripts, say.
FEW_WORDS = 50

#: Characters in which a page says that it is XHTML: declaration, comments, doctype, root; curate's own value.
XHTML_START = 2000
_XHTML = re.compile(
    r"<!doctype\b[^<>]{0,400}?\bDTD XHTML\b|<html\b[^<>]{0,400}?\bxmlns\s*=\s*[\"']http://www\.w3\.org/1999/xhtml",
    re.IGNORECASE,
)

LONG_NOSCRIPT = 10_000  # bytes: 5,000 attributes of a letter each

_BLOCK_TAGS = {
    "html": "", "head": "", "body": "", "div": "", "section": "", "article": "ARTICLE", "main": "MAIN", "nav": "NAV",
    "header": "HEADER", "footer": "FOOTER", "aside": "ASIDE", "p": "PARAGRAPH", "ul": "LIST", "ol": "LIST",
    "menu": "LIST", "dir": "LIST", "li": "", "dl": "DEFINITION", "dt": "", "dd": "", "table": "TABLE", "thead": "",
    "tbody": "", "tfoot": "", "tr": "", "td": "CELL", "th": "CELL", "caption": "", "form": "FORM", "fieldset": "FORM",
    "legend": "", "blockquote": "QUOTE", "pre": "PRE", "listing": "PRE", "h1": "HEADING", "h2": "HEADING",
    "h3": "HEADING", "h4": "HEADING", "h5": "HEADING", "h6": "HEADING", "hgroup": "", "figure": "FIGURE",
    "figcaption": "FIGURE", "address": "", "details": "DETAILS", "summary": "DETAILS", "dialog": "", "search": "FORM",
    "button": "BUTTON", "center": "", "label": "", "slot": "", "picture": "", "frameset": "",
}  # fmt: skip
_OTHER_TAGS = {
    "BREAK": ("br",),
    "RULE": ("hr",),
    "RAW": ("title", "script", "style", "textarea", "iframe", "noembed", "noframes", "noscript"),
    "DROP": ("template", "svg", "canvas", "object", "audio", "video", "select", "datalist", "map", "applet", "math"),
    "LINK": ("a",),
    "IMAGE": ("img", "image"),
    "SUPERSCRIPT": ("sup",),
    "SUBSCRIPT": ("sub",),
    "HOLD": ("ruby", "rb"),
    "READING": ("rt", "rp", "rtc"),
    "EMPHASIS": ("b", "strong", "em", "i", "u"),
    "CODE": ("code", "tt", "kbd", "samp", "var"),
    "VOID": (
        "meta",
        "link",
        "base",
        "input",
        "area",
        "col",
        "embed",
        "param",
        "source",
        "track",
        "wbr",
        "frame",
        "bgsound",
    ),
    "PLAIN": ("span", "font"),
}
_P_CLOSERS = (
    "address", "article", "aside", "blockquote", "center", "details", "dialog", "dir", "div", "dl", "fieldset",
    "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hgroup", "main", "menu",
    "nav", "ol", "p", "pre", "search", "section", "ul", "table", "listing",
)  # fmt: skip
_IMPLIED = {"li": ("li", "p"), "dt": ("dt", "dd", "p"), "dd": ("dd", "dt", "p"), "tr": ("td", "th", "tr"),
            "td": ("td", "th"), "th": ("td", "th"), "thead": ("tr", "tbody"), "tbody": ("tr", "tbody", "thead"),
            "tfoot": ("tr", "tbody", "thead"), "button": ("button",), "p": ("p",), "rt": ("rt", "rp", "rb"),
            "rp": ("rt", "rp", "rb"), "rb": ("rt", "rp", "rb", "rtc"), "rtc": ("rt", "rp", "rb", "rtc")}  # fmt: skip
_GENERAL = ("table", "td", "th", "caption", "template", "object", "html")
_STOPS = (
    _GENERAL,
    (*_GENERAL, "button"),
    (*_GENERAL, "ul", "ol", "menu", "dir"),
    (*_GENERAL, "dl"),
    ("table",),
    ("table", "tr"),
    (),
)
_IMPLIED_STOP = {"li": 2, "dt": 3, "dd": 3, "tr": 4, "td": 5, "th": 5, "thead": 4, "tbody": 4, "tfoot": 4}
_END_STOP = {"p": 1, "li": 2, "dt": 3, "dd": 3, "tr": 4, "td": 4, "th": 4, "thead": 4, "tbody": 4, "tfoot": 4,
             "caption": 4, "table": 6, "body": 6, "html": 6, "template": 6, "object": 6}  # fmt: skip
# Tags that are lines where they stand in ``pre``: highlighters put each line of code in an element.
_LINES = ("div", "p", "section", "ol", "ul", "li")
_ATTRIBUTES = ("class", "id", "role", "itemprop", "style", "hidden", "aria-hidden", "alt", "href", "lang", "type",
               "shadowrootmode", "shadowroot")  # fmt: skip
# Drawn forms of formulas whose source is elsewhere in the page, line numbers of code, and links to a heading beside it
# (Sphinx, Docusaurus; classes that others put around the heading are not among them).
_DROPPED_CLASSES = (
    "headerlink", "hash-link",
    "katex-html", "mathjax", "mathjax_display", "mathjax_preview", "mathjax_svg", "mathjax_chtml",
    "mathjax_svg_display", "mathjax_chtml_display", "mjx-chtml", "gutter", "linenos", "linenodiv", "lineno",
    "line-numbers-rows", "blob-num", "rouge-gutter", "hljs-ln-numbers", "mw-editsection",
)  # fmt: skip


def _table(entries: dict[str, int]) -> tuple[Any, Any]:
    """Return the table of names that the scan looks tags, attributes and classes up in."""
    import numpy as np

    from curate.extract.tag_kernels import name_hash
    from curate.text.table_kernels import make_table

    names = [np.frombuffer(name.encode(), np.uint8) for name in entries]
    hashes = np.array([name_hash(name, 0, len(name)) for name in names], np.uint64)
    return make_table(hashes, np.array(list(entries.values()), np.int64))


TAGS = ["", "html", "title"]
TAGS += [tag for tag in [*_BLOCK_TAGS, *(t for group in _OTHER_TAGS.values() for t in group)] if tag not in TAGS]
CUSTOM = len(TAGS)  # an element whose name has a dash; and behind it one of an unknown name


@functools.cache
def tables(noscript: bool = False) -> tuple[Any, ...]:
    """Return what the scan knows of tags, attributes and classes, as its arguments after ``alt_texts``.

    Args:
        noscript: whether what stands in elements of this name is looked at.
    """
    import numpy as np

    from curate.extract import block_kernels as kernel, columns

    number = {tag: i for i, tag in enumerate(TAGS)}
    action = np.zeros(len(TAGS) + 2, np.int64)
    flag = np.zeros(len(TAGS) + 2, np.int64)
    implied = np.zeros((len(TAGS) + 2, 4), np.int64)
    implied_stop = np.zeros(len(TAGS) + 2, np.int64)
    end_stop = np.zeros(len(TAGS) + 2, np.int64)
    stops = np.zeros((len(_STOPS), len(TAGS) + 2), np.bool_)
    for tag, name in _BLOCK_TAGS.items():
        action[number[tag]] = kernel.BLOCK
        flag[number[tag]] = getattr(columns, name) if name else 0
    for name, group in _OTHER_TAGS.items():
        for tag in group:
            action[number[tag]] = getattr(kernel, name)
    action[CUSTOM] = kernel.CUSTOM_ELEMENT
    if noscript:
        action[number["noscript"]] = kernel.BLOCK
    for tag in _P_CLOSERS:
        implied[number[tag], 3] = number["p"]
        implied_stop[number[tag]] = 1
    for tag, closed in _IMPLIED.items():
        implied[number[tag], :] = 0
        implied[number[tag], : len(closed)] = [number[c] for c in closed]
        implied_stop[number[tag]] = _IMPLIED_STOP.get(tag, 1)
    for tag, which in _END_STOP.items():
        end_stop[number[tag]] = which
    for which, tags in enumerate(_STOPS):
        stops[which, [number[t] for t in tags]] = True
    lines = np.zeros(len(TAGS) + 2, np.bool_)
    lines[[number[tag] for tag in _LINES]] = True
    return (
        _table({tag: i for i, tag in enumerate(TAGS) if tag}),
        _table({name: i for i, name in enumerate(_ATTRIBUTES, 1)}),
        _table(dict.fromkeys(_DROPPED_CLASSES, 1)),
        (action, flag, implied, implied_stop, end_stop, stops, lines),
        number["head"],
        number["body"],
        number["ruby"],
        number["li"],
        CUSTOM,
    )


def is_xhtml(page: str) -> bool:
    """Say whether a page calls itself XHTML: by an XML declaration, its doctype, or the namespace of its root.

    In XHTML every element may be closed in its start tag: ``<script src="x"/>``.
    """
    start = page[:XHTML_START]
    return start.lstrip("\ufeff \t\r\n").startswith("<?xml") or _XHTML.search(start) is not None


def _unescape(text: str) -> str:
    """Replace the codes of characters by the characters.

    ``html.unescape`` fails at a number of more than 4,300 digits, which Python does not convert.
    """
    if "&#" in text:
        text = _LONG_CODE.sub(lambda code: f"&#{code[0][2:].strip(';').lstrip('0')[:8]};", text)
    return html.unescape(text)


def _has_long_noscript(raw: bytes) -> bool:
    """Say whether a ``noscript`` is so long that a tag in it could have thousands of attributes."""
    low = raw.lower()
    start = low.find(b"<noscript")
    while start >= 0:
        stop = low.find(b"</noscript", start)
        if stop < 0 or stop - start > LONG_NOSCRIPT:
            return True
        start = low.find(b"<noscript", stop)
    return False


def cut(page: str, alt_texts: bool = False) -> Blocks:
    """Cut a page into blocks.

    What stands in ``noscript`` is no text, but on a page that has hardly any other and a lot there: so do forums that
    run on Discourse give their posts to crawlers.

    Raises:
        ValueError: the page has more than `MAX_BYTES` in UTF-8.
    """
    import numpy as np

    from curate.extract.block_kernels import LANG_START, LANG_STOP, MOST_ATTRIBUTES, TITLE_START, TITLE_STOP
    from curate.extract.html_kernels import scan

    raw = page.encode("utf-8", "replace")
    if len(raw) > MAX_BYTES:
        raise ValueError(f"a page of {len(raw):,} bytes: at most {MAX_BYTES:,} fit; cut it off")
    data = np.frombuffer(raw, np.uint8)
    xhtml = is_xhtml(page)
    out, blocks, elements, tokens, state = scan(data, alt_texts, xhtml, *tables())
    words = blocks[:, WORDS].sum()
    if words < FEW_WORDS and b"<noscript" in raw.lower():
        more = scan(data, alt_texts, xhtml, *tables(noscript=True))
        if more[1][:, WORDS].sum() >= words + FEW_WORDS:
            out, blocks, elements, tokens, state = more
    title = _unescape(raw[state[TITLE_START] : state[TITLE_STOP]].decode("utf-8", "replace"))
    language = raw[state[LANG_START] : state[LANG_STOP]].decode("ascii", "replace")
    most_attributes = int(state[MOST_ATTRIBUTES])
    return Blocks(out, blocks, elements, tokens, " ".join(title.split()), language, most_attributes)


def most_attributes(page: str, blocks: Blocks) -> int:
    """Return the most attributes of one tag, also of those in a long ``noscript``, which is text for `cut`."""
    import numpy as np

    from curate.extract.block_kernels import MOST_ATTRIBUTES
    from curate.extract.html_kernels import scan

    raw = page.encode("utf-8", "replace")
    if not _has_long_noscript(raw):
        return blocks.most_attributes
    state = scan(np.frombuffer(raw, np.uint8), False, is_xhtml(page), *tables(noscript=True))[4]
    return max(blocks.most_attributes, int(state[MOST_ATTRIBUTES]))
