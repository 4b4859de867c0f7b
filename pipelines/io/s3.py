"""Files on S3 and what speaks its protocol, with one client per process.

Beam's own file system makes a client for each operation, which costs 0.16 s of processor time; uploads under another
name and copies; and cannot write on a condition. Here an object appears when its upload ends, and not before.
"""

from __future__ import annotations

import errno
import functools
import io
import os
import re
import socket
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from apache_beam.io.filesystem import FileMetadata, FileSystem
from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import S3Options

from pipelines.io.ranged import RangedReader

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

PREFIX = "s3://"
PART_BYTES = 8 << 20  # of an upload, kept in memory; 10,000 of them, the limit of S3, are 80 GB
DELETED_AT_ONCE = 1000  # names per request, the limit of S3
CONNECT_SECONDS, READ_SECONDS, ATTEMPTS = 10, 60, 8
#: HTTP status codes of S3.
NOT_FOUND, FORBIDDEN, CHANGED, NO_RANGE = 404, 403, 412, 416


class ConditionFailed(OSError):
    """An object was not written because it exists, or is not the one that was expected."""


def split(path: str) -> tuple[str, str]:
    """Return the bucket and the key of a path.

    >>> split("s3://bucket/a/b.txt")
    ('bucket', 'a/b.txt')
    """
    bucket, _, key = path.removeprefix(PREFIX).partition("/")
    return bucket, key


def client() -> Any:
    """Return this process's client.

    Raises:
        ImportError: boto3 is not installed.
    """
    return _client(os.getpid())


@functools.lru_cache(1)
def _client(process: int) -> Any:
    import boto3
    from botocore.config import Config

    options = FileSystems._pipeline_options
    given = options.view_as(S3Options).get_all_options() if options else {}
    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"mode": "standard", "max_attempts": ATTEMPTS},
        max_pool_connections=32,
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    names = {"region_name": "region_name", "endpoint_url": "endpoint_url", "verify": "verify"}
    names |= {"access_key_id": "aws_access_key_id", "secret_access_key": "aws_secret_access_key"}
    names |= {"session_token": "aws_session_token", "api_version": "api_version"}
    arguments = {name: given.get(f"s3_{option}") for option, name in names.items() if given.get(f"s3_{option}")}
    session = boto3.session.Session()
    parsers = session._session.get_component("response_parser_factory")
    parsers.set_parser_defaults(timestamp_parser=_timestamp)
    return session.client("s3", config=config, use_ssl=not given.get("s3_disable_ssl"), **arguments)


def _timestamp(written: str) -> datetime:
    """Read a time of a listing or of a header; botocore's own way is a tenth of the processor time of all requests."""
    return datetime.fromisoformat(written) if written[:4].isdigit() else parsedate_to_datetime(written)


def check(path: str) -> None:
    """Check, once per process, that the bucket of a path can be used.

    Raises:
        ImportError: boto3 is not installed.
        OSError: no credentials, no answer, or no such bucket; the message has the fix.
    """
    _check_bucket(os.getpid(), split(path)[0])


@functools.lru_cache(256)
def _check_bucket(process: int, bucket: str) -> None:
    import botocore.exceptions

    if not re.fullmatch(r"[A-Za-z0-9][\w.:/-]{1,254}", bucket):
        raise OSError(f"s3://{bucket}: not the name of a bucket")
    try:
        s3 = client()
        if s3._request_signer._credentials is None:
            raise OSError(
                f"s3://{bucket}: no credentials of AWS; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run "
                "`aws configure`, here and on every worker"
            )
        _check_answer(s3.meta.endpoint_url)
        s3.head_bucket(Bucket=bucket)
    except botocore.exceptions.ClientError as e:
        if _status(e) == NOT_FOUND:
            raise OSError(f"s3://{bucket}: there is no such bucket; create it or check the name") from None
        if _status(e) != FORBIDDEN:  # who may not ask about a bucket may still read from it
            raise OSError(f"s3://{bucket}: {e}") from None
    except (botocore.exceptions.BotoCoreError, ValueError) as e:
        raise OSError(f"s3://{bucket}: {e}") from None


def _check_answer(url: str) -> None:
    """Check that a server can be reached, because the client would try for a minute."""
    place = urllib.parse.urlsplit(url)
    if urllib.request.getproxies().get(place.scheme) and not urllib.request.proxy_bypass(place.hostname or ""):
        return
    port = place.port or (443 if place.scheme == "https" else 80)
    try:
        socket.create_connection((place.hostname or "", port), timeout=CONNECT_SECONDS).close()
    except OSError as e:
        raise OSError(f"{url}: no answer from the object store ({e}); check AWS_ENDPOINT_URL_S3 and network") from None


