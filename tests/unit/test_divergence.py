import numpy as np
import pytest
from hypothesis import given, strategies as st

from curate.mixing.divergence import BINS, TokenCounts, count_words, kl_divergence

bins = st.lists(st.integers(0, BINS - 1), max_size=30).map(lambda b: np.array(b, np.int64))
counts = bins.map(TokenCounts.of)


def same(a, b):
    return a.to_bytes() == b.to_bytes()


@given(st.lists(bins, max_size=5), st.randoms(use_true_random=False))
def test_merging_in_any_order_and_grouping_is_counting_everything_at_once(parts, random):
    whole = TokenCounts.of(np.concatenate([*parts, np.empty(0, np.int64)]))
    shuffled = [TokenCounts.of(part) for part in parts]
    random.shuffle(shuffled)
    cut = random.randint(0, len(shuffled))
    grouped = TokenCounts.merge([TokenCounts.merge(shuffled[:cut]), TokenCounts.merge(shuffled[cut:])])
    assert same(grouped, whole)


@given(counts, counts)
def test_divergence_is_what_the_formula_gives(document, reference):
    dense = np.zeros((2, BINS))
    dense[0, document.bins] = document.counts
    dense[1, reference.bins] = reference.counts
    if document.total == 0:
        assert kl_divergence(document, reference) == 0
        return
    p = dense[0] / dense[0].sum()
    q = (dense[1] + 1) / (dense[1] + 1).sum()
    used = p > 0
    expected = (p[used] * np.log(p[used] / q[used])).sum()
    assert kl_divergence(document, reference) == pytest.approx(expected)


def test_outlier_words_cost_more_than_common_ones():
    english = TokenCounts.merge(count_words(f"the house number {i} of the street and the garden") for i in range(500))
    usual = kl_divergence(count_words("the street and the house of the garden"), english)
    strange = kl_divergence(count_words("qzx 0x77f kjw4 hh%% zzk 0x8aa vvq 0x1"), english)
    assert strange > usual + 3


@given(counts)
def test_bytes_come_back(c):
    assert same(TokenCounts.from_bytes(c.to_bytes()), c)


@given(st.text())
def test_any_text_can_be_counted(text):
    assert count_words(text).total <= len(text.lower())


def test_bins_out_of_range_are_refused():
    with pytest.raises(ValueError, match="must be 0 to"):
        TokenCounts.of(np.array([BINS]))
