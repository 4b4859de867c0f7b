"""The order that decides which of several copies is kept, encoded as bytes that sort."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Literal

import numpy as np

from curate.dedup.addresses import address_rank
from curate.document import Document
from curate.text.hashing import stable_u64

Preference = Literal["canonical", "newest", "oldest", "longest", "quality", "source"]
LAST = 2**64 - 1  # place of a document without the preferred property


def rank_key(keep: tuple[Preference, ...], sources: tuple[str, ...]) -> Callable[[Document], bytes]:
    """Return the function that computes a document's rank key; the copy with the smallest key is kept.

    Args:
        keep: preferences, the most important first. ``canonical`` prefers the address that a page calls its own, and
            articles to listings (`curate.dedup.addresses.address_rank`). A document without a date, or without a
            quality score, comes after those that have one.
        sources: names of sources, the preferred ones first; others come after them.

    Returns:
        A function from a document to 8 bytes per preference, the 16 bytes of its id and 8 bytes of its source. Two
        documents with equal keys are the same page from the same source.

    Raises:
        ValueError: a preference is unknown, or only one of the preference "source" and ``sources`` is given.

    >>> key = rank_key(("newest",), ())
    >>> old, new = (Document(id="00" * 16, date=d) for d in ("2025-01-01T00:00:00Z", "2026-01-01T00:00:00Z"))
    >>> key(new) < key(old) < key(Document(id="00" * 16))
    True
    """
    unknown = [name for name in keep if name not in PREFERENCES]
    if unknown:
        raise ValueError(f"keep: {unknown[0]!r} is unknown; choose from {', '.join(PREFERENCES)}")
    if ("source" in keep) != bool(sources):
        raise ValueError("keep: give both the preference 'source' and the list 'sources' (best first), or neither")
    place = {name: i for i, name in enumerate(sources)}

    def key(document: Document) -> bytes:
        values = [
            place.get(document.source, len(place)) if name == "source" else PREFERENCES[name](document) for name in keep
        ]
        return struct.pack(
            f">{len(values)}Q16sQ", *values, bytes.fromhex(document.id), stable_u64(document.source, "rank")
        )

    return key


def seconds(date: str) -> int | None:
    """Return an ISO 8601 date as seconds since 1970, in UTC unless it names a zone; None if it is not a date.

    >>> seconds("1970-01-02T00:00:00Z"), seconds("1969-12-31"), seconds("soon")
    (86400, -86400, None)
    """
    try:
        parsed = datetime.fromisoformat(date)
    except ValueError:
        return None
    return int((parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp())


def _oldest(document: Document) -> int:
    date = seconds(document.date)
    return LAST if date is None else 2**62 + date


def _newest(document: Document) -> int:
    date = seconds(document.date)
    return LAST if date is None else 2**62 - date


def _quality(document: Document) -> int:
    # Scores are in [0, 1]; 53 bits keep all of their precision.
    return LAST if math.isnan(document.quality) else round((1 - min(max(document.quality, 0.0), 1.0)) * 2**53)


PREFERENCES: dict[str, Callable[[Document], int]] = {
    "canonical": lambda d: address_rank(d.url, d.canonical),
    "newest": _newest,
    "oldest": _oldest,
    "longest": lambda d: LAST - len(d.text),
    "quality": _quality,
    "source": lambda d: 0,
}


#: The document field that each preference compares.
_FIELDS = {
    "canonical": "url",
    "newest": "date",
    "oldest": "date",
    "longest": "text",
    "quality": "quality",
    "source": "source",
}


def fields_of(keep: tuple[Preference, ...]) -> frozenset[str]:
    """Return the document fields that preferences compare."""
    return frozenset(_FIELDS[name] for name in keep if name in _FIELDS)


def key_columns(keys: np.ndarray) -> list[np.ndarray]:
    """Split keys, uint8 [documents, bytes], into uint64 columns that sort like the keys, the most important first."""
    return [c.astype(np.uint64) for c in np.ascontiguousarray(keys).view(">u8").T]


def key_ids(keys: np.ndarray) -> np.ndarray:
    """Return the document ids in rank keys, 16 bytes each."""
    return np.ascontiguousarray(keys[:, -24:-8]).view("V16").ravel()


def sort_columns(columns: list[np.ndarray]) -> np.ndarray:
    """Return the stable order of rows by several columns, the most important first.

    >>> sort_columns([np.array([1, 0, 1], np.uint64), np.array([2, 9, 0], np.uint64)]).tolist()
    [1, 2, 0]
    """
    columns = [c for c in columns if len(c) and (c != c[0]).any()] or columns[:1]
    first = columns[0]
    order = np.argsort(first, kind="quicksort")
    ordered = first[order]
    same = ordered[1:] == ordered[:-1]
    tied = np.concatenate([same, [False]]) | np.concatenate([[False], same])
    if tied.any():  # compare the other columns only where the first one does not decide
        rows = np.sort(order[tied])
        order[tied] = rows[np.lexsort([c[rows] for c in reversed(columns)])]
    return order
