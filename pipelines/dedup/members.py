"""Rows of a deduplication decision: documents with duplicates, whether each is kept, and which one is kept for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pyarrow as pa

from curate.document import Document, Rejection
from pipelines.steps.base import Applied, DecisionTable, block_address, rows_at

#: A row per document that has duplicates: its address, whether it stays, the id of the document that is kept for it,
#: the id of its cluster (that of the first document in it), its similarity to the kept one, and the cluster's size.
MEMBER = np.dtype(
    [
        ("slice", "u4"),
        ("row", "u4"),
        ("stays", "?"),
        ("kept", "V16"),
        ("cluster", "V16"),
        ("similarity", "f8"),
        ("size", "u4"),
    ]
)


def by_block(rows: np.ndarray) -> Iterator[tuple[str, bytes]]:
    """Yield rows of dtype ``MEMBER`` as parts of a decision, a part per block."""
    rows = rows[np.argsort(rows["slice"], kind="stable")]
    for block in np.split(rows, np.flatnonzero(np.diff(rows["slice"])) + 1):
        if len(block):
            yield block_address(int(block["slice"][0])), block.tobytes()


def members_of(decision: DecisionTable, index: int) -> np.ndarray:
    """Return the rows of a block, sorted by row number."""
    rows = rows_at(decision, block_address(index), MEMBER)
    return rows[np.argsort(rows["row"], kind="stable")]


def losers_of(decision: DecisionTable, index: int) -> np.ndarray:
    """Return the rows of a block whose documents are removed, sorted by row number."""
    rows = members_of(decision, index)
    return rows[~rows["stays"]]


def apply_members(
    decision: DecisionTable, index: int, rejection: Callable[[np.void], Rejection], clusters: bool
) -> Applied:
    """Apply a deduplication decision to the documents of a block.

    Args:
        decision: the decision.
        index: number of the block.
        rejection: returns the rejection for a row.
        clusters: whether kept documents get the id and size of their cluster.
    """
    rows = members_of(decision, index)
    lost, stays = rows[~rows["stays"]], rows[rows["stays"]]
    edit = _Clusters(stays).edit if clusters and len(stays) else None
    return Applied(lost["row"].astype(np.int64), lambda i: rejection(lost[i]), edit)


class _Clusters:
    """The ids and sizes of the clusters of kept documents, by row number."""

    def __init__(self, rows: np.ndarray) -> None:
        names = (name.tobytes().hex() for name in rows["cluster"])
        self._of = dict(zip(rows["row"].tolist(), zip(names, rows["size"].tolist(), strict=True), strict=True))

    def edit(self, row: int, document: Document) -> Document:
        """Return the document with its cluster, whose other members it now represents."""
        if row not in self._of:
            return document
        cluster, size = self._of[row]
        return replace(document, cluster=cluster, cluster_size=document.cluster_size + size - 1)


def id_of(value: np.void) -> str:
    """Return the 32 hex digits of an id."""
    return value.tobytes().hex()


def fixed(column: pa.ChunkedArray, dtype: np.dtype | type) -> np.ndarray:
    """View a column of binary values of one size as an array [rows, values]."""
    if not len(column):
        return np.empty((0, 0), dtype)
    chunks = []
    for chunk in column.chunks:
        if len(chunk):
            ends = np.frombuffer(chunk.buffers()[1], np.int32)[chunk.offset : chunk.offset + len(chunk) + 1]
            data = np.frombuffer(chunk.buffers()[2], np.uint8)[ends[0] : ends[-1]]
            chunks.append(data.reshape(len(chunk), -1).view(dtype))
    return np.concatenate(chunks) if len(chunks) > 1 else chunks[0]
