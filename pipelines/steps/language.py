"""Language identification."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal

from curate.bounds import File, Score
from curate.document import Document, Rejection
from curate.language.codes import canonical, name
from curate.language.detection import (
    LanguageConfig,
    LanguageScore,
    detect_language,
    known_languages,
    language_shares,
)
from curate.models.text_classifier import HEAD
from curate.quality.domains import notation
from pipelines.steps.base import MapFunction, MapStep, from_settings

#: A page in no known language is code if more than this share of its characters is in lines of source code. curate's
#: own value: of 555 source files whose language cannot be identified these are 502, of 67 such pieces of web pages
#: without code 8.
CODE_SHARE = 0.25
#: Above this score nobody looks for a second language: half a page of another one leaves about 0.5. curate's own value.
ONE_LANGUAGE = 0.95


@dataclass(frozen=True, slots=True)
class Language(MapStep):
    """Which languages a corpus takes, and how sure the identification must be.

    ``engine``, ``model`` and ``labels`` are those of ``LanguageConfig``: ``labels`` maps those of a fastText model of
    your own to codes. An empty ``keep`` keeps every language. ``min_score`` 0.65 is FineWeb's; ``min_scores`` sets it
    per language. A page with many lines of source code passes as English if its language cannot be identified: such are
    the words that programs are written in.
    """

    engine: Literal["curate", "fasttext", "langdetect"] = "curate"
    model: File | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    keep: tuple[str, ...] = ()
    min_score: Score = 0.65
    min_scores: Mapping[str, Score] = field(default_factory=dict)

    reads: ClassVar = frozenset({"text"})
    writes: ClassVar = frozenset({"language", "language_score", "languages"})

    @from_settings
    def libraries(self) -> tuple[str, ...]:
        """The library of the engine."""
        return {"fasttext": ("fasttext-community",), "langdetect": ("langdetect",)}.get(self.engine, ())

    def make(self) -> MapFunction:
        """Return the function that identifies the language of a document, and rejects what is not wanted."""
        wanted = frozenset(canonical(code) for code in self.keep)
        minimum = {canonical(code): score for code, score in self.min_scores.items()}
        if len(minimum) < len(self.min_scores):
            raise ValueError(f"min_scores names a language twice: {', '.join(sorted(self.min_scores))}")
        engine = LanguageConfig(self.engine, self.model, self.labels)
        detect_language("Fails here, rather than page by page, if the model is missing.", engine)
        if absent := sorted((wanted | set(minimum)) - known_languages(engine)):
            raise ValueError(f"the engine {self.engine!r} does not know {name(absent[0])} ({absent[0]!r})")

        def language(document: Document) -> Document | Rejection:
            found = detect_language(document.text, engine)
            limit = minimum.get(found.language, self.min_score)
            is_code = found.score < limit and notation(document.text[:HEAD])[0] > CODE_SHARE
            if is_code:
                found = LanguageScore("en", found.score)
            elif found.score < limit:
                return Rejection("language_unknown", found.score, limit, found.language)
            if wanted and found.language not in wanted:
                return Rejection("language_unwanted", detail=found.language)
            sure = is_code or found.score > ONE_LANGUAGE
            shares = {found.language: 1.0} if sure else language_shares(document.text, engine)
            languages: list[Mapping[str, str | float]] = [{"language": c, "share": s} for c, s in shares.items()]
            return replace(document, language=found.language, language_score=found.score, languages=languages)

        return language
