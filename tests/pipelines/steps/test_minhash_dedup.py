"""Near-duplicate removal as a corpus step: adversarial corpora, and one result whatever the engine and the slices."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from curate.document import Document
from pipelines.dedup.distributed import cluster_distributed
from pipelines.dedup.members import members_of
from pipelines.engine.decisions import DecisionJob
from pipelines.steps.base import table_at
from pipelines.steps.exact_dedup import ExactDedup
from pipelines.steps.minhash_dedup import CLUSTER_STATS, MinHashDedup
from tests.eager import pipeline
from tests.pipelines.decisions import decide, decide_stored, keys_of, rejections, store_keys

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


def split(pages, blocks):
    return [pages[i::blocks] for i in range(blocks)]


def removed(pages, blocks=1, *options):
    """Which pages go, and the decision, over keys in memory."""
    step, pages = MinHashDedup(), split(pages, blocks)
    decision = decide(step, keys := keys_of(step, pages), *options)
    return rejections([step.apply(decision, block) for block in keys], pages), decision


def stored(folder, pages, blocks, step=MinHashDedup(), **more):  # noqa: B008
    """The same over key files."""
    data = store_keys(folder, step, split(pages, blocks))
    jobs = decide_stored([data], blocks, **more)
    return rejections([data.apply(i) for i in range(blocks)], split(pages, blocks)), data, jobs


@pytest.fixture
def small_ranges(monkeypatch):
    """Few documents in a range of the distributed clustering, so that there are many ranges."""
    engine = partial(cluster_distributed, documents_per_range=70)
    monkeypatch.setattr("pipelines.steps.minhash_dedup.cluster_distributed", engine)


@pytest.fixture(scope="module")
def pages():
    return corpus()


@pytest.fixture(scope="module")
def whole(pages):
    found, _ = removed(pages)
    assert 150 < len(found) < 350
    return found


def test_sizes_of_clusters_are_known_of_all_their_documents(pages):
    _, decision = removed(pages, 4)
    rows = np.concatenate([members_of(decision, i) for i in range(4)])
    names, counts = np.unique(rows["cluster"], return_counts=True)
    for row in rows:
        assert row["size"] == counts[names == row["cluster"]]
    assert rows["stays"].sum() >= len(names)


def test_documents_that_stay_say_how_many_there_are_of_them(pages):
    step, blocks = MinHashDedup(), split(pages, 4)
    decision = decide(step, keys := keys_of(step, blocks))
    rows = np.concatenate([members_of(decision, i) for i in range(4)])
    kept = []
    for block, means in ((block, step.apply(decision, block)) for block in keys):
        edited = [means.edit(row, document) for row, document in enumerate(blocks[block.index])]
        kept += [d for row, d in enumerate(edited) if row not in set(means.rejected.tolist())]
    sizes = [d.cluster_size for d in kept if d.cluster]
    assert len(sizes) == rows["stays"].sum()
    assert max(sizes) == np.unique(rows["cluster"], return_counts=True)[1].max()


def test_blocks_and_their_order_make_no_difference(pages, whole):
    assert removed(pages, 50)[0] == whole
    assert removed(pages[::-1], 7)[0] == whole


def test_memory_makes_no_difference(pages, whole, tmp_path):
    found, decision = removed(pages, 5, "--key_memory=4000", f"--key_scratch={tmp_path}")
    assert found == whole
    assert table_at(decision, CLUSTER_STATS)["parts"] > 4
    assert not list(tmp_path.iterdir())


def test_files_and_processes_make_no_difference(tmp_path, pages, whole):
    processes = partial(pipeline, "--direct_num_workers=2", "--direct_running_mode=multi_processing")
    assert stored(tmp_path, pages, 5, make=processes)[0] == whole


@pytest.mark.usefixtures("small_ranges")
def test_many_machines_leave_the_same_bytes_and_the_same_account(tmp_path, pages):
    accounts, members = [], []
    for name in ("one_process", "distributed"):
        _, data, jobs = stored(tmp_path / name, pages, 5, MinHashDedup(clustering=name), distributed=True)
        assert jobs == [DecisionJob((0,), iterative=name == "distributed")]
        accounts.append(table_at(data.decision, CLUSTER_STATS))
        members.append([members_of(data.decision, i).tobytes() for i in range(5)])
    assert members[0] == members[1]
    moved = [a.pop("stage_bytes") for a in accounts]
    assert [a.pop("parts") for a in accounts] == [1, 1]
    assert accounts[0] == accounts[1]
    assert accounts[0]["documents"] == len(pages)
    assert moved[1]["candidates"] >= 14 * 12 * len(pages)  # hash and rank, for each band


def test_a_distributed_clustering_that_was_cut_off_goes_on(tmp_path, pages, whole):
    step, blocks = MinHashDedup(clustering="distributed"), split(pages, 3)
    data = store_keys(tmp_path, step, blocks)
    calls = []

    def cut_off():
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return pipeline()

    with pytest.raises(KeyboardInterrupt):
        decide_stored([data], 3, cut_off)
    assert not data.decision.is_whole()
    again = []
    decide_stored([data], 3, lambda: again.append(1) or pipeline())
    assert len(again) < 10 - 2
    assert rejections([data.apply(i) for i in range(3)], blocks) == whole


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


def test_many_copies_of_one_page():
    page = text(np.random.default_rng(0))
    step, blocks = MinHashDedup(), split(documents([page] * 3000), 3)
    decision = decide(step, keys := keys_of(step, blocks))
    assert len(rejections([step.apply(decision, block) for block in keys], blocks)) == 2999
    warnings = step.warnings(decision, keys)
    assert any(w.startswith("one cluster holds 3,000 of 3,000 documents") for w in warnings)


def test_a_long_chain_does_not_become_one_cluster():
    random = np.random.default_rng(0)
    texts = [text(random)]
    for _ in range(999):
        texts.append(changed(random, texts[-1], 20))  # 24 of 296 shingles change: J = .85
    pages = documents(texts)
    found, _ = removed(pages)
    clusters = {}
    for id, detail in found.items():
        clusters.setdefault(detail.split("cluster ")[1][:32], []).append(id)
    place = {d.id: n for n, d in enumerate(pages)}
    for first, members in clusters.items():
        assert max(abs(place[m] - place[first]) for m in members) < 12
    assert 400 < len(found) < 900


def test_pages_of_a_template_that_differ_enough_all_stay():
    random = np.random.default_rng(0)
    template = text(random, 200)
    texts = [f"{template} {text(random, 100)}" for _ in range(2000)]  # J = .5
    copy = changed(random, texts[7], 4)
    found, _ = removed(documents([*texts, copy]))
    assert len(found) == 1


def test_an_earlier_step_s_losers_are_not_there(tmp_path, pages):
    blocks = split(pages, 3)
    cut = [store_keys(tmp_path, step, blocks) for step in (ExactDedup(), MinHashDedup())]
    decide_stored(cut, 3)
    first, second = (rejections([data.apply(i) for i in range(3)], blocks) for data in cut)
    assert not first.keys() & second.keys()
    assert len(first) > 20
    assert len(second) > 100
