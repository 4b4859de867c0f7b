"""Find the members of an archive that start a record: the next one after damage, or after a split of the file.

>>> import gzip, io
>>> one = gzip.compress(b"WARC/1.0\\r\\n")
>>> next_member(io.BytesIO(b"damage" + one), 0, "gzip")
6
"""

from __future__ import annotations

import re
import zlib
from typing import BinaryIO

import zstandard

from curate.input.decoders import Gzip, Zstd, zstd_decompressor

READ_BYTES = 1 << 16
START_BYTES = 512  # of a member, in which a record must start
# Consecutive members of this size prove the first. curate's own value: 4 times the 64 KiB that `first_member` explains.
CHAIN_BYTES = 1 << 18
SEARCH_BYTES = 1 << 12, 1 << 20  # of a file read at once to search it: the first time, and at most

GZIP = b"\x1f\x8b\x08"
ZSTD = b"\x28\xb5\x2f\xfd"
DICTIONARY = (
    b"\x5d\x2a\x4d\x18"  # a skippable frame that holds the dictionary (iipc.github.io/warc-specifications, zstd)
)
MAX_DICTIONARY = 1 << 24  # curate's own value: zstd trains 110 KiB by default

# Of a Zstandard frame (RFC 8878, sections 3.1.1.1 and 3.1.1.2.4).
MAX_FRAME_HEADER = 18
MAX_BLOCK = 1 << 17

# What a member looks like, and how many of its bytes are needed to try it: a gzip member gives its first bytes at once,
# a Zstandard frame only with its first block.
_LOOKS = {
    "gzip": (re.compile(re.escape(GZIP) + rb"[\x00-\x1f]", re.DOTALL), 4 * START_BYTES),
    "zstd": (re.compile(re.escape(ZSTD) + b"|" + re.escape(DICTIONARY)), MAX_FRAME_HEADER + 3 + MAX_BLOCK),
}

# The first line of a record. ARC 1 is URL, IP, date, media type, length; ARC 2 has five more before the length
# (archive.org/web/researcher/ArcFileFormat.php). The first address and date of a line decide ("(?>"): trying each of
# them would take time in the square of their number. Each part has a limit, because a member can start at each byte of
# one long line.
ARC_ADDRESS = (
    rb"(?:(?:\d{1,3}\.){3}\d{1,3}|[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:.]{1,41}|-)?"  # IPv4 or IPv6, a dash, or empty if unknown
)
RECORD_START = re.compile(
    rb"WARC/\d\.\d{1,2}[ \t]{0,99}\r?\n|[A-Za-z][A-Za-z0-9+.-]{0,30}+:"
    rb"(?>[^\r\n]{0,16384}? " + ARC_ADDRESS + rb" \d{8,17} )(?:[^\r\n]{0,4096} )?\d{1,9999}+[ \t]{0,99}\r?\n"
)


def next_member(
    stream: BinaryIO, offset: int, kind: str, dictionary: bytes = b"", before: int | None = None
) -> int | None:
    """Return the offset of the first member at ``offset`` or later that starts a record, or holds a dictionary.

    Args:
        stream: the file.
        offset: byte of the file.
        kind: "gzip" or "zstd".
        dictionary: of the Zstandard frames up to here.
        before: a member that starts there or later may be missed.

    >>> import io
    >>> next_member(io.BytesIO(b"no member at all"), 0, "gzip") is None
    True
    """
    looks, needed = _LOOKS[kind]
    decompressor = _decompressor(dictionary) if kind == "zstd" else None
    size, most = SEARCH_BYTES
    window = b""
    while True:
        stream.seek(offset + len(window))
        more = stream.read(max(size, needed))
        size = min(2 * size, most)
        window += more
        match = looks.search(window)
        while match and (len(window) - match.start() >= needed or not more):
            at = match.start()
            if window.startswith(DICTIONARY, at):
                if _holds_dictionary(stream, offset + at):
                    return offset + at
            elif _starts_record(window, at, decompressor):
                return offset + at
            match = looks.search(window, at + 1)
        if not more or (before is not None and offset >= before):
            return None
        kept = match.start() if match else max(len(window) - len(ZSTD) + 1, 0)
        offset += kept
        window = window[kept:]


def _decompressor(dictionary: bytes) -> zstandard.ZstdDecompressor:
    try:
        return zstd_decompressor(dictionary)
    except zstandard.ZstdError:
        return zstd_decompressor()


def _starts_record(window: bytes, at: int, decompressor: zstandard.ZstdDecompressor | None) -> bool:
    """Say whether a record starts where a member seems to."""
    if decompressor:
        start = _first_block(window, at, decompressor)
    else:
        try:
            start = zlib.decompressobj(31).decompress(window[at : at + 4 * START_BYTES], START_BYTES)
        except zlib.error:
            return False
    return bool(RECORD_START.match(start.lstrip(b"\r\n")))


