"""Replacement of personal data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from curate.document import Document, Rejection
from curate.filters.pii import PiiConfig, scrub_pii
from pipelines.steps.base import MapFunction, MapStep, edited, from_settings


@dataclass(frozen=True, slots=True)
class Pii(PiiConfig, MapStep):
    __doc__ = PiiConfig.__doc__

    reads: ClassVar = frozenset({"text"})
    writes: ClassVar = frozenset({"text"})

    @from_settings
    def privacy(self) -> PiiConfig:
        """The step's settings, which apply to everything else that the run writes too."""
        return self

    def make(self) -> MapFunction:
        """Build the function that edits the text of a document."""

        def pii(document: Document) -> Document | Rejection:
            return edited(document, scrub_pii(document.text, self))

        return pii
