"""Connected components by stars against a library's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from curate.dedup.components import both_ways, components, downward, large_star, small_star

graphs = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=120)


def smallest_of_component(edges):
    """For each node with another one in its component: the smallest of them."""
    nodes = int(edges.max(initial=0)) + 1
    ones = np.ones(len(edges), bool)
    label = connected_components(coo_matrix((ones, (edges[:, 0], edges[:, 1])), (nodes, nodes)), directed=False)[1]
    smallest = {int(c): int(np.flatnonzero(label == c)[0]) for c in set(label.tolist())}
    return [[n, smallest[int(c)]] for n, c in enumerate(label) if smallest[int(c)] != n]


@settings(deadline=None)
@given(graphs)
def test_components_are_those_of_the_library(edges):
    edges = np.array(edges, np.uint32).reshape(-1, 2)
    assert components(edges).tolist() == smallest_of_component(edges)


@settings(deadline=None)
@given(graphs, st.integers(1, 5))
def test_the_steps_may_be_taken_apart_by_node(edges, parts):
    edges = np.array(edges, np.uint32).reshape(-1, 2)
    for prepare, step in ((both_ways, large_star), (downward, small_star)):
        rows = prepare(edges[edges[:, 0] != edges[:, 1]])
        whole = {tuple(e) for e in step(rows).tolist()}
        cut = [step(rows[rows[:, 0] % parts == p]) for p in range(parts)]
        assert {tuple(e) for part in cut for e in part.tolist()} == whole


@pytest.mark.parametrize("nodes", [2, 1000, 20_000])
def test_long_chains_end(nodes):
    order = np.random.default_rng(0).permutation(nodes).astype(np.uint32)
    found = components(np.stack([order[1:], order[:-1]], axis=1))
    assert found.tolist() == [[n, 0] for n in range(1, nodes)]
