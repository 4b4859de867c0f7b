"""Samples of a finished run for judging: kept and rejected pages, spread over the steps and rules that reject."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from curate.text.hashing import stable_u64
from pipelines.io import files, sealed
from pipelines.io.sealed import WORK
from pipelines.io.tables import LargeColumn, read_table
from pipelines.result.finished import intact, not_judging, privacy_of, read_steps

BATCH = 8192  # rows of a table in memory at a time
SHOWN = ("id", "url", "source", "language", "step", "rule", "value", "limit")  # what a row says of a page
#: Step and rule of a rejection; `KEPT` for the pages that were kept.
Stratum = tuple[str, str]
KEPT: Stratum = ("", "")


def sample(output: str, count: int, seed: int = 0) -> list[dict[str, Any]]:
    """Draw pages of a finished run by a hash of id and seed: half of them kept, half of them rejected.

    The rejected ones are spread evenly over the steps that reject, and within a step over its rules, as far as each has
    as many. Left out are steps that remove copies, or documents in excess of a share, and records that could not be
    read. If there are too few pages of one half, there are more of the other.

    Args:
        output: folder of the run.
        count: number of pages.
        seed: another seed draws other pages.

    Returns:
        Rows with the keys of `SHOWN`; ``text``; ``excerpt``, whether the text is only a beginning, because the run has
        no more of a page that it rejected early; and for the judge ``keep`` and ``quality``, both None. They are in
        random order, so that the first ones are a sample too.

    Raises:
        FileNotFoundError: ``output`` holds no finished run.
        RunError: a file of the run is damaged.
    """
    skipped = not_judging(output)
    steps = [entry["name"] for entry in read_steps(output) if entry["name"] not in skipped]
    drawn = _drawn(output, count, str(seed), steps)
    texts = _texts(output, [id_ for (step, _), ids in drawn.items() if step for id_ in ids])
    scrub = privacy_of(output).text
    rows: dict[str, dict[str, Any]] = {}
    for table in ("documents", "rejected"):
        wanted = {
            id_: stratum for stratum, ids in drawn.items() if (table == "rejected") == bool(stratum[0]) for id_ in ids
        }
        for row in _rows(output, table, wanted):
            if (row.get("step", ""), row.get("rule", "")) != wanted[row["id"]]:
                continue  # another record with the same URL, date and content
            whole = row["text"] if table == "documents" else scrub(texts[row["id"]]) if row["id"] in texts else None
            rows[row["id"]] = {
                **{name: row.get(name, "" if name in ("step", "rule") else None) for name in SHOWN},
                "text": row["excerpt"] if whole is None else whole,
                "excerpt": whole is None,
                "keep": None,
                "quality": None,
            }
    return sorted(rows.values(), key=lambda row: _order(row["id"], str(seed)))


def _order(document_id: str, seed: str) -> tuple[int, str]:
    return stable_u64(document_id, f"sample {seed}"), document_id


@dataclass(slots=True)
class _Stratum:
    """The first documents of a stratum in the order of the sample, and the number of all of them."""

    size: int = 0
    first: list[tuple[int, str]] = field(default_factory=list)  # a heap of negated hashes: the last one is on top

    def add(self, document_id: str, seed: str, count: int) -> None:
        """Take a document; keep the first ``count``."""
        self.size += 1
        order, _ = _order(document_id, seed)
        if len(self.first) < count:
            heapq.heappush(self.first, (-order, document_id))
        elif -order > self.first[0][0]:
            heapq.heapreplace(self.first, (-order, document_id))

    def ids(self, count: int) -> list[str]:
        """Return the first ``count`` documents."""
        return [document_id for _, document_id in heapq.nlargest(count, self.first)]


def _drawn(output: str, count: int, seed: str, steps: Sequence[str]) -> dict[Stratum, list[str]]:
    """Draw the ids of each stratum, with at most ``count`` ids per stratum in memory."""
    strata = {KEPT: _Stratum()}
    for table, columns in (("documents", ["id"]), ("rejected", ["id", "step", "rule"])):
        for parquet in _tables(output, table):
            for batch in parquet.iter_batches(BATCH, columns=columns):
                for row in batch.to_pylist():
                    stratum = (row.get("step", ""), row.get("rule", ""))
                    strata.setdefault(stratum, _Stratum()).add(row["id"], seed, count)
    by_step = {
        step: {s: strata[s].size for s in sorted(strata, key=lambda s: (-strata[s].size, s)) if s[0] == step}
        for step in steps
    }
    kept, rejected = strata[KEPT].size, sum(sum(sizes.values()) for sizes in by_step.values())
    of_rejected = min(rejected, max(count // 2, count - kept))
    shares = {KEPT: min(kept, count - of_rejected)}
    for step, share in spread(of_rejected, {step: sum(sizes.values()) for step, sizes in by_step.items()}).items():
        shares |= spread(share, by_step[step])
    return {stratum: strata[stratum].ids(share) for stratum, share in shares.items()}


def spread(total: int, sizes: Mapping[Any, int]) -> dict[Any, int]:
    """Divide a number as evenly as sizes allow; the first ones get what is left over.

    >>> spread(10, {"a": 2, "b": 9, "c": 9})
    {'a': 2, 'b': 4, 'c': 4}
    >>> spread(5, {"a": 1, "b": 2})
    {'a': 1, 'b': 2}
    """
    shares = dict.fromkeys(sizes, 0)
    while total and (unfilled := [name for name, size in sizes.items() if shares[name] < size]):
        each, more = divmod(total, len(unfilled))
        for place, name in enumerate(unfilled):
            added = min(sizes[name] - shares[name], each + (place < more))
            shares[name] += added
            total -= added
    return shares


def _tables(output: str, table: str) -> Iterator[pq.ParquetFile]:
    for meta in files.within(files.join(output, table), "*.parquet"):
        with intact(meta.path), files.open_read(meta.path) as stream:
            yield pq.ParquetFile(stream)


def _rows(output: str, table: str, ids: Collection[str]) -> Iterator[dict[str, Any]]:
    """Yield the rows of some documents, reading only the row groups that hold them."""
    columns = (*SHOWN, "text" if table == "documents" else "excerpt")
    wanted = pa.array(ids, pa.string())
    for parquet in _tables(output, table) if ids else ():
        names = [name for name in columns if name in parquet.schema_arrow.names]
        for group in range(parquet.num_row_groups):
            here = pc.is_in(parquet.read_row_group(group, ["id"])["id"], wanted)
            if pc.any(here).as_py():
                yield from parquet.read_row_group(group, names).filter(here).to_pylist()


def _texts(output: str, ids: Collection[str]) -> dict[str, str]:
    """Return the texts of rejected documents after the last pass that kept them, as far as `_work` has them."""
    done = files.join(output, WORK, "finished.json")
    if not ids or not files.exists(done):
        return {}
    wanted, texts = pa.array(ids, pa.string()), dict[str, str]()
    folders = [files.join(output, WORK, name) for name in sealed.read_json(done).get("passes", ())]
    for number, folder in enumerate(folders):  # a later pass replaces the text of an earlier one
        for meta in files.within(folder, "state-*.parquet"):
            state = read_table(meta.path, ["id", "text_row"])
            state = state.filter(pc.is_in(state["id"], wanted)).filter(pc.field("text_row") >= 0).sort_by("text_row")
            part = meta.path.rpartition("-")[2]
            paths = [files.join(f, f"text-{part}") for f in reversed(folders[: number + 1])]
            path = next(filter(files.exists, paths), "")
            if len(state) and path:
                column = LargeColumn(path, "text")
                texts |= {row["id"]: column[row["text_row"]] for row in state.to_pylist()}
    return texts
