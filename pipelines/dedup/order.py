"""Which of several copies stays: a total order, written as bytes that sort."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Literal

import numpy as np

from curate.document import Document
from curate.text.hashing import stable_u64

Preference = Literal["newest", "oldest", "longest", "quality", "source"]
LAST = 2**64 - 1


def rank_key(keep: tuple[Preference, ...], sources: tuple[str, ...]) -> Callable[[Document], bytes]:
    """Return the function that gives a document's place in the order: of two copies the one of smaller bytes stays.

    Args:
        keep: what is preferred, the most important first. A document without a date, or without a quality score, comes
            after those that have one.
        sources: names of sources, the preferred ones first; others come after them.

    Returns:
        A function from a document to 8 bytes per preference, the 16 of its id and 8 of its source: two documents of
        equal bytes are the same page from the same source.

    Raises:
        ValueError: an unknown preference, or sources without the preference "source", or the other way round.

    >>> key = rank_key(("newest",), ())
    >>> old, new = (Document(id="00" * 16, date=d) for d in ("2025-01-01T00:00:00Z", "2026-01-01T00:00:00Z"))
    >>> key(new) < key(old) < key(Document(id="00" * 16))
    True
    """
    unknown = [name for name in keep if name not in PREFERENCES]
    if unknown:
        raise ValueError(f"keep: {unknown[0]!r} is unknown; choose from {', '.join(PREFERENCES)}")
    if ("source" in keep) != bool(sources):
        raise ValueError("keep: the preference 'source' and the list 'sources' (best first) go together")
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
    """Return an ISO 8601 date as seconds since 1970, UTC where it names no zone; None where it is no date.

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
    # scores lie in [0, 1]
    return LAST if math.isnan(document.quality) else round((1 - min(max(document.quality, 0.0), 1.0)) * 2**53)


PREFERENCES: dict[str, Callable[[Document], int]] = {
    "newest": _newest,
    "oldest": _oldest,
    "longest": lambda d: LAST - len(d.text),
    "quality": _quality,
    "source": lambda d: 0,
}


#: What each preference goes by.
_FIELDS = {"newest": "date", "oldest": "date", "longest": "text", "quality": "quality", "source": "source"}


def fields_of(keep: tuple[Preference, ...]) -> frozenset[str]:
    """Return the fields of a document that preferences go by."""
    return frozenset(_FIELDS[name] for name in keep if name in _FIELDS)


def key_columns(keys: np.ndarray) -> list[np.ndarray]:
    """Cut keys, uint8 [documents, bytes], into uint64 columns that sort as the keys do, the most important first."""
    return [c.astype(np.uint64) for c in np.ascontiguousarray(keys).view(">u8").T]


def key_ids(keys: np.ndarray) -> np.ndarray:
    """Return the document ids in keys, 16 bytes each."""
    return np.ascontiguousarray(keys[:, -24:-8]).view("V16").ravel()


def sort_columns(columns: list[np.ndarray]) -> np.ndarray:
    """Return the order of rows by several columns, the most important first; equal rows stay in their order.

    >>> sort_columns([np.array([1, 0, 1], np.uint64), np.array([2, 9, 0], np.uint64)]).tolist()
    [1, 2, 0]
    """
    columns = [c for c in columns if len(c) and (c != c[0]).any()] or columns[:1]
    first = columns[0]
    order = np.argsort(first, kind="quicksort")
    ordered = first[order]
    same = ordered[1:] == ordered[:-1]
    tied = np.concatenate([same, [False]]) | np.concatenate([[False], same])
    if tied.any():  # sort the rest only where the first column does not decide
        rows = np.sort(order[tied])
        order[tied] = rows[np.lexsort([c[rows] for c in reversed(columns)])]
    return order
