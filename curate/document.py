"""What flows through the pipeline: a document, and what can happen to it.

>>> from curate.document import Document, Rejection
>>> page = Document(id="00", text="Hello", url="https://example.org/")
>>> Rejection(rule="too_few_words", value=1, limit=50).rule
'too_few_words'
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from curate.results import Result

if TYPE_CHECKING:
    import numpy as np

    from curate.extract.page_features import PageFeatures
    from curate.filters.signals import Signals


@dataclass(frozen=True, slots=True)
class Document:
    """One page, with everything known about it so far.

    Attributes:
        html: the raw bytes, until extraction turns them into ``text``; empty for a document that began as text.
        charset: the charset that the server declared.
        text_format: ``text``, or ``markdown`` if ``text`` is that.
        page_type: the kind of page that the text is from (`curate.extract.page_type`), "" if it began as text.
        text_confidence: how right the extraction expects ``text`` to be, 0 to 1 (`curate.extract.main_text`).
        canonical: the address that the page calls its own (``rel=canonical``), "" if it names none.
        date: the crawl time, ISO 8601 in UTC, or empty.
        source: the name that the recipe gives to the input, never a file name: the corpus must not depend on how the
            input was split into files.
        languages: the languages of the text, each a ``language`` and its ``share``, the largest first.
        spam_score, listing_score: the chances, by a judge, that the page is spam, and that it is a listing.
        cluster: id of the cluster of duplicates that the document is in, "" if there is none.
        cluster_size: number of documents that it represents: itself, its exact copies, and its near duplicates.
        page_features: features of the HTML page, None for a document that began as text.
        copies: how often the document is in ``tokens/``, by the plan of the mixture; 0 if it leaves it out.
        extra: the user's own columns: those that a source names, and those that steps add.
    """

    id: str
    text: str = ""
    url: str = ""
    date: str = ""
    source: str = ""
    html: bytes = b""
    charset: str = ""
    canonical: str = ""
    title: str = ""
    language: str = ""
    language_score: float = 0.0
    languages: Sequence[Mapping[str, str | float]] = ()
    domain: str = ""
    quality: float = float("nan")
    spam_score: float = float("nan")
    listing_score: float = float("nan")
    cluster: str = ""
    cluster_size: int = 1
    signals: Signals | None = None
    tokens: np.ndarray | None = None
    copies: int = 1
    text_format: str = "text"
    page_type: str = ""
    text_confidence: float = float("nan")
    page_features: PageFeatures | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def plain_text(self) -> str:
        """The text without the marks of Markdown: what steps measure and judge.

        >>> Document(id="", text="# Tea", text_format="markdown").plain_text
        'Tea'
        """
        if self.text_format != "markdown":
            return self.text
        from curate.extract.markdown_text import markdown_to_text

        return markdown_to_text(self.text)


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why a step rejects a document: the rule, the value that was measured, the limit, and a detail for people.

    ``signals`` are those measured before the decision, if any: a changed limit needs them for rejected pages, too.
    """

    rule: str
    value: float | None = None
    limit: float | None = None
    detail: str = ""
    signals: Signals | None = None


@dataclass(frozen=True, slots=True)
class Decision(Result):
    """The decision of a filter: whether to keep a text, the first rule that failed, and every value it looked at.

    ``reason`` is empty if ``keep`` is true; ``value`` and ``limit`` belong to the failed rule. The truth value is
    ``keep``, so that the filter functions of other libraries accept it.

    >>> [kept for kept in ("a", "b") if Decision(kept == "b")]
    ['b']
    """

    keep: bool
    reason: str = ""
    value: float | None = None
    limit: float | None = None
    values: Mapping[str, float] = field(default_factory=dict)  # type: ignore[assignment]  # hides `Result.values`

    def __bool__(self) -> bool:
        return self.keep

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        import numpy as np

        return np.array(self.keep, dtype)  # decisions become an array of booleans, not of field names


@dataclass(frozen=True, slots=True)
class Edit(Result):
    """A changed text, and how many pieces were changed or removed for each reason."""

    text: str
    counts: Mapping[str, int] = field(default_factory=dict)
