"""What a driver has to know of many slices, added up by workers: one small file per group of slices.

A driver that read the manifest of every slice would wait for a store as many times as there are slices. Workers read
the manifests of a group, up to the square root of the number of slices, and write their sum. The driver adds up the
sums of the groups, as many, into the manifest of the pass.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from curate.document import Document
from pipelines.engine.passes import PassJob
from pipelines.engine.stored import StepData
from pipelines.io import files, sealed
from pipelines.io.columns import merge_types, unpack_columns
from pipelines.io.places import write_places
from pipelines.io.shards import SHARDED
from pipelines.io.tables import FACTS, iter_rows, read_table

TOGETHER = 256  # slices that are one group; curate's own value: some seconds of reading from a store


@dataclass(frozen=True, slots=True)
class Groups:
    """Consecutive slices in groups, about as many groups as slices in each.

    >>> Groups(256).count, Groups(257).count, Groups(100_000).count
    (1, 16, 316)
    >>> Groups(257).of(256), Groups(257).slices(15)
    (15, range(255, 257))
    """

    total: int

    @property
    def size(self) -> int:
        """Number of slices in a group; the last one may have fewer."""
        return TOGETHER if self.total <= TOGETHER else math.isqrt(self.total - 1) + 1

    @property
    def count(self) -> int:
        """Number of groups."""
        return -(-self.total // self.size)

    def of(self, index: int) -> int:
        """Return the number of the group of a slice."""
        return index // self.size

    def slices(self, group: int) -> range:
        """Return the numbers of the slices of a group."""
        return range(group * self.size, min((group + 1) * self.size, self.total))


def sum_path(folder: str, group: int) -> str:
    """Return the path of the sum of a group in the folder of a pass."""
    return files.join(folder, f"sum-{group:05d}.json")


def inputs_path(folder: str, group: int) -> str:
    """Return the path of what the slices of a group read, in the folder of the first pass."""
    return files.join(folder, f"inputs-{group:05d}.json")


def sum_slices(group: int, job: PassJob, groups: Groups) -> None:
    """Add up the manifests of a group of slices that are done, unless that is done.

    Args:
        group: number of the group.
        job: the pass.
        groups: the groups of its slices.
    """
    path = sum_path(job.folder, group)
    if files.exists(path):
        return
    indices = groups.slices(group)
    manifests = [sealed.read_json(job.path("slice", index, "json")) for index in indices]
    if job.shards:
        write_places(job.folder, group, indices, [manifest["runs"] for manifest in manifests], SHARDED)
    if not job.before:
        inputs = [{k: v for k, v in p.items() if k != "source"} for m in manifests for p in m["inputs"]]
        sealed.write_json(inputs_path(job.folder, group), {"inputs": inputs})
    sealed.write_json(path, added([{**m, "read": _read(m["inputs"])} for m in manifests]))


def _read(inputs: Iterable[dict]) -> dict[str, Any]:
    """Return what was read of each source: records, broken and undated ones, and the first broken one."""
    read: dict[str, Any] = {}
    for part in inputs:
        of_source = {
            "records": part["documents"] + part["rejected"],
            "broken": part["broken"],
            "undated": part["undated"],
            "skipped": part["skipped"],
            "first": "".join(f"{part['path']}: {problem['detail']}" for problem in part["problems"][:1]),
        }
        read = _plus(read, {part["source"]: of_source})
    return read


#: What of the manifest of a slice, or of a sum, is added up.
ADDED = ("documents", "steps", "totals", "first_errors", "columns", "sources", "keys", "read")


def added(parts: Sequence[dict], names: Collection[str] = ADDED) -> dict[str, Any]:
    """Return the sum of parts: numbers are added, of texts the first stays, columns get a type that holds all values.

    >>> parts = [{"documents": 2, "columns": {"n": "none"}}, {"documents": 3, "columns": {"n": "text"}}]
    >>> added(parts)
    {'documents': 5, 'columns': {'n': 'text'}}
    """
    total: dict[str, Any] = {}
    for part in parts:
        total = _plus(total, {name: part[name] for name in names if name in part and name != "columns"})
    if any("columns" in part for part in parts):
        total["columns"] = merge_types(part["columns"] for part in parts)
    return total


def _plus(a: Any, b: Any) -> Any:
    if isinstance(b, dict):
        return {**a, **{name: _plus(a[name], value) if name in a else value for name, value in b.items()}}
    if isinstance(b, list):
        return [x + y for x, y in zip(a, b, strict=True)]
    return (a or b) if isinstance(b, str) else a + b


def kept_path(cut: Sequence[StepData], group: int) -> str:
    """Return the path of what the decisions of a cut leave of a group."""
    return files.join(cut[-1].decision.folder, f"kept-{group:05d}.json")


def count_kept(group: int, folder: str, cut: Sequence[StepData], groups: Groups) -> None:
    """Count the bytes of text, and the tokens once per copy, that the decisions of a cut leave of a group of slices.

    Args:
        group: number of the group.
        folder: folder of the pass before the cut.
        cut: the corpus steps of the cut, which have decided.
        groups: the groups of slices.
    """
    path = kept_path(cut, group)
    if files.exists(path):
        return
    counts = [_kept(files.join(folder, f"state-{index:05d}.parquet"), cut, index) for index in groups.slices(group)]
    text_bytes, tokens = map(sum, zip(*counts, strict=True))
    sealed.write_json(path, {"text_bytes": text_bytes, "tokens": tokens})


def _kept(path: str, cut: Sequence[StepData], index: int) -> tuple[int, int]:
    state = read_table(path, ["text_bytes", "token_count", "copies"])
    copies = state["copies"].to_numpy().copy()
    stays = np.ones(len(copies), bool)
    for data in cut:
        applied = data.apply(index)
        if "copies" in data.step.writes and applied.edit:
            needed = {"id", *data.step.reads}
            facts = [name for name in FACTS if name in needed]
            for row, values in enumerate(iter_rows(path, columns=[*facts, "extra"])):
                extra = unpack_columns(values.pop("extra"))
                edited = applied.edit(row, Document(**values, extra=extra))
                if isinstance(edited, Document):
                    copies[row] = edited.copies
                else:
                    stays[row] = False
        stays[applied.rejected] = False
    copies[~stays] = 0  # a document that stays may have no copies too
    return int(state["text_bytes"].to_numpy()[stays].sum()), int(state["token_count"].to_numpy() @ copies)
