"""Predictions of forests, to the last bit those of a plain walk down each tree."""

from __future__ import annotations

import numpy as np
import pytest

from curate.models.forest import Forest


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(5)


def plain(forest: Forest, rows: np.ndarray) -> list[float]:
    means = []
    for row in rows:
        total = 0.0
        for root in forest.roots:
            node = root
            while forest.feature[node] >= 0:
                node = forest.left[node] + (0 if row[forest.feature[node]] <= forest.value[node] else 1)
            total += forest.value[node]
        means.append(total / len(forest.roots))
    return means


def grown(random: np.random.Generator, trees: int, leaves: int, columns: int = 5, abreast: bool = False) -> Forest:
    """Return a random forest; ``abreast``: the nodes of its trees do not stand next to each other."""
    roots, feature, left = [], [], []

    def node() -> int:
        feature.append(-1)
        left.append(0)
        return len(feature) - 1

    def split(ends: list[int]) -> None:
        parent = ends.pop(int(random.integers(len(ends))))
        feature[parent], left[parent] = int(random.integers(columns)), node()
        ends.extend((left[parent], node()))

    if abreast:
        roots = [node() for _ in range(trees)]
        ends = [[root] for root in roots]
        for _ in range(leaves - 1):
            for tree in ends:
                split(tree)
    else:
        for _ in range(trees):
            roots.append(node())
            tree = [roots[-1]]
            for _ in range(leaves - 1):
                split(tree)
    value = random.normal(size=len(feature)).round(1)
    names = tuple(f"x{i}" for i in range(columns))
    forest = Forest(names, np.array(roots, "i4"), np.array(feature, "i2"), value, np.array(left, "i4"))
    forest.check()
    return forest


@pytest.mark.parametrize("rows", [0, 1, 3, 15, 16, 17, 100])
@pytest.mark.parametrize(("trees", "leaves"), [(1, 1), (3, 2), (7, 15), (4, 63), (5, 64), (6, 65), (2, 300)])
@pytest.mark.parametrize("abreast", [False, True])
def test_the_same_to_the_last_bit(rng: np.random.Generator, rows: int, trees: int, leaves: int, abreast: bool) -> None:
    forest = grown(rng, trees, leaves, abreast=abreast)
    table = rng.normal(size=(rows, 5)).round(1)  # as often equal to a limit as not
    assert forest.predict(table).tolist() == plain(forest, table)


def test_infinite_features(rng: np.random.Generator) -> None:
    forest = grown(rng, 9, 20)
    table = rng.choice([-np.inf, np.inf, 0.0, -0.0], size=(40, 5))
    assert forest.predict(table).tolist() == plain(forest, table)
