"""Detect that a file has changed since it was loaded.

>>> file_stamp("no such file")
(0, 0)
"""

from __future__ import annotations

import os
from pathlib import Path


def file_stamp(path: str | Path | None) -> tuple[int, int]:
    """Return the modification time of a file in ns and its size in bytes; zeros if there is no file.

    The stamp is part of the key under which a loaded model or list is cached, so that a file that changes during the
    process is loaded again.
    """
    if not path:  # a shipped model; called for each text
        return 0, 0
    try:
        facts = os.stat(path)
    except OSError:
        return 0, 0
    return facts.st_mtime_ns, facts.st_size
