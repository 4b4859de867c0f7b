"""Text that a page carries as data for search engines: ``articleBody`` of JSON-LD (schema.org).

Pages that scripts build, and those that show only the beginning of an article, often have all of it there.

>>> page = '<script type="application/ld+json">{"@type": "Article", "articleBody": "It rained.\\\\nAll day."}</script>'
>>> article_body(page)
'It rained.\\nAll day.'
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html import unescape
from typing import Any

from curate.extract.blocks import cut

LONGEST = 2_000_000  # characters of the data of a page; curate's own value
_DATA = re.compile(r"<script\b[^<>]{0,500}?\bapplication/ld\+json\b[^<>]{0,500}>", re.IGNORECASE)
_MARKUP = re.compile(r"<(?:p|br|div|h[1-6]|ul|ol|li)\b[^<>]*>", re.IGNORECASE)


def article_body(page: str) -> str:
    """Return the longest ``articleBody`` in the JSON-LD of a page as text; "" if it has none.

    Args:
        page: HTML. Data that is not JSON is passed over.
    """
    return longest_body(page)[0]


def longest_body(page: str) -> tuple[str, str]:
    """Return what `article_body` returns, and that ``articleBody`` as it stands in the data: text or HTML."""
    if "articleBody" not in page:
        return "", ""
    bodies = ((_plain(body), body) for data in _data(page) for body in _bodies(data))
    return max(bodies, key=lambda body: len(body[0]), default=("", ""))


def is_markup(body: str) -> bool:
    """Say whether an ``articleBody`` is HTML."""
    return _MARKUP.search(body) is not None


def _data(page: str) -> Iterator[Any]:
    left = LONGEST
    for start in _DATA.finditer(page):
        stop = page.find("</script", start.end())
        if stop < 0 or stop - start.end() > left:
            return
        left -= stop - start.end()
        try:
            yield json.loads(page[start.end() : stop], strict=False)
        except (ValueError, RecursionError):
            continue


def _bodies(data: Any) -> Iterator[str]:
    todo = [data]
    while todo:
        value = todo.pop()
        if isinstance(value, dict):
            body = value.get("articleBody")
            if isinstance(body, str):
                yield body
            todo += value.values()
        elif isinstance(value, list):
            todo += value


def _plain(body: str) -> str:
    """Return a body as text, if it is HTML or has codes for characters."""
    if is_markup(body):
        return "\n\n".join(text for text in cut(body).texts() if text)
    return unescape(body).strip()
