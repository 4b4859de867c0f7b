"""Files on any file system that Beam knows: open, match, and write so that a file is either whole or absent."""

from __future__ import annotations

import glob
import hashlib
import importlib
import io
import os
import posixpath
import re
import shutil
import socket
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, BinaryIO

import orjson
from apache_beam.io.filesystem import BeamIOError, CompressionTypes, FileMetadata
from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import PipelineOptions

from pipelines.io import local_files

RAW = CompressionTypes.UNCOMPRESSED
INCOMPLETE = ".incomplete"  # ending of a file that is still being written
ATTEMPT = re.compile(r"(.+)\.[^./]+-\d+-\d+\.incomplete")  # such a file: what it becomes, host, process and thread
BUFFER_BYTES = 1 << 20  # of a file that is written: curate's own value, one request to a disk or network at a time

#: Per scheme, the extra of Beam and of ours that brings its library, and the library.
EXTRAS = {
    "gs": ("gcp", "google.cloud.storage"),
    "s3": ("aws", "boto3"),
    "azfs": ("azure", "azure.storage.blob"),
    "hdfs": ("hadoop", "hdfs"),
}


def check(path: str) -> None:
    """Make sure that Beam can read paths of this kind here.

    Raises:
        OSError: it cannot; the message has the fix.
    """
    scheme, remote, _ = path.partition("://")
    if not remote:
        return
    if FileSystems._pipeline_options is None:  # without any, s3:// and azfs:// fail before they ask for credentials
        FileSystems.set_options(PipelineOptions([]))
    extra, library = EXTRAS.get(scheme, ("", ""))
    try:
        if library:
            importlib.import_module(library)
        FileSystems.get_filesystem(path)
    except ImportError:
        raise OSError(f"{path}: {scheme}:// needs more packages: pip install 'curate-corpus[{extra}]'") from None
    except ValueError as e:
        if extra:  # an option is missing
            raise OSError(f"{path}: {reason(e)}") from None
        known = ", ".join(f"{name}://" for name in EXTRAS)
        raise OSError(f"{path}: {scheme}:// is not read, only local paths, {known}: copy the files there") from None


class DamagedError(ValueError):
    """A file of a run that is not what the run wrote: which, and how that shows."""


def reason(error: BaseException) -> str:
    """Say what went wrong: Beam packs the errors of a file system in mappings from paths, one in the other."""
    while isinstance(error, BeamIOError) and error.exception_details:
        path, inner = next(iter(error.exception_details.items()))
        if not isinstance(inner, BaseException):
            break
        error = inner if isinstance(inner, BeamIOError) else OSError(f"{path}: {inner or type(inner).__name__}")
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"{error.filename}: {error.strerror}"
    return " ".join(str(error).split())


@contextmanager
def _naming(path: str) -> Iterator[None]:
    """Make every error an OSError that names the path, whatever the library of an object store raises."""
    try:
        yield
    except OSError as e:
        if e.errno is not None and (e.filename is None or str(e.filename).endswith(INCOMPLETE)):
            e.filename = path
        if e.errno is None and path not in str(e):
            raise type(e)(f"{path}: {e}") from e
        raise
    except Exception as e:
        raise OSError(f"{path}: {reason(e)}") from e


def join(*parts: str) -> str:
    """Join path parts with the separator of the first one's file system."""
    check(parts[0])
    return FileSystems.join(*parts)


def exists(path: str) -> bool:
    """Say whether ``path`` is there.

    Raises:
        OSError: it cannot be known now, as while a network is down.
    """
    if "://" not in path:
        return local_files.status(path) is not None
    with _naming(path):
        return FileSystems.exists(path)


def is_file(path: str) -> bool:
    """Say whether ``path`` is a file, not a folder.

    Raises:
        OSError: it cannot be known now, or Beam cannot read paths of this kind here.
    """
    if "://" in path:
        check(path)
        return exists(path)
    status = local_files.status(path)
    return status is not None and stat.S_ISREG(status.st_mode)


def size(path: str) -> int:
    """Return the size of a file in bytes, -1 where there is none.

    Raises:
        OSError: it cannot be known now.
    """
    if "://" not in path:
        status = local_files.status(path)
        return status.st_size if status and stat.S_ISREG(status.st_mode) else -1
    with _naming(path):
        return FileSystems.get_filesystem(path).size(path) if FileSystems.exists(path) else -1


