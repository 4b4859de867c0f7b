"""The user's own columns: a type holds all values of a column, whichever part of a corpus they came from."""

from __future__ import annotations

import json
import math
from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, strategies as st

from pipelines.engine.run import run_recipe
from pipelines.io.columns import (
    column_array,
    column_type,
    merge_types,
    pack_columns,
    plain_value,
    types_of,
    unpack_columns,
)
from pipelines.recipe.recipe import parse_recipe
from tests.pipelines.small import small_run

values = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.lists(st.integers(), max_size=3))


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02T03:04:05+00:00"),
        (date(2026, 1, 2), "2026-01-02"),
        (Decimal("1.5"), 1.5),
        (b"caf\xc3\xa9", "café"),
        (2**63 - 1, 2**63 - 1),
        (2**63, str(2**63)),
        (math.inf, None),
        (math.nan, None),
        ({"b": [1, None]}, '{"b":[1,null]}'),
        ("caf\udce9", "caf\\xe9"),
        (True, True),
    ],
)
def test_values_become_what_a_table_can_hold(value, plain):
    assert plain_value(value) == plain


def test_what_is_nested_too_deep_is_none():
    deep: list = []
    for _ in range(10_000):
        deep = [deep]
    assert plain_value(deep) is None


@pytest.mark.parametrize(
    ("values", "kind", "array"),
    [
        ([1, None, 2], "integer", [1, None, 2]),
        ([1, 0.5], "number", [1.0, 0.5]),
        ([True, None], "boolean", [True, None]),
        ([True, 1], "text", ["true", "1"]),
        ([1, "x"], "text", ["1", "x"]),
        ([0.5, "x", None], "text", ["0.5", "x", None]),
        ([None, None], "none", [None, None]),
        ([[1], "x"], "text", ["[1]", "x"]),
    ],
)
def test_the_narrowest_kind_that_holds_all_values_is_taken(values, kind, array):
    assert merge_types(types_of({"c": value}) for value in values) == {"c": kind}
    assert column_array([plain_value(v) for v in values], kind).to_pylist() == array


@given(st.lists(st.lists(values, max_size=4), min_size=1, max_size=4))
def test_the_kind_is_the_same_however_the_values_are_cut_and_ordered_and_holds_them(slices):
    flat = [v for part in slices for v in part]
    by_slice = [merge_types(types_of({"c": v}) for v in part) for part in slices]
    whole = merge_types(types_of({"c": v}) for v in flat)
    assert merge_types(by_slice) == merge_types(by_slice[::-1]) == whole
    if flat:
        plain = [unpack_columns(pack_columns({"c": v}))["c"] for v in flat]
        assert column_array(plain, whole["c"]).type == column_type(whole["c"])


def test_columns_are_packed_by_name():
    assert unpack_columns(pack_columns({"licence": "MIT", "score": 1.5})) == {"licence": "MIT", "score": 1.5}
    assert pack_columns({}) is None
    assert unpack_columns(None) == {}


def test_columns_ids_and_titles_go_with_kept_and_rejected_documents(tmp_path):
    rows = [
        {
            "body": f"A page of {i}.",
            "key": f"k{i}",
            "name": f"Page {i}",
            "score": i if i % 2 else i / 4,
            "licence": None,
        }
        for i in range(6)
    ]
    rows.append(rows[0] | {"key": "copy", "licence": "CC0"})
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    source = f"{{input: {tmp_path}/in.jsonl, text: body, columns: [score, licence], id: key, title: name}}"
    run_recipe(parse_recipe(f"sources: [{source}]\nsteps: [exact_dedup]", "r.yaml"), str(tmp_path / "out"))
    documents, rejected = (pq.read_table(tmp_path / "out" / table) for table in ("documents", "rejected"))
    for table in (documents, rejected):
        assert table.schema.field("score").type == pa.float64()
        assert table.schema.field("licence").type == table.schema.field("source_id").type == pa.string()
    found = {row["source_id"]: row for row in (*documents.to_pylist(), *rejected.to_pylist())}
    assert found.keys() == {row["key"] for row in rows}
    for row in rows:
        assert (found[row["key"]]["score"], found[row["key"]]["licence"]) == (row["score"], row["licence"])
    assert {row["title"] for row in documents.to_pylist()} == {f"Page {i}" for i in range(6)}


def test_documents_have_no_columns_where_none_are_named(tmp_path):
    small_run(tmp_path, "  - pii\n", [{"text": "A page.", "licence": "MIT"}])
    assert not {"licence", "source_id"} & set(pq.read_schema(next((tmp_path / "out" / "documents").iterdir())).names)
