"""URL and exact dedup: which copy stays, whatever the slices, their order and the passes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from curate.document import Document
from pipelines.dedup.keep_first import ExactDedup, ExactDedupConfig, UrlDedup, UrlDedupConfig
from tests.pipelines.dedup_slices import decide, rejections, warnings, write_slices


def document(number, **more):
    return Document(id=f"{number:032x}", **{"url": "https://example.org/", "source": "a", **more})


def removed(tmp_path, step, config, parts, **more):
    slices = write_slices(tmp_path, step, config, parts)
    decide(slices, **more)
    return rejections(slices, parts), slices


def test_the_newest_copy_of_a_url_stays(tmp_path):
    pages = [
        document(1, date="2024-05-01T00:00:00Z"),
        document(2, date="2025-05-01T00:00:00Z", url="http://www.example.org"),
        document(3, date=""),
        document(4, date="2025-05-01T00:00:00+02:00"),
        document(5, url="https://example.org/other"),
        document(6, url=""),
        document(7, url=""),
    ]
    found, _ = removed(tmp_path, UrlDedup(), UrlDedupConfig(), [pages])
    assert sorted(found) == [pages[i].id for i in (0, 2, 3)]
    assert {d.split()[0] for d in found.values()} == {pages[1].id}


def test_of_a_thousand_copies_with_equal_dates_the_smallest_id_stays(tmp_path):
    pages = [document(1 + i * 7919 % 1000, date="2025-01-01T00:00:00Z") for i in range(1000)]
    found, slices = removed(tmp_path, UrlDedup(), UrlDedupConfig(), [pages[::2], pages[1::2]])
    assert len(found) == 999
    assert f"{1:032x}" not in found
    assert set(found.values()) == {f"{1:032x} stays, of 1000 copies"}
    assert "source a loses 999 of 1,000 documents (99.9%) as duplicates" in warnings(slices)


@pytest.mark.parametrize(
    ("config", "stays"),
    [
        (ExactDedupConfig(keep=("newest",)), 2),
        (ExactDedupConfig(keep=("oldest",)), 1),
        (ExactDedupConfig(keep=("longest",)), 3),
        (ExactDedupConfig(keep=("quality",)), 1),
        (ExactDedupConfig(keep=("source", "newest"), sources=("b", "a")), 4),
        (ExactDedupConfig(keep=("source", "newest"), sources=("c", "b")), 4),
        (ExactDedupConfig(keep=()), 0),
    ],
)
def test_the_order_is_the_recipe_s(tmp_path, config, stays):
    pages = [
        document(1, text="one two"),
        document(2, text="One two", date="2020-01-01T00:00:00Z", quality=0.9),
        document(3, text="one two", date="2022-01-01T00:00:00Z", quality=0.5),
        document(4, text=" one  two ", date="2021-01-01T00:00:00Z", quality=0.7),
        document(5, text="one\ntwo", date="2021-06-01T00:00:00Z", source="b"),
    ]
    found, _ = removed(tmp_path, ExactDedup(), config, [pages])
    assert {p.id for p in pages} - set(found) == {pages[stays].id}


def test_an_order_that_cannot_work_is_refused():
    with pytest.raises(ValueError, match="'newset' is unknown; choose from newest, oldest"):
        ExactDedup().key_function(ExactDedupConfig(keep=("newset",)))
    with pytest.raises(ValueError, match="go together"):
        ExactDedup().key_function(ExactDedupConfig(keep=("source",)))


def test_slices_their_order_and_passes_make_no_difference(tmp_path):
    random = np.random.default_rng(1)
    pages = [
        document(i, url=f"https://example.org/{random.integers(200)}", date=f"20{random.integers(10, 26)}-01-01")
        for i in range(600)
    ]
    whole, _ = removed(tmp_path / "1", UrlDedup(), UrlDedupConfig(), [pages])
    random.shuffle(pages)
    parts = [pages[i::50] for i in range(50)]
    assert removed(tmp_path / "50", UrlDedup(), UrlDedupConfig(), parts)[0] == whole
    by_pass, _ = removed(tmp_path / "passes", UrlDedup(), UrlDedupConfig(), parts[::-1], memory=10_000)
    assert by_pass == whole
    assert len(list((tmp_path / "passes" / "decide-UrlDedup").glob("members-00000-*"))) > 1


def test_the_same_page_of_two_sources_stays_once_and_from_the_same_source(tmp_path):
    pages = [document(1, text="x", source=s) for s in ("a", "b", "c")]
    stays = set()
    for order in ([0, 1, 2], [2, 1, 0], [1, 2, 0]):
        parts = [[pages[i]] for i in order]
        slices = write_slices(tmp_path / str(order), ExactDedup(), ExactDedupConfig(), parts)
        decide(slices)
        lost = {s.index for s in slices if len(s.taken.losers(s.index).rows)}
        assert len(lost) == 2
        stays |= {parts[i][0].source for i in range(3) if i not in lost}
    assert len(stays) == 1


def test_documents_that_an_earlier_step_of_the_cut_takes_are_not_there(tmp_path):
    pages = [
        document(1, text="same", date="2025-01-01"),
        document(2, text="other", date="2026-01-01"),
        document(3, text="same", date="2024-01-01", url="https://example.org/old"),
    ]
    first = write_slices(tmp_path, UrlDedup(), UrlDedupConfig(), [pages])
    decide(first)
    second = write_slices(tmp_path, ExactDedup(), ExactDedupConfig(), [pages])
    second = [replace(s, earlier=(first[0].taken,)) for s in second]
    decide(second)
    assert rejections(first, [pages]).keys() == {pages[0].id}
    assert rejections(second, [pages]) == {}
