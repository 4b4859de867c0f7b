"""Line dedup as a corpus step: what is counted, what is removed, whatever the slices and passes."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from curate.dedup.lines import LineDedupConfig, normalize_line
from curate.document import Document
from pipelines.io import sealed
from pipelines.steps.line_dedup import LineDedup, _buckets, _order, top_lines
from tests.pipelines.dedup_slices import decide, write_slices


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


def expected(documents, config):
    """The same in plain Python: count per language and bucket, then drop."""
    names = Counter(d.language for d in documents)

    def bucket(d):
        return d.language, _order(d) % _buckets(names[d.language], config)

    holders = {}
    for d in documents:
        for line in {normalize_line(x) for x in d.text.split("\n")} - {""}:
            holders.setdefault((bucket(d), line), []).append(_order(d))
    texts = []
    for d in documents:
        kept = []
        for line in d.text.split("\n"):
            orders = sorted(holders.get((bucket(d), normalize_line(line)), []))
            hot = len(orders) > config.max_copies and _order(d) not in orders[: config.keep_first]
            if not hot:
                kept.append(line)
        texts.append("\n".join(kept))
    return texts


def applied(tmp_path, documents, config, slices, memory=10**9):
    parts = [documents[i::slices] for i in range(slices)]
    made = write_slices(tmp_path, LineDedup(), config, parts)
    decide(made, memory=memory)
    edit = LineDedup().edit(config, made[0].taken.decision)
    return [getattr(edit(d), "text", "") for d in documents], made


@pytest.mark.parametrize(
    ("slices", "memory", "config"),
    [
        (1, 10**9, LineDedupConfig()),
        (7, 10**9, LineDedupConfig()),
        (7, 5_000, LineDedupConfig()),
        (3, 10**9, LineDedupConfig(max_copies=2, keep_first=2)),
        (5, 5_000, LineDedupConfig(max_copies=2, keep_first=2)),
        (4, 10**9, LineDedupConfig(max_copies=2, bucket_documents=9)),
    ],
)
def test_the_lines_that_plain_counting_removes_are_removed(tmp_path, slices, memory, config):
    documents = corpus()
    texts, _ = applied(tmp_path, documents, config, slices, memory)
    assert texts == expected(documents, config)
    assert texts != [d.text for d in documents]
    assert memory > 10**6 or sealed.read_json(f"{tmp_path}/decide-LineDedup/parts.json")["parts"] > 1


def test_the_most_common_lines_are_named(tmp_path):
    documents = corpus()
    _, made = applied(tmp_path, documents, LineDedupConfig(), 3)
    top = top_lines(made[0].taken.decision, LineDedupConfig())
    counts = Counter((d.language, line) for d in documents for line in {normalize_line(x) for x in d.text.split("\n")})
    assert len(top) > 3
    assert {(t["language"], t["line"]): t["documents"] for t in top} == {k: n for k, n in counts.items() if n > 6}
    assert [t["documents"] for t in top] == sorted((t["documents"] for t in top), reverse=True)


def test_a_document_of_common_lines_alone_is_rejected(tmp_path):
    documents = [Document(id=f"{i:032x}", text="menu\nMENU", language="en") for i in range(7)]
    write = write_slices(tmp_path, LineDedup(), LineDedupConfig(), [documents])
    decide(write)
    rejection = LineDedup().edit(LineDedupConfig(), write[0].taken.decision)(documents[0])
    assert (rejection.rule, rejection.value) == ("only_repeated_lines", 2)
