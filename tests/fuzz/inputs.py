"""One mutated input file, and what is known about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tests.fuzz.documents import Document


@dataclass(frozen=True, slots=True)
class Input:
    """A file to read.

    Attributes:
        ending: of its name, such as ``.warc.gz``; the campaign gives it the rest.
        data: its bytes.
        format: in the table of results, such as ``warc.gz``.
        mutation: what was done to it, "untouched" for nothing.
        certain: markers of the documents that must reach ``documents/`` whatever else the file holds.
        possible: markers of the other documents, which the mutation hit: they may be lost.
        size: bytes that reading it has to look at, uncompressed.
    """

    ending: str
    data: bytes
    format: str
    mutation: str
    certain: frozenset[str]
    possible: frozenset[str] = frozenset()
    size: int = 0


def make_input(
    ending: str, data: bytes, mutation: str, certain: Sequence[Document], all_: Sequence[Document], size: int = 0
) -> Input:
    """Build an input from the documents that were put into it and those of them that must survive."""
    sure = frozenset(d.marker for d in certain)
    others = frozenset(d.marker for d in all_) - sure
    format_ = ending.lstrip(".").lower() or "none"
    return Input(ending, data, format_, mutation, sure, others, max(size, len(data)))
