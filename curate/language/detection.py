"""Which language a text is written in, and how sure that is.

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
from curate.models.file_stamp import file_stamp
from curate.models.shipped import SHIPPED
from curate.results import Result
from curate.text.charset import as_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from curate.language.fasttext_languages import FastTextLanguages
    from curate.language.model import LanguageModel

_MODEL = SHIPPED / "language.npz.zst"

# Characters that are read: of a longer text, so many pieces of such a length, evenly spread. Ours: on 10 KB pages more
# changes one answer in a thousand (quality_models/cards/language.md).
_PIECES = 6
_PIECE = 200
# Fewer letters than this in the pieces of a long text: it is mostly something else, and more of it is read.
_FEW_LETTERS = 100
_MORE_PIECES, _MORE_PIECE = 40, 500

# A text that is code with a higher probability than this is code alone; with less, it is in the language of the prose
# between. Ours: so none of 371 PEPs and 3 of 229 pages of Python's documentation are taken for code, and 96 % of files
# of source code are.
_ALL_CODE = 0.9

# A part of a mixed page: at least 60 characters, shorter ones being told apart badly, up to the end of a line or
# sentence; at most 200. A part with a lower score than this counts as in no language. Ours.
_PART = re.compile(r".{60,200}?(?:\n|[.!?…।。！？]\s?)|.{1,199}\s|.{1,200}", re.DOTALL)
_SURE = 0.5
# Characters of a long text that are divided: 10,000, in pieces.
_SHARE_PIECES, _SHARE_PIECE = 25, 400


@dataclass(frozen=True, slots=True)
class LanguageConfig:
    """How languages are identified.

    ``engine`` is ``curate`` (the shipped model: the best of the three and the fastest), ``fasttext`` (any fastText
    model of languages: lid.176.bin or lid.176.ftz, GlotLID, OpenLID, your own) or ``langdetect``. ``model`` is the path
    of the model: needed for ``fasttext``; for ``curate`` one that quality_models/train_language.py made. A file
    ``MODEL.sha256`` beside it is checked. ``labels`` is for ``fasttext``: the language of each label whose name is not
    a code that `language.codes.canonical` knows, as ``{"__label__english": "en"}``, or "" for one that is not a
    language; probabilities of labels of one language add up.
    """

    engine: Literal["curate", "fasttext", "langdetect"] = "curate"
    model: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)  # compared, so that two are told apart


@dataclass(frozen=True, slots=True)
class LanguageScore(Result):
    """A language (ISO 639-1, else 639-3) and the probability, 0 to 1, that the text is in it.

    ``und`` (undetermined) is a text without letters, or one that is more likely no language at all (random letters) or
    a language unknown to the model than any that it knows, or that is almost only code; its score is that of the
    likeliest known one, always below .5. Code between prose is not held against the language of the prose.
    """

    language: str
    score: float


_DEFAULT = LanguageConfig()


def detect_language(text: str | bytes, config: LanguageConfig = _DEFAULT) -> LanguageScore:
    """Say which language a text is mostly written in.

    A long text is judged by 1,200 characters, taken in pieces from all of it. Thread-safe; the same text and config
    give the same answer always.

    Args:
        text: any string.
        config: the engine.

    Returns:
        The language and its score. With the default engine the score is calibrated: of texts with a score near .8, four
        in five are right; a page that is half in another language gets about .5, code and random letters next to
        nothing. A few words are judged with a prior, the languages' shares of the web, so that a rare language needs
        more of them: single words are wrong in three of ten. The scores of the other two engines are theirs, and too
        sure: fastText's and langdetect's of random letters are often above .5.

    Raises:
        FileNotFoundError: the model is not there; the message says where to get it.
        ValueError: an engine that does not exist, a model that is damaged or of another kind, or has the wrong sha256,
            or a label that is neither mapped nor a code.

    >>> detect_language("Hello world").language
    'en'
    >>> detect_language("Здравствуйте, как у вас дела?").language
    'ru'
    >>> detect_language("1234 -- 5678")
    LanguageScore(language='und', score=0.0)
    """
    text = as_text(text)
    return _detector(config, file_stamp(config.model))(text)


def language_shares(text: str | bytes, config: LanguageConfig = _DEFAULT) -> dict[str, float]:
    """Say how a text is divided between languages.

    The text (of a long one 10,000 characters, evenly spread) is cut at the ends of lines and sentences into parts of 60
    to 200 characters. Each is identified, and weighs as many letters as it has.

    Args:
        text: any string.
        config: the engine.

    Returns:
        The share of each language, largest first, rounded to two digits. ``und`` has the parts with a score below .5.
        Empty for a text without letters.

    >>> language_shares("")
    {}
    """
    detect, text = _detector(config, file_stamp(config.model)), as_text(text)
    sizes: dict[str, int] = {}
    for match in _PART.finditer(_sample(text, _SHARE_PIECES, _SHARE_PIECE)):
        letters = sum(map(str.isalpha, match[0]))
        if letters:
            found = detect(match[0])
            language = found.language if found.score >= _SURE else UNDETERMINED
            sizes[language] = sizes.get(language, 0) + letters
    total = sum(sizes.values())
    return {language: round(size / total, 2) for language, size in sorted(sizes.items(), key=lambda s: (-s[1], s[0]))}


def known_languages(config: LanguageConfig = _DEFAULT) -> frozenset[str]:
    """Return the languages that an engine can give, so that a recipe which asks for another can be refused.

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
    """Return the text, or of a long one that many pieces of that many characters, evenly spread, a line each."""
    if len(text) <= pieces * piece:
        return text
    step = (len(text) - piece) // (pieces - 1)
    return "\n".join(text[i * step : i * step + piece] for i in range(pieces))


