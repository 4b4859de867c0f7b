"""Perplexity under a user-supplied language model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from curate.document import Document, Rejection
from curate.quality.perplexity import PerplexityConfig, perplexity as perplexity_of
from pipelines.steps.base import MapFunction, MapStep


@dataclass(frozen=True, slots=True)
class Perplexity(PerplexityConfig, MapStep):
    __doc__ = PerplexityConfig.__doc__

    reads: ClassVar = frozenset({"text"})
    libraries: ClassVar = ("kenlm", "sentencepiece")

    def make(self) -> MapFunction:
        """Build the function that rejects documents above the highest perplexity."""
        perplexity_of("Fails here, rather than page by page, if the model is missing.", self)

        def perplexity(document: Document) -> Document | Rejection:
            value = perplexity_of(document.plain_text, self)
            if value > self.max_perplexity:
                return Rejection("high_perplexity", value, self.max_perplexity)
            return document

        return perplexity
