"""URL deduplication: keep one document per normalised URL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from curate.document import Document
from curate.filters.urls import FILE_SCHEME, normalize_url
from curate.text.hashing import stable_u64
from pipelines.dedup.keep_first import KeepFirst


@dataclass(frozen=True, slots=True)
class UrlDedup(KeepFirst):
    """Keep one copy of each URL: by default the newest (Llama 3, section 3.1.1), and the smallest id among equals.

    ``keep`` lists preferences, the most important first: canonical, newest, oldest, longest, quality, source. For
    source, ``sources`` lists the preferred sources, the best first.
    """

    rule: ClassVar = "older_copy"
    hashed: ClassVar = "url"
    libraries: ClassVar = ("idna",)

    def hash(self, document: Document) -> int:
        """Hash the normalised URL; a document without a web address has no key, and a file name is not one."""
        has_address = document.url and not document.url.startswith(FILE_SCHEME)
        return stable_u64(normalize_url(document.url)) if has_address else 0