@functools.cache
def _detector(config: LanguageConfig, stamp: tuple[int, int]) -> Callable[[str], LanguageScore]:
    if config.labels and config.engine != "fasttext":
        raise ValueError(f"labels is for the engine fasttext: leave it out with the engine {config.engine!r}")
    if config.engine == "curate":
        return functools.partial(_detect_curate, _model(config.model, stamp))
    if config.engine == "fasttext":
        return functools.partial(_detect_fasttext, _fasttext(config, stamp))
    if config.engine == "langdetect":
        return functools.partial(_detect_langdetect, _langdetect_factory())
    raise ValueError(f"no language engine {config.engine!r}: there are curate, fasttext and langdetect")


@functools.cache
def _model(path: str | None, stamp: tuple[int, int]) -> LanguageModel:
    from curate.language.model import load_model

    return load_model(Path(path) if path else _MODEL)


def _detect_curate(model: LanguageModel, text: str) -> LanguageScore:
    probabilities, known, unseen = model.probabilities(_sample(text))
    if known + unseen < _FEW_LETTERS and len(text) > _PIECES * _PIECE:
        probabilities, known, unseen = model.probabilities(_sample(text, _MORE_PIECES, _MORE_PIECE))
    if not known:
        # Yi is written in a script of its own, and no free text of it was there to train on.
        yi = any("\ua000" <= character <= "\ua48c" for character in _sample(text))
        return LanguageScore("ii", 1.0) if yi else LanguageScore(UNDETERMINED, 0.0)
    likeliest = int(probabilities[:-3].argmax())
    score = float(probabilities[likeliest]) * known / (known + unseen)
    code = float(probabilities[-1])
    if probabilities[-3:-1].max() > probabilities[likeliest] or code > _ALL_CODE:  # another language, none, or code
        return LanguageScore(UNDETERMINED, score)
    return LanguageScore(model.labels[likeliest], min(score / (1 - code), 1.0))


def _detect_fasttext(languages: FastTextLanguages, text: str) -> LanguageScore:
    # lid.176 was trained on lines, so that a line end is a space to it.
    line = _sample(text).replace("\n", " ").encode("utf-8", "replace").decode()
    return LanguageScore(*languages.detect(line)) if line.strip() else LanguageScore(UNDETERMINED, 0.0)


@functools.cache
def _fasttext(config: LanguageConfig, stamp: tuple[int, int]) -> FastTextLanguages:
    from curate.language.fasttext_languages import load_languages

    if config.model is None or not Path(config.model).is_file():
        raise FileNotFoundError(
            f"engine fasttext: no model {config.model!r}. Get lid.176.ftz (0.9 MB, CC-BY-SA 3.0) from "
            "fasttext.cc/docs/en/language-identification.html and give its path as `model`, or use the engine 'curate'"
        )
    return load_languages(Path(config.model), config.labels)


def _detect_langdetect(factory: Any, text: str) -> LanguageScore:
    from langdetect import LangDetectException

    detector = factory.create()
    detector.append(_sample(text))
    try:
        best = detector.get_probabilities()[0]
    except (LangDetectException, IndexError):  # no letters; no language above its threshold
        return LanguageScore(UNDETERMINED, 0.0)
    return LanguageScore(canonical(best.lang), min(best.prob, 1.0))


@functools.cache
def _langdetect_factory() -> Any:
    from langdetect.detector_factory import PROFILES_DIRECTORY, DetectorFactory

    # A factory of our own: langdetect's is made on the first call, by all threads at once, and draws without a seed.
    factory = DetectorFactory()
    factory.load_profile(PROFILES_DIRECTORY)
    factory.set_seed(0)
    return factory
