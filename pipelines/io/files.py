"""Files on any file system that Beam supports: open, match, and write so that a file is either complete or absent."""

from __future__ import annotations

import errno
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
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from typing import Any, BinaryIO

import orjson
import xxhash
from apache_beam.io.filesystem import BeamIOError, CompressionTypes, FileMetadata
from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import PipelineOptions

from pipelines.io import http, local_files, s3, s3_lock

RAW = CompressionTypes.UNCOMPRESSED
INCOMPLETE = ".incomplete"  # ending of a file that is still being written
ATTEMPT = re.compile(r"(.+)\.[^./]+-\d+-\d+\.incomplete")  # its full name: the final name, host, process and thread
BUFFER_BYTES = 1 << 20  # of a file being written: one request to a disk or network at a time; curate's own value

#: By URL scheme: the extra of curate and Beam that installs its library, and the library.
EXTRAS = {
    "gs": ("gcp", "google.cloud.storage"),
    "s3": ("aws", "boto3"),
    "azfs": ("azure", "azure.storage.blob"),
    "hdfs": ("hadoop", "hdfs"),
}


def check(path: str) -> None:
    """Check that Beam can read paths with this scheme.

    Raises:
        OSError: it cannot; the message has the fix.
    """
    scheme, remote, _ = path.partition("://")
    if not remote:
        return
    if _on_web(path):
        return
    if FileSystems._pipeline_options is None:  # without options, s3:// and azfs:// fail before looking for credentials
        FileSystems.set_options(PipelineOptions([]))
    extra, library = EXTRAS.get(scheme, ("", ""))
    try:
        if _on_s3(path):
            s3.check(path)
            return
        if library:
            importlib.import_module(library)
        FileSystems.get_filesystem(path)
    except ImportError:
        raise OSError(f"{path}: {scheme}:// needs more packages: pip install 'curate-corpus[{extra}]'") from None
    except ValueError as e:
        if extra:  # an option is missing
            raise OSError(f"{path}: {reason(e)}") from None
        known = ", ".join(f"{name}://" for name in (*EXTRAS, "https"))
        raise OSError(
            f"{path}: {scheme}:// is not supported; copy the files to a local path or to one of {known}"
        ) from None


def _on_web(path: str) -> bool:
    return path.startswith(http.PREFIXES)


def _on_s3(path: str) -> bool:
    return path.startswith(s3.PREFIX)


class DamagedError(ValueError):
    """A file of a run has changed since the run wrote it."""


def reason(error: BaseException) -> str:
    """Return what went wrong, in words; Beam wraps the errors of a file system in nested mappings from paths."""
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
    """Turn every error into an OSError that names the path, whatever the library of an object store raises."""
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
    """Join parts of a path with the separator of the first part's file system."""
    check(parts[0])
    if _on_s3(parts[0]) or _on_web(parts[0]):
        return "/".join([parts[0].rstrip("/"), *(part.strip("/") for part in parts[1:])])
    return FileSystems.join(*parts)


def exists(path: str) -> bool:
    """Return whether a path exists.

    Raises:
        OSError: the file system cannot be reached now.
    """
    if "://" not in path:
        return local_files.status(path) is not None
    with _naming(path):
        if _on_s3(path):
            check(path)
            return s3.metadata(path) is not None
        if _on_web(path):
            return http.metadata(path) is not None
        return FileSystems.exists(path)


def is_file(path: str) -> bool:
    """Return whether a path exists and is a file, not a folder.

    Raises:
        OSError: the file system cannot be reached now, or Beam cannot read paths with this scheme.
    """
    if "://" in path:
        check(path)
        return exists(path)
    status = local_files.status(path)
    return status is not None and stat.S_ISREG(status.st_mode)


def size(path: str) -> int:
    """Return the size of a file in bytes; -1 if there is none.

    Raises:
        OSError: the file system cannot be reached now.
    """
    if "://" not in path:
        status = local_files.status(path)
        return status.st_size if status and stat.S_ISREG(status.st_mode) else -1
    with _naming(path):
        if _on_s3(path) or _on_web(path):
            check(path)
            status_of = s3.metadata(path) if _on_s3(path) else http.metadata(path)
            return status_of.size_in_bytes if status_of else -1
        return FileSystems.get_filesystem(path).size(path) if FileSystems.exists(path) else -1


