"""Connected components on many machines: rounds of large and small stars over blocks of edges.

The algorithm is that of Kiveris et al. 2014, "Connected Components in MapReduce and Beyond".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import apache_beam as beam
import numpy as np

from curate.dedup.clusters import distinct
from curate.dedup.components import both_ways, downward, large_star, small_star
from pipelines.dedup.stages import Block, ClusterJob, Grouped, MarkedBlock, U, halves, join, run_stage, split
from pipelines.io import sealed

ROUNDS = 4  # of both stars per pipeline: a job has a fixed cost, and most components are done after about five


def connect(pipeline: Callable[[], beam.Pipeline], numbers: list[int], job: ClusterJob) -> int:
    """Alternate the stars until a round changes nothing; return how many pipelines ran."""
    for run in range(1, 1000):
        run_stage(pipeline, numbers, Stars(job, run), job.folder)
        if all(sealed.read_json(job.path(f"changed{run}", n))["changed"] == 0 for n in numbers):
            return run
    raise AssertionError("the stars do not converge")  # impossible: each round shortens every chain


class Stars(beam.PTransform):
    """Run some rounds of both stars: ranges in; ``edges`` and the number that the last round changed, by range, out."""

    def __init__(self, job: ClusterJob, run: int) -> None:
        super().__init__(f"stars{run}")
        self.job, self.run = job, run

    def expand(self, ranges: beam.PCollection[int]) -> beam.PCollection:
        """Shuffle 8 bytes per edge and star."""
        edges = ranges | "Load" >> beam.FlatMap(_load_edges, self.job, self.run).with_output_types(Block)
        for i in range(ROUNDS):
            before = edges
            edges = (
                edges
                | f"Large{i}" >> beam.FlatMap(_both_ways, self.job).with_output_types(Block)
                | f"LargeOfNode{i}" >> beam.GroupByKey()
                | f"LargeStar{i}" >> beam.FlatMap(_star, large_star, self.job).with_output_types(Block)
                | f"SmallOfNode{i}" >> beam.GroupByKey()
                | f"SmallStar{i}" >> beam.FlatMap(_star, small_star, self.job).with_output_types(Block)
            )
        marked = (
            before | "Before" >> beam.Map(lambda b: (b[0], (0, b[1]))).with_output_types(MarkedBlock),
            edges | "After" >> beam.Map(lambda b: (b[0], (1, b[1]))).with_output_types(MarkedBlock),
            ranges | "Empty" >> beam.Map(lambda n: (n, (1, b""))).with_output_types(MarkedBlock),
        )
        return (
            marked
            | beam.Flatten()
            | "OfRange" >> beam.GroupByKey()
            | "Write" >> beam.Map(_write_edges, self.job, self.run)
        )


def _edges(data: bytes) -> np.ndarray:
    return np.frombuffer(data, np.uint32).reshape(-1, 2)


def _load_edges(number: int, job: ClusterJob, run: int) -> Iterator[Block]:
    if run == 1:
        pairs = job.read("neighbours", number, U)
        edges = np.stack(halves(pairs), axis=1)
    else:
        edges = job.read(f"edges{run - 1}", number, np.uint32).reshape(-1, 2)
    if len(edges):
        yield number, edges.tobytes()


def _by_node(edges: np.ndarray, job: ClusterJob) -> Iterator[Block]:
    return split(edges, job.ranges(edges[:, 0])) if len(edges) else iter(())


def _both_ways(block: Block, job: ClusterJob) -> Iterator[Block]:
    yield from _by_node(both_ways(_edges(block[1])), job)


def _star(grouped: Grouped, step: Callable[[np.ndarray], np.ndarray], job: ClusterJob) -> Iterator[Block]:
    edges = step(_edges(b"".join(grouped[1])))
    yield from _by_node(downward(edges), job)


def _write_edges(grouped: tuple[int, Iterable[tuple[int, bytes]]], job: ClusterJob, run: int) -> None:
    number, blocks = grouped
    rows: tuple[list[bytes], list[bytes]] = ([], [])
    for mark, data in blocks:
        rows[mark].append(data)
    before, after = (distinct(join(part, U)) for part in rows)  # each edge is one number
    job.write(f"edges{run}", number, after)
    sealed.write_json(job.path(f"changed{run}", number), {"changed": len(np.setxor1d(before, after))})
