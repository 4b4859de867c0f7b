"""The last stage of a distributed clustering: assign the documents of each component, as one process would."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import apache_beam as beam
import numpy as np

from curate.dedup.clusters import assign_clusters, distinct
from pipelines.dedup.index import FIRST_INDEX
from pipelines.dedup.members import MEMBER, by_block
from pipelines.dedup.stages import NODE, Block, ClusterJob, Grouped, MarkedBlock, U, halves, join, split
from pipelines.io import sealed
from pipelines.steps.base import Jobs


class Assign(beam.PTransform):
    """Assign the documents of each component to anchors: ranges in, the decision out."""

    def __init__(self, job: ClusterJob, jobs: Jobs, parts: int, rounds: int) -> None:
        super().__init__("assign")
        self.job, self.jobs, self.parts, self.rounds = job, jobs, parts, rounds

    def expand(self, ranges: beam.PCollection[int]) -> beam.PCollection:
        """Shuffle nodes and pairs by component, then the assigned documents by slice."""
        return (
            ranges
            | "First" >> beam.FlatMap(_first_of_components, self.job, self.rounds).with_output_types(Block)
            | "FirstOfRange" >> beam.GroupByKey()
            | "Send" >> beam.FlatMap(_send_components, self.job, self.parts, self.rounds).with_output_types(MarkedBlock)
            | "Components" >> beam.GroupByKey()
            | "Assign" >> beam.FlatMap(_assign, self.job).with_output_types(Block)
            | "Slices" >> beam.GroupByKey()
            | "Write" >> beam.Map(_write_members, self.jobs)
        )


def _write_members(grouped: Grouped, jobs: Jobs) -> None:
    for address, rows in by_block(join(grouped[1], MEMBER)):
        jobs.write(address, rows)


def _first_of_components(number: int, job: ClusterJob, rounds: int) -> Iterator[Block]:
    first = distinct(job.read(f"edges{rounds}", number, np.uint32)[1::2])
    yield number, b""
    yield from split(first, job.ranges(first))


def _send_components(grouped: Grouped, job: ClusterJob, parts: int, rounds: int) -> Iterator[MarkedBlock]:
    number, blocks = grouped
    first = distinct(join(blocks, np.uint32))
    stars = job.read(f"edges{rounds}", number, np.uint32).reshape(-1, 2)
    pairs = job.read("neighbours", number, U)
    nodes = job.read("nodes", number, NODE)
    nodes = nodes[np.isin(nodes["rank"], np.concatenate([first, stars[:, 0]]))]
    # The first document of a component has no star edge and names the component.
    component = nodes["rank"].copy()
    component[np.searchsorted(nodes["rank"], stars[:, 0])] = stars[:, 1]
    part = component % np.uint32(parts)
    for n, data in split(nodes, part):
        yield n, (0, data)
    of_pair = part[np.searchsorted(nodes["rank"], halves(pairs)[0])]
    for n, data in split(pairs, of_pair):
        yield n, (1, data)


def _assign(grouped: tuple[int, Iterable[tuple[int, bytes]]], job: ClusterJob) -> Iterator[Block]:
    number, blocks = grouped
    rows: tuple[list[bytes], list[bytes]] = ([], [])
    for mark, data in blocks:
        rows[mark].append(data)
    nodes, pairs = join(rows[0], NODE), np.sort(join(rows[1], U))
    nodes = nodes[np.argsort(nodes["rank"])]
    later, earlier = (np.searchsorted(nodes["rank"], half).astype(np.uint32) for half in halves(pairs))
    anchor, similarity, label = assign_clusters(np.ascontiguousarray(nodes["sketch"]), later, earlier, job.threshold)
    sizes = np.bincount(label, minlength=len(nodes))
    stays = anchor == np.arange(len(nodes))
    members = np.flatnonzero((sizes[label] > 1) & (nodes["slice"] < FIRST_INDEX))
    largest = int(sizes.argmax()) if len(sizes) else 0
    summary = {
        "removed": int((~stays[members]).sum()),
        "clusters": int((sizes > 1).sum()),
        "largest_cluster": int(sizes.max(initial=0)),
        "largest_cluster_rank": int(nodes["rank"][largest]) if len(nodes) else 0,
        "largest_cluster_first": nodes["id"][largest].tobytes().hex() if len(nodes) else "",
    }
    sealed.write_json(job.path("summary", number), summary)
    out = np.empty(len(members), MEMBER)
    out["slice"], out["row"], out["stays"] = nodes["slice"][members], nodes["row"][members], stays[members]
    out["kept"], out["cluster"] = nodes["id"][anchor[members]], nodes["id"][label[members]]
    out["similarity"], out["size"] = similarity[members], sizes[label[members]]
    yield from split(out, out["slice"])
