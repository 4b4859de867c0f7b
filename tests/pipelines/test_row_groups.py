"""Row groups of Parquet whose pages lie about themselves."""

import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curate.thrift import read_struct
from pipelines.columnar import parquet_rows
from pipelines.records import Dropped
from pipelines.sources import InputFile, Part


@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("dictionary", [True, False])
def test_a_page_header_with_fields_of_other_types_costs_its_row_group(version, dictionary):
    out = io.BytesIO()
    table = pa.table({"text": ["one text", "another text"] * 4})
    pq.write_table(table, out, use_dictionary=dictionary, data_page_version=version, row_group_size=4)
    data = out.getvalue()
    part = Part(InputFile("x.parquet", len(data), 0, "parquet", "s"), 0, len(data))
    for at in range(4, 40):
        for kind in range(16):
            damaged = data[:at] + bytes([data[at] & 0xF0 | kind]) + data[at + 1 :]
            found = list(parquet_rows(io.BytesIO(damaged), part))
            assert [d.text for d in found if not isinstance(d, Dropped)][-4:] == table["text"].to_pylist()[4:]


def test_a_page_that_claims_more_bytes_than_its_column_has_is_not_read():
    """A number of the url's header is set to 1 GB; Arrow would make room for it."""
    out = io.BytesIO()
    table = pa.table({"url": ["http://a.example/"], "text": ["one text"]})
    pq.write_table(table, out, use_dictionary=False, compression="none")
    data = out.getvalue()
    (header, end) = read_struct(data, 4)
    packed = bytes([0x15, header[3] << 1])  # the field after the last one, zigzag
    at = data.index(packed, 4, end)
    at = data.index(packed, at + 1, end) if header[2] == header[3] else at  # unpacked comes before packed
    damaged = data[:at] + bytes([0x15]) + b"\x80\xa8\xd6\xb9\x07" + data[at + 2 :]
    part = Part(InputFile("x.parquet", len(damaged), 0, "parquet", "s"), 0, len(damaged))
    (found,) = parquet_rows(io.BytesIO(damaged), part)
    assert isinstance(found, Dropped)
    assert "a page ends outside of its column" in found.rejection.detail
