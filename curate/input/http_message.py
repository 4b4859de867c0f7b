"""Parse HTTP responses as crawlers store them: status, headers, and the body without transfer and content encodings.

>>> head = b"HTTP/1.1 200 OK\\r\\nContent-Type: text/html\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n"
>>> response = parse_response(head + b"2\\r\\nHi\\r\\n0\\r\\n\\r\\n")
>>> response.status, response.headers["content-type"], response.body
(200, 'text/html', b'Hi')
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass

from curate.input.limits import MAX_RECORD_BYTES

MAX_HEADER_BYTES = 1 << 18  # as in Chrome (net/http/http_stream_parser.h, kMaxHeaderBufSize)
MAX_ENCODINGS = 5  # nested in one another; curl has the same limit (CVE-2022-32206)
ZSTD_WINDOW = 1 << 23  # the most that servers may use (RFC 9659)

_STATUS = re.compile(rb"(?:HTTPX?/\d(?:\.\d)?|ICY)[ \t]+(\d{3})\b[^\r\n]*")
_END = re.compile(rb"\r?\n\r?\n")
_CHUNK = re.compile(rb"[ \t]*+([0-9A-Fa-f]{1,8})[ \t]*+(?:;[^\r\n]*+)?\r?\n")


class HttpError(ValueError):
    """A response cannot be read: ``reason`` is one word of a fixed set, the message a sentence for people."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Response:
    """A response: status, header values by lower-case name (the last of each), and the decoded body."""

    status: int
    headers: dict[str, str]
    body: bytes


def parse_headers(lines: bytes) -> dict[str, str]:
    """Parse header lines, including folded ones; if a name occurs twice, the last value that is not empty counts.

    >>> parse_headers(b"Content-Type: text/html;\\r\\n charset=utf-8\\r\\nnonsense\\r\\n")
    {'content-type': 'text/html; charset=utf-8'}
    """
    headers: dict[str, list[str]] = {}
    name = ""
    for line in lines.decode("utf-8", "replace").split("\n"):
        if line[:1] in (" ", "\t") and name:
            headers[name].append(line.strip())
            continue
        name, colon, value = line.partition(":")
        name = name.strip().lower()
        if not colon or not name:
            name = ""
        elif value.strip() or name not in headers:
            headers[name] = [value.strip()]
    return {name: " ".join(lines) for name, lines in headers.items()}


def parse_media_type(value: str) -> tuple[str, str]:
    """Split a Content-Type into media type and charset, both in lower case, empty where absent.

    >>> parse_media_type('Text/HTML; Charset="UTF-8"')
    ('text/html', 'utf-8')
    """
    media_type, _, parameters = value.partition(";")
    charset = re.search(r"charset\s*+=\s*+[\"']?\s*+([^\s\"';,]{1,40}+)(?![^\s\"';,])", parameters, re.IGNORECASE)
    return media_type.split(",")[0].strip().lower(), charset.group(1).lower() if charset else ""


def parse_response(block: bytes) -> Response:
    """Parse a stored response.

    Crawlers often undo the encodings and keep the headers, so a body that is plainly not in the encoding that its
    header names is used as it is.

    Raises:
        HttpError: with reason ``bad_http`` (no status line), ``truncated_body``, ``damaged_body`` or ``too_large``.
    """
    status = _STATUS.match(block)
    if not status:
        raise HttpError("bad_http", f"no HTTP status line but {block[:40]!r}")
    end = _END.search(block, status.end(), status.end() + MAX_HEADER_BYTES)
    if not end and len(block) > status.end() + MAX_HEADER_BYTES:
        raise HttpError("bad_http", f"the HTTP header does not end within {MAX_HEADER_BYTES:,} bytes")
    headers = parse_headers(block[status.end() : end.start() if end else len(block)])
    body = block[end.end() :] if end else b""
    if "chunked" in headers.get("transfer-encoding", "").lower():
        body = _dechunk(body)
    encodings = [e.strip().lower() for e in headers.get("content-encoding", "").split(",")]
    if len(encodings) > MAX_ENCODINGS:
        raise HttpError("bad_http", f"{len(encodings):,} content encodings; the limit is {MAX_ENCODINGS}")
    for encoding in reversed(encodings):
        if body and encoding in _DECODERS:
            body = _DECODERS[encoding](body)
    return Response(int(status.group(1)), headers, body)


