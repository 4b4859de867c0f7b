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
    detect_language,
    known_languages,
    language_shares,
)
from curate.models.text_classifier import HEAD
from curate.quality.domains import notation
from pipelines.steps.base import MapFunction, MapStep, from_settings

#: A page in no known language is code if more than this share of its characters is in lines of source code. curate's
#: own value: it holds for 502 of 555 source files whose language cannot be identified, and for 8 of 67 such excerpts of
#: web pages without code.
CODE_SHARE = 0.25
#: Above this score the text is taken to be in one language: half a page in another one leaves a score of about 0.5.
#: curate's own value.
ONE_LANGUAGE = 0.95


@dataclass(frozen=True, slots=True)
class Language(MapStep):
    """Identify the language of each document, and keep those in wanted languages with a high enough score.

    ``engine``, ``model`` and ``labels`` are those of ``LanguageConfig``; ``labels`` maps the labels of a custom
    fastText model to language codes. An empty ``keep`` keeps every language. ``min_score`` 0.65 is FineWeb's value;
    ``min_scores`` sets it per language. A page whose language cannot be identified passes as English if it has many
    lines of source code and is in Latin letters, because programs are written with English words.
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
        """Build the function that identifies the language of a document and rejects unwanted ones."""
        wanted = frozenset(canonical(code) for code in self.keep)
        minimum = {canonical(code): score for code, score in self.min_scores.items()}
        if len(minimum) < len(self.min_scores):
            raise ValueError(f"min_scores names a language twice: {', '.join(sorted(self.min_scores))}")
        engine = LanguageConfig(self.engine, self.model, self.labels)
        detect_language("Fails here, rather than page by page, if the model is missing.", engine)
        if absent := sorted((wanted | set(minimum)) - known_languages(engine)):
            raise ValueError(f"the engine {self.engine!r} does not know {name(absent[0])} ({absent[0]!r})")

        def language(document: Document) -> Document | Rejection:
            text = document.plain_text
            detected = detect_language(text, engine)
            code, score = detected.language, detected.score
            limit = minimum.get(code, self.min_score)
            is_source_code = score < limit and _is_source_code(text)
            if is_source_code:
                code = "en"
            elif score < limit:
                return Rejection("language_unknown", score, limit, code)
            if wanted and code not in wanted:
                return Rejection("language_unwanted", detail=code)
            is_one = is_source_code or score > ONE_LANGUAGE
            shares = {code: 1.0} if is_one else language_shares(text, engine)
            languages: list[Mapping[str, str | float]] = [{"language": c, "share": s} for c, s in shares.items()]
            return replace(document, language=code, language_score=score, languages=languages)

        return language


def _is_source_code(text: str) -> bool:
    """Return whether a text has many lines of source code, and most of its letters are those of English."""
    head = text[:HEAD]
    letters = [letter for letter in head if letter.isalpha()]
    return sum(map(str.isascii, letters)) > len(letters) / 2 and notation(head)[0] > CODE_SHARE