@contextmanager
def locked(folder: str) -> Iterator[None]:
    """Keep other runs out of a local folder; the lock ends with the process, however that ends.

    Raises:
        BlockingIOError: another run holds the lock.
        OSError: the block failed, and the folder has been replaced meanwhile.
    """
    if "://" in folder:
        with s3_lock.locked(folder) if _on_s3(folder) else nullcontext():  # other stores have no locks yet
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
            status = local_files.status(path)
            if status and os.path.samestat(status, os.fstat(lock.fileno())):
                raise
            raise OSError(f"{folder}: moved, replaced or deleted during the run; run the same command again") from e


def make_folder(path: str) -> None:
    """Create a folder and its parents if they do not exist."""
    if "://" not in path:
        os.makedirs(path, exist_ok=True)
        return
    if _on_s3(path):  # there are no folders
        return
    with suppress(OSError):  # it exists already
        FileSystems.mkdirs(path)


def match(pattern: str) -> list[FileMetadata]:
    """List the files that a path or glob names, sorted by path.

    A folder means every file below it, except hidden ones. A local path may begin with ``~`` and is made absolute; an
    existing local path is taken literally, even if it contains wildcard characters.

    Raises:
        OSError: a folder cannot be listed; its files must not be dropped silently.
    """
    if "://" in pattern:
        check(pattern)
        if _on_web(pattern):
            return _on_server(pattern)
        if _on_s3(pattern):
            with _naming(pattern):
                return sorted(s3.match(pattern), key=lambda f: f.path)
        with _naming(pattern):
            matches = FileSystems.match([pattern])[0].metadata_list
            if len(matches) <= 1 and not any(c in pattern for c in "*?["):
                below = FileSystems.match([posixpath.join(pattern, "**")])[0].metadata_list
                matches = below or matches
        matches = [f for f in matches if f.size_in_bytes is not None and not f.path.endswith("/")]
        return sorted(matches, key=lambda f: f.path)
    pattern = os.path.abspath(os.path.expanduser(pattern))
    named = [pattern] if exists(pattern) else local_files.expand(pattern)
    paths = {path for name in named for path in (local_files.below(name) if os.path.isdir(name) else [name])}
    matches = []
    for path in sorted(paths):
        status = local_files.status(path)  # None if it was renamed meanwhile
        if status and stat.S_ISREG(status.st_mode):
            matches.append(FileMetadata(path, status.st_size, status.st_mtime))
    return matches


def _on_server(url: str) -> list[FileMetadata]:
    if "*" in url:
        raise OSError(f"{url}: a web server does not list its files; name each of them, or give a list: --input @LIST")
    found = http.metadata(url)
    return [found] if found else []


def within(folder: str, names: str) -> list[FileMetadata]:
    """List the files in a folder whose names match a glob, sorted by path; none if the folder does not exist."""
    if _on_web(folder):
        return []
    if _on_s3(folder):
        check(folder)
        with _naming(folder):
            return sorted(s3.within(folder, names), key=lambda f: f.path)
    return match(join(glob.escape(folder if "://" in folder else os.path.abspath(folder)), names))


def names(folder: str, beginning: str = "") -> list[str]:
    """Return the sorted names of the files in a folder, without those that are still being written.

    Args:
        folder: the folder, which may be missing.
        beginning: how the names begin; an object store lists only those.
    """
    if "://" in folder:
        all_names = [meta.path.rpartition("/")[2] for meta in within(folder, f"{glob.escape(beginning)}*")]
    else:
        all_names = [name for name in local_files.names(folder) if not name.startswith(".")]
    return sorted(name for name in all_names if name.startswith(beginning) and not name.endswith(INCOMPLETE))


def open_read(path: str) -> BinaryIO:
    """Open a file for reading, without decompression."""
    check(path)
    if _on_s3(path) or _on_web(path):
        return io.BufferedReader(s3.Reader(path) if _on_s3(path) else http.Reader(path), BUFFER_BYTES)
    with _naming(path):
        return FileSystems.open(path, compression_type=RAW)


def local_copy(path: str) -> str:
    """Return the path of a local copy of a remote file, fetched once per version; a local path as it is.

    Copies are in ``~/.cache/curate/files`` (``XDG_CACHE_HOME``); delete that folder at will.
    """
    if "://" not in path:
        return path
    found = match(path)
    if len(found) != 1 or found[0].path != path:
        raise FileNotFoundError(errno.ENOENT, "there is no such file", path)
    version = f"{path} {found[0].size_in_bytes} {found[0].last_updated_in_seconds}"
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    folder = os.path.join(cache, "curate", "files", xxhash.xxh3_64_hexdigest(version.encode()))
    copy = os.path.join(folder, path.rpartition("/")[2])
    if not os.path.exists(copy):
        with open_read(path) as remote, atomic_write(copy) as local:
            shutil.copyfileobj(remote, local, BUFFER_BYTES)
    return copy


