"""Parquet and Arrow: good rows beside columns of every type, odd layouts, and damage to a batch or a footer."""

from __future__ import annotations

import decimal
import io
import json
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.fuzz import raw
from tests.fuzz.documents import Document, Writer
from tests.fuzz.inputs import Input, make_input
from tests.fuzz.pages import mutate_page, odd_text, page

PARQUET_CODECS = ("none", "snappy", "gzip", "zstd", "lz4", "brotli")

#: The text in every type that can hold it.
TEXTS: dict[str, Callable[[list[str]], pa.Array]] = {
    "string": lambda t: pa.array(t, pa.string()),
    "large_string": lambda t: pa.array(t, pa.large_string()),
    "string_view": lambda t: pa.array(t).cast(pa.string_view()),
    "binary": lambda t: pa.array([x.encode() for x in t], pa.binary()),
    "large_binary": lambda t: pa.array([x.encode() for x in t], pa.large_binary()),
    "dictionary": lambda t: pa.array(t).dictionary_encode(),
    "sliced": lambda t: pa.array(["before", *t, "behind"]).slice(1, len(t)),
}
#: The text in types that are no text: the rows are rejected.
NOT_TEXTS: dict[str, Callable[[list[str]], pa.Array]] = {
    "list": lambda t: pa.array([[x] for x in t]),
    "struct": lambda t: pa.array([{"text": x} for x in t]),
    "map": lambda t: pa.array([[("text", x)] for x in t], pa.map_(pa.string(), pa.string())),
    "integer": lambda t: pa.array(range(len(t))),
    "nulls": lambda t: pa.nulls(len(t)),
    "null_strings": lambda t: pa.array([None] * len(t), pa.string()),
    "nested": lambda t: pa.array([{"a": [{"b": x}]} for x in t]),
    "run_ends": lambda t: pa.RunEndEncodedArray.from_arrays(pa.array([len(t)], pa.int32()), pa.array(t[:1])),
    "fixed_binary": lambda t: pa.array([x.encode()[:16].ljust(16) for x in t], pa.binary(16)),
}
#: Columns beside the text; none of them can be a reason to lose it.
COLUMNS: dict[str, Callable[[Random, int], tuple[str, pa.Array]]] = {
    "timestamp": lambda rng, n: (
        rng.choice(("date", "timestamp")),
        pa.array(
            [rng.choice((0, 2**62, -(2**62), 1_600_000_000)) for _ in range(n)],
            pa.timestamp(rng.choice(("s", "ms", "us", "ns")), tz=rng.choice((None, "UTC", "+99:99", "Nowhere/Land"))),
        ),
    ),
    "date32": lambda rng, n: ("date", pa.array([rng.randrange(-(2**31), 2**31 - 1) for _ in range(n)], pa.date32())),
    "date_words": lambda rng, n: ("date", pa.array([rng.choice(("x", "2001-99-99", "", None)) for _ in range(n)])),
    "decimal": lambda rng, n: (
        rng.choice(("date", "score")), pa.array([decimal.Decimal("9" * 30)] * n, pa.decimal128(38, 2))
    ),
    "duration": lambda rng, n: ("date", pa.array([rng.randrange(2**62)] * n, pa.duration("s"))),
    "float": lambda rng, n: ("date", pa.array([rng.choice((float("nan"), float("inf"), 1e300, 0.0))] * n)),
    "list": lambda rng, n: ("labels", pa.array([[1, None, 2]] * n)),
    "struct": lambda rng, n: ("metadata", pa.array([{"date": rng.choice((None, "x")), "a": [1]}] * n)),
    "metadata_json": lambda rng, n: ("metadata", pa.array([json.dumps({"url": "u"})] * n)),
    "empty_struct": lambda rng, n: ("metadata", pa.array([{}] * n, pa.struct([]))),
    "map": lambda rng, n: ("metadata", pa.array([[("url", "u")]] * n, pa.map_(pa.string(), pa.string()))),
    "extension": lambda rng, n: ("key", pa.array([rng.randbytes(16) for _ in range(n)], pa.uuid())),
    "json": lambda rng, n: ("date", pa.array(["{}"] * n).cast(pa.json_(pa.string()))),
    "bad_utf8": lambda rng, n: ("date", _bad_utf8(n)),
    "nulls": lambda rng, n: (rng.choice(("url", "date", "html", "metadata", "x")), pa.nulls(n)),
    "union": lambda rng, n: (
        "kind", pa.UnionArray.from_sparse(pa.array([0] * n, pa.int8()), [pa.array(range(n)), pa.array(["x"] * n)])
    ),
    "dictionary_of_lists": lambda rng, n: ("x", pa.DictionaryArray.from_arrays(pa.array([0] * n), pa.array([[1, 2]]))),
    "half": lambda rng, n: ("x", pa.array([1.0] * n, pa.float16())),
    "text_again": lambda rng, n: ("Text", pa.array(["TEXT"] * n)),
    "odd_name": lambda rng, n: (
        rng.choice(("", "text.", "metadata.url", "\0", "a" * 9000, "\x1b[31m")), pa.array([1] * n)
    ),
}  # fmt: skip


