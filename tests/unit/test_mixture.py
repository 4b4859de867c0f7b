import math

import pytest
from hypothesis import assume, given, strategies as st

from curate.mixing.mixture import copies, plan_mixture

LLAMA3 = {"general": 50, "maths": 25, "code": 17, "multilingual": 8}
labelled = st.dictionaries(st.sampled_from("abcdef"), st.tuples(st.integers(0, 10**9), st.floats(0.001, 1)), min_size=1)


@given(labelled, st.floats(0.5, 10))
def test_targets_are_met_exactly_within_the_cap(labels, max_epochs):
    counts = {label: n for label, (n, _) in labels.items()}
    targets = {label: t for label, (_, t) in labels.items()}
    mixture = plan_mixture(counts, targets, max_epochs)
    present = {label for label, n in counts.items() if n}
    assert all(0 <= rate <= max_epochs for rate in mixture.rates.values())
    weight = math.fsum(targets[label] for label in present)
    for label in present:
        assert mixture.shares[label] == pytest.approx(targets[label] / weight, rel=1e-9)
    assert len(mixture.infeasible) == len(counts) - len(present)
    if present:
        # Nothing is repeated without need: some label is read at most once.
        assert min(mixture.rates[label] for label in present) <= 1 + 1e-9
        # And nothing is left out without need: some label is used up, or at its cap.
        top = max(mixture.rates[label] for label in present)
        assert top >= min(1, max_epochs) * (1 - 1e-9)


@given(labelled, st.floats(1, 10))
def test_with_at_least_one_epoch_no_document_is_lost_and_what_gives_way_is_said(labels, max_epochs):
    counts = {label: n for label, (n, _) in labels.items()}
    targets = {label: t for label, (_, t) in labels.items()}
    mixture = plan_mixture(counts, targets, max_epochs, min_epochs=1)
    present = {label for label, n in counts.items() if n}
    assert all(1 - 1e-9 <= mixture.rates[label] <= max_epochs for label in present)
    assert mixture.limited_by == ""
    if present:
        assert min(mixture.rates[label] for label in present) == pytest.approx(1)  # nothing is repeated without need
    weight = math.fsum(targets[label] for label in present)
    for label in present:
        if mixture.shares[label] < targets[label] / weight * (1 - 1e-6):
            assert mixture.rates[label] == max_epochs
            assert any(sentence.startswith(f"{label}: target") for sentence in mixture.infeasible)


def test_the_label_of_the_largest_corpus_is_used_whole():
    """A rate of 0.9999999999999999 instead of 1 would leave out a document in some corpus."""
    for n in range(1, 2000):
        mixture = plan_mixture({"a": 7 * n + 1, "b": n}, {"a": 0.1 + n / 1e4, "b": 0.3}, min_epochs=1)
        assert min(mixture.rates.values()) == 1.0


def test_what_a_scarce_label_gets_and_why_is_said():
    mixture = plan_mixture({"web": 1000, "maths": 10}, {"web": 0.5, "maths": 0.5}, max_epochs=4, min_epochs=1)
    assert mixture.rates == {"maths": 4.0, "web": 1.0}
    assert mixture.infeasible == [
        "maths: target 50 %, gets 3.85 %, because 4 epochs, the cap, of its 10 tokens are 40",
        "the others get what is missing: web 50 % -> 96.2 %",
    ]


@given(labelled, st.floats(0.5, 10), st.integers(1, 10**10))
def test_a_wanted_size_is_reached_or_said_not_to_be(labels, max_epochs, total):
    counts = {label: n for label, (n, _) in labels.items()}
    targets = {label: t for label, (_, t) in labels.items()}
    assume(any(counts.values()))
    mixture = plan_mixture(counts, targets, max_epochs, total)
    assert all(0 <= rate <= max_epochs * (1 + 1e-9) for rate in mixture.rates.values())
    possible = max_epochs * sum(counts.values())
    assert mixture.total_tokens == pytest.approx(min(total, possible), rel=1e-6)
    assert any(sentence.startswith("total:") for sentence in mixture.infeasible) == (possible < total * (1 - 1e-9))