def read_bytes(path: str) -> bytes:
    """Read a small file."""
    with open_read(path) as f:
        return f.read()


def digest(path: str) -> str:
    """Return a digest of the content of a file, 16 hex digits."""
    hasher = xxhash.xxh3_64()
    with open_read(path) as f:
        while block := f.read(1 << 20):
            hasher.update(block)
    return hasher.hexdigest()


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
    """Passes bytes on to a file; errors name the final file rather than the temporary one."""

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
    """Write a file under a temporary name, and rename it when the block ends without an error.

    Raises:
        OSError: the file cannot be written; the error names its path.
    """
    check(path)
    if _on_web(path):
        raise OSError(f"{path}: nothing can be written to a web server; choose a folder, s3:// or gs://")
    if _on_s3(path):
        with _uploaded(path) as f:
            yield f
        return
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


@contextmanager
def _uploaded(path: str) -> Iterator[BinaryIO]:
    upload = s3.Upload(path)
    try:
        with io.BufferedWriter(upload, BUFFER_BYTES) as f:
            yield f
        with _naming(path):
            upload.commit()
    except BaseException:
        with suppress(OSError):
            upload.abort()
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


def unfinished(folder: str) -> list[s3.Unfinished]:
    """List the uploads below a folder that killed processes left; only S3 keeps them, and no listing shows them."""
    if not _on_s3(folder):
        return []
    check(folder)
    with _naming(folder):
        return s3.uploads(folder)


def drop(uploads: Iterable[s3.Unfinished]) -> None:
    """Drop unfinished uploads."""
    for upload in uploads:
        with _naming(upload.path):
            s3.drop(upload)


def attempt_at(name: str) -> str:
    """Return the final name of a temporary file; "" if the name is not that of a temporary file.

    >>> attempt_at("part-00000-of-00001.parquet.host-17-140.incomplete")
    'part-00000-of-00001.parquet'
    >>> attempt_at("thesis.incomplete")
    ''
    """
    match_ = ATTEMPT.fullmatch(name)
    return match_[1] if match_ else ""


def _json(value: object) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def write_json(path: str, value: object) -> None:
    """Write a small JSON file atomically, keys in the order given."""
    with atomic_write(path) as f:
        f.write(_json(value))


def write_checked_json(path: str, value: dict) -> None:
    """Write a small JSON file whose second line is the SHA-256 of its other lines.

    To check it, run ``sed 2d manifest.json | sha256sum``.
    """
    data = _json(value)
    with atomic_write(path) as f:
        f.write(b"{\n" + _check_line(data) + data.removeprefix(b"{"))


def _check_line(data: bytes) -> bytes:
    return b'  "sha256": "%s",' % hashlib.sha256(data).hexdigest().encode()


def read_checked_json(path: str) -> dict:
    """Read a file that `write_checked_json` wrote.

    Raises:
        DamagedError: the file has changed since it was written.
    """
    with open_read(path) as f:
        first, check, rest = [*f.read().split(b"\n", 2), b"", b""][:3]
    data = first + b"\n" + rest
    if check != _check_line(data):
        raise DamagedError(f"{path}: damaged, its sha256 line is not the digest of its other lines")
    return orjson.loads(data)


def remove(path: str) -> None:
    """Delete one file, if it exists; on an object store, this needs no listing of what may be below it."""
    if _on_s3(path):
        with _naming(path):
            s3.remove(path)
    else:
        delete([path])


def delete(paths: list[str]) -> None:
    """Delete files and folders, with their contents; ignore those that do not exist."""
    if on_s3 := [path for path in paths if _on_s3(path)]:
        with _naming(on_s3[0]):
            check(on_s3[0])
            s3.delete(on_s3)
        paths = [path for path in paths if not _on_s3(path)]
    for path in paths:
        if "://" not in path:
            with suppress(FileNotFoundError):
                shutil.rmtree(path) if os.path.isdir(path) and not os.path.islink(path) else os.remove(path)
            continue
        # An object store has no folders, only names with a common prefix.
        with _naming(path):
            if existing := [*(f.path for f in within(path, "**")), *([path] if exists(path) else [])]:
                FileSystems.delete(existing)
