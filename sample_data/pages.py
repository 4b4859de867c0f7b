"""A page of the crawl, and the site it stands on: what it says, how it was sent, and what must happen to it."""

from __future__ import annotations

from dataclasses import dataclass

from grammar import choose

KEPT = "kept"
REJECTED = "rejected"
SKIPPED = "skipped"  # the record is no page: a request, a revisit, a header


@dataclass(frozen=True, slots=True)
class Site:
    """Where a kind of article stands, and in which file of the crawl.

    ``boilerplate`` is a line that the site prints in every article; it must go. ``charsets`` are what the site may send
    its pages in: ``charset`` or ``charset:where``, where being the place that names it: header, meta, nowhere.
    """

    host: str
    file: str = "warc"
    boilerplate: str = ""
    charsets: tuple[str, ...] = ("utf-8",)
    percent: bool = False  # the title in the URL, percent-encoded
    layout: str = ""  # the host whose layout it copies


@dataclass(frozen=True, slots=True)
class Page:
    """One page. ``html`` is what a browser gets, ``text`` the same page as a WET or JSONL file would have it.

    ``contains`` must stand in the text that is kept, ``lacks`` must not. ``may_be_cut`` marks pages that steps which
    keep a share of the corpus, or judge, may leave out.
    """

    url: str
    date: str
    language: str
    category: str
    why: str
    html: str = ""
    text: str = ""
    fate: str = KEPT
    step: str = ""
    rule: str = ""
    may_be_cut: bool = False
    contains: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    # How the server sends it: the charset it uses and the one it names ("" for none), encodings, status, type.
    charset: str = "utf-8"
    named: str = "utf-8"
    transfer: str = ""
    status: int = 200
    content_type: str = "text/html"

    @property
    def body(self) -> bytes:
        """The page as bytes."""
        return self.html.encode(self.charset)


def crawled(*key: object, year: int = 2025, months: tuple[int, int] = (5, 6)) -> str:
    """A date of that year between the two months, picked by the key."""
    month = months[0] + choose(months[1] - months[0] + 1, *key, "month")
    day, hour, minute, second = (1 + choose(28, *key, "day"), *(choose(n, *key, n) for n in (24, 60, 59)))
    return f"{year}-{month:02d}-{day:02d}T{hour:02d}:{minute:02d}:{second:02d}Z"
