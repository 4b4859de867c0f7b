"""Tokenization: token ids of each document."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from curate.bounds import File
from curate.document import Document, Rejection
from curate.tokens.tokenizers import Tokenizer, load_tokenizer
from pipelines.recipe.plugins import find_object
from pipelines.steps.base import MapFunction, MapStep, from_settings


@dataclass(frozen=True, slots=True)
class Tokenize(MapStep):
    """Turn each text into token ids, followed by an end-of-sequence token.

    ``tokenizer`` is the shipped one; the path of a ``tokenizer.json``, of a folder that has one, of a SentencePiece
    ``.model`` or of a tiktoken rank file; the name of a tiktoken encoding (``cl100k_base``); or the import path of a
    tokenizer object or of a function that returns one (docs/extending.md). ``eos`` is the end-of-sequence token, if the
    tokenizer does not define one; ``pattern`` splits texts for rank files whose pattern is not known.
    """

    tokenizer: File = "curate-32k"
    eos: str | None = None
    pattern: str | None = None

    reads: ClassVar = frozenset({"text"})
    writes: ClassVar = frozenset({"tokens"})

    @from_settings
    def libraries(self) -> tuple[str, ...]:
        """The libraries that implement tokenizers."""
        return ("tokenizers", "tiktoken", *(("sentencepiece",) if self.tokenizer.endswith(".model") else ()))

    @from_settings
    def token_type(self) -> str:
        """The smallest NumPy type that holds every id."""
        return self._load().dtype.str

    def _load(self) -> Tokenizer:
        custom = find_object(self.tokenizer)
        if isinstance(custom, type) or (custom is not None and not hasattr(custom, "encode")):
            custom = custom()
        return load_tokenizer(custom or self.tokenizer, self.eos, self.pattern)

    def make(self) -> MapFunction:
        """Build the function that encodes a text."""
        tokenizer = self._load()

        def tokenize(document: Document) -> Document | Rejection:
            ids = tokenizer.encode(document.text).astype(np.int32)
            return replace(document, tokens=np.append(ids, np.int32(tokenizer.eos_id)))

        return tokenize
