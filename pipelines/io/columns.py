"""User-defined columns: which values they can hold, and the type of a column over a whole corpus.

Values are stored as JSON until the last pass, when all of them have been seen. The type of a column is the narrowest
that holds all of its values, from whichever slice.

>>> types = merge_types([types_of({"score": 1, "licence": "MIT"}), types_of({"score": 0.5})])
>>> types
{'licence': 'text', 'score': 'number'}
>>> column_array([1, None, 0.5], types["score"]).to_pylist()
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

SOURCE_ID = "source_id"  # the column that holds a record's id in its source
#: Names that a user-defined column cannot have: fields of a document, and columns that curate adds.
RESERVED = frozenset(
    {*Document.__slots__, SOURCE_ID, "token_count", "step", "rule", "value", "limit", "detail", "excerpt"}
)
#: Column types by name, from the narrowest to the widest. "text" also holds a mixture of types, as JSON.
TYPES = {
    "none": pa.null(),
    "boolean": pa.bool_(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "text": pa.string(),
}


def plain_value(value: Any) -> Any:
    """Convert a value to a number, a text, True, False or None.

    Dates become ISO 8601, bytes become text, lists and mappings become JSON; infinities, and values nested too deeply
    for JSON, become None.
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
    try:  # a list or a mapping
        return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    except (TypeError, ValueError):  # nested too deeply
        return None


def pack_columns(extra: Mapping[str, Any]) -> bytes | None:
    """Return columns as JSON; None if there are none."""
    return orjson.dumps({name: plain_value(value) for name, value in extra.items()}) if extra else None


def unpack_columns(data: bytes | None) -> dict[str, Any]:
    """Return the columns that `pack_columns` packed."""
    return orjson.loads(data) if data else {}


def types_of(extra: Mapping[str, Any]) -> dict[str, str]:
    """Return the name of the type of each value, a key of ``TYPES``."""
    return {name: _type_name(plain_value(value)) for name, value in extra.items()}


def _type_name(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    return "number" if isinstance(value, float) else "text"


def merge_types(parts: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Return the type that holds all values of each column, by column name in alphabetical order."""
    types: dict[str, str] = {}
    for part in parts:
        for name, type_name in part.items():
            types[name] = _wider(types.get(name, "none"), type_name)
    return dict(sorted(types.items()))


def _wider(a: str, b: str) -> str:
    if a == b or b == "none":
        return a
    if a == "none":
        return b
    return "number" if {a, b} == {"integer", "number"} else "text"


def column_type(type_name: str) -> pa.DataType:
    """Return the Arrow type of a column; a column without values is text."""
    return pa.string() if type_name == "none" else TYPES[type_name]


def column_array(values: Iterable[Any], type_name: str) -> pa.Array:
    """Return the values of a column as an array; in a column of text, other values become JSON."""
    if type_name in ("none", "text"):
        values = [v if v is None or isinstance(v, str) else orjson.dumps(v).decode() for v in values]
    elif type_name == "number":
        values = [None if v is None else float(v) for v in values]
    return pa.array(values, column_type(type_name))
