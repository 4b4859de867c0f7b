"""Readers: the records of one part of an input, in any format, as documents.

A record that cannot be read becomes a rejection with its reason, and reading continues after it.
"""

from __future__ import annotations

import codecs
import io
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, BinaryIO

from curate.document import Document, Rejection
from curate.filters.urls import FILE_SCHEME
from curate.input.compression import Damaged, decompressed, split_compression
from curate.input.json_line import parse_json
from curate.input.limits import FREE_ROWS, MAX_EXPANSION, MAX_RECORD_BYTES, ROWS_PER_BYTE, is_bomb, too_many_rows
from curate.input.warc import Broken, Page, Skipped, is_html, read_records
from curate.text.charset import decode
from curate.text.hashing import document_id
from pipelines.io import files
from pipelines.io.columnar import arrow_rows, parquet_rows
from pipelines.io.formats import input_format
from pipelines.io.records import Dropped, NotAPage, broken, row_document
from pipelines.io.sources import UNKNOWN, InputFile, Part
from pipelines.recipe.errors import RecipeError

AN_ARRAY = "an array, where one object a line is read: jq -c '.[]' makes it so"
SKIP_BYTES = 1 << 20  # skipped at a time in a line that is too long


def read_part(part: Part, stream: BinaryIO | None = None) -> Iterator[Document | Dropped | NotAPage]:
    """Yield the records of one part of a file; never raise for what the file contains.

    An unexpected error ends the part with a broken record and keeps what was read before it. No record takes more than
    `curate.input.limits.MAX_RECORD_BYTES`.

    Args:
        part: the file, and the bytes at which its records begin.
        stream: the file, if it is open already.

    Raises:
        InputChanged: the file is not the one that was listed.
        OSError: the file cannot be read.
    """
    if part.file.format == UNKNOWN:
        yield NotAPage("unknown_file")
    elif part.file.format == "datasets":
        yield from _datasets(part.file)
    elif stream:
        yield from _records(stream, part)
    else:
        check_unchanged(part.file)
        with _open(part.file.path) as opened:
            yield from _records(opened, part)
        check_unchanged(part.file)


_READERS: dict[str, Callable[[BinaryIO, Part], Iterator[Document | Dropped | NotAPage]]]


def _records(stream: BinaryIO, part: Part) -> Iterator[Document | Dropped | NotAPage]:
    try:
        yield from (_READERS.get(part.file.format) or _rows)(stream, part)
    except _Unread as e:
        raise OSError(f"{part.file.path}: {e}") from e
    except (OSError, MemoryError):  # the machine is at fault, not the file
        raise
    except Exception as e:
        yield broken(part.file, f"cannot be read on: {type(e).__name__}: {e}")


class InputChanged(OSError):
    """An input changed during the run."""


def check_unchanged(file: InputFile) -> None:
    """Check that a local file is still the one that was listed.

    Raises:
        InputChanged: the file was changed or removed.
    """
    if "://" in file.path or not file.modified:
        return
    try:
        status = os.stat(file.path)
    except FileNotFoundError:
        raise InputChanged(f"{file.path} was removed while the run read its inputs; run again") from None
    if (status.st_size, status.st_mtime) != (file.size, file.modified):
        sizes = f" from {file.size:,} to {status.st_size:,} bytes" if status.st_size != file.size else ""
        raise InputChanged(f"{file.path} changed{sizes} while the run read its inputs; run again")


class _Unread(Exception):
    """Reading a remote file failed; not an OSError, so that no reader mistakes it for damaged content."""


class _Remote(io.RawIOBase):
    """A remote file whose read errors are raised as `_Unread`."""

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


