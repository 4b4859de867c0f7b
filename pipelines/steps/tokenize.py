"""Token ids."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from curate.bounds import File
from curate.document import Document, Rejection
from curate.tokens.tokenizers import load_tokenizer
from pipelines.steps.base import MapFunction, MapStep, from_settings


@dataclass(frozen=True, slots=True)
class Tokenize(MapStep):
    """Whose token ids a document gets: the shipped tokenizer, or the path of a ``tokenizer.json``.

    ``eos`` is the token put after each document, if the vocabulary has none of the usual names for it.
    """

    tokenizer: File = "curate-32k"
    eos: str | None = None

    reads: ClassVar = frozenset({"text"})
    writes: ClassVar = frozenset({"tokens"})
    libraries: ClassVar = ("tokenizers", "tiktoken")

    @from_settings
    def token_type(self) -> str:
        """The smallest NumPy type that holds every id."""
        return load_tokenizer(self.tokenizer, self.eos).dtype.str

    def make(self) -> MapFunction:
        """Return the function that encodes a text."""
        tokenizer = load_tokenizer(self.tokenizer, self.eos)

        def tokenize(document: Document) -> Document | Rejection:
            ids = tokenizer.encode(document.text).astype(np.int32)
            return replace(document, tokens=np.append(ids, np.int32(tokenizer.eos_id)))

        return tokenize
