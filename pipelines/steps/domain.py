"""The label that a mixture balances."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from curate.document import Document, Rejection
from curate.quality.domains import classify_domain
from pipelines.steps.base import MapFunction, MapStep


@dataclass(frozen=True, slots=True)
class Domain(MapStep):
    """The label code, maths, multilingual or general; it has no settings, its rules are in `curate.quality.domains`."""

    reads: ClassVar = frozenset({"text", "url"})
    assumes: ClassVar = {"language": "every text is labelled as English"}
    writes: ClassVar = frozenset({"domain"})

    def make(self) -> MapFunction:
        """Return the function that labels a document."""

        def domain(document: Document) -> Document | Rejection:
            found = classify_domain(document.text, document.url, document.language or "en")
            return replace(document, domain=found.label)

        return domain