@contextmanager
def locked(folder: str) -> Iterator[None]:
    """Keep other runs out of a local folder; the lock goes with the process, however it ends.

    Raises:
        BlockingIOError: another run has it.
        OSError: the block failed, and the folder is another one by then.
    """
    if "://" in folder:  # object stores have no locks
        yield
        return
    import fcntl

    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, "lock")
    with open(path, "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        try:
            yield
        except Exception as e:
            there = local_files.status(path)
            if there and os.path.samestat(there, os.fstat(lock.fileno())):
                raise
            raise OSError(f"{folder}: moved, replaced or deleted during the run; run the same command again") from e


def make_folder(path: str) -> None:
    """Create a folder and its parents where they are missing."""
    if "://" not in path:
        os.makedirs(path, exist_ok=True)
        return
    with suppress(OSError):  # there already
        FileSystems.mkdirs(path)


def match(pattern: str) -> list[FileMetadata]:
    """List the files that a path or glob names, sorted by path.

    A folder stands for every file below it, hidden ones aside. A local path may begin with ``~``, and is made absolute;
    one that exists is meant as it is, whatever characters are in it.

    Raises:
        OSError: a folder that cannot be listed: what is in it must not vanish in silence.
    """
    if "://" in pattern:
        check(pattern)
        with _naming(pattern):
            found = FileSystems.match([pattern])[0].metadata_list
            if len(found) <= 1 and not any(c in pattern for c in "*?["):
                below = FileSystems.match([posixpath.join(pattern, "**")])[0].metadata_list
                found = below or found
        found = [f for f in found if f.size_in_bytes is not None and not f.path.endswith("/")]
        return sorted(found, key=lambda f: f.path)
    pattern = os.path.abspath(os.path.expanduser(pattern))
    named = [pattern] if exists(pattern) else local_files.expand(pattern)
    paths = {path for name in named for path in (local_files.below(name) if os.path.isdir(name) else [name])}
    found = []
    for path in sorted(paths):
        facts = local_files.status(path)  # none where it was renamed meanwhile
        if facts and stat.S_ISREG(facts.st_mode):
            found.append(FileMetadata(path, facts.st_size, facts.st_mtime))
    return found


def within(folder: str, names: str) -> list[FileMetadata]:
    """List the files of a folder whose names match a glob, sorted by path; none if there is no such folder."""
    return match(join(glob.escape(folder if "://" in folder else os.path.abspath(folder)), names))


def names(folder: str) -> list[str]:
    """Return the names of the files in a folder, sorted, without those that are being written."""
    found = (meta.path.rpartition("/")[2] for meta in within(folder, "*"))
    return [name for name in found if not name.endswith(INCOMPLETE)]


def open_read(path: str) -> BinaryIO:
    """Open a file for reading its bytes as they are, without decompression."""
    check(path)
    with _naming(path):
        return FileSystems.open(path, compression_type=RAW)


def read_bytes(path: str) -> bytes:
    """Read a small file."""
    with open_read(path) as f:
        return f.read()


def read_json(path: str) -> Any:
    """Read a small JSON file.

    Raises:
        DamagedError: it is not JSON.
    """
    try:
        return orjson.loads(read_bytes(path))
    except orjson.JSONDecodeError as e:
        raise DamagedError(f"{path}: damaged, not JSON ({e})") from None


class _Output(io.RawIOBase):
    """Passes bytes on to a file; an error names the file that they are for."""

    def __init__(self, stream: BinaryIO, path: str) -> None:
        self._stream, self._path = stream, path

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        with _naming(self._path):
            written = self._stream.write(data if "://" not in self._path else bytes(data))
        return len(data) if written is None else written

    def close(self) -> None:
        if not self.closed:
            super().close()
            with _naming(self._path):
                self._stream.close()


@contextmanager
def atomic_write(path: str) -> Iterator[BinaryIO]:
    """Write a file under a temporary name and rename it when the block ends without an error.

    Raises:
        OSError: a disk that is full or fails, a folder that may not be written; it names the path.
    """
    check(path)
    host = socket.gethostname().replace(".", "_")
    attempt = f"{host}-{os.getpid()}-{threading.get_ident()}"  # two attempts never share a file
    temporary = f"{path}.{attempt}{INCOMPLETE}"
    try:
        with io.BufferedWriter(_Output(_create(temporary, path), path), BUFFER_BYTES) as f:
            yield f
        _rename(temporary, path)
    except BaseException:
        with suppress(OSError):
            delete([temporary])
        raise


def _create(temporary: str, path: str) -> BinaryIO:
    with _naming(path):
        if "://" in temporary:
            return FileSystems.create(temporary, compression_type=RAW)
        os.makedirs(os.path.dirname(temporary) or ".", exist_ok=True)
        return open(temporary, "wb", buffering=0)


def _rename(temporary: str, path: str) -> None:
    with _naming(path):
        if "://" not in path:
            os.replace(temporary, path)
            return
        system = FileSystems.get_filesystem(path)
        if system.has_dirs() and system.exists(path):  # HDFS does not rename onto a file
            system.delete([path])
        system.rename([temporary], [path])


def attempt_at(name: str) -> str:
    """Return the name of the file that a temporary file was to become, "" if the name is not of such a file.

    >>> attempt_at("part-00000-of-00001.parquet.host-17-140.incomplete")
    'part-00000-of-00001.parquet'
    >>> attempt_at("thesis.incomplete")
    ''
    """
    found = ATTEMPT.fullmatch(name)
    return found[1] if found else ""


def _json(value: object) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def write_json(path: str, value: object) -> None:
    """Write a small JSON file atomically, keys in the order given."""
    with atomic_write(path) as f:
        f.write(_json(value))


def write_checked_json(path: str, value: dict) -> None:
    """Write a small JSON file that carries, as its second line, the SHA-256 of all its other lines.

    Anyone can check it: ``sed 2d manifest.json | sha256sum``.
    """
    data = _json(value)
    with atomic_write(path) as f:
        f.write(b"{\n" + _check_line(data) + data.removeprefix(b"{"))


def _check_line(data: bytes) -> bytes:
    return b'  "sha256": "%s",' % hashlib.sha256(data).hexdigest().encode()


def read_checked_json(path: str) -> dict:
    """Read a file of `write_checked_json`.

    Raises:
        DamagedError: it is not JSON, or not what was written.
    """
    with open_read(path) as f:
        first, check, rest = [*f.read().split(b"\n", 2), b"", b""][:3]
    data = first + b"\n" + rest
    if check != _check_line(data):
        raise DamagedError(f"{path}: damaged, its line sha256 is not the digest of its other lines")
    return orjson.loads(data)


def delete(paths: list[str]) -> None:
    """Delete files and folders that are there, and what is in them."""
    for path in paths:
        if "://" not in path:
            with suppress(FileNotFoundError):
                shutil.rmtree(path) if os.path.isdir(path) and not os.path.islink(path) else os.remove(path)
            continue
        # an object store has no folders, only names that begin alike
        with _naming(path):
            if found := [*(f.path for f in within(path, "**")), *([path] if exists(path) else [])]:
                FileSystems.delete(found)
