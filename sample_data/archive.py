"""WARC and WET files written by hand, so that the same pages always give the same bytes."""

from __future__ import annotations

import base64
import hashlib
import struct
import zlib

WRITTEN = "2025-07-01T00:00:00Z"  # the date in the header of every file
STATUS = {200: "OK", 302: "Found", 403: "Forbidden", 404: "Not Found", 500: "Internal Server Error"}


def gzip_member(data: bytes, level: int = 9) -> bytes:
    """One gzip member with no time and no system in its header (``gzip.compress`` writes what its Python likes)."""
    deflate = zlib.compressobj(level, zlib.DEFLATED, -15)
    packed = deflate.compress(data) + deflate.flush()
    return b"\x1f\x8b\x08\0\0\0\0\0\x02\xff" + packed + struct.pack("<II", zlib.crc32(data), len(data))


def brotli_stored(data: bytes) -> bytes:
    """A valid brotli stream that stores its data (RFC 7932, section 9.2): no encoder whose versions could differ."""
    if not 0 < len(data) <= 1 << 16:
        raise ValueError(f"one stored brotli block holds 1 to 65536 bytes, not {len(data)}")
    # From the lowest bit: window 16 (0), not last (0), four nibbles of length (00), length - 1 (16 bits), stored (1).
    return ((len(data) - 1) << 4 | 1 << 20).to_bytes(3, "little") + data + b"\x03"


def chunked(data: bytes, size: int = 1000) -> bytes:
    """The body in HTTP chunks."""
    pieces = [data[start : start + size] for start in range(0, len(data), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in [*pieces, b""])


def http_response(body: bytes, status: int, content_type: str, transfer: str) -> bytes:
    """Headers and body as the server sends them; ``transfer`` names what is done to the body, in order."""
    headers = [f"HTTP/1.1 {status} {STATUS[status]}", "Server: sample", f"Content-Type: {content_type}"]
    if status == 302:
        headers.append("Location: /moved")
    for step in transfer.split():
        match step:
            case "gzip":
                body = gzip_member(body, 0)  # stored: these bytes must not depend on the zlib at hand
            case "br":
                body = brotli_stored(body)
            case "chunked":
                body = chunked(body)
        headers.append("Transfer-Encoding: chunked" if step == "chunked" else f"Content-Encoding: {step}")
    if "chunked" not in transfer:
        headers.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*headers, "", ""]).encode() + body


def record(kind: str, url: str, date: str, content_type: str, block: bytes, *more: str) -> bytes:
    """One WARC record; its id is a hash of what is in it."""
    name = hashlib.blake2b(f"{kind} {url} {date}".encode() + block, digest_size=16).hexdigest()
    uuid = "-".join([name[:8], name[8:12], name[12:16], name[16:20], name[20:]])
    digest = base64.b32encode(hashlib.sha1(block).digest()).decode()
    lines = ["WARC/1.0", f"WARC-Type: {kind}", f"WARC-Record-ID: <urn:uuid:{uuid}>", f"WARC-Date: {date}"]
    lines += [f"WARC-Target-URI: {url}"] if url else []
    lines += [f"WARC-Block-Digest: sha1:{digest}", *more]
    lines += [f"Content-Type: {content_type}", f"Content-Length: {len(block)}", "", ""]
    return "\r\n".join(lines).encode() + block + b"\r\n\r\n"


def warc(records: list[bytes], cut_last: bool = False) -> bytes:
    """A file: a ``warcinfo`` and the records, each in its own gzip member; ``cut_last`` stops half-way in the last."""
    about = b"software: sample_data/make.py\r\nformat: WARC File Format 1.0\r\n"
    info = record("warcinfo", "", WRITTEN, "application/warc-fields", about)
    members = [gzip_member(data) for data in [info, *records]]
    if cut_last:
        last = gzip_member(records[-1], 0)  # stored, so that the cut is at the same byte of the record everywhere
        members[-1] = last[: len(last) // 2]
    return b"".join(members)


def zstd_stored(data: bytes) -> bytes:
    """A valid Zstandard frame that stores its data (RFC 8878, section 3.1.1), for the same reason."""
    blocks = [data[start : start + (1 << 17)] for start in range(0, len(data), 1 << 17)]
    # Descriptor: four bytes of content size, one segment. Block header: last block, type raw (00), size.
    frame = b"\x28\xb5\x2f\xfd\xa0" + struct.pack("<I", len(data))
    for n, block in enumerate(blocks):
        frame += (len(block) << 3 | (n == len(blocks) - 1)).to_bytes(3, "little") + block
    return frame
