"""Perplexity of a text under an n-gram language model of the user's: low if it resembles the model's training texts.

ccNet (Wenzek et al. 2019, arXiv 1911.00359, section 4) ranks web pages by it, with a KenLM model of Wikipedia in the
page's language over SentencePiece pieces. It needs `kenlm` (and `sentencepiece` for a model of pieces):
``pip install 'curate-corpus[perplexity]'``. No model is shipped.

>>> line_for_model("In 1989 the Café  opened.")
'in 0000 the cafe opened.'
"""

from __future__ import annotations

import functools
import math
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from curate.bounds import File
from curate.models.file_stamp import file_stamp
from curate.models.probe import probe

if TYPE_CHECKING:
    from collections.abc import Callable

_DIGITS = str.maketrans("123456789", "0" * 9)


@dataclass(frozen=True, slots=True)
class PerplexityConfig:
    """The model, and the perplexity above which a document is rejected.

    ``model`` is the path of a KenLM binary or an ARPA file, ``pieces`` that of its SentencePiece model; without one the
    model is over words between white space. There is no limit by default: perplexities of different models or languages
    cannot be compared, so choose a limit for your model, on texts.
    """

    model: File = ""
    pieces: File = ""
    max_perplexity: float = math.inf


def perplexity(text: str, config: PerplexityConfig) -> float:
    """Return the perplexity per word or piece, with the end of each line as one; lines are independent.

    Args:
        text: any text; lines are folded by `line_for_model`, and empty ones do not count.
        config: the model.

    Returns:
        10 to the power of the negative mean log10 probability, at least 1; infinity for a text without words.

    Raises:
        ValueError: no model is given, or it cannot be read or crashes its library.
        ImportError: a library is missing; the message says what to install.
    """
    score = _model(config.model, file_stamp(config.model))
    cut = _cutter(config.pieces, file_stamp(config.pieces))
    total, words = 0.0, 0
    for line in map(line_for_model, text.split("\n")):
        if pieces := cut(line):
            total += score(" ".join(pieces))
            words += len(pieces) + 1
    return 10 ** (-total / words) if words else math.inf


def line_for_model(line: str) -> str:
    """Fold a line as ccNet does before its language models: lower case, no accents, every digit 0, single spaces."""
    bare = "".join(map(_without_marks, line.lower().translate(_DIGITS)))
    return " ".join(unicodedata.normalize("NFC", bare).encode("utf-8", "replace").decode().split())


@functools.lru_cache(1 << 16)
def _without_marks(character: str) -> str:
    # One by one, because Python takes time in the square of their number to order a run of marks.
    return "".join(c for c in unicodedata.normalize("NFD", character) if unicodedata.category(c) != "Mn")


@functools.cache
def _model(path: str, stamp: tuple[int, int]) -> Callable[[str], float]:
    kenlm = _library("kenlm")
    if not path:
        raise ValueError("perplexity needs a model: give the path of a KenLM binary or an ARPA file")
    try:
        probe("kenlm", path, path)
        model = kenlm.Model(path)
    except (OSError, RuntimeError, ValueError) as e:
        raise ValueError(f"{path} is not a language model that kenlm can read: {e}") from None
    return lambda line: float(model.score(line, bos=True, eos=True))


@functools.cache
def _cutter(path: str, stamp: tuple[int, int]) -> Callable[[str], list[str]]:
    if not path:
        return str.split
    sentencepiece = _library("sentencepiece")
    try:
        probe("sentencepiece", path, path)
        processor = sentencepiece.SentencePieceProcessor(model_file=path)
    except (OSError, RuntimeError, ValueError) as e:
        raise ValueError(f"{path} is not a SentencePiece model: {e}") from None
    return lambda line: list(processor.encode(line, out_type=str))


def _library(name: str) -> Any:
    import importlib

    try:
        return importlib.import_module(name)
    except ImportError:
        raise ImportError(f"perplexity needs the library {name}: pip install 'curate-corpus[perplexity]'") from None
