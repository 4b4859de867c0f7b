"""A sketch of a corpus for near-duplicate detection: 660 bytes of each document, and none of its text.

A sketch is kept from one crawl to the next, so that new documents can be compared with old ones, or exchanged between
parties that want to deduplicate across their corpora without disclosing them. It has every document that deduplication
saw, including those it removed, so that a new document gets the same decision as if old and new were deduplicated
together and older documents stayed.

It is a folder: ``sketch.json`` says how the keys were made and lists the parts with their digests; each part is a
Parquet file with the columns position (in the order of documents, of which the first stays), id, date (seconds since
1970), bands and sketch. Anyone who already has a text can check whether the corpus contains something like it. Text
cannot be recovered from a sketch, but a text of a few words can be guessed.

>>> old = Sketch.of(["a page that the web has had for a long time"], ["00" * 16], [0])
>>> new = Sketch.of(["A page that the web has had for a long time.", "a new page"], ["01" * 16, "02" * 16], [9, 9])
>>> [(duplicate.kept[:4], duplicate.similarity) if duplicate else None for duplicate in old.find(new)]
[('0000', 1.0), None]
>>> len(old.extended(new))
3
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import pyarrow as pa

from curate.dedup.minhash import SKETCH_BINS, MinHashConfig, minhash_keys
from curate.dedup.sketch_file import (
    DATES,
    MANIFEST,
    MAX_MANIFEST,
    NO_DATE,
    ROWS,
    SCHEMA,
    Part,
    check_config,
    check_positions,
    column_bytes,
    describe_part,
    manifest,
    parse_manifest,
    part_bytes,
    part_limit,
    part_name,
    part_rows,
    read_local,
    read_part,
)
from curate.results import Result


@dataclass(frozen=True, slots=True)
class Duplicate(Result):
    """The id of the document that stays instead of another one, and how similar the two are."""

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
            ids: 32 hex digits for each text.
            dates: seconds since 1970, in the years 1 to 9999, or None, which is later than any date.
            config: how the keys are made; None for the default.

        Raises:
            ValueError: a date is outside of these years.
        """
        config = config or MinHashConfig()
        if wrong := [date for date in dates if date is not None and not DATES[0] <= date <= DATES[1]]:
            raise ValueError(f"{wrong[0]:,} seconds since 1970 are outside of the years 1 to 9999")
        keys = [minhash_keys(text, config) for text in texts]
        sketch = cls(
            config,
            np.frombuffer(b"".join(map(bytes.fromhex, ids)), "V16"),
            np.array([NO_DATE if d is None else d for d in dates], np.int64),
            np.array([k[0] for k in keys], np.uint64).reshape(-1, config.bands),
            np.array([k[1] for k in keys], np.uint8).reshape(-1, SKETCH_BINS),
        )
        age = np.where(sketch.dates == NO_DATE, 2**63 - 1, sketch.dates)
        return sketch._take(np.lexsort((*sketch.ids.view(">u8").reshape(-1, 2).T[::-1], age)))

    def find(self, new: Sketch, threshold: float = 0.8) -> list[Duplicate | None]:
        """Compare new documents with these, all of which come first, and with each other.

        Args:
            new: made with the same config.
            threshold: least similarity of near duplicates.

        Returns:
            For each new document the one that stays instead, or None if it stays itself.

        Raises:
            ValueError: the keys were made with another config.
        """
        from curate.dedup.clusters import cluster

        both = self.extended(new)
        clusters = cluster(both.bands, both.sketches, np.arange(len(both)), threshold)
        return [
            Duplicate(both.ids[clusters.anchor[i]].tobytes().hex(), float(clusters.similarity[i]))
            if clusters.anchor[i] != i
            else None
            for i in range(len(self), len(both))
        ]

    def extended(self, new: Sketch) -> Sketch:
        """Return these documents followed by the new ones.

        Raises:
            ValueError: the keys were made with another config.
        """
        check_config(new.config, self.config)
        names = [f.name for f in fields(self) if f.name != "config"]
        return Sketch(self.config, *(np.concatenate([getattr(self, n), getattr(new, n)]) for n in names))

    def save(self, folder: str | Path) -> None:
        """Write the sketch as a folder."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        parts: list[Part] = []
        step = min(ROWS, part_rows(self.config))
        for first in range(0, len(self), step):
            rows = np.arange(first, min(first + step, len(self)))
            data = part_bytes(rows, self._take(rows))
            name = part_name(len(parts))
            (folder / name).write_bytes(data)
            parts.append(describe_part(name, len(rows), data))
        (folder / MANIFEST).write_text(json.dumps(manifest(self.config, parts), indent=2) + "\n")

    @classmethod
    def load(cls, folder: str | Path) -> Sketch:
        """Read a sketch, and check everything in it.

        Raises:
            ValueError: the folder is not a sketch, has an unknown version, or is damaged.
        """
        where = str(folder)
        contents = parse_manifest(read_local(folder, MANIFEST, MAX_MANIFEST), where)
        config, batches = contents.config, list[pa.RecordBatch]()
        for part in contents.parts:
            data = read_local(folder, part.file, part_limit(part, config))
            batches += read_part(part, data, config, where)
        table = pa.Table.from_batches(batches, SCHEMA)
        positions = table["position"].to_numpy()
        check_positions([positions], where)
        loaded = cls(
            config,
            column_bytes(table["id"], 16).view("V16").ravel(),
            table["date"].fill_null(NO_DATE).to_numpy(),
            column_bytes(table["bands"], 8 * config.bands).view(np.uint64),
            column_bytes(table["sketch"], SKETCH_BINS),
        )
        return loaded if (positions[1:] > positions[:-1]).all() else loaded._take(np.argsort(positions))

    def _take(self, rows: np.ndarray) -> Sketch:
        names = [f.name for f in fields(self) if f.name != "config"]
        return Sketch(self.config, *(getattr(self, n)[rows] for n in names))
