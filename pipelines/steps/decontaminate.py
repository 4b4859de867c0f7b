"""Removal of documents that contain items of benchmarks."""

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
        """Return the function that rejects documents which overlap with an item."""
        items = [item for path in self.benchmarks for item in read_items(path)]
        index = ContaminationIndex(items, self.ngram)
        if index.too_short == len(items):
            raise ValueError(
                f"no item to look for: of {len(items):,} in {list(self.benchmarks)}, none has enough words"
            )

        def decontaminate(document: Document) -> Document | Rejection:
            found = index.find(document.text)
            if found and found[0].overlap >= self.min_overlap:
                return Rejection("contaminated", found[0].overlap, self.min_overlap, found[0].item_id)
            return document

        return decontaminate
