"""The user's own columns: what of a value is kept, and which type a column has over a whole corpus.

Values travel as JSON until the last pass, when every type is known: the type of a column is the narrowest that holds
all of its values, whichever slice they came from.

>>> kinds = merge_kinds([kinds_of({"score": 1, "licence": "MIT"}), kinds_of({"score": 0.5})])
>>> kinds
{'licence': 'text', 'score': 'number'}
>>> column_array([1, None, 0.5], kinds["score"]).to_pylist()
[1.0, None, 0.5]
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import orjson
import pyarrow as pa

from curate.document import Document
from curate.text.printable import storable

SOURCE_ID = "source_id"  # the column of the id that a record has in its source
#: Names that a column of the user's own cannot have: fields of a document, and columns that curate adds.
RESERVED = frozenset(
    {*Document.__slots__, SOURCE_ID, "token_count", "step", "rule", "value", "limit", "detail", "excerpt"}
)
#: From the narrowest kind to the widest; a number and a text are both texts.
TYPES = {
    "none": pa.null(),
    "boolean": pa.bool_(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "text": pa.string(),
}


def plain_value(value: Any) -> Any:
    """Return a value as a number, a text, True, False or None.

    Dates become ISO 8601, bytes text, lists and mappings JSON, infinities and what is nested too deep None.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**63 else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Decimal):
        return plain_value(float(value))
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    try:  # a list or a mapping, in a column of text
        return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    except (TypeError, ValueError):  # nested too deep
        return None


def pack_columns(extra: Mapping[str, Any]) -> bytes | None:
    """Return columns as JSON, None where there are none."""
    return orjson.dumps({name: plain_value(value) for name, value in extra.items()}) if extra else None


def unpack_columns(data: bytes | None) -> dict[str, Any]:
    """Return what `pack_columns` packed."""
    return orjson.loads(data) if data else {}


def kinds_of(extra: Mapping[str, Any]) -> dict[str, str]:
    """Return the kind of each value."""
    return {name: _kind(plain_value(value)) for name, value in extra.items()}


def _kind(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    return "number" if isinstance(value, float) else "text"


def merge_kinds(parts: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Return the kind that holds all values of each column, by name in alphabetical order."""
    found: dict[str, str] = {}
    for part in parts:
        for name, kind in part.items():
            found[name] = _wider(found.get(name, "none"), kind)
    return dict(sorted(found.items()))


def _wider(a: str, b: str) -> str:
    if a == b or b == "none":
        return a
    if a == "none":
        return b
    return "number" if {a, b} == {"integer", "number"} else "text"


def column_type(kind: str) -> pa.DataType:
    """Return the Arrow type of a column; one without a value is text."""
    return pa.string() if kind == "none" else TYPES[kind]


def column_array(values: Iterable[Any], kind: str) -> pa.Array:
    """Return the values of a column; what is not text becomes JSON in a column of text."""
    if kind in ("none", "text"):
        values = [v if v is None or isinstance(v, str) else orjson.dumps(v).decode() for v in values]
    elif kind == "number":
        values = [None if v is None else float(v) for v in values]
    return pa.array(values, column_type(kind))
