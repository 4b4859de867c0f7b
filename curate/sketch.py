"""A corpus as near-duplicate detection sees it: 660 bytes of each document, and no word of its text.

A sketch is kept from one crawl to the next, so that new documents are compared with old ones, and exchanged between
parties that want to deduplicate across their corpora without showing them. It holds every document that deduplication
saw, also those it removed: so a new document gets the decision it would get if old and new were deduplicated together
and older documents stayed.

It is a folder: ``sketch.json`` says how the keys were made and which parts there are, with their digests; each part is
a Parquet file with the columns position (in the order of documents: the first stays), id, date (seconds since 1970),
bands and sketch. Anyone who already has a text can check whether the corpus contains something like it. Text cannot be
recovered from a sketch, but a text of a few words can be found by guessing.

>>> old = Sketch.of(["a page that the web has had for a long time"], ["00" * 16], [0])
>>> new = Sketch.of(["A page that the web has had for a long time.", "a new page"], ["01" * 16, "02" * 16], [9, 9])
>>> [(found.kept[:4], found.similarity) if found else None for found in old.find(new)]
[('0000', 1.0), None]
>>> len(old.extended(new))
3
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import xxhash

from curate.minhash import SKETCH_BINS, MinHashConfig, minhash_keys

FORMAT, VERSION = "curate-sketch", 1
MANIFEST = "sketch.json"
NO_DATE = -(2**63)
ROWS = 1_000_000  # of a part, at most
SCHEMA = pa.schema(
    [
        ("position", pa.uint64()),
        ("id", pa.binary(16)),
        ("date", pa.int64()),
        ("bands", pa.binary()),
        ("sketch", pa.binary()),
    ]
)


@dataclass(frozen=True, slots=True)
class Duplicate:
    """The document that stays for another one, and how similar it is to it."""

    kept: str
    similarity: float


@dataclass(frozen=True, slots=True)
class Sketch:
    """Keys of documents in their order: of two near duplicates the earlier row stays.

    ``ids`` are 16 bytes each [documents], ``dates`` int64 seconds since 1970 or ``NO_DATE``, ``bands`` uint64
    [documents, bands], ``sketches`` uint8 [documents, 512].
    """

    config: MinHashConfig
    ids: np.ndarray
    dates: np.ndarray
    bands: np.ndarray
    sketches: np.ndarray

    def __len__(self) -> int:
        return len(self.ids)

    @classmethod
    def of(
        cls,
        texts: Iterable[str | bytes],
        ids: Sequence[str],
        dates: Sequence[int | None],
        config: MinHashConfig | None = None,
    ) -> Sketch:
        """Make the sketch of some texts, older ones first; of equal dates the smaller id is first.

        Args:
            texts: any texts.
            ids: 32 hex digits for each.
            dates: seconds since 1970, or None, which is younger than any date.
            config: how the keys are made; the default one by default.
        """
        config = config or MinHashConfig()
        keys = [minhash_keys(text, config) for text in texts]
        found = cls(
            config,
            np.frombuffer(b"".join(map(bytes.fromhex, ids)), "V16"),
            np.array([NO_DATE if d is None else d for d in dates], np.int64),
            np.array([k[0] for k in keys], np.uint64).reshape(-1, config.bands),
            np.array([k[1] for k in keys], np.uint8).reshape(-1, SKETCH_BINS),
        )
        age = np.where(found.dates == NO_DATE, 2**63 - 1, found.dates)
        return found._take(np.lexsort((*found.ids.view(">u8").reshape(-1, 2).T[::-1], age)))

    def find(self, new: Sketch, threshold: float = 0.8) -> list[Duplicate | None]:
        """Hold new documents against these, and against each other; these all come first.

        Args:
            new: made with the same config.
            threshold: similarity from which two documents are near duplicates.

        Returns:
            For each new document what stays for it, or None if it stays itself.

        Raises:
            ValueError: the keys were made in another way.
        """
        from curate.clusters import cluster

        both = self.extended(new)
        found = cluster(both.bands, both.sketches, np.arange(len(both)), threshold)
        return [
            Duplicate(both.ids[found.anchor[i]].tobytes().hex(), float(found.similarity[i]))
            if found.anchor[i] != i
            else None
            for i in range(len(self), len(both))
        ]

    def extended(self, new: Sketch) -> Sketch:
        """Return these documents and the new ones after them.

        Raises:
            ValueError: the keys were made in another way.
        """
        check_config(new.config, self.config)
        names = [f.name for f in fields(self) if f.name != "config"]
        return Sketch(self.config, *(np.concatenate([getattr(self, n), getattr(new, n)]) for n in names))

    def save(self, folder: str | Path) -> None:
        """Write the sketch as a folder."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        parts: list[dict] = []
        for first in range(0, len(self), ROWS):
            rows = np.arange(first, min(first + ROWS, len(self)))
            data = part_bytes(rows, self._take(rows))
            name = part_name(len(parts))
            (folder / name).write_bytes(data)
            parts.append(describe_part(name, len(rows), data))
        (folder / MANIFEST).write_text(json.dumps(manifest(self.config, parts), indent=2) + "\n")

    @classmethod
    def load(cls, folder: str | Path) -> Sketch:
        """Read a sketch.

        Raises:
            ValueError: not a sketch, of a version that is not known, or damaged.
        """
        folder = Path(folder)
        described = json.loads((folder / MANIFEST).read_text())
        config = read_config(described, str(folder))
        tables = [SCHEMA.empty_table()]
        for part in described["parts"]:
            data = (folder / part["file"]).read_bytes()
            check_part(part, data, str(folder))
            tables.append(pq.read_table(pa.BufferReader(data)))
        table = pa.concat_tables(tables).sort_by("position")
        return cls(
            config,
            np.frombuffer(b"".join(table["id"].to_pylist()), "V16"),
            table["date"].fill_null(NO_DATE).to_numpy(),
            np.frombuffer(b"".join(table["bands"].to_pylist()), np.uint64).reshape(-1, config.bands),
            np.frombuffer(b"".join(table["sketch"].to_pylist()), np.uint8).reshape(-1, SKETCH_BINS),
        )

    def _take(self, rows: np.ndarray) -> Sketch:
        names = [f.name for f in fields(self) if f.name != "config"]
        return Sketch(self.config, *(getattr(self, n)[rows] for n in names))


