"""Make untrusted text safe for terminals, pages, tables and JSON."""

from __future__ import annotations

import re
import unicodedata

#: Unprintable according to Unicode, but left as they are: the joiners that Persian, Hindi and emoji need.
JOINERS = "\u200c\u200d"
_SURROGATE = re.compile("[\ud800-\udfff]")


def printable(text: str) -> str:
    r"""Return text that is safe to print: everything invisible becomes a visible escape.

    This escapes control characters (C0, DEL and C1; newline and tab too, so that a name cannot forge a line of output),
    characters that reverse or hide text, line separators, lone surrogates and unassigned characters. A byte of a file
    name that is not UTF-8 appears as ``\xff``. Spaces of any width and joiners stay.

    >>> printable("a\x1b[31m\u202e.txt\n")
    'a\\x1b[31m\\u202e.txt\\n'
    >>> printable("naïve 水\u3000") == "naïve 水\u3000"
    True
    """
    if text.isprintable():
        return text
    return "".join(
        c if c.isprintable() or c in JOINERS or unicodedata.category(c) == "Zs" else _escape(c) for c in text
    )


def storable(text: str) -> str:
    r"""Return text that UTF-8 can encode, for JSON and tables: lone surrogates become visible escapes.

    Python puts one in a path for each byte that is not UTF-8.

    >>> storable("caf\udce9.html")
    'caf\\xe9.html'
    """
    return _SURROGATE.sub(lambda match: _escape(match[0]), text)


def _escape(character: str) -> str:
    if "\udc80" <= character <= "\udcff":  # how Python holds a byte of a path that is not UTF-8
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape").decode()
