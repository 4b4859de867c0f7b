"""New documents against the sketch of an earlier run: the decisions that all of them together would get."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from curate.dedup.minhash import MinHashConfig
from curate.dedup.sketch import Sketch
from pipelines.dedup.distributed import cluster_distributed
from pipelines.result.sketch import export_sketch, merge_sketches
from pipelines.steps.base import RunError
from pipelines.steps.minhash_dedup import MinHashDedup
from tests.pipelines.decisions import decide_stored, key_parts, rejections, store_keys
from tests.pipelines.steps.test_minhash_dedup import corpus

OLDEST = MinHashDedup(keep=("oldest",))


def dated(pages):
    """Pages crawled one after another."""
    return [
        replace(d, date=f"20{10 + i // 200:02d}-01-01T00:{i % 200 // 4:02d}:{i % 4:02d}Z") for i, d in enumerate(pages)
    ]


def run(tmp_path, pages, step, blocks=3):
    """Which pages go, and their keys."""
    parts = [pages[i::blocks] for i in range(blocks)]
    data = store_keys(tmp_path, step, parts)
    decide_stored([data], blocks)
    return rejections([data.apply(i) for i in range(blocks)], parts), key_parts(data, blocks)


def kept(detail):
    return detail.split()[0]


@pytest.mark.parametrize("engine", ["one_process", "distributed"])
def test_old_then_new_is_as_all_at_once(tmp_path, engine, monkeypatch):
    monkeypatch.setattr(
        "pipelines.steps.minhash_dedup.cluster_distributed", partial(cluster_distributed, documents_per_range=100)
    )
    pages = dated(corpus(seed=5))
    old, newer, newest = pages[:250], pages[250:400], pages[400:]
    at_once, _ = run(tmp_path / "all", pages, OLDEST)

    first, made = run(tmp_path / "old", old, OLDEST)
    assert export_sketch(made, OLDEST.hashing, str(tmp_path / "sketch-1")) == 250
    step = replace(OLDEST, index=(str(tmp_path / "sketch-1" / "sketch.json"),), clustering=engine)
    second, made = run(tmp_path / "newer", newer, step)
    assert export_sketch([*step.index_parts(), *made], OLDEST.hashing, str(tmp_path / "sketch-2")) == 400
    step = replace(step, index=(str(tmp_path / "sketch-2"),))
    third, _ = run(tmp_path / "newest", newest, step)

    together = first | second | third
    assert len(second) > 30
    assert {id: kept(d) for id, d in together.items()} == {id: kept(d) for id, d in at_once.items()}


def test_a_sketch_of_a_run_is_the_sketch_of_its_texts(tmp_path):
    pages = dated(corpus(seed=6, pages=30))
    _, made = run(tmp_path / "run", pages, OLDEST)
    export_sketch(made, OLDEST.hashing, str(tmp_path / "sketch"))
    found = Sketch.load(tmp_path / "sketch")
    from pipelines.dedup.order import seconds

    expected = Sketch.of([d.text for d in pages], [d.id for d in pages], [seconds(d.date) for d in pages])
    for name in ("ids", "dates", "bands", "sketches"):
        assert (getattr(found, name) == getattr(expected, name)).all()


def test_two_parties_deduplicate_across_their_corpora(tmp_path):
    pages = dated(corpus(seed=7, pages=40))
    ours, theirs, new = pages[::3], pages[1::3], pages[2::3]
    sketches = []
    for name, part in (("ours", ours), ("theirs", theirs)):
        _, made = run(tmp_path / name, part, OLDEST, 2)
        sketches.append(str(tmp_path / f"sketch-{name}"))
        export_sketch(made, OLDEST.hashing, sketches[-1])
    separate, _ = run(tmp_path / "separate", new, replace(OLDEST, index=tuple(sketches)))
    assert merge_sketches(sketches, str(tmp_path / "merged")) == len(ours) + len(theirs)
    merged, _ = run(tmp_path / "together", new, replace(OLDEST, index=(str(tmp_path / "merged"),)))
    assert merged == separate
    known = {d.id for d in (*ours, *theirs)}
    assert sum(kept(d) in known for d in merged.values()) > 10
    assert len(merged) > len(run(tmp_path / "alone", new, OLDEST)[0])


def test_a_document_stands_in_a_sketch_once(tmp_path):
    pages = dated(corpus(seed=8, pages=30))
    sketches = []
    for name, part in (("all", pages), ("some", pages[5:15])):
        _, made = run(tmp_path / name, part, OLDEST, 2)
        sketches.append(str(tmp_path / f"sketch-{name}"))
        export_sketch(made, OLDEST.hashing, sketches[-1])
    for paths in ([*sketches, *sketches], sketches[::-1]):
        assert merge_sketches(paths, str(tmp_path / "merged")) == len(pages)
        merged = Sketch.load(tmp_path / "merged")
        assert len(set(merged.ids.tolist())) == len(merged) == len(pages)
    assert merged.ids[:10].tolist() == Sketch.load(sketches[1]).ids.tolist()


def test_a_sketch_made_in_another_way_is_refused(tmp_path):
    Sketch.of(["a"], ["00" * 16], [0], MinHashConfig(seed=9)).save(tmp_path / "sketch")
    step = replace(OLDEST, index=(str(tmp_path / "sketch"),))
    with pytest.raises(RunError, match="cannot be compared"):
        step.index_parts()
    with pytest.raises(RunError, match="cannot be compared"):
        run(tmp_path / "new", corpus(pages=3), step)
