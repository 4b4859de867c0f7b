"""Write the files of a sketch, its manifest and its parts, and check them when reading.

Sketches are exchanged between parties, so nothing in a file is trusted: names, sizes, counts, the layout of the Parquet
files and every value are checked against each other before they are used.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import xxhash

from curate.dedup.minhash import SKETCH_BINS, MinHashConfig
from curate.input.checked_file import parse_json, read_regular
from curate.input.parquet_footer import Footer
from curate.input.parquet_pages import check_pages

if TYPE_CHECKING:
    from curate.dedup.sketch import Sketch

#: Version 2: words are compared in folded form (`curate.text.folding`).
FORMAT, VERSION = "curate-sketch", 2
MANIFEST = "sketch.json"
NO_DATE = -(2**63)
#: The years 1 to 9999, the range of the dates of pages, in seconds since 1970.
DATES = -62_135_596_800, 253_402_300_799
ROWS = 1_000_000  # most rows of a part
SCHEMA = pa.schema(
    [
        ("position", pa.uint64()),
        ("id", pa.binary(16)),
        ("date", pa.int64()),
        ("bands", pa.binary()),
        ("sketch", pa.binary()),
    ]
)
#: Most bytes of a manifest. curate's own value: enough for 100,000 parts of a million documents.
MAX_MANIFEST = 16 << 20

_BATCH = 1 << 16  # rows decoded at a time
_PART = re.compile(r"part-[0-9]{5,9}\.parquet")
_DIGEST = re.compile("[0-9a-f]{16}")
_AGAIN = "export it again with `curate sketch export`, or copy it again from its origin"


@dataclass(frozen=True, slots=True)
class Part:
    """A part as the manifest describes it: file name, number of documents, and XXH3 of its bytes in hex."""

    file: str
    documents: int
    xxh3: str


@dataclass(frozen=True, slots=True)
class Contents:
    """The content of a manifest: how the keys were made, the number of documents, and the parts."""

    config: MinHashConfig
    documents: int
    parts: tuple[Part, ...]


def part_rows(config: MinHashConfig) -> int:
    """Return the most rows of a part: Arrow counts the bytes of a binary column in 31 bits."""
    return min(ROWS, (2**31 - 1) // max(8 * config.bands, SKETCH_BINS))


def part_name(number: int) -> str:
    """Return the file name of a part."""
    return f"part-{number:05d}.parquet"


def describe_part(name: str, documents: int, data: bytes) -> Part:
    """Describe a part for `manifest`."""
    return Part(name, documents, xxhash.xxh3_64_hexdigest(data))


def manifest(config: MinHashConfig, parts: Sequence[Part]) -> dict[str, Any]:
    """Describe a sketch: the content of ``sketch.json``."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "minhash": asdict(config),
        "sketch_bins": SKETCH_BINS,
        "documents": sum(part.documents for part in parts),
        "parts": [asdict(part) for part in parts],
    }


def parse_manifest(data: bytes, where: str) -> Contents:
    """Read the content of ``sketch.json``.

    Args:
        data: bytes of the file.
        where: path of the sketch, for errors.

    Raises:
        ValueError: the file does not belong to a sketch, is damaged, or has an unknown version.
    """
    try:
        content = parse_json(data)
    except ValueError as error:
        raise ValueError(f"{where}: {MANIFEST} is damaged: {error}; {_AGAIN}") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise ValueError(f"{where} is not a sketch: its {MANIFEST} does not say format {FORMAT}")
    version, bins = content.get("version"), content.get("sketch_bins")
    if version != VERSION or bins != SKETCH_BINS:
        raise ValueError(
            f"{where} is a sketch of version {version!r:.50} with {bins!r:.50} bins; this release reads version "
            f"{VERSION} with {SKETCH_BINS}"
        )
    try:
        return _contents(content)
    except ValueError as error:
        raise ValueError(f"{where}: {MANIFEST} is damaged: {error}; {_AGAIN}") from None


