"""Clusters of near duplicates on many machines, with the result that one process has.

Each stage is a pipeline of its own that reads and leaves files, so that a run that is killed loses one stage. What goes
through a shuffle is blocks of small rows:

1. *rank*: keys and addresses of all documents, cut into ranges of the order and sorted there.
2. *candidates*: band hashes and ranks, 12 bytes per band and document; each bucket gives its pairs.
3. *sketches*: candidates ask for their sketches, by slice, and get them, by range of ranks.
4. *verify*: each pair travels, with the sketch of its later document, to the earlier one.
5. *stars*: rounds of large and small stars over the neighbours, until nothing changes.
6. *assign*: the documents of a component come together, with their sketches, and are assigned as in one process.

A document is named by its rank, 32 bits: up to 4 billion documents.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import apache_beam as beam
import numpy as np

from curate.dedup.clusters import SLACK, candidate_pairs, distinct, verify
from curate.dedup.minhash import SKETCH_BINS
from pipelines.dedup.assign import Assign
from pipelines.dedup.index import FIRST_INDEX, load_ranks
from pipelines.dedup.members import fixed
from pipelines.dedup.one_process import Account
from pipelines.dedup.order import key_columns, key_ids, sort_columns
from pipelines.dedup.stages import NODE, Block, Grouped, Stage, U, begin_stages, halves, join, run_stage, split
from pipelines.dedup.stars import connect
from pipelines.io import files, sealed
from pipelines.steps.base import Jobs, KeySource

DOCUMENTS_PER_RANGE = 1_000_000
RANKED = np.dtype([("slice", "u4"), ("row", "u4"), ("id", "V16")])
HASHED = np.dtype([("hash", "u8"), ("rank", "u4")])
WANTED = np.dtype([("row", "u4"), ("rank", "u4")])
SKETCHED = np.dtype([("rank", "u4"), ("sketch", "u1", (SKETCH_BINS,))])
TRAVELLING = np.dtype([("pair", "u8"), ("sketch", "u1", (SKETCH_BINS,))])


def cluster_distributed(
    slices: Sequence[KeySource],
    bands: int,
    threshold: float,
    jobs: Jobs,
    documents_per_range: int = DOCUMENTS_PER_RANGE,
) -> Account:
    """Cluster the documents of all slices and write who is removed.

    Args:
        slices: where the keys are, columns rank, bands and sketch; parts of sketches among them hold older documents.
        bands: number of bands.
        threshold: similarity from which two documents are near duplicates.
        jobs: runs the stages and writes the decision.
        documents_per_range: documents whose ranks, and whose candidates' sketches, one worker holds.

    Returns:
        What was done.
    """
    account = Account(documents=sum(s.count()[0] for s in slices), parts=1)
    if account.documents >= 2**32:
        raise ValueError(f"{account.documents:,} documents: at most 4,294,967,295 can be clustered together")
    work, pipeline = jobs.scratch, jobs.pipeline
    begin_stages(work)
    indexed = any(s.index >= FIRST_INDEX for s in slices)
    job = Stage(work, bands, threshold)
    ranges = max(1, -(-account.documents // documents_per_range))
    run_stage(pipeline, slices, Rank(job, _cuts(slices, ranges, indexed), indexed), work)
    sizes = [len(job.read("ranked", r, RANKED)) for r in range(ranges)]
    account.documents = sum(sizes)
    account.old_documents = sum(s.count()[0] for s in slices if s.index >= FIRST_INDEX)
    job = Stage(work, bands, threshold, tuple(np.cumsum([0, *sizes[:-1]]).tolist()))
    numbers = list(range(ranges))
    run_stage(pipeline, numbers, Spread(job), work)
    run_stage(pipeline, slices, Candidates(job, ranges), work)
    by_index = {s.index: s for s in slices}
    run_stage(pipeline, numbers, Sketches(job, by_index), work)
    run_stage(pipeline, numbers, Verify(job), work)
    rounds = connect(pipeline, numbers, job)
    run_stage(pipeline, numbers, Assign(job, jobs, ranges, rounds), work)
    _sum_up(account, job, numbers, ranges, rounds)
    return account


def _sum_up(account: Account, job: Stage, numbers: list[int], ranges: int, rounds: int) -> None:
    summaries = [sealed.read_json(job.path("summary", n)) for n in numbers if files.exists(job.path("summary", n))]
    account.candidates = sum(len(job.read("pairs", n, U)) for n in numbers)
    account.neighbours = sum(len(job.read("neighbours", n, U)) for n in numbers)
    account.removed, account.clusters = (sum(s[name] for s in summaries) for name in ("removed", "clusters"))
    buckets = [job.read("bucket", n, np.int64) for n in range(job.bands * ranges)]
    account.largest_bucket = int(np.concatenate(buckets).max(initial=0))
    for s in sorted(summaries, key=lambda s: (s["largest_cluster"], -s["largest_cluster_rank"])):
        account.largest_cluster, account.largest_cluster_first = s["largest_cluster"], s["largest_cluster_first"]
    stages = ["rank", "spread", "candidates", "sketches", "verify", *(f"stars{i + 1}" for i in range(rounds)), "assign"]
    account.stage_bytes = {name: sealed.read_json(files.join(job.folder, f"{name}.json"))["bytes"] for name in stages}


class Rank(beam.PTransform):
    """Sort the addresses of documents into ranges of their order: slices in, ``ranked`` out."""

    def __init__(self, job: Stage, cuts: list[bytes], indexed: bool) -> None:
        super().__init__("rank")
        self.job, self.cuts, self.indexed = job, cuts, indexed

    def expand(self, slices: beam.PCollection[KeySource]) -> beam.PCollection:
        """Shuffle keys and addresses."""
        return (
            slices
            | "Keys" >> beam.FlatMap(_rank_blocks, self.cuts, self.indexed).with_output_types(Block)
            | "Ranges" >> beam.GroupByKey()
            | "Sort" >> beam.Map(_sort_range, self.job)
        )


def _cuts(slices: Sequence[KeySource], ranges: int, indexed: bool) -> list[bytes]:
    """Choose where the order is cut, from a sample of the keys; the choice has no effect on the result."""
    if ranges == 1:
        return []
    sample: list[bytes] = []
    for part in slices[:: max(1, len(slices) // 50)]:
        sample += [key.tobytes() for key in load_ranks(part, indexed)[1][:: max(1, len(slices) // 10)]]
    sample.sort()
    return [sample[len(sample) * i // ranges] for i in range(1, ranges)] if sample else []


def _keyed(width: int) -> np.dtype:
    return np.dtype([("key", "u1", (width,)), ("slice", "u4"), ("row", "u4")])


def _rank_blocks(part: KeySource, cuts: list[bytes], indexed: bool) -> Iterator[Block]:
    rows, keys = load_ranks(part, indexed)
    if not len(rows):
        return
    block = np.empty(len(rows), _keyed(keys.shape[1]))
    block["key"], block["slice"], block["row"] = keys, part.index, rows
    names = np.ascontiguousarray(keys).view(f"S{keys.shape[1]}").ravel()
    number = (
        np.searchsorted(np.array(cuts, names.dtype), names, side="right") if cuts else np.zeros(len(rows), np.int64)
    )
    for n, data in split(block, number):
        yield n, keys.shape[1].to_bytes(2, "little") + data


def _sort_range(grouped: Grouped, job: Stage) -> None:
    number, blocks = grouped
    rows = np.concatenate([np.frombuffer(b, _keyed(int.from_bytes(b[:2], "little")), offset=2) for b in blocks])
    where = [rows["slice"].astype(U), rows["row"].astype(U)]
    rows = rows[sort_columns([*key_columns(rows["key"]), *where])]
    out = np.empty(len(rows), RANKED)
    out["slice"], out["row"], out["id"] = rows["slice"], rows["row"], key_ids(rows["key"])
    job.write("ranked", number, out)


class Spread(beam.PTransform):
    """Tell each slice the ranks of its documents: ranges in, ``ranks`` by slice out."""

    def __init__(self, job: Stage) -> None:
        super().__init__("spread")
        self.job = job

    def expand(self, ranges: beam.PCollection[int]) -> beam.PCollection:
        """Shuffle row and rank."""
        return (
            ranges
            | "Ranks" >> beam.FlatMap(_ranks_of_range, self.job).with_output_types(Block)
            | "Slices" >> beam.GroupByKey()
            | "Write" >> beam.Map(_write_ranks, self.job)
        )


def _ranks_of_range(number: int, job: Stage) -> Iterator[Block]:
    ranked = job.read("ranked", number, RANKED)
    rows = np.empty(len(ranked), WANTED)
    rows["row"], rows["rank"] = ranked["row"], job.starts[number] + np.arange(len(ranked))
    yield from split(rows, ranked["slice"])


def _write_ranks(grouped: Grouped, job: Stage) -> None:
    index, blocks = grouped
    rows = join(blocks, WANTED)
    job.write("ranks", index, rows[np.argsort(rows["row"])]["rank"])


class Candidates(beam.PTransform):
    """Pair the documents of each bucket: slices in, ``pairs`` by range of the later document out."""

    def __init__(self, job: Stage, ranges: int) -> None:
        super().__init__("candidates")
        self.job, self.ranges = job, ranges

    def expand(self, slices: beam.PCollection[KeySource]) -> beam.PCollection:
        """Shuffle hash and rank, by band and hash range; then the pairs."""
        return (
            slices
            | "Bands" >> beam.FlatMap(_band_blocks, self.job, self.ranges).with_output_types(Block)
            | "Buckets" >> beam.GroupByKey()
            | "Pair" >> beam.FlatMap(_pair_blocks, self.job).with_output_types(Block)
            | "Ranges" >> beam.GroupByKey()
            | "Write" >> beam.Map(_write_unique, "pairs", self.job)
        )


def _band_blocks(part: KeySource, job: Stage, ranges: int) -> Iterator[Block]:
    matrix = fixed(part.load(["bands"])[1]["bands"], U)
    ranks = job.read("ranks", part.index, np.uint32)
    for band in range(job.bands if len(matrix) else 0):
        rows = np.empty(len(matrix), HASHED)
        rows["hash"], rows["rank"] = matrix[:, band], ranks
        for n, data in split(rows, (rows["hash"] >> U(32)) % U(ranges)):
            yield n * job.bands + band, data


def _pair_blocks(grouped: Grouped, job: Stage) -> Iterator[Block]:
    number, blocks = grouped
    rows = join(blocks, HASHED)
    pairs, largest = candidate_pairs(rows["hash"].copy(), rows["rank"].copy())
    job.write("bucket", number, np.array([largest]))
    yield from _by_later(pairs, job)


def _by_later(pairs: np.ndarray, job: Stage) -> Iterator[Block]:
    return split(pairs, job.ranges(pairs >> U(32)))


def _write_unique(grouped: Grouped, kind: str, job: Stage) -> None:
    number, blocks = grouped
    job.write(kind, number, distinct(join(blocks, U)))


class Sketches(beam.PTransform):
    """Bring the sketches of candidates to their ranges: ranges in, ``nodes`` out."""

    def __init__(self, job: Stage, slices: dict[int, KeySource]) -> None:
        super().__init__("sketches")
        self.job, self.slices = job, slices

    def expand(self, ranges: beam.PCollection[int]) -> beam.PCollection:
        """Shuffle the ranks that are wanted, then row and rank by slice, then the sketches."""
        return (
            ranges
            | "Wanted" >> beam.FlatMap(_wanted, self.job).with_output_types(Block)
            | "WantedOfRange" >> beam.GroupByKey()
            | "Address" >> beam.FlatMap(_address, self.job).with_output_types(Block)
            | "WantedOfSlice" >> beam.GroupByKey()
            | "Read" >> beam.FlatMap(_read_sketches, self.job, self.slices).with_output_types(Block)
            | "SketchesOfRange" >> beam.GroupByKey()
            | "Write" >> beam.Map(_write_nodes, self.job)
        )


def _wanted(number: int, job: Stage) -> Iterator[Block]:
    ranks = distinct(np.concatenate(halves(job.read("pairs", number, U))))
    yield from split(ranks, job.ranges(ranks))


def _address(grouped: Grouped, job: Stage) -> Iterator[Block]:
    number, blocks = grouped
    ranks = distinct(join(blocks, np.uint32))
    ranked = job.read("ranked", number, RANKED)[ranks - np.uint32(job.starts[number])]
    rows = np.empty(len(ranks), WANTED)
    rows["row"], rows["rank"] = ranked["row"], ranks
    yield from split(rows, ranked["slice"])


def _read_sketches(grouped: Grouped, job: Stage, slices: dict[int, KeySource]) -> Iterator[Block]:
    index, blocks = grouped
    wanted = join(blocks, WANTED)
    rows, table = slices[index].load(["sketch"])
    out = np.empty(len(wanted), SKETCHED)
    out["rank"] = wanted["rank"]
    out["sketch"] = fixed(table["sketch"], np.uint8)[np.searchsorted(rows, wanted["row"])]
    yield from split(out, job.ranges(out["rank"]))


def _write_nodes(grouped: Grouped, job: Stage) -> None:
    number, blocks = grouped
    sketched = join(blocks, SKETCHED)
    sketched = sketched[np.argsort(sketched["rank"])]
    ranked = job.read("ranked", number, RANKED)[sketched["rank"] - np.uint32(job.starts[number])]
    nodes = np.empty(len(sketched), NODE)
    for name in SKETCHED.names or ():
        nodes[name] = sketched[name]
    for name in RANKED.names or ():
        nodes[name] = ranked[name]
    job.write("nodes", number, nodes)


class Verify(beam.PTransform):
    """Keep the pairs that are similar: ranges in, ``neighbours`` by range of the later document out."""

    def __init__(self, job: Stage) -> None:
        super().__init__("verify")
        self.job = job

    def expand(self, ranges: beam.PCollection[int]) -> beam.PCollection:
        """Shuffle each pair with a sketch, then the pairs that are left."""
        return (
            ranges
            | "Send" >> beam.FlatMap(_send, self.job).with_output_types(Block)
            | "EarlierRange" >> beam.GroupByKey()
            | "Compare" >> beam.FlatMap(_compare, self.job).with_output_types(Block)
            | "LaterRange" >> beam.GroupByKey()
            | "Write" >> beam.Map(_write_unique, "neighbours", self.job)
        )


def _send(number: int, job: Stage) -> Iterator[Block]:
    pairs = job.read("pairs", number, U)
    if not len(pairs):
        return
    nodes = job.read("nodes", number, NODE)
    later, earlier = halves(pairs)
    out = np.empty(len(pairs), TRAVELLING)
    out["pair"], out["sketch"] = pairs, nodes["sketch"][np.searchsorted(nodes["rank"], later)]
    yield from split(out, job.ranges(earlier))


def _compare(grouped: Grouped, job: Stage) -> Iterator[Block]:
    number, blocks = grouped
    sent = join(blocks, TRAVELLING)
    nodes = job.read("nodes", number, NODE)
    earlier = np.searchsorted(nodes["rank"], halves(sent["pair"])[1])
    both = np.concatenate([sent["sketch"], nodes["sketch"]])
    similarity = verify(both, np.arange(len(sent)).astype(np.uint32), (earlier + len(sent)).astype(np.uint32))
    yield from _by_later(sent["pair"][similarity >= job.threshold - SLACK].copy(), job)
