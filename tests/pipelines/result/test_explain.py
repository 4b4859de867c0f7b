"""A document is looked up by its id in the one shard that can have it."""

from __future__ import annotations

import pyarrow.parquet as pq
import pytest

from pipelines.io.shards import shard_of_id
from pipelines.result.explain import find
from pipelines.steps.base import RunError
from tests.pipelines.small import FRENCH, english, small_run


@pytest.fixture
def output(tmp_path, monkeypatch):
    """A run with many shards of each table."""
    monkeypatch.setattr("pipelines.engine.finish.ROWS_PER_SHARD", 8)
    documents = english(40) + [{"text": f"{FRENCH * 3} {i}", "url": f"http://example.org/f{i}"} for i in range(10)]
    steps = "  - language: {keep: [en]}\n  - heuristics: {presets: [c4@tfds]}\n"
    small_run(tmp_path, steps, documents, more="output: {bytes_per_shard: 2000}\n")
    return tmp_path / "out"


def test_an_id_opens_one_shard_of_each_table(output):
    for table in ("documents", "rejected"):
        for path in sorted((output / table).iterdir())[:3]:
            for row in pq.read_table(path).to_pylist():
                (fate,) = find(str(output), row["id"])
                assert (fate.kept, fate.row["url"]) == (table == "documents", row["url"])
    row = pq.read_table(output / "documents").to_pylist()[0]
    for table in ("documents", "rejected", "signals"):
        parts = sorted((output / table).iterdir())
        assert len(parts) > 3
        for number, path in enumerate(parts):
            if number != shard_of_id(row["id"], len(parts)):
                path.write_bytes(b"not Parquet")
    (fate,) = find(str(output), row["id"])
    assert fate.row["text"] == row["text"]
    assert [signals["id"] for signals in fate.signals] == [row["id"]]
    with pytest.raises(RunError, match="part-"):
        find(str(output), row["url"])  # which may be in any


def test_an_id_that_is_nowhere_is_not_found(output):
    assert find(str(output), "0" * 32) == []
    assert find(str(output), "f" * 32) == []
    assert find(str(output), "no id") == []


def test_every_row_is_in_the_shard_of_its_id(output):
    for table in ("documents", "rejected", "signals"):
        parts = sorted((output / table).iterdir())
        for number, path in enumerate(parts):
            ids = pq.read_table(path)["id"].to_pylist()
            assert {shard_of_id(id_, len(parts)) for id_ in ids} <= {number}