def _contents(content: dict[str, Any]) -> Contents:
    settings, parts = content.get("minhash"), content.get("parts")
    if not isinstance(settings, dict) or set(settings) != {field.name for field in fields(MinHashConfig)}:
        raise ValueError(f"minhash does not have exactly {', '.join(field.name for field in fields(MinHashConfig))}")
    if not isinstance(parts, list):
        raise ValueError("parts is not a list")
    described = tuple(map(_part, parts))
    if len({part.file for part in described}) < len(described):
        raise ValueError("a part is listed twice")
    documents = sum(part.documents for part in described)
    if type(content.get("documents")) is not int or content["documents"] != documents:
        raise ValueError(f"it says {content.get('documents')!r:.50} documents, but its parts have {documents:,}")
    return Contents(MinHashConfig(**settings), documents, described)


def _part(part: Any) -> Part:
    if not isinstance(part, dict) or set(part) != {"file", "documents", "xxh3"}:
        raise ValueError("a part does not have exactly file, documents and xxh3")
    name, documents, digest = part["file"], part["documents"], part["xxh3"]
    if not isinstance(name, str) or not _PART.fullmatch(name):
        raise ValueError(f"a part is named {name!r:.100}; parts have names such as {part_name(0)}")
    if type(documents) is not int or not 0 < documents <= ROWS:
        raise ValueError(f"{name} has {documents!r:.50} documents; a part has 1 to {ROWS:,}")
    if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
        raise ValueError(f"{name} has the digest {digest!r:.50}, which is not 16 hex digits")
    return Part(name, documents, digest)


def part_limit(part: Part, config: MinHashConfig) -> int:
    """Return the most bytes that a part can have: compression does not make its values larger."""
    return (1 << 20) + part.documents * (_row_bytes(config) + 64)


def _row_bytes(config: MinHashConfig) -> int:
    return 8 + 16 + 8 + 8 * config.bands + SKETCH_BINS


def read_local(folder: str | Path, name: str, limit: int) -> bytes:
    """Read a file of a sketch in a local folder.

    Raises:
        ValueError: it is missing, larger than ``limit`` bytes, not a regular file, or a link out of the folder.
    """
    path = os.path.join(folder, name)
    if os.path.dirname(os.path.realpath(path)) != os.path.realpath(folder):
        raise ValueError(f"{path} is a link out of the sketch: replace it with the file itself")
    try:
        return read_regular(path, limit)
    except FileNotFoundError:
        raise ValueError(f"{folder} is not a sketch, or an incomplete one: it has no {name}; {_AGAIN}") from None


def read_part(part: Part, data: bytes, config: MinHashConfig, where: str) -> Iterator[pa.RecordBatch]:
    """Check a part, and yield its rows as batches of `SCHEMA`.

    Args:
        part: as the manifest describes it.
        data: bytes of its file.
        config: how the keys were made.
        where: path of the sketch, for errors.

    Raises:
        ValueError: the file is not what the manifest describes, or has an invalid value.
    """
    if xxhash.xxh3_64_hexdigest(data) != part.xxh3:
        raise ValueError(f"{where}: {part.file} is damaged: its digest is not the one in {MANIFEST}; {_AGAIN}")
    try:
        footer = Footer(data)
        # The limits apply to lists and strings of the footer, which Arrow expands to larger objects.
        file = pq.ParquetFile(
            pa.BufferReader(data), thrift_string_size_limit=1 << 20, thrift_container_size_limit=10_000
        )
        _check_layout(file, footer, data, part, config)
        for batch in file.iter_batches(_BATCH, use_threads=False):
            check_columns(batch, config.bands)
            yield batch
    except (pa.ArrowException, ValueError, OSError, MemoryError) as error:
        reason = " ".join(str(error).split())[:300]
        raise ValueError(f"{where}: {part.file} is not a part of a sketch: {reason}; {_AGAIN}") from None


def _check_layout(file: pq.ParquetFile, footer: Footer, data: bytes, part: Part, config: MinHashConfig) -> None:
    """Check the columns, the number of rows, and the size of their values."""
    schema, facts = file.schema_arrow, file.metadata
    if schema.names != SCHEMA.names or schema.types != SCHEMA.types:
        columns = ", ".join(f"{field.name} {field.type}" for field in SCHEMA)
        raise ValueError(f"its columns are not {columns}")
    groups = [facts.row_group(i) for i in range(facts.num_row_groups)]
    if facts.num_rows != part.documents or sum(group.num_rows for group in groups) != part.documents:
        raise ValueError(f"it has {facts.num_rows:,} rows, but {part.documents:,} in {MANIFEST}")
    widths = (8, 16, 8, 8 * config.bands, SKETCH_BINS)
    for number, group in enumerate(groups):
        for i, (column, width) in enumerate(zip(footer.chunks(facts, number), widths, strict=True)):
            if column.dictionary is not None or column.num_values != group.num_rows:
                raise ValueError(f"its column {SCHEMA.names[i]} does not have plain values")
            check_pages(data, column.data, column.data + column.size, group.num_rows, width)