def _status(error: Any) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


@contextmanager
def _calling(path: str) -> Iterator[None]:
    """Turn the errors of S3 into those of files."""
    import botocore.exceptions

    try:
        yield
    except botocore.exceptions.ClientError as e:
        code, said = _status(e), e.response.get("Error", {})
        if code == NOT_FOUND:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path) from None
        if code == FORBIDDEN:
            raise PermissionError(errno.EACCES, f"the store denies access ({said.get('Code')})", path) from None
        if code == CHANGED or said.get("Code") == "ConditionalRequestConflict":
            raise ConditionFailed(f"{path}: changed meanwhile") from None
        raise OSError(f"{path}: {e}") from e
    except (botocore.exceptions.BotoCoreError, botocore.exceptions.HTTPClientError) as e:
        raise OSError(f"{path}: {e}") from e


def metadata(path: str) -> FileMetadata | None:
    """Return the size and time of an object; None if there is none."""
    bucket, key = split(path)
    if not key:
        return None
    try:
        with _calling(path):
            found = client().head_object(Bucket=bucket, Key=key)
    except FileNotFoundError:
        return None
    return FileMetadata(path, found["ContentLength"], found["LastModified"].timestamp())


def listing(prefix: str, below: bool = True) -> Iterator[FileMetadata]:
    """Yield the objects whose paths begin with a prefix, sorted; without those ``below`` a further "/" if asked to."""
    bucket, key = split(prefix)
    pages = client().get_paginator("list_objects_v2")
    more = {} if below else {"Delimiter": "/"}
    with _calling(prefix):
        for page in pages.paginate(Bucket=bucket, Prefix=key, **more):
            for found in page.get("Contents", ()):
                if not found["Key"].endswith("/"):
                    modified = found["LastModified"].timestamp()
                    yield FileMetadata(f"{PREFIX}{bucket}/{found['Key']}", found["Size"], modified)


def match(pattern: str) -> list[FileMetadata]:
    """List the objects that a path or glob names; a path also names everything below it."""
    fixed = re.split(r"[*?\[]", pattern)[0]
    if fixed == pattern:
        below = list(listing(f"{pattern.rstrip('/')}/"))
        one = None if below else metadata(pattern)
        return [one] if one else below
    wanted = re.compile(FileSystem.translate_pattern(pattern))
    deep = "/" in pattern[len(fixed) :] or "**" in pattern
    return [found for found in listing(fixed, deep) if wanted.fullmatch(found.path)]


def within(folder: str, names: str) -> list[FileMetadata]:
    """List the objects below a folder whose names match a glob."""
    start = f"{folder.rstrip('/')}/"
    fixed = re.split(r"[*?\[]", names)[0]
    wanted = re.compile(FileSystem.translate_pattern(names))
    deep = "/" in names[len(fixed) :] or "**" in names
    return [found for found in listing(start + fixed, deep) if wanted.fullmatch(found.path[len(start) :])]


def delete(paths: list[str]) -> None:
    """Delete objects, and everything below them; ignore those that do not exist."""
    names = [found.path for path in paths for found in listing(f"{path.rstrip('/')}/")] + paths
    by_bucket: dict[str, list[str]] = {}
    for name in names:
        bucket, key = split(name)
        by_bucket.setdefault(bucket, []).append(key)
    for bucket, keys in by_bucket.items():
        for start in range(0, len(keys), DELETED_AT_ONCE):
            objects = [{"Key": key} for key in keys[start : start + DELETED_AT_ONCE] if key]
            with _calling(f"{PREFIX}{bucket}"):
                failed = client().delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
            for error in failed.get("Errors", ()):
                raise OSError(f"{PREFIX}{bucket}/{error['Key']}: cannot be deleted: {error.get('Message')}")


def remove(path: str) -> None:
    """Delete one object, if it exists."""
    bucket, key = split(path)
    with _calling(path):
        client().delete_object(Bucket=bucket, Key=key)