def _bad_utf8(rows: int) -> pa.Array:
    data = pa.array([b"\xff\xfe\xed\xa0\x80"] * rows, pa.binary())
    return pa.Array.from_buffers(pa.string(), rows, data.buffers())


def make_table(rng: Random, writer: Writer) -> Input:
    """Make a Parquet or Arrow file, with odd columns, with mutated values, or damaged."""
    documents = writer.take(rng.randint(3, 6))
    form = rng.choice(("parquet", "parquet", "arrow_file", "arrow_stream"))
    kind = rng.choice(("columns", "type", "values", "not_text", "damage", "damage", "damage", "amplify"))
    table, mutation, kept = _table(rng, kind, documents, form)
    size = 0
    if kind == "amplify":
        table, size = _amplified(rng, table)
    ending = ".parquet" if form == "parquet" else ".arrow"
    try:
        data, parts = _written(rng, form, table)
    except (pa.ArrowException, NotImplementedError):  # a type that the form does not have
        data, parts = _written(rng, form, _good(rng, documents, TEXTS["string"]))
        mutation, kept = "untouched", documents
    if kind == "damage":
        mutation, data, kept = _damaged(rng, form, data, parts, documents)
    return make_input(ending, data, f"{form}:{mutation}", kept, documents, max(size, table.nbytes))


def _good(rng: Random, documents: Sequence[Document], text: Callable[[list[str]], pa.Array]) -> pa.Table:
    columns = {"text": text([d.text for d in documents])}
    columns["url"] = pa.array([d.url for d in documents])
    columns["date"] = pa.array([d.date for d in documents])
    if rng.random() < 0.1:
        columns = {"html": text([page(d) for d in documents]), "url": columns["url"]}
    return pa.table(columns)


def _table(rng: Random, kind: str, documents: list[Document], form: str) -> tuple[pa.Table, str, list[Document]]:
    """Return a table, what is odd about it, and the documents whose text is whole."""
    if kind == "type":
        name = rng.choice(sorted(TEXTS))
        return _good(rng, documents, TEXTS[name]), f"text_as_{name}", documents
    if kind == "not_text":
        name = rng.choice(sorted(NOT_TEXTS))
        return _good(rng, documents, NOT_TEXTS[name]), f"text_as_{name}", []
    table = _good(rng, documents, TEXTS["string"])
    if kind == "columns":
        name = rng.choice(sorted(COLUMNS))
        column, values = COLUMNS[name](rng, len(documents))
        kept = documents
        if column in table.column_names:
            table = table.drop_columns(column)
            kept = [] if column == "html" else documents  # then there may be neither text nor HTML
        at = rng.randrange(table.num_columns + 1)
        return table.add_column(at, column, values), f"column_{name}", kept
    if kind == "values" and "text" in table.column_names:
        victim = rng.randrange(len(documents))
        texts: list[Any] = table["text"].to_pylist()
        column = rng.choice(("text", "html"))
        if column == "text":
            texts[victim] = rng.choice((odd_text(rng, texts[victim]), "", "x" * 400_000, None))
            table = table.set_column(table.column_names.index("text"), "text", pa.array(texts))
        else:
            pages = [mutate_page(rng, d)[1] if d is documents[victim] else None for d in documents]
            texts[victim] = None
            table = table.set_column(table.column_names.index("text"), "text", pa.array(texts, pa.string()))
            table = table.append_column("html", pa.array(pages, pa.binary()))
        return table, f"value_{column}", [d for d in documents if d is not documents[victim]]
    return table, "untouched", documents


