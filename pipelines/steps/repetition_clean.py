"""Removal of lines whose words repeat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from curate.document import Document, Rejection
from curate.filters.clean import RepetitionCleanConfig, repetition_clean as clean
from pipelines.steps.base import MapFunction, MapStep, edited


@dataclass(frozen=True, slots=True)
class RepetitionClean(RepetitionCleanConfig, MapStep):
    __doc__ = RepetitionCleanConfig.__doc__

    reads: ClassVar = frozenset({"text"})
    writes: ClassVar = frozenset({"text"})

    def make(self) -> MapFunction:
        """Build the function that edits the text of a document."""

        def repetition_clean(document: Document) -> Document | Rejection:
            return edited(document, clean(document.text, self))

        return repetition_clean
