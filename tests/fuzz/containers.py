"""Compressed files of several members, damage to one of them, and how much in front of the damage can be read."""

from __future__ import annotations

import bz2
import gzip
import lzma
import struct
import zlib
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import zstandard

from tests.fuzz import raw

COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "": lambda data: data,
    ".gz": lambda data: gzip.compress(data, 1, mtime=0),
    ".bz2": lambda data: bz2.compress(data, 1),
    ".xz": lambda data: lzma.compress(data, preset=0),
    ".zst": lambda data: zstandard.compress(data, 1),
}
DICTIONARY = 0x184D2A5D  # the magic number of a skippable frame with a dictionary (WARC in Zstandard, IIPC)


def readable(ending: str, data: bytes) -> int:
    """Return how many bytes come out of a whole or cut-off compressed file, whatever may follow it."""
    if not ending:
        return len(data)
    size = 0
    while data:
        decoder: Any = {
            ".gz": lambda: zlib.decompressobj(31),
            ".bz2": bz2.BZ2Decompressor,
            ".xz": lzma.LZMADecompressor,
            ".zst": lambda: zstandard.ZstdDecompressor().decompressobj(),
        }[ending]()
        size += len(decoder.decompress(data))
        if not decoder.eof:
            break
        data = decoder.unused_data
    return size


def damage_one(rng: Random, members: Sequence[bytes], victim: int) -> tuple[str, list[bytes]]:
    """Mutate the bytes of one member."""
    name, data = raw.mutate(rng, members[victim])
    return name, [*members[:victim], data, *members[victim + 1 :]]


def between(rng: Random, ending: str, members: Sequence[bytes]) -> tuple[str, list[bytes]]:
    """Put something that holds no record before, between or behind members; every member can still be read."""
    choices: dict[str, bytes] = {}
    if ending == ".gz":
        choices |= {
            "zeros_between": bytes(rng.choice((1, 7, 512, 70_000))),
            "empty_members": gzip.compress(b"", mtime=0) * 9,
        }
        choices |= {"headers_with_names": _gzip_with_everything(rng, b"")}
    if ending == ".zst":
        payload = rng.randbytes(rng.choice((0, 1, 5, 4000)))
        frame = struct.pack("<II", 0x184D2A50 + rng.randrange(13), len(payload)) + payload
        choices |= {"skippable_frames": frame * rng.choice((1, 3)), "empty_frames": zstandard.compress(b"") * 9}
    if not choices:
        return "untouched", list(members)
    name = rng.choice(sorted(choices))
    out = list(members)
    for _ in range(rng.choice((1, 1, 4))):
        # Zeros in front of the first member are not padding.
        out.insert(rng.randrange(name == "zeros_between", len(out) + 1), choices[name])
    return name, out


def rewrap(rng: Random, ending: str, data: bytes) -> tuple[str, bytes]:
    """Compress valid data in a way that few programs do."""
    if ending == ".gz":
        return "gzip_header_fields", _gzip_with_everything(rng, data)
    if ending == ".zst":
        level, chunk = rng.choice((1, 3, 12)), rng.choice((1, 100, 1 << 16))
        checksum, content_size = rng.random() < 0.5, rng.random() < 0.5
        writer = zstandard.ZstdCompressor(level, write_checksum=checksum, write_content_size=content_size).compressobj()
        chunk = max(chunk, len(data) // 200 + 1)
        out = b"".join(
            writer.compress(data[i : i + chunk]) + writer.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
            for i in range(0, len(data), chunk)
        )
        return "small_blocks", out + writer.flush()
    return "untouched", COMPRESS[ending](data)


def bad_checksum(rng: Random, ending: str, data: bytes) -> tuple[str, bytes]:
    """Compress with a checksum or a size that is wrong."""
    if ending == ".gz":
        packed = gzip.compress(data, 1, mtime=0)
        at = rng.choice((-8, -4))
        wrong = bytes(b ^ 0x55 for b in packed[at : at + 4 or None])
        return "wrong_checksum", packed[:at] + wrong + (packed[at + 4 :] if at + 4 else b"")
    if ending == ".zst":
        packed = zstandard.ZstdCompressor(write_checksum=True).compress(data)
        return "wrong_checksum", packed[:-4] + bytes(b ^ 0x55 for b in packed[-4:])
    return raw.mutate(rng, COMPRESS[ending](data))


def with_dictionary(rng: Random, records: Sequence[bytes]) -> tuple[str, bytes, bool]:
    """Compress records with a dictionary in a frame of its own; say whether the dictionary is whole."""
    try:
        trained = zstandard.train_dictionary(4000, [r[i : i + 300] for r in records for i in range(0, len(r), 300)])
    except zstandard.ZstdError:  # too little to learn from
        trained = zstandard.ZstdCompressionDict(b"".join(records)[:4000])
    plain = trained.as_bytes()
    name = rng.choice(("dictionary", "dictionary_compressed", "dictionary_damaged", "dictionary_size", "no_dictionary"))
    content = {"dictionary_compressed": zstandard.compress(plain), "dictionary_damaged": raw.mutate(rng, plain)[1]}
    content_bytes = content.get(name, plain)
    size = rng.choice((0, 2**32 - 1, len(content_bytes) + 50)) if name == "dictionary_size" else len(content_bytes)
    frame = b"" if name == "no_dictionary" else struct.pack("<II", DICTIONARY, size) + content_bytes
    compressor = zstandard.ZstdCompressor(dict_data=trained)
    whole = name in ("dictionary", "dictionary_compressed")
    return name, frame + b"".join(compressor.compress(r) for r in records), whole


def _gzip_with_everything(rng: Random, data: bytes) -> bytes:
    """One gzip member with all optional fields of its header, the checksum of the header too (RFC 1952)."""
    flags = 0x1F
    head = b"\x1f\x8b\x08" + bytes([flags]) + rng.randbytes(4) + b"\0\xff"
    extra = b"sl\x08\0" + rng.randbytes(8) + b"zz" + struct.pack("<H", 300) + bytes(300)
    head += struct.pack("<H", len(extra)) + extra + b"na\xffme\0" + b"\x1b[31mcomment\0"
    head += struct.pack("<H", zlib.crc32(head) & 0xFFFF)
    deflate = zlib.compressobj(6, zlib.DEFLATED, -15)
    body = deflate.compress(data)
    body += deflate.flush(rng.choice((zlib.Z_FULL_FLUSH, zlib.Z_SYNC_FLUSH)))
    return head + body + deflate.flush() + struct.pack("<II", zlib.crc32(data), len(data))