def _dechunk(body: bytes) -> bytes:
    """Join the chunks of a body. The last chunk may be missing, but no chunk may be cut short."""
    out = bytearray()
    at = 0
    while at < len(body):
        head = _CHUNK.match(body, at)
        if not head:
            if not at:
                return body  # never chunked, or joined by the crawler
            raise HttpError("damaged_body", f"no chunk size at byte {at} of a chunked body")
        size = int(head.group(1), 16)
        if size == 0:
            break
        first, at = not at, head.end() + size
        if at > len(body):
            if first and at - len(body) > len(body):
                return body  # not chunked: a text that happens to start with hex digits
            raise HttpError("truncated_body", f"a chunk of {size:,} bytes ends {at - len(body):,} bytes too early")
        out += body[head.end() : at]
        while body[at : at + 1] in (b"\r", b"\n"):
            at += 1
    return bytes(out)


def _gunzip(body: bytes) -> bytes:
    if not body.startswith(b"\x1f\x8b"):
        return body
    return _bounded(_gzip_pieces(body), "gzip")


def _gzip_pieces(body: bytes) -> Iterator[bytes]:
    at = 0
    while body.startswith(b"\x1f\x8b", at):
        at = yield from _inflate(zlib.decompressobj(31), body, at)


def _inflate(decoder: zlib._Decompress, body: bytes, at: int = 0) -> Generator[bytes, None, int]:
    """Yield the pieces of the stream that starts at a byte of a body; return where it ends."""
    bite, rest = 256, b""
    while not decoder.eof:
        given = rest or body[at : at + bite]
        if not rest:
            at += len(given)
            bite = min(2 * bite, 1 << 16)  # small at first: bytes after a stream are copied with its last bite
        piece = decoder.decompress(given, 1 << 20)
        rest = decoder.unconsumed_tail
        if not piece and not given:
            raise EOFError
        yield piece
    return at - len(decoder.unused_data)


def _inflate_any(body: bytes) -> bytes:
    """Undo ``deflate``: zlib according to the standard, raw deflate from many servers."""
    for bits in (15, -15):
        try:
            return _bounded(_inflate(zlib.decompressobj(bits), body), "deflate")
        except HttpError as e:
            if e.reason != "damaged_body":
                raise
    return _as_it_is(body, "deflate")


def _as_it_is(body: bytes, name: str) -> bytes:
    """Return a body that looks like a decoded page, for an encoding without magic number."""
    if body.lstrip()[:1] == b"<":
        return body
    raise HttpError("damaged_body", f"the {name} body is damaged")


def _unbrotli(body: bytes) -> bytes:
    import brotli

    def pieces() -> Iterator[bytes]:
        decoder = brotli.Decompressor()
        data = body
        while not decoder.is_finished():
            piece = decoder.process(data, output_buffer_limit=1 << 20)
            data = b""
            if not piece and decoder.can_accept_more_data():
                raise EOFError
            yield piece

    try:
        return _bounded(pieces(), "brotli")
    except HttpError as e:
        if e.reason == "damaged_body":
            return _as_it_is(body, "brotli")
        raise


def _unzstd(body: bytes) -> bytes:
    import zstandard

    if not body.startswith(b"\x28\xb5\x2f\xfd"):
        return body

    def pieces() -> Iterator[bytes]:
        decoder = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW).decompressobj()
        for at in range(0, len(body), 256):  # small bites, because four bytes can unpack to 128 KiB
            yield decoder.decompress(body[at : at + 256])
            if decoder.eof:
                return
        raise EOFError

    return _bounded(pieces(), "zstd")


def _bounded(pieces: Iterator[bytes], name: str) -> bytes:
    out = bytearray()
    try:
        for piece in pieces:
            out += piece
            if len(out) > MAX_RECORD_BYTES:
                raise HttpError("too_large", f"the body unpacks to more than {MAX_RECORD_BYTES:,} bytes")
    except EOFError:
        raise HttpError("truncated_body", f"the {name} body ends too early") from None
    except HttpError:
        raise
    except Exception as e:  # each library has its own error
        raise HttpError("damaged_body", f"the {name} body is damaged: {e}") from None
    return bytes(out)


_DECODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": _gunzip,
    "x-gzip": _gunzip,
    "deflate": _inflate_any,
    "br": _unbrotli,
    "zstd": _unzstd,
}
