"""Decompress gzip, bzip2, xz and Zstandard files, chosen by the extension of their names."""

from __future__ import annotations

import bz2
import io
import lzma
from collections.abc import Callable, Iterator
from typing import BinaryIO

import zstandard

from curate.input.decoders import PIECE_BYTES, Bzip2OrXz, Gzip, Zstd, zstd_decompressor
from curate.input.limits import MAX_WINDOW
from curate.input.pieces import PieceStream

READ_BYTES = 1 << 16
LONGEST_WINDOW = 1 << 31  # of Zstandard (--long=31)
XZ_STATE = 1 << 20  # memory beside the dictionary; liblzma takes some 60 KiB
HEAD_BYTES = 18  # largest header of a Zstandard frame (RFC 8878, 3.1.1.1)
MAGICS = b"BZh", b"\xfd7zXZ\0", b"]\0\0"  # of bzip2, xz, and LZMA as xz --format=lzma writes it

#: A Zstandard frame with a window of more than `MAX_WINDOW` may fill `FREE_HISTORY` bytes of history and `MAX_HISTORY`
#: times its compressed bytes more: memory is taken as it fills. curate's own values: text rarely compresses to less
#: than a 32nd.
FREE_HISTORY = 1 << 29
MAX_HISTORY = 32

#: Extensions of the files that `decompressed` decompresses.
COMPRESSED = (".gz", ".bz2", ".xz", ".zst")


class Damaged(ValueError):
    """A compressed file is cut off or damaged."""


def split_compression(path: str) -> tuple[str, str]:
    """Return a file's name in lower case without the extension of its compression, and that extension.

    >>> split_compression("crawl/Pages.jsonl.GZ"), split_compression("pages.jsonl")
    (('pages.jsonl', '.gz'), ('pages.jsonl', ''))
    """
    name = path.lower().rpartition("/")[2]
    compression = next((ending for ending in COMPRESSED if name.endswith(ending)), "")
    return name.removesuffix(compression), compression


def decompressed(stream: BinaryIO, path: str) -> BinaryIO:
    """Return a stream of the decompressed bytes of a file, or the file itself if no `COMPRESSED` extension applies.

    Reading raises `Damaged` after the last byte that can be unpacked. Memory is bounded, and ``read`` unpacks little
    more than it was asked for.

    Args:
        stream: the file; must be seekable.
        path: of the file, or its name.

    >>> import gzip
    >>> decompressed(io.BytesIO(gzip.compress(b"page")), "pages.GZ").read()
    b'page'
    """
    compression = split_compression(path)[1]
    if not compression:
        return stream
    memory = _memory(stream)
    frames = zstd_decompressor(window=LONGEST_WINDOW)
    decoders: dict[str, Callable[[], _Decoder]] = {
        ".gz": Gzip,
        ".bz2": lambda: Bzip2OrXz(bz2.BZ2Decompressor()),
        ".xz": lambda: Bzip2OrXz(lzma.LZMADecompressor(memlimit=memory + XZ_STATE)),
        ".zst": lambda: Zstd(frames),
    }
    return io.BufferedReader(PieceStream(_unpack(stream, decoders[compression], memory)), PIECE_BYTES)


def _memory(stream: BinaryIO) -> int:
    """Return how many bytes an xz decoder may take: as many as the file has, because it takes them all at once."""
    at = stream.tell()
    size = stream.seek(0, 2)
    stream.seek(at)
    return min(max(size, MAX_WINDOW), LONGEST_WINDOW)


_Decoder = Gzip | Bzip2OrXz | Zstd


def _unpack(stream: BinaryIO, decoder: Callable[[], _Decoder], memory: int) -> Iterator[bytes]:
    """Unpack members one after the other, with zeros as padding between and after them."""
    member: _Decoder | None = None
    begin = given = window = 0  # where the member begins, bytes it gave so far, and bytes it keeps as history
    while raw := stream.read(READ_BYTES):
        start, at = stream.tell() - len(raw), 0
        while at < len(raw) or (member and member.pending):
            if member is None or member.ended:
                if member and not raw[at]:
                    at = len(raw) - len(raw[at:].lstrip(b"\0"))
                    continue
                head = _head(stream, raw, at)
                if isinstance(member, Bzip2OrXz) and not any(m.startswith(head[: len(m)]) for m in MAGICS):
                    return  # as the tools and the standard library, ignore what follows the last stream
                member, begin, given = decoder(), start + at, 0
                window = _window(head) if isinstance(member, Zstd) else 0
            piece, at, problem = member.decode(raw, at)
            given += len(piece)
            yield piece
            history = min(given, window)
            if history > max(MAX_WINDOW, FREE_HISTORY + MAX_HISTORY * (start + at)) and not member.ended:
                raise Damaged(f"a window of {window:,} bytes for a small file: compress it without --long")
            if problem:
                if not isinstance(member, Gzip):  # which already gives every byte it can
                    yield from _before_damage(stream, begin, start, decoder(), given)
                raise Damaged(_explained(problem, memory))
    if member and not member.ended:
        raise Damaged("the file ends inside a compressed stream")


def _head(stream: BinaryIO, raw: bytes, at: int) -> bytes:
    """Return the first bytes of a member at ``raw[at:]``, reading ahead in the stream where ``raw`` ends too early."""
    missing = HEAD_BYTES - (len(raw) - at)
    if missing <= 0:
        return raw[at : at + HEAD_BYTES]
    position = stream.tell()
    more = stream.read(missing)
    stream.seek(position)
    return raw[at:] + more


def _window(head: bytes) -> int:
    """Return how many bytes of history a Zstandard frame takes; 0 if these bytes do not begin one."""
    try:
        return zstandard.get_frame_parameters(head).window_size
    except zstandard.ZstdError:
        return 0


def _explained(problem: str, memory: int) -> str:
    if "too much memory" in problem:  # libzstd
        return f"it was compressed with a window of more than {LONGEST_WINDOW:,} bytes: compress it without --long"
    if "Memory usage" in problem:  # liblzma
        return f"it takes more than {memory + XZ_STATE:,} bytes to read: compress it with -9 or less"
    return problem


def _before_damage(stream: BinaryIO, begin: int, start: int, member: _Decoder, given: int) -> Iterator[bytes]:
    """Yield what a member gives after ``given`` bytes and before its damage: a failed call returns none of it.

    The libraries cannot copy a decoder, so the member is decoded again from ``begin``, and byte by byte from ``start``
    on, where the piece being read begins.
    """
    stream.seek(begin)
    problem = ""
    while not problem and (raw := stream.read(max(min(READ_BYTES, start - stream.tell()), 1))):
        at = 0
        while not problem and (at < len(raw) or member.pending):
            piece, at, problem = member.decode(raw, at)
            yield piece[given:]
            given = max(given - len(piece), 0)