def _warc(stream: BinaryIO, part: Part) -> Iterator[Document | Dropped | NotAPage]:
    file = part.file
    for record in read_records(stream, file.path, part.start, None if part.whole else part.stop):
        match record:
            case Skipped():
                yield NotAPage(record.kind)
            case Broken():
                detail = f"{record.reason}: {record.detail}".rstrip(": ")
                yield broken(file, detail, url=record.url, offset=record.offset)
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
    position = part.start  # of the next line
    compressed = bool(split_compression(file.path)[1])
    skipped = count = 0  # bytes in lines that are too long, and number of lines
    if part.start:  # a line that begins before the part belongs to the part before
        position -= 1
        lines.seek(position)
        while position < part.stop and (rest := lines.readline(1 << 20)):
            position += len(rest)
            if rest.endswith(b"\n"):
                break
    while part.whole or position < part.stop:
        at = position
        try:
            line = rest = lines.readline(MAX_RECORD_BYTES + 1)
            position += len(line)
            longer = len(line) > MAX_RECORD_BYTES and not line.endswith(b"\n")
            while longer and rest and not rest.endswith(b"\n"):
                rest = lines.readline(SKIP_BYTES)
                position += len(rest)
                skipped += len(rest)
                if is_bomb(skipped, stream.tell()):
                    yield broken(file, f"a line of more than {MAX_EXPANSION:,} times the size of the file", offset=at)
                    return
        except Damaged as e:
            yield broken(file, f"truncated or damaged compression: {e}", offset=at)
            return
        if not line:
            return
        count += 1
        if compressed and too_many_rows(count, stream.tell()):
            problem = f"more than {FREE_ROWS:,} lines, and {ROWS_PER_BYTE} for each compressed byte"
            yield broken(file, problem, offset=at)
            return
        line = line.removeprefix(codecs.BOM_UTF8)
        hint = f"; {AN_ARRAY}" if line.lstrip()[:1] == b"[" else ""
        if longer:
            problem = f"a line longer than {MAX_RECORD_BYTES:,} bytes{hint}"
            yield broken(file, problem, line, offset=at)
            continue
        if not line.strip():
            continue
        try:
            row = parse_json(line)
        except ValueError as e:
            yield broken(file, f"not JSON: {e}{hint}", line, offset=at)
            continue
        if isinstance(row, list):
            yield broken(file, AN_ARRAY, line, offset=at)
            continue
        yield row_document(row, file, line, at)


def _datasets(file: InputFile) -> Iterator[Document | Dropped | NotAPage]:
    """Stream a data set from the Hugging Face hub.

    Raises:
        RecipeError: the data set, configuration or split does not exist.
    """
    from datasets import load_dataset

    name, *config, split = file.path.split(":") if ":" in file.path else (file.path, "train")
    try:
        rows = load_dataset(name, *config, split=split, streaming=True)
    except (OSError, ValueError) as e:
        raise RecipeError(f"input {file.path!r}: {e}") from None
    try:
        for row in rows:
            yield row_document(row, file)
    except (OSError, ValueError) as e:
        yield broken(file, f"damaged data set: {e}")


def _rows(stream: BinaryIO, part: Part) -> Iterator[Document | Dropped | NotAPage]:
    """Read a file with a user-defined function; each of its rows is a document or a broken record."""
    read = input_format(part.file.format)
    assert read
    for row in read(decompressed(stream, part.file.path)):
        yield row_document(row, part.file)


def _page(stream: BinaryIO, part: Part) -> Iterator[Document | Dropped | NotAPage]:
    file = part.file
    try:
        content = decompressed(stream, file.path).read(MAX_RECORD_BYTES + 1)
    except Damaged as e:
        yield broken(file, f"truncated or damaged compression: {e}")
        return
    url = f"{FILE_SCHEME}{file.name}"
    if len(content) > MAX_RECORD_BYTES:
        yield broken(file, f"a file longer than {MAX_RECORD_BYTES:,} bytes", content[:-1], url)
        return
    document = Document(id=document_id(url, "", content), url=url, source=file.source)
    if file.format == "html":
        yield replace(document, html=content)
    else:
        yield replace(document, text=decode(content)[0])


_READERS = {
    "warc": _warc,
    "jsonl": _jsonl,
    "parquet": parquet_rows,
    "arrow": arrow_rows,
    "html": _page,
    "text": _page,
}
