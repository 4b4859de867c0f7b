"""Raw inputs: which files there are, how they are cut into slices of work, and the documents in a slice.

A record that cannot be read costs that record: it comes out as a rejection with its reason, and the rest is read.
"""

from __future__ import annotations

import codecs
import fnmatch
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any, BinaryIO

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from curate.charset import decode
from curate.compression import COMPRESSED, DAMAGE, decompressed
from curate.dates import iso_date
from curate.document import Document, Rejection
from curate.hashing import document_id
from curate.urls import FILE_SCHEME
from curate.warc import Broken, Page, Skipped, is_html, read_records
from pipelines import files
from pipelines.recipe import RecipeError, Source
from pipelines.tables import REPORTS, TABLES, WORK

MAX_SLICE_BYTES = 64_000_000  # a slice is also what a killed worker loses
MIN_SLICE_BYTES = 500_000  # below this, starting a slice costs more than the work in it
SLICES = 32  # wanted of any input: enough for many workers, few enough that a small run is not all start-up
ROWS = 256  # of a table that are taken at a time
MAX_RECORD_BYTES = 64_000_000  # one JSON line, HTML or text file larger than this is not a page

ARROW_FILE = b"ARROW1\0\0"
AN_ARRAY = "an array, where one object a line is read: jq -c '.[]' makes it so"

FORMATS = {
    "warc": (".warc", ".arc", ".wet", ".wat"),
    "jsonl": (".jsonl", ".json", ".ndjson"),
    "parquet": (".parquet",),
    "arrow": (".arrow",),
    "html": (".html", ".htm", ".xhtml"),
    "text": (".txt", ".md", ".text"),
}
#: Compressions of formats that do not take all of `COMPRESSED`.
COMPRESSIONS = {"warc": (".gz", ".zst"), "parquet": (), "arrow": ()}

UNKNOWN = "unknown"
ENDINGS = 10  # of files that are not read: as many are named
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
    """A document that the source itself rejects.

    ``offset``: the byte of the file at which it begins, of JSON lines uncompressed; -1 where it is not known.
    """

    document: Document
    rejection: Rejection
    offset: int = -1


@dataclass(frozen=True, slots=True)
class NotAPage:
    """A record that is no document and never was: a request, a header, metadata."""

    kind: str


def format_of(path: str) -> str | None:
    """Return the format that a file's name stands for, or None."""
    name, compression = _split(path)
    found = next((fmt for fmt, endings in FORMATS.items() if name.endswith(endings)), "")
    return found if found and compression in ("", *COMPRESSIONS.get(found, COMPRESSED)) else None


def _split(path: str) -> tuple[str, str]:
    """Return a file's name in small letters without the ending of its compression, and that."""
    name = path.lower().rpartition("/")[2]
    compression = next((ending for ending in COMPRESSED if name.endswith(ending)), "")
    return name.removesuffix(compression), compression


def not_read(inputs: Iterable[InputFile]) -> str:
    """Say how many files have no known ending, and which endings they have; "" if there are none."""
    parts = [_split(f.path) for f in inputs if f.format == UNKNOWN]
    endings = Counter(os.path.splitext(name)[1] + compression or "none" for name, compression in parts)
    if not endings:
        return ""
    by_count = sorted(endings.items(), key=lambda e: (-e[1], e[0]))
    shown = ", ".join(f"{ending} {n:,}" for ending, n in by_count[:ENDINGS])
    more = f" and {len(by_count) - ENDINGS:,} more" if len(by_count) > ENDINGS else ""
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
            found[source.input] = InputFile(source.input, 0, 0.0, "datasets", source.name, text=source.text)
            continue
        matched = files.match(source.input)
        if not matched:
            raise RecipeError(f"input {source.input!r} matches no file: check the path; quote globs in the shell")
        usable = written = 0
        for meta in matched:
            if output and _is_written(meta.path, output):
                written += 1
                continue
            if _is_no_data(meta.path):
                continue
            fmt = source.format if source.format != "auto" else format_of(meta.path) or UNKNOWN
            usable += fmt != UNKNOWN
            size, modified = meta.size_in_bytes, meta.last_updated_in_seconds
            name = _name_below(meta.path, source.input) if fmt in ("html", "text") else ""
            file = InputFile(meta.path, size if fmt != UNKNOWN else 0, modified, fmt, source.name, name, source.text)
            if meta.path in found and found[meta.path] != file:
                raise RecipeError(f"{meta.path} is in two sources, {found[meta.path].source!r} and {source.name!r}")
            found[meta.path] = file
        if written == len(matched):
            raise RecipeError(f"input {source.input!r} is what a run writes into {output}: choose another --output")
        if not usable:
            known = " ".join(e for endings in FORMATS.values() for e in endings)
            raise RecipeError(
                f"input {source.input!r}: no file with a known ending ({known}) beside {' '.join(NOT_DATA)}; "
                "set format in the recipe"
            )
    return sorted(found.values(), key=lambda f: f.path)


