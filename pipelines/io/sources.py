"""Raw inputs: which files there are, and how they are cut into slices of work."""

from __future__ import annotations

import fnmatch
import functools
import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from curate.input.compression import COMPRESSED, split_compression
from curate.text.printable import storable
from pipelines.io import files
from pipelines.io.formats import ENDINGS
from pipelines.io.sealed import WORK
from pipelines.io.tables import REPORTS, TABLES
from pipelines.recipe.errors import RecipeError
from pipelines.recipe.model import Source

MAX_SLICE_BYTES = 64_000_000  # a slice is also what a killed worker loses
MIN_SLICE_BYTES = 500_000  # below this, starting a slice costs more than the work in it
SLICES = 32  # wanted of any input: enough for many workers, few enough that a small run is not all start-up


#: Compressions of formats that do not take all of `COMPRESSED`.
COMPRESSIONS = {"warc": (".gz", ".zst"), "parquet": (), "arrow": ()}

UNKNOWN = "unknown"
SHOWN_ENDINGS = 10  # of files that are not read: as many are named
#: What `datasets.save_to_disk` writes beside the data, and what its `map` leaves there: the data once more.
NOT_DATA = ("dataset_info.json", "state.json", "dataset_dict.json", "cache-*.arrow")


@dataclass(frozen=True, slots=True)
class InputFile:
    """One file of a source."""

    path: str
    size: int
    modified: float
    format: str
    source: str
    name: str = ""  # of a file that is one page, below the folder that the source names: what its URL is
    text: str = "text"  # the column that holds the text
    columns: tuple[str, ...] = ()  # those that go along into the result
    id: str = ""  # the column that holds the id of a record in its source
    title: str = ""  # the column that holds the title

    @property
    def splits(self) -> bool:
        """Whether a part of the file can be read without the rest: by row groups, compressed records or lines."""
        name = self.path.lower()
        by_record = self.format == "warc" and name.endswith(".gz")
        by_line = self.format == "jsonl" and not name.endswith(COMPRESSED)
        return self.format == "parquet" or by_record or by_line


@dataclass(frozen=True, slots=True)
class Part:
    """The records of a file that begin at bytes ``start`` to ``stop``; most parts are whole files."""

    file: InputFile
    start: int
    stop: int

    @property
    def whole(self) -> bool:
        """Whether this is all of the file."""
        return self.start == 0 and self.stop >= self.file.size


@dataclass(frozen=True, slots=True)
class Slice:
    """A piece of work: small files together or a part of a large one, always the same for the same inputs."""

    index: int
    parts: tuple[Part, ...]

    @property
    def size(self) -> int:
        """Bytes to read."""
        return sum(p.stop - p.start for p in self.parts)


def format_of(path: str) -> str | None:
    """Return the format that a file's name stands for, or None."""
    name, compression = split_compression(path)
    found = next((fmt for fmt, endings in ENDINGS.items() if name.endswith(endings)), "")
    return found if found and compression in ("", *COMPRESSIONS.get(found, COMPRESSED)) else None


def not_read(inputs: Iterable[InputFile]) -> str:
    """Say how many files have no known ending, and which endings they have; "" if there are none."""
    parts = [split_compression(f.path) for f in inputs if f.format == UNKNOWN]
    endings = Counter(storable(os.path.splitext(name)[1] + compression) or "none" for name, compression in parts)
    if not endings:
        return ""
    by_count = sorted(endings.items(), key=lambda e: (-e[1], e[0]))
    shown = ", ".join(f"{ending} {n:,}" for ending, n in by_count[:SHOWN_ENDINGS])
    more = f" and {len(by_count) - SHOWN_ENDINGS:,} more" if len(by_count) > SHOWN_ENDINGS else ""
    are = "file has no known ending and is" if len(parts) == 1 else "files have no known ending and are"
    return f"{len(parts):,} {are} not read: {shown}{more}; a source that sets format reads files of any name"