def _first_block(window: bytes, at: int, decompressor: zstandard.ZstdDecompressor) -> bytes:
    """Return the start of the first block of a Zstandard frame; only that block, of at most 128 KiB, is decoded."""
    try:
        begin = at + zstandard.frame_header_size(window[at : at + MAX_FRAME_HEADER])
    except zstandard.ZstdError:
        return b""
    head = int.from_bytes(window[begin : begin + 3], "little")
    stop = begin + 3 + (head >> 3)
    match head >> 1 & 3:  # RFC 8878, section 3.1.1.2
        case 0:
            return window[begin + 3 : min(stop, begin + 3 + START_BYTES)]
        case 2 if head >> 3 <= MAX_BLOCK:
            return Zstd(decompressor, stop - at).decode(window[at:stop], 0)[0][:START_BYTES]
    return b""


def _holds_dictionary(stream: BinaryIO, offset: int) -> bool:
    """Say whether the skippable frame at ``offset`` ends where a member starts."""
    stream.seek(offset + 4)
    size = int.from_bytes(stream.read(4), "little")
    stream.seek(offset + 8 + size)
    return size <= MAX_DICTIONARY and stream.read(len(ZSTD)) == ZSTD


def read_dictionary(stream: BinaryIO, offset: int) -> tuple[bytes, str]:
    """Read the dictionary in the skippable frame at ``offset``; return it, and what is wrong with it ("" for nothing).

    >>> import io
    >>> read_dictionary(io.BytesIO(DICTIONARY + b"\\4\\0\\0\\0abcd"), 0)
    (b'abcd', '')
    """
    stream.seek(offset + 4)
    size = int.from_bytes(stream.read(4), "little")
    if size > MAX_DICTIONARY:
        return b"", f"a dictionary of {size:,} bytes; the limit is {MAX_DICTIONARY:,}"
    content = stream.read(size)
    if not content.startswith(ZSTD):
        return content, ""
    frame, out, at, problem = Zstd(zstd_decompressor()), bytearray(), 0, ""
    while at < len(content) and len(out) <= MAX_DICTIONARY and not frame.ended and not problem:
        piece, at, problem = frame.decode(content, at)
        out += piece
    if len(out) > MAX_DICTIONARY:
        problem = f"unpacks to more than {MAX_DICTIONARY:,} bytes"
    return bytes(out), f"damaged dictionary: {problem or 'it is cut off'}" if problem or not frame.ended else ""


def first_member(stream: BinaryIO, offset: int, before: int | None = None) -> int:
    """Return where the first gzip member at ``offset`` or later starts, or the file's size if there is none.

    With ``before``, the size may also be returned if no member starts before it, so that a file of one large member is
    not searched to its end for every range.

    Three bytes that look like a member are not enough, nor is a member that looks like a record: a page can itself be
    an archive. A member counts if others follow it without a gap, each with a correct checksum and each the start of a
    record, for 256 KiB or to the end of the file. Inside a page, the header of a stored block would interrupt
    compressed data at least every 64 KiB (RFC 1951, section 3.2.4). So a false start is practically impossible, and
    missing a true one does no harm, because the reader of the preceding range misses it too.

    >>> import gzip, io
    >>> one = gzip.compress(b"WARC/1.0\\r\\n")
    >>> first_member(io.BytesIO(one + one), 1) == len(one)
    True
    """
    size = stream.seek(0, 2)
    if offset <= 0:
        return 0
    while True:
        member = next_member(stream, offset, "gzip", before=before)
        if member is None or (before is not None and member >= before):
            return size
        broken = _broken_link(stream, member)
        if broken is None:
            return member
        offset = broken + 1  # a chain that starts between the two breaks at the same member


def _broken_link(stream: BinaryIO, offset: int) -> int | None:
    """Follow the members from ``offset`` on; return the first that is damaged or no record, None for a long chain."""
    stream.seek(offset)
    raw, at, begin = b"", 0, offset
    taken = 0
    while taken < CHAIN_BYTES:
        decoder, head = Gzip(), b""
        while not decoder.ended:
            if at == len(raw):
                raw, at = stream.read(READ_BYTES), 0
                if not raw:
                    return begin
            piece, used, problem = decoder.decode(raw, at)
            if problem:
                return begin
            taken += used - at
            at = used
            head += piece[: START_BYTES - len(head)]
        if not RECORD_START.match(head.lstrip(b"\r\n")):
            return begin
        if at == len(raw):
            raw, at = stream.read(READ_BYTES), 0
            if not raw:
                return None
        begin = offset + taken
    return None
