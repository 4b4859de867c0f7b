"""Read the pages of WARC and ARC archives, and account for every other record.

curate has its own reader because each record must be accounted for: FastWARC 2.0.1 stops at the first damaged record,
returns a clipped record as if it were whole, drops records silently and does not read ARC.

>>> import io
>>> block = b"HTTP/1.1 200 OK\\r\\nContent-Type: text/html; charset=utf-8\\r\\n\\r\\n<p>Hello"
>>> head = b"WARC/1.0\\r\\nWARC-Type: response\\r\\nWARC-Target-URI: http://example.org/\\r\\n"
>>> record = head + b"Content-Length: %d\\r\\n\\r\\n%s\\r\\n\\r\\n" % (len(block), block)
>>> page = next(read_records(io.BytesIO(record), "example.warc"))
>>> page.url, page.status, page.content_type, page.charset, page.content
('http://example.org/', 200, 'text/html', 'utf-8', b'<p>Hello')
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO

from curate.input.archive import Archive
from curate.input.dates import iso_date
from curate.input.http_message import HttpError, is_media_type, parse_headers, parse_media_type, parse_response
from curate.input.limits import FREE_ROWS, MAX_RECORD_BYTES, ROWS_PER_BYTE
from curate.input.members import ARC_ADDRESS, RECORD_START, first_member

MAX_HEADER_BYTES = 1 << 16
MAX_LENGTH_DIGITS = 15  # of a record's length: a thousand terabytes
STATUS_BYTES = 16  # of a block, in which HTTP's first line begins behind empty lines; curate's own value
MAX_SCHEME = 32  # bytes of a scheme with its colon (`RECORD_START`)
MAX_TRAILER_BYTES = 512  # read after a record to see that the next one starts there
# Bytes by which a length may be too small if the end of the record is beyond doubt: some writers count a line end as
# one byte or leave out the last byte. curate's own value: a length that is off by more says something else.
MISCOUNT = 16
PAGE_SCHEMES = ("http:", "https:", "ftp:", "ftps:", "file:")

HTML_TYPES = {"text/html", "application/xhtml+xml", "application/vnd.wap.xhtml+xml"}
XML_TYPES = {"text/xml", "application/xml"}
UNSURE_TYPES = {"*/*", "unknown/unknown", "application/unknown", "application/octet-stream"} | {
    "application/html",
    "application/xhtml",
    "text/xhtml",
}
SNIFF_BYTES = 4096
BINARY = (b"%PDF-", b"\x89PNG", b"GIF8", b"\xff\xd8\xff", b"PK\x03\x04", b"\x1f\x8b", b"RIFF", b"\x00\x00\x01\x00")
_BEFORE_HTML = rb"(?>(?><\?xml[^>]*>|<!--.*?-->|\s+)*)"
_XHTML_START = re.compile(
    _BEFORE_HTML + rb"<(?:!doctype\s+html|html|head|body|title|meta)\b", re.IGNORECASE | re.DOTALL
)
# Of bodies whose type is not known: what browsers take for HTML (WHATWG MIME Sniffing, 7.1) and a few tags more.
_HTML_START = re.compile(
    _BEFORE_HTML
    + rb"<(?:!doctype\s+html|html|head|body|title|meta|link|base|script|noscript|style|iframe|frameset|h[1-6]"
    rb"|div|font|table|center|a|b|br|p|main|article|section|header|nav)(?=[\s/>])",
    re.IGNORECASE | re.DOTALL,
)

_BLANK = re.compile(rb"[\r\n]*")
# The end of a header, or the next record if the header has no end: a search for the end alone would read up to the
# limit of a header at each of many starts.
_HEADER_END = re.compile(rb"(?<=\n)(?:\r?\n|(?=WARC/\d\.\d{1,2}[ \t]{0,99}\r?\n))")
_TRAILER = re.compile(rb"[\s\0]*")
_ARC_LINE = re.compile(rb"(?>([^\r\n]*?) " + ARC_ADDRESS + rb" (\d{8,17}) )(?:([^\r\n]*) )?\d+[ \t]*\r?\n")
DATE_DIGITS = 14  # of a date of ARC; some writers give milliseconds too
_NEXT = re.compile(rb"(?<=\n)(?:" + RECORD_START.pattern + rb")")


@dataclass(frozen=True, slots=True)
class Page:
    """The content of a response, conversion or resource record.

    ``date`` is ISO 8601 in UTC to the second, or empty; ``content`` the body without transfer and content encodings;
    ``content_type`` the media type in lower case; ``charset`` the one the HTTP header declares, or empty; ``status``
    the HTTP status, 0 if there is none; ``kind`` "response" for HTTP, otherwise "conversion" or "resource"; ``offset``
    where the record (its compressed member) starts in the file; ``truncated`` why the crawler cut the page short
    (``length``, ``time``, ``disconnect``), usually empty.
    """

    url: str
    date: str
    content: bytes
    content_type: str
    charset: str
    status: int
    kind: str
    offset: int
    truncated: str = ""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A complete record that is not a page: ``request``, ``metadata``, ``warcinfo``, ``revisit``, ``dns``, ..."""

    kind: str
    offset: int


