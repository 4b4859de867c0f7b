"""The file of a small model: a zip of a manifest and its parts, each checked by its sha256.

Beside ``model.zip`` may lie ``model.zip.sha256``, as ``sha256sum`` writes it; then the whole file is checked as well.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_MANIFEST = "manifest.json"


def write_model_file(path: str | Path, format: str, manifest: Mapping[str, Any], parts: Mapping[str, bytes]) -> str:
    """Write a model and its ``.sha256``: the same bytes for the same model, every time.

    Args:
        path: of the file.
        format: what kind of model it is, and in which version of its layout.
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
            archive.writestr(zipfile.ZipInfo(name), data)  # dated 1980 and stored: nothing that changes
    return write_with_sha256(Path(path), buffer.getvalue())


def write_with_sha256(path: Path, data: bytes) -> str:
    """Write a file, and beside it its sha256 in one that ``sha256sum --check`` reads; returns the sha256, hex.

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
        expected = beside.read_text(encoding="utf-8").split()[0]
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != expected:
            raise ValueError(
                f"{path} does not have the sha256 in {beside.name}: the file was changed or cut off; copy both again"
            )


def read_model_file(path: str | Path, format: str, made_by: str) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Read what `write_model_file` wrote.

    Args:
        path: of the file.
        format: that it must have.
        made_by: the command that makes such files, for errors.

    Returns:
        The manifest, and the parts.

    Raises:
        FileNotFoundError: no such file.
        ValueError: another kind of file, or a byte that is not as it was written.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no model at {path}: give a file that `{made_by}` wrote")
    check_sha256(path)
    try:
        with zipfile.ZipFile(path) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
        manifest = json.loads(parts.pop(_MANIFEST))
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise ValueError(f"{path} is not a model that `{made_by}` wrote, or it is damaged: {error}") from error
    if not isinstance(manifest, dict) or manifest.get("format") != format:
        have = manifest.get("format") if isinstance(manifest, dict) else None
        raise ValueError(f"{path} has the format {have!r}; this version reads {format!r}")
    digests = manifest.get("sha256")
    if not isinstance(digests, dict) or set(digests) != set(parts):
        raise ValueError(f"{path} is damaged: its manifest does not have the sha256 of just the parts that are there")
    for name, digest in digests.items():
        if hashlib.sha256(parts.get(name, b"")).hexdigest() != digest:
            raise ValueError(f"{path}: {name} does not have the sha256 of the manifest: the file was changed")
    return manifest, parts
