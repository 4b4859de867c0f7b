"""Slices in files, so that the graph of a Beam job does not hold them: workers read the file of a chunk."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

from pipelines.io import files, sealed
from pipelines.io.sources import InputFile, Part, Slice

CHUNK = 1000  # slices in a file; curate's own value


def store_slices(slices: Sequence[Slice], folder: str) -> tuple[list[int], partial[Iterator[Slice]]]:
    """Write slices into files of a folder.

    Returns:
        The numbers of the files, and a function that yields the slices in the file of a number.
    """
    numbers = list(range(-(-len(slices) // CHUNK)))
    for number in numbers:
        chunk = slices[number * CHUNK : (number + 1) * CHUNK]
        with sealed.write(_path(folder, number)) as f:  # a name that is not UTF-8 has surrogates, which orjson refuses
            f.write(json.dumps([asdict(slice_) for slice_ in chunk]).encode())
    return numbers, partial(read_slices, folder=folder)


def _path(folder: str, number: int) -> str:
    return files.join(folder, f"todo-{number:05d}.json")


def read_slices(number: int, folder: str) -> Iterator[Slice]:
    """Yield the slices in a file that `store_slices` wrote."""
    with sealed.open_read(_path(folder, number)) as f:
        for slice_ in json.loads(f.read()):
            parts = [Part(_input_file(part["file"]), part["start"], part["stop"]) for part in slice_["parts"]]
            yield Slice(slice_["index"], tuple(parts))


def _input_file(facts: dict[str, Any]) -> InputFile:
    return InputFile(**facts | {"columns": tuple(facts["columns"])})