def list_inputs(sources: Sequence[Source], output: str = "") -> list[InputFile]:
    """List every file of every source, sorted by path; those of no known format too, which are counted and not read.

    Args:
        sources: of the recipe.
        output: folder of the run: what a run writes there is no input.

    Raises:
        RecipeError: no source at all, a pattern that matches nothing, only files of unknown formats, or a file that two
            sources claim.
    """
    if not sources:
        raise RecipeError("nothing to read: give --input PATTERN, or sources in the recipe")
    found: dict[str, InputFile] = {}
    for source in sources:
        if source.format == "datasets":
            if any(os.path.isfile(f"{source.input}/{name}") for name in ("state.json", "dataset_dict.json")):
                raise RecipeError(
                    f"input {source.input!r}: a folder of save_to_disk, which format: auto reads; leave datasets out"
                )
            local = files.match(source.input) if os.path.isdir(source.input) else []
            changed = sum(f.last_updated_in_seconds + f.size_in_bytes for f in local)
            data = _file(source, source.input, 0, changed, "datasets")
            if found.setdefault(source.input, data) != data:
                raise RecipeError(f"the data set {source.input} is in two sources: leave one out")
            continue
        matched = files.match(source.input)
        if not matched:
            raise RecipeError(f"input {source.input!r} matches no file: check the path; quote globs in the shell")
        usable = written = 0
        saved = _saved(meta.path for meta in matched) if source.format == "auto" else set()
        for meta in matched:
            if output and _is_written(meta.path, output):
                written += 1
                continue
            if _is_no_data(meta.path, saved):
                continue
            fmt = source.format if source.format != "auto" else format_of(meta.path) or UNKNOWN
            usable += fmt != UNKNOWN
            size, modified = meta.size_in_bytes, meta.last_updated_in_seconds
            name = _name_below(meta.path, source.input) if fmt in ("html", "text") else ""
            file = _file(source, meta.path, size if fmt != UNKNOWN else 0, modified, fmt, name)
            before = found.get(meta.path, file)
            if replace(before, name=file.name) != file:
                raise RecipeError(f"{meta.path} is in two sources, {before.source!r} and {source.name!r}")
            # two patterns of one source may match a file: the longer name is the same whichever comes first
            found[meta.path] = max(before, file, key=lambda f: len(f.name))
        if written == len(matched):
            raise RecipeError(f"input {source.input!r} is what a run writes into {output}: choose another --output")
        if not usable:
            known = " ".join(e for endings in ENDINGS.values() for e in endings)
            raise RecipeError(
                f"input {source.input!r}: no file with a known ending ({known}) beside {' '.join(NOT_DATA)}; "
                "set format in the recipe"
            )
    return sorted(found.values(), key=lambda f: f.path)


def _file(source: Source, path: str, size: int, modified: float, format: str, name: str = "") -> InputFile:
    columns = source.columns, source.id, source.title
    return InputFile(path, size, modified, format, source.name, name, source.text, *columns)


def _is_written(path: str, output: str) -> bool:
    folder = files.join(output, "")
    if "://" not in path:  # links on the way to a file are followed, as in the output
        path = f"{_real(os.path.dirname(path))}/{os.path.basename(path)}"
    name, *below = path.removeprefix(folder).split("/")
    mine = name in (*TABLES, *REPORTS, WORK) or (not below and name.endswith(files.INCOMPLETE))
    return path.startswith(folder) and mine


_real = functools.lru_cache(64)(os.path.realpath)


def _saved(paths: Iterable[str]) -> set[str]:
    """Return the folders in which `datasets.save_to_disk` may have written, and those above, of whole dictionaries."""
    folders = {path.rpartition("/")[0] for path in paths if path.endswith(".arrow")}
    return folders | {folder.rpartition("/")[0] for folder in folders}


def _is_no_data(path: str, saved: set[str]) -> bool:
    folder, _, name = path.rpartition("/")
    return folder in saved and any(fnmatch.fnmatchcase(name, pattern) for pattern in NOT_DATA)


def _name_below(path: str, pattern: str) -> str:
    """Return a file's path below the folder that a pattern names, or below what stands before its first wildcard."""
    if "://" not in pattern:
        pattern = os.path.abspath(os.path.expanduser(pattern))
    fixed = pattern if path.startswith(f"{pattern}/") else re.split(r"[*?\[]", pattern)[0].rpartition("/")[0]
    return storable(path.removeprefix(f"{fixed}/"))


def cut_slices(inputs: Sequence[InputFile]) -> list[Slice]:
    """Cut the files, in order of path, into slices of about the same size."""
    wanted = sum(f.size for f in inputs) // SLICES
    room_of_one = min(max(wanted, MIN_SLICE_BYTES), MAX_SLICE_BYTES)
    groups: list[list[Part]] = []
    room = 0
    for file in inputs:
        pieces = -(-file.size // room_of_one) if file.splits and file.size else 1
        for i in range(pieces):
            part = Part(file, file.size * i // pieces, file.size * (i + 1) // pieces)
            size = part.stop - part.start
            if not groups or room < size or file.format == "datasets":  # whose size nobody knows
                groups.append([])
                room = room_of_one
            groups[-1].append(part)
            room -= size
    return [Slice(i, tuple(group)) for i, group in enumerate(groups)]