class Reader(RangedReader):
    """An object that is read in pieces; it must not change meanwhile."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self._condition: dict[str, str] = {}

    def request(self, start: int, size: int) -> tuple[int, bytes, int]:
        """Read a piece."""
        import botocore.exceptions

        bucket, key = split(self.path)
        wanted = f"bytes={start}-{start + size - 1}"
        try:
            with _calling(self.path):
                for last in (False, False, True):
                    try:
                        got = client().get_object(Bucket=bucket, Key=key, Range=wanted, **self._condition)
                        data = got["Body"].read()
                        break
                    except (botocore.exceptions.HTTPClientError, botocore.exceptions.ResponseStreamingError):
                        if last:
                            raise
        except OSError as e:
            if "InvalidRange" in str(e):  # beyond the end, or an empty object
                return start, b"", 0 if not start else size_of(self.path)
            raise
        self._condition = {"IfMatch": got["ETag"]}
        place = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", got.get("ContentRange", ""))
        return (int(place[1]), data, int(place[2])) if place else (0, data, len(data))


def size_of(path: str) -> int:
    """Return the size of an object; 0 if there is none."""
    found = metadata(path)
    return found.size_in_bytes if found else 0


class Upload(io.RawIOBase):
    """An object that is written in parts, and exists once it is committed."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self._path, self._kept, self._id, self._parts = path, bytearray(), "", list[dict]()
        self._where = dict(zip(("Bucket", "Key"), split(path), strict=True))

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, data: ReadableBuffer) -> int:
        """Keep bytes, and upload full parts."""
        view = memoryview(data).cast("B")
        self._kept += view
        while len(self._kept) >= 2 * PART_BYTES:
            self._send(PART_BYTES)
        return len(view)

    def _send(self, size: int) -> None:
        with _calling(self._path):
            if not self._id:
                self._id = client().create_multipart_upload(**self._where)["UploadId"]
            number, part = len(self._parts) + 1, bytes(self._kept[:size])
            sent = client().upload_part(**self._where, UploadId=self._id, PartNumber=number, Body=part)
        self._parts.append({"PartNumber": number, "ETag": sent["ETag"]})
        del self._kept[:size]

    def commit(self) -> None:
        """Make the object appear."""
        if not self._id:
            put(self._path, bytes(self._kept))
            return
        self._send(len(self._kept))
        with _calling(self._path):
            client().complete_multipart_upload(**self._where, UploadId=self._id, MultipartUpload={"Parts": self._parts})

    def abort(self) -> None:
        """Drop what was uploaded."""
        if self._id:
            with _calling(self._path):
                client().abort_multipart_upload(**self._where, UploadId=self._id)


def put(path: str, data: bytes, **condition: str) -> str:
    """Write a small object; return its version (ETag).

    Args:
        path: path of the object.
        data: its content.
        condition: ``IfNoneMatch="*"`` to write only a new object, ``IfMatch`` for only that version.

    Raises:
        ConditionFailed: the condition does not hold.
    """
    bucket, key = split(path)
    with _calling(path):
        return client().put_object(Bucket=bucket, Key=key, Body=data, **condition)["ETag"]


def get(path: str) -> tuple[bytes, str, float]:
    """Read a small object; return its content, its version, and its age in seconds by the clock of the store."""
    bucket, key = split(path)
    with _calling(path):
        got = client().get_object(Bucket=bucket, Key=key)
        now = parsedate_to_datetime(got["ResponseMetadata"]["HTTPHeaders"]["date"])
        return got["Body"].read(), got["ETag"], (now - got["LastModified"]).total_seconds()


def delete_version(path: str, version: str) -> None:
    """Delete a small object if it is still this version."""
    bucket, key = split(path)
    with _calling(path):
        client().delete_object(Bucket=bucket, Key=key, IfMatch=version)


@dataclass(frozen=True, slots=True)
class Unfinished:
    """An upload that was begun and not ended: the path that it was for, and its id."""

    path: str
    upload: str


def uploads(folder: str) -> list[Unfinished]:
    """List the uploads below a folder that were begun and not ended."""
    bucket, key = split(f"{folder.rstrip('/')}/")
    pages = client().get_paginator("list_multipart_uploads")
    with _calling(folder):
        return [
            Unfinished(f"{PREFIX}{bucket}/{upload['Key']}", upload["UploadId"])
            for page in pages.paginate(Bucket=bucket, Prefix=key)
            for upload in page.get("Uploads", ())
        ]


def drop(unfinished: Unfinished) -> None:
    """Drop an upload that nobody will end."""
    bucket, key = split(unfinished.path)
    with _calling(unfinished.path):
        client().abort_multipart_upload(Bucket=bucket, Key=key, UploadId=unfinished.upload)
