"""Records of one part of an input: what is in each format, as documents.

A record that cannot be read costs that record: it comes out as a rejection with its reason, and the rest is read.
"""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any, BinaryIO

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from curate.charset import decode
from curate.compression import DAMAGE, decompressed
from curate.dates import iso_date
from curate.document import Document, Rejection
from curate.hashing import document_id
from curate.urls import FILE_SCHEME
from curate.warc import Broken, Page, Skipped, is_html, read_records
from pipelines import files
from pipelines.recipe import RecipeError
from pipelines.sources import UNKNOWN, InputFile, Part

ROWS = 256  # of a table that are taken at a time
MAX_RECORD_BYTES = 64_000_000  # one JSON line, HTML or text file larger than this is not a page

ARROW_FILE = b"ARROW1\0\0"
AN_ARRAY = "an array, where one object a line is read: jq -c '.[]' makes it so"


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


def read_part(part: Part, stream: BinaryIO | None = None) -> Iterator[Document | Dropped | NotAPage]:
    """Yield what is in one part of a file; never raises for what the file contains.

    An error that no reader foresaw ends the part as a broken record; what was read before it stays.

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
        with nullcontext(stream) if stream else _open(part.file.path) as opened:
            try:
                yield from readers[part.file.format](opened, part)
            except _Unread as e:
                raise OSError(f"{part.file.path}: {e}") from e
            except (OSError, MemoryError):  # of the machine
                raise
            except Exception as e:
                yield _broken(part.file, "broken", f"cannot be read on: {type(e).__name__}: {e}")


class _Unread(Exception):
    """A remote file could not be read on: nothing that its content did, so no reader takes it for damage."""


class _Remote(io.RawIOBase):
    """A remote file whose own errors are `_Unread`."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            data = self._stream.read(len(buffer))
        except OSError as e:
            raise _Unread(files.reason(e)) from e
        buffer[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        self._stream.seek(offset, whence)
        return self._stream.tell()

    def close(self) -> None:
        self._stream.close()
        super().close()


def _open(path: str) -> BinaryIO:
    stream = files.open_read(path)
    return io.BufferedReader(_Remote(stream), 1 << 20) if "://" in path else stream


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
        behind -= 1
        lines.seek(behind)
        while behind < part.stop and (rest := lines.readline(1 << 20)):
            behind += len(rest)
            if rest.endswith(b"\n"):
                break
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
                yield from _rows(batch, file)
        except (OSError, ValueError) as e:
            rows = parquet.metadata.row_group(group).num_rows
            yield _broken(file, "broken", f"damaged Parquet row group {group}, of {rows:,} rows: {e}")


def _rows(batch: pa.RecordBatch, file: InputFile) -> Iterator[Document | Dropped]:
    """Yield the documents of a batch; a row with a value that cannot be read costs that row."""
    try:
        rows = batch.to_pylist()
    except Exception:  # no UTF-8, a time beyond the calendar, a zone that nobody knows
        if len(batch) > 1:
            for i in range(len(batch)):
                yield from _rows(batch.slice(i, 1), file)
            return
        yield from _bare_row(batch, file)
    else:
        yield from (_row_document(row, file, b"") for row in rows)


def _bare_row(batch: pa.RecordBatch, file: InputFile) -> Iterator[Document | Dropped]:
    """Yield the document of a row of which a value cannot be read, without that value; text is read as bytes."""
    row: dict[str, Any] = {}
    lost = ""
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        for kind in (column.type, pa.large_binary(), pa.binary()):
            try:
                row[name] = column.cast(kind)[0].as_py()
                break
            except Exception as e:
                lost = f"{name} cannot be read: {e}"
    if isinstance(row.get(file.text), str | bytes) or isinstance(row.get("html"), str | bytes):
        yield _row_document(row, file, b"")
    else:
        yield _broken(file, "broken", lost)


def _has_column(parquet: pq.ParquetFile, name: str) -> bool:
    return any(path == name or path.startswith(f"{name}.") for path in (c.path for c in parquet.schema))


_BYTES = {pa.string(): pa.binary(), pa.large_string(): pa.large_binary()}


def _arrow(stream: BinaryIO, part: Part) -> Iterator[Document | Dropped | NotAPage]:
    """Yield the rows of an Arrow file, or of an Arrow stream, which is what ``datasets.save_to_disk`` writes."""
    try:
        is_file = stream.read(len(ARROW_FILE)) == ARROW_FILE
        stream.seek(0)
        reader = pa.ipc.open_file(stream) if is_file else pa.ipc.open_stream(stream)
        batches = map(reader.get_batch, range(reader.num_record_batches)) if is_file else reader
        for batch in batches:
            for column in batch.columns:  # reading a damaged one ends the process; what is no UTF-8 costs a row
                column.view(_BYTES.get(column.type, column.type)).validate(full=True)
            for start in range(0, batch.num_rows, ROWS):
                yield from _rows(batch.slice(start, ROWS), part.file)
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
        return _broken(file, "broken", problem, raw or repr(row).encode(), offset=offset)
    meta: dict = row["metadata"] if isinstance(row.get("metadata"), dict) else {}
    url = str(row.get("url") or meta.get("url") or "")
    date = row.get("date") or row.get("timestamp") or meta.get("date") or meta.get("timestamp") or ""
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
