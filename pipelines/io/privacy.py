"""What a recipe scrubs, it scrubs in everything that leaves text of a page: one object for all tables and reports.

The step ``pii`` changes the text of a document where it stands in the recipe. Rejections of earlier steps, titles, URLs
and messages that quote a page never come to it; they pass through here when they are written to their final table or
report. What lies in ``_work`` before that is as it was read.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields

from curate.filters.pii import PLACEHOLDERS, REACH, PiiConfig, scrub_part, scrub_pii
from curate.filters.pii_urls import scrub_url

EXCERPT = 240  # characters of a rejected text that are kept for people
DETAIL = 500  # characters of what a step says of a rejected document; an error may quote all of it
#: What is kept of each until it is scrubbed, so that no half of a find is left where it is cut.
EXCERPT_PIECE, DETAIL_PIECE = EXCERPT + REACH, DETAIL + REACH

#: Characters behind the start of a find, at most, where that begins which `_is_suspect` looks for.
SUSPECT_BY = 70
_DIGITS = re.compile(r"\d[\d\s.()\-/\u2010-\u2013]{5}")
_TWO_COLONS = re.compile(":[0-9A-Fa-f]{0,4}:")
#: The end of what a message quotes from damaged input, cut off there: an address or a number that may go on.
_CUT_QUOTE = re.compile(r"""(?:[^\s'"@]+@[^\s'"]*|\+?[0-9][0-9 .()\-/]{5,})(?=['"])""")
_ADDRESS_LEFT = re.compile(r"\S+@\S+")


@dataclass(frozen=True, slots=True)
class Privacy:
    """What all steps ``pii`` of a recipe replace together; None where there is no such step, and nothing changes."""

    config: PiiConfig | None = None

    @classmethod
    def of(cls, configs: Iterable[PiiConfig]) -> Privacy:
        """Bring the settings of a recipe's steps together: a kind that one step ``pii`` replaces is replaced."""
        found = list(configs)
        kinds = (f.name for f in fields(PiiConfig))
        return cls(PiiConfig(**{kind: any(getattr(c, kind) for c in found) for kind in kinds}) if found else None)

    def text(self, text: str) -> str:
        """Scrub a text that is written whole: a title, a warning."""
        return scrub_pii(text, self.config).text if self.config else text

    def line(self, line: str) -> str:
        """Scrub a normalised line: digits are all 0 in it, and what ended an address may be missing."""
        return _ADDRESS_LEFT.sub(PLACEHOLDERS["email"], self.text(line)) if self.config and self.config.email else line

    def counts(self, counts: Mapping[str, int]) -> dict[str, int]:
        """Scrub the names of what was counted: an archive calls its records what it likes."""
        found: Counter[str] = Counter()
        for name, count in counts.items():
            found[self.text(name)] += count
        return dict(found)

    def input(self, source: dict) -> dict:
        """Scrub what `pipelines.engine.counts.Input` says of a part of an input; its path is the reader's own."""
        problems = [problem | {"detail": self.detail(problem["detail"])} for problem in source["problems"]]
        return source | {"skipped": self.counts(source["skipped"]), "problems": problems}

    def url(self, url: str) -> str:
        """Scrub a URL."""
        return scrub_url(url, self.config) if self.config else url

    def detail(self, detail: str) -> str:
        """Scrub and cut the first `DETAIL_PIECE` characters of what a step or a reader says."""
        if not self.config or not detail:
            return detail[:DETAIL]
        clean = scrub_part(detail, 0, DETAIL, self.config)[0].text
        return _CUT_QUOTE.sub("…", clean) if "'" in clean or '"' in clean else clean

    def excerpt(self, piece: str) -> str:
        """Make one line of the first `EXCERPT_PIECE` characters of a text, scrub and cut it.

        It is scrubbed as the text is, and again as a line: a number may stand on two.
        """
        if not self.config or not _is_suspect(piece[: EXCERPT + SUSPECT_BY]):
            return " ".join(piece[:EXCERPT].split())
        start, end = scrub_part(piece, 0, EXCERPT, self.config)
        line = " ".join(f"{start.text}{piece[end:]}".split())
        return scrub_part(line, 0, len(" ".join(start.text.split())), self.config)[0].text


def _is_suspect(text: str) -> bool:
    """Say whether a text has what nothing that is scrubbed can do without; most have not, and it takes a microsecond.

    That is an at sign, six digits with what may stand between them, or two colons of an address.
    """
    return "@" in text or _DIGITS.search(text) is not None or _TWO_COLONS.search(text) is not None
