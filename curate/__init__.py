"""Raw web text in, a high-quality token corpus out: every step of the recipe as a plain function of text and numbers.

>>> import curate
>>> curate.normalize_url("HTTPS://www.Example.org:443/a?utm_source=x#top")
'http://example.org/a'

Names load their modules on first use, so that the import costs nothing; nothing here imports Apache Beam.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

#: Where each public name lives.
_HOME = {
    "extract": ("ExtractConfig", "Extraction", "extract_text"),
    "language": ("LanguageConfig", "LanguageScore", "detect_language", "language_shares"),
    "signals": ("Signals", "measure", "signal_names"),
    "presets": ("PRESETS", "rules_of"),
    "heuristics": (
        "RuleConfig",
        "c4_quality",
        "decide_preset",
        "explain",
        "fineweb_quality",
        "gopher_quality",
        "gopher_repetition",
        "llama3_heuristics",
    ),
    "clean": (
        "C4CleanConfig",
        "RefinedWebCleanConfig",
        "RepetitionCleanConfig",
        "c4_clean",
        "refinedweb_clean",
        "repetition_clean",
    ),
    "minhash": ("MinHashConfig", "minhash_signature"),
    "duplicates": ("NearDuplicatesConfig", "near_duplicates"),
    "sketch": ("Sketch",),
    "lines": ("LineDedupConfig", "line_hashes", "remove_lines"),
    "pii": ("PiiConfig", "scrub_pii"),
    "quality": ("quality_score",),
    "domains": ("classify_domain",),
    "urls": ("UrlFilterConfig", "normalize_url"),
    "mixture": ("Mixture", "plan_mixture"),
    "divergence": ("TokenCounts", "kl_divergence"),
    "decontaminate": ("ContaminationIndex", "DecontaminateConfig", "Hit"),
    "tokens": ("load_tokenizer",),
    "document": ("Decision", "Document", "Edit", "Rejection"),
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}

__all__ = sorted(_MODULE_OF)

if TYPE_CHECKING:
    from curate.clean import (
        C4CleanConfig,
        RefinedWebCleanConfig,
        RepetitionCleanConfig,
        c4_clean,
        refinedweb_clean,
        repetition_clean,
    )
    from curate.decontaminate import ContaminationIndex, DecontaminateConfig, Hit
    from curate.divergence import TokenCounts, kl_divergence
    from curate.document import Decision, Document, Edit, Rejection
    from curate.domains import classify_domain
    from curate.duplicates import NearDuplicatesConfig, near_duplicates
    from curate.extract import ExtractConfig, Extraction, extract_text
    from curate.heuristics import (
        RuleConfig,
        c4_quality,
        decide_preset,
        explain,
        fineweb_quality,
        gopher_quality,
        gopher_repetition,
        llama3_heuristics,
    )
    from curate.language import LanguageConfig, LanguageScore, detect_language, language_shares
    from curate.lines import LineDedupConfig, line_hashes, remove_lines
    from curate.minhash import MinHashConfig, minhash_signature
    from curate.mixture import Mixture, plan_mixture
    from curate.pii import PiiConfig, scrub_pii
    from curate.presets import PRESETS, rules_of
    from curate.quality import quality_score
    from curate.signals import Signals, measure, signal_names
    from curate.sketch import Sketch
    from curate.tokens import load_tokenizer
    from curate.urls import UrlFilterConfig, normalize_url


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'curate' has no attribute {name!r}")
    return getattr(importlib.import_module(f"curate.{_MODULE_OF[name]}"), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]
