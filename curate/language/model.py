"""The model of `language.detection`: hashed n-grams of letters, one small vector each, their mean, a softmax.

A text is lower-cased and normalized to NFKC. Words are runs of letters; each gives its n-grams of 1 to 5 letters, where
the boundary counts as a letter, and the whole word. Their hashes select rows of a table, as in fastText (Bojanowski et
al. 2017, arXiv 1607.04606; Joulin et al. 2017, arXiv 1612.03651); the mean of the rows, times a matrix, gives the logit
of each label. Unlike fastText, curate does all this in one compiled pass without building words or strings, in a tenth
of the time; has rows of int8; trusts the n-grams of short texts less and adds a prior (`curate.language.prior`); and
has labels for code, for other text that is not a language (``zxx``: random letters) and for languages with too little
training text (``und``), so that the score of a real language is low there.

quality_models/train_language.py trains the model; quality_models/cards/language.md describes its data and quality.
"""

from __future__ import annotations

import io
import json
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curate.input.checked_file import decompress_frame, parse_json, read_regular
from curate.language.codes import canonical
from curate.language.model_kernels import UNSEEN, predict
from curate.language.prior import log_prior, scripts_of_letters
from curate.models.model_file import check_sha256, read_array, read_members, write_with_sha256
from curate.text.characters import code_points

#: The last three labels of a model: languages with too little text, not a language, source code.
OTHER, NO_LANGUAGE, CODE = "und", "zxx", "code"

_FORMAT = "curate language model 1"
#: Bytes of a model, packed or unpacked, and the largest of its numbers. curate's own values: the shipped model has
#: 17 MB and 11.
_MAX_BYTES, _MAX_WEIGHT = 256 << 20, 1e6


@dataclass(frozen=True, slots=True)
class LanguageModel:
    """A trained model.

    ``labels`` are canonical codes, then `OTHER`, `NO_LANGUAGE` and `CODE`; ``classes`` [0x110000] is the class of each
    code point; ``rows`` int8 [buckets, width], where the number of buckets is a power of two; ``weights`` float32
    [width, labels], which include the quantization step of ``rows``; ``bias`` float32 [labels]. The logits of a text
    with n n-grams are multiplied by ``sharpness[0] * n / (n + sharpness[1])`` before the softmax, which calibrates the
    probabilities; for a short text by less, and the ``prior`` [scripts, labels] of its script is added
    (`curate.language.model_kernels.EVIDENCE`). ``scripts`` [0x110000] is the script of each code point. The file does
    not contain ``prior`` and ``scripts``.
    """

    labels: tuple[str, ...]
    classes: NDArray[np.uint8]
    rows: NDArray[np.int8]
    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    sharpness: tuple[float, float]
    prior: NDArray[np.float32] = field(init=False)
    scripts: NDArray[np.uint8] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "prior", log_prior(self.labels))
        object.__setattr__(self, "scripts", scripts_of_letters())

    def probabilities(self, text: str) -> tuple[NDArray[np.float32], int, int]:
        """Return the probability of each label, and the number of known and of unseen letters of the text."""
        probabilities = np.empty(len(self.labels), np.float32)
        known, unseen = predict(
            folded_code_points(text), self.classes, self.rows, self.weights, self.bias, *self.sharpness,
            self.prior, self.scripts, probabilities,
        )  # fmt: skip
        return probabilities, known, unseen


def folded_code_points(text: str) -> NDArray[np.uint32]:
    """Return the code points of a text in lower case and NFKC, as the model reads it.

    >>> folded_code_points("ﬁN").tolist() == [ord(letter) for letter in "fin"]
    True
    """
    text = text.lower()
    return code_points(text if text.isascii() else unicodedata.normalize("NFKC", text))


