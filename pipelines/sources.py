"""Raw inputs: which files there are, how they are cut into slices of work, and the documents in a slice.

A record that cannot be read costs that record: it comes out as a rejection with its reason, and the rest is read.
"""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any, BinaryIO

import orjson
import pyarrow.parquet as pq
import zstandard

from curate.charset import decode
from curate.compression import COMPRESSED, decompressed
from curate.dates import iso_date
from curate.document import Document, Rejection
from curate.hashing import document_id
from curate.urls import FILE_SCHEME
from curate.warc import Broken, Page, Skipped, is_html, read_records
from pipelines import files
from pipelines.recipe import RecipeError, Source

MAX_SLICE_BYTES = 64_000_000  # a slice is also what a killed worker loses
MIN_SLICE_BYTES = 500_000  # below this, starting a slice costs more than the work in it
SLICES = 32  # wanted of any input: enough for many workers, few enough that a small run is not all start-up
MAX_RECORD_BYTES = 64_000_000  # one JSON line, HTML or text file larger than this is not a page

FORMATS = {
    "warc": (".warc", ".arc", ".wet", ".wat"),
    "jsonl": (".jsonl", ".json", ".ndjson"),
    "parquet": (".parquet",),
    "arrow": (".arrow",),
    "html": (".html", ".htm", ".xhtml"),
    "text": (".txt", ".md", ".text"),
}


UNKNOWN = "unknown"
#: What `datasets.save_to_disk` writes beside the data.
NOT_DATA = ("dataset_info.json", "state.json", "dataset_dict.json")


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


@dataclass(frozen=True, slots=True)
class Dropped:
    """A document that the source itself rejects."""

    document: Document
    rejection: Rejection
    offset: int = -1


@dataclass(frozen=True, slots=True)
class NotAPage:
    """A record that is no document and never was: a request, a header, metadata."""

    kind: str


def format_of(path: str) -> str | None:
    """Return the format that a file's name stands for, compression suffixes aside, or None."""
    name = path.lower()
    for suffix in COMPRESSED:
        name = name.removesuffix(suffix)
    return next((fmt for fmt, endings in FORMATS.items() if name.endswith(endings)), None)


def list_inputs(sources: Sequence[Source], output: str = "") -> list[InputFile]:
    """List every file of every source, sorted by path; those of no known format too, which are counted and not read.

    Args:
        sources: of the recipe.
        output: folder of the run: what lies in it is no input.

    Raises:
        RecipeError: no source at all, a pattern that matches nothing, only files of unknown formats, or a file that two
            sources claim.
    """
    if not sources:
        raise RecipeError("nothing to read: give --input PATTERN, or sources in the recipe")
    found: dict[str, InputFile] = {}
    for source in sources:
        if source.format == "datasets":
            found[source.input] = InputFile(source.input, 0, 0.0, "datasets", source.name, text=source.text)
            continue
        matched = files.match(source.input)
        if not matched:
            raise RecipeError(f"input {source.input!r} matches no file: check the path; quote globs in the shell")
        usable = 0
        for meta in matched:
            if meta.path.endswith(NOT_DATA) or (output and meta.path.startswith(files.join(output, ""))):
                continue
            fmt = source.format if source.format != "auto" else format_of(meta.path) or UNKNOWN
            usable += fmt != UNKNOWN
            size, modified = meta.size_in_bytes, meta.last_updated_in_seconds
            name = _name_below(meta.path, source.input) if fmt in ("html", "text") else ""
            file = InputFile(meta.path, size if fmt != UNKNOWN else 0, modified, fmt, source.name, name, source.text)
            if meta.path in found and found[meta.path] != file:
                raise RecipeError(f"{meta.path} is in two sources, {found[meta.path].source!r} and {source.name!r}")
            found[meta.path] = file
        if not usable:
            known = " ".join(e for endings in FORMATS.values() for e in endings)
            raise RecipeError(
                f"input {source.input!r}: no file with a known ending ({known}); set format in the recipe"
            )
    return sorted(found.values(), key=lambda f: f.path)


