"""The keys and decisions of corpus steps, stored as files of a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload
from urllib.parse import quote

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.io import files, sealed
from pipelines.io.tables import read_table
from pipelines.steps.base import Applied, CorpusStep

# Files in the folder of a decision:
MANIFEST = "manifest.json"  # exists when the decision is complete
PARTS = "parts.json"  # the number of parts of the keys
WARNINGS = "warnings.json"


@dataclass(frozen=True, slots=True)
class StoredDecision:
    """A decision in a folder, with a file per address and part of the keys."""

    folder: str

    def path(self, address: str, part: int = 0) -> str:
        """Return the path of the file for an address and part."""
        return files.join(self.folder, f"{quote(address, safe='')}-{part:03d}.bin")

    def read(self, address: str) -> list[bytes]:
        """Return the rows at an address, an element per part of the keys."""
        rows = []
        if (listed := _listed(self.folder)) is not None:
            for name in listed.get(quote(address, safe=""), ()):
                with sealed.open_read(files.join(self.folder, name)) as f:
                    rows.append(f.read())
            return rows
        for part in range(sealed.read_json(files.join(self.folder, PARTS))["parts"]):
            if files.exists(path := self.path(address, part)):
                with sealed.open_read(path) as f:
                    rows.append(f.read())
        return rows

    def begin(self, parts: int) -> None:
        """Create the folder, for a decision that is made in ``parts`` parts of the keys."""
        _LISTED.pop(self.folder, None)
        path = files.join(self.folder, PARTS)
        if files.exists(path) and sealed.read_json(path) != {"parts": parts}:
            files.delete([self.folder])  # left by a stopped run with another memory budget
        files.make_folder(self.folder)
        sealed.write_json(path, {"parts": parts})

    def write(self, address: str, rows: bytes, part: int = 0) -> None:
        """Write the rows for an address that one part of the keys gives."""
        with sealed.write(self.path(address, part)) as f:
            f.write(rows)

    def end(self, step: str) -> None:
        """Write the manifest, which marks the decision as complete."""
        written = {"step": step, "files": [n for n in files.names(self.folder) if n != WARNINGS]}
        sealed.write_json(files.join(self.folder, MANIFEST), written)

    def is_whole(self) -> bool:
        """Return whether the decision is complete, with all of its files."""
        path = files.join(self.folder, MANIFEST)
        if not files.exists(path):
            return False
        try:
            return set(sealed.peek_json(path)["files"]) <= set(files.names(self.folder))
        except (ValueError, KeyError, TypeError):  # damaged
            return False


#: By folder of a complete decision, the names of its files by address.
_LISTED: dict[str, dict[str, list[str]]] = {}
MAX_LISTED = 1_000_000  # bytes of a manifest whose names are kept: some 20,000 slices


def _listed(folder: str) -> dict[str, list[str]] | None:
    """Return the names of the files of a decision by address; None if it is not complete, or has very many.

    Asking an object store for each file costs a request per slice and decision, and most slices have none.
    """
    if folder not in _LISTED:
        path = files.join(folder, MANIFEST)
        if not 0 <= files.size(path) <= MAX_LISTED:
            return None
        names: dict[str, list[str]] = {}
        for name in sealed.read_json(path)["files"]:
            names.setdefault(name.rpartition("-")[0], []).append(name)
        _LISTED[folder] = names
    return _LISTED[folder]


@dataclass(frozen=True, slots=True)
class StepData:
    """A corpus step in a run: its name, and where its keys and decision are stored."""

    step: CorpusStep
    name: str
    pass_folder: str
    decision: StoredDecision

    def path(self, index: int) -> str:
        """Return the path of the keys of one slice."""
        return files.join(self.pass_folder, f"keys-{self.name}-{index:05d}.parquet")

    def apply(self, index: int) -> Applied:
        """Return the effect of the decision on the documents of a slice."""
        return self.step.apply(self.decision, AllKeys(self, index))


@dataclass(frozen=True, slots=True)
class AllKeys:
    """The keys of one slice, a row per document of the pass."""

    data: StepData
    index: int
    part: int = 0
    parts: int = 1

    def load(self, columns: Sequence[str] | None = None) -> tuple[np.ndarray, pa.Table]:
        """Return all row numbers and keys."""
        table = read_table(self.data.path(self.index), columns)
        return np.arange(len(table)), table

    def count(self) -> tuple[int, int]:
        """Return the number of rows and of values in the file; a list has a value per element."""
        with sealed.open_read(self.data.path(self.index)) as f:
            meta = pq.ParquetFile(f).metadata
        values = sum(
            max(meta.row_group(g).column(c).num_values for c in range(meta.num_columns))
            for g in range(meta.num_row_groups)
        )
        return meta.num_rows, values


@dataclass(frozen=True, slots=True)
class KeySizes:
    """The size of all keys of a step, for `CorpusStep.key_bytes`."""

    rows: int
    values: int
    index: int = 0
    part: int = 0
    parts: int = 1

    def load(self, columns: Sequence[str] | None = None) -> tuple[np.ndarray, pa.Table]:
        """Load no keys: their size is all that is known.

        Raises:
            NotImplementedError: always.
        """
        raise NotImplementedError("key_bytes knows the size of all keys, not the keys")

    def count(self) -> tuple[int, int]:
        """Return the number of rows and values of all slices."""
        return self.rows, self.values


@dataclass(frozen=True, slots=True)
class KeyPart:
    """The keys of one slice, without the documents that earlier steps of the same cut reject.

    ``part`` and ``parts`` are those of `KeySource`.
    """

    index: int
    data: StepData
    earlier: tuple[StepData, ...] = ()
    part: int = 0
    parts: int = 1

    def load(self, columns: Sequence[str] | None = None) -> tuple[np.ndarray, pa.Table]:
        """Return the row numbers of documents that are left, and their keys."""
        table = read_table(self.data.path(self.index), columns)
        left = np.ones(table.num_rows, bool)
        for step in self.earlier:
            left[step.apply(self.index).rejected] = False
        return np.flatnonzero(left), table if left.all() else table.filter(pa.array(left))

    def count(self) -> tuple[int, int]:
        """Return the number of rows and values in the file, an upper bound on those that are left."""
        return AllKeys(self.data, self.index).count()


@dataclass(frozen=True)
class KeyParts(Sequence[KeyPart]):
    """The keys of all slices, each made when it is asked for, so that neither a driver nor a job graph holds them."""

    data: StepData
    earlier: tuple[StepData, ...]
    total: int

    def __len__(self) -> int:
        return self.total

    @overload
    def __getitem__(self, index: int) -> KeyPart: ...

    @overload
    def __getitem__(self, index: slice) -> list[KeyPart]: ...

    def __getitem__(self, index: int | slice) -> KeyPart | list[KeyPart]:
        numbers = range(self.total)[index]
        if isinstance(numbers, range):
            return [KeyPart(number, self.data, self.earlier) for number in numbers]
        return KeyPart(numbers, self.data, self.earlier)
