"""C4's line-by-line cleaning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from curate.document import Document, Rejection
from curate.filters.clean import C4CleanConfig, c4_clean as clean
from pipelines.steps.base import MapFunction, MapStep, edited


@dataclass(frozen=True, slots=True)
class C4Clean(C4CleanConfig, MapStep):
    __doc__ = C4CleanConfig.__doc__

    reads: ClassVar = frozenset({"text"})
    writes: ClassVar = frozenset({"text"})

    def make(self) -> MapFunction:
        """Build the function that edits the text of a document."""

        def c4_clean(document: Document) -> Document | Rejection:
            return edited(document, clean(document.text, self))

        return c4_clean