@dataclass(frozen=True, slots=True)
class Broken:
    """A record that could not be read.

    ``reason`` is one of ``empty_file``, ``truncated``, ``damaged_compression``, ``bad_header``, ``wrong_length``,
    ``too_large``, ``too_many_records``, ``bad_http``, ``truncated_body``, ``damaged_body``.
    """

    reason: str
    detail: str
    url: str
    offset: int


@dataclass(frozen=True, slots=True)
class _Head:
    """The header of a record, with the ``size`` of its block in bytes, and the position where the block starts."""

    type: str
    url: str
    date: str
    media_type: str
    size: int
    block: int
    truncated: str = ""
    closing: bytes = b"\n\n"  # the lines that close the record, in a file of line feeds

    @property
    def kind(self) -> str:
        """The record's type in one word."""
        return "dns" if self.url.startswith("dns:") else self.type or "unknown"

    @property
    def is_page(self) -> bool:
        """Whether this is a conversion, or a response or resource from the web rather than DNS or the crawler."""
        web = self.url.lower().startswith(PAGE_SCHEMES)
        return self.type == "conversion" or (web and self.type in ("response", "resource"))


def read_records(
    stream: BinaryIO, name: str, start: int = 0, stop: int | None = None
) -> Iterator[Page | Skipped | Broken]:
    """Read a WARC or ARC file, plain, gzip or Zstandard, and yield one item for each record.

    Memory is bounded by ``curate.input.limits.MAX_RECORD_BYTES``, for the record and for its unpacked body.

    Args:
        stream: the file, still compressed; must be seekable.
        name: of the file; its extension decides the compression if the file starts with damage.
        start: byte of the file. With ``stop``, only records that start in [start, stop) are read; the ranges of any
            split of [0, size) together give what the whole file gives. Only gzip files with a member per record can be
            split: of others the range with byte 0 gives everything. A split inside a member moves to the next one.
        stop: byte of the file where the next range starts.

    >>> import io
    >>> list(read_records(io.BytesIO(b""), "empty.warc"))
    [Broken(reason='empty_file', detail='empty.warc has no bytes', url='', offset=0)]
    """
    if not stream.seek(0, 2):
        if start == 0:
            yield Broken("empty_file", f"{name} has no bytes", "", 0)
        return
    if start or stop is not None:
        start = first_member(stream, start, stop)
        if stop is not None:
            if start >= stop:
                return
            stop = first_member(stream, stop)
    archive = Archive(stream, name, start)
    at: int | None = 0
    count = 0
    reported = False  # whether a record was already reported as broken by the damage ahead
    while at is not None:
        at = _skip_blank(archive, at)
        if not archive.have(at + 1):
            if archive.damage and not reported:
                yield Broken(archive.damage, archive.detail, "", archive.damage_offset)
            at, reported = archive.resume(), False
            continue
        offset = archive.offset(at)
        if stop is not None and offset >= stop:
            return
        count += 1
        if archive.too_many(count):
            detail = f"more than {FREE_ROWS:,} records, and {ROWS_PER_BYTE} for each compressed byte"
            yield Broken("too_many_records", detail, "", offset)
            return
        record, at = _read_record(archive, at, offset)
        reported = reported or (isinstance(record, Broken) and record.reason == archive.damage)
        yield record


def _skip_blank(archive: Archive, at: int) -> int:
    """Skip the empty lines between records."""
    archive.drop(at)
    while archive.have(at + 1):
        blank = archive.match(_BLANK, at)
        assert blank
        if not blank.group():
            break
        at += len(blank.group())
        archive.skip(at)
    return at


def _read_record(archive: Archive, at: int, offset: int) -> tuple[Page | Skipped | Broken, int]:
    """Read the record at ``at``; return it and where to look for the next."""
    head = _read_head(archive, at)
    if isinstance(head, str):
        following = _next_record(archive, at)
        if archive.damage and following >= archive.end:
            return Broken(archive.damage, archive.detail, "", offset), following
        return Broken("bad_header", head, "", offset), following
    if head.size > MAX_RECORD_BYTES:
        return _skip_large(archive, head, at, offset)
    stop = head.block + head.size
    archive.have(stop + MAX_TRAILER_BYTES)  # so that a checksum after the block is tested too
    cut = _record_inside(archive, at, stop)
    if cut is None and archive.end < stop:
        cut = archive.find(_NEXT, head.block, archive.end)
        if cut is None:
            return _cut_off(archive, head, offset), archive.end
    if cut is None and archive.end <= stop + 4 and archive.damage and archive.damage_offset == archive.offset(stop - 1):
        return _cut_off(archive, head, offset), archive.end
    if cut is None:
        end = _end(archive, head, stop)
        if end is not None:
            return _content(archive, head, offset), end
        cut = _next_record(archive, head.block - 1)
        if size := _whole(archive, head, stop, cut):
            return _content(archive, replace(head, size=size), offset), cut
    return _wrong_length(head, cut, offset), cut


