"""Identify the language of a text, with a calibrated score.

>>> detect_language("This is a sentence, and it is written in English.").language
'en'
>>> rain = "It rains, and the streets of our small town are empty this morning.\\n"
>>> language_shares(rain + "Il pleut, et les rues de notre petite ville sont vides ce matin.\\n")
{'en': 0.51, 'fr': 0.49}
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from curate.language.codes import UNDETERMINED, canonical
from curate.language.han import is_japanese
from curate.language.prose import Prose, find_prose, in_main_script
from curate.models.file_stamp import file_stamp
from curate.models.shipped import SHIPPED
from curate.results import Result
from curate.text.charset import as_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from curate.language.fasttext_languages import FastTextLanguages
    from curate.language.model import LanguageModel

_MODEL = SHIPPED / "language.npz.zst"

# Number and length in characters of the evenly spread pieces read of a longer text. curate's own values: on 10 KB
# pages, reading more changes one answer in a thousand (quality_models/cards/language.md).
_PIECES = 6
_PIECE = 200
# If the pieces of a long text have fewer letters of prose than this, it is mostly something else, and more of it is
# read.
_FEW_LETTERS = 300
_MORE_PIECES, _MORE_PIECE = 40, 500

# A text that is code with a higher probability than this is only code; with a lower one, it is in the language of the
# prose around the code. curate's own value: it classifies none of 371 PEPs, 3 of 229 pages of Python's documentation
# and 96 % of files of source code as code.
_ALL_CODE = 0.9
# From this share of its letters on, a script is that of the whole text, and others are those of names and terms.
# curate's own value.
_ONE_SCRIPT = 0.8
# A text of fewer letters is hardly more than a word, which many languages share. curate's own value.
_FEW_WORDS = 15
# The languages of China that are written in Han characters.
_CHINESE = ("zh", "yue", "wuu", "lzh", "gan", "hak")

# A part of a mixed page: at least 60 characters, because shorter ones are identified badly, up to the end of a line or
# sentence; at most 200. A part with a score below `_SURE` counts as undetermined. curate's own values.
_PART = re.compile(r".{60,200}?(?:\n|[.!?…।。！？]\s?)|.{1,199}\s|.{1,200}", re.DOTALL)
_SURE = 0.5
_BLANKS = re.compile(r"[ \t]{2,}")
# Of a long text, 10,000 characters are split into parts.
_SHARE_PIECES, _SHARE_PIECE = 25, 400


@dataclass(frozen=True, slots=True)
class LanguageConfig:
    """How languages are identified.

    ``engine`` is ``curate`` (the shipped model, the best and fastest of the three), ``fasttext`` (any fastText model of
    languages: lid.176.bin or lid.176.ftz, GlotLID, OpenLID, your own) or ``langdetect``. ``model`` is the path of the
    model: required for ``fasttext``; for ``curate``, a model trained by quality_models/train_language.py. A file
    ``MODEL.sha256`` beside it is checked. ``labels`` is for ``fasttext``: the language of each label whose name is not
    a code that `language.codes.canonical` knows, such as ``{"__label__english": "en"}``, or "" for a label that is not
    a language; the probabilities of labels of the same language add up.
    """

    engine: Literal["curate", "fasttext", "langdetect"] = "curate"
    model: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)  # not hashable, but compared


@dataclass(frozen=True, slots=True)
class LanguageScore(Result):
    """A language (ISO 639-1, else 639-3) and the probability, 0 to 1, that the text is in it.

    ``und`` (undetermined) is a text without letters, almost only code, or likelier not a language (random letters) or
    a language unknown to the model than any known one; its score is that of the likeliest known language, always below
    0.5. Code between prose does not lower the score of the prose's language.
    """

    language: str
    score: float


_DEFAULT = LanguageConfig()


def detect_language(text: str | bytes, config: LanguageConfig = _DEFAULT) -> LanguageScore:
    """Identify the main language of a text.

    It is that of the prose: code, addresses and markup are left out (`curate.language.prose`), unless there is nothing
    else. A long text is judged by 1,200 characters, in pieces spread over the text. With the default engine, only the
    words of the script that most of the text is in count, so that a Japanese text with many English terms is Japanese.
    The function is thread-safe, and the same text and config always give the same answer.

    Args:
        text: any string.
        config: the engine.

    Returns:
        The language and its score. With the default engine the score is calibrated: of texts with a score near 0.8,
        four in five are right; a page that is half in another language gets about 0.5, code and random letters almost
        0. A few words are judged with a prior, the languages' shares of the web, so that a rare language needs more of
        them; for single words, three answers in ten are wrong. The scores of the other two engines are not calibrated
        and too high: fastText and langdetect often give random letters more than 0.5.

    Raises:
        FileNotFoundError: the model does not exist; the message says where to get one.
        ValueError: the engine does not exist, the model is damaged, of another type or has the wrong sha256, or a label
            is neither mapped nor a code.

    >>> detect_language("Hello world").language
    'en'
    >>> detect_language("Здравствуйте, как у вас дела?").language
    'ru'
    >>> detect_language("1234 -- 5678")
    LanguageScore(language='und', score=0.0)
    """
    text = as_text(text)
    return _detector(config, file_stamp(config.model))(_prose(text))


def language_shares(text: str | bytes, config: LanguageConfig = _DEFAULT) -> dict[str, float]:
    """Return the share of each language in a text.

    The prose of the text (of a long one, 10,000 evenly spread characters) is split at the ends of lines and sentences
    into parts of 60 to 200 characters. Each part is identified, and weighted by its number of letters.

    Args:
        text: any string.
        config: the engine.

    Returns:
        The share of each language, largest first, rounded to two digits. Parts with a score below 0.5 count as ``und``.
        Empty for a text without letters.

    >>> language_shares("")
    {}
    """
    detect, text = _detector(config, file_stamp(config.model)), as_text(text)
    sizes: dict[str, int] = {}
    prose = find_prose(_sample(text, _SHARE_PIECES, _SHARE_PIECE))
    for match in _PART.finditer(_BLANKS.sub(" ", prose.text)):
        letters = sum(map(str.isalpha, match[0]))
        if letters:
            detected = detect(Prose(match[0], prose.letters, prose.share))
            language = detected.language if detected.score >= _SURE else UNDETERMINED
            sizes[language] = sizes.get(language, 0) + letters
    total = sum(sizes.values())
    return {language: round(size / total, 2) for language, size in sorted(sizes.items(), key=lambda s: (-s[1], s[0]))}


def known_languages(config: LanguageConfig = _DEFAULT) -> frozenset[str]:
    """Return the languages that an engine can detect, so that a recipe that asks for another can be refused.

    Raises:
        FileNotFoundError, ValueError: as `detect_language`.

    >>> {"en", "fr", "yue"} <= known_languages()
    True
    """
    if config.engine == "langdetect":
        return frozenset(canonical(code) for code in _langdetect_factory().get_lang_list())
    stamp = file_stamp(config.model)
    if config.engine == "fasttext":
        return frozenset(_fasttext(config, stamp).codes.values()) - {UNDETERMINED}
    return frozenset(_model(config.model, stamp).labels[:-3])


def _sample(text: str, pieces: int = _PIECES, piece: int = _PIECE) -> str:
    """Return the text, or for a long one, ``pieces`` evenly spread pieces of ``piece`` characters, one per line."""
    if len(text) <= pieces * piece:
        return text
    step = (len(text) - piece) // (pieces - 1)
    return "\n".join(text[i * step : i * step + piece] for i in range(pieces))


@functools.cache
def _detector(config: LanguageConfig, stamp: tuple[int, int]) -> Callable[[Prose], LanguageScore]:
    if config.labels and config.engine != "fasttext":
        raise ValueError(f"only the engine fasttext has labels: remove them with the engine {config.engine!r}")
    if config.engine == "curate":
        return functools.partial(_detect_curate, _model(config.model, stamp))
    if config.engine == "fasttext":
        return functools.partial(_detect_fasttext, _fasttext(config, stamp))
    if config.engine == "langdetect":
        return functools.partial(_detect_langdetect, _langdetect_factory())
    raise ValueError(f"unknown language engine {config.engine!r}: use curate, fasttext or langdetect")


@functools.cache
def _model(path: str | None, stamp: tuple[int, int]) -> LanguageModel:
    from curate.language.model import load_model

    return load_model(Path(path) if path else _MODEL)


def _prose(text: str) -> Prose:
    """Return the prose of the pieces of a text, or of more pieces if these hold hardly any."""
    prose = find_prose(_sample(text))
    if len(text) > _PIECES * _PIECE and (not prose.share or prose.letters < _FEW_LETTERS):
        more = find_prose(_sample(text, _MORE_PIECES, _MORE_PIECE))
        return Prose(_sample(" ".join(more.text.split())), more.letters, more.share)
    return prose


def _detect_curate(model: LanguageModel, prose: Prose) -> LanguageScore:
    written, share = in_main_script(prose.text)
    probabilities, known, unseen = model.probabilities(written)
    if not known:
        # Yi has its own script, and there was no free text in it to train on.
        yi = any("\ua000" <= character <= "\ua48c" for character in written)
        return LanguageScore("ii", 1.0) if yi else LanguageScore(UNDETERMINED, 0.0)
    certainty = min(share / _ONE_SCRIPT, 1.0) * known / (known + unseen)
    likeliest = int(probabilities[:-3].argmax())
    language, score, code = model.labels[likeliest], float(probabilities[likeliest]), float(probabilities[-1])
    if language in _CHINESE and is_japanese(written):
        among = [model.labels.index(name) for name in ("ja", *_CHINESE) if name in model.labels]
        return LanguageScore("ja", float(probabilities[among].sum() / probabilities[:-3].sum()) * certainty)
    is_like_code = code > score and prose.share == 1 and known >= _FEW_WORDS
    if "en" in model.labels and ((language == "en" and prose.share) or is_like_code):
        # What looks like code, but has none of its marks, is made of the English words that code is written with.
        language, score, code = "en", float(probabilities[model.labels.index("en")]) + code, 0.0
    if probabilities[-3:-1].max() > score or code > _ALL_CODE:  # another language, none, or code
        return LanguageScore(UNDETERMINED, float(probabilities[likeliest]) * certainty)
    return LanguageScore(language, min(score / (1 - code), 1.0) * certainty)


def _detect_fasttext(languages: FastTextLanguages, prose: Prose) -> LanguageScore:
    # lid.176 was trained on single lines, so line ends become spaces.
    line = prose.text.replace("\n", " ").encode("utf-8", "replace").decode()
    return LanguageScore(*languages.detect(line)) if line.strip() else LanguageScore(UNDETERMINED, 0.0)


@functools.cache
def _fasttext(config: LanguageConfig, stamp: tuple[int, int]) -> FastTextLanguages:
    from curate.language.fasttext_languages import load_languages

    if config.model is None or not Path(config.model).is_file():
        raise FileNotFoundError(
            f"engine fasttext: no model at {config.model!r}. Get lid.176.ftz (0.9 MB, CC-BY-SA 3.0) from "
            "fasttext.cc/docs/en/language-identification.html and give its path as `model`, or use the engine 'curate'"
        )
    return load_languages(Path(config.model), config.labels)


def _detect_langdetect(factory: Any, prose: Prose) -> LanguageScore:
    from langdetect import LangDetectException

    detector = factory.create()
    detector.append(prose.text)
    try:
        best = detector.get_probabilities()[0]
    except (LangDetectException, IndexError):  # no letters; no language above its threshold
        return LanguageScore(UNDETERMINED, 0.0)
    return LanguageScore(canonical(best.lang), min(best.prob, 1.0))


@functools.cache
def _langdetect_factory() -> Any:
    from langdetect.detector_factory import PROFILES_DIRECTORY, DetectorFactory

    # langdetect's own factory is built on the first call, by all threads at once, and has no seed.
    factory = DetectorFactory()
    factory.load_profile(PROFILES_DIRECTORY)
    factory.set_seed(0)
    return factory
