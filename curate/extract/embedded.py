"""Text that a page carries as data: JSON-LD (schema.org), what Next.js builds the page from, posts of Discourse.

Pages that scripts build, and those that show only the beginning of an article, often have all of it there.

>>> page = '<script type="application/ld+json">{"@type": "Article", "articleBody": "It rained.\\\\nAll day."}</script>'
>>> article_body(page)
'It rained.\\nAll day.'
>>> article_body('<script id="__NEXT_DATA__" type="application/json">{"props": {"content": "<p>It rained."}}</script>')
'It rained.'
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html import unescape
from typing import Any

from curate.extract.blocks import cut

LONGEST = 2_000_000  # characters of the data of a page; curate's own value
_JSON_LD = re.compile(r"<script\b[^<>]{0,500}?\bapplication/ld\+json\b[^<>]{0,500}>", re.IGNORECASE)
_NEXT = re.compile(r"<script\b[^<>]{0,500}?\b__NEXT_DATA__\b[^<>]{0,500}>", re.IGNORECASE)
# Names under which the pages of Next.js hold the text that they show; curate's own list.
_NEXT_NAMES = frozenset({"articleBody", "body", "bodyHtml", "content", "contentHtml", "html", "text"})
# Discourse: a JSON object of strings that are JSON, of which topic_123 has the posts, each with its HTML as "cooked".
_DISCOURSE = re.compile(r"\bdata-preloaded\s{0,9}=\s{0,9}([\"'])")
_MARKUP = re.compile(r"<(?:p|br|div|h[1-6]|ul|ol|li)\b[^<>]*>", re.IGNORECASE)


def article_body(page: str) -> str:
    """Return the longest text in the data of a page; "" if it has none.

    Args:
        page: HTML. Data that is not JSON is passed over.
    """
    return longest_body(page)[0]


def longest_body(page: str) -> tuple[str, str]:
    """Return what `article_body` returns, and the same as it stands in the data: text or HTML."""
    longest = max(_bodies(page), key=len, default="")
    return _plain(longest), longest


def is_markup(body: str) -> bool:
    """Say whether an ``articleBody`` is HTML."""
    return _MARKUP.search(body) is not None


def _bodies(page: str) -> Iterator[str]:
    if "articleBody" in page:
        for data in _scripts(page, _JSON_LD):
            yield from _strings(data, frozenset({"articleBody"}))
    if "__NEXT_DATA__" in page:
        for data in _scripts(page, _NEXT):
            yield from _strings(data, _NEXT_NAMES)
    if "data-preloaded" in page:
        yield from _topics(page)


def _scripts(page: str, kind: re.Pattern[str]) -> Iterator[Any]:
    left = LONGEST
    for start in kind.finditer(page):
        stop = page.find("</script", start.end())
        if stop < 0 or stop - start.end() > left:
            return
        left -= stop - start.end()
        yield _json(page[start.end() : stop])


def _json(data: str) -> Any:
    try:
        return json.loads(data, strict=False)
    except (ValueError, RecursionError):
        return None


def _strings(data: Any, names: frozenset[str]) -> Iterator[str]:
    """Return the strings that stand under some names, in order."""
    todo = [data]
    while todo:
        value = todo.pop()
        if isinstance(value, dict):
            yield from (text for name, text in value.items() if name in names and isinstance(text, str))
            todo += reversed(value.values())
        elif isinstance(value, list):
            todo += reversed(value)


def _topics(page: str) -> Iterator[str]:
    """Return the posts of each topic in the data of Discourse, one after the other."""
    start = _DISCOURSE.search(page)
    stop = page.find(start[1], start.end()) if start else -1
    if not start or not 0 <= stop - start.end() <= LONGEST:
        return
    stores = _json(unescape(page[start.end() : stop]))
    for name, store in stores.items() if isinstance(stores, dict) else ():
        if name.startswith("topic_") and isinstance(store, str):
            yield "\n".join(_strings(_json(store), frozenset({"cooked"})))


def _plain(body: str) -> str:
    """Return a body as text, if it is HTML or has codes for characters."""
    if is_markup(body):
        return "\n\n".join(text for text in cut(body).texts() if text)
    return unescape(body).strip()
