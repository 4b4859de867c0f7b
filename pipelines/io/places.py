"""Where the rows of each shard are in the sorted runs of a group of slices: a small table, sorted by batch.

Each slice knows the batches of its own runs. A shard needs those of one number in all runs, so workers turn the lists
of a group around, and no process holds the places of all slices and shards.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from pipelines.io import files, sealed

#: A batch of a run: its number (that of a shard, or of a range of shards), the slice and number of its run, its first
#: byte, its number of bytes, and their xxh3 digest.
PLACE = np.dtype([("batch", "u4"), ("slice", "u4"), ("run", "u4"), ("start", "u8"), ("size", "u8"), ("digest", "u8")])

#: The place of a batch in a run: its first byte, its number of bytes, and their xxh3 digest in hex digits.
Place = tuple[int, int, str]
Batch = tuple[str, Place]  #: The path of a run, and the place of a batch in it.
#: By table, the runs of a slice: for each, the numbers of its batches and their places.
Runs = Mapping[str, Sequence[Mapping[str, Any]]]


def run_name(table: str, index: int, number: int) -> str:
    """Return the name of a run of a slice."""
    return f"run-{table}-{index:05d}-{number:05d}.arrow"


def _path(folder: str, table: str, group: int) -> str:
    return files.join(folder, f"places-{table}-{group:05d}.bin")


def write_places(
    folder: str, group: int, indices: Iterable[int], runs_of: Iterable[Runs], tables: Iterable[str]
) -> None:
    """Write the places in the runs of a group of slices, a file for each table.

    Args:
        folder: folder of the runs.
        group: number of the group.
        indices: numbers of its slices.
        runs_of: the runs of each.
        tables: names of the tables.
    """
    rows: dict[str, list[np.ndarray]] = {table: [np.empty(0, PLACE)] for table in tables}
    for index, runs in zip(indices, runs_of, strict=True):
        for table, of_table in runs.items():
            for number, run in enumerate(of_table):
                places = np.zeros(len(run["batches"]), PLACE)
                places["batch"], places["slice"], places["run"] = run["shards"], index, number
                places["start"], places["size"] = [p[0] for p in run["batches"]], [p[1] for p in run["batches"]]
                places["digest"] = [int(p[2], 16) for p in run["batches"]]
                rows[table].append(places)
    for table, parts in rows.items():
        places = np.concatenate(parts)
        with sealed.write(_path(folder, table, group)) as f:
            f.write(places[np.argsort(places["batch"], kind="stable")].tobytes())


def read_places(folder: str, table: str, group: int, batch: int) -> list[Batch]:
    """Return the batches of one number in the runs of a group, in order of slices.

    Raises:
        DamagedFile: the file of the places is damaged or missing.
    """
    with sealed.open_read(_path(folder, table, group)) as f:
        places = np.frombuffer(f.read(), PLACE)
    first, last = np.searchsorted(places["batch"], [batch, batch + 1])
    return [
        (files.join(folder, run_name(table, slice_, run)), (start, size, f"{digest:016x}"))
        for _, slice_, run, start, size, digest in places[first:last].tolist()
    ]
