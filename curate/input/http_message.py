"""Parse HTTP responses as crawlers store them: status, headers, and the body without transfer and content encodings.

>>> head = b"HTTP/1.1 200 OK\\r\\nContent-Type: text/html\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n"
>>> response = parse_response(head + b"2\\r\\nHi\\r\\n0\\r\\n\\r\\n")
>>> response.status, response.headers["content-type"], response.body
(200, 'text/html', b'Hi')
"""

from __future__ import annotations

import codecs
import re
import zlib
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass

from curate.input.limits import MAX_RECORD_BYTES

MAX_HEADER_BYTES = 1 << 18  # as in Chrome (net/http/http_stream_parser.h, kMaxHeaderBufSize)
MAX_ENCODINGS = 5  # nested in one another; curl has the same limit (CVE-2022-32206)
ZSTD_WINDOW = 1 << 23  # the most that servers may use (RFC 9659)

_STATUS = re.compile(rb"[\r\n]{0,8}(?:HTTPX?(?:/\d{0,2}(?:\.\d{1,2})?)?|ICY)[ \t]+(\d{3})(?!\d)[^\r\n]*", re.IGNORECASE)
# Responses before the one that counts: those of 100 to 199, and that of a proxy to CONNECT (RFC 9110, 15.2 and 9.3.6).
_INTERIM = re.compile(rb"[\r\n]{0,8}HTTP/\d(?:\.\d)?[ \t]+(?:1\d\d(?!\d)|200 connection established)", re.IGNORECASE)
MAX_INTERIM = 16  # curate's own value: Early Hints and Continue may come more than once
_END = re.compile(rb"\r{0,2}\n\r{0,2}\n")
_CHUNK = re.compile(rb"(?:\r?\n)?[ \t]*+(?:0[xX])?0*+([0-9A-Fa-f]{0,8}+)(?<=[0-9A-Fa-f])[ \t]*+(?:;[^\r\n]*+)?\r?\n")
# The first value with a slash, whatever stands around it: quotes, the name of the header again, parameters without ";".
_MEDIA_TYPE = re.compile(
    r"(?:content-type\s*+:)?[\s\"'<]*+([a-z0-9*!#$&^_.+-]++)\s*+/\s*+([a-z0-9*!#$&^_.+-]++)(?![^\s;:,\"'>])"
)
_CHARSET = re.compile(r"charset\s*+[=:]\s*+[\"']?\s*+([^\s\"';,]{1,40}+)(?![^\s\"';,])")
# Headers of which more than the last value counts: lists of encodings (RFC 9110, section 5.3), and the media type.
_ALL_COUNT = ("content-encoding", "transfer-encoding", "content-type")
_CHUNKED = re.compile(r"\bchunked\b")
TEXT_BYTES = 4096  # of a body, searched for bytes that no text has
#: Bytes of a body without such a byte that prove it to be text in any charset. curate's own value: of the 256 byte
#: values 27 are in no text, so 256 compressed bytes have one but for 1 time in 10^12.
ENOUGH_TEXT = 256
_NOT_IN_TEXT = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")  # binary data bytes of WHATWG MIME Sniffing, 3


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

    Of encodings all values count. Of media types the last that is one counts, and one without a charset does not
    replace the same with a charset, as in browsers (WHATWG Fetch, "extract a MIME type").

    >>> parse_headers(b"Content-Type: text/html;\\r\\n charset=utf-8\\r\\nnonsense\\r\\n")
    {'content-type': 'text/html; charset=utf-8'}
    """
    headers: dict[str, list[list[str]]] = {}  # the lines of each value of each name
    name = ""
    for line in lines.decode("utf-8", "replace").split("\n"):
        if line[:1] in (" ", "\t") and name:
            headers[name][-1].append(line.strip())
            continue
        name, colon, value = line.partition(":")
        name = name.strip().lower()
        if not colon or not name:
            name = ""
        elif name not in headers:
            headers[name] = [[value.strip()]]
        elif value.strip():
            if name in _ALL_COUNT:
                headers[name].append([value.strip()])
            else:
                headers[name] = [[value.strip()]]
    return {name: _one_value(name, [" ".join(lines) for lines in values]) for name, values in headers.items()}


def _one_value(name: str, values: list[str]) -> str:
    """Return the one value of a header."""
    if len(values) == 1 or name != "content-type":
        return ", ".join(filter(None, values))
    best, best_type, best_charset = values[-1], "", ""
    for value in values:
        media_type, charset = parse_media_type(value)
        if is_media_type(media_type) and media_type != "*/*":
            if media_type == best_type and best_charset and not charset:
                continue
            best, best_type, best_charset = value, media_type, charset
    return best


def parse_media_type(value: str) -> tuple[str, str]:
    """Split a Content-Type into media type and charset, both in lower case, empty where absent.

    What servers write around a media type is ignored: quotes, the name of the header, parameters without a semicolon. A
    value without a media type is returned as it is, up to a semicolon or comma.

    >>> parse_media_type('Text/HTML; Charset="UTF-8"'), parse_media_type("'text/html charset=utf-8'")
    (('text/html', 'utf-8'), ('text/html', 'utf-8'))
    """
    value = value.strip().lower()
    parts = _MEDIA_TYPE.match(value)
    media_type = "/".join(parts.groups()) if parts else value.partition(";")[0].split(",")[0].strip()
    charset = _CHARSET.search(value)
    return media_type, charset.group(1) if charset else ""


def is_media_type(value: str) -> bool:
    """Say whether a value of `parse_media_type` is a media type.

    >>> is_media_type("text/html"), is_media_type("html"), is_media_type("no-type 200 - http://example.org/")
    (True, False, False)
    """
    return bool(_MEDIA_TYPE.fullmatch(value))


def parse_response(block: bytes, cut: bool = False) -> Response:
    """Parse a stored response.

    Crawlers often undo the encodings and keep the headers, so a body that is plainly not in the encoding that its
    header names is used as it is.

    Args:
        block: status line, headers and body.
        cut: the crawler says that it cut the response short: a body gives what can be decoded of it.

    Raises:
        HttpError: with reason ``bad_http`` (no status line), ``truncated_body``, ``damaged_body`` or ``too_large``.
    """
    block = _final(block)
    status = _STATUS.match(block)
    if not status:
        raise HttpError("bad_http", f"no HTTP status line but {block[:40]!r}")
    end = _END.search(block, status.end(), status.end() + MAX_HEADER_BYTES)
    if not end and len(block) > status.end() + MAX_HEADER_BYTES:
        raise HttpError("bad_http", f"the HTTP header does not end within {MAX_HEADER_BYTES:,} bytes")
    headers = parse_headers(block[status.end() : end.start() if end else len(block)])
    body = block[end.end() :] if end else b""
    transfer = headers.get("transfer-encoding", "").lower()
    if _CHUNKED.search(transfer):
        body = _dechunk(body, cut)
    elif body.endswith(b"\n0\r\n\r\n") and _CHUNK.match(body):  # the crawler left the header out
        with suppress(HttpError):
            body = _dechunk(body, cut)
    encodings = [e.strip(" \t\"'") for e in f"{headers.get('content-encoding', '').lower()},{transfer}".split(",")]
    encodings = [e for e in encodings if e in _DECODERS]
    if len(encodings) > MAX_ENCODINGS:
        raise HttpError("bad_http", f"{len(encodings):,} encodings; the limit is {MAX_ENCODINGS}")
    for encoding in reversed(encodings):
        if body:
            body = _decoded(body, encoding, cut)
    return Response(int(status.group(1)), headers, body)


def _final(block: bytes) -> bytes:
    """Return a block from its final response on."""
    begin = 0
    for _ in range(MAX_INTERIM):
        end = _END.search(block, begin, begin + MAX_HEADER_BYTES) if _INTERIM.match(block, begin) else None
        if not end or not _STATUS.match(block, end.end()):
            break
        begin = end.end()
    return block[begin:] if begin else block


def _dechunk(body: bytes, cut: bool) -> bytes:
    """Join the chunks of a body. The last chunk may be missing, but no chunk may be cut short if the body is not."""
    out = bytearray()
    at = 0
    while at < len(body):
        head = _CHUNK.match(body, at)
        if not head:
            if not at:
                return body  # never chunked, or joined by the crawler
            if cut:
                break
            raise HttpError("damaged_body", f"no chunk size at byte {at} of a chunked body")
        size = int(head.group(1) or b"0", 16)
        if size == 0:
            break
        first, at = not at, head.end() + size
        if at > len(body):
            if first and at - len(body) > len(body):
                return body  # not chunked: a text that happens to start with hex digits
            if cut:
                out += body[head.end() :]
                break
            raise HttpError("truncated_body", f"a chunk of {size:,} bytes ends {at - len(body):,} bytes too early")
        out += body[head.end() : at]
        while body[at : at + 1] in (b"\r", b"\n"):
            at += 1
    return bytes(out)


def _decoded(body: bytes, encoding: str, cut: bool) -> bytes:
    """Undo one encoding, or the one that a body plainly has; return a body as it is if the crawler undid it already."""
    name, magic, *ways = _DECODERS[encoding]
    if not magic or not body.startswith(magic):
        name, magic, *ways = next(
            (d for d in _DECODERS.values() if d[1] and body.startswith(d[1])), _DECODERS[encoding]
        )
    if not body.startswith(magic) or (cut and not magic and _is_text(body)):
        return body
    for pieces in ways:
        try:
            return _bounded(pieces(body), name, cut)
        except HttpError as e:
            if e.reason == "damaged_body" and pieces is not ways[-1]:
                continue
            if magic or e.reason == "too_large" or not _is_text(body):
                raise
            break
    return body


def _is_text(body: bytes) -> bool:
    """Say whether a body looks like a page or a text rather than like compressed data."""
    start = body[:TEXT_BYTES]
    if start.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<" or start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return True
    if _NOT_IN_TEXT.search(start):
        return False
    try:
        return len(start) >= ENOUGH_TEXT or bool(start.decode("utf-8"))
    except UnicodeDecodeError:
        return False


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


def _brotli_pieces(body: bytes) -> Iterator[bytes]:
    import brotli

    decoder = brotli.Decompressor()
    data = body
    while not decoder.is_finished():
        piece = decoder.process(data, output_buffer_limit=1 << 20)
        data = b""
        if not piece and decoder.can_accept_more_data():
            raise EOFError
        yield piece


def _zstd_pieces(body: bytes) -> Iterator[bytes]:
    import zstandard

    decoder = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW).decompressobj()
    for at in range(0, len(body), 256):  # small bites, because four bytes can unpack to 128 KiB
        yield decoder.decompress(body[at : at + 256])
        if decoder.eof:
            return
    raise EOFError


def _bounded(pieces: Iterator[bytes], name: str, cut: bool) -> bytes:
    out = bytearray()
    try:
        for piece in pieces:
            out += piece
            if len(out) > MAX_RECORD_BYTES:
                raise HttpError("too_large", f"the body unpacks to more than {MAX_RECORD_BYTES:,} bytes")
    except EOFError:
        if not cut:
            raise HttpError("truncated_body", f"the {name} body ends too early") from None
    except HttpError:
        raise
    except Exception as e:  # each library has its own error
        raise HttpError("damaged_body", f"the {name} body is damaged: {e}") from None
    return bytes(out)


_Pieces = Callable[[bytes], Iterator[bytes]]

# The name for people, the bytes that each body begins with, and the ways to decode it, in order.
_DECODERS: dict[str, tuple[str, bytes, *tuple[_Pieces, ...]]] = {
    "gzip": ("gzip", b"\x1f\x8b", _gzip_pieces),
    "x-gzip": ("gzip", b"\x1f\x8b", _gzip_pieces),
    # zlib according to the standard, raw deflate from many servers
    "deflate": (
        "deflate",
        b"",
        lambda b: _inflate(zlib.decompressobj(15), b),
        lambda b: _inflate(zlib.decompressobj(-15), b),
    ),
    "br": ("brotli", b"", _brotli_pieces),
    "zstd": ("zstd", b"\x28\xb5\x2f\xfd", _zstd_pieces),
}
