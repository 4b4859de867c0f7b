"""The files of a finished run: read them, and find those that have changed since."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import Enum

from pydantic import TypeAdapter, ValidationError

from pipelines.io import files
from pipelines.io.sealed import WORK
from pipelines.io.shards import PART
from pipelines.io.tables import REPORTS, TABLES

BLOCK_BYTES = 1 << 20  # read and hashed at a time; sizes from 64 KB to 16 MB made no measurable difference
THREADS = 8  # enough to keep a disk or an object store busy, since hashing releases the interpreter; curate's own value
#: Age in seconds from which a temporary file on an object store, which has no locks, counts as abandoned. curate's own
#: value: such a file is renamed right after its upload.
STALE_SECONDS = 3600
#: In the manifest of an output that has only tokens, in another mixture of a run: a digest of what they are made of.
RECUT = "recut"


class NotAnOutputError(ValueError):
    """A folder is not the output of a run."""


class Fix(Enum):
    """What to do about a finding."""

    REPAIR = "run the same command again, which repairs it"
    SWEEP = "the next run deletes it"
    MOVE = "move it out of the output"
    RETRY = "try again, or delete it and run the same command again"


@dataclass(frozen=True, slots=True)
class Finding:
    """A file that is not as the run left it: its path below the output, the problem, and the fix."""

    path: str
    problem: str
    fix: Fix = Fix.REPAIR

    def __str__(self) -> str:
        return f"{self.path}: {self.problem}; {self.fix.value}"


@dataclass(frozen=True, slots=True)
class Entry:
    """A file in the manifest."""

    path: str
    bytes: int
    sha256: str
    rows: int | None = None

    @property
    def table(self) -> str:
        """Folder of the table that the file belongs to; "" for a report."""
        return self.path.rpartition("/")[0]


#: Checks the content of a file whose bytes are right, given its entry and its path.
Look = Callable[[Entry, str], Finding | None]

ENTRIES = TypeAdapter(list[Entry])


def bytes_only(entry: Entry, path: str) -> None:
    """Check nothing but the bytes."""


def check_files(output: str, look: Look = bytes_only) -> list[Finding]:
    """Check every file of an output by size and SHA-256, and find missing, foreign and temporary files.

    Args:
        output: folder of a finished run.
        look: called with each file whose bytes are right, from several threads.

    Returns:
        The files that are not as the run left them, in the order of the manifest.

    Raises:
        NotAnOutputError: the folder is not the output of a run.
        OSError: the folder cannot be listed now.
    """
    output = output if "://" in output else os.path.abspath(output)
    entries, findings = _listed(output)
    with ThreadPoolExecutor(THREADS) as pool:
        checked = pool.map(lambda entry: _check_file(entry, output, look), entries or [])
        findings += [finding for finding in checked if finding]
    if finding := _check_inputs(output):
        findings.append(finding)
    findings += _unlisted(output, None if entries is None else {entry.path for entry in entries})
    below = len(files.join(output, ""))
    return findings + [Finding(path[below:], "left by a run that was stopped", Fix.SWEEP) for path in leftovers(output)]


def sizes_agree(output: str) -> bool:
    """Return whether all files of an output exist, with the sizes in the manifest."""
    try:
        entries = _entries(output)
    except (files.DamagedError, FileNotFoundError):
        return False
    agree = all(files.size(_path(output, entry.path)) == entry.bytes for entry in entries)
    return agree and files.is_file(files.join(output, "inputs.json"))


def leftovers(output: str) -> list[str]:
    """List the abandoned temporary files in an output to which no run is writing.

    Files of other programs with the same ending are not listed.
    """
    if "://" in output:  # one listing of all names, because an object store has no folders
        temporary = files.within(output, f"**{files.INCOMPLETE}")
    else:
        places = [
            (output, ""),
            *((files.join(output, table), "") for table in TABLES),
            (files.join(output, WORK), "**/"),
        ]
        temporary = [f for folder, below in places for f in files.within(folder, f"{below}*{files.INCOMPLETE}")]
    root, now = len(files.join(output, "")), time.time()
    abandoned = [f for f in temporary if "://" not in f.path or now - f.last_updated_in_seconds > STALE_SECONDS]
    return [f.path for f in abandoned if _is_attempt(f.path[root:])]


def _is_attempt(path: str) -> bool:
    """Return whether a path below an output is that of a temporary file of curate."""
    folder, _, name = path.rpartition("/")
    whole = files.attempt_at(name)
    if not folder:
        return whole in REPORTS
    return bool(PART.fullmatch(whole)) if folder in TABLES else bool(whole) and path.startswith(f"{WORK}/")


def is_part(name: str) -> bool:
    """Return whether a path below the folder of a table is that of a shard, final or temporary.

    >>> is_part("part-00000-of-00001.parquet"), is_part("part-00000-of-00001.parquet.bak")
    (True, False)
    """
    return bool(PART.fullmatch(files.attempt_at(name) or name))


def is_foreign(manifest: str) -> bool:
    """Return whether a file is the manifest of another program rather than one of curate, which may be damaged."""
    try:
        value = files.read_json(manifest)
    except files.DamagedError:
        return False
    return not isinstance(value, dict) or value.keys().isdisjoint(("recipe_digest", "code_digest"))


def read_manifest(output: str) -> dict:
    """Read the manifest of a finished run.

    Raises:
        FileNotFoundError: the folder holds no finished run.
        DamagedError: the manifest has changed since the run wrote it.
    """
    path = files.join(output, "manifest.json")
    if not files.is_file(path):
        if files.within(files.join(output, WORK), "*/*.json"):
            raise FileNotFoundError(f"the run in {output} is not finished; run the same command again to continue")
        raise FileNotFoundError(f"{output} holds no finished run: manifest.json is missing (is --output right?)")
    return files.read_checked_json(path)


def read_report(output: str) -> dict:
    """Read the report of a finished run.

    Raises:
        FileNotFoundError: the folder holds no finished run.
        DamagedError: the report, or the manifest that lists it, has changed since the run wrote it.
    """
    entry = next((e for e in _entries(output) if e.path == "report.json"), Entry("report.json", -1, ""))
    if finding := _check_file(entry, output, bytes_only):
        raise files.DamagedError(f"{files.join(output, finding.path)}: {finding.problem}")
    return files.read_json(files.join(output, "report.json"))


def _path(output: str, name: str) -> str:
    return files.join(output, *name.split("/"))


def _entries(output: str) -> list[Entry]:
    """Return the entries of the manifest.

    Raises:
        FileNotFoundError: the folder holds no finished run.
        DamagedError: the manifest is not one that a run writes; for example, it lists files outside of the output.
    """
    manifest, path = read_manifest(output), files.join(output, "manifest.json")
    try:
        entries = ENTRIES.validate_python(manifest.get("files"))
    except ValidationError:
        raise files.DamagedError(f"{path}: damaged, no run wrote this") from None
    for entry in entries:
        _, _, name = entry.path.rpartition("/")
        if entry.path not in REPORTS and not (entry.table in TABLES and PART.fullmatch(name)):
            raise files.DamagedError(f"{path}: damaged, no run writes {entry.path!r}")
    return entries


def _listed(output: str) -> tuple[list[Entry] | None, list[Finding]]:
    """Return the entries of the manifest, None if it is damaged or missing, and the findings about it."""
    try:
        return _entries(output), []
    except FileNotFoundError:
        if not _has_run(output):
            raise NotAnOutputError(f"{output} is not the output of a run: it has no manifest.json") from None
        return None, [Finding("manifest.json", "missing, because the run is not finished or it was deleted")]
    except files.DamagedError:
        if is_foreign(files.join(output, "manifest.json")):
            raise NotAnOutputError(f"{output} is not the output of a run: its manifest.json is not curate's") from None
        return None, [Finding("manifest.json", "damaged, so that no other file can be checked against it")]


def _has_run(output: str) -> bool:
    """Return whether a run has begun in a folder."""
    return any(files.within(files.join(output, folder), "*") for folder in (WORK, *TABLES))


def _check_file(entry: Entry, output: str, look: Look) -> Finding | None:
    path = _path(output, entry.path)
    try:
        size = files.size(path)
        if size < 0:
            return Finding(entry.path, "missing")
        if size != entry.bytes:
            return Finding(entry.path, f"{size:,} bytes long, but {entry.bytes:,} in manifest.json")
        if _sha256(path) != entry.sha256:
            return Finding(entry.path, "damaged, its SHA-256 is not the one in manifest.json")
        return look(entry, path)
    except OSError as e:
        return Finding(entry.path, f"cannot be read ({files.reason(e)})", Fix.RETRY)


def _sha256(path: str) -> str:
    digest, block = hashlib.sha256(), memoryview(bytearray(BLOCK_BYTES))
    with files.open_read(path) as f:
        while size := f.readinto(block):  # type: ignore[attr-defined]
            digest.update(block[:size])
    return digest.hexdigest()


def _check_inputs(output: str) -> Finding | None:
    """Check inputs.json, which has its own digest, because the manifest must not depend on how the input was split."""
    path = files.join(output, "inputs.json")
    try:
        if not files.is_file(path):
            return Finding("inputs.json", "missing")
        files.read_checked_json(path)
    except files.DamagedError:
        return Finding("inputs.json", "damaged, its sha256 line is not the digest of its other lines")
    except OSError as e:
        return Finding("inputs.json", f"cannot be read ({files.reason(e)})", Fix.RETRY)
    return None


def _unlisted(output: str, listed: Collection[str] | None) -> Iterator[Finding]:
    """Find the files in the folders of tables that the manifest does not list.

    Args:
        output: folder of the run.
        listed: paths in the manifest; None if the manifest is damaged or missing.
    """
    for table in TABLES:
        folder = files.join(output, table)
        below = len(files.join(folder, ""))
        for file in files.within(folder, "**"):
            name = file.path[below:]
            path = f"{table}/{name}"
            if not is_part(name):
                yield Finding(path, "not written by curate", Fix.MOVE)
            elif listed is not None and path not in listed and not files.attempt_at(name):
                yield Finding(path, "not listed in manifest.json")