def test_the_order_of_the_labels_makes_no_difference():
    counts = {"general": 700, "maths": 3, "code": 90, "multilingual": 55}
    forwards = plan_mixture(counts, LLAMA3, total_tokens=800)
    backwards = plan_mixture(dict(reversed(counts.items())), dict(reversed(LLAMA3.items())), total_tokens=800)
    assert forwards == backwards


def test_a_corpus_that_has_the_shares_already_is_read_once():
    assert plan_mixture({k: 1000 * v for k, v in LLAMA3.items()}, LLAMA3).rates == dict.fromkeys(sorted(LLAMA3), 1.0)


def test_the_scarcest_label_at_its_cap_is_named():
    mixture = plan_mixture({"web": 1000, "maths": 10}, {"web": 0.5, "maths": 0.5}, max_epochs=4)
    assert mixture.limited_by == "maths"
    assert mixture.rates == {"maths": 4.0, "web": 0.04}
    assert mixture.infeasible == []


def test_what_a_capped_label_lacks_goes_to_the_others_by_weight():
    mixture = plan_mixture({"a": 10, "b": 1000, "c": 1000}, {"a": 0.5, "b": 0.3, "c": 0.2}, 2, total_tokens=120)
    assert mixture.tokens == pytest.approx({"a": 20, "b": 60, "c": 40})
    assert mixture.infeasible == ["a: target 50 % of 120 tokens, but 2 epochs of it, the cap, are 20"]


@pytest.mark.parametrize(
    ("counts", "targets", "arguments", "message"),
    [
        ({"web": 1, "code": 5}, {"web": 1}, {}, "'code' has 5 tokens but no target"),
        ({"web": 1}, {"web": -1}, {}, "target of 'web' is -1"),
        ({"web": 1}, {"web": float("nan")}, {}, "target of 'web' is nan"),
        ({"web": 1}, {"web": 0}, {}, "all targets are 0"),
        ({"web": -1}, {"web": 1}, {}, "token count of 'web' is -1"),
        ({"web": 1}, {"web": 1}, {"max_epochs": 0}, "max_epochs is 0"),
        ({"web": 1}, {"web": 1}, {"max_epochs": 1e300}, "max_epochs is 1e.300: give a number above 0, at most"),
        ({"web": 1}, {"web": 1, "code": 1e308}, {}, "the target of 'code' is 1e.308"),
        ({"web": 1}, {"web": 1}, {"total_tokens": 0}, "total_tokens is 0"),
        (
            {"web": 1},
            {"web": 1},
            {"min_epochs": 4.5},
            "min_epochs is 4.5: give a number from 0 to max_epochs, which is",
        ),
        ({"web": 1}, {"web": 1}, {"min_epochs": float("nan")}, "min_epochs is nan"),
    ],
)
def test_nonsense_is_refused_by_name(counts, targets, arguments, message):
    with pytest.raises(ValueError, match=message):
        plan_mixture(counts, targets, **arguments)


def test_a_target_of_nothing_leaves_the_label_out():
    assert plan_mixture({"web": 10, "spam": 10}, {"web": 1, "spam": 0}).rates == {"spam": 0.0, "web": 1.0}


def test_a_corpus_of_nothing_is_said_to_be_one():
    mixture = plan_mixture({}, LLAMA3)
    assert mixture.total_tokens == 0
    assert len(mixture.infeasible) == 4


@pytest.mark.parametrize("rate", [0.3, 1.0, 2.75])
def test_copies_add_up_to_the_rate(rate):
    numbers = [copies(f"{i:032x}", rate, "mixture") for i in range(20_000)]
    assert sum(numbers) / len(numbers) == pytest.approx(rate, abs=0.015)
    assert set(numbers) <= {math.floor(rate), math.floor(rate) + 1}


def test_a_higher_rate_never_takes_a_document_away():
    for i in range(200):
        taken = [copies(str(i), rate / 10, "mixture") for rate in range(40)]
        assert taken == sorted(taken)