def _whole(archive: Archive, head: _Head, stop: int, cut: int) -> int:
    """Return the size of a block that is a few bytes longer than its length says; 0 if it is not just that.

    The lines that close the record, with the next one after them or the end of the file, say where it ends.
    """
    if archive.damage or not stop < cut <= stop + MISCOUNT + len(b"\r\n\r\n"):
        return 0
    rest = archive.read(stop, cut)
    closing = next((lines for lines in (b"\r\n\r\n", head.closing) if rest.endswith(lines)), None)
    return cut - len(closing) - head.block if closing else 0


def _wrong_length(head: _Head, cut: int, offset: int) -> Skipped | Broken:
    if not head.is_page:
        return Skipped(head.kind, offset)
    detail = f"Content-Length is {head.size:,}, but the next record starts {cut - head.block:,} bytes after the header"
    return Broken("wrong_length", detail, head.url, offset)


def _cut_off(archive: Archive, head: _Head, offset: int) -> Broken:
    detail = archive.detail or f"the file ends before the {head.size:,} bytes that Content-Length gives"
    return Broken(archive.damage or "truncated", detail, head.url, offset)


def _skip_large(archive: Archive, head: _Head, at: int, offset: int) -> tuple[Skipped | Broken, int]:
    """Skip a record that exceeds the limit, or up to the next one if its length is wrong and one starts inside it."""
    stop = head.block + head.size
    archive.have(head.block + MAX_RECORD_BYTES)
    cut = _record_inside(archive, at, stop) or archive.find(_NEXT, head.block, archive.end)
    if cut is not None:
        return _wrong_length(head, cut, offset), cut
    archive.skip(stop)
    if archive.end < stop:
        return _cut_off(archive, head, offset), archive.end
    archive.settle()
    if not head.is_page:
        return Skipped(head.kind, offset), stop
    return Broken("too_large", f"{head.size:,} bytes; the limit is {MAX_RECORD_BYTES:,}", head.url, offset), stop


def _record_inside(archive: Archive, start: int, stop: int) -> int | None:
    """Return the first position between two at which a compressed member starts another record."""
    for position in archive.members(start, stop):
        archive.have(position + MAX_TRAILER_BYTES)
        if archive.match(RECORD_START, position):
            return position
    return None


def _end(archive: Archive, head: _Head, stop: int) -> int | None:
    """Return the position after a record that stops there and its closing lines; None if it does not stop there."""
    blank = archive.match(_TRAILER, stop)
    at = stop + len(blank.group()) if blank else stop
    member = next(archive.members(stop - 1, at + 1), None)
    ends = at >= archive.end or archive.read(stop, stop + 4) == b"\r\n\r\n" or member is not None
    if ends or (archive.match(RECORD_START, at) and (at > stop or not _inside_scheme(archive, at))):
        return at
    # The first line of the next record may be damaged: closing lines are enough if no other record starts in this one.
    if archive.read(stop, stop + len(head.closing)) != head.closing:
        return None
    archive.have(stop + MAX_HEADER_BYTES)
    other = archive.find(_NEXT, head.block, archive.end)
    return at if other is None or other >= stop else None


def _inside_scheme(archive: Archive, at: int) -> bool:
    """Say whether the record that seems to start here starts a few bytes before: ``ttp:`` looks like a scheme too."""
    _, newline, scheme = archive.read(at - MAX_SCHEME, at).rpartition(b"\n")
    return bool(newline and scheme and archive.match(RECORD_START, at - len(scheme)))


def _next_record(archive: Archive, at: int) -> int:
    """Return the position after ``at`` of the next record, or of the end of what can be read."""
    while True:
        more = archive.have(at + 2 * MAX_HEADER_BYTES)
        line = archive.find(_NEXT, at + 1, archive.end)
        member = _record_inside(archive, at, line or archive.end)
        if first := member or line:
            return first
        if not more:
            return archive.end
        at = archive.end - MAX_HEADER_BYTES
        archive.skip(at)