def _name_below(path: str, pattern: str) -> str:
    """Return a file's path below the folder that a pattern names, or below what stands before its first wildcard."""
    if "://" not in pattern:
        pattern = os.path.abspath(os.path.expanduser(pattern))
    fixed = pattern if path.startswith(f"{pattern}/") else re.split(r"[*?\[]", pattern)[0].rpartition("/")[0]
    return path.removeprefix(f"{fixed}/").encode("utf-8", "surrogateescape").decode("utf-8", "replace")


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
            if not groups or room < size:
                groups.append([])
                room = room_of_one
            groups[-1].append(part)
            room -= size
    return [Slice(i, tuple(group)) for i, group in enumerate(groups)]


def read_part(part: Part, stream: BinaryIO | None = None) -> Iterator[Document | Dropped | NotAPage]:
    """Yield what is in one part of a file; never raises for what the file contains.

    Args:
        part: which file, and where in it.
        stream: the file, where it is open already.
    """
    if part.file.format == UNKNOWN:
        yield NotAPage("unknown_file")
    elif part.file.format in ("datasets", "arrow"):
        yield from _datasets(part.file)
    else:
        readers = {"warc": _warc, "jsonl": _jsonl, "parquet": _parquet, "html": _page, "text": _page}
        with nullcontext(stream) if stream else files.open_read(part.file.path) as opened:
            yield from readers[part.file.format](opened, part)


def _broken(file: InputFile, rule: str, detail: str, content: bytes = b"", url: str = "", offset: int = -1) -> Dropped:
    document = Document(id=document_id(url, "", content or detail.encode()), url=url, source=file.source)
    return Dropped(document, Rejection(rule, detail=detail), offset)


def _warc(stream: BinaryIO, part: Part) -> Iterator[Document | Dropped | NotAPage]:
    file = part.file
    for record in read_records(stream, file.path, part.start, None if part.whole else part.stop):
        match record:
            case Skipped():
                yield NotAPage(record.kind)
            case Broken():
                detail = f"{record.reason}: {record.detail}".rstrip(": ")
                yield _broken(file, "broken", detail, url=record.url, offset=record.offset)
            case Page():
                yield _page_document(record, file)


def _page_document(page: Page, file: InputFile) -> Document | Dropped:
    document = Document(
        id=document_id(page.url, page.date, page.content),
        url=page.url,
        date=page.date,
        source=file.source,
        charset=page.charset,
    )
    if page.kind == "response" and page.status != 200:
        return Dropped(document, Rejection("status", page.status, 200), page.offset)
    if is_html(page.content_type, page.content):
        return replace(document, html=page.content)
    if page.content_type.startswith("text/plain"):
        return replace(document, text=decode(page.content, page.charset)[0])
    return Dropped(document, Rejection("content_type", detail=page.content_type or "none"), page.offset)


def _jsonl(stream: BinaryIO, part: Part) -> Iterator[Document | Dropped | NotAPage]:
    file = part.file
    lines = decompressed(stream, file.path)
    if part.start:  # the line that begins before the part belongs to the part before
        lines.seek(part.start - 1)
        lines.readline()
    number = 0
    while part.whole or lines.tell() < part.stop:
        number += 1
        try:
            line = lines.readline(MAX_RECORD_BYTES)
            longer = len(line) == MAX_RECORD_BYTES and not line.endswith(b"\n")
            while longer and (rest := lines.readline(MAX_RECORD_BYTES)) and not rest.endswith(b"\n"):
                pass
        except (EOFError, OSError, zlib.error, zstandard.ZstdError) as e:
            yield _broken(file, "broken", f"truncated or damaged compression: {e}", offset=number)
            return
        if not line:
            return
        if longer:
            yield _broken(file, "broken", f"a line longer than {MAX_RECORD_BYTES:,} bytes", line, offset=number)
            continue
        if not line.strip():
            continue
        try:
            row = orjson.loads(line)
        except orjson.JSONDecodeError as e:
            yield _broken(file, "broken", f"not JSON: {e}", line, offset=number)
            continue
        yield _row_document(row, file, line, number)


