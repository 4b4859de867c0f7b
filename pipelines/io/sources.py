"""Inputs: the files of each source, and how they are split into slices of work."""

from __future__ import annotations

import fnmatch
import functools
import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from apache_beam.io.filesystem import FileMetadata

from curate.input.compression import COMPRESSED, decompressed, split_compression
from curate.text.printable import storable
from pipelines.io import files
from pipelines.io.formats import ENDINGS
from pipelines.io.sealed import WORK
from pipelines.io.tables import REPORTS, TABLES
from pipelines.recipe.errors import RecipeError
from pipelines.recipe.model import Source

MAX_SLICE_BYTES = 64_000_000  # a killed worker loses at most a slice
MIN_SLICE_BYTES = 500_000  # starting a smaller slice costs more than the work in it
#: At most about so many slices, which become larger with larger inputs: the driver's work grows with their number, and
#: 10,000 workers have enough of them. curate's own value: 100,000 slices of an archive of Common Crawl each.
MOST_SLICES = 100_000
SLICES = 32  # aimed at for any input: enough for many workers, and few enough for small runs


#: Compressions that a format supports, for formats that do not support all of `COMPRESSED`.
COMPRESSIONS = {"warc": (".gz", ".zst"), "parquet": (), "arrow": ()}

LIST = "@"  # before the path of a list of inputs
MAX_LIST_BYTES = 256_000_000  # unpacked; the list of a Common Crawl dump has 14 MB
LOOKUPS = 32  # files of a list that are looked up at once
UNKNOWN = "unknown"
SHOWN_ENDINGS = 10  # endings of files that are not read, in a warning
#: Files of `datasets.save_to_disk` other than the data, and the copies of the data that `map` caches there.
NOT_DATA = ("dataset_info.json", "state.json", "dataset_dict.json", "cache-*.arrow")


@dataclass(frozen=True, slots=True)
class InputFile:
    """One file of a source.

    Attributes:
        path: absolute path or URL.
        size: bytes.
        modified: time of the last change, in seconds since 1970.
        format: name of the format, or import path of a reader.
        source: name of the source.
        name: for a file that is one page, its path below the folder of the source, which becomes its URL.
        text: column that holds the text.
        columns: columns that are copied to the result.
        id: column that holds the record's id in its source; "" for none.
        title: column that holds the title; "" for none.
    """

    path: str
    size: int
    modified: float
    format: str
    source: str
    name: str = ""
    text: str = "text"
    columns: tuple[str, ...] = ()
    id: str = ""
    title: str = ""

    @property
    def splits(self) -> bool:
        """Whether parts of the file can be read separately: by row group, compressed record or line."""
        name = self.path.lower()
        by_record = self.format == "warc" and name.endswith(".gz")
        by_line = self.format == "jsonl" and not name.endswith(COMPRESSED)
        return self.format == "parquet" or by_record or by_line


@dataclass(frozen=True, slots=True)
class Part:
    """The records of a file that begin at bytes ``start`` to ``stop``, exclusive; most parts are whole files."""

    file: InputFile
    start: int
    stop: int

    @property
    def whole(self) -> bool:
        """Whether the part is the whole file."""
        return self.start == 0 and self.stop >= self.file.size


@dataclass(frozen=True, slots=True)
class Slice:
    """A unit of work: some small files, or part of a large one; always the same for the same inputs."""

    index: int
    parts: tuple[Part, ...]

    def __str__(self) -> str:
        paths = list(dict.fromkeys(part.file.path for part in self.parts))
        more = f" and {len(paths) - 1:,} more" if len(paths) > 1 else ""
        return f"slice {self.index} ({''.join(paths[:1])}{more})"

    @property
    def size(self) -> int:
        """Bytes to read."""
        return sum(p.stop - p.start for p in self.parts)


def format_of(path: str) -> str | None:
    """Return the format that a file's name indicates, or None."""
    name, compression = split_compression(path)
    fmt = next((fmt for fmt, endings in ENDINGS.items() if name.endswith(endings)), "")
    return fmt if fmt and compression in ("", *COMPRESSIONS.get(fmt, COMPRESSED)) else None


def not_read(inputs: Iterable[InputFile]) -> str:
    """Return a warning about files without a known ending that lists their endings; "" if there are none."""
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
    """List every file of every source, sorted by path; files of unknown format are listed but not read.

    Args:
        sources: sources of the recipe.
        output: folder of the run; files that a run writes there are not inputs.

    Raises:
        RecipeError: there are no sources, a pattern matches nothing or only files of unknown formats, or two sources
            have the same file.
    """
    if not sources:
        raise RecipeError("nothing to read: give --input PATTERN, or sources in the recipe")
    inputs: dict[str, InputFile] = {}
    for source in sources:
        if source.format == "datasets":
            if any(os.path.isfile(f"{source.input}/{name}") for name in ("state.json", "dataset_dict.json")):
                raise RecipeError(
                    f"input {source.input!r} was written by save_to_disk, which format: auto reads; remove the format"
                )
            local = files.match(source.input) if os.path.isdir(source.input) else []
            changed = sum(f.last_updated_in_seconds + f.size_in_bytes for f in local)
            data = _file(source, source.input, 0, changed, "datasets")
            if inputs.setdefault(source.input, data) != data:
                raise RecipeError(f"the data set {source.input} is in two sources; remove one")
            continue
        matched = _listed(source) if source.input.startswith(LIST) else files.match(source.input)
        if not matched:
            raise RecipeError(f"input {source.input!r} matches no file; check the path, and quote globs in the shell")
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
            name = _name_below(meta.path, source.prefix or source.input) if fmt in ("html", "text") else ""
            file = _file(source, meta.path, size if fmt != UNKNOWN else 0, modified, fmt, name)
            before = inputs.get(meta.path, file)
            if replace(before, name=file.name) != file:
                raise RecipeError(f"{meta.path} is in two sources, {before.source!r} and {source.name!r}; change one")
            # Several patterns of one source may match a file; the longest name does not depend on their order.
            inputs[meta.path] = max(before, file, key=lambda f: len(f.name))
        if written == len(matched):
            raise RecipeError(f"input {source.input!r} is in the output folder {output}; choose another --output")
        if not usable:
            known = " ".join(e for endings in ENDINGS.values() for e in endings)
            raise RecipeError(
                f"input {source.input!r} matches no file with a known ending ({known}), other than "
                f"{' '.join(NOT_DATA)}; set the format of the source in the recipe"
            )
    return sorted(inputs.values(), key=lambda f: f.path)


