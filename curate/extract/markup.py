r"""Rewrite markup that resiliparse does not read as browsers show it; curate's own engine reads it as it is.

>>> plain_markup("<p><ruby>\u6f22<rp>(</rp><rt>kan</rt><rp>)</rp></ruby>, 10<sup>6</sup>, 1<sup>1</sup>/<sub>2</sub>.")
'<p>\u6f22, 10<sup>^6</sup>, 1 <sup>1</sup>/<sub>2</sub>.'
"""

from __future__ import annotations

import re

from curate.extract.blocks import is_xhtml

# Every repetition is possessive or bounded, and none reaches past the next tag of its kind, so that no page costs more
# than linear time.
_RAW = re.compile(r"<(script|style|title|textarea|iframe|noscript|noembed|noframes)\b([^<>]*+)(?<=/)>", re.IGNORECASE)
_TITLE = re.compile(r"<title\b[^<>]*+>", re.IGNORECASE)
_TITLE_END = re.compile(r"</(title|head)\b|<body\b", re.IGNORECASE)
_TEMPLATE = re.compile(r"<(/?)template\b([^<>]*+)>", re.IGNORECASE)
_SHADOW = re.compile(r"\bshadowroot(?:mode)?\b", re.IGNORECASE)
_RUBY = re.compile(r"<ruby\b[^<>]*+>((?:[^<]++|<(?!/?ruby\b))*+)</ruby\s*+>", re.IGNORECASE)
_READING = re.compile(r"<r(?:tc?|p)\b[^<>]*+>(?:[^<]++|<(?!/?r(?:tc?|p|b)\b))*+(?:</r(?:tc?|p)\s*+>)?", re.IGNORECASE)
_BASE = re.compile(r"</?r(?:tc?|p|b)\b[^<>]*+>", re.IGNORECASE)
_NUMERATOR = re.compile(
    r"(?<=[0-9])(?=<sup\b[^<>]{0,80}>[^<]{0,20}</sup>(?:/|\u2044|&frasl;|&#8260;|&#x2044;)<sub\b)", re.IGNORECASE
)
_EXPONENT = re.compile(
    r"((?:(?<=[0-9)])|(?<![A-Za-z])(?<=[A-Za-z]))<sup\b[^<>]{0,200}>\s{0,20}(?:<span\b[^<>]{0,200}>){0,4})"
    r"(?=[0-9\u2212-]|&minus;|\+[0-9])",
    re.IGNORECASE,
)
_INDEX = re.compile(r"(?<=[0-9])(<sub\b[^<>]{0,200}>)(?=[0-9])", re.IGNORECASE)
_INDENTED = re.compile(r">([ \t]{2,100})(?=[^\s<])")
_CODE_CELL = re.compile(
    r"<(?:td|th|li)\b[^<>]*?\bclass\b[^<>]*?(?<![A-Za-z])(?:code|line|source|src)(?![A-Za-z])[^<>]*+>?"
    r"(?:<(?:span|code)\b[^<>]*+>?){0,4}$",
    re.IGNORECASE,
)
CODE_CELL = 400  # characters before a line of code that may be the tags of its cell; curate's own value


def plain_markup(page: str) -> str:
    """Rewrite what browsers show differently, and leave everything else unchanged.

    A title that never ends is ended, elements closed in their start tag are ended in XHTML, declarative shadow roots
    become content, ruby its base text, exponents get a ``^``, mixed fractions a space, and the indentation of lines of
    code in cells no-break spaces.

    Args:
        page: HTML.
    """
    if is_xhtml(page):
        page = _RAW.sub(lambda tag: f"<{tag[1]}{tag[2][:-1]}></{tag[1]}>", page)
    page = _end_title(page)
    low = page.lower()
    if "shadowroot" in low:
        page = _open_shadow_roots(page)
    if "<ruby" in low:
        page = _RUBY.sub(lambda ruby: _BASE.sub("", _READING.sub("", ruby[1])), page)
    if "<sup" in low:
        page = _EXPONENT.sub(lambda found: found[1] + "^", _NUMERATOR.sub(" ", page))
    if "<sub" in low:
        page = _INDEX.sub(lambda found: found[1] + "_", page)
    return _INDENTED.sub(_keep_indentation, page)


def _keep_indentation(found: re.Match[str]) -> str:
    """Write the indentation of a line of code in a cell with no-break spaces."""
    if not _CODE_CELL.search(found.string, max(found.start() - CODE_CELL, 0), found.start()):
        return found[0]
    return ">" + found[1].replace("\t", "    ").replace(" ", "\xa0")


def _end_title(page: str) -> str:
    """End the first title before the end of the head."""
    start = _TITLE.search(page)
    if not start:
        return page
    end = _TITLE_END.search(page, start.end())
    if end and (end[1] or "").lower() == "title":
        return page
    at = page.find("<", start.end())
    at = len(page) if at < 0 else at
    return f"{page[:at]}</title>{page[at:]}"


def _open_shadow_roots(page: str) -> str:
    """Make each declarative shadow root, ``<template shadowrootmode="open">``, an element of content."""
    roots: list[bool] = []  # of the open templates

    def rename(tag: re.Match[str]) -> str:
        if not tag[1]:
            roots.append(_SHADOW.search(tag[2]) is not None)
            return "<div>" if roots[-1] else tag[0]
        return "</div>" if roots and roots.pop() else tag[0]

    return _TEMPLATE.sub(rename, page)
