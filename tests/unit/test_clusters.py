"""Clusters: verified against the anchor, decided in order of rank, and right on real documents."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from curate.dedup.clusters import SLACK, anchor_threshold, candidate_pairs, cluster
from curate.dedup.minhash import MinHashConfig, band_hashes, estimate_similarity, minhash_keys
from tests.unit.near_duplicate_data import near_duplicates_folder, real_pairs, real_texts


def drawn(seed, documents):
    """Keys of small families of documents that are more and less alike, as ranks have them in any order."""
    random = np.random.default_rng(seed)
    texts, words = [], [f"w{i}" for i in range(300)]
    while len(texts) < documents:
        family = list(random.choice(words, 60))
        for _ in range(int(random.integers(1, 8))):
            start, length = int(random.integers(0, 50)), int(random.integers(0, 9))
            family[start : start + length] = random.choice(words, min(length, 60 - start))
            texts.append(" ".join(family))
    bands, sketches = map(np.array, zip(*map(minhash_keys, texts[:documents]), strict=True))
    return bands, sketches, random.permutation(documents)


def check(bands, sketches, rank, threshold, found):
    anchor, similarity, label = found
    itself = np.arange(len(rank))
    stays = anchor == itself
    assert stays[anchor].all()  # what stands for a document stays
    assert stays[label].all()
    assert (label[label] == label).all()
    assert (label[anchor] == label).all()
    assert (rank[anchor] <= rank).all()  # and comes before it
    assert (rank[label] <= rank[anchor]).all()
    assert (similarity[stays] == 1).all()
    for i in np.flatnonzero(~stays):
        assert similarity[i] == pytest.approx(estimate_similarity(sketches[i], sketches[anchor[i]]))
        assert similarity[i] >= anchor_threshold(threshold)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 120), st.sampled_from([0.6, 0.8, 0.95]))
def test_what_is_removed_has_a_similar_document_before_it_that_stays(seed, documents, threshold):
    keys = drawn(seed, documents)
    check(*keys, threshold, cluster(*keys, threshold))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 120), st.floats(0, 1))
def test_later_documents_never_change_what_was_decided_before(seed, documents, share):
    bands, sketches, rank = drawn(seed, documents)
    whole = cluster(bands, sketches, rank)
    first = np.flatnonzero(rank < max(1, int(share * documents)))
    part = cluster(bands[first], sketches[first], np.argsort(np.argsort(rank[first])))
    assert (first[part.anchor] == whole.anchor[first]).all()
    assert (part.similarity == whole.similarity[first]).all()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 120))
def test_the_order_of_the_rows_makes_no_difference(seed, documents):
    bands, sketches, rank = drawn(seed, documents)
    whole = cluster(bands, sketches, rank)
    row = np.random.default_rng(seed).permutation(documents)
    mixed = cluster(bands[row], sketches[row], rank[row])
    assert (row[mixed.anchor] == whole.anchor[row]).all()
    assert (row[mixed.label] == whole.label[row]).all()


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from([0, 1, 2, 3, 1 << 32, 1 | 1 << 32, 2**64 - 1]), max_size=200), st.integers(0, 1000))
def test_a_bucket_pairs_each_document_with_its_first_and_a_few_before(hashes, seed):
    rank = np.random.default_rng(seed).permutation(len(hashes)).astype(np.uint32)
    pairs, largest = candidate_pairs(np.array(hashes, np.uint64), rank)
    found = {(int(p) >> 32, int(p) & 0xFFFFFFFF) for p in pairs}
    buckets = {}
    for h, r in zip(hashes, rank.tolist(), strict=True):
        buckets.setdefault(h, []).append(r)
    expected = set()
    for bucket in map(sorted, buckets.values()):
        expected |= {(r, bucket[0]) for r in bucket[1:]}
        expected |= {(bucket[j], bucket[k]) for j in range(1, min(32, len(bucket))) for k in range(max(1, j - 4), j)}
    assert found == expected
    assert len(pairs) == len(found)
    assert largest == max(map(len, buckets.values()), default=0)


def test_no_documents_and_one_document():
    empty = cluster(np.empty((0, 14), np.uint64), np.empty((0, 256), np.uint8), np.empty(0, np.int64))
    assert [len(a) for a in empty] == [0, 0, 0]
    bands, sketch = minhash_keys("alone")
    assert cluster(bands.reshape(1, -1), sketch.reshape(1, -1), np.zeros(1, np.int64)).anchor.tolist() == [0]


def test_signatures_do_as_well_as_sketches():
    random = np.random.default_rng(0)
    signatures = random.integers(1, 2**32, (60, 112), np.uint32)
    signatures[30:] = signatures[:30]
    signatures[30:, ::20] += 1
    found = cluster(band_hashes(signatures), signatures, np.arange(60))
    assert (found.anchor == np.arange(60) % 30).all()
    assert (found.similarity[30:] == 106 / 112).all()


def exact_answer(documents, first, second, jaccard, threshold=0.8):
    """How many documents go when every pair from the threshold on is joined, exactly and transitively."""
    parent = list(range(documents))

    def root(i):
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for a, b in zip(first[jaccard >= threshold], second[jaccard >= threshold], strict=True):
        parent[root(a)] = root(b)
    return documents - len({root(i) for i in range(documents)})


@pytest.mark.skipif(not near_duplicates_folder(), reason="the evaluation data is not here")
@pytest.mark.parametrize("order", ["longest", "random"])
def test_real_documents(order):
    """41,145 real documents, each pair of which from Jaccard .5 on is known exactly."""
    texts = real_texts()
    first, second, jaccard = real_pairs()
    rank = {
        "longest": lambda: np.argsort(np.argsort([-len(t) for t in texts], kind="stable")),
        "random": lambda: np.random.default_rng(0).permutation(len(texts)),
    }[order]()
    bands, sketches = map(np.array, zip(*map(minhash_keys, texts), strict=True))
    anchor, _, label = cluster(bands, sketches, rank)

    alike = jaccard >= 0.8
    assert np.mean(label[first[alike]] == label[second[alike]]) >= 0.98

    members = np.bincount(label)
    together = int((members * (members - 1) // 2).sum())
    known = label[first] == label[second]  # any pair that is not known has a similarity below .5
    assert (together - known.sum()) / together <= 0.02

    removed = int((anchor != np.arange(len(texts))).sum())
    assert removed == pytest.approx(exact_answer(len(texts), first, second, jaccard), rel=0.03)


def test_the_slack_is_half_a_standard_error_of_a_sketch():
    from curate.dedup.minhash import SKETCH_BINS

    assert pytest.approx(np.sqrt(0.8 * 0.2 / SKETCH_BINS) / 2, rel=0.25) == SLACK
    assert MinHashConfig().candidate_probability(0.8) > 0.92
