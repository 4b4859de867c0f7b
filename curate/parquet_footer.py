"""What a Parquet footer says before Arrow reads it: Arrow ends the process when it is asked about an encrypted column.

The format: github.com/apache/parquet-format, Encryption.md and parquet.thrift.
"""

from __future__ import annotations

from curate.thrift import find_fields

ENCRYPTED_FOOTER = b"PARE"  # at the end of the file
#: FileMetaData.encryption_algorithm; crypto_metadata and encrypted_column_metadata of row_groups.columns.
ENCRYPTION = (8,), (4, 1, 8), (4, 1, 9)
#: The types of the values of all lists: Arrow goes by the format, not by the types that the lists say they have.
INTEGER, BINARY, STRUCT = (4, 5, 6), (8,), (12,)
LISTS = {
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


def check_encryption(end: bytes) -> None:
    """Refuse a file with anything that is encrypted.

    Args:
        end: bytes of the file, of which the last are its footer, the size of the footer and the magic.

    Raises:
        ValueError: it has, or its footer is damaged.
    """
    size = int.from_bytes(end[-8:-4], "little")
    found = end.endswith(ENCRYPTED_FOOTER)
    if not found and size + 8 <= len(end):
        try:
            found = bool(find_fields(end[len(end) - 8 - size : -8], ENCRYPTION, LISTS))
        except IndexError:
            raise ValueError("its footer is damaged") from None
    if found:
        raise ValueError("it is encrypted: write it without encryption")
