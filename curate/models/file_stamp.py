"""Telling whether a file is still the one that was loaded.

>>> file_stamp("no such file")
(0, 0)
"""

from __future__ import annotations

import os
from pathlib import Path


def file_stamp(path: str | Path | None) -> tuple[int, int]:
    """Return what changes when a file does, its time of change in ns and its size; zeros where there is none.

    It is a part of the keys under which loaded models and lists are kept: one that is trained or edited again in the
    same process is loaded again.
    """
    if not path:  # a model of ours: asked for each text
        return 0, 0
    try:
        facts = os.stat(path)
    except OSError:
        return 0, 0
    return facts.st_mtime_ns, facts.st_size
