"""Realistic sets of MinHash keys of any size, without any text: what a web crawl looks like to deduplication.

A document's signature and sketch are drawn position by position: two documents of similarity J agree in each position
with probability J, as the keys of real texts do. The set holds single pages, clusters of every size (with exact copies
among them), templates (pages that share a part of their shingles, whose bands become hot), long chains (each document
.85 similar to the next), one page with very many copies, and near-empty pages. Every value is a hash of what it belongs
to, so that any slice can be made alone and any cut of the set into slices gives the same documents.

The shares are ours, near those of the web: Common Crawl dumps lose about a third to two thirds of their documents to
near-duplicate removal (Penedo et al. 2024, section 3.4).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from curate.dedup.minhash import SKETCH_BINS
from curate.dedup.minhash_kernels import bands
from curate.text.compiled import kernel
from curate.text.hash_kernels import splitmix64 as mix
from pipelines.engine.stored import StepData, StoredDecision
from pipelines.io import sealed
from pipelines.steps.minhash_dedup import MinHashDedup

SHARES = {"copies": 0.01, "empty": 0.005, "chains": 0.005, "templates": 0.08, "clusters": 0.35}
CHAIN = 10_000  # documents in a chain
STEP = 0.85  # similarity of each to the next
TEMPLATE = 20_000  # pages of a template
U = np.uint64
PLAN = np.dtype([("root", "u8"), ("shared", "f4"), ("place", "u4")])


def plan(documents: int, seed: int = 0) -> np.ndarray:
    """Plan a set: for each document, what it is drawn from, how much it shares with that, and its place in a chain.

    Args:
        documents: how many.
        seed: of the set.

    Returns:
        Rows of dtype ``PLAN``, in a random order; ``place`` is 0 outside chains.
    """
    random = np.random.Generator(np.random.PCG64(seed))
    out = np.zeros(documents, PLAN)
    out["root"], out["shared"] = np.arange(documents), 1.0
    first = 0
    for kind, share in SHARES.items():
        last = first + int(documents * share)
        rows = out[first:last]
        number = np.arange(len(rows))
        if kind == "copies":
            rows["root"] = 1 << 40
        elif kind == "empty":
            rows["root"] = (2 << 40) + number % 3
        elif kind == "chains":
            rows["root"], rows["place"] = (3 << 40) + number // CHAIN, number % CHAIN + 1
        elif kind == "templates":
            rows["root"] = (4 << 40) + number // TEMPLATE
            # what a page shares with its template; two pages share s / (2 - s) with each other
            rows["shared"] = (0.5 + 0.4 * (number // TEMPLATE % 5) / 4).astype(np.float32)
        else:
            sizes = np.minimum(random.zipf(2.1, len(rows)) + 1, 20_000)
            rows["root"] = (5 << 40) + np.repeat(np.arange(len(sizes)), sizes)[: len(rows)]
            shared = np.sqrt(random.uniform(0.5, 1.0, len(rows)))
            rows["shared"] = np.where(random.random(len(rows)) < 0.3, 1.0, shared)
        first = last
    return random.permutation(out)


@kernel
def _draw(rows, first, seed, positions, signatures, sketches):
    """Draw the signature and the sketch of each planned document; ``first`` is the number of the first."""
    for i in range(len(rows)):
        own, root = mix(U(first + i) ^ mix(U(seed))), mix(U(rows[i]["root"]) + U(seed) * U(1 << 48))
        for p in range(positions + sketches.shape[1]):
            place = rows[i]["place"]
            if place:  # a chain: the value of the last document, at or before this one, that changed the position
                while place > 1:
                    h = mix(root ^ mix(U(place) * U(4096) + U(p)))
                    if (h >> U(11)) * 2.0**-53 < 1 - STEP:
                        break
                    place -= 1
                value = mix(mix(root ^ mix(U(place) * U(4096) + U(p))) + U(1))
            else:
                h = mix(own ^ mix(U(p)))
                common = (h >> U(11)) * 2.0**-53 < rows[i]["shared"]
                value = mix(root ^ mix(U(p))) if common else mix(h + U(1))
            if p < positions:
                signatures[i, p] = np.uint32(value >> U(32))
            else:
                sketches[i, p - positions] = 1 + value % U(255)


def signature_set(folder: Path, step: MinHashDedup | None = None) -> StepData:
    """Return where the keys of a set and their decision are."""
    return StepData(step or MinHashDedup(), "minhash_dedup", str(folder), StoredDecision(str(folder / "decision")))


def write_signature_set(
    folder: Path, planned: np.ndarray, slices: int, step: MinHashDedup | None = None, seed: int = 0
) -> StepData:
    """Write the key files of a set, as a run of the pipeline leaves them.

    Args:
        folder: for the files.
        planned: rows of dtype ``PLAN``.
        slices: key files; document i lies in slice ``i * slices // documents``.
        step: whose keys they are; by default with the default bands and rows.
        seed: of the set.

    Returns:
        Where they are.
    """
    folder.mkdir(parents=True, exist_ok=True)
    data = signature_set(folder, step)
    documents = len(planned)
    minhash = (step or MinHashDedup()).hashing
    edges = np.arange(slices + 1) * documents // slices
    for index in range(slices):
        rows = planned[edges[index] : edges[index + 1]]
        signatures = np.empty((len(rows), minhash.permutations), np.uint32)
        sketches = np.empty((len(rows), SKETCH_BINS), np.uint8)
        _draw(rows, edges[index], seed, minhash.permutations, signatures, sketches)
        number = np.arange(edges[index], edges[index + 1]).astype(np.uint64)
        ranks = np.empty((len(rows), 4), ">u8")
        ranks[:, 0] = 2**62 + number * np.uint64(7919) % np.uint64(86_400)  # a day of crawling, to the second
        for column in (1, 2):
            ranks[:, column] = _hash(number + np.uint64(column << 40))
        ranks[:, 3] = 0
        table = pa.table(
            {
                "bands": _binary(bands(signatures, minhash.bands, minhash.rows)),
                "sketch": _binary(sketches),
                "rank": _binary(ranks),
                "date": pa.nulls(len(rows), pa.int64()),
            },
            data.step.key_schema,
        )
        with sealed.write(data.path(index)) as stream:
            pq.write_table(table, stream, compression="zstd", row_group_size=4096)
    return data


def _hash(numbers: np.ndarray) -> np.ndarray:
    return np.array([int(mix(U(n))) for n in numbers], np.uint64)


def _binary(matrix: np.ndarray) -> pa.Array:
    width = matrix.dtype.itemsize * matrix.shape[1]
    offsets = pa.py_buffer(np.arange(len(matrix) + 1, dtype=np.int32) * np.int32(width))
    return pa.BinaryArray.from_buffers(pa.binary(), len(matrix), [None, offsets, pa.py_buffer(matrix.tobytes())])
