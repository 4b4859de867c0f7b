"""URL block lists: domains, and words in the URL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from curate.document import Document, Rejection
from curate.filters.urls import UrlFilterConfig, blocked_url
from pipelines.steps.base import MapFunction, MapStep


@dataclass(frozen=True, slots=True)
class UrlFilter(UrlFilterConfig, MapStep):
    __doc__ = UrlFilterConfig.__doc__

    reads: ClassVar = frozenset({"url"})
    libraries: ClassVar = ("idna",)

    def make(self) -> MapFunction:
        """Build the function that rejects documents with a blocked URL."""

        def url_filter(document: Document) -> Document | Rejection:
            return blocked_url(document.url, self) or document

        return url_filter
