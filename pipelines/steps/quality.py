"""Quality: a score of each document, and a lowest one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from curate.bounds import File, Score
from curate.document import Document, Rejection
from curate.quality.scoring import quality_score
from pipelines.steps.base import MapFunction, MapStep


@dataclass(frozen=True, slots=True)
class Quality(MapStep):
    """The quality model that gives the score (a path, or the shipped one), and the lowest score that stays."""

    model: File | None = None
    min_score: Score = 0.0

    reads: ClassVar = frozenset({"text"})
    assumes: ClassVar = {"language": "every text is judged as English"}
    writes: ClassVar = frozenset({"quality"})
    libraries: ClassVar = ("fasttext-community",)

    def make(self) -> MapFunction:
        """Return the function that scores a document."""
        quality_score("", self.model)  # fails here, rather than page by page, if the model is missing or damaged

        def quality(document: Document) -> Document | Rejection:
            score = quality_score(document.text, self.model, document.signals, document.language or "en")
            if score < self.min_score:
                return Rejection("low_quality", score, self.min_score)
            return replace(document, quality=score)

        return quality
