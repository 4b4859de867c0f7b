"""Near-duplicate removal as a corpus step: adversarial corpora, and one result whatever the engine and the slices."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from curate.document import Document
from pipelines.dedup.distributed import cluster_distributed
from pipelines.io import sealed
from pipelines.steps.base import read_members
from pipelines.steps.minhash_dedup import MinHashDedup, MinHashDedupConfig
from tests.pipelines.dedup_slices import decide, pipeline, rejections, warnings, write_slices

WORDS = [f"word{i}" for i in range(5000)]


def text(random, words=300):
    return " ".join(WORDS[i] for i in random.integers(0, len(WORDS), words))


def changed(random, original, words):
    """The text with a run of words replaced, which changes ``words + 4`` of its shingles."""
    parts = original.split(" ")
    start = int(random.integers(0, len(parts) - words))
    parts[start : start + words] = text(random, words).split(" ")
    return " ".join(parts)


def documents(texts, seed=0):
    random = np.random.default_rng(seed)
    ids = [random.bytes(16).hex() for _ in texts]
    return [
        Document(id=i, text=t, date=f"2025-01-{1 + n % 28:02d}", source="abc"[n % 3], url=f"https://s{n % 7}.example/")
        for n, (i, t) in enumerate(zip(ids, texts, strict=True))
    ]


def corpus(seed=0, pages=150):
    """Single pages, clusters of near copies, exact copies, a chain, template pages, empty and short pages."""
    random = np.random.default_rng(seed)
    texts = [text(random) for _ in range(pages)]
    for original in texts[: pages // 3]:
        texts += [changed(random, original, int(w)) for w in random.integers(2, 60, random.integers(1, 6))]
    texts += [texts[0]] * 20
    link = text(random)
    for _ in range(60):
        link = changed(random, link, 20)
        texts.append(link)
    template = text(random, 200)
    texts += [f"{template} {text(random, 80)}" for _ in range(40)]
    texts += ["", " ", "\n", "!!!", "one two three", "One, two: three.", "one two four"] * 3
    random.shuffle(texts)
    return documents(texts, seed)


def removed(tmp_path, pages, slices=1, config=MinHashDedupConfig(), **more):  # noqa: B008
    parts = [pages[i::slices] for i in range(slices)]
    made = write_slices(tmp_path, MinHashDedup(), config, parts)
    decide(made, **more)
    return rejections(made, parts), made


@pytest.fixture(scope="module")
def pages():
    return corpus()


@pytest.fixture(scope="module")
def whole(tmp_path_factory, pages):
    found, _ = removed(tmp_path_factory.mktemp("whole"), pages)
    assert 150 < len(found) < 350
    return found


def test_sizes_of_clusters_are_known_of_all_their_documents(tmp_path, pages):
    _, made = removed(tmp_path, pages, 4)
    rows = np.concatenate([read_members(s.taken.decision, s.index) for s in made])
    names, counts = np.unique(rows["cluster"], return_counts=True)
    for row in rows:
        assert row["size"] == counts[names == row["cluster"]]
    assert rows["stays"].sum() >= len(names)
    sizes = [s.taken.step.clusters(s.taken.decision, s.index) for s in made]
    assert sum(map(len, sizes)) == rows["stays"].sum()
    assert max(size for found in sizes for _, size in found.values()) == counts.max()


def test_slices_and_their_order_make_no_difference(tmp_path, pages, whole):
    assert removed(tmp_path / "50", pages, 50)[0] == whole
    assert removed(tmp_path / "reversed", pages[::-1], 7)[0] == whole


def test_memory_makes_no_difference(tmp_path, pages, whole):
    found, made = removed(tmp_path, pages, 5, memory=4_000)
    assert found == whole
    assert account(made)["parts"] > 4


def test_processes_make_no_difference(tmp_path, pages, whole):
    options = ("--direct_num_workers=2", "--direct_running_mode=multi_processing")
    assert removed(tmp_path, pages, 5, make=partial(pipeline, *options))[0] == whole


def account(made):
    return sealed.read_json(str(Path(made[0].taken.decision) / "account.json"))


def test_many_machines_leave_the_same_bytes_and_the_same_account(tmp_path, pages, monkeypatch):
    engine = partial(cluster_distributed, documents_per_range=70)
    monkeypatch.setattr("pipelines.steps.minhash_dedup.cluster_distributed", engine)
    accounts, members = [], []
    for name in ("one_process", "distributed"):
        _, made = removed(tmp_path / name, pages, 5, MinHashDedupConfig(clustering=name))
        accounts.append(account(made))
        members.append([read_members(s.taken.decision, s.index).tobytes() for s in made])
    assert members[0] == members[1]
    moved = [a.pop("stage_bytes") for a in accounts]
    assert [a.pop("parts") for a in accounts] == [1, 1]
    assert accounts[0] == accounts[1]
    assert accounts[0]["documents"] == len(pages)
    assert moved[1]["candidates"] >= 14 * 12 * len(pages)  # hash and rank, for each band


def test_a_distributed_clustering_that_was_cut_off_goes_on(tmp_path, pages, whole, monkeypatch):
    config = MinHashDedupConfig(clustering="distributed")
    parts = [pages[i::3] for i in range(3)]
    made = write_slices(tmp_path, MinHashDedup(), config, parts)
    calls = []

    def cut_off():
        calls.append(1)
        if len(calls) == 4:  # the first is only asked for its runner
            raise KeyboardInterrupt
        return pipeline()

    with pytest.raises(KeyboardInterrupt):
        decide(made, cut_off)
    again = []
    decide(made, lambda: again.append(1) or pipeline())
    assert len(again) < 10 - 2
    assert rejections(made, parts) == whole


def test_every_removed_page_is_like_the_one_that_stays_for_it(pages, whole):
    by_id = {d.id: d for d in pages}

    def shingles(id):
        words = by_id[id].text.lower().split()
        return {tuple(words[i : i + 5]) for i in range(max(1, len(words) - 4))}

    for id, detail in whole.items():
        kept = detail.split()[0]
        assert kept not in whole
        if len(by_id[id].text.split()) > 10:
            a, b = shingles(id), shingles(kept)
            assert len(a & b) / len(a | b) > 0.5


def test_empty_and_short_pages_stay_once_each(pages, whole):
    left = [d.text.lower().translate(str.maketrans("", "", ",:.")) for d in pages if d.id not in whole]
    short = sorted(" ".join(t.split()) for t in left if len(t) < 40)
    assert short == ["", "!!!", "one two four", "one two three"]


def test_many_copies_of_one_page(tmp_path):
    page = text(np.random.default_rng(0))
    found, made = removed(tmp_path, documents([page] * 3000), 3)
    assert len(found) == 2999
    assert any(w.startswith("one cluster holds 3,000 of 3,000 documents") for w in warnings(made))


def test_a_long_chain_does_not_become_one_cluster(tmp_path):
    random = np.random.default_rng(0)
    texts = [text(random)]
    for _ in range(999):
        texts.append(changed(random, texts[-1], 20))  # 24 of 296 shingles change: J = .85
    pages = documents(texts)
    found, _ = removed(tmp_path, pages)
    clusters = {}
    for id, detail in found.items():
        clusters.setdefault(detail.split("cluster ")[1][:32], []).append(id)
    place = {d.id: n for n, d in enumerate(pages)}
    for first, members in clusters.items():
        assert max(abs(place[m] - place[first]) for m in members) < 12
    assert 400 < len(found) < 900


def test_pages_of_a_template_that_differ_enough_all_stay(tmp_path):
    random = np.random.default_rng(0)
    template = text(random, 200)
    texts = [f"{template} {text(random, 100)}" for _ in range(2000)]  # J = .5
    copy = changed(random, texts[7], 4)
    found, _ = removed(tmp_path, documents([*texts, copy]))
    assert len(found) == 1


def test_an_earlier_step_s_losers_are_not_there(tmp_path, pages, whole):
    from pipelines.dedup.keep_first import ExactDedup, ExactDedupConfig

    parts = [pages[i::3] for i in range(3)]
    exact = write_slices(tmp_path, ExactDedup(), ExactDedupConfig(), parts)
    decide(exact)
    near = write_slices(tmp_path, MinHashDedup(), MinHashDedupConfig(), parts)
    near = [replace(s, earlier=(exact[0].taken,)) for s in near]
    decide(near)
    first, second = rejections(exact, parts), rejections(near, parts)
    assert not first.keys() & second.keys()
    assert len(first) > 20
    assert len(second) > 100
