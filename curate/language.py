"""Which language a text is written in.

>>> detect_language("This is a sentence, and it is written in English.").language
'en'
"""

from __future__ import annotations

import functools
import re
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from curate.languages import canonical

UNDETERMINED = "und"  # ISO 639-3 for a text whose language is not known

_MODELS = Path(__file__).parent.parent / "quality_models" / "models"
_WORDS = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class LanguageConfig:
    """The engine, and for ``fasttext`` the path of its model (lid.176.bin, lid.176.ftz, GlotLID, your own)."""

    engine: Literal["curate", "fasttext", "langdetect"] = "curate"
    model: str | None = None


@dataclass(frozen=True, slots=True)
class LanguageScore:
    """A language (ISO 639-1, else 639-3; ``und`` for none) and the probability, 0 to 1, that it is right."""

    language: str
    score: float


def detect_language(text: str, config: LanguageConfig = LanguageConfig()) -> LanguageScore:
    """Say which language a text is mostly written in, and how sure that is.

    >>> detect_language("").language
    'und'
    """
    if config.engine == "langdetect":
        return _langdetect(text)
    words = " ".join(_WORDS.findall(_sample(text).lower()))
    if not words:
        return LanguageScore(UNDETERMINED, 0.0)
    path = config.model if config.engine == "fasttext" else str(_MODELS / "language.ftz")
    ((score, label),) = _fasttext(str(path)).f.predict(
        words.encode("utf-8", "replace").decode() + "\n", 1, 0.0, "strict"
    )
    return LanguageScore(canonical(label), min(float(score), 1.0))


def _sample(text: str) -> str:
    if len(text) <= 2000:
        return text
    step = (len(text) - 500) // 3
    return " ".join(text[i * step : i * step + 500] for i in range(4))


_LOCK = threading.Lock()


@functools.cache
def _fasttext(path: str) -> Any:
    import fasttext

    return fasttext.load_model(path)


def _langdetect(text: str) -> LanguageScore:
    from langdetect import DetectorFactory, LangDetectException, detect_langs

    with _LOCK:
        DetectorFactory.seed = 0
        try:
            best = detect_langs(text)[0]
        except LangDetectException:
            return LanguageScore(UNDETERMINED, 0.0)
    return LanguageScore(canonical(best.lang), best.prob)
