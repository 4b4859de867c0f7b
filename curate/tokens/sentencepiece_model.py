"""Tokenizers of the SentencePiece library: the ``.model`` file that its trainer writes.

They need the library: ``pip install 'curate-corpus[sentencepiece]'``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from curate.input.checked_file import read_regular
from curate.models.probe import probe
from curate.tokens.backend import END_OF_TEXT_NAMES, MAX_BYTES, find_eos

# Fields of a ModelProto (github.com/google/sentencepiece, src/sentencepiece_model.proto). They follow the pieces, so a
# file that was cut off between two pieces is valid, with fewer pieces, but lacks these two.
_TRAINER_SPEC, _NORMALIZER_SPEC = 2, 3


@dataclass(frozen=True, slots=True)
class SentencePiece:
    """A tokenizer of the SentencePiece library; its ids are those of ``processor.encode(text)``."""

    name: str
    processor: Any

    @property
    def vocabulary_size(self) -> int:
        """The number of pieces, whose ids are consecutive from 0."""
        return int(self.processor.vocab_size())

    def encode(self, text: str) -> list[int]:
        """Return the ids of a text; see `curate.tokens.backend.Backend`."""
        ids: list[int] = self.processor.encode(text.encode(), out_type=int)
        return ids

    def decode(self, ids: list[int]) -> str:
        """Return the text of ids; control pieces such as ``</s>`` have none."""
        return str(self.processor.decode(ids))

    def id_of(self, token: str) -> int | None:
        """Return the id of a piece, None if it does not exist, for which the library returns that of ``<unk>``."""
        piece = int(self.processor.piece_to_id(token))
        return piece if self.processor.id_to_piece(piece) == token else None

    def special_tokens(self) -> list[str]:
        """Return the names of the control pieces, by id."""
        pieces = range(self.vocabulary_size)
        return [self.processor.id_to_piece(piece) for piece in pieces if self.processor.is_control(piece)]

    def to_json(self) -> str:
        """Raise ValueError, because a SentencePiece model cannot be converted to a ``tokenizer.json``."""
        raise ValueError(
            f"{self.name} is a SentencePiece model, which cannot become a tokenizer.json: copy the file itself"
        )


def load_sentencepiece(path: Path, eos: str | None) -> tuple[SentencePiece, int]:
    """Load a model.

    Args:
        path: of the file.
        eos: the piece that ends a document; None for the model's own end piece, else a usual one.

    Returns:
        The tokenizer, and the id of the piece that ends a document.

    Raises:
        ImportError: the library is missing.
        ValueError: the file is not a complete SentencePiece model or crashes the library, or the piece does not exist.
    """
    try:
        import sentencepiece
    except ImportError:
        raise ImportError(
            f"{path} needs the library sentencepiece: pip install 'curate-corpus[sentencepiece]'"
        ) from None
    data = read_regular(path, MAX_BYTES)
    try:
        fields = set(_fields(data))
    except (IndexError, ValueError):
        fields = set()
    if not {_TRAINER_SPEC, _NORMALIZER_SPEC} <= fields:
        raise ValueError(f"{path} is not a complete SentencePiece model, it may be cut off: get the file again")
    probe("sentencepiece", path, str(path))
    try:
        processor = sentencepiece.SentencePieceProcessor(model_proto=data)
    except (OSError, RuntimeError, ValueError) as error:
        raise ValueError(f"{path} is not a SentencePiece model that the library can read: {error}") from None
    tokenizer = SentencePiece(str(path), processor)
    end = processor.eos_id()  # -1 if it was trained without one
    usual = END_OF_TEXT_NAMES if end < 0 else (processor.id_to_piece(end), *END_OF_TEXT_NAMES)
    return tokenizer, find_eos(tokenizer, str(path), eos, usual)


def _fields(data: bytes) -> Iterator[int]:
    """Yield the number of each field of a protocol buffer message, all of which must have a length and fit.

    Raises:
        IndexError, ValueError: the bytes are not such a message.

    >>> list(_fields(bytes([0x0A, 1, 65, 0x12, 0])))
    [1, 2]
    """
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        size, at = _varint(data, at)
        at += size
        if key & 7 != 2 or at > len(data):
            raise ValueError("not a field with a length, or one past the end")
        yield key >> 3


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Return the number at a position, seven bits per byte, and the position after it."""
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
        if shift > 63:
            raise ValueError("a number has more than 64 bits")