def _listed(source: Source) -> list[FileMetadata]:
    """Return the files that a list names; many at a time are looked up on a network.

    Raises:
        RecipeError: the list names a file that is not there.
        OSError: the list or a file cannot be read.
    """
    path = source.input.removeprefix(LIST)
    if "://" not in path:
        path = os.path.abspath(os.path.expanduser(path))
    with files.open_read(path) as stream:
        text = decompressed(stream, path).read(MAX_LIST_BYTES + 1)
    if len(text) > MAX_LIST_BYTES:
        raise RecipeError(f"input {source.input!r} is a list of more than {MAX_LIST_BYTES:,} bytes; split it")
    lines = text.decode("utf-8", "surrogateescape").splitlines()
    patterns = [source.prefix + line.strip() for line in lines if line.strip() and not line.startswith("#")]
    with ThreadPoolExecutor(LOOKUPS) as pool:
        found = list(pool.map(files.match, patterns))
    if missing := [pattern for pattern, matched in zip(patterns, found, strict=True) if not matched]:
        more = f" and {len(missing) - 1:,} more" if len(missing) > 1 else ""
        hint = "" if source.prefix else "; give what comes before each line as --input-prefix"
        raise RecipeError(f"input {source.input!r} names {missing[0]}{more}, which matches no file{hint}")
    unique = {meta.path: meta for matched in found for meta in matched}
    return [unique[path] for path in sorted(unique)]


def _file(source: Source, path: str, size: int, modified: float, format: str, name: str = "") -> InputFile:
    columns = source.columns, source.id, source.title
    return InputFile(path, size, modified, format, source.name, name, source.text, *columns)


def _is_written(path: str, output: str) -> bool:
    folder = files.join(output, "")
    if "://" not in path:  # resolve links to the folder, as the output's path does
        path = f"{_real(os.path.dirname(path))}/{os.path.basename(path)}"
    name, *below = path.removeprefix(folder).split("/")
    is_output = name in (*TABLES, *REPORTS, WORK) or (not below and name.endswith(files.INCOMPLETE))
    return path.startswith(folder) and is_output


_real = functools.lru_cache(64)(os.path.realpath)


def _saved(paths: Iterable[str]) -> set[str]:
    """Return the folders that `datasets.save_to_disk` may have written: those of data sets, and of dictionaries."""
    folders = {path.rpartition("/")[0] for path in paths if path.endswith(".arrow")}
    return folders | {folder.rpartition("/")[0] for folder in folders}


def _is_no_data(path: str, saved: set[str]) -> bool:
    folder, _, name = path.rpartition("/")
    return folder in saved and any(fnmatch.fnmatchcase(name, pattern) for pattern in NOT_DATA)


def _name_below(path: str, pattern: str) -> str:
    """Return a file's path below the folder that a pattern names, or below the last folder before its wildcards."""
    if "://" not in pattern:
        pattern = os.path.abspath(os.path.expanduser(pattern))
    fixed = pattern if path.startswith(f"{pattern}/") else re.split(r"[*?\[]", pattern)[0].rpartition("/")[0]
    return storable(path.removeprefix(f"{fixed}/"))


def cut_slices(inputs: Sequence[InputFile]) -> list[Slice]:
    """Split the files, in order of path, into about `SLICES` slices of the same size, or more of the largest size.

    The largest size grows with an input of more than `MOST_SLICES` of them.
    A slice ends within a file if the file can be split there, otherwise where the next file does not fit by half.
    """
    total = sum(f.size for f in inputs)
    size_of_one = max(min(max(-(-total // SLICES), MIN_SLICE_BYTES), MAX_SLICE_BYTES), -(-total // MOST_SLICES))
    groups: list[list[Part]] = []
    room = 0  # bytes that the last group still takes
    for file in inputs:
        alone = file.format == "datasets"  # its size is unknown
        if alone or (not file.splits and room < file.size / 2):
            room = 0
        stop = -1
        while stop < file.size:
            if room <= 0:
                groups.append([])
                room = size_of_one
            start = max(stop, 0)
            stop = min(start + room, file.size) if file.splits else file.size
            groups[-1].append(Part(file, start, stop))
            room -= stop - start
        if alone:
            room = 0
    return [Slice(i, tuple(group)) for i, group in enumerate(groups)]
