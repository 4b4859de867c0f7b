"""Mutations of bytes that know nothing of what the bytes mean."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

#: Bytes that mean something somewhere: ends of lines and strings, signs, brackets, starts of members and records.
TOKENS = (
    b"\0", b"\n", b"\r\n\r\n", b"\xff", b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b"\x50\x2a\x4d\x18\x05\0\0\0",
    b"WARC/1.0\r\n", b"PAR1", b"ARROW1\0\0", b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", b"\0\0\0\x80", b"-1", b"{",
    b"[",
    b'"', b"\\", b"<", b">", b"&", b"<!--", b"]]>", b"\xed\xa0\x80", b"\xc0\x80", b"\xf4\x90\x80\x80",
    b"\xef\xbb\xbf",
    b"\xff\xfe", b"\x1b[2J", b"\xc2\x9b", b"\xe2\x80\xae",
)  # fmt: skip


def flip(rng: Random, data: bytes) -> bytes:
    """Change some bits."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 8, 60)) if data else 0):
        out[rng.randrange(len(out))] ^= 1 << rng.randrange(8)
    return bytes(out)


def overwrite(rng: Random, data: bytes) -> bytes:
    """Write random, zero or 255 bytes over a span."""
    at, size = _span(rng, data)
    new = rng.choice((rng.randbytes(size), bytes(size), b"\xff" * size, b"\n" * size))
    return data[:at] + new + data[at + size :]


def insert(rng: Random, data: bytes) -> bytes:
    """Insert bytes that mean something, or noise, or zeros."""
    at = rng.randrange(len(data) + 1)
    new = rng.choice(
        (rng.choice(TOKENS), rng.choice(TOKENS) * 50, rng.randbytes(rng.choice((1, 30, 2000))), bytes(600))
    )
    return data[:at] + new + data[at:]


def delete(rng: Random, data: bytes) -> bytes:
    """Delete a span."""
    at, size = _span(rng, data)
    return data[:at] + data[at + size :]


def duplicate(rng: Random, data: bytes) -> bytes:
    """Repeat a span."""
    at, size = _span(rng, data)
    return data[: at + size] + data[at : at + size] * rng.randint(1, 4) + data[at + size :]


def swap(rng: Random, data: bytes) -> bytes:
    """Exchange two halves of the rest behind a place."""
    at, size = _span(rng, data)
    return data[:at] + data[at + size :] + data[at : at + size]


def truncate(rng: Random, data: bytes) -> bytes:
    """Cut the end off."""
    return data[: rng.randrange(len(data) + 1)]


MUTATIONS: tuple[Callable[[Random, bytes], bytes], ...] = (
    flip, overwrite, insert, delete, duplicate, swap, truncate
)  # fmt: skip


def mutate(rng: Random, data: bytes) -> tuple[str, bytes]:
    """Do one of them, sometimes two; return their names and the result."""
    chosen = [rng.choice(MUTATIONS) for _ in range(rng.choice((1, 1, 1, 2)))]
    for mutation in chosen:
        data = mutation(rng, data)
    return "+".join(m.__name__ for m in chosen), data


def mutate_behind(rng: Random, data: bytes) -> tuple[str, bytes, int]:
    """Mutate all behind a random place; return the name, the result and the place: what lies before it is unharmed."""
    at = rng.randrange(len(data) + 1)
    name, behind = mutate(rng, data[at:])
    return name, data[:at] + behind, at


def _span(rng: Random, data: bytes) -> tuple[int, int]:
    at = rng.randrange(len(data) + 1)
    size = min(rng.choice((1, 2, 4, 8, 64, 512, len(data))), len(data) - at)
    return at, size
