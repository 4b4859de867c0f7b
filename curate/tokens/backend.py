"""What each kind of tokenizer gives to `curate.tokens.tokenizers`, and which of its tokens ends a document."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Bytes of the file of a tokenizer, at most. curate's own value: Gemma 3's tokenizer.json of 262,144 entries has 33 MB.
MAX_BYTES = 256 << 20

# Names that published tokenizers give the token between two documents: GPT-2 and curate-32k, Llama 3, Llama 2, Gemma,
# BERT.
END_OF_TEXT_NAMES = ("<|endoftext|>", "<|end_of_text|>", "</s>", "<eos>", "[SEP]")
# Tokens that an error lists. curate's own value: Llama 3 has 256 special tokens, one sentence cannot.
_LISTED = 8


class Backend(Protocol):
    """A loaded tokenizer of one library."""

    @property
    def vocabulary_size(self) -> int:
        """One more than the largest id."""
        ...

    def encode(self, text: str) -> Sequence[int] | NDArray[Any]:
        """Return the ids of a text without special tokens; a lone surrogate is a UnicodeEncodeError or TypeError."""
        ...

    def decode(self, ids: list[int]) -> str:
        """Return the text of ids."""
        ...

    def id_of(self, token: str) -> int | None:
        """Return the id of a token by its name in the vocabulary, None where it is absent."""
        ...

    def special_tokens(self) -> list[str]:
        """Return the names of the tokens that no text is encoded to."""
        ...

    def to_json(self) -> str:
        """Return the text of a tokenizer.json; ValueError where the tokenizer has no such form."""
        ...


def find_eos(backend: Backend, name: str, eos: str | None, usual: Sequence[str] = END_OF_TEXT_NAMES) -> int:
    """Return the id of the token that ends a document.

    Args:
        backend: the tokenizer.
        name: of it, for errors.
        eos: the token; None takes the first of the usual ones.
        usual: names of such tokens, the likeliest first.

    Raises:
        ValueError: it has no such token; the message names some that it has.
    """
    for token in usual if eos is None else (eos,):
        if (found := backend.id_of(token)) is not None:
            return found
    others = [token for token in dict.fromkeys((*usual, *backend.special_tokens())) if backend.id_of(token) is not None]
    wrong = f"no token {eos!r}" if eos is not None else f"none of {', '.join(usual)}"
    offer = f", such as {', '.join(others[:_LISTED])}" if others else "; it has no special tokens"
    raise ValueError(
        f"the vocabulary of {name} has {wrong}: give as eos the one of its tokens that ends a document{offer}"
    )
