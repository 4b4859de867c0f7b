"""How many ranges of keys a decision is spread over: from the number of documents, because all of a range is in memory.

The result does not depend on it.
"""

from __future__ import annotations

from collections.abc import Iterator

import apache_beam as beam
import numpy as np

from pipelines.steps.base import KeyOptions

LEAST = 16  # enough for the workers of one machine; curate's own value
MOST = 4096  # a slice sends a block of rows to each range, which should be more than a few rows; curate's own value
RANGE_BYTES = 256_000_000  # of the rows of a range, which are in memory about three times; curate's own value


def key_ranges(keys: beam.PCollection, document_bytes: int, most_documents: float = float("inf")) -> int:
    """Return the number of ranges for the keys of a pipeline, whose option ``--key_documents`` has their number.

    Args:
        keys: the keys.
        document_bytes: bytes that a document has in the shuffle.
        most_documents: documents whose keys are spread over one set of ranges, at most.
    """
    documents = min(keys.pipeline.options.view_as(KeyOptions).key_documents, most_documents)
    return ranges_for(documents * document_bytes)


def ranges_for(size: float) -> int:
    """Return the number of ranges for a number of bytes.

    >>> ranges_for(0), ranges_for(48e10), ranges_for(1e15)
    (16, 1875, 4096)
    """
    return int(min(max(LEAST, -(-size // RANGE_BYTES)), MOST))


def split_rows(rows: np.ndarray, numbers: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Yield rows by the number of the range that receives them; the time does not grow with the number of ranges.

    >>> [(number, rows.tolist()) for number, rows in split_rows(np.array([7, 8, 9]), np.array([1, 0, 1]))]
    [(0, [8]), (1, [7, 9])]
    """
    order = np.argsort(numbers, kind="stable")
    edges = np.flatnonzero(np.diff(numbers[order])) + 1
    for place in np.split(order, edges):
        if len(place):
            yield int(numbers[place[0]]), rows[place]
