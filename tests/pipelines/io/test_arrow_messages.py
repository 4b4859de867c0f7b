"""Arrow files of other writers, and what of a record batch is counted."""

import io

import pyarrow as pa
import pyarrow.feather as feather
import pytest

from curate.document import Document
from pipelines.io import arrow_messages
from pipelines.io.columnar import arrow_rows
from pipelines.io.sources import InputFile, Part

TEXTS = [f"text number {i}" for i in range(100)]


def read(data):
    return list(arrow_rows(io.BytesIO(data), Part(InputFile("x.arrow", len(data), 0, "arrow", "s"), 0, len(data))))


def written(table, new=pa.ipc.new_stream, compression="zstd"):
    out = io.BytesIO()
    with new(out, table.schema, options=pa.ipc.IpcWriteOptions(compression=compression)) as writer:
        writer.write_table(table)
    return out.getvalue()


@pytest.mark.parametrize("padded", [8, 16, 64])
def test_a_file_may_have_zeros_after_its_magic(padded):
    """arrow-rs puts the first message at byte 64."""
    data = written(pa.table({"text": TEXTS}), pa.ipc.new_file)
    found = read(data[:6] + bytes(padded - 6) + data[8:])
    assert [d.text for d in found] == TEXTS


BESIDE = {
    "null": pa.nulls(100),
    "struct": pa.array([{"a": "x", "b": [1, 2]}] * 100),
    "long": pa.array(["x" * 20_000] * 100),
    "run_end": pa.RunEndEncodedArray.from_arrays(pa.array([100], pa.int32()), pa.array(["x"])),
    "union": pa.UnionArray.from_sparse(pa.array([0] * 100, pa.int8()), [pa.array(["x"] * 100)]),
    "dense": pa.UnionArray.from_dense(
        pa.array([0] * 100, pa.int8()), pa.array([0] * 100, pa.int32()), [pa.array(["x"])]
    ),
    "map": pa.array([[("a", 1)]] * 100, pa.map_(pa.string(), pa.int8())),
    "fixed": pa.array([[1, 2]] * 100, pa.list_(pa.int8(), 2)),
    "dictionary": pa.array(["x"] * 100).dictionary_encode(),
    "bool": pa.array([True] * 100),
    "string_view": pa.array(["x" * 20] * 100, pa.string_view()),
    "uuid": pa.ExtensionArray.from_storage(pa.uuid(), pa.array([b"x" * 16] * 100, pa.binary(16))),
}


@pytest.mark.parametrize("name", BESIDE)
@pytest.mark.parametrize("compression", [None, "zstd"])
def test_columns_that_are_not_read_do_not_count(monkeypatch, name, compression):
    monkeypatch.setattr(arrow_messages, "MAX_BATCH_BYTES", 3000)
    large = pa.array(["z" * 5000] * 100)
    data = written(pa.table({"a": BESIDE[name], "b": large, "text": TEXTS, "c": large}), compression=compression)
    assert [d.text for d in read(data) if isinstance(d, Document)] == TEXTS
    monkeypatch.setattr(arrow_messages, "MAX_BATCH_BYTES", 1000)
    (found,) = read(data)
    assert "write it with fewer rows a batch" in found.rejection.detail


def test_a_feather_file_of_full_batches_is_read(tmp_path):
    table = pa.table({"text": ["word " * 600] * 65_536, "html": ["<p>" + "word " * 300] * 65_536})
    feather.write_feather(table, tmp_path / "x.arrow", compression="lz4")
    data = (tmp_path / "x.arrow").read_bytes()
    assert sum(isinstance(d, Document) for d in read(data)) == len(table)
