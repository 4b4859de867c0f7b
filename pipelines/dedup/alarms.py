"""Warnings about sources that lose nearly all of their documents as duplicates; `pipelines.result.alarms` has sites."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

# The limits are curate's own values.
LOST = 0.9  # share of a source that must be lost for a warning
LEAST = 20  # documents that it must have had


def lost_shares(sources: Mapping[str, Sequence[int]]) -> list[str]:
    """Describe the sources that lose more than nine tenths of their documents.

    Args:
        sources: by source, the number of documents that a step read and that it rejected.

    Returns:
        A sentence for each, the largest losses first.

    >>> lost_shares({"a": (1000, 999), "b": (1000, 900), "c": (19, 19), "": (1000, 1000)})
    ['source a loses 999 of 1,000 documents (99.9%) as duplicates']
    """
    bad = sorted(
        (-gone, name, had) for name, (had, gone) in sources.items() if name and had >= LEAST and gone > LOST * had
    )
    return [
        f"source {name} loses {-gone:,} of {had:,} documents ({-gone / had:.1%}) as duplicates"
        for gone, name, had in bad
    ]
