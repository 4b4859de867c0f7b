"""Clusters of near duplicates on many machines, with the same result as in one process.

Each stage is a separate pipeline that reads and writes files, so that a killed run loses at most one stage. Stages
shuffle blocks of small rows:

1. *rank*: split the keys and addresses of all documents into ranges of the order, and sort each range.
2. *spread*: send the ranks of documents back to their slices.
3. *candidates*: group band hashes and ranks, 12 bytes per band and document, into buckets; each bucket yields pairs.
4. *sketches*: request the sketches of candidates by slice, and send them to ranges of ranks.
5. *verify*: send each pair, with the sketch of its later document, to the range of the earlier one, and compare.
6. *stars*: run rounds of large and small stars over the neighbours until nothing changes.
7. *assign*: bring the documents of a component together with their sketches, and assign them as in one process.

A document is identified by its rank, 32 bits, so up to 4 billion documents can be clustered.
"""

from __future__ import annotations

from collections.abc import Iterator

import apache_beam as beam
import numpy as np

from curate.dedup.clusters import SLACK, candidate_pairs, distinct, verify
from curate.dedup.minhash import SKETCH_BINS
from pipelines.dedup.assign import Assign
from pipelines.dedup.index import load_ranks
from pipelines.dedup.members import fixed
from pipelines.dedup.one_process import ClusterStats
from pipelines.dedup.order import key_columns, key_ids, sort_columns
from pipelines.dedup.stages import (
    NODE,
    Block,
    Blocks,
    ClusterJob,
    Grouped,
    U,
    begin_stages,
    halves,
    join,
    run_stage,
    split,
)
from pipelines.dedup.stars import connect
from pipelines.io import files, sealed
from pipelines.steps.base import Jobs

DOCUMENTS_PER_RANGE = 1_000_000
#: A row per document of a range, in order of rank: its address and its id.
RANKED = np.dtype([("slice", "u4"), ("row", "u4"), ("id", "V16")])
#: A row per document and band: the hash of the band, and the document's rank.
HASHED = np.dtype([("hash", "u8"), ("rank", "u4")])
#: A row per document of a slice: its row number and its rank.
ROW_AND_RANK = np.dtype([("row", "u4"), ("rank", "u4")])
#: A row per candidate document: its rank and its sketch.
SKETCHED = np.dtype([("rank", "u4"), ("sketch", "u1", (SKETCH_BINS,))])
#: A row per pair: the ranks of both documents in one number, the later one in the upper half, and its sketch.
PAIR_AND_SKETCH = np.dtype([("pair", "u8"), ("sketch", "u1", (SKETCH_BINS,))])


