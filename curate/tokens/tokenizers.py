"""Convert text to token ids and back.

>>> tokenizer = load_tokenizer()
>>> tokenizer.decode(tokenizer.encode("One recipe, one corpus."))
'One recipe, one corpus.'

Each type of tokenizer has a module: `huggingface`, `sentencepiece_model`, `tiktoken_ranks`, and `own_tokenizer` for
your own.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curate.models.panics import panics_as_errors
from curate.models.shipped import SHIPPED
from curate.text.charset import as_text
from curate.tokens.backend import Backend
from curate.tokens.huggingface import load_folder, load_huggingface
from curate.tokens.own_tokenizer import TokenizerLike, wrap_tokenizer
from curate.tokens.sentencepiece_model import load_sentencepiece
from curate.tokens.tiktoken_ranks import encoding_names, is_rank_file, load_encoding, load_ranks

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DEFAULT_TOKENIZER = "curate-32k"


@dataclass(frozen=True, slots=True)
class Tokenizer:
    """A tokenizer: text to ids without truncation, padding or special tokens, and ids to text.

    ``name`` is the name or path it was loaded by, ``vocabulary_size`` one more than its largest id, ``eos_id`` the id
    that the writer puts between documents. `load_tokenizer` creates it; other processes get it by pickle.
    """

    name: str
    vocabulary_size: int
    eos_id: int
    _backend: Backend

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type in which ids are stored: uint16 if all ids fit, else int32, the two that Megatron reads."""
        import numpy as np

        return np.dtype("<u2" if self.vocabulary_size <= 1 << 16 else "<i4")

    def encode(self, text: str | bytes) -> NDArray[Any]:
        """Return the token ids of a text, in ``dtype``, as the tokenizer's own library gives them.

        The name of a special token inside the text (``<|endoftext|>`` on a web page) is encoded as plain characters,
        never as the special token. Lone surrogates, which UTF-8 cannot encode, become U+FFFD.

        Raises:
            ValueError: the tokenizer has no ids for this text; the shipped one has ids for any text.

        >>> load_tokenizer().encode("").shape
        (0,)
        """
        import numpy as np

        text = as_text(text)
        try:
            with panics_as_errors(self.name):
                ids = self._backend.encode(text)
        except (UnicodeEncodeError, TypeError):  # which the libraries raise on a lone surrogate
            repaired = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
            if repaired == text:
                raise
            return self.encode(repaired)
        return np.array(ids, dtype=self.dtype)

    def decode(self, ids: Sequence[int] | NDArray[Any]) -> str:
        """Return the text of token ids; bytes that are not UTF-8 become U+FFFD.

        Raises:
            ValueError: it is a user's tokenizer without ``decode``.

        >>> tokenizer = load_tokenizer()
        >>> tokenizer.decode([tokenizer.eos_id])
        '<|endoftext|>'
        """
        with panics_as_errors(self.name):
            return self._backend.decode([int(i) for i in ids])

    def to_json(self) -> str:
        """Return the tokenizer as the text of a ``tokenizer.json``, for training on the corpus.

        Raises:
            ValueError: the tokenizer is of another library than `tokenizers`; copy its own file instead.

        >>> load_tokenizer().to_json()[:18]
        '{"version":"1.0","'
        """
        return self._backend.to_json()


def load_tokenizer(
    name_or_path: str | Path | TokenizerLike = DEFAULT_TOKENIZER, eos: str | None = None, pattern: str | None = None
) -> Tokenizer:
    """Load the tokenizer that comes with `curate`, or any other of a common type.

    Args:
        name_or_path: one of

            - ``"curate-32k"``, the shipped byte-level BPE of 32,000 entries (every text without lone surrogates
              round-trips unchanged; quality_models/cards/tokenizer.md);
            - the path of a ``tokenizer.json`` as the Hugging Face `tokenizers` library writes it, also compressed as
              ``.json.zst``, or of a folder with one;
            - the path of a SentencePiece ``.model`` (``pip install 'curate-corpus[sentencepiece]'``);
            - the name of a tiktoken encoding (``"gpt2"``, ``"cl100k_base"``), which tiktoken takes from its cache or
              the network, or the path of a rank file (``.tiktoken``; Llama 3's is called ``tokenizer.model``);
            - your own tokenizer, an object like `TokenizerLike`.

            A name takes precedence over a file of the same name; use ``./gpt2`` for the file or folder.
        eos: the token put between documents. By default the one named by the folder's ``tokenizer_config.json`` or
            ``special_tokens_map.json`` or by the SentencePiece model, else the first of ``END_OF_TEXT_NAMES`` that
            the vocabulary has.
        pattern: splits texts into words, for a rank file other than the published ones: the name of an encoding that
            uses it (``gpt2``, ``cl100k_base``, ``o200k_base``, ``llama3``), or the regular expression itself.

    Raises:
        FileNotFoundError: there is no such name or file, a folder has no ``tokenizer.json``, or an encoding of
            tiktoken cannot be fetched.
        ImportError: the library of the tokenizer is not installed.
        ValueError: the file is not a tokenizer of its type, cannot encode some texts, or crashes the library that
            reads it; or the end-of-text token is not in its vocabulary.

    >>> tokenizer = load_tokenizer("curate-32k")
    >>> tokenizer.vocabulary_size, tokenizer.dtype.name
    (32000, 'uint16')
    """
    if name_or_path == DEFAULT_TOKENIZER and eos is None and pattern is None:
        return _load_default()
    if not isinstance(name_or_path, (str, Path)):
        own, eos_id = wrap_tokenizer(name_or_path, eos)
        return Tokenizer(own.name, own.vocabulary_size, eos_id, own)
    backend, eos_id = _load(str(name_or_path), eos, pattern)
    return Tokenizer(str(name_or_path), backend.vocabulary_size, eos_id, backend)


@functools.cache
def _load_default() -> Tokenizer:
    backend, eos_id = _load(DEFAULT_TOKENIZER, None, None)
    return Tokenizer(DEFAULT_TOKENIZER, backend.vocabulary_size, eos_id, backend)


def _load(name: str, eos: str | None, pattern: str | None) -> tuple[Backend, int]:
    """Load a tokenizer according to its name or file; return it and the id of its end-of-text token."""
    path = Path(name)
    if path.is_file() and name != DEFAULT_TOKENIZER and is_rank_file(path):
        return load_ranks(path, eos, pattern)
    if pattern is not None:
        raise ValueError(f"only a tiktoken rank file needs a pattern: {name} has its own, so remove pattern")
    if name == DEFAULT_TOKENIZER:
        return load_huggingface(SHIPPED / "tokenizer-32k.json.zst", name, eos, trusted=True)
    if path.name == name and not path.suffix and name in encoding_names():
        return load_encoding(name, eos)
    if path.is_dir():
        return load_folder(path, eos)
    if not path.is_file():
        raise FileNotFoundError(
            f"no tokenizer {name!r}: give {DEFAULT_TOKENIZER!r}, the path of a tokenizer.json, of a folder with one, "
            f"of a SentencePiece .model or of a .tiktoken file, or a name in tiktoken: {', '.join(encoding_names())}"
        )
    return load_sentencepiece(path, eos) if path.suffix == ".model" else load_huggingface(path, name, eos)
