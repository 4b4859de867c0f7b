"""Parse lines of JSON as programs write them, with the values that JSON itself does not have.

>>> parse_json(b'{"text": "half \\\\ud83d", "score": NaN}')
{'text': 'half \\ufffd', 'score': None}
"""

from __future__ import annotations

import re
from typing import Any

import orjson

# What a repair looks at, outside and inside of strings. A string without an end runs to the end of the line, and no
# part gives characters back, so that the time is linear.
_TOKEN = re.compile(
    r'"(?:[^"\\]++|\\.?)*+"?|-?+(?:NaN|Infinity)\b|(?<!\d)-?+(?:\d++(?:\.\d++)?+[eE]\+?+\d{3,}+|\d{309,}+)', re.DOTALL
)
_ESCAPE = re.compile(r"\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|(u[dD][89a-fA-F]..)|.)", re.DOTALL)
_HALF = re.compile(r"\\u[dD][89a-fA-F]")


def parse_json(line: bytes) -> Any:
    """Parse JSON; read numbers that are not finite as None and unpaired surrogates as U+FFFD.

    Python, pandas and JavaScript write both: ``NaN``, ``Infinity`` or a number too large for a float; and half of a
    character that was cut in two, as an escape or as bytes. A UTF-8 column cannot hold the half.

    Raises:
        ValueError: the line is not JSON even so, or is nested too deeply.

    >>> parse_json(b'[1e999, "\\\\ud83d\\\\ude00", "NaN", "\\\\\\\\ud83d"]')
    [None, '😀', 'NaN', '\\\\ud83d']
    """
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        repaired = _repaired(line)
        if repaired is None:
            raise
    return orjson.loads(repaired)


def _repaired(line: bytes) -> str | None:
    """Return a line without numbers that are not finite and without unpaired surrogates; None if it has none."""
    try:
        text = line.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return None
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")  # pairs become characters
    repaired = _TOKEN.sub(_repair_token, whole)
    return repaired if repaired != text else None


def _repair_token(token: re.Match[str]) -> str:
    value = token.group()
    if value.startswith('"'):
        return _ESCAPE.sub(_repair_escape, value) if _HALF.search(value) else value
    return "null" if value[-1].isalpha() or float(value) in (float("inf"), float("-inf")) else value


def _repair_escape(escape: re.Match[str]) -> str:
    return "\\ufffd" if escape.group(1) else escape.group()