def _read_head(archive: Archive, at: int) -> _Head | str:
    """Parse the header of the record at ``at``; return a string that says what is wrong with it if it is damaged."""
    archive.have(at + MAX_HEADER_BYTES)
    first = archive.match(RECORD_START, at)
    if not first:
        return f"no record starts with {archive.read(at, at + 40)!r}"
    if not first.group().startswith(b"WARC/"):
        return _arc_head(first.group(), at + len(first.group()))
    begin, stop = at + len(first.group()), at + MAX_HEADER_BYTES
    end = archive.find(_HEADER_END, begin, _record_inside(archive, at, stop) or stop)
    if end is None:
        return f"the header does not end within {MAX_HEADER_BYTES:,} bytes"
    ending = archive.read(end, end + 1)
    if ending not in (b"\r", b"\n"):
        return "the header does not end before the next record starts"
    headers = parse_headers(archive.read(begin, end))
    size = headers.get("content-length", "")
    if not re.fullmatch(rf"[0-9]{{1,{MAX_LENGTH_DIGITS}}}", size):
        return f"Content-Length is {size[:40]!r}"
    return _Head(
        headers.get("warc-type", "").lower(),
        headers.get("warc-target-uri", "").strip("<> "),
        utc(headers.get("warc-date", "")),
        headers.get("content-type", ""),
        int(size),
        end + (1 if ending == b"\n" else 2),
        headers.get("warc-truncated", "").lower(),
    )


def _arc_head(line: bytes, block: int) -> _Head | str:
    """Parse a line of URL, IP, date, media type, five more fields in version 2, and length; a URL may have spaces."""
    size = line.split()[-1]
    if len(size) > MAX_LENGTH_DIGITS:
        return f"the length is a number of {len(size):,} digits"
    parts = _ARC_LINE.match(line)
    assert parts  # as in `RECORD_START`
    url, date, media_type = (" ".join((part or b"").decode("utf-8", "replace").split()) for part in parts.groups())
    kind = "warcinfo" if url.startswith("filedesc:") else "response"
    return _Head(kind, url, utc(date[:DATE_DIGITS]), media_type, int(size), block, closing=b"\n")


def utc(date: str) -> str:
    """Return a date of a WARC or ARC header as ISO 8601 in UTC, to the second; empty if it is not a date.

    Digits alone are a date only if there are 14 (to the second, as in ARC), 12 or 8 of them.

    >>> utc("2020-10-29T12:17:32.5+02:00"), utc("20140216050221"), utc("201402160502"), utc("0")
    ('2020-10-29T10:17:32Z', '2014-02-16T05:02:21Z', '2014-02-16T05:02:00Z', '')
    """
    if not date.isdigit():
        return iso_date(date)
    return iso_date(date.ljust(14, "0")) if len(date) in (8, 12, 14) else ""


def _content(archive: Archive, head: _Head, offset: int) -> Page | Skipped | Broken:
    """Return the page in a complete record, or what the record is instead."""
    if not head.is_page:
        return Skipped(head.kind, offset)
    block = archive.read(head.block, head.block + head.size)
    is_http = block[:STATUS_BYTES].lstrip()[:4].upper() == b"HTTP"
    media_type, charset = parse_media_type(head.media_type)
    if media_type == "application/http" and not is_http:
        media_type, is_http = "", not is_html("", block)  # a page without headers, as in HTTP/0.9
    if head.type == "response" and is_http:
        try:
            response = parse_response(block, cut=bool(head.truncated))
        except HttpError as e:
            return Broken(e.reason, str(e), head.url, offset)
        media_type, charset = parse_media_type(response.headers.get("content-type", ""))
        status, body = response.status, response.body
        return Page(head.url, head.date, body, media_type, charset, status, "response", offset, head.truncated)
    kind = "conversion" if head.type == "conversion" else "resource"
    return Page(head.url, head.date, block, media_type, charset, 0, kind, offset, head.truncated)


def is_html(content_type: str, content: bytes) -> bool:
    """Say whether a body is an HTML page: by its media type, or by how it starts if the type is unspecific or is none.

    Values such as ``html``, or the ``no-type`` of ARC, are not media types.

    >>> is_html("text/html", b"<p>x"), is_html("", b"<!DOCTYPE html><p>x"), is_html("text/html", b"%PDF-1.4")
    (True, True, False)
    """
    start = content[:SNIFF_BYTES].lstrip(b"\xef\xbb\xbf \t\r\n\0")
    if content_type in HTML_TYPES or content_type.startswith("text/htm"):  # "text/htmlcharset=utf-8"
        return not start.startswith(BINARY)
    if content_type in XML_TYPES:
        return bool(_XHTML_START.match(start))
    return (content_type in UNSURE_TYPES or not is_media_type(content_type)) and bool(_HTML_START.match(start))
