"""An object store as Beam's file systems see one: names and bytes, no folders, nothing that is renamed in place.

What it does follows `GCSFileSystem` of Beam 2.77:
only whole names exist, and a listing is of all names that begin alike.
"""

from __future__ import annotations

import functools
import io
from collections.abc import Iterator

from apache_beam.io.filesystem import BeamIOError, CompressionTypes, FileMetadata, FileSystem


@functools.cache
def object_store() -> tuple[dict[str, bytes], type[FileSystem]]:
    """Make ``store://`` paths work in this process, as long as the class lives; returns what is in them, and it."""
    objects: dict[str, bytes] = {}

    class _Upload(io.BytesIO):
        def __init__(self, path: str) -> None:
            super().__init__()
            self._path = path

        def close(self) -> None:
            if not self.closed and not self.getvalue():
                raise BeamIOError(f"{self._path}: an upload without parts")  # as on S3
            if not self.closed:
                objects[self._path] = self.getvalue()
            super().close()

    class ObjectStore(FileSystem):
        """Paths are keys of ``objects``."""

        @classmethod
        def scheme(cls) -> str:
            return "store"

        def join(self, basepath: str, *paths: str) -> str:
            return "/".join([basepath.rstrip("/"), *(path.strip("/") for path in paths)])

        def split(self, path: str) -> tuple[str, str]:
            head, _, tail = path.rpartition("/")
            return head, tail

        def mkdirs(self, path: str) -> None:
            pass

        def has_dirs(self) -> bool:
            return False

        def _list(self, dir_or_prefix: str) -> Iterator[FileMetadata]:
            for path in sorted(objects):
                if path.startswith(dir_or_prefix):
                    yield FileMetadata(path, len(objects[path]), 1.0)

        def create(self, path, mime_type="", compression_type=CompressionTypes.AUTO):
            return _Upload(path)

        def open(self, path, mime_type="", compression_type=CompressionTypes.AUTO):
            return io.BytesIO(self._get(path))

        def copy(self, source_file_names, destination_file_names):
            for source, destination in zip(source_file_names, destination_file_names, strict=True):
                objects[destination] = self._get(source)

        def rename(self, source_file_names, destination_file_names):
            self.copy(source_file_names, destination_file_names)
            self.delete(source_file_names)

        def exists(self, path: str) -> bool:
            return path in objects

        def size(self, path: str) -> int:
            return len(self._get(path))

        def last_updated(self, path: str) -> float:
            return 1.0

        def checksum(self, path: str) -> str:
            return str(hash(self._get(path)))

        def metadata(self, path: str) -> FileMetadata:
            return FileMetadata(path, self.size(path), 1.0)

        def delete(self, paths):
            for path in paths:
                objects.pop(path, None)

        def _get(self, path: str) -> bytes:
            if path not in objects:
                raise BeamIOError(f"no object {path}")
            return objects[path]

    return objects, ObjectStore
