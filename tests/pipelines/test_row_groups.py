"""Row groups of Parquet whose pages lie about themselves."""

import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

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
