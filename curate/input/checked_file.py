"""Read untrusted files safely: regular files of a bounded size, and JSON."""

from __future__ import annotations

import json
import os
import stat
from io import BufferedReader
from pathlib import Path
from typing import Any, BinaryIO

#: Bytes decompressed at a time: Zstandard expands them up to 2,000 times.
_STEP = 4096


def open_regular(path: str | Path) -> BufferedReader:
    """Open a file for reading, but refuse devices and named pipes, which could block or never end.

    Raises:
        OSError: the file is missing or cannot be read.
        ValueError: it is not a regular file.

    >>> open_regular("/dev/zero")
    Traceback (most recent call last):
    ValueError: /dev/zero is not a regular file
    """
    # Without O_NONBLOCK, opening a named pipe waits until somebody writes into it.
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise ValueError(f"{path} is not a regular file")
    return open(handle, "rb")


def read_regular(path: str | Path, limit: int) -> bytes:
    """Return the bytes of a regular file of at most ``limit`` bytes.

    Raises:
        OSError, ValueError: as `open_regular`; ValueError also for a larger file.
    """
    with open_regular(path) as file:
        return read_all(file, limit, str(path))


def read_all(file: BinaryIO, limit: int, name: str) -> bytes:
    """Return the rest of a stream, at most ``limit`` bytes.

    Raises:
        ValueError: there are more.
    """
    data = file.read(limit + 1)
    if len(data) > limit:
        raise ValueError(f"{name} is larger than {limit:,} bytes, the limit for such a file")
    return data


def decompress_frame(data: bytes, limit: int) -> bytes:
    """Return the content of one Zstandard frame, at most ``limit`` bytes.

    Raises:
        ValueError: the frame is damaged or larger, or something follows it.

    >>> import zstandard
    >>> decompress_frame(zstandard.compress(b"model"), 5)
    b'model'
    """
    import zstandard

    frame = zstandard.ZstdDecompressor(max_window_size=2**27).decompressobj()
    content: list[bytes] = []
    size = 0
    try:
        for start in range(0, len(data), _STEP):
            content.append(frame.decompress(data[start : start + _STEP]))
            size += len(content[-1])
            if size > limit:
                raise ValueError(f"it holds more than {limit:,} bytes, the limit for such a file")
            if frame.eof:
                break
    except zstandard.ZstdError as error:
        raise ValueError(str(error)) from None
    if not frame.eof or frame.unused_data or start + _STEP < len(data):
        raise ValueError("it is not one whole Zstandard frame")
    return b"".join(content)


def parse_json(data: bytes) -> Any:
    """Return the value of a JSON text.

    Raises:
        ValueError: the text is not JSON or not UTF-8, is nested too deeply, or has a number of thousands of digits.

    >>> parse_json(b"[" * 100_000)
    Traceback (most recent call last):
    ValueError: nested too deeply
    """
    try:
        return json.loads(data)
    except UnicodeDecodeError:
        raise ValueError("not UTF-8") from None
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except ValueError as error:
        raise ValueError(f"not JSON: {str(error).partition(';')[0]}") from None
