"""Agreement of decisions with judgements: what counts, for what, and rank correlation with ties."""

from __future__ import annotations

import math

import pytest

from curate.quality.agreement import Judgements, Outcome, agreement, spearman

HEURISTICS, CUT = ("heuristics", "too_short"), ("quality_cut", "below_cut")


def test_borderline_pages_count_for_neither_precision_nor_recall():
    sure = [Outcome(1, True), Outcome(1, True), Outcome(0, True), Outcome(1, reason=CUT), Outcome(0, reason=CUT)]
    borderline = [Outcome(0.5, True), Outcome(0.5, reason=CUT)] * 5
    found = agreement(sure + borderline)
    assert (found.precision, found.recall) == (agreement(sure).precision, agreement(sure).recall) == (2 / 3, 2 / 3)
    assert found.f1 == pytest.approx(2 / 3)
    assert found.kept == Judgements(2, 5, 1)
    assert not any(outcome.wrong for outcome in borderline)
    assert [outcome.wrong for outcome in sure] == [False, False, True, True, False]


def test_what_rejects_most_good_pages_comes_first():
    rejected = [Outcome(0, reason=HEURISTICS)] * 9 + [Outcome(1, reason=HEURISTICS)] + [Outcome(1, reason=CUT)] * 2
    found = agreement(rejected)
    assert list(found.rejected_by) == [CUT, HEURISTICS]
    assert found.rejected_by[HEURISTICS] == Judgements(1, 0, 9)
    assert (found.recall, found.f1) == (0, 0)
    assert math.isnan(found.precision)


def test_nothing_judged_gives_no_figures():
    found = agreement([])
    assert all(math.isnan(figure) for figure in (found.precision, found.recall, found.f1))
    assert not found.correlations
    assert not found.labels


def test_languages_with_few_pages_are_correlated_together():
    def pages(language, n, sign):
        return [Outcome(1, True, quality=i / n, judged_quality=sign * i, language=language) for i in range(n)]

    found = agreement([*pages("en", 30, 1), *pages("de", 20, -1), *pages("fr", 15, 1), *pages("", 5, 1)])
    rhos = {name: (correlation.rho, correlation.documents) for name, correlation in found.correlations.items()}
    assert list(rhos) == ["all", "en", "de", "others"]
    assert rhos["en"] == (pytest.approx(1), 30)
    assert rhos["de"] == (pytest.approx(-1), 20)
    assert rhos["others"][1] == 20
    assert list(agreement(pages("en", 30, 1)).correlations) == ["all", "en"]


def test_pages_without_either_quality_are_not_correlated():
    unknown = [Outcome(1, True, quality=0.5), Outcome(1, True, judged_quality=3), Outcome(1, judged_quality=1)]
    scored = [Outcome(1, True, quality=q, judged_quality=j) for q, j in ((0.1, 1), (0.2, 2), (0.9, 5))]
    assert agreement(unknown).correlations == {}
    assert agreement(unknown + scored).correlations["all"].documents == 3


def test_labels_agree_over_the_kept_pages_that_have_one():
    outcomes = [
        Outcome(1, True, labels={"language": ("en", "en"), "code": (1, True)}),
        Outcome(0, True, labels={"language": ("de", "en")}),
        Outcome(1, reason=CUT, labels={"language": ("en", "fr")}),
    ]
    labels = agreement(outcomes).labels
    assert (labels["language"].same, labels["language"].documents) == (1, 2)
    assert (labels["code"].same, labels["code"].documents) == (1, 1)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ([1, 2, 3, 4], [10, 20, 30, 1000], 1),
        ([1, 2, 3, 4], [4, 3, 2, 1], -1),
        # Ranks 1.5 1.5 3 4 and 1 2.5 2.5 4: 3.75 of products of deviations over the root of 4.5 times 4.5.
        ([0, 0, 1, 2], [5, 6, 6, 7], 3.75 / 4.5),
    ],
)
def test_ties_have_their_mean_rank(a, b, expected):
    assert spearman(a, b) == pytest.approx(expected)
    assert spearman(b, a) == pytest.approx(expected)


def test_a_constant_has_no_rank_correlation():
    assert math.isnan(spearman([1, 1, 1], [1, 2, 3]))
    assert math.isnan(spearman([], []))
