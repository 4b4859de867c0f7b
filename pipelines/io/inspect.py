"""Check, before inputs are read, that the files of a source have the columns that the recipe names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress

import pyarrow as pa
import pyarrow.parquet as pq

from curate.input.compression import Damaged, decompressed
from curate.input.json_line import parse_json
from curate.input.limits import MAX_RECORD_BYTES
from pipelines.io import files
from pipelines.io.row_groups import read_footer
from pipelines.io.sources import InputFile
from pipelines.recipe.errors import RecipeError, did_you_mean
from pipelines.recipe.model import Source

LOOKED_AT = 8  # files checked per source, which are assumed to have the same columns
LINES = 100  # lines checked per file of JSON lines
HTML = "html"  # a column that replaces the text


def check_columns(sources: Sequence[Source], inputs: Iterable[InputFile]) -> None:
    """Check that each source of rows has a text, and each source of tables the columns that it names.

    Raises:
        RecipeError: no file has a column; the message lists those that exist.
    """
    of_source: dict[str, dict[str, InputFile]] = defaultdict(dict)
    for file in inputs:
        if file.format in ("parquet", "jsonl"):
            of_source[file.source][file.path] = file
    for source in sources:
        present: set[str] = set()
        rows = [file for file in of_source[source.name].values() if _is_of(file, source)]
        for file in rows[:: max(1, len(rows) // LOOKED_AT)]:
            present |= set(_columns(file))
        if not present:  # no rows, or only broken records
            continue
        if source.text not in present and HTML not in present:
            raise _absent(source, "text", source.text, present)
        if any(file.format != "parquet" for file in rows):
            continue  # a key may be rare in JSON lines, but a column of a table is in all rows
        for setting, name in (("id", source.id), ("title", source.title), *(("columns", c) for c in source.columns)):
            if name and name not in present:
                raise _absent(source, setting, name, present)


def _is_of(file: InputFile, source: Source) -> bool:
    return (file.text, file.columns, file.id, file.title) == (source.text, source.columns, source.id, source.title)


def _absent(source: Source, setting: str, name: str, present: set[str]) -> RecipeError:
    flat = sorted(name for name in present if "." not in name)
    near = did_you_mean(name, flat)
    return RecipeError(
        f"source {source.name!r}: no file of {source.input!r} has the column {name!r} of {setting}{near}"
    )


def _columns(file: InputFile) -> Iterator[str]:
    """Yield the names of a file's columns, including those below ``metadata``; none if it cannot be read."""
    try:
        with files.open_read(file.path) as stream:
            if file.format == "parquet":
                read_footer(stream)
                for column in pq.ParquetFile(stream).schema_arrow:
                    yield column.name
                    if column.name == "metadata" and pa.types.is_struct(column.type):
                        yield from (column.type.field(i).name for i in range(column.type.num_fields))
                return
            lines = decompressed(stream, file.path)
            for _ in range(LINES):
                line = lines.readline(MAX_RECORD_BYTES)
                if not line:
                    return
                with suppress(ValueError):  # a broken line; later ones may be valid
                    row = parse_json(line)
                    for mapping in (row, row.get("metadata")) if isinstance(row, dict) else ():
                        yield from mapping if isinstance(mapping, dict) else ()
    except (ValueError, pa.ArrowException, Damaged, OSError, EOFError):
        return
