"""MinHash keys: what counts as a word, how well similarities are estimated, and every kind of text."""

from __future__ import annotations

import re
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from curate.dedup.minhash import (
    MinHashConfig,
    band_hashes,
    datasketch_minhash,
    estimate_similarity,
    minhash_keys,
    minhash_signature,
    minhash_sketch,
)

#: Any string that Python has, lone surrogates and NUL among them.
anything = st.text(st.characters(exclude_categories=()), max_size=200)
spaced = st.lists(st.text("abcdefghéñßжλ0123_", min_size=1, max_size=6), max_size=40)


def shingles(text, ngram=5):
    words = re.findall(r"\w+", text.lower())
    return {tuple(words[i : i + ngram]) for i in range(max(1, len(words) - ngram + 1))}


def jaccard(a, b):
    a, b = shingles(a), shingles(b)
    return len(a & b) / len(a | b)


def texts_of_similarity(random, words, similarity):
    """Two texts of random words that share their beginning, and how similar they really are."""
    a, b = random.integers(0, 10**9, (2, words + 4)).tolist()
    shared = int(words * 2 * similarity / (1 + similarity)) + 4
    b[:shared] = a[:shared]
    a, b = " ".join(map(str, a)), " ".join(map(str, b))
    return a, b, jaccard(a, b)


@settings(max_examples=300, deadline=None)
@given(anything)
def test_any_text_has_keys(text):
    signature, (bands, sketch) = minhash_signature(text), minhash_keys(text)
    assert (signature.dtype, signature.shape) == (np.uint32, (112,))
    assert (bands.dtype, bands.shape, sketch.dtype, sketch.shape) == (np.uint64, (14,), np.uint8, (512,))
    assert (band_hashes(signature) == bands).all()
    assert (minhash_sketch(text) == sketch).all()
    assert sketch.any()
    assert estimate_similarity(sketch, sketch) == 1
    assert estimate_similarity(signature, signature) == 1


@settings(max_examples=300, deadline=None)
@given(spaced, spaced)
def test_texts_have_the_same_keys_just_when_they_have_the_same_shingles(a, b):
    """Between texts, other white space, other case and other punctuation change nothing."""
    one, other = " ".join(a), ",\n\t".join(w.upper() for w in b)
    same = shingles(one) == shingles(other) and bool(a) == bool(b)
    if a and b:
        assert (minhash_signature(one) == minhash_signature(other)).all() == same
    assert (minhash_signature(one) == minhash_signature(" " + one.replace(" ", "... ") + "!")).all() or not a


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("", " \t\n"),
        ("One two", "one -- TWO"),
        ("a b c d", "A, b; c? d!"),
        ("ΟΔΟΣ ΕΝΑ", "οδοσ ενα"),
        ("İstanbul", "istanbul"),
        ("你好，世界", "你好 世界！"),
    ],
)
def test_texts_shorter_than_a_shingle_that_are_the_same(a, b):
    assert (minhash_signature(a) == minhash_signature(b)).all()


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("", "!"),
        ("!", "?"),
        ("a", "b"),
        ("a b c d", "a b c"),
        ("a b", "b a"),
        ("ab", "a b"),
        ("\ud800", "\ud801"),
        ("1", "2"),
    ],
)
def test_texts_shorter_than_a_shingle_that_are_not_the_same(a, b):
    assert not (minhash_signature(a) == minhash_signature(b)).any()
    assert estimate_similarity(minhash_sketch(a), minhash_sketch(b)) < 1


def test_a_script_without_spaces_is_compared_character_by_character():
    page = "机器学习是人工智能的一个分支它使用统计方法让计算机从数据中学习而无需明确编程"
    other = page[:-6] + "这里换了一些"
    assert 0.6 < estimate_similarity(minhash_sketch(page), minhash_sketch(other)) < 0.9


