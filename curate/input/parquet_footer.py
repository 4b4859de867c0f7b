"""Parse the columns in a Parquet footer without Arrow, which aborts the process on an encrypted column.

The format: github.com/apache/parquet-format, Encryption.md and parquet.thrift.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from dataclasses import dataclass

import pyarrow.parquet as pq

from curate.input.thrift import Path, find_fields, read_struct

ENCRYPTED = "it is encrypted: write it without encryption"
ENCRYPTED_FOOTER = b"PARE"  # at the end of the file
#: FileMetaData.encryption_algorithm; crypto_metadata and encrypted_column_metadata of row_groups.columns.
ENCRYPTION = (8,), (4, 1, 8), (4, 1, 9)
GROUP, COLUMN = (4,), (4, 1)  # row_groups, and their columns
#: The types of the values of all lists: Arrow relies on the format, not on the types that the lists declare.
INTEGER, BINARY, STRUCT = (4, 5, 6), (8,), (12,)
LISTS: dict[Path, tuple[int, ...]] = {
    (2,): STRUCT,  # schema
    (4,): STRUCT,  # row_groups
    (4, 1): STRUCT,  # their columns
    (4, 1, 3, 2): INTEGER,  # encodings
    (4, 1, 3, 3): BINARY,  # path_in_schema
    (4, 1, 3, 8): STRUCT,  # key_value_metadata
    (4, 1, 3, 13): STRUCT,  # encoding_stats
    (4, 1, 3, 16, 2): INTEGER,  # histograms of levels
    (4, 1, 3, 16, 3): INTEGER,
    (4, 1, 3, 17, 2): INTEGER,  # geospatial types
    (4, 4): STRUCT,  # sorting_columns
    (5,): STRUCT,  # key_value_metadata
    (7,): STRUCT,  # column_orders
}
TYPES: dict[Path, tuple[int]] = {(4, 1, 3, number): (6,) for number in (5, 7, 9, 11)}  # of the fields of a `Chunk`


@dataclass(frozen=True, slots=True)
class Chunk:
    """A column in a row group: number of values, bytes, and where its data and its dictionary begin."""

    num_values: int
    size: int
    data: int
    dictionary: int | None

    @property
    def begin(self) -> int:
        """Where its pages begin."""
        return min(self.dictionary or self.data, self.data)


class Footer:
    """The columns of a Parquet file's row groups.

    Args:
        end: the last bytes of the file, with its whole footer, the size of the footer and the magic.

    Raises:
        ValueError: something is encrypted, or the footer is damaged.
    """

    def __init__(self, end: bytes) -> None:
        if end.endswith(ENCRYPTED_FOOTER):
            raise ValueError(ENCRYPTED)
        size = int.from_bytes(end[-8:-4], "little")
        if size + 8 > len(end):
            raise ValueError("the file ends without its footer")
        self._data = end[len(end) - 8 - size : -8]
        try:
            fields = find_fields(self._data, (*ENCRYPTION, GROUP, COLUMN), TYPES, LISTS)
        except IndexError:
            raise ValueError("its footer is damaged") from None
        if any(path in fields for path in ENCRYPTION):
            raise ValueError(ENCRYPTED)
        self._groups, self._chunks = (fields.get(path, array("I")) for path in (GROUP, COLUMN))

    def chunks(self, metadata: pq.FileMetaData, number: int) -> list[Chunk]:
        """Return the columns of a row group, in the order of the schema.

        Args:
            metadata: the same footer, as Arrow reads it.
            number: of the row group.

        Raises:
            ValueError: the row group does not have the columns of the schema.
        """
        begin, *end = self._groups[number : number + 2]
        stop = bisect_left(self._chunks, end[0]) if end else len(self._chunks)
        places = self._chunks[bisect_left(self._chunks, begin) : stop]
        if len(places) != metadata.num_columns:
            raise ValueError(f"a row group of {len(places):,} columns; the schema has {metadata.num_columns:,}")
        return [self._chunk(at) for at in places]

    def _chunk(self, at: int) -> Chunk:
        facts = read_struct(self._data, at)[0].get(3)
        if not isinstance(facts, dict) or not {5, 7, 9} <= set(facts):
            raise ValueError("a column is not described")
        return Chunk(facts[5], facts[7], facts[9], facts.get(11))
