"""Removal of documents that contain benchmark items."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from curate.document import Document, Rejection
from curate.mixing.decontamination import ContaminationIndex, DecontaminateConfig, read_items
from pipelines.steps.base import MapFunction, MapStep


@dataclass(frozen=True, slots=True)
class Decontaminate(DecontaminateConfig, MapStep):
    __doc__ = DecontaminateConfig.__doc__

    reads: ClassVar = frozenset({"text"})

    def make(self) -> MapFunction:
        """Build the function that rejects documents that overlap with a benchmark item."""
        items = [item for path in self.benchmarks for item in read_items(path)]
        index = ContaminationIndex(items, self.ngram)
        if index.too_short == len(items):
            raise ValueError(
                f"no item to look for: none of the {len(items):,} items in {list(self.benchmarks)} has "
                f"{self.ngram} words; lower ngram or add longer items"
            )

        def decontaminate(document: Document) -> Document | Rejection:
            matches = index.find(document.plain_text)
            if matches and matches[0].overlap >= self.min_overlap:
                return Rejection("contaminated", matches[0].overlap, self.min_overlap, matches[0].item_id)
            return document

        return decontaminate
