"""Line dedup as a corpus step: what is counted, what is removed, whatever the blocks and the memory."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from curate.dedup.lines import normalize_line
from curate.document import Document
from pipelines.steps.line_dedup import LineDedup, buckets_of, order_of
from tests.pipelines.decisions import decide, decide_stored, keys_of, store_keys


def corpus(documents=60, seed=0):
    """Documents of a few common lines, a few rarer ones and their own, some of them twice in a document."""
    random = np.random.default_rng(seed)
    made = []
    for i in range(documents):
        lines = [f"common {n}" for n in random.integers(0, 12, 4)] + [f"own line of {'abcdefghij'[i % 10]}{'x' * i}"]
        random.shuffle(lines)
        lines.insert(int(random.integers(0, 5)), lines[0].upper() + " ")
        made.append(Document(id=f"{i * 7919:032x}", text="\n".join(lines), language=("en", "de", "")[i % 3]))
    return made


def expected(documents, step):
    """The same in plain Python: count per language and bucket, then drop."""
    names = Counter(d.language for d in documents)

    def bucket(d):
        return d.language, order_of(d) % buckets_of(names[d.language], step)

    holders = {}
    for d in documents:
        for line in {normalize_line(x) for x in d.text.split("\n")} - {""}:
            holders.setdefault((bucket(d), line), []).append(order_of(d))
    texts = []
    for d in documents:
        kept = []
        for line in d.text.split("\n"):
            orders = sorted(holders.get((bucket(d), normalize_line(line)), []))
            hot = len(orders) > step.max_copies and order_of(d) not in orders[: step.keep_first]
            if not hot:
                kept.append(line)
        texts.append("\n".join(kept))
    return texts


def split(documents, blocks):
    return [documents[i::blocks] for i in range(blocks)]


def edited(applied, blocks):
    """The texts by id, "" of a document that goes."""
    return {
        d.id: getattr(applied[i].edit(row, d), "text", "")
        for i, block in enumerate(blocks)
        for row, d in enumerate(block)
    }


@pytest.mark.parametrize(
    ("blocks", "step"),
    [
        (1, LineDedup()),
        (7, LineDedup()),
        (3, LineDedup(max_copies=2, keep_first=2)),
        (4, LineDedup(max_copies=2, bucket_documents=9)),
    ],
)
def test_the_lines_that_plain_counting_removes_are_removed(blocks, step):
    documents = corpus()
    decision = decide(step, keys := keys_of(step, split(documents, blocks)))
    texts = edited([step.apply(decision, block) for block in keys], split(documents, blocks))
    assert [texts[d.id] for d in documents] == expected(documents, step)
    assert list(texts.values()) != [d.text for d in documents]


@pytest.mark.parametrize(("blocks", "step"), [(7, LineDedup()), (5, LineDedup(max_copies=2, keep_first=2))])
def test_little_memory_makes_no_difference(tmp_path, blocks, step):
    documents = corpus()
    data = store_keys(tmp_path, step, split(documents, blocks))
    assert len(decide_stored([data], blocks, memory=5_000)) > 1
    texts = edited([data.apply(i) for i in range(blocks)], split(documents, blocks))
    assert [texts[d.id] for d in documents] == expected(documents, step)


@pytest.mark.parametrize("memory", [5_000, 10**9])
def test_the_report_shows_the_most_common_lines(tmp_path, memory):
    step, blocks = LineDedup(), split(corpus(), 3)
    data = store_keys(tmp_path, step, blocks)
    decide_stored([data], 3, memory=memory)
    report = step.report(data.decision, lambda block, row: blocks[block][row].text)
    shown = report["repeated_lines"]
    assert report["removed_lines"] == {"line": sum(t["documents"] for t in shown), "paragraph": 0}
    counts = Counter((d.language, line) for d in corpus() for line in {normalize_line(x) for x in d.text.split("\n")})
    assert len(shown) > 3
    assert {(t["language"], t["line"]): t["documents"] for t in shown} == {k: n for k, n in counts.items() if n > 6}
    assert [t["documents"] for t in shown] == sorted((t["documents"] for t in shown), reverse=True)


def test_removing_lines_writes_no_files(tmp_path):
    step, blocks = LineDedup(), split(corpus(), 3)
    data = store_keys(tmp_path, step, blocks)
    decide_stored([data], 3)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    assert edited([data.apply(i) for i in range(3)], blocks)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_a_document_of_common_lines_alone_is_rejected():
    documents = [Document(id=f"{i:032x}", text="menu\nMENU", language="en") for i in range(7)]
    step = LineDedup()
    decision = decide(step, keys := keys_of(step, [documents]))
    rejection = step.apply(decision, keys[0]).edit(0, documents[0])
    assert (rejection.rule, rejection.value) == ("only_repeated_lines", 2)


PARAGRAPH = "The kettle was made of bronze, and it stood in the temple of the old capital for a thousand years. " * 2


def test_one_copy_of_content_stays_where_it_belongs_and_menus_go():
    addresses = ["https://a.example/tag/tea/", "https://a.example/2026/", "https://a.example/kettle"]
    addresses += [f"https://a.example/category/tea/page/{n}" for n in range(2, 9)]
    documents = [
        Document(id=f"{i:032x}", url=url, text=f"{PARAGRAPH}\nShare this\nOnly here: {'x' * (i + 1)}")
        for i, url in enumerate(addresses)
    ]
    step = LineDedup()
    decision = decide(step, keys := keys_of(step, [documents[:4], documents[4:]]))
    texts = edited([step.apply(decision, block) for block in keys], [documents[:4], documents[4:]])
    assert [d.url for d in documents if PARAGRAPH.strip() in texts[d.id]] == ["https://a.example/kettle"]
    assert not any("Share this" in text for text in texts.values())
    report = step.report(decision, lambda block, row: [documents[:4], documents[4:]][block][row].text)
    assert report["removed_lines"] == {"line": 10, "paragraph": 9}
    assert sorted((row["kind"], row["documents"]) for row in report["repeated_lines"]) == [
        ("line", 10),
        ("paragraph", 10),
    ]