def save_model(model: LanguageModel, path: Path) -> str:
    """Write a model, always with the same bytes, and beside it a ``.sha256`` file for ``sha256sum --check``.

    Returns:
        The sha256, hex.
    """
    import zstandard

    edges = np.flatnonzero(np.diff(model.classes)) + 1
    arrays: dict[str, Any] = {
        "about": np.array(json.dumps({"format": _FORMAT, "labels": model.labels, "sharpness": model.sharpness})),
        "class_edges": edges.astype(np.int32),
        "class_values": model.classes[np.append(0, edges)],
        "rows": np.ascontiguousarray(model.rows.T),  # by column: compresses better
        "weights": model.weights,
        "bias": model.bias,
    }
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return write_with_sha256(path, zstandard.ZstdCompressor(level=19).compress(buffer.getvalue()))


def load_model(path: Path) -> LanguageModel:
    """Read a model that `save_model` wrote.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is not a language model of this version, is damaged, or does not match its ``.sha256``.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no language model at {path}: install curate again, or give the path of a model")
    check_sha256(path)
    try:
        data = decompress_frame(read_regular(path, _MAX_BYTES), _MAX_BYTES)
        parts = read_members(io.BytesIO(data))
        labels, sharpness = _check_about(read_array(parts, "about.npy", "<U", ()).item())
        classes = _classes(parts)
        rows = np.ascontiguousarray(read_array(parts, "rows.npy", "|i1", (None, None)).T)
        weights = read_array(parts, "weights.npy", "<f4", (rows.shape[1], len(labels)))
        bias = read_array(parts, "bias.npy", "<f4", (len(labels),))
        if len(rows) not in (1 << n for n in range(31)):
            raise ValueError(f"its table has {len(rows):,} rows, which is not a power of two")
        if not all((np.abs(numbers) <= _MAX_WEIGHT).all() for numbers in (weights, bias)):
            raise ValueError("its weights are too large or NaN")
    except ValueError as error:
        raise ValueError(f"{path} is not a language model that this version reads ({error}): train it again") from error
    return LanguageModel(labels, classes, rows, weights, bias, sharpness)


def _check_about(text: str) -> tuple[tuple[str, ...], tuple[float, float]]:
    """Return the labels and the sharpness that a model declares, after checking them."""
    about = parse_json(text.encode("utf-8", "replace"))
    if not isinstance(about, dict) or set(about) != {"format", "labels", "sharpness"}:
        raise ValueError("it does not say its format, labels and sharpness")
    if about["format"] != _FORMAT:
        raise ValueError(f"its format is {str(about['format'])[:100]!r}")
    labels, sharpness = about["labels"], about["sharpness"]
    if not isinstance(labels, list) or not all(isinstance(label, str) and 0 < len(label) <= 20 for label in labels):
        raise ValueError("its labels are not a list of codes")
    if labels[-3:] != [OTHER, NO_LANGUAGE, CODE]:
        raise ValueError(f"its last labels are {', '.join(labels[-3:])[:100]}")
    if len(labels) < 4 or len(set(labels)) < len(labels):
        raise ValueError("it has a label twice, or no language")
    for label in labels[:-3]:
        if canonical(label) != label:  # which raises if the label is not a language at all
            raise ValueError(f"its label {label} is not a canonical code but another form of {canonical(label)}")
    if (
        not isinstance(sharpness, list)
        or len(sharpness) != 2
        or not all(type(n) in (int, float) and 0 <= n <= _MAX_WEIGHT for n in sharpness)
    ):
        raise ValueError("its sharpness is not two numbers")
    return tuple(labels), (float(sharpness[0]), float(sharpness[1]))


def _classes(parts: Mapping[str, bytes]) -> NDArray[np.uint8]:
    """Return the class of each code point, which the file stores as runs."""
    edges = read_array(parts, "class_edges.npy", "<i4", (None,))
    values = read_array(parts, "class_values.npy", "|u1", (len(edges) + 1,))
    bounds = np.concatenate([[0], edges.astype(np.int64), [0x110000]])
    lengths = bounds[1:] - bounds[:-1]
    if not (lengths > 0).all() or values.max() > UNSEEN:
        raise ValueError("its classes of letters are not runs in order")
    return np.repeat(values, lengths)
