"""Domain labels, which a mixture balances."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from curate.document import Document, Rejection
from curate.quality.domains import classify_domain
from pipelines.steps.base import MapFunction, MapStep


@dataclass(frozen=True, slots=True)
class Domain(MapStep):
    """Label each document by what it holds: code or maths, else multilingual or general.

    `curate.quality.domains` describes how.
    """

    reads: ClassVar = frozenset({"text", "url"})
    assumes: ClassVar = {"language": "every text is labelled as English"}
    writes: ClassVar = frozenset({"domain"})

    def make(self) -> MapFunction:
        """Build the function that labels a document."""

        def domain(document: Document) -> Document | Rejection:
            label = classify_domain(document.plain_text, document.url, document.language or "en").label
            return replace(document, domain=label)

        return domain
