"""Rows of a deduplication's decision: documents that have duplicates, whether each stays, and which stays for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pyarrow as pa

from curate.document import Document, Rejection
from pipelines.steps.base import Applied, DecisionTable, block_address, rows_at

#: A document that has duplicates: where it is, whether it stays, which document stays for it, the name of its cluster
#: (the first document in it), how similar it is to the one that stays, and how many documents there are.
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
    """Yield rows of dtype ``MEMBER`` as parts of a decision, each at the address of its block."""
    rows = rows[np.argsort(rows["slice"], kind="stable")]
    for block in np.split(rows, np.flatnonzero(np.diff(rows["slice"])) + 1):
        if len(block):
            yield block_address(int(block["slice"][0])), block.tobytes()


def members_of(decision: DecisionTable, index: int) -> np.ndarray:
    """Return the rows of a block, by row number."""
    rows = rows_at(decision, block_address(index), MEMBER)
    return rows[np.argsort(rows["row"], kind="stable")]


def losers_of(decision: DecisionTable, index: int) -> np.ndarray:
    """Return the rows of a block whose documents do not stay, by row number."""
    rows = members_of(decision, index)
    return rows[~rows["stays"]]


def apply_members(
    decision: DecisionTable, index: int, rejection: Callable[[np.void], Rejection], clusters: bool
) -> Applied:
    """Return what the rows of a block mean for its documents.

    Args:
        decision: of a deduplication.
        index: of the block.
        rejection: makes the rejection of a row.
        clusters: whether documents that stay get the name and the size of their cluster.
    """
    rows = members_of(decision, index)
    lost, stays = rows[~rows["stays"]], rows[rows["stays"]]
    edit = _Clusters(stays).edit if clusters and len(stays) else None
    return Applied(lost["row"].astype(np.int64), lambda i: rejection(lost[i]), edit)


class _Clusters:
    """Name and size of the clusters of documents that stay."""

    def __init__(self, rows: np.ndarray) -> None:
        names = (name.tobytes().hex() for name in rows["cluster"])
        self._of = dict(zip(rows["row"].tolist(), zip(names, rows["size"].tolist(), strict=True), strict=True))

    def edit(self, row: int, document: Document) -> Document:
        """Return the document with its cluster, whose other members it stands for from now on."""
        if row not in self._of:
            return document
        cluster, size = self._of[row]
        return replace(document, cluster=cluster, cluster_size=document.cluster_size + size - 1)


def id_of(value: np.void) -> str:
    """Return the 32 hex digits of an id among the rows."""
    return value.tobytes().hex()


def fixed(column: pa.ChunkedArray, dtype: np.dtype | type) -> np.ndarray:
    """View a column of binary values that all have the same size as an array [rows, values]."""
    if not len(column):
        return np.empty((0, 0), dtype)
    chunks = []
    for chunk in column.chunks:
        if len(chunk):
            ends = np.frombuffer(chunk.buffers()[1], np.int32)[chunk.offset : chunk.offset + len(chunk) + 1]
            data = np.frombuffer(chunk.buffers()[2], np.uint8)[ends[0] : ends[-1]]
            chunks.append(data.reshape(len(chunk), -1).view(dtype))
    return np.concatenate(chunks) if len(chunks) > 1 else chunks[0]