def part_name(number: int) -> str:
    """Return the file name of a part."""
    return f"part-{number:05d}.parquet"


def manifest(config: MinHashConfig, parts: Sequence[dict]) -> dict:
    """Describe a sketch: the content of ``sketch.json``."""
    documents = sum(p["documents"] for p in parts)
    return {
        "format": FORMAT,
        "version": VERSION,
        "minhash": asdict(config),
        "sketch_bins": SKETCH_BINS,
        "documents": documents,
        "parts": list(parts),
    }


def read_config(described: dict, where: str) -> MinHashConfig:
    """Return how a sketch's keys were made.

    Raises:
        ValueError: what is described is not a sketch, or of a version that is not known.
    """
    if described.get("format") != FORMAT:
        raise ValueError(f"{where} is not a sketch: its {MANIFEST} does not say format {FORMAT}")
    if described["version"] != VERSION or described["sketch_bins"] != SKETCH_BINS:
        raise ValueError(
            f"{where} is a sketch of version {described['version']} with {described['sketch_bins']} bins; "
            f"this release reads version {VERSION} with {SKETCH_BINS}"
        )
    return MinHashConfig(**described["minhash"])


def check_config(one: MinHashConfig, other: MinHashConfig) -> None:
    """Refuse keys that cannot be compared.

    Raises:
        ValueError: with both settings.
    """
    if one != other:
        raise ValueError(f"keys made with {one} cannot be compared with keys made with {other}: make both alike")


def describe_part(name: str, documents: int, data: bytes) -> dict:
    """Describe a part for ``manifest``."""
    return {"file": name, "documents": documents, "xxh3": xxhash.xxh3_64_hexdigest(data)}


def check_part(part: dict, data: bytes, where: str) -> None:
    """Refuse a part that is not what the manifest describes.

    Raises:
        ValueError: the digest is another.
    """
    if xxhash.xxh3_64_hexdigest(data) != part["xxh3"]:
        raise ValueError(f"{where}: {part['file']} is damaged: its digest is not the one in {MANIFEST}")


def part_bytes(positions: np.ndarray, rows: Sketch) -> bytes:
    """Return the Parquet file of a part: some rows, and their positions in the order of the whole sketch."""
    columns = [
        pa.array(positions, pa.uint64()),
        pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), len(rows), [None, pa.py_buffer(rows.ids.tobytes())]),
        pa.array(rows.dates, pa.int64(), mask=rows.dates == NO_DATE),
        _binary(rows.bands),
        _binary(rows.sketches),
    ]
    stream = pa.BufferOutputStream()
    table = pa.Table.from_arrays(columns, schema=SCHEMA)
    pq.write_table(table, stream, compression="zstd", use_dictionary=False)
    return stream.getvalue().to_pybytes()


def _binary(matrix: np.ndarray) -> pa.Array:
    matrix = np.ascontiguousarray(matrix)
    ends = np.arange(len(matrix) + 1, dtype=np.int64) * (matrix.dtype.itemsize * matrix.shape[1])
    parts = [None, pa.py_buffer(ends.astype(np.int32)), pa.py_buffer(matrix.tobytes())]
    return pa.BinaryArray.from_buffers(pa.binary(), len(matrix), parts)
