"""Sketches of earlier corpora, as blocks of keys that come before all others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from curate.dedup.minhash import MinHashConfig
from curate.dedup.sketch_file import (
    MANIFEST,
    MAX_MANIFEST,
    Contents,
    check_columns,
    check_config,
    check_positions,
    column_bytes,
    parse_manifest,
    part_limit,
    read_local,
    read_part,
)
from curate.input.checked_file import read_all
from pipelines.dedup.members import fixed
from pipelines.io import files
from pipelines.steps.base import KeySource

FIRST_INDEX = 2**31  # number of the first block of a sketch
NEW = 2**63  # precedes the rank key of a new document; the key of an old one is preceded by its position


@dataclass(frozen=True, slots=True)
class IndexPart:
    """One part of a sketch, as a `KeySource`.

    Attributes:
        index: number of the block, from ``FIRST_INDEX``.
        path: path of the Parquet file.
        first: number of documents in the sketches before this one.
        width: bytes of a new document's rank key.
        bands: number of bands.
        part, parts: as in `KeySource`; always all keys.
    """

    index: int
    path: str
    first: int
    width: int
    bands: int
    part: int = 0
    parts: int = 1

    def load(self, columns: Sequence[str] | None = None) -> tuple[np.ndarray, pa.Table]:
        """Return the row numbers and their keys, as ``KeySource.load`` does."""
        columns = columns or ("bands", "sketch", "rank", "date")
        table = self._read([{"rank": "id"}.get(c, c) for c in columns])
        check_columns(table, self.bands)  # again: the file may have changed since, and kernels do not check bounds
        if "rank" in columns:
            rank = np.zeros((table.num_rows, self.width), np.uint8)
            rank[:, -24:-8] = column_bytes(table["id"], 16)
            table = table.append_column("rank", pa.array([r.tobytes() for r in rank], pa.binary()))
        return np.arange(table.num_rows), table

    def positions(self) -> np.ndarray:
        """Return the position of each row among all documents of all sketches, uint64."""
        return self._read(["position"])["position"].to_numpy() + np.uint64(self.first)

    def _read(self, columns: Sequence[str]) -> pa.Table:
        with files.open_read(self.path) as f:
            return pq.read_table(f, columns=list(columns))

    def count(self) -> tuple[int, int]:
        """Return the number of rows, twice."""
        with files.open_read(self.path) as f:
            rows = pq.ParquetFile(f).metadata.num_rows
        return rows, rows


def index_parts(paths: Sequence[str], config: MinHashConfig, width: int) -> list[IndexPart]:
    """List and check the parts of sketches; the documents of the first sketch come before those of the next.

    Args:
        paths: folders of sketches, or their ``sketch.json``.
        config: how the new documents' keys are made.
        width: bytes of a new document's rank key.

    Raises:
        ValueError: a sketch cannot be read, is damaged or was made with other settings.
    """
    parts: list[IndexPart] = []
    first = 0
    for path in paths:
        folder, contents = _folder(path), read_manifest(path, config)
        positions = []
        for part in contents.parts:
            data = _read(folder, part.file, part_limit(part, config))
            positions += [batch["position"].to_numpy() for batch in read_part(part, data, config, folder)]
            name = files.join(folder, part.file)
            parts.append(IndexPart(FIRST_INDEX + len(parts), name, first, width, config.bands))
        check_positions(positions, folder)
        first += contents.documents
    return parts


def read_manifest(path: str, config: MinHashConfig | None = None) -> Contents:
    """Read the manifest of a sketch, and check that its parts exist.

    Args:
        path: folder of the sketch, or its ``sketch.json``.
        config: settings that the sketch must have been made with; any if None.

    Raises:
        ValueError: the sketch is missing, cannot be read, or was made with other settings.
    """
    folder = _folder(path)
    contents = parse_manifest(_read(folder, MANIFEST, MAX_MANIFEST), folder)
    if config:
        check_config(contents.config, config)
    for part in contents.parts:
        size, limit = files.size(files.join(folder, part.file)), part_limit(part, contents.config)
        if not 0 < size <= limit:
            state = "is missing" if size < 0 else "is empty" if not size else f"is larger than {limit:,} bytes"
            raise ValueError(f"{folder}: {part.file} {state}; copy the whole sketch again")
    return contents


def _folder(path: str) -> str:
    return path.removesuffix(MANIFEST) or "."


def _read(folder: str, name: str, limit: int) -> bytes:
    if "://" not in folder:
        return read_local(folder, name, limit)
    path = files.join(folder, name)
    try:
        with files.open_read(path) as f:
            return read_all(f, limit, path)
    except FileNotFoundError:
        raise ValueError(f"{folder} is not a complete sketch: {name} is missing; copy the whole sketch again") from None


def load_ranks(block: KeySource, indexed: bool) -> tuple[np.ndarray, np.ndarray]:
    """Load the rank keys of a block.

    Args:
        block: the block of keys.
        indexed: whether there are documents of sketches; 8 more bytes then precede each key, to sort those first.

    Returns:
        The row numbers, and the keys as uint8 [rows, bytes].
    """
    rows, table = block.load(["rank"])
    keys = fixed(table["rank"], np.uint8)
    if not indexed or not len(rows):
        return rows, keys
    before = block.positions() if isinstance(block, IndexPart) else np.full(len(rows), NEW, np.uint64)
    return rows, np.concatenate([before.astype(">u8").view(np.uint8).reshape(-1, 8), keys], axis=1)
