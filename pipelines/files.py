"""Files on any file system that Beam knows: open, match, and write so that a file is either whole or absent."""

from __future__ import annotations

import glob
import importlib
import os
import posixpath
import socket
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO

import orjson
from apache_beam.io.filesystem import BeamIOError, CompressionTypes, FileMetadata
from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import PipelineOptions

RAW = CompressionTypes.UNCOMPRESSED
INCOMPLETE = ".incomplete"  # ending of a file that is still being written

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
        raise OSError(f"{path}: {scheme}:// needs more packages: pip install 'curate[{extra}]'") from None
    except ValueError as e:
        if extra:  # an option is missing
            raise OSError(f"{path}: {reason(e)}") from None
        known = ", ".join(f"{name}://" for name in EXTRAS)
        raise OSError(f"{path}: {scheme}:// is not read, only local paths, {known}: copy the files there") from None


def reason(error: BaseException) -> str:
    """Say what went wrong: Beam packs the errors of a file system in mappings from paths, one in the other."""
    while isinstance(error, BeamIOError) and error.exception_details:
        path, inner = next(iter(error.exception_details.items()))
        if not isinstance(inner, BaseException):
            break
        error = inner if isinstance(inner, BeamIOError) else OSError(f"{path}: {inner or type(inner).__name__}")
    return " ".join(str(error).split())


@contextmanager
def _told(path: str) -> Iterator[None]:
    """Make an OSError of what the library of an object store raises, whatever that is."""
    try:
        yield
    except OSError:
        raise
    except Exception as e:
        raise OSError(f"{path}: {reason(e)}") from e


def join(*parts: str) -> str:
    """Join path parts with the separator of the first one's file system."""
    check(parts[0])
    return FileSystems.join(*parts)


def exists(path: str) -> bool:
    """Say whether ``path`` is there."""
    with _told(path):
        return FileSystems.exists(path)


def is_file(path: str) -> bool:
    """Say whether ``path`` is a file, not a folder."""
    try:
        return exists(path) if "://" in path else os.path.isfile(path)
    except (ValueError, OSError, BeamIOError):  # a scheme that nobody knows
        return False


def size(path: str) -> int:
    """Return the size of a file in bytes, -1 where there is none."""
    try:
        return FileSystems.match([path])[0].metadata_list[0].size_in_bytes if "://" in path else os.path.getsize(path)
    except (OSError, BeamIOError, IndexError):
        return -1


@contextmanager
def locked(folder: str) -> Iterator[None]:
    """Keep other runs out of a local folder; the lock goes with the process, however it ends.

    Raises:
        BlockingIOError: another run has it.
    """
    if "://" in folder:  # object stores have no locks
        yield
        return
    import fcntl

    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


def make_folder(path: str) -> None:
    """Create a folder and its parents where they are missing."""
    with suppress(OSError):
        FileSystems.mkdirs(path)


def match(pattern: str) -> list[FileMetadata]:
    """List the files that a path or glob names, sorted by path.

    A folder stands for every file below it, hidden ones aside. A local path may begin with ``~``, and is made absolute;
    one that exists is meant as it is, whatever characters are in it.
    """
    if "://" in pattern:
        check(pattern)
        with _told(pattern):
            found = FileSystems.match([pattern])[0].metadata_list
            if len(found) <= 1 and not any(c in pattern for c in "*?["):
                below = FileSystems.match([posixpath.join(pattern, "**")])[0].metadata_list
                found = below or found
        found = [f for f in found if f.size_in_bytes is not None and not f.path.endswith("/")]
        return sorted(found, key=lambda f: f.path)
    pattern = os.path.abspath(os.path.expanduser(pattern))
    named = [pattern] if os.path.exists(pattern) else glob.glob(pattern, recursive=True)
    paths = {path for name in named for path in (_below(name) if os.path.isdir(name) else [name])}
    found = []
    for path in sorted(paths):
        with suppress(FileNotFoundError):  # it was renamed meanwhile
            facts = os.stat(path)
            if stat.S_ISREG(facts.st_mode):
                found.append(FileMetadata(path, facts.st_size, facts.st_mtime))
    return found


def within(folder: str, names: str) -> list[FileMetadata]:
    """List the files of a folder whose names match a glob, sorted by path; none if there is no such folder."""
    return match(join(glob.escape(folder if "://" in folder else os.path.abspath(folder)), names))


def _below(folder: str) -> Iterator[str]:
    for where, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (os.path.join(where, name) for name in names if not name.startswith("."))


def open_read(path: str) -> BinaryIO:
    """Open a file for reading its bytes as they are, without decompression."""
    check(path)
    return FileSystems.open(path, compression_type=RAW)


def read_bytes(path: str) -> bytes:
    """Read a small file."""
    with open_read(path) as f:
        return f.read()


def read_json(path: str) -> dict:
    """Read a small JSON file."""
    return orjson.loads(read_bytes(path))


@contextmanager
def atomic_write(path: str) -> Iterator[BinaryIO]:
    """Write a file under a temporary name and rename it when the block ends without an error."""
    check(path)
    attempt = f"{socket.gethostname()}-{os.getpid()}-{threading.get_ident()}"  # two attempts never share a file
    temporary = f"{path}.{attempt}{INCOMPLETE}"
    try:
        with FileSystems.create(temporary, compression_type=RAW) as f:
            yield f
    except BaseException:
        with suppress(OSError, BeamIOError):
            FileSystems.delete([temporary])
        raise
    try:
        FileSystems.rename([temporary], [path])
    except BeamIOError:  # a file system that does not rename onto a file
        FileSystems.delete([path])
        FileSystems.rename([temporary], [path])


def write_json(path: str, value: object) -> None:
    """Write a small JSON file atomically, keys in the order given."""
    with atomic_write(path) as f:
        f.write(orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def delete(paths: list[str]) -> None:
    """Delete files and folders that are there, and what is in them."""
    for path in paths:
        # an object store has no folders, only names that begin alike
        below = [f.path for f in within(path, "**")] if "://" in path else []
        if found := [*below, *([path] if exists(path) else [])]:
            FileSystems.delete(found)
