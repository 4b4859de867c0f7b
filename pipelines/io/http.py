"""Files on web servers, read only: https://data.commoncrawl.org/..., in pieces."""

from __future__ import annotations

import errno
import os
import re
import time
import urllib.error
import urllib.request
from email.message import Message
from email.utils import parsedate_to_datetime
from http.client import HTTPException

from apache_beam.io.filesystem import FileMetadata

import curate
from pipelines.io.ranged import RangedReader

PREFIXES = ("https://", "http://")
SECONDS = 60  # for an answer
ATTEMPTS, WAIT_SECONDS = 6, 0.5  # waits double: 15 s in all
#: HTTP status codes: temporary, and beyond the end of the file.
BUSY, NO_RANGE = (408, 425, 429, 500, 502, 503, 504), 416
WHOLE_BYTES = 64 << 20  # of a file from a server that does not send parts
GONE = {404: errno.ENOENT, 410: errno.ENOENT, 401: errno.EACCES, 403: errno.EACCES}


def _ask(url: str, method: str = "GET", wanted: str = "") -> tuple[int, Message, bytes]:
    """Return status, headers and body of an answer.

    Raises:
        OSError: there is none after some attempts, or not the file.
    """
    headers = {"User-Agent": f"curate/{curate.__version__}", "Accept-Encoding": "identity"}
    headers |= {"Range": wanted} if wanted else {}
    request = urllib.request.Request(url, headers=headers, method=method)
    for attempt in range(ATTEMPTS):
        try:
            with urllib.request.urlopen(request, timeout=SECONDS) as answer:
                whole = answer.status == 200 and bool(wanted)
                body = answer.read(WHOLE_BYTES + 1) if whole else answer.read()
                if whole and len(body) > WHOLE_BYTES:
                    raise OSError(f"{url}: its server does not send parts of files; download it first")
                return answer.status, answer.headers, body
        except urllib.error.HTTPError as e:
            if e.code == NO_RANGE:
                return e.code, e.headers, b""
            if code := GONE.get(e.code):
                raise OSError(code, os.strerror(code), url) from None
            if e.code not in BUSY or attempt == ATTEMPTS - 1:
                raise OSError(f"{url}: the server answers {e.code} {e.reason}") from None
        except (urllib.error.URLError, HTTPException, TimeoutError, ConnectionError) as e:
            if attempt == ATTEMPTS - 1:
                raise OSError(f"{url}: {getattr(e, 'reason', e)}") from None
        time.sleep(WAIT_SECONDS * 2**attempt)
    raise AssertionError("unreachable")


def metadata(url: str) -> FileMetadata | None:
    """Return the size and time of a file; None if there is none."""
    try:
        _, headers, _ = _ask(url, "HEAD")
        if not headers.get("Content-Length"):
            _, headers, _ = _ask(url, wanted="bytes=0-0")
    except FileNotFoundError:
        return None
    total = re.fullmatch(r"bytes (?:\d+-\d+|\*)/(\d+)", headers.get("Content-Range") or "")
    size = int(total[1] if total else headers.get("Content-Length") or 0)
    modified = headers.get("Last-Modified")
    return FileMetadata(url, size, parsedate_to_datetime(modified).timestamp() if modified else 0.0)


class Reader(RangedReader):
    """A file that is read in pieces."""

    def request(self, start: int, size: int) -> tuple[int, bytes, int]:
        """Read a piece."""
        status, headers, data = _ask(self.path, wanted=f"bytes={start}-{max(start + size, 1) - 1}")
        place = re.fullmatch(r"bytes (?:(\d+)-\d+|\*)/(\d+)", headers.get("Content-Range") or "")
        if status == NO_RANGE:
            return start, b"", int(place[2]) if place else 0
        return (int(place[1]), data, int(place[2])) if place else (0, data, len(data))
