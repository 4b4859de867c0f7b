"""Extraction of the main text of HTML pages."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from curate.bounds import Score
from curate.document import Document, Rejection
from curate.extract.extraction import ExtractConfig, extract_text
from curate.text.mojibake import repair_mojibake
from pipelines.steps.base import MapFunction, MapStep, from_settings

#: The libraries that each engine uses.
LIBRARIES: dict[str, tuple[str, ...]] = {
    "resiliparse": ("resiliparse",),
    "trafilatura": ("trafilatura", "lxml", "justext"),
}


#: Characters of a text that may be nothing but the frame of a page; curate's own value.
SHORT = 600


@dataclass(frozen=True, slots=True)
class Extract(ExtractConfig, MapStep):
    """Extract the main text of a page, with the settings of ``extract_text``.

    A page has no main text, and is rejected as such, if what is found is short and its ``confidence`` below
    ``min_confidence``: banners and menus. curate's own value, chosen with care for short pages of manuals: of 1,070
    judged pages of a crawl it takes 22 that are not worth keeping, one that is half, and none that is.
    """

    min_confidence: Score = 0.4

    reads: ClassVar = frozenset({"html", "url", "charset"})
    writes: ClassVar = frozenset(
        {"text", "title", "canonical", "html", "text_format", "page_type", "text_confidence", "page_features"}
    )
    must_reject: ClassVar = True

    @from_settings
    def libraries(self) -> tuple[str, ...]:
        """The libraries of the engine."""
        return LIBRARIES.get(self.engine, ())

    def make(self) -> MapFunction:
        """Build the function that turns HTML into text; text of other sources is repaired only."""
        extract_text("<p>Fails here, rather than page by page, if the engine is missing.</p>", None, self)

        def extract(document: Document) -> Document | Rejection:
            if not document.html:
                if not document.text.strip():
                    return Rejection("empty_text", 0, 1)
                text = repair_mojibake(document.text)
                return document if text is document.text else replace(document, text=text)
            extracted = extract_text(document.html, document.url, self, document.charset)
            if not extracted.text.strip():
                return Rejection("empty_text", 0, 1)
            if len(extracted.text) < SHORT and extracted.confidence < self.min_confidence:
                return Rejection("no_main_text", extracted.confidence, self.min_confidence)
            return replace(
                document,
                text=extracted.text,
                title=extracted.title,
                canonical=extracted.canonical,
                html=b"",
                text_format=self.format,
                page_type=extracted.page_type,
                text_confidence=extracted.confidence,
                page_features=extracted.page_features,
            )

        return extract