def _parquet(stream: BinaryIO, part: Part) -> Iterator[Document | Dropped | NotAPage]:
    file = part.file
    try:
        parquet = pq.ParquetFile(stream)
        wanted = (file.text, *ROW_FIELDS, *(f"metadata.{c}" for c in ROW_FIELDS))
        columns = [c for c in dict.fromkeys(wanted) if _has_column(parquet, c)]
    except (OSError, ValueError) as e:
        if part.start == 0:
            yield _broken(file, "broken", f"damaged Parquet: {e}")
        return
    count = parquet.metadata.num_row_groups
    for group in range(count):
        if not part.start <= file.size * group // count < part.stop:
            continue
        try:
            for batch in parquet.iter_batches(batch_size=256, row_groups=[group], columns=columns):
                for row in batch.to_pylist():
                    yield _row_document(row, file, b"")
        except (OSError, ValueError) as e:
            yield _broken(file, "broken", f"damaged Parquet row group {group}: {e}", offset=group)


def _has_column(parquet: pq.ParquetFile, name: str) -> bool:
    return any(path == name or path.startswith(f"{name}.") for path in (c.path for c in parquet.schema))


def _datasets(file: InputFile) -> Iterator[Document | Dropped | NotAPage]:
    """Stream a Hugging Face data set: of the hub, or a file of a folder that ``save_to_disk`` wrote.

    Raises:
        RecipeError: there is no such data set, configuration or split.
    """
    from datasets import Dataset, load_dataset

    if file.format == "arrow":
        rows: Any = Dataset.from_file(file.path)
    else:
        name, *config, split = file.path.split(":") if ":" in file.path else (file.path, "train")
        try:
            rows = load_dataset(name, *config, split=split, streaming=True)
        except (OSError, ValueError) as e:
            raise RecipeError(f"input {file.path!r}: {e}") from None
    try:
        for row in rows:
            yield _row_document(row, file, b"")
    except (OSError, ValueError) as e:
        yield _broken(file, "broken", f"damaged data set: {e}")


def count_rows(file: InputFile) -> int:
    """Return how many rows a saved data set has."""
    from datasets import Dataset

    return Dataset.from_file(file.path).num_rows


#: The columns that are looked at, at the top of a row or below ``metadata``.
ROW_FIELDS = ("text", "html", "url", "date", "timestamp")


def _row_document(row: Any, file: InputFile, raw: bytes, offset: int = -1) -> Document | Dropped:
    """Build a document from a row with text or HTML, and ``url`` and ``date`` at the top or in ``metadata``."""
    row = row if isinstance(row, dict) else {}
    text, html = (v if isinstance(v := row.get(name), str | bytes) else None for name in (file.text, "html"))
    if text is None and html is None:
        problem = f"a row without {file.text} or html; it has {', '.join(map(str, row)) or 'nothing'}"
        return _broken(file, "broken", problem[:500], raw or repr(row).encode(), offset=offset)
    meta: dict = row["metadata"] if isinstance(row.get("metadata"), dict) else {}
    url = str(row.get("url") or meta.get("url") or "")
    date = row.get("date") or row.get("timestamp") or meta.get("date") or ""
    html = b"" if text and text.strip() else html or b""  # a row that has its text is not extracted again
    if isinstance(html, str):
        html = html.encode("utf-8", "surrogatepass")
    if isinstance(text, bytes):
        text = decode(text)[0]
    content = (text or "").encode("utf-8", "surrogatepass") or html
    found = document_id(url, str(date), content)
    return Document(id=found, text=text or "", url=url, date=iso_date(date), source=file.source, html=html)


def _page(stream: BinaryIO, part: Part) -> Iterator[Document | Dropped | NotAPage]:
    file = part.file
    try:
        content = decompressed(stream, file.path).read(MAX_RECORD_BYTES + 1)
    except (EOFError, OSError, zlib.error, zstandard.ZstdError) as e:
        yield _broken(file, "broken", f"truncated or damaged compression: {e}")
        return
    url = f"{FILE_SCHEME}{file.name}"
    if len(content) > MAX_RECORD_BYTES:
        yield _broken(file, "broken", f"a file longer than {MAX_RECORD_BYTES:,} bytes", content[:-1], url)
        return
    document = Document(id=document_id(url, "", content), url=url, source=file.source)
    if file.format == "html":
        yield replace(document, html=content)
    else:
        yield replace(document, text=decode(content)[0])