def check_columns(rows: pa.RecordBatch | pa.Table, bands: int) -> None:
    """Check the values of some columns of `SCHEMA`: none is null, and keys have the right size.

    Raises:
        ValueError: a value is wrong; the message names the column.
    """
    for name, column in zip(rows.schema.names, rows.columns, strict=True):
        if name == "date":
            bounds = pc.min_max(column).as_py()
            if bounds["min"] is not None and not DATES[0] <= bounds["min"] <= bounds["max"] <= DATES[1]:
                raise ValueError("its column date has seconds outside of the years 1 to 9999")
            continue
        if column.null_count:
            raise ValueError(f"its column {name} has nulls")
        if name in ("bands", "sketch") and len(column):
            size = 8 * bands if name == "bands" else SKETCH_BINS
            sizes = pc.min_max(pc.binary_length(column)).as_py()
            if sizes != {"min": size, "max": size}:
                raise ValueError(f"its column {name} has values of {sizes['min']} to {sizes['max']} bytes, not {size}")


def column_bytes(column: pa.ChunkedArray, width: int) -> np.ndarray:
    """Return the values of a column that `check_columns` passed, uint8 [rows, width]."""
    chunks = [np.empty((0, width), np.uint8)]
    for chunk in column.chunks:
        *_, data = chunk.buffers()
        first = chunk.offset * width
        if not pa.types.is_fixed_size_binary(chunk.type) and len(chunk):
            first = int(np.frombuffer(chunk.buffers()[1], np.int32)[chunk.offset])
        if len(chunk):
            chunks.append(np.frombuffer(data, np.uint8, len(chunk) * width, first).reshape(-1, width))
    return np.concatenate(chunks)


def check_positions(positions: Sequence[np.ndarray], where: str) -> None:
    """Refuse a sketch unless the positions of its documents, by part, are 0, 1, 2, ..., each once, in any order.

    Raises:
        ValueError: they are not.
    """
    every = np.sort(np.concatenate([*positions, np.empty(0, np.uint64)]))
    if not np.array_equal(every, np.arange(len(every), dtype=np.uint64)):
        raise ValueError(f"{where}: the positions of its documents are not 0, 1, 2, ..., each once; {_AGAIN}")


def check_config(one: MinHashConfig, other: MinHashConfig) -> None:
    """Refuse keys that cannot be compared.

    Raises:
        ValueError: the settings differ; the message has both.
    """
    if one != other:
        raise ValueError(f"keys made with {one} cannot be compared with keys made with {other}: use the same settings")


def part_bytes(positions: np.ndarray, rows: Sketch) -> bytes:
    """Return the Parquet file of a part: some rows, with their positions in the order of the whole sketch."""
    columns = [
        pa.array(positions, pa.uint64()),
        pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), len(rows), [None, pa.py_buffer(rows.ids.tobytes())]),
        pa.array(rows.dates, pa.int64(), mask=rows.dates == NO_DATE),
        _binary(rows.bands),
        _binary(rows.sketches),
    ]
    stream = pa.BufferOutputStream()
    table = pa.Table.from_arrays(columns, schema=SCHEMA)
    # Version 1.0 pages with plain values, the only ones that `read_part` accepts.
    pq.write_table(table, stream, compression="zstd", use_dictionary=False, data_page_version="1.0")
    return stream.getvalue().to_pybytes()


def _binary(matrix: np.ndarray) -> pa.Array:
    matrix = np.ascontiguousarray(matrix)
    ends = np.arange(len(matrix) + 1, dtype=np.int64) * (matrix.dtype.itemsize * matrix.shape[1])
    parts = [None, pa.py_buffer(ends.astype(np.int32)), pa.py_buffer(matrix.tobytes())]
    return pa.BinaryArray.from_buffers(pa.binary(), len(matrix), parts)
