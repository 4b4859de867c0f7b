"""Read each file of the command line in a process of its own with limits; print a line of JSON of what was found.

It begins as one process, so that each reading does not import all libraries again.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections import Counter
from pathlib import Path

from pipelines.io.readers import Dropped, read_part
from pipelines.io.sources import InputFile, Part, format_of

SECONDS = 60
ADDRESSES = 4 << 30  # beyond what the libraries have; a limit for what is claimed, not for what is used


def memory(name: str) -> int:
    """Return a number of /proc/self/status in bytes."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1]) << 10


def read(path: str, pieces: int) -> dict:
    """Read a file in pieces; return what was found in it, and what that took."""
    size = os.path.getsize(path)
    file = InputFile(path, size, 0.0, format_of(path) or "", "s")
    Path("/proc/self/clear_refs").write_text("5")  # begins the peak anew
    before, started = memory("VmRSS"), time.process_time()
    found: Counter[str] = Counter()
    for i in range(pieces):
        for record in read_part(Part(file, size * i // pieces, size * (i + 1) // pieces)):
            found[record.rejection.detail[:99] if isinstance(record, Dropped) else type(record).__name__] += 1
    taken = memory("VmHWM") - before
    return {"found": dict(found), "seconds": time.process_time() - started, "megabytes": taken >> 20}


def main(pieces: int, paths: list[str]) -> None:
    """Read each of some files."""
    for path in paths:
        sys.stdout.flush()
        child = os.fork()
        if child == 0:
            resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
            room = memory("VmSize") + ADDRESSES
            resource.setrlimit(resource.RLIMIT_AS, (room, room))
            print(json.dumps(read(path, pieces)), flush=True)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if status:
            print(json.dumps({"died": status}), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
