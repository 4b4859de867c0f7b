"""The records that readers yield, and how a row becomes a document."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from curate.document import Document, Rejection
from curate.input.dates import iso_date
from curate.input.limits import MAX_RECORD_BYTES, MAX_URL_BYTES
from curate.text.charset import decode
from curate.text.hashing import document_id
from pipelines.io.columns import SOURCE_ID, plain_value
from pipelines.io.sources import InputFile

#: Characters of a row's column names that a message shows, about fifty names; curate's own value.
MAX_NAMES = 900

#: The columns that are read, at the top of a row or below ``metadata``.
ROW_FIELDS = ("text", "html", "url", "date", "timestamp")


def wanted_columns(file: InputFile) -> tuple[str, ...]:
    """Return the columns to read from a file's rows, at the top or below ``metadata``."""
    return (file.text, *ROW_FIELDS, *file.columns, *(name for name in (file.id, file.title) if name))


def metadata_columns(file: InputFile) -> tuple[str, ...]:
    """Return the columns that may be below ``metadata``."""
    return (*ROW_FIELDS[2:], *file.columns, *((file.id,) if file.id else ()))


@dataclass(frozen=True, slots=True)
class Dropped:
    """A document that the reader rejects.

    ``offset`` is the byte at which it begins in the file, for JSON lines after decompression; -1 if unknown.
    """

    document: Document
    rejection: Rejection
    offset: int = -1


@dataclass(frozen=True, slots=True)
class NotAPage:
    """A record that is not a document: a request, a header, metadata."""

    kind: str


def broken(file: InputFile, detail: str, content: bytes = b"", url: str = "", offset: int = -1) -> Dropped:
    """Return the rejection of a record that cannot be read.

    Args:
        file: the file that contains it.
        detail: the reason.
        content: its bytes, from which the id is computed.
        url: its URL, if known.
        offset: byte at which it begins; -1 if unknown.
    """
    document = Document(id=document_id(url, "", content or detail.encode()), url=url, source=file.source)
    return Dropped(document, Rejection("broken", detail=detail), offset)


def row_document(row: Any, file: InputFile, raw: bytes = b"", offset: int = -1) -> Document | Dropped:
    """Build a document from a row with text or HTML, and ``url`` and ``date`` at the top or in ``metadata``.

    Args:
        row: a mapping of names to values; anything else is a broken record.
        file: the file that contains it.
        raw: the bytes of the row, if it is a line of a file.
        offset: byte at which it begins; -1 if unknown.
    """
    row = row if isinstance(row, dict) else {}
    text, html = (v if isinstance(v := row.get(name), str | bytes) else None for name in (file.text, "html"))
    if text is None and html is None:
        names = ", ".join(map(str, row)) or "nothing"
        if len(names) > MAX_NAMES:  # cut between names: half an address would not be scrubbed
            names = f"{names[:MAX_NAMES].rpartition(', ')[0]}, ...".removeprefix(", ")
        problem = f"a row without {file.text} or html; it has {names}"
        shown = {name: _flat(value) if isinstance(value, dict) else _plain(value) for name, value in row.items()}
        return broken(file, problem, raw or repr(shown).encode("utf-8", "surrogatepass"), offset=offset)
    meta: dict = row["metadata"] if isinstance(row.get("metadata"), dict) else {}
    url = row.get("url") or meta.get("url") or ""
    if not isinstance(url, str):
        url = str(_plain(url))
    date = _plain(row.get("date") or row.get("timestamp") or meta.get("date") or meta.get("timestamp") or "")
    html = b"" if text and text.strip() else html or b""  # a row that has a text needs no extraction
    if isinstance(html, str):
        html = html.encode("utf-8", "surrogatepass")
    content = text if isinstance(text, bytes) else (text or "").encode("utf-8", "surrogatepass")
    content = content or html
    if len(content) > MAX_RECORD_BYTES:
        return broken(file, f"a row of {len(content):,} bytes; the limit is {MAX_RECORD_BYTES:,}", content)
    if len(url) > MAX_URL_BYTES:
        return broken(file, f"a URL of {len(url):,} characters; the limit is {MAX_URL_BYTES:,}", content, offset=offset)
    if isinstance(text, bytes):
        text = decode(text)[0]
        content = text.encode("utf-8", "surrogatepass") or html
    return Document(
        id=document_id(url, str(date), content),
        text=text or "",
        url=url,
        date=iso_date(date),
        source=file.source,
        title=title if isinstance(title := row.get(file.title), str) else "",
        html=html,
        extra=_columns(row, meta, file),
    )


def _columns(row: dict, meta: dict, file: InputFile) -> dict[str, Any]:
    """Return the columns that the source names, from the top of a row or below ``metadata``."""
    if not (file.columns or file.id):
        return {}
    names = {name: name for name in file.columns} | ({SOURCE_ID: file.id} if file.id else {})
    return {name: plain_value(row.get(column, meta.get(column))) for name, column in names.items()}


def _flat(values: dict) -> dict:
    return {name: _plain(value) for name, value in values.items()}


def _plain(value: Any) -> Any:
    """Return a value, or "" for an object or array, which no field can be and which may be too deep to print."""
    return "" if isinstance(value, dict | list) else value
