"""Text that strangers wrote, made fit for a terminal or a page, and for tables and JSON."""

from __future__ import annotations

import re
import unicodedata

#: Unprintable by Unicode, and still shown as they are: the joiners that Persian, Hindi and emoji are written with.
JOINERS = "\u200c\u200d"
_SURROGATE = re.compile("[\ud800-\udfff]")


def printable(text: str) -> str:
    r"""Return text that a terminal shows and does not obey: everything that is not visible becomes a visible escape.

    Escaped are control characters (C0, DEL and C1; newline and tab too, so that a name cannot forge a line of output),
    characters that reverse or hide text, line separators, lone surrogates and unassigned characters. A byte of a file
    name that is not UTF-8 appears as ``\xff``. Spaces of any width and the joiners of words stay.

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
    r"""Return text that UTF-8 can hold, for JSON and tables: lone surrogates become visible escapes.

    Python has them in paths whose bytes are not UTF-8: each stands for a byte.

    >>> storable("caf\udce9.html")
    'caf\\xe9.html'
    """
    return _SURROGATE.sub(lambda found: _escape(found[0]), text)


def _escape(character: str) -> str:
    if "\udc80" <= character <= "\udcff":  # how Python holds a byte of a path that is not UTF-8
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape").decode()
