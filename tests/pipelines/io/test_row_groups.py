"""Row groups of Parquet whose pages lie about themselves, and files whose footers do."""

import base64
import io
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as pe
import pytest

from curate.input.parquet_footer import Chunk
from curate.input.thrift import read_struct
from pipelines.io.columnar import parquet_rows
from pipelines.io.records import Dropped
from pipelines.io.row_groups import _look
from pipelines.io.sources import InputFile, Part
from tests.pipelines.conftest import PATIENCE, ROOT

READ = """
import sys
from pipelines.io.columnar import parquet_rows
from pipelines.io.records import Dropped
from pipelines.io.sources import InputFile, Part
for path in sys.argv[1:]:
    with open(path, "rb") as f:
        size = f.seek(0, 2)
        f.seek(0)
        for d in parquet_rows(f, Part(InputFile(path, size, 0, "parquet", "s"), 0, size)):
            print(d.rejection.detail if isinstance(d, Dropped) else d.text)
"""


def read_elsewhere(*paths):
    """Return what is found in files, of a process that may end."""
    command = [sys.executable, "-c", READ, *map(str, paths)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


class Keys(pe.KmsClient):
    """Keys that are wrapped by nothing."""

    def __init__(self, config):
        super().__init__()

    def wrap_key(self, key, name):
        """Return a key as text."""
        return base64.b64encode(key).decode()

    def unwrap_key(self, wrapped, name):
        """Return a key."""
        return base64.b64decode(wrapped)


def write_encrypted(path, plaintext_footer):
    config = pe.EncryptionConfiguration("key", column_keys={"key": ["c"]}, plaintext_footer=plaintext_footer)
    keys = pe.CryptoFactory(Keys).file_encryption_properties(pe.KmsConnectionConfig(), config)
    table = pa.table({"text": ["one text"], "c": ["secret"]})
    with pq.ParquetWriter(path, table.schema, encryption_properties=keys) as writer:
        writer.write_table(table)


def footer_of(data):
    size = int.from_bytes(data[-8:-4], "little")
    return data[: -8 - size], data[-8 - size : -8]


def with_footer(pages, footer):
    return pages + footer + len(footer).to_bytes(4, "little") + b"PAR1"


def plain(columns):
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out, use_dictionary=False, compression="none", store_schema=False)
    return out.getvalue()


@pytest.mark.parametrize("plaintext_footer", [True, False])
def test_a_file_with_something_encrypted_is_one_record(tmp_path, plaintext_footer):
    write_encrypted(tmp_path / "x.parquet", plaintext_footer)
    (found,) = read_elsewhere(tmp_path / "x.parquet")
    assert found == "damaged Parquet: it is encrypted: write it without encryption"


def test_a_row_group_with_more_columns_than_the_schema_is_refused(tmp_path):
    """The schema loses its last column."""
    pages, footer = footer_of(plain({"text": ["one text"], "zzz": ["b"]}))
    begin = footer.index(b"\x15\x0c", footer.index(b"text"))
    end = read_struct(footer, begin)[1]
    short = footer[:begin] + footer[end:]
    short = short.replace(b"\x19\x3c", b"\x19\x2c", 1).replace(b"schema\x15\x04", b"schema\x15\x02", 1)
    short = short.replace(b"\x19\x2c\x1c\x00\x00\x1c\x00\x00", b"\x19\x1c\x1c\x00\x00", 1)  # column_orders
    (tmp_path / "x.parquet").write_bytes(with_footer(pages, short))
    (found,) = read_elsewhere(tmp_path / "x.parquet")
    assert "a row group of 2 columns; the schema has 1" in found


def test_statistics_at_odds_with_the_schema_cost_nothing(tmp_path):
    """A column is required, and has the histograms of one that is not."""
    pages, footer = footer_of(plain({"text": ["one text"], "zzz": ["b"]}))
    at = footer.index(b"\x25\x02", footer.index(b"text"))  # repetition_type OPTIONAL, before the name
    (tmp_path / "x.parquet").write_bytes(with_footer(pages, footer[: at + 1] + b"\x00" + footer[at + 2 :]))
    assert read_elsewhere(tmp_path / "x.parquet")


def test_a_list_of_another_type_does_not_hide_what_follows(tmp_path):
    pages, footer = footer_of(plain({"text": ["one text"]}))
    at = footer.index(b"\x19\x2c")
    (tmp_path / "x.parquet").write_bytes(with_footer(pages, footer[: at + 1] + b"\x28" + footer[at + 2 :]))
    (found,) = read_elsewhere(tmp_path / "x.parquet")
    assert found == "damaged Parquet: a list has values of another type"


@pytest.mark.parametrize("encoding", ["DELTA_LENGTH_BYTE_ARRAY", "PLAIN"])
@pytest.mark.parametrize("claimed", [1 << 30, -1])
def test_pages_with_more_values_than_rows_are_not_read(encoding, claimed):
    out = io.BytesIO()
    table = pa.table({"text": ["one text"] * 3})
    pq.write_table(table, out, use_dictionary=False, compression="none", column_encoding={"text": encoding})
    data = out.getvalue()
    end = read_struct(data, 4)[1]
    at = data.index(b"\x2c\x15\x06", 4, end) + 2  # data_page_header, num_values
    number = bytearray()
    value = claimed << 1 ^ claimed >> 63
    while value > 127:
        number.append(value & 127 | 128)
        value >>= 7
    number.append(value)
    header = data[4:at] + bytes(number) + data[at + 1 : end]
    room = len(header) - (end - 4)
    column = pq.ParquetFile(out).metadata.row_group(0).column(0)
    data = data[:4] + header + data[end:]
    chunk = Chunk(3, column.total_compressed_size + room, column.data_page_offset, None)
    with pytest.raises(ValueError, match="more values than it has rows"):
        _look(io.BytesIO(data), chunk, 3)


def test_row_groups_without_rows_cost_nothing():
    out = io.BytesIO()
    table = pa.table({"text": ["one text", "another text"]})
    with pq.ParquetWriter(out, table.schema) as writer:
        for rows in (table, table[:0], table, table[:0]):
            writer.write_table(rows)
    assert pq.ParquetFile(out).metadata.num_row_groups == 4
    part = Part(InputFile("x.parquet", 4, 0, "parquet", "s"), 0, 4)
    found = list(parquet_rows(io.BytesIO(out.getvalue()), part))
    assert [d.text for d in found] == table["text"].to_pylist() * 2


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
