"""The address that a page calls its own (``rel=canonical``, RFC 6596).

>>> canonical_url('<head><link rel="canonical" href="/tea"></head>', "https://a.example/tea?utm_source=x")
'https://a.example/tea'
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from urllib.parse import urljoin

#: Characters at the start of a page in which the link is looked for; curate's own value: heads with scripts in them
#: take tens of thousands.
HEAD = 400_000
MAX_ADDRESS = 4_000  # characters of an address; curate's own value: browsers take 2,000 to 64,000
MAX_LINK = 5_000  # characters of a link; curate's own value
_LINK = re.compile(rf"<link\b([^<>]{{1,{MAX_LINK}}})>", re.IGNORECASE)
_CANONICAL = re.compile(r"""\brel\s*=\s*["']?\s*canonical\b""", re.IGNORECASE)
_HREF = re.compile(r"""\bhref\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE)


def canonical_url(html: str, url: str = "") -> str:
    """Return the absolute address in a page's ``<link rel=canonical>``; "" if it has none that is on the web.

    Args:
        html: the page.
        url: its address, which a relative one starts from.
    """
    for link in _links(html):
        if not _CANONICAL.search(link):
            continue
        href = _HREF.search(link)
        address = unescape(next((part for part in href.groups() if part), "")).strip() if href else ""
        try:
            address = urljoin(url, address) if address else ""
        except ValueError:  # brackets that are no IPv6 address
            return ""
        return address if address.lower().startswith(("http://", "https://")) and len(address) <= MAX_ADDRESS else ""
    return ""


def _links(html: str) -> Iterator[str]:
    """Yield the attributes of the links in which the word stands; to look at every link of a page takes far longer."""
    for word in ("canonical", "Canonical", "CANONICAL"):
        at = html.find(word, 0, HEAD)
        while at >= 0:
            if link := _LINK.match(html, max(html.rfind("<", max(at - MAX_LINK, 0), at), 0)):
                yield link[1]
            at = html.find(word, at + 1, HEAD)
