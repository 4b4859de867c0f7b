"""URL deduplication: one document per normalised URL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from curate.document import Document
from curate.filters.urls import FILE_SCHEME, normalize_url
from curate.text.hashing import stable_u64
from pipelines.dedup.keep_first import KeepFirst


@dataclass(frozen=True, slots=True)
class UrlDedup(KeepFirst):
    """Which copy of a URL stays: the newest (Llama 3, section 3.1.1), then the smallest id, unless ``keep`` says more.

    ``keep`` is a list of newest, oldest, longest, quality and source, the most important first; for source, ``sources``
    names the preferred ones, the best first.
    """

    rule: ClassVar = "older_copy"
    hashed: ClassVar = "url"
    libraries: ClassVar = ("idna",)

    def hash(self, document: Document) -> int:
        """Hash the normalised URL; a document without one has no key: the name of a file is no address."""
        web = document.url and not document.url.startswith(FILE_SCHEME)
        return stable_u64(normalize_url(document.url)) if web else 0
