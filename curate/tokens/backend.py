"""The interface of each tokenizer library to `curate.tokens.tokenizers`, and the token that ends a document."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Most bytes of a tokenizer file. curate's own value: Gemma 3's tokenizer.json of 262,144 entries has 33 MB.
MAX_BYTES = 256 << 20

# Names of the token between two documents in published tokenizers: GPT-2 and curate-32k, Llama 3, Llama 2, Gemma, BERT.
END_OF_TEXT_NAMES = ("<|endoftext|>", "<|end_of_text|>", "</s>", "<eos>", "[SEP]")
# Tokens that an error lists. curate's own value: Llama 3 has 256 special tokens, too many for a sentence.
_LISTED = 8


class Backend(Protocol):
    """A loaded tokenizer of one library."""

    @property
    def vocabulary_size(self) -> int:
        """One more than the largest id."""
        ...

    def encode(self, text: str) -> Sequence[int] | NDArray[Any]:
        """Return the ids of a text without special tokens; raise UnicodeEncodeError or TypeError on lone surrogates."""
        ...

    def decode(self, ids: list[int]) -> str:
        """Return the text of ids."""
        ...

    def id_of(self, token: str) -> int | None:
        """Return the id of a token by its name in the vocabulary, None if it does not exist."""
        ...

    def special_tokens(self) -> list[str]:
        """Return the names of the tokens that text is never encoded to."""
        ...

    def to_json(self) -> str:
        """Return the text of a tokenizer.json; raise ValueError if the tokenizer cannot be converted to one."""
        ...


def find_eos(backend: Backend, name: str, eos: str | None, usual: Sequence[str] = END_OF_TEXT_NAMES) -> int:
    """Return the id of the token that ends a document.

    Args:
        backend: the tokenizer.
        name: of the tokenizer, for errors.
        eos: the token; None for the first of the usual ones.
        usual: names of such tokens, the likeliest first.

    Raises:
        ValueError: the tokenizer has no such token; the message suggests some that it has.
    """
    for token in usual if eos is None else (eos,):
        if (eos_id := backend.id_of(token)) is not None:
            return eos_id
    others = [token for token in dict.fromkeys((*usual, *backend.special_tokens())) if backend.id_of(token) is not None]
    wrong = f"no token {eos!r}" if eos is not None else f"none of {', '.join(usual)}"
    offer = f", such as {', '.join(others[:_LISTED])}" if others else "; it has no special tokens"
    raise ValueError(f"the vocabulary of {name} has {wrong}: set eos to its token that ends a document{offer}")
