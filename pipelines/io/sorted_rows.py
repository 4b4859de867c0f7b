"""The rows of a shard in order, a row group at a time, so that a column of texts or tokens is in memory only once.

>>> tables = [pa.table({"id": ["b", "c"], "text": ["two", "three"]}), pa.table({"id": ["a"], "text": ["one"]})]
>>> rows = SortedRows(tables, tables[0].schema, by=["id"], large=["text"])
>>> [group["text"].to_pylist() for group in rows.groups()]
[['one', 'two', 'three']]
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

GROUP_ROWS = 4096
#: Bytes of texts or tokens in a row group, roughly. curate's own value, far above what ordinary rows need; Arrow takes
#: four times as much to write a group.
GROUP_BYTES = 64_000_000
PIECE_BYTES = 16_000_000  # tables are joined up to this size: fewer pieces make it faster to take rows from them


class SortedRows:
    """The sorted rows of some tables of one schema; equal rows keep the order of the tables.

    Args:
        tables: the tables.
        schema: their schema.
        by: columns to sort by.
        large: columns of texts or lists of numbers that must not be in memory twice.
        narrow: smaller types to hold large columns in, by name; they must be able to hold the same values.
    """

    def __init__(
        self,
        tables: Iterable[pa.Table],
        schema: pa.Schema,
        by: Sequence[str],
        large: Sequence[str],
        narrow: Mapping[str, pa.DataType] | None = None,
    ) -> None:
        self._schema = schema
        held = {name: (narrow or {}).get(name, schema.field(name).type) for name in large}
        self._large: dict[str, list[pa.Array]] = {name: [] for name in large}
        self._starts = [0]
        small = [schema.empty_table().drop_columns(list(large))]
        for piece in joined(tables, PIECE_BYTES):
            for name, arrays in self._large.items():
                arrays.append(piece[name].combine_chunks().cast(held[name]))
            self._starts.append(self._starts[-1] + len(piece))
            small.append(piece.drop_columns(list(large)))
        #: The other columns, unsorted.
        self.small: pa.Table = pa.concat_tables(small).combine_chunks()
        #: The row numbers in sorted order.
        self.order = pc.sort_indices(self.small, [(name, "ascending") for name in by]).to_numpy()

    def groups(self, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """Yield the sorted rows, with all columns or some, a row group at a time."""
        schema = self._schema if columns is None else pa.schema([self._schema.field(name) for name in columns])
        for rows in self._cut():
            yield self._group(schema, rows)
            pa.default_memory_pool().release_unused()

    def _group(self, schema: pa.Schema, rows: np.ndarray) -> pa.Table:
        columns = [
            self._take(self._large[field.name], rows).cast(field.type)
            if field.name in self._large
            else self.small[field.name].take(rows)
            for field in schema
        ]
        return pa.Table.from_arrays(columns, schema=schema)

    def _cut(self) -> Iterator[np.ndarray]:
        """Yield the numbers of the rows of each group."""
        sizes = np.zeros(len(self.order), np.int64)
        for name, arrays in self._large.items():
            type_ = self._schema.field(name).type
            width = type_.value_type.bit_width // 8 if pa.types.is_large_list(type_) else 1
            sizes += width * np.concatenate([_lengths(array) for array in arrays]) if arrays else 0
        stops = np.cumsum(sizes[self.order])
        start = 0
        while start < len(self.order):
            before = stops[start - 1] if start else 0
            full = int(np.searchsorted(stops, before + GROUP_BYTES, side="right"))
            stop = min(max(full, start + 1), start + GROUP_ROWS, len(self.order))
            yield self.order[start:stop]
            start = stop

    def _take(self, arrays: list[pa.Array], rows: np.ndarray) -> pa.Array:
        pieces = np.searchsorted(self._starts, rows, side="right") - 1
        by_piece = np.argsort(pieces, kind="stable")
        numbers, firsts = np.unique(pieces[by_piece], return_index=True)
        if len(numbers) == 1:
            return arrays[numbers[0]].take(pa.array(rows - self._starts[numbers[0]]))
        parts = [
            arrays[number].take(pa.array(rows[places] - self._starts[number]))
            for number, places in zip(numbers, np.split(by_piece, firsts[1:]), strict=True)
        ]
        back = np.empty(len(rows), np.int64)
        back[by_piece] = np.arange(len(rows))
        return pa.concat_arrays(parts).take(pa.array(back))


def joined(tables: Iterable[pa.Table], enough: int) -> Iterator[pa.Table]:
    """Yield tables that are joined until they have ``enough`` bytes."""
    held: list[pa.Table] = []
    size = 0
    for table in tables:
        held.append(table)
        size += table.nbytes
        if size >= enough:
            yield pa.concat_tables(held).combine_chunks()
            held, size = [], 0
    if held:
        yield pa.concat_tables(held).combine_chunks()


def _lengths(array: pa.Array) -> np.ndarray:
    lists = pa.types.is_large_list(array.type)
    return (pc.list_value_length(array) if lists else pc.binary_length(array)).to_numpy()
