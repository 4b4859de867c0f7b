"""The address that a page calls its own (``rel=canonical``, RFC 6596).

>>> canonical_url('<head><link rel="canonical" href="/tea"></head>', "https://a.example/tea?utm_source=x")
'https://a.example/tea'
"""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import urljoin

#: Characters at the start of a page in which the link is looked for; curate's own value: heads with scripts in them
#: take tens of thousands.
HEAD = 400_000
MAX_ADDRESS = 4_000  # characters of an address; curate's own value: browsers take 2,000 to 64,000
_LINK = re.compile(r"<link\b([^<>]{1,5000})>", re.IGNORECASE)
_CANONICAL = re.compile(r"""\brel\s*=\s*["']?\s*canonical\b""", re.IGNORECASE)
_HREF = re.compile(r"""\bhref\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE)


def canonical_url(html: str, url: str = "") -> str:
    """Return the absolute address in a page's ``<link rel=canonical>``; "" if it has none that is on the web.

    Args:
        html: the page.
        url: its address, which a relative one starts from.
    """
    for link in _LINK.finditer(html, 0, HEAD):
        if not _CANONICAL.search(link[1]):
            continue
        href = _HREF.search(link[1])
        address = unescape(next((part for part in href.groups() if part), "")).strip() if href else ""
        try:
            address = urljoin(url, address) if address else ""
        except ValueError:  # brackets that are no IPv6 address
            return ""
        return address if address.lower().startswith(("http://", "https://")) and len(address) <= MAX_ADDRESS else ""
    return ""
