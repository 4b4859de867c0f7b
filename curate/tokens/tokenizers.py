"""Text to token ids and back.

>>> tokenizer = load_tokenizer()
>>> tokenizer.decode(tokenizer.encode("One recipe, one corpus."))
'One recipe, one corpus.'
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curate.input.checked_file import decompress_frame, read_regular
from curate.models.panics import is_panic, panics_as_errors
from curate.models.probe import TEXTS, probe
from curate.models.shipped import SHIPPED
from curate.text.charset import as_text

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from tiktoken import Encoding
    from tokenizers import Tokenizer as HuggingFaceTokenizer

DEFAULT_TOKENIZER = "curate-32k"

#: Bytes of a tokenizer.json, at most. Ours: that of Gemma 3, with 262,144 entries, has 33 MB.
MAX_BYTES = 256 << 20

# Names that published tokenizers give the token between two documents: GPT-2 and ours, Llama 3, Llama 2, Gemma, BERT.
END_OF_TEXT_NAMES = ("<|endoftext|>", "<|end_of_text|>", "</s>", "<eos>", "[SEP]")


@dataclass(frozen=True, slots=True)
class Tokenizer:
    """A tokenizer: text to ids without truncation, padding or special tokens, and ids to text.

    ``name`` is what it was loaded by, ``vocabulary_size`` one more than its largest id, ``eos_id`` the id that the
    writer puts between documents. Made by `load_tokenizer`.
    """

    name: str
    vocabulary_size: int
    eos_id: int
    _tokenizer: HuggingFaceTokenizer
    _fast: Encoding | None = None

    @property
    def dtype(self) -> np.dtype[Any]:
        """What one id is stored as: uint16 where all ids fit, else int32, the two that Megatron reads."""
        import numpy as np

        return np.dtype("<u2" if self.vocabulary_size <= 1 << 16 else "<i4")

    def encode(self, text: str | bytes) -> NDArray[Any]:
        """Token ids of a text, in ``dtype``.

        Raises:
            ValueError: the tokenizer has no ids for this text; the shipped one has ids for any.

        The name of a special token inside the text (``<|endoftext|>`` on a web page) is encoded as the characters it
        is written with, never as the special token. Lone surrogates, which no UTF-8 can hold, become U+FFFD.

        >>> load_tokenizer().encode("").shape
        (0,)
        """
        import numpy as np

        text = as_text(text)
        try:
            if self._fast and len(text) >= FAST_LENGTH:
                return np.concatenate([self.encode(piece) for piece in self._pieces(text)])
            if self._fast:
                try:
                    return self._fast.encode_to_numpy(text, disallowed_special=()).astype(self.dtype)
                except BaseException as error:
                    if not is_panic(error):
                        raise
            with panics_as_errors(self.name):
                ids = self._tokenizer.encode(text, add_special_tokens=False).ids
        except (UnicodeEncodeError, TypeError):  # what the libraries say of a lone surrogate
            return self.encode(text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace"))
        return np.array(ids, dtype=self.dtype)

    def _pieces(self, text: str) -> Iterator[str]:
        """Cut a long text where its tokens are the same as in the whole, at the end of a word.

        A word is what the pattern of the tokenizer cuts out, going from left to right. It may look at what follows, so
        the last word of a piece is left to the next piece, and so are the spaces before it.
        """
        start = 0
        while len(text) - start > PIECE_LENGTH:
            piece = text[start : start + PIECE_LENGTH]
            words = self._tokenizer.pre_tokenizer.pre_tokenize_str(piece)
            stops = (stop for _, (_, stop) in reversed(words[:-1]) if not piece[stop - 1].isspace())
            stop = next(stops, PIECE_LENGTH)
            yield piece[:stop]
            start += stop
        yield text[start:]

    def decode(self, ids: Sequence[int] | NDArray[Any]) -> str:
        """The text of token ids; bytes that are no UTF-8 become U+FFFD.

        >>> tokenizer = load_tokenizer()
        >>> tokenizer.decode([tokenizer.eos_id])
        '<|endoftext|>'
        """
        with panics_as_errors(self.name):
            return self._tokenizer.decode([int(i) for i in ids], skip_special_tokens=False)

    def to_json(self) -> str:
        """The tokenizer as the text of a ``tokenizer.json``, for whoever trains on the corpus.

        >>> load_tokenizer().to_json()[:18]
        '{"version":"1.0","'
        """
        return str(self._tokenizer.to_str())


def load_tokenizer(name_or_path: str = DEFAULT_TOKENIZER, eos: str | None = None) -> Tokenizer:
    """Load the tokenizer that comes with `curate`, or any ``tokenizer.json``.

    Args:
        name_or_path: ``"curate-32k"``, the shipped byte-level BPE of 32,000 entries (every text without lone surrogates
            comes back unchanged; quality_models/cards/tokenizer.md), or the path of a ``tokenizer.json`` as the Hugging
            Face `tokenizers` library writes it, also compressed as ``.json.zst``.
        eos: the token put between documents; by default the first of ``END_OF_TEXT_NAMES`` that the vocabulary has.

    Raises:
        FileNotFoundError: no such name and no such file.
        ValueError: the file is no ``tokenizer.json``, cannot encode some texts, or kills the library that reads it; or
            the end-of-text token is not in its vocabulary.

    >>> tokenizer = load_tokenizer("curate-32k")
    >>> tokenizer.vocabulary_size, tokenizer.dtype.name
    (32000, 'uint16')
    """
    return _load_default() if name_or_path == DEFAULT_TOKENIZER and eos is None else _load(name_or_path, eos)


@functools.cache
def _load_default() -> Tokenizer:
    return _load(DEFAULT_TOKENIZER, None)


def _load(name_or_path: str, eos: str | None) -> Tokenizer:
    path = Path(name_or_path)
    if name_or_path == DEFAULT_TOKENIZER:
        path = SHIPPED / "tokenizer-32k.json.zst"
    if not path.is_file():
        raise FileNotFoundError(
            f"no tokenizer {name_or_path!r}: give {DEFAULT_TOKENIZER!r} or the path of a tokenizer.json file"
        )
    if name_or_path != DEFAULT_TOKENIZER:
        probe("tokenizers", path, str(path))
    data, tokenizer, vocabulary = read_tokenizer(path)
    eos_id = _eos_id(path, vocabulary, eos)
    made = Tokenizer(name_or_path, max(vocabulary.values()) + 1, eos_id, tokenizer)
    fast = replace(made, _fast=_tiktoken(json.loads(data)))
    return fast if fast._fast and (name_or_path == DEFAULT_TOKENIZER or _agree(made, fast)) else made


def read_tokenizer(path: Path) -> tuple[bytes, HuggingFaceTokenizer, dict[str, int]]:
    """Read a ``tokenizer.json`` of unknown origin, which may kill the process: see `load_tokenizer`.

    Returns:
        Its JSON, the tokenizer, and its vocabulary.

    Raises:
        ValueError: it is not one, or is too large.
    """
    import tokenizers

    try:
        data = read_regular(path, MAX_BYTES)
        if path.suffix == ".zst":
            data = decompress_frame(data, MAX_BYTES)
        with panics_as_errors("the library"):
            tokenizer = tokenizers.Tokenizer.from_str(data.decode())
            # It may say that a model's input is cut or filled up; a corpus wants every token of every text.
            tokenizer.no_truncation()
            tokenizer.no_padding()
            tokenizer.encode_special_tokens = True
            vocabulary = tokenizer.get_vocab(with_added_tokens=True)
    except Exception as error:  # the library raises bare Exception
        raise ValueError(f"{path} is not a tokenizer.json of the Hugging Face tokenizers library: {error}") from error
    if not vocabulary or max(vocabulary.values()) >= 2**31:
        raise ValueError(f"{path} has no vocabulary, or ids above {2**31 - 1:,}, the largest that is stored")
    return data, tokenizer, vocabulary


def _agree(one: Tokenizer, other: Tokenizer) -> bool:
    """Say whether two tokenizers give the same ids: what a pattern does not match, tiktoken drops."""
    return all(one.encode(text).tolist() == other.encode(text).tolist() for text in TEXTS)


# Texts from this length on are encoded in pieces: tiktoken 0.14 panics at a run of a million spaces, and the slower
# library takes 400 bytes for each token. A longer word is cut, too.
FAST_LENGTH = 500_000
PIECE_LENGTH = 200_000


def _tiktoken(spec: dict[str, Any]) -> Encoding | None:
    """The same tokenizer for tiktoken, which is over five times as fast, or None where it cannot be the same.

    It can where a pattern cuts the text and the merges of byte-level BPE follow the order of the ids.
    """
    import tiktoken

    try:
        found = _byte_level(spec)
        return tiktoken.Encoding("", **found) if found else None
    except BaseException as error:
        # A vocabulary with an id twice or a character that stands for no byte, a pattern in another dialect.
        if not is_panic(error) and not isinstance(error, (KeyError, ValueError, TypeError, AttributeError)):
            raise
        return None


def _byte_level(spec: dict[str, Any]) -> dict[str, Any] | None:
    """Return pattern, ranks and special tokens of a tokenizer that is byte-level BPE over pieces of text, else None."""
    model, cut = spec["model"], spec.get("pre_tokenizer") or {}
    parts = cut.get("pretokenizers", [cut])
    split, level = (parts[0], parts[-1]) if len(parts) == 2 else ({}, {})
    plain = {"type": "ByteLevel", "add_prefix_space": False, "use_regex": False}
    if (
        model.get("type") != "BPE"
        or spec.get("normalizer")
        or model.get("dropout")
        or split.get("type") != "Split"
        or split.get("behavior") != "Isolated"
        or split.get("invert")
        or "Regex" not in split.get("pattern", {})
        or plain.items() - level.items()
    ):
        return None
    vocabulary: dict[str, int] = model["vocab"]
    special = {token["content"]: token["id"] for token in spec["added_tokens"]}
    pairs = (merge.split(" ") if isinstance(merge, str) else merge for merge in model["merges"])
    made = [vocabulary["".join(pair)] for pair in pairs]
    if made != sorted(made):
        return None
    byte_of = {character: byte for byte, character in enumerate(_byte_characters())}
    ranks = {bytes(byte_of[c] for c in token): i for token, i in vocabulary.items() if token not in special}
    pattern = split["pattern"]["Regex"]
    return {"pat_str": pattern, "mergeable_ranks": ranks, "special_tokens": special}


def _byte_characters() -> list[str]:
    """The character that stands for each byte in a byte-level vocabulary (GPT-2): itself where it can be seen."""
    seen = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = [byte for byte in range(256) if byte not in seen]
    stands_for = {byte: chr(byte) for byte in seen} | {byte: chr(256 + i) for i, byte in enumerate(hidden)}
    return [stands_for[byte] for byte in range(256)]


def _eos_id(path: Path, vocabulary: dict[str, int], eos: str | None) -> int:
    names = END_OF_TEXT_NAMES if eos is None else (eos,)
    for name in names:
        if name in vocabulary:
            return vocabulary[name]
    raise ValueError(
        f"the vocabulary of {path} has none of {', '.join(names)}: say with eos= which of its tokens ends a document"
    )
