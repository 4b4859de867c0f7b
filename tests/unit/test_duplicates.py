"""Near duplicates of texts in memory."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings, strategies as st

import curate
from curate.dedup.in_memory import Cluster, NearDuplicatesConfig

words = st.lists(st.sampled_from([f"w{i}" for i in range(40)]), max_size=30).map(" ".join)


@settings(max_examples=60, deadline=None)
@given(st.lists(words, max_size=25))
def test_each_text_is_in_one_cluster_at_most_and_what_stays_is_longest(texts):
    found = curate.near_duplicates(texts)
    seen = [i for c in found for i in (c.kept, *c.members)]
    assert len(seen) == len(set(seen))
    assert [c.kept for c in found] == sorted(c.kept for c in found)
    for cluster in found:
        assert len(cluster.members) == len(cluster.similarity) >= 1
        assert set(cluster.removed) <= set(cluster.members)
        assert all((-len(texts[cluster.kept]), cluster.kept) < (-len(texts[m]), m) for m in cluster.members)
    same = {}
    for i, text in enumerate(texts):
        same.setdefault(text, []).append(i)
    removed = {i for c in found for i in c.removed}
    assert all(len(set(copies) - removed) <= 1 for copies in same.values())


def test_copies_with_small_changes():
    random = np.random.default_rng(0)
    page = " ".join(f"w{i}" for i in random.integers(0, 10**6, 300))
    texts = [
        "short",
        page.replace(" ", "\n", 9).upper(),
        page + " the end",
        page[:-300],
        "another page of no relation",
        page,
    ]
    assert [(c.kept, c.members, c.removed) for c in curate.near_duplicates(texts)] == [(2, (1, 3, 5), (1, 3, 5))]
    strict = curate.near_duplicates(texts, NearDuplicatesConfig(threshold=0.95))
    assert [(c.kept, c.members) for c in strict] == [(2, (1, 5))]


def test_nothing_and_an_iterator():
    assert curate.near_duplicates([]) == []
    assert curate.near_duplicates(iter(["a", "b", "A."])) == [Cluster(2, (0,), (1.0,), (0,))]