def _amplified(rng: Random, table: pa.Table) -> tuple[pa.Table, int]:
    """Add rows that all share one large value, which is written once."""
    value, rows = rng.choice(((1 << 20, 3), (100_000, 40), (1 << 20, 60 if rng.random() < 0.2 else 2), (10, 20_000)))
    column = pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), pa.array(["large " * (value // 6)]))
    if "text" not in table.column_names:
        return table, 0
    more = pa.table({"text": column.cast(pa.string())}) if rng.random() < 0.3 else pa.table({"text": column})
    if more.schema.field("text").type != pa.string():
        index = table.column_names.index("text")
        table = table.set_column(index, "text", table["text"].combine_chunks().dictionary_encode())
    return pa.concat_tables([table, more], promote_options="default").unify_dictionaries(), value * rows


def _written(rng: Random, form: str, table: pa.Table) -> tuple[bytes, list[tuple[int, int, int]]]:
    """Write a table; return the bytes and, of each part, its first and last byte and the rows in front of it."""
    out, size, codec = io.BytesIO(), rng.choice((1, 2, 3, 1000)), rng.choice(PARQUET_CODECS)
    if table.nbytes > 1_000_000 or table.num_rows > 100:  # fast to write
        size, codec = 10_000, "zstd"
    if form == "parquet":
        pq.write_table(
            table, out, row_group_size=size, compression=codec,
            use_dictionary=rng.random() < 0.5,
            data_page_version=rng.choice(("1.0", "2.0")), write_page_checksum=rng.random() < 0.3,
            data_page_size=rng.choice((100, 1 << 20)), store_schema=rng.random() < 0.8,
            write_statistics=rng.random() < 0.5,
        )  # fmt: skip
        meta = pq.read_metadata(io.BytesIO(out.getvalue()))
        parts, rows = [], 0
        for i in range(meta.num_row_groups):
            group = meta.row_group(i)
            chunks = [group.column(j) for j in range(group.num_columns)]
            starts = [min(c.data_page_offset, c.dictionary_page_offset or c.data_page_offset) for c in chunks]
            stops = [start + c.total_compressed_size for start, c in zip(starts, chunks, strict=True)]
            parts.append((min(starts), max(stops), rows))
            rows += group.num_rows
        return out.getvalue(), parts
    options = pa.ipc.IpcWriteOptions(compression=rng.choice((None, "zstd", "lz4")))
    new = pa.ipc.new_file if form == "arrow_file" else pa.ipc.new_stream
    parts, rows = [], 0
    with new(out, table.schema, options=options) as sink:
        for batch in table.combine_chunks().to_batches(max_chunksize=size):
            start = out.tell()
            sink.write_batch(batch)
            parts.append((start, out.tell(), rows))
            rows += batch.num_rows
    return out.getvalue(), parts


def _damaged(
    rng: Random, form: str, data: bytes, parts: list[tuple[int, int, int]], documents: list[Document]
) -> tuple[str, bytes, list[Document]]:
    """Damage a table; return the mutation, the bytes, and the documents that can still be read."""
    place = rng.choice(("part", "part", "footer", "head", "anywhere", "truncated", "joined"))
    if place == "part" and parts:
        i = rng.randrange(len(parts))
        start, stop, rows = parts[i]
        behind = parts[i + 1][2] if i + 1 < len(parts) else len(documents)
        damage = rng.choice((raw.flip, raw.overwrite))
        data = data[:start] + damage(rng, data[start:stop]) + data[stop:]
        # a row group is read without the others; batches one after the other
        return f"part:{damage.__name__}", data, documents[:rows] + (documents[behind:] if form == "parquet" else [])
    if place == "footer":
        size = min(len(data), rng.choice((12, 400, 2000)))
        name, footer = raw.mutate(rng, data[-size:])
        return f"footer:{name}", data[:-size] + footer, []
    if place == "head":
        name, head = raw.mutate(rng, data[:600])
        return f"head:{name}", head + data[600:], []
    if place == "truncated":
        at = rng.randrange(len(data))
        before = max((rows for start, _, rows in parts if start <= at), default=0)
        return "truncated", data[:at], documents[:before] if form == "arrow_stream" else []
    if place == "joined":
        return "joined", data + data[: rng.choice((len(data), 100))], []
    name, damaged = raw.mutate(rng, data)
    return f"anywhere:{name}", damaged, []
