"""Connected components by stars: two steps on edges, repeated until nothing changes, that can run on many machines.

Kiveris et al. 2014, "Connected Components in MapReduce and Beyond": the large-star step connects every larger neighbour
of a node to its smallest neighbour, the small-star step every smaller one. Alternating, they end with one star per
component, around its smallest node, after about log(n) rounds. A step needs all edges of one node at a time and nothing
else, so the edges can be partitioned by node.

>>> import numpy as np
>>> chain = np.array([[1, 0], [2, 1], [3, 2], [7, 6]], np.uint32)
>>> components(chain).tolist()
[[1, 0], [2, 0], [3, 0], [7, 6]]
"""

from __future__ import annotations

import numpy as np


def components(edges: np.ndarray) -> np.ndarray:
    """Find the components of a graph in memory.

    Args:
        edges: unsigned integers [edges, 2].

    Returns:
        Sorted pairs of a node and the smallest node of its component, for all nodes but the smallest.
    """
    now = _unique(edges)
    while True:
        after = small_star(downward(large_star(both_ways(now))))
        if np.array_equal(after, now):
            return now
        now = after


def both_ways(edges: np.ndarray) -> np.ndarray:
    """Return each edge from both ends, for ``large_star``: all edges of a node begin with it."""
    return np.concatenate([edges, edges[:, ::-1]])


def downward(edges: np.ndarray) -> np.ndarray:
    """Return each edge from its larger end, for ``small_star``."""
    return np.stack([edges.max(axis=1), edges.min(axis=1)], axis=1) if len(edges) else edges


def large_star(edges: np.ndarray) -> np.ndarray:
    """Connect the larger neighbours of each node with its smallest neighbour, or with itself if that is smaller.

    Args:
        edges: [edges, 2], the node and its neighbour: all edges of some nodes, from both ends.

    Returns:
        New edges, each once.

    >>> large_star(both_ways(np.array([[1, 0], [2, 1]]))).tolist()
    [[1, 0], [2, 0]]
    """
    edges = _unique(edges)
    if not len(edges):
        return edges
    node, starts = np.unique(edges[:, 0], return_index=True)
    smallest = np.minimum(np.minimum.reduceat(edges[:, 1], starts), node)
    of_edge = np.repeat(smallest, np.diff(np.append(starts, len(edges))))
    larger = edges[:, 1] > edges[:, 0]
    return _unique(np.stack([edges[larger, 1], of_edge[larger]], axis=1))


def small_star(edges: np.ndarray) -> np.ndarray:
    """Connect each node and its smaller neighbours with the smallest of them.

    Args:
        edges: [edges, 2], the node and its neighbour: all edges of some nodes to smaller ones.

    Returns:
        New edges, each once.

    >>> small_star(np.array([[5, 1], [5, 3]])).tolist()
    [[3, 1], [5, 1]]
    """
    edges = _unique(edges)
    if not len(edges):
        return edges
    node, starts = np.unique(edges[:, 0], return_index=True)
    smallest = np.minimum.reduceat(edges[:, 1], starts)
    of_edge = np.repeat(smallest, np.diff(np.append(starts, len(edges))))
    rest = edges[:, 1] != of_edge
    moved = np.stack([edges[rest, 1], of_edge[rest]], axis=1)
    return _unique(np.concatenate([moved, np.stack([node, smallest], axis=1)]))


def _unique(edges: np.ndarray) -> np.ndarray:
    """Sort edges and drop repeated ones and loops."""
    edges = edges[edges[:, 0] != edges[:, 1]]
    if not len(edges):
        return edges
    edges = edges[np.lexsort((edges[:, 1], edges[:, 0]))]
    return edges[np.append(True, (edges[1:] != edges[:-1]).any(axis=1))]
