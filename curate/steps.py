"""The recipe's map steps: each makes, from its settings, a function from one document to that document or a rejection.

Models and lists are loaded when the function is made, once per process; the functions keep no state.

>>> from curate.document import Document
>>> from curate.steps import MAP_STEPS
>>> scrub = MAP_STEPS["pii"].make(MAP_STEPS["pii"].config())
>>> scrub(Document(id="0", text="Write to ann@example.org.")).text
'Write to <EMAIL>.'
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from curate.bounds import Score
from curate.document import Document, Edit, Rejection
from curate.extract.extraction import Engine, ExtractConfig, extract_text
from curate.filters.clean import C4CleanConfig, RepetitionCleanConfig, c4_clean, repetition_clean
from curate.filters.pii import PiiConfig, scrub_pii
from curate.filters.urls import UrlFilterConfig, blocked_url
from curate.language.codes import canonical, name
from curate.language.detection import LanguageConfig, LanguageScore, detect_language, known_languages, language_shares
from curate.mixing.decontamination import ContaminationIndex, DecontaminateConfig, read_items
from curate.models.panics import is_panic
from curate.models.text_classifier import HEAD
from curate.quality.domains import classify_domain, notation
from curate.quality.perplexity import PerplexityConfig, perplexity
from curate.quality.scoring import quality_score
from curate.tokens.tokenizers import load_tokenizer

#: A page in no known language is code if more than this share of its characters is in lines of source code. Ours: of
#: 555 source files whose language cannot be told these are 502, of 67 such pieces of web pages without code 8.
CODE_SHARE = 0.25
#: Above this score nobody looks for a second language: half a page of another one leaves about .5. Ours.
ONE_LANGUAGE = 0.95

MapFunction = Callable[[Document], Document | Rejection]


@dataclass(frozen=True, slots=True)
class MapStep:
    """A kind of map step: its settings, how its function is made, and which large fields it changes."""

    config: type
    make: Callable[[Any], MapFunction]
    changes: frozenset[str] = frozenset()


def apply(function: MapFunction, document: Document) -> Document | Rejection:
    """Lead a document through a step: an exception costs that document, and signals of another text are dropped.

    Raises:
        OSError, MemoryError: the machine is at fault and not the document.

    >>> apply(lambda document: 1 / 0, Document(id="0")).detail
    'ZeroDivisionError: division by zero'
    """
    try:
        result = function(document)
    except BaseException as e:  # counted with the rest, never the end of a run
        return failed(e)
    if isinstance(result, Document) and result.text is not document.text and result.signals is not None:
        return replace(result, signals=None)
    return result


def failed(error: BaseException) -> Rejection:
    """Return the rejection of a document on which a step failed.

    Raises:
        OSError, MemoryError, KeyboardInterrupt: the error itself, where the document is not at fault.
    """
    if isinstance(error, OSError | MemoryError) or not (isinstance(error, Exception) or is_panic(error)):
        raise error
    return Rejection("error", detail=f"{type(error).__name__}: {error}")


@dataclass(frozen=True, slots=True)
class ExtractStepConfig(ExtractConfig):
    """How the main text of a page is found: as in ``extract_text``, with another engine where none is named.

    A crawl is full of pages without text: on the sample crawl ``blocks``, the function's choice, keeps their banners
    and menus.
    """

    engine: Engine = "resiliparse"


@dataclass(frozen=True, slots=True)
class LanguageStepConfig:
    """Which languages a corpus takes, and how sure the identification must be.

    ``engine`` and ``model`` are those of ``LanguageConfig``. An empty ``keep`` keeps every language. ``min_score`` .65
    is FineWeb's; ``min_scores`` sets it per language. A page with many lines of source code passes as English
    where its language cannot be told: such are the words that programs are written in.
    """

    engine: Literal["curate", "fasttext", "langdetect"] = "curate"
    model: str | None = None
    keep: tuple[str, ...] = ()
    min_score: Score = 0.65
    min_scores: Mapping[str, Score] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HeuristicsConfig:
    """Which presets of rules a document must pass, and changed limits by rule name (null removes the rule)."""

    presets: tuple[str, ...] = ("default",)
    limits: Mapping[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class QualityConfig:
    """The quality model that gives the score (a path, or the shipped one), and the lowest score that stays."""

    model: str | None = None
    min_score: Score = 0.0


@dataclass(frozen=True, slots=True)
class DomainConfig:
    """The label code, maths, multilingual or general; it has no settings, the rules stand in ``quality.domains``."""


@dataclass(frozen=True, slots=True)
class TokenizeConfig:
    """Whose token ids a document gets: the shipped tokenizer, or the path of a ``tokenizer.json``.

    ``eos`` is the token put behind each document, where the vocabulary has none of the usual names for it.
    """

    tokenizer: str = "curate-32k"
    eos: str | None = None


def _url_filter(config: UrlFilterConfig) -> MapFunction:
    def step(document: Document) -> Document | Rejection:
        return blocked_url(document.url, config) or document

    return step


def _extract(config: ExtractConfig) -> MapFunction:
    extract_text("<p>An engine that is missing is told here, not page by page.</p>", None, config)

    def step(document: Document) -> Document | Rejection:
        if not document.html:
            return document if document.text.strip() else Rejection("empty_text", 0, 1)
        found = extract_text(document.html, document.url, config, document.charset)
        if not found.text.strip():
            return Rejection("empty_text", 0, 1)
        return replace(document, text=found.text, title=found.title, html=b"")

    return step


def _language(config: LanguageStepConfig) -> MapFunction:
    wanted = frozenset(canonical(code) for code in config.keep)
    minimum = {canonical(code): score for code, score in config.min_scores.items()}
    if len(minimum) < len(config.min_scores):
        raise ValueError(f"min_scores names a language twice: {', '.join(sorted(config.min_scores))}")
    engine = LanguageConfig(config.engine, config.model)
    detect_language("A model that is missing is told here, not page by page.", engine)
    if absent := sorted((wanted | set(minimum)) - known_languages(engine)):
        raise ValueError(f"the engine {config.engine!r} does not know {name(absent[0])} ({absent[0]!r})")

    def step(document: Document) -> Document | Rejection:
        found = detect_language(document.text, engine)
        limit = minimum.get(found.language, config.min_score)
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

    return step


def _heuristics(config: HeuristicsConfig) -> MapFunction:
    from curate.filters.presets import reference_filters_of, rules_of
    from curate.filters.rules import decide
    from curate.filters.signals import measure

    rules = rules_of(config.presets, config.limits)
    if not rules:
        raise ValueError("no rule is left: name a preset, as presets: [default]")
    reference_filters = reference_filters_of(rules)

    def step(document: Document) -> Document | Rejection:
        signals = measure(document.text, document.language or "en", reference_filters)
        decision = decide(signals, rules, document.language or "en")
        if not decision.keep:
            return Rejection(decision.reason, decision.value, decision.limit, signals=signals)
        return replace(document, signals=signals)

    return step


def _edit(edit: Callable[[str, Any], Edit]) -> Callable[[Any], MapFunction]:
    """Make a step of a function that edits a text; a document of which nothing is left is rejected."""

    def make(config: Any) -> MapFunction:
        def step(document: Document) -> Document | Rejection:
            result = edit(document.text, config)
            if not result.text.strip():
                return Rejection("nothing_left", float(sum(result.counts.values())))
            return replace(document, text=result.text) if result.counts else document

        return step

    return make


def _quality(config: QualityConfig) -> MapFunction:
    quality_score("", config.model)  # a model that is missing or damaged is told here, not page by page

    def step(document: Document) -> Document | Rejection:
        score = quality_score(document.text, config.model, document.signals, document.language or "en")
        if score < config.min_score:
            return Rejection("low_quality", score, config.min_score)
        return replace(document, quality=score)

    return step


def _domain(config: DomainConfig) -> MapFunction:
    def step(document: Document) -> Document | Rejection:
        found = classify_domain(document.text, document.url, document.language or "en")
        return replace(document, domain=found.label)

    return step


def _perplexity(config: PerplexityConfig) -> MapFunction:
    perplexity("a model that is missing is told here", config)

    def step(document: Document) -> Document | Rejection:
        found = perplexity(document.text, config)
        if found > config.max_perplexity:
            return Rejection("high_perplexity", found, config.max_perplexity)
        return document

    return step


def _decontaminate(config: DecontaminateConfig) -> MapFunction:
    items = [item for path in config.benchmarks for item in read_items(path)]
    index = ContaminationIndex(items, config.ngram)
    if index.too_short == len(items):
        raise ValueError(f"no item to look for: of {len(items):,} in {list(config.benchmarks)}, none has enough words")

    def step(document: Document) -> Document | Rejection:
        found = index.find(document.text)
        if found and found[0].overlap >= config.min_overlap:
            return Rejection("contaminated", found[0].overlap, config.min_overlap, found[0].item_id)
        return document

    return step


def _tokenize(config: TokenizeConfig) -> MapFunction:
    tokenizer = load_tokenizer(config.tokenizer, config.eos)

    def step(document: Document) -> Document | Rejection:
        ids = tokenizer.encode(document.text).astype(np.int32)
        return replace(document, tokens=np.append(ids, np.int32(tokenizer.eos_id)))

    return step


TEXT = frozenset({"text"})
MAP_STEPS: dict[str, MapStep] = {
    "url_filter": MapStep(UrlFilterConfig, _url_filter),
    "extract": MapStep(ExtractStepConfig, _extract, frozenset({"text", "html"})),
    "language": MapStep(LanguageStepConfig, _language),
    "heuristics": MapStep(HeuristicsConfig, _heuristics),
    "c4_clean": MapStep(C4CleanConfig, _edit(c4_clean), TEXT),
    "repetition_clean": MapStep(RepetitionCleanConfig, _edit(repetition_clean), TEXT),
    "quality": MapStep(QualityConfig, _quality),
    "domain": MapStep(DomainConfig, _domain),
    "perplexity": MapStep(PerplexityConfig, _perplexity),
    "pii": MapStep(PiiConfig, _edit(scrub_pii), TEXT),
    "decontaminate": MapStep(DecontaminateConfig, _decontaminate),
    "tokenize": MapStep(TokenizeConfig, _tokenize, frozenset({"tokens"})),
}
