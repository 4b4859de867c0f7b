"""Sketches of earlier corpora, as slices of keys that come before all others."""

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

FIRST_INDEX = 2**31  # slices of sketches are numbered from here
NEW = 2**63  # stands before the rank of a new document; before that of an old one stands its position


@dataclass(frozen=True, slots=True)
class IndexPart:
    """One part of a sketch, before which ``first`` documents come.

    ``width`` is the size of a new document's rank, ``bands`` the number of its bands.
    """

    index: int
    path: str
    first: int
    width: int
    bands: int
    part: int = 0
    parts: int = 1

    def load(self, columns: Sequence[str] | None = None) -> tuple[np.ndarray, pa.Table]:
        """Return the numbers of the rows, and their keys, as ``KeySource.load`` does."""
        columns = columns or ("bands", "sketch", "rank", "date")
        table = self._read([{"rank": "id"}.get(c, c) for c in columns])
        check_columns(table, self.bands)  # it was checked, but a file can change, and kernels take every row as whole
        if "rank" in columns:
            rank = np.zeros((table.num_rows, self.width), np.uint8)
            rank[:, -24:-8] = column_bytes(table["id"], 16)
            table = table.append_column("rank", pa.array([r.tobytes() for r in rank], pa.binary()))
        return np.arange(table.num_rows), table

    def positions(self) -> np.ndarray:
        """Return the place of each row among all documents of all sketches."""
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
    """List the parts of sketches, the documents of the first sketch before those of the next.

    Args:
        paths: folders of sketches, or their ``sketch.json``.
        config: how the new documents' keys are made.
        width: bytes of a new document's rank.

    Raises:
        ValueError: a sketch that cannot be read, is damaged or was made in another way.
    """
    found: list[IndexPart] = []
    first = 0
    for path in paths:
        folder, contents = _folder(path), read_manifest(path, config)
        positions = []
        for part in contents.parts:
            data = _read(folder, part.file, part_limit(part, config))
            positions += [batch["position"].to_numpy() for batch in read_part(part, data, config, folder)]
            name = files.join(folder, part.file)
            found.append(IndexPart(FIRST_INDEX + len(found), name, first, width, config.bands))
        check_positions(positions, folder)
        first += contents.documents
    return found


def read_manifest(path: str, config: MinHashConfig | None = None) -> Contents:
    """Read what a sketch says of itself, and look whether its parts are there.

    Raises:
        ValueError: there is none, or one that cannot be read, or was made in another way than ``config`` says.
    """
    folder = _folder(path)
    contents = parse_manifest(_read(folder, MANIFEST, MAX_MANIFEST), folder)
    if config:
        check_config(contents.config, config)
    for part in contents.parts:
        size, limit = files.size(files.join(folder, part.file)), part_limit(part, contents.config)
        if not 0 < size <= limit:
            state = "is absent" if size < 0 else "is empty" if not size else f"is larger than {limit:,} bytes"
            raise ValueError(f"{folder}: {part.file} {state}: copy the whole sketch again")
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
        raise ValueError(f"{folder} is not a sketch, or not a whole one: it has no {name}") from None


def load_ranks(piece: KeySource, indexed: bool) -> tuple[np.ndarray, np.ndarray]:
    """Load the rank keys of a slice; where there is an index, with 8 bytes before them that put its documents first.

    Returns:
        The numbers of the rows, and uint8 [rows, bytes].
    """
    rows, table = piece.load(["rank"])
    keys = fixed(table["rank"], np.uint8)
    if not indexed or not len(rows):
        return rows, keys
    before = piece.positions() if isinstance(piece, IndexPart) else np.full(len(rows), NEW, np.uint64)
    return rows, np.concatenate([before.astype(">u8").view(np.uint8).reshape(-1, 8), keys], axis=1)
