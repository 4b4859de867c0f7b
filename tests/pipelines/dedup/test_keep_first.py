"""URL and exact dedup: which copy stays, whatever the blocks, their order and the memory."""

from __future__ import annotations

import numpy as np
import pytest

from curate.document import Document
from pipelines.steps.exact_dedup import ExactDedup
from pipelines.steps.url_dedup import UrlDedup
from tests.pipelines.decisions import applied, decide, decide_stored, keys_of, rejections, store_keys


def document(number, **more):
    return Document(id=f"{number:032x}", **{"url": "https://example.org/", "source": "a", **more})


def removed(step, blocks):
    return rejections(applied(step, blocks), blocks)


def test_the_newest_copy_of_a_url_stays():
    pages = [
        document(1, date="2024-05-01T00:00:00Z"),
        document(2, date="2025-05-01T00:00:00Z", url="http://www.example.org"),
        document(3, date=""),
        document(4, date="2025-05-01T00:00:00+02:00"),
        document(5, url="https://example.org/other"),
        document(6, url=""),
        document(7, url=""),
    ]
    found = removed(UrlDedup(), [pages])
    assert sorted(found) == [pages[i].id for i in (0, 2, 3)]
    assert {d.split()[0] for d in found.values()} == {pages[1].id}


def test_of_a_thousand_copies_with_equal_dates_the_smallest_id_stays():
    pages = [document(1 + i * 7919 % 1000, date="2025-01-01T00:00:00Z") for i in range(1000)]
    step, blocks = UrlDedup(), [pages[::2], pages[1::2]]
    decision = decide(step, keys := keys_of(step, blocks))
    found = rejections([step.apply(decision, block) for block in keys], blocks)
    assert len(found) == 999
    assert f"{1:032x}" not in found
    assert set(found.values()) == {f"{1:032x} stays, of 1000 copies"}


@pytest.mark.parametrize(
    ("step", "stays"),
    [
        (ExactDedup(keep=("newest",)), 2),
        (ExactDedup(keep=("oldest",)), 1),
        (ExactDedup(keep=("longest",)), 3),
        (ExactDedup(keep=("quality",)), 1),
        (ExactDedup(keep=("source", "newest"), sources=("b", "a")), 4),
        (ExactDedup(keep=("source", "newest"), sources=("c", "b")), 4),
        (ExactDedup(keep=()), 0),
    ],
)
def test_the_order_is_the_recipe_s(step, stays):
    pages = [
        document(1, text="one two"),
        document(2, text="One two", date="2020-01-01T00:00:00Z", quality=0.9),
        document(3, text="one two", date="2022-01-01T00:00:00Z", quality=0.5),
        document(4, text=" one  two ", date="2021-01-01T00:00:00Z", quality=0.7),
        document(5, text="one\ntwo", date="2021-06-01T00:00:00Z", source="b"),
    ]
    assert {p.id for p in pages} - set(removed(step, [pages])) == {pages[stays].id}


def test_an_order_that_cannot_work_is_refused():
    with pytest.raises(ValueError, match="'newset' is unknown; choose from canonical, newest, oldest"):
        ExactDedup(keep=("newset",)).key()
    with pytest.raises(ValueError, match="or neither"):
        ExactDedup(keep=("source",)).key()


def test_blocks_their_order_and_the_memory_make_no_difference(tmp_path):
    random = np.random.default_rng(1)
    pages = [
        document(i, url=f"https://example.org/{random.integers(200)}", date=f"20{random.integers(10, 26)}-01-01")
        for i in range(600)
    ]
    whole = removed(UrlDedup(), [pages])
    random.shuffle(pages)
    blocks = [pages[i::50] for i in range(50)]
    assert removed(UrlDedup(), blocks) == whole
    data = store_keys(tmp_path, UrlDedup(), blocks[::-1])
    jobs = decide_stored([data], 50, memory=10_000)
    assert rejections([data.apply(i) for i in range(50)], blocks[::-1]) == whole
    assert len(jobs) > 1
    assert len(list((tmp_path / "decide-UrlDedup").glob("block-00000-*"))) > 1


def test_the_same_page_of_two_sources_stays_once_and_from_the_same_source():
    pages = [document(1, text="x", source=s) for s in ("a", "b", "c")]
    stays = set()
    for order in ([0, 1, 2], [2, 1, 0], [1, 2, 0]):
        lost = {i for i, means in enumerate(applied(ExactDedup(), [[pages[i]] for i in order])) if len(means.rejected)}
        assert len(lost) == 2
        stays |= {pages[order[i]].source for i in range(3) if i not in lost}
    assert len(stays) == 1


def test_documents_that_an_earlier_step_of_the_cut_takes_are_not_there(tmp_path):
    pages = [
        document(1, text="same", date="2025-01-01"),
        document(2, text="other", date="2026-01-01"),
        document(3, text="same", date="2024-01-01", url="https://example.org/old"),
    ]
    cut = [store_keys(tmp_path, step, [pages]) for step in (UrlDedup(), ExactDedup())]
    assert len(decide_stored(cut, 1)) == 1  # both in one job
    assert rejections([cut[0].apply(0)], [pages]).keys() == {pages[0].id}
    assert rejections([cut[1].apply(0)], [pages]) == {}
