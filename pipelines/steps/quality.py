"""Quality scores, with an optional minimum."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from curate.bounds import File
from curate.document import Document, Rejection
from curate.language.codes import UNDETERMINED
from curate.quality.scoring import quality_score
from pipelines.recipe.plugins import find_object
from pipelines.steps.base import MapFunction, MapStep, from_settings


@dataclass(frozen=True, slots=True)
class Quality(MapStep):
    """Score each document with a quality model, and reject scores below ``min_score``.

    ``model`` is the path of a model that ``curate train quality`` wrote, the path of a fastText classifier, or the
    import path of a function of a text (docs/extending.md); by default, the shipped model. ``label`` is the label that
    a fastText classifier gives to good texts.
    """

    model: File | None = None
    label: str | None = None
    min_score: float = 0.0

    reads: ClassVar = frozenset({"text"})
    assumes: ClassVar = {"language": "the shipped model for any language scores every text"}
    writes: ClassVar = frozenset({"quality"})

    @from_settings
    def libraries(self) -> tuple[str, ...]:
        """The library of fastText classifiers."""
        return ("fasttext-community",) if self.model else ()

    def make(self) -> MapFunction:
        """Build the function that scores a document."""
        model = find_object(self.model) or self.model
        quality_score("Fails here if the model is missing or damaged.", model, label=self.label)

        def quality(document: Document) -> Document | Rejection:
            language = document.language or UNDETERMINED
            score = quality_score(document.text, model, document.signals, language, self.label)
            if score < self.min_score:
                return Rejection("low_quality", score, self.min_score)
            return replace(document, quality=score)

        return quality
