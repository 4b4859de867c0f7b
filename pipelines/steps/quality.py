"""Quality scores, spam and listings, each with a limit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar

from curate.bounds import File, Score
from curate.document import Document, Rejection
from curate.language.codes import UNDETERMINED
from curate.models.model_file import read_format
from curate.quality.judge import FORMAT, Judgement, judge_page
from curate.quality.scoring import quality_score
from pipelines.recipe.plugins import find_object
from pipelines.steps.base import MapFunction, MapStep, from_settings

#: The least worth of a page that the shipped judge keeps: where a reader is as likely to keep as to drop it. On pages
#: of unseen sites no other border is better (quality_models/cards/judge.md).
BORDER = 0.5


@dataclass(frozen=True, slots=True)
class Quality(MapStep):
    """Score each document, and reject scores below ``min_score``.

    By default the shipped judge (`curate.quality.judge`) reads the text and, if it was extracted from one, the page; it
    says what a page is worth, and whether it is spam or a listing, which ``max_spam`` and ``max_listing`` limit.
    ``model`` is the path of a judge that ``curate train judge`` wrote; or, for a score alone, the path of a model that
    ``curate train quality`` wrote, the path of a fastText classifier, or the import path of a function of a text
    (docs/extending.md). ``label`` is the label that a fastText classifier gives to good texts. ``min_score`` is 0.5 for
    a judge unless it is set, and 0 for other models.
    """

    model: File | None = None
    label: str | None = None
    min_score: float | None = None
    max_spam: Score = 0.7
    max_listing: Score = 0.5

    reads: ClassVar = frozenset({"text"})
    assumes: ClassVar = {"language": "the shipped model for any language scores every text"}
    writes: ClassVar = frozenset({"quality", "spam_score", "listing_score"})

    @from_settings
    def libraries(self) -> tuple[str, ...]:
        """The library of fastText classifiers."""
        return ("fasttext-community",) if self.model else ()

    def make(self) -> MapFunction:
        """Build the function that scores a document."""
        model = find_object(self.model) or self.model
        if model is None or (isinstance(model, str) and self.label is None and read_format(model) == FORMAT):
            return self._judge(model)
        least = self.min_score or 0.0
        quality_score("Fails here if the model is missing or damaged.", model, label=self.label)

        def quality(document: Document) -> Document | Rejection:
            language = document.language or UNDETERMINED
            score = quality_score(document.plain_text, model, document.signals, language, self.label)
            if score < least:
                return Rejection("low_quality", score, least)
            return replace(document, quality=score)

        return quality

    def _judge(self, model: str | None) -> MapFunction:
        least = BORDER if self.min_score is None else self.min_score
        if self.label is not None:
            raise ValueError("only a fastText classifier has a label: give its path as model, or remove label")

        def judgement(document: Document) -> Judgement:
            language = document.language or UNDETERMINED
            return judge_page(document.plain_text, document.page_features, document.signals, language, model)

        judgement(Document(id="", text="Fails here if the judge is missing or damaged."))
        return lambda document: self._decide(document, judgement, least)

    def _decide(
        self, document: Document, judgement: Callable[[Document], Judgement], least: float
    ) -> Document | Rejection:
        said = judgement(document)
        if said.spam > self.max_spam:
            return Rejection("spam", said.spam, self.max_spam)
        if said.listing > self.max_listing:
            return Rejection("listing", said.listing, self.max_listing)
        if said.worth < least:
            return Rejection("low_quality", said.worth, least)
        return replace(document, quality=said.worth, spam_score=said.spam, listing_score=said.listing)
