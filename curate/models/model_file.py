"""The file of a small model: a zip of a manifest and its parts, each checked by its sha256.

If ``model.zip.sha256``, as ``sha256sum`` writes it, is beside ``model.zip``, the whole file is checked as well. No
number in the file is trusted, neither how many members it has nor their sizes and offsets.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from curate.input.checked_file import open_regular, parse_json, read_regular

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MANIFEST = "manifest.json"
#: Members of a model, and bytes of its whole file and of its manifest. curate's own values: the largest shipped model
#: has 11 members, 1.8 MB and a manifest of 6 KB.
MAX_MEMBERS, MAX_BYTES, MAX_MANIFEST = 64, 2 << 30, 4 << 20
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
# The end of a zip without a comment, 22 bytes, and the mark of the Zip64 form before it (APPNOTE.TXT 4.3.16, 4.3.15);
# an entry of the directory is 46 bytes, a name and at most 28 bytes of sizes.
_END, _END_SIZE, _LARGE_END = b"PK\x05\x06", 22, b"PK\x06\x07"
_ENTRY = 46 + 100 + 28
# The header of an array (numpy.lib.format) as numpy.save writes it. NumPy's reader accepts any Python literal.
_HEADER = re.compile(
    rb"\{'descr': '([<>|][a-zA-Z][0-9]{1,9})', 'fortran_order': (True|False), "
    rb"'shape': \(((?:[0-9]{1,12}, ?)*(?:[0-9]{1,12})?)\), \} *\n"
)


def write_model_file(path: str | Path, format: str, manifest: Mapping[str, Any], parts: Mapping[str, bytes]) -> str:
    """Write a model and its ``.sha256``; the same model always gives the same bytes.

    Args:
        path: of the file.
        format: the type of the model, and the version of its layout.
        manifest: JSON values.
        parts: file names and their bytes.

    Returns:
        The sha256 of the file, hex.
    """
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in parts.items()}
    whole = json.dumps({"format": format, **manifest, "sha256": hashes}, indent=1, ensure_ascii=False) + "\n"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in {_MANIFEST: whole.encode(), **parts}.items():
            archive.writestr(zipfile.ZipInfo(name), data)  # dated 1980 and stored, so that the bytes are stable
    return write_with_sha256(Path(path), buffer.getvalue())


def array_bytes(array: NDArray[Any]) -> bytes:
    """Return an array as a part of a model, which `read_array` reads."""
    import numpy as np

    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def write_with_sha256(path: Path, data: bytes) -> str:
    """Write a file, and beside it a ``.sha256`` file for ``sha256sum --check``; return the sha256, hex.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     digest = write_with_sha256(Path(folder) / "model.zip", b"data")
    ...     check_sha256(Path(folder) / "model.zip")
    >>> digest[:8]
    '3a6eb079'
    """
    path.write_bytes(data)
    digest = hashlib.sha256(data).hexdigest()
    path.with_name(path.name + ".sha256").write_text(f"{digest}  {path.name}\n")
    return digest


def check_sha256(path: Path) -> None:
    """Compare a file with the ``.sha256`` beside it, if there is one.

    Raises:
        ValueError: the file has another hash.

    >>> check_sha256(Path("no such file"))
    """
    beside = path.with_name(path.name + ".sha256")
    if beside.is_file():
        expected = read_regular(beside, 4096).split()[:1]
        with open_regular(path) as file:
            actual = hashlib.file_digest(file, "sha256").hexdigest()
        if expected != [actual.encode()]:
            raise ValueError(
                f"{path} does not have the sha256 in {beside.name}: the file was changed or cut off; copy both again"
            )


def read_model_file(path: str | Path, format: str, made_by: str) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Read what `write_model_file` wrote.

    Args:
        path: of the file.
        format: the format it must have.
        made_by: the command that writes such files, for errors.

    Returns:
        The manifest and the parts.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is not such a model, or a byte has changed since it was written.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no model at {path}: give a file that `{made_by}` wrote")
    check_sha256(path)
    try:
        with open_regular(path) as file:
            parts = read_members(file)
        manifest = parse_json(parts.pop(_MANIFEST, b""))
    except ValueError as error:
        raise ValueError(f"{path} is not a model that `{made_by}` wrote, or it is damaged: {error}") from error
    if not isinstance(manifest, dict) or manifest.get("format") != format:
        have = manifest.get("format") if isinstance(manifest, dict) else None
        raise ValueError(f"{path} has the format {have!r:.100}; this version reads {format!r}")
    digests = manifest.get("sha256")
    if not isinstance(digests, dict) or set(digests) != set(parts):
        raise ValueError(f"{path} is damaged: its manifest does not list the sha256 of exactly its parts")
    for name, digest in digests.items():
        if hashlib.sha256(parts[name]).hexdigest() != digest:
            raise ValueError(f"{path}: {name} does not have the sha256 of the manifest: the file was changed")
    return manifest, parts


def read_format(path: str | Path) -> str:
    """Return the format of a model that `write_model_file` wrote; "" for any other file, and for none.

    >>> read_format("no such file")
    ''
    """
    try:
        with open_regular(Path(path)) as file:
            manifest = parse_json(read_members(file).get(_MANIFEST, b""))
    except (OSError, ValueError):
        return ""
    return str(manifest.get("format", "")) if isinstance(manifest, dict) else ""


def read_members(file: BinaryIO, limit: int = MAX_BYTES) -> dict[str, bytes]:
    """Return the members of a zip, which must be uncompressed, so that they take no more memory than the file.

    Args:
        file: a seekable file.
        limit: largest size of the whole file, in bytes.

    Raises:
        ValueError: the file is not such a zip, or is damaged.
    """
    size = file.seek(0, io.SEEK_END)
    if size > limit:
        raise ValueError(f"it is larger than {limit:,} bytes, the limit for a model")
    file.seek(max(0, size - _END_SIZE - 20))
    end = file.read()
    directory = int.from_bytes(end[-10:-6], "little")
    if end[-_END_SIZE:][:4] != _END or end[-2:] != b"\0\0" or end.startswith(_LARGE_END):
        raise ValueError("it does not end like a zip file")
    if directory > MAX_MEMBERS * _ENTRY:
        raise ValueError(f"it has more than {MAX_MEMBERS} parts")
    try:
        with zipfile.ZipFile(file) as archive:
            _check_members(archive.infolist(), size)
            return {member.filename: archive.read(member) for member in archive.infolist()}
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise ValueError(str(error)) from None


def _check_members(members: list[zipfile.ZipInfo], size: int) -> None:
    names = [member.filename for member in members]
    if bad := [name for name in names if not _NAME.fullmatch(name)]:
        raise ValueError(f"it has a part with the invalid name {bad[0][:100]!r}")
    if len(set(names)) < len(names) or len(names) > MAX_MEMBERS:
        raise ValueError(f"it has the same part twice, or more than {MAX_MEMBERS} parts")
    for member in members:
        if (
            member.compress_type != zipfile.ZIP_STORED
            or member.flag_bits & 1
            or member.file_size != member.compress_size
        ):
            raise ValueError(f"its part {member.filename} is compressed or encrypted; parts of a model must be stored")
        if member.filename == _MANIFEST and member.file_size > MAX_MANIFEST:
            raise ValueError(f"its {_MANIFEST} is larger than {MAX_MANIFEST:,} bytes")
    if sum(member.file_size for member in members) > size:
        raise ValueError("its parts are larger than the whole file")


def read_array(parts: Mapping[str, bytes], name: str, dtypes: str, shape: tuple[int | None, ...]) -> NDArray[Any]:
    """Return the array in a part in ``.npy`` format, after checking its header against the size of the part.

    Args:
        parts: of a model.
        name: of the part.
        dtypes: types that it may have, such as ``"<f4 <f8"``; ``<U`` is text of any length.
        shape: its size in each dimension; None for any size.

    Raises:
        ValueError: the part is missing, or is not such an array.

    >>> import numpy as np
    >>> np.save(buffer := io.BytesIO(), np.zeros(3))
    >>> read_array({"zeros.npy": buffer.getvalue()}, "zeros.npy", "<f8", (None,))
    array([0., 0., 0.])
    >>> read_array({}, "zeros.npy", "<f8", (None,))
    Traceback (most recent call last):
    ValueError: it lacks zeros.npy
    """
    import numpy as np

    if name not in parts:
        raise ValueError(f"it lacks {name}")
    data = parts[name]
    start = 10 + int.from_bytes(data[8:10], "little")
    header = _HEADER.fullmatch(data[10:start]) if data.startswith(b"\x93NUMPY\x01\x00") else None
    if not header:
        raise ValueError(f"{name} is not an array as numpy.save writes it")
    descr, fortran, sizes = (group.decode() for group in header.groups())
    actual = tuple(int(size) for size in sizes.split(",") if size.strip())
    fits = len(actual) == len(shape) and all(n is None or n == m for n, m in zip(shape, actual, strict=True))
    if not {descr, descr[:2]} & set(dtypes.split()) or not fits:
        raise ValueError(f"{name} is an array of {descr} with the shape {actual}, which such a model does not have")
    dtype, count = np.dtype(descr), math.prod(actual)
    if count * dtype.itemsize != len(data) - start:
        raise ValueError(f"{name} does not have the size of its shape {actual}")
    array: NDArray[Any] = np.frombuffer(data, dtype, count, start)
    # A copy is aligned, C-contiguous and writable, as the compiled kernels expect.
    return array.reshape(actual, order="F" if fortran == "True" else "C").copy()