def _is_written(path: str, output: str) -> bool:
    folder = files.join(output, "")
    name, *below = path.removeprefix(folder).split("/")
    mine = name in (*TABLES, *REPORTS, WORK) or (not below and name.endswith(files.INCOMPLETE))
    return path.startswith(folder) and mine


def _is_no_data(path: str) -> bool:
    name = path.rpartition("/")[2]
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in NOT_DATA)


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
    elif part.file.format == "datasets":
        yield from _datasets(part.file)
    else:
        readers = {"warc": _warc, "jsonl": _jsonl, "parquet": _parquet, "arrow": _arrow, "html": _page, "text": _page}
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
    behind = part.start  # the line that was read
    if part.start:  # the line that begins before the part belongs to the part before
        lines.seek(part.start - 1)
        behind += len(lines.readline()) - 1
    while part.whole or behind < part.stop:
        at = behind
        try:
            line = rest = lines.readline(MAX_RECORD_BYTES)
            behind += len(line)
            longer = len(line) == MAX_RECORD_BYTES and not line.endswith(b"\n")
            while longer and rest and not rest.endswith(b"\n"):
                rest = lines.readline(MAX_RECORD_BYTES)
                behind += len(rest)
        except DAMAGE as e:
            yield _broken(file, "broken", f"truncated or damaged compression: {e}", offset=at)
            return
        if not line:
            return
        line = line.removeprefix(codecs.BOM_UTF8)
        hint = f"; {AN_ARRAY}" if line.lstrip()[:1] == b"[" else ""
        if longer:
            problem = f"a line longer than {MAX_RECORD_BYTES:,} bytes{hint}"
            yield _broken(file, "broken", problem, line, offset=at)
            continue
        if not line.strip():
            continue
        try:
            row = orjson.loads(line)
        except orjson.JSONDecodeError as e:
            yield _broken(file, "broken", f"not JSON: {e}{hint}", line, offset=at)
            continue
        if isinstance(row, list):
            yield _broken(file, "broken", AN_ARRAY, line, offset=at)
            continue
        yield _row_document(row, file, line, at)


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
            for batch in parquet.iter_batches(batch_size=ROWS, row_groups=[group], columns=columns):
                for row in batch.to_pylist():
                    yield _row_document(row, file, b"")
        except (OSError, ValueError) as e:
            yield _broken(file, "broken", f"damaged Parquet row group {group}: {e}")


def _has_column(parquet: pq.ParquetFile, name: str) -> bool:
    return any(path == name or path.startswith(f"{name}.") for path in (c.path for c in parquet.schema))


def _arrow(stream: BinaryIO, part: Part) -> Iterator[Document | Dropped | NotAPage]:
    """Yield the rows of an Arrow file, or of an Arrow stream, which is what ``datasets.save_to_disk`` writes."""
    try:
        is_file = stream.read(len(ARROW_FILE)) == ARROW_FILE
        stream.seek(0)
        reader = pa.ipc.open_file(stream) if is_file else pa.ipc.open_stream(stream)
        batches = map(reader.get_batch, range(reader.num_record_batches)) if is_file else reader
        for batch in batches:
            batch.validate(full=True)  # reading a damaged one ends the process otherwise
            for start in range(0, batch.num_rows, ROWS):
                for row in batch.slice(start, ROWS).to_pylist():
                    yield _row_document(row, part.file, b"")
    except (OSError, ValueError, MemoryError, pa.ArrowException) as e:
        yield _broken(part.file, "broken", f"damaged Arrow: {e}")


def _datasets(file: InputFile) -> Iterator[Document | Dropped | NotAPage]:
    """Stream a data set of the Hugging Face hub.

    Raises:
        RecipeError: there is no such data set, configuration or split.
    """
    from datasets import load_dataset

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
    except DAMAGE as e:
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
