"""Removal of personal data from everything other than texts: titles, URLs, rejections, reports.

The ``pii`` step changes the text of documents at its place in the recipe. It never sees the rejections of earlier
steps, titles, URLs, or messages that quote a page; these are scrubbed here when they are written to their final table
or report. Files in ``_work`` are not scrubbed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields

from curate.filters.pii import PLACEHOLDERS, REACH, PiiConfig, scrub_part, scrub_pii
from curate.filters.pii_addresses import is_written_out
from curate.filters.pii_urls import scrub_url
from curate.text.folding import plain_characters

EXCERPT = 240  # characters of a rejected text that the result shows
DETAIL = 500  # characters of a rejection's detail; an error may quote a whole document
#: Characters of each that are kept until it is scrubbed, so that nothing is scrubbed only in part at the cut.
EXCERPT_PIECE, DETAIL_PIECE = EXCERPT + REACH, DETAIL + REACH

#: Most characters from the start of a match to the marks that `_is_suspect` looks for.
SUSPECT_BY = 70
_DIGITS = re.compile(r"\d[\d\s.()\-/\u2013]{5}")
_TWO_COLONS = re.compile(":[0-9A-Fa-f]{0,4}:")
#: An address or number at the end of a quotation in a message, which the quotation may have cut off.
_CUT_QUOTE = re.compile(r"""(?:[^\s'"@＠]+[@＠][^\s'"]*|\+?[0-9][0-9 .()\-/]{5,})(?=['"])""")
_ADDRESS_LEFT = re.compile(r"\S+@\S+")


@dataclass(frozen=True, slots=True)
class Privacy:
    """What the ``pii`` steps of a recipe replace together; with ``config`` None, nothing is replaced."""

    config: PiiConfig | None = None

    @classmethod
    def of(cls, configs: Iterable[PiiConfig]) -> Privacy:
        """Combine the settings of several ``pii`` steps: replace what any of them replaces."""
        every = list(configs)
        names = (f.name for f in fields(PiiConfig))
        return cls(PiiConfig(**{name: any(getattr(c, name) for c in every) for name in names}) if every else None)

    def text(self, text: str) -> str:
        """Scrub a text that is written in full: a title, a warning."""
        return scrub_pii(text, self.config).text if self.config else text

    def line(self, line: str) -> str:
        """Scrub a normalised line, in which all digits are 0 and the end of an address may be missing."""
        return _ADDRESS_LEFT.sub(PLACEHOLDERS["email"], self.text(line)) if self.config and self.config.email else line

    def counts(self, counts: Mapping[str, int]) -> dict[str, int]:
        """Scrub the names of what was counted, because an archive can name its record types freely."""
        scrubbed: Counter[str] = Counter()
        for name, count in counts.items():
            scrubbed[self.text(name)] += count
        return dict(scrubbed)

    def input(self, source: dict) -> dict:
        """Scrub the fields of `pipelines.engine.counts.Input`, except the path, which is the user's own."""
        problems = [problem | {"detail": self.detail(problem["detail"])} for problem in source["problems"]]
        return source | {"skipped": self.counts(source["skipped"]), "problems": problems}

    def url(self, url: str) -> str:
        """Scrub a URL."""
        return scrub_url(url, self.config) if self.config else url

    def detail(self, detail: str) -> str:
        """Scrub and shorten the first `DETAIL_PIECE` characters of a rejection's detail."""
        if not self.config or not _is_suspect(detail[: DETAIL + SUSPECT_BY]):
            return detail[:DETAIL]
        clean = scrub_part(detail, 0, DETAIL, self.config)[0].text
        return _CUT_QUOTE.sub("…", clean) if "'" in clean or '"' in clean else clean

    def excerpt(self, piece: str) -> str:
        """Scrub and shorten the first `EXCERPT_PIECE` characters of a text to one line.

        The text is scrubbed before and after its lines are joined, because a number may span two lines.
        """
        if not self.config or not _is_suspect(piece[: EXCERPT + SUSPECT_BY]):
            return " ".join(piece[:EXCERPT].split())
        start, end = scrub_part(piece, 0, EXCERPT, self.config)
        line = " ".join(f"{start.text}{piece[end:]}".split())
        return scrub_part(line, 0, len(" ".join(start.text.split())), self.config)[0].text


def _is_suspect(text: str) -> bool:
    """Return whether a text may contain personal data: a quick check that rules out most texts in microseconds.

    Anything that is scrubbed has an at sign or one written out, six digits with separators, or two colons of an IP
    address, once characters are plain; invisible ones may stand between all of these.
    """
    text, has_invisible = plain_characters(text)
    return (
        has_invisible
        or "@" in text
        or _DIGITS.search(text) is not None
        or _TWO_COLONS.search(text) is not None
        or is_written_out(text)
    )
