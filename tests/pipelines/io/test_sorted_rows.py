"""The order of a shard, and where its row groups end."""

from __future__ import annotations

import random

import pyarrow as pa
import pytest

from pipelines.io import sorted_rows
from pipelines.io.sorted_rows import SortedRows

SCHEMA = pa.schema(
    [("id", pa.string()), ("n", pa.int64()), ("ids", pa.large_list(pa.int32())), ("text", pa.large_string())]
)


@pytest.mark.parametrize("piece_bytes", [0, 5_000, 1 << 30])
def test_rows_are_sorted_whatever_the_pieces(monkeypatch, piece_bytes):
    monkeypatch.setattr(sorted_rows, "PIECE_BYTES", piece_bytes)
    monkeypatch.setattr(sorted_rows, "GROUP_ROWS", 64)
    chance = random.Random(0)
    rows = [
        {
            "id": f"{chance.randrange(300):03d}",
            "n": i,
            "ids": chance.choices(range(60_000), k=i % 9),
            "text": "é" * (i % 7),
        }
        for i in range(1000)
    ]
    tables = [pa.Table.from_pylist(rows[i : i + 37], SCHEMA) for i in range(0, 1000, 37)]
    narrow = {"ids": pa.large_list(pa.uint16())}
    found = SortedRows(tables, SCHEMA, ["id"], ["text", "ids"], narrow)
    groups = list(found.groups())
    assert {len(group) for group in groups[:-1]} == {64}
    assert pa.concat_tables(groups).to_pylist() == sorted(rows, key=lambda row: row["id"])  # equal ones as they came
    assert all(group.schema == SCHEMA for group in groups)
    some = pa.concat_tables(found.groups(["text"]))
    assert some["text"].to_pylist() == [row["text"] for row in sorted(rows, key=lambda row: row["id"])]


def test_large_rows_make_small_groups(monkeypatch):
    monkeypatch.setattr(sorted_rows, "GROUP_BYTES", 1000)
    sizes = [10, 500, 490, 1, 2000, 999, 1, 1]
    table = pa.table({"id": [str(i) for i in range(8)], "text": pa.array(["a" * n for n in sizes], pa.large_string())})
    found = SortedRows([table], table.schema, ["id"], ["text"])
    assert [[len(t) for t in group["text"].to_pylist()] for group in found.groups()] == [
        [10, 500, 490],
        [1],
        [2000],
        [999, 1],
        [1],
    ]


def test_no_rows_make_no_group():
    assert list(SortedRows([], SCHEMA, ["id"], ["text", "ids"]).groups()) == []