@pytest.mark.parametrize("similarity", [0.3, 0.5, 0.8, 0.95])
@pytest.mark.parametrize("words", [30, 400, 5000])
def test_estimates_are_right_on_average_and_as_close_as_theory_says(similarity, words):
    random = np.random.default_rng(words)
    errors = {"signature": [], "sketch": []}
    times = 40 if words > 1000 else 120
    for seed in range(times):
        a, b, truth = texts_of_similarity(random, words, similarity)
        config = MinHashConfig(seed=seed)
        errors["signature"].append(
            estimate_similarity(minhash_signature(a, config), minhash_signature(b, config)) - truth
        )
        errors["sketch"].append(estimate_similarity(minhash_sketch(a), minhash_sketch(b)) - truth)
    for kind, positions in (("signature", 112), ("sketch", 512)):
        standard = np.sqrt(similarity * (1 - similarity) / positions)
        assert abs(np.mean(errors[kind])) < 4 * standard / np.sqrt(times) + 0.004
        assert np.std(errors[kind]) < 1.4 * standard + 0.005


@pytest.mark.parametrize("similarity", [0.5, 0.7, 0.8, 0.9])
def test_candidates_follow_the_s_curve(similarity):
    random = np.random.default_rng(7)
    config, found, expected = MinHashConfig(), [], []
    for seed in range(300):
        a, b, truth = texts_of_similarity(random, 300, similarity)
        config = MinHashConfig(seed=seed)
        found.append((minhash_keys(a, config)[0] == minhash_keys(b, config)[0]).any())
        expected.append(config.candidate_probability(truth))
    assert np.mean(found) == pytest.approx(np.mean(expected), abs=0.09)


@settings(deadline=None)
@given(st.floats(0.3, 0.97), st.integers(16, 300))
def test_a_threshold_alone_chooses_bands_and_rows(threshold, permutations):
    try:
        config = MinHashConfig.for_threshold(threshold, permutations)
    except ValueError:
        single = MinHashConfig(bands=permutations, rows=1)
        assert single.candidate_probability(threshold) < 0.9
        return
    assert config.permutations <= permutations
    assert config.candidate_probability(threshold) >= 0.9
    steeper = MinHashConfig(bands=permutations // (config.rows + 1) or 1, rows=config.rows + 1)
    assert config.rows == permutations or steeper.candidate_probability(threshold) < 0.9


def test_settings_that_cannot_work_are_refused():
    with pytest.raises(ValueError, match="bands is 0"):
        MinHashConfig(bands=0)
    with pytest.raises(ValueError, match="above 0 and at most 1"):
        MinHashConfig.for_threshold(1.1)
    with pytest.raises(ValueError, match="allow more permutations"):
        MinHashConfig.for_threshold(0.01, permutations=4)
    with pytest.raises(ValueError, match="112 positions in the signature, but bands x rows = 4"):
        band_hashes(minhash_signature("a"), MinHashConfig(bands=2, rows=2))


def test_keys_are_the_same_in_every_process_and_do_not_change():
    """Golden values: an index or a run of an earlier version must find the same pages."""
    script = (
        "from curate.dedup.minhash import minhash_keys, minhash_signature\n"
        "text = 'It was the best of times, it was the worst of times. 最好的时代'\n"
        "bands, sketch = minhash_keys(text)\n"
        "print(minhash_signature(text)[:3].tolist(), int(bands[0]), sketch.nonzero()[0][:3].tolist())"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[152580244, 697791034, 331009909] 12229079891665552030 [34, 60, 66]\n"


@settings(deadline=None)
@given(spaced)
def test_datasketch_sees_the_same_shingles(words):
    datasketch = pytest.importorskip("datasketch")
    text = " ".join(words)
    reference = datasketch.MinHash(num_perm=128, seed=1)
    for s in shingles(text):
        reference.update(" ".join(s).encode())
    assert (datasketch_minhash(text).hashvalues == reference.hashvalues).all()


def test_estimates_agree_with_datasketch_on_real_similarities():
    random = np.random.default_rng(0)
    for similarity in (0.2, 0.6, 0.9):
        a, b, truth = texts_of_similarity(random, 400, similarity)
        assert datasketch_minhash(a, permutations=512).jaccard(
            datasketch_minhash(b, permutations=512)
        ) == pytest.approx(truth, abs=0.09)
