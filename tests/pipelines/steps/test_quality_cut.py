"""The quality cut: which share stays in each group, by the shipped score and by a column of the user's own."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given, strategies as st

from curate.document import Document
from pipelines.steps.base import RunError
from pipelines.steps.quality_cut import BINS, QualityCut, column_bin, quality_bin, score_of
from tests.pipelines.decisions import applied, decide, keys_of

numbers = st.floats(allow_nan=False, allow_infinity=False, width=32)


@given(numbers, numbers)
def test_bins_of_a_column_sort_as_its_numbers_do(a, b):
    low, high = sorted((a, b))
    assert column_bin(low) <= column_bin(high)


@given(numbers)
@example(float(np.finfo(np.float32).min))
def test_a_bin_begins_at_the_lowest_score_of_a_column_that_is_in_it(score):
    found = column_bin(score)
    lowest = score_of(found, "stars")
    assert column_bin(lowest) == found
    assert lowest <= score
    if lowest == -math.inf:  # the bin of the least numbers of all: nothing is below it
        return
    assert column_bin(float(np.nextafter(np.float32(lowest), np.float32(-np.inf)))) < found
    if abs(score) > 1e-30:
        assert score - lowest <= abs(score) / 2**15


@given(st.floats(0, 1), st.floats(0, 1))
def test_bins_of_the_shipped_score_sort_as_it_does_and_stand_for_it(a, b):
    low, high = sorted((a, b))
    assert 0 <= quality_bin(low) <= quality_bin(high) < BINS
    assert abs(score_of(quality_bin(a), "quality") - a) <= 0.5 / (BINS - 1) + 1e-12
    assert quality_bin(score_of(quality_bin(a), "quality")) == quality_bin(a)


@pytest.mark.parametrize("scores", [lambda i: i, lambda i: -i / 7, lambda i: 1e6 * i, lambda i: (i - 100) ** 3])
def test_the_best_share_of_each_group_by_a_column_stays(scores):
    step = QualityCut(keep=0.3, score="stars", within=("language",), min_documents=10)
    documents = [Document(id=f"{i:032x}", language=("en", "de")[i % 2], extra={"stars": scores(i)}) for i in range(200)]
    blocks = [documents[::3], documents[1::3], documents[2::3]]
    lost = {blocks[i][row].id for i, means in enumerate(applied(step, blocks)) for row in means.rejected}
    for language in ("en", "de"):
        ranked = sorted((d for d in documents if d.language == language), key=lambda d: d.extra["stars"])
        assert [d.id in lost for d in ranked] == [True] * 70 + [False] * 30


def test_documents_without_a_score_and_small_groups_stay():
    step = QualityCut(keep=0.1, within=("source",), min_documents=20)
    documents = [Document(id=f"{i:032x}", source="few" if i < 19 else "many", quality=i / 100) for i in range(100)]
    documents += [Document(id=f"{i:032x}", source="many", quality=math.nan) for i in range(100, 120)]
    (means,) = applied(step, [documents])
    assert means.rejected.tolist() == list(range(19, 91))  # 9 of 81 stay, by the rank of their score
    reason = dict(means.rejections())[30]
    assert (reason.rule, reason.value) == ("below_cut", 0.3)
    assert reason.limit == pytest.approx(0.91, abs=1e-4)


def test_a_column_without_any_number_ends_the_run():
    step = QualityCut(score="stars", within=())
    keys = keys_of(step, [[Document(id=f"{i:032x}", extra={"stars": None}) for i in range(9)]])
    with pytest.raises(RunError, match="no document has a number in the column stars"):
        step.warnings(decide(step, keys), keys)


def test_a_score_that_is_no_number_is_an_error_of_its_document():
    with pytest.raises(TypeError, match="stars is 'five', not a number"):
        QualityCut(score="stars").key()(Document(id="0", extra={"stars": "five"}))
