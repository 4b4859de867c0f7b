"""Keys and decisions of corpus steps as files of a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.io import files, sealed
from pipelines.io.tables import read_table
from pipelines.steps.base import Applied, CorpusStep

MANIFEST = "manifest.json"  # of a decision: there when it is whole
PARTS = "parts.json"  # in how many shares of the keys it was made
WARNINGS = "warnings.json"


@dataclass(frozen=True, slots=True)
class StoredDecision:
    """A decision in a folder: a file per address and per share of the keys."""

    folder: str

    def path(self, address: str, part: int = 0) -> str:
        """Path of the file of an address."""
        return files.join(self.folder, f"{quote(address, safe='')}-{part:03d}.bin")

    def read(self, address: str) -> list[bytes]:
        """Return what there is at an address, an element per share of the keys."""
        found = []
        for part in range(sealed.read_json(files.join(self.folder, PARTS))["parts"]):
            if files.exists(path := self.path(address, part)):
                with sealed.open_read(path) as f:
                    found.append(f.read())
        return found

    def begin(self, parts: int) -> None:
        """Make the folder for a decision in so many shares of the keys."""
        files.make_folder(self.folder)
        sealed.write_json(files.join(self.folder, PARTS), {"parts": parts})

    def write(self, address: str, rows: bytes, part: int = 0) -> None:
        """Write what a share of the keys gave for an address."""
        with sealed.write(self.path(address, part)) as f:
            f.write(rows)

    def end(self, step: str) -> None:
        """Write the manifest: the decision is whole."""
        written = {"step": step, "files": [n for n in files.names(self.folder) if n != WARNINGS]}
        sealed.write_json(files.join(self.folder, MANIFEST), written)

    def is_whole(self) -> bool:
        """Say whether the decision is there, with all of its files."""
        path = files.join(self.folder, MANIFEST)
        if not files.exists(path):
            return False
        try:
            return set(sealed.peek_json(path)["files"]) <= set(files.names(self.folder))
        except (ValueError, KeyError, TypeError):  # damaged
            return False


@dataclass(frozen=True, slots=True)
class StepData:
    """Where the keys and the decision of a corpus step are."""

    step: CorpusStep
    name: str
    pass_folder: str
    decision: StoredDecision

    def path(self, index: int) -> str:
        """Path of the keys of one slice."""
        return files.join(self.pass_folder, f"keys-{self.name}-{index:05d}.parquet")

    def apply(self, index: int) -> Applied:
        """Return what the decision means for the documents of a slice."""
        return self.step.apply(self.decision, AllKeys(self, index))


@dataclass(frozen=True, slots=True)
class AllKeys:
    """The keys of one slice, a row per document of the pass."""

    data: StepData
    index: int
    part: int = 0
    parts: int = 1

    def load(self, columns: Sequence[str] | None = None) -> tuple[np.ndarray, pa.Table]:
        """Return the numbers of all rows, and the keys."""
        table = read_table(self.data.path(self.index), columns)
        return np.arange(len(table)), table

    def count(self) -> tuple[int, int]:
        """Return how many rows and how many values the file has; lists have a value per element."""
        with sealed.open_read(self.data.path(self.index)) as f:
            meta = pq.ParquetFile(f).metadata
        values = sum(
            max(meta.row_group(g).column(c).num_values for c in range(meta.num_columns))
            for g in range(meta.num_row_groups)
        )
        return meta.num_rows, values


@dataclass(frozen=True, slots=True)
class KeyPart:
    """The keys of one slice, less the documents that earlier steps of the same cut reject.

    Of a decision that is made in ``parts`` runs, each looks at its share of the keys.
    """

    index: int
    data: StepData
    earlier: tuple[StepData, ...] = ()
    part: int = 0
    parts: int = 1

    def load(self, columns: Sequence[str] | None = None) -> tuple[np.ndarray, pa.Table]:
        """Return the numbers of rows that are alive, and their keys."""
        table = read_table(self.data.path(self.index), columns)
        alive = np.ones(table.num_rows, bool)
        for step in self.earlier:
            alive[step.apply(self.index).rejected] = False
        return np.flatnonzero(alive), table if alive.all() else table.filter(pa.array(alive))

    def count(self) -> tuple[int, int]:
        """Return how many rows and values the file has: at most as many are alive."""
        return AllKeys(self.data, self.index).count()
