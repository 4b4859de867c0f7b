"""Exact deduplication: keep one document per normalised text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from curate.document import Document
from curate.text.hashing import text_hash
from pipelines.dedup.keep_first import KeepFirst
from pipelines.dedup.order import Preference


@dataclass(frozen=True, slots=True)
class ExactDedup(KeepFirst):
    """Keep one copy of each text; the settings are those of url_dedup.

    By default the copy whose address is the right one, not that of a listing, and the newest among those.
    """

    keep: tuple[Preference, ...] = ("canonical", "newest")

    rule: ClassVar = "exact_duplicate"
    hashed: ClassVar = "text"
    clusters: ClassVar = True
    must_reject: ClassVar = True
    writes: ClassVar = frozenset({"cluster", "cluster_size"})

    def hash(self, document: Document) -> int:
        """Hash the normalised text."""
        return text_hash(document.text)
