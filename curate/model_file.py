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
    path = Path(path)
    path.write_bytes(buffer.getvalue())
    digest = hashlib.sha256(buffer.getvalue()).hexdigest()
    path.with_name(path.name + ".sha256").write_text(f"{digest}  {path.name}\n")
    return digest


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
    data = path.read_bytes()
    beside = path.with_name(path.name + ".sha256")
    if beside.is_file():
        expected, found = beside.read_text().split()[0], hashlib.sha256(data).hexdigest()
        if expected != found:
            raise ValueError(
                f"{path} has sha256 {found}, but {beside.name} says {expected}: the file was changed or cut off; "
                "copy both again"
            )
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
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
