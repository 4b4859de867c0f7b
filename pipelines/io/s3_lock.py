"""A lock on a folder of S3, by writing on a condition: of two runs into one folder, the second is refused.

The holder renews the lock, because nobody removes it for a process that was killed. A lock that was not renewed for
long enough, by the clock of the store, may be taken over; at once if its process ran on this machine and is gone.
"""

from __future__ import annotations

import os
import secrets
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import orjson

from pipelines.io import s3

LOCK = "lock"
RENEW_SECONDS = 20.0
STALE_SECONDS = 120.0  # six renewals


class Locked(BlockingIOError):
    """Another run holds the lock; the message says where and since when."""


@contextmanager
def locked(folder: str) -> Iterator[None]:
    """Hold the lock of a folder.

    Raises:
        Locked: another run holds it, or has taken it over in the meantime.
    """
    path = f"{folder.rstrip('/')}/{LOCK}"
    facts = {"host": socket.gethostname(), "machine": _machine(), "process": os.getpid(), "run": secrets.token_hex(8)}
    content = orjson.dumps(facts)
    holder = _Holder(path, content, _take(path, content))
    holder.start()
    try:
        yield
    finally:
        holder.end()
    if holder.lost:
        raise Locked(
            f"another run took over {path}, because this one could not renew it for {STALE_SECONDS:.0f} s: both "
            "may have written into this output folder; run again into another --output, or when the other has ended"
        )


def _take(path: str, content: bytes) -> str:
    """Write the lock; return its version."""
    s3.check(path)
    try:
        return s3.put(path, content, IfNoneMatch="*")
    except s3.ConditionFailed:
        pass
    try:
        held, version, age = s3.get(path)
    except FileNotFoundError:  # it was just removed
        held, version, age = b"", "", STALE_SECONDS
    if held == content:  # written, but the answer was lost
        return version
    holder = _read(held)
    if age < STALE_SECONDS and not _is_dead(holder):
        raise Locked(
            f"another run, process {holder.get('process', '?')} on {holder.get('host', '?')}, is writing into this "
            f"output folder (its lock {path} is {age:.0f} s old); wait for it, or choose another --output; if that "
            f"process was killed, run again in {STALE_SECONDS - age:.0f} s"
        )
    try:
        return s3.put(path, content, **({"IfMatch": version} if version else {"IfNoneMatch": "*"}))
    except s3.ConditionFailed:
        if own := _own_version(path, content):
            return own
        raise Locked(f"another run has just taken over {path}; choose another --output") from None


def _own_version(path: str, content: bytes) -> str:
    """Return the version of a lock if it is our own; "" if it is not."""
    with suppress(OSError):
        held, version, _ = s3.get(path)
        if held == content:
            return version
    return ""


def _machine() -> str:
    """Return what tells the processes of this machine, since it was started, from all others; "" if nothing does."""
    with suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    return ""


def _read(held: bytes) -> dict:
    with suppress(ValueError):
        found = orjson.loads(held)
        if isinstance(found, dict):
            return found
    return {}


def _is_dead(holder: dict) -> bool:
    """Return whether the process ran on this machine and is gone; hosts may share a name, and containers a kernel."""
    process, here = holder.get("process"), _machine()
    if not here or holder.get("machine") != here or not isinstance(process, int):
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except OSError:
        pass
    return False


class _Holder:
    """Renews a lock in a thread until its end."""

    def __init__(self, path: str, content: bytes, version: str) -> None:
        self._path, self._content, self._version = path, content, version
        self.lost = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._renew, daemon=True)
        self.start = self._thread.start

    def _renew(self) -> None:
        while not self._stop.wait(RENEW_SECONDS):
            try:
                self._version = s3.put(self._path, self._content, IfMatch=self._version)
            except s3.ConditionFailed:
                version = _own_version(self._path, self._content)  # the answer to the last renewal may be lost
                if not version:
                    self.lost = True  # taken over: this host was cut off for minutes
                    return
                self._version = version
            except OSError:
                continue

    def end(self) -> None:
        """Remove the lock, unless another run has taken it over."""
        self._stop.set()
        self._thread.join()
        with suppress(OSError):
            s3.delete_version(self._path, self._version)
