"""Your own tokenizer: any object with `encode`, `eos_id` and `vocabulary_size`.

>>> class Bytes:
...     eos_id, vocabulary_size = 256, 257
...
...     def encode(self, text):
...         return text.encode()
>>> from curate.tokens import load_tokenizer
>>> load_tokenizer(Bytes()).encode("a b").tolist()
[97, 32, 98]
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, SupportsIndex

from curate.models.probe import TEXTS

if TYPE_CHECKING:
    from numpy.typing import NDArray

_NEEDS = ("encode", "eos_id", "vocabulary_size")


class TokenizerLike(Protocol):
    """The attributes that `load_tokenizer` needs of an object.

    It may also have ``decode(ids) -> str`` and ``to_json() -> str``. Worker processes get it by pickle or create their
    own; the same text must have the same ids in all of them.
    """

    @property
    def eos_id(self) -> int:
        """The id of the token that ends a document."""
        ...

    @property
    def vocabulary_size(self) -> int:
        """One more than the largest id, at most 2**31."""
        ...

    def encode(self, text: str, /) -> Sequence[int] | NDArray[Any]:
        """Return the ids of a text: integers from 0 to below ``vocabulary_size``; the text has no lone surrogates."""
        ...


@dataclass(frozen=True, slots=True)
class OwnTokenizer:
    """A user's tokenizer, whose ids are checked, because an id that is too large would be stored as another one."""

    name: str
    tokenizer: Any

    @property
    def vocabulary_size(self) -> int:
        """One more than the largest id."""
        return int(self.tokenizer.vocabulary_size)

    def encode(self, text: str) -> NDArray[Any]:
        """Return the ids of a text; see `curate.tokens.backend.Backend`."""
        import numpy as np

        if not text.isascii():
            text.encode()  # a lone surrogate is an error, which the caller repairs
        result = self.tokenizer.encode(text)
        ids = np.frombuffer(result, np.uint8) if isinstance(result, (bytes, bytearray)) else np.asarray(result)
        if ids.ndim != 1 or (ids.size and ids.dtype.kind not in "iu"):
            raise ValueError(f"encode of {self.name} returned {result!r:.100}: it must return a sequence of integers")
        if ids.size and not (ids.min() >= 0 and ids.max() < self.vocabulary_size):
            raise ValueError(
                f"encode of {self.name} returned ids from {ids.min()} to {ids.max()}: with the vocabulary_size "
                f"{self.vocabulary_size} they must be from 0 to {self.vocabulary_size - 1}"
            )
        return ids

    def decode(self, ids: list[int]) -> str:
        """Return the text of ids, if the tokenizer can decode."""
        return str(self._method("decode")(ids))

    def to_json(self) -> str:
        """Return the text of a ``tokenizer.json``, if the tokenizer has one."""
        return str(self._method("to_json")())

    def _method(self, name: str) -> Any:
        if not callable(method := getattr(self.tokenizer, name, None)):
            raise ValueError(f"{self.name} has no method {name}: add one")
        return method

    def id_of(self, token: str) -> int | None:
        """Return None, because its tokens have no names."""
        return None

    def special_tokens(self) -> list[str]:
        """Return an empty list, because its tokens have no names."""
        return []


def wrap_tokenizer(tokenizer: TokenizerLike, eos: str | None) -> tuple[OwnTokenizer, int]:
    """Check a user's tokenizer, also on a few texts, so that mistakes surface before the first document.

    Returns:
        The wrapped tokenizer, and the id of the token that ends a document.

    Raises:
        ValueError: an attribute of `TokenizerLike` is missing or out of range; or ``eos`` is given.
    """
    name = f"{type(tokenizer).__module__}.{type(tokenizer).__qualname__}"
    if missing := [attribute for attribute in _NEEDS if not hasattr(tokenizer, attribute)]:
        raise ValueError(
            f"{name} is not a tokenizer: it has no {' and no '.join(missing)}; see curate.tokens.TokenizerLike"
        )
    if eos is not None:
        raise ValueError(f"the eos_id of {name} says which token ends a document: remove eos")
    size, eos_id = tokenizer.vocabulary_size, tokenizer.eos_id
    whole = all(isinstance(number, SupportsIndex) for number in (size, eos_id))
    if not whole or not 0 <= eos_id < size <= 2**31:
        raise ValueError(
            f"{name} has the eos_id {eos_id!r} and the vocabulary_size {size!r}: eos_id must be an id, from 0 to "
            f"vocabulary_size - 1, and vocabulary_size at most {2**31:,}"
        )
    own = OwnTokenizer(name, tokenizer)
    for text in TEXTS:
        own.encode(text)
    return own, int(eos_id)
