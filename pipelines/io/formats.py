"""Input and output formats by name: built-in ones, those of entry points, and user-defined functions.

A user-defined input format is a function ``(stream: BinaryIO) -> Iterator[dict]`` that yields rows with ``text`` or
``html`` and optionally ``url``, ``date`` and the columns that the source names. The stream is already decompressed if
the file's name has the ending of a compression. A user-defined output format is a function ``(rows: Iterator[dict],
stream: BinaryIO)`` that writes documents, one file per shard, into a folder with the function's name.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from importlib import metadata
from typing import Any

from pipelines.io.tables import REPORTS, TABLES
from pipelines.recipe.plugins import Plugins, find_object

#: File name endings by format.
ENDINGS: dict[str, tuple[str, ...]] = {
    "warc": (".warc", ".arc", ".wet", ".wat"),
    "jsonl": (".jsonl", ".json", ".ndjson"),
    "parquet": (".parquet",),
    "arrow": (".arrow",),
    "html": (".html", ".htm", ".xhtml"),
    "text": (".txt", ".md", ".text"),
}
#: Built-in formats of the token table.
OUTPUT_FORMATS = ("parquet", "megatron")

ReadRows = Callable[..., Any]
WriteRows = Callable[..., Any]


@functools.cache
def input_formats() -> tuple[str, ...]:
    """Return the names that a source's ``format`` may have, other than import paths."""
    return (
        "auto",
        *ENDINGS,
        "datasets",
        *sorted(_installed()),
    )


@functools.cache
def _installed() -> dict[str, metadata.EntryPoint]:
    """Return the readers of installed packages; cached, because a run asks for each part of a file."""
    return {entry.name: entry for entry in metadata.entry_points(group="curate.readers")}


def input_format(name: str, plugins: Plugins | None = None) -> ReadRows | None:
    """Return the function that reads a format; None for a built-in one.

    Raises:
        LookupError: there is no such format.
        ImportError, TypeError: the import path does not name a function.
    """
    if name in ENDINGS:
        return None
    if name in _installed():
        return _function(name, _installed()[name].load(), 1)
    if "." not in name:
        raise LookupError(name)
    return _function(name, _named(name, plugins), 1)


def output_format(name: str, plugins: Plugins | None = None) -> WriteRows | None:
    """Return the function that writes a format; None for a built-in one.

    Raises:
        LookupError: there is no such format.
        ImportError, TypeError: the import path does not name a function, or curate uses the function's name for a
            folder.
    """
    if name in OUTPUT_FORMATS:
        return None
    if "." not in name:
        raise LookupError(name)
    function = _function(name, _named(name, plugins), 2)
    if function.__name__ in (*TABLES, *REPORTS, "_work"):
        raise TypeError(f"{name} would write into the folder {function.__name__} of curate's own; rename the function")
    return function


def _named(name: str, plugins: Plugins | None) -> Any:
    """Return the object that an import path names; without plugins, the path was checked when the recipe was read."""
    return plugins.load(name) if plugins else find_object(name)


def _function(name: str, thing: Any, parameters: int) -> Callable[..., Any]:
    if not callable(thing):
        raise TypeError(f"{name} is not a function")
    if len(inspect.signature(thing).parameters) < parameters:
        takes = "a stream" if parameters == 1 else "rows and a stream"
        raise TypeError(f"{name} must take {takes}")
    return thing