def cluster_distributed(
    slices: Blocks,
    bands: int,
    threshold: float,
    jobs: Jobs,
    documents_per_range: int = DOCUMENTS_PER_RANGE,
) -> ClusterStats:
    """Cluster the documents of all slices and write the decision.

    Args:
        slices: blocks of keys with the columns rank, bands and sketch; parts of sketches hold older documents.
        bands: number of bands.
        threshold: lowest similarity of near duplicates.
        jobs: runs the stages and writes the decision.
        documents_per_range: number of documents whose ranks and sketches one worker holds.

    Returns:
        Statistics of the clustering.

    Raises:
        ValueError: there are 2**32 documents or more.
    """
    stats = ClusterStats(old_documents=sum(block.count()[0] for block in slices.old), parts=1)
    stats.documents = jobs.documents + stats.old_documents
    if stats.documents >= 2**32:
        raise ValueError(
            f"minhash_dedup can cluster at most 4,294,967,295 documents, and the input has {stats.documents:,}"
        )
    work, pipeline = jobs.scratch, jobs.pipeline
    begin_stages(work)
    job = ClusterJob(work, bands, threshold)
    ranges = max(1, -(-stats.documents // documents_per_range))
    run_stage(pipeline, range(len(slices)), Rank(job, _cuts(slices, ranges), slices), work)
    ranked = job.sizes("ranked", RANKED)
    sizes = [ranked.get(number, 0) for number in range(ranges)]
    stats.documents = sum(sizes)
    job = ClusterJob(work, bands, threshold, tuple(np.cumsum([0, *sizes[:-1]]).tolist()))
    numbers = list(range(ranges))
    run_stage(pipeline, numbers, Spread(job), work)
    run_stage(pipeline, range(len(slices)), Candidates(job, ranges, slices), work)
    run_stage(pipeline, numbers, Sketches(job, slices), work)
    run_stage(pipeline, numbers, Verify(job), work)
    rounds = connect(pipeline, numbers, job)
    run_stage(pipeline, numbers, Assign(job, jobs, ranges, rounds), work)
    _sum_up(stats, job, numbers, ranges, rounds)
    return stats


def _sum_up(stats: ClusterStats, job: ClusterJob, numbers: list[int], ranges: int, rounds: int) -> None:
    summaries = [sealed.read_json(job.path("summary", n)) for n in numbers if files.exists(job.path("summary", n))]
    stats.candidates = sum(job.sizes("pairs", np.dtype(U)).values())
    stats.neighbours = sum(job.sizes("neighbours", np.dtype(U)).values())
    stats.removed, stats.clusters = (sum(s[name] for s in summaries) for name in ("removed", "clusters"))
    stats.largest_bucket = int(job.read("bucket", 0, np.int64).max(initial=0))
    for s in sorted(summaries, key=lambda s: (s["largest_cluster"], -s["largest_cluster_rank"])):
        stats.largest_cluster, stats.largest_cluster_first = s["largest_cluster"], s["largest_cluster_first"]
    stages = ["rank", "spread", "candidates", "sketches", "verify", *(f"stars{i + 1}" for i in range(rounds)), "assign"]
    stats.stage_bytes = {name: sealed.read_json(files.join(job.folder, f"{name}.json"))["bytes"] for name in stages}


class Rank(beam.PTransform):
    """Sort the addresses of documents into ranges of the order: slices in, ``ranked`` out."""

    def __init__(self, job: ClusterJob, cuts: list[bytes], blocks: Blocks) -> None:
        super().__init__("rank")
        self.job, self.cuts, self.blocks = job, cuts, blocks

    def expand(self, numbers: beam.PCollection[int]) -> beam.PCollection:
        """Shuffle keys and addresses."""
        return (
            numbers
            | "Keys" >> beam.FlatMap(_rank_blocks, self.blocks, self.cuts).with_output_types(Block)
            | "Ranges" >> beam.GroupByKey()
            | "Sort" >> beam.Map(_sort_range, self.job)
        )


def _cuts(slices: Blocks, ranges: int) -> list[bytes]:
    """Choose the limits of ranges from a sample of the keys; the choice does not affect the result."""
    if ranges == 1:
        return []
    sample: list[bytes] = []
    for number in range(0, len(slices), max(1, len(slices) // 50)):
        keys = load_ranks(slices.block(number), bool(slices.old))[1]
        sample += [key.tobytes() for key in keys[:: max(1, len(slices) // 10)]]
    sample.sort()
    return [sample[len(sample) * i // ranges] for i in range(1, ranges)] if sample else []


def _keyed(width: int) -> np.dtype:
    """Return the dtype of a row per document: its rank key of ``width`` bytes and its address."""
    return np.dtype([("key", "u1", (width,)), ("slice", "u4"), ("row", "u4")])


def _rank_blocks(number: int, blocks: Blocks, cuts: list[bytes]) -> Iterator[Block]:
    part = blocks.block(number)
    rows, keys = load_ranks(part, bool(blocks.old))
    if not len(rows):
        return
    block = np.empty(len(rows), _keyed(keys.shape[1]))
    block["key"], block["slice"], block["row"] = keys, part.index, rows
    names = np.ascontiguousarray(keys).view(f"S{keys.shape[1]}").ravel()
    of_range = (
        np.searchsorted(np.array(cuts, names.dtype), names, side="right") if cuts else np.zeros(len(rows), np.int64)
    )
    for n, data in split(block, of_range):
        yield n, keys.shape[1].to_bytes(2, "little") + data


def _sort_range(grouped: Grouped, job: ClusterJob) -> None:
    number, blocks = grouped
    rows = np.concatenate([np.frombuffer(b, _keyed(int.from_bytes(b[:2], "little")), offset=2) for b in blocks])
    where = [rows["slice"].astype(U), rows["row"].astype(U)]
    rows = rows[sort_columns([*key_columns(rows["key"]), *where])]
    out = np.empty(len(rows), RANKED)
    out["slice"], out["row"], out["id"] = rows["slice"], rows["row"], key_ids(rows["key"])
    job.write("ranked", number, out)


class Spread(beam.PTransform):
    """Send each slice the ranks of its documents: ranges in, ``ranks`` by slice out."""

    def __init__(self, job: ClusterJob) -> None:
        super().__init__("spread")
        self.job = job

    def expand(self, ranges: beam.PCollection[int]) -> beam.PCollection:
        """Shuffle row numbers and ranks."""
        return (
            ranges
            | "Ranks" >> beam.FlatMap(_ranks_of_range, self.job).with_output_types(Block)
            | "Slices" >> beam.GroupByKey()
            | "Write" >> beam.Map(_write_ranks, self.job)
        )


def _ranks_of_range(number: int, job: ClusterJob) -> Iterator[Block]:
    ranked = job.read("ranked", number, RANKED)
    rows = np.empty(len(ranked), ROW_AND_RANK)
    rows["row"], rows["rank"] = ranked["row"], job.starts[number] + np.arange(len(ranked))
    yield from split(rows, ranked["slice"])


def _write_ranks(grouped: Grouped, job: ClusterJob) -> None:
    index, blocks = grouped
    rows = join(blocks, ROW_AND_RANK)
    job.write("ranks", index, rows[np.argsort(rows["row"])]["rank"])


class Candidates(beam.PTransform):
    """Pair the documents of each bucket: slices in, ``pairs`` by range of the later document out."""

    def __init__(self, job: ClusterJob, ranges: int, blocks: Blocks) -> None:
        super().__init__("candidates")
        self.job, self.ranges, self.blocks = job, ranges, blocks

    def expand(self, numbers: beam.PCollection[int]) -> beam.PCollection:
        """Shuffle hashes and ranks by band and hash range, then the pairs."""
        found = (
            numbers
            | "Bands" >> beam.FlatMap(_band_blocks, self.blocks, self.job, self.ranges).with_output_types(Block)
            | "Buckets" >> beam.GroupByKey()
            | "Pair" >> beam.FlatMap(_pair_blocks, self.job).with_outputs("largest", main="pairs")
        )
        found.pairs.element_type, found.largest.element_type = beam.typehints.KV[int, bytes], int
        _ = (
            found.largest
            | "Largest" >> beam.CombineGlobally(max).without_defaults()
            | "WriteLargest" >> beam.Map(_write_largest, self.job)
        )
        return found.pairs | "Ranges" >> beam.GroupByKey() | "Write" >> beam.Map(_write_unique, "pairs", self.job)


def _band_blocks(number: int, blocks: Blocks, job: ClusterJob, ranges: int) -> Iterator[Block]:
    part = blocks.block(number)
    matrix = fixed(part.load(["bands"])[1]["bands"], U)
    ranks = job.read("ranks", part.index, np.uint32)
    for band in range(job.bands if len(matrix) else 0):
        rows = np.empty(len(matrix), HASHED)
        rows["hash"], rows["rank"] = matrix[:, band], ranks
        for n, data in split(rows, (rows["hash"] >> U(32)) % U(ranges)):
            yield n * job.bands + band, data


def _pair_blocks(grouped: Grouped, job: ClusterJob) -> Iterator[Block | beam.pvalue.TaggedOutput]:
    _, blocks = grouped
    rows = join(blocks, HASHED)
    pairs, largest = candidate_pairs(rows["hash"].copy(), rows["rank"].copy())
    yield beam.pvalue.TaggedOutput("largest", int(largest))
    yield from _by_later(pairs, job)


def _write_largest(largest: int, job: ClusterJob) -> None:
    job.write("bucket", 0, np.array([largest]))


def _by_later(pairs: np.ndarray, job: ClusterJob) -> Iterator[Block]:
    return split(pairs, job.ranges(pairs >> U(32)))


def _write_unique(grouped: Grouped, name: str, job: ClusterJob) -> None:
    number, blocks = grouped
    job.write(name, number, distinct(join(blocks, U)))


class Sketches(beam.PTransform):
    """Send the sketches of candidates to their ranges: ranges in, ``nodes`` out."""

    def __init__(self, job: ClusterJob, blocks: Blocks) -> None:
        super().__init__("sketches")
        self.job, self.blocks = job, blocks

    def expand(self, ranges: beam.PCollection[int]) -> beam.PCollection:
        """Shuffle the ranks of candidates, then their row numbers by slice, then the sketches."""
        return (
            ranges
            | "Wanted" >> beam.FlatMap(_wanted, self.job).with_output_types(Block)
            | "WantedOfRange" >> beam.GroupByKey()
            | "Address" >> beam.FlatMap(_address, self.job).with_output_types(Block)
            | "WantedOfSlice" >> beam.GroupByKey()
            | "Read" >> beam.FlatMap(_read_sketches, self.job, self.blocks).with_output_types(Block)
            | "SketchesOfRange" >> beam.GroupByKey()
            | "Write" >> beam.Map(_write_nodes, self.job)
        )


def _wanted(number: int, job: ClusterJob) -> Iterator[Block]:
    ranks = distinct(np.concatenate(halves(job.read("pairs", number, U))))
    yield from split(ranks, job.ranges(ranks))


def _address(grouped: Grouped, job: ClusterJob) -> Iterator[Block]:
    number, blocks = grouped
    ranks = distinct(join(blocks, np.uint32))
    ranked = job.read("ranked", number, RANKED)[ranks - np.uint32(job.starts[number])]
    rows = np.empty(len(ranks), ROW_AND_RANK)
    rows["row"], rows["rank"] = ranked["row"], ranks
    yield from split(rows, ranked["slice"])


def _read_sketches(grouped: Grouped, job: ClusterJob, all_blocks: Blocks) -> Iterator[Block]:
    index, blocks = grouped
    wanted = join(blocks, ROW_AND_RANK)
    rows, table = all_blocks.at(index).load(["sketch"])
    out = np.empty(len(wanted), SKETCHED)
    out["rank"] = wanted["rank"]
    out["sketch"] = fixed(table["sketch"], np.uint8)[np.searchsorted(rows, wanted["row"])]
    yield from split(out, job.ranges(out["rank"]))


def _write_nodes(grouped: Grouped, job: ClusterJob) -> None:
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
    """Keep the similar pairs: ranges in, ``neighbours`` by range of the later document out."""

    def __init__(self, job: ClusterJob) -> None:
        super().__init__("verify")
        self.job = job

    def expand(self, ranges: beam.PCollection[int]) -> beam.PCollection:
        """Shuffle each pair with a sketch, then the pairs that remain."""
        return (
            ranges
            | "Send" >> beam.FlatMap(_send, self.job).with_output_types(Block)
            | "EarlierRange" >> beam.GroupByKey()
            | "Compare" >> beam.FlatMap(_compare, self.job).with_output_types(Block)
            | "LaterRange" >> beam.GroupByKey()
            | "Write" >> beam.Map(_write_unique, "neighbours", self.job)
        )


def _send(number: int, job: ClusterJob) -> Iterator[Block]:
    pairs = job.read("pairs", number, U)
    if not len(pairs):
        return
    nodes = job.read("nodes", number, NODE)
    later, earlier = halves(pairs)
    out = np.empty(len(pairs), PAIR_AND_SKETCH)
    out["pair"], out["sketch"] = pairs, nodes["sketch"][np.searchsorted(nodes["rank"], later)]
    yield from split(out, job.ranges(earlier))


def _compare(grouped: Grouped, job: ClusterJob) -> Iterator[Block]:
    number, blocks = grouped
    sent = join(blocks, PAIR_AND_SKETCH)
    nodes = job.read("nodes", number, NODE)
    earlier = np.searchsorted(nodes["rank"], halves(sent["pair"])[1])
    both = np.concatenate([sent["sketch"], nodes["sketch"]])
    similarity = verify(both, np.arange(len(sent)).astype(np.uint32), (earlier + len(sent)).astype(np.uint32))
    yield from _by_later(sent["pair"][similarity >= job.threshold - SLACK].copy(), job)
