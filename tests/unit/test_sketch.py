"""Sketches: held against, extended, exchanged as files; never a word of text in them."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from curate.dedup.minhash import MinHashConfig
from curate.dedup.sketch import NO_DATE, Sketch


def pages(seed, documents):
    """Pages in families that are alike, with ids and dates that grow."""
    random = np.random.default_rng(seed)
    texts = []
    for _ in range(documents):
        if texts and random.random() < 0.5:
            words = texts[int(random.integers(len(texts)))].split()
            start = int(random.integers(0, 50))
            words[start : start + int(random.integers(1, 10))] = ["changed", str(random.integers(99))]
        else:
            words = [f"w{i}" for i in random.integers(0, 500, 60)]
        texts.append(" ".join(words))
    return texts, [random.bytes(16).hex() for _ in texts], list(range(documents))


def results(found):
    return [(f.kept, f.similarity) if f else None for f in found]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 60), st.floats(0, 1))
def test_new_against_old_is_as_all_at_once(seed, documents, share):
    texts, ids, dates = pages(seed, documents)
    cut = int(share * documents)
    nothing = Sketch.of([], [], [])
    old, new = (Sketch.of(texts[part], ids[part], dates[part]) for part in (slice(cut), slice(cut, None)))
    at_once = nothing.find(Sketch.of(texts, ids, dates))
    assert results(nothing.find(old)) + results(old.find(new)) == results(at_once)


def test_older_documents_come_first_then_smaller_ids():
    found = Sketch.of(["a", "b", "c", "d"], ["04" * 16, "03" * 16, "02" * 16, "01" * 16], [5, None, 5, -7])
    assert [i.tobytes()[0] for i in found.ids] == [1, 2, 4, 3]
    assert found.dates.tolist() == [-7, 5, 5, NO_DATE]


def test_a_sketch_that_is_saved_and_loaded_is_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr("curate.dedup.sketch.ROWS", 7)
    sketch = Sketch.of(*pages(1, 20))
    sketch.save(tmp_path / "sketch")
    loaded = Sketch.load(tmp_path / "sketch")
    assert len(list((tmp_path / "sketch").glob("part-*"))) == 3
    assert loaded.config == sketch.config
    for name in ("ids", "dates", "bands", "sketches"):
        assert (getattr(loaded, name) == getattr(sketch, name)).all()
    Sketch.of([], [], []).save(tmp_path / "empty")
    assert len(Sketch.load(tmp_path / "empty")) == 0


def test_the_files_hold_no_word(tmp_path):
    Sketch.of(["Confidential words of nobody's business"], ["00" * 16], [0]).save(tmp_path)
    data = b"".join(p.read_bytes().lower() for p in tmp_path.iterdir())
    assert b"confidential" not in data
    assert b"business" not in data


def test_what_cannot_be_compared_or_read_is_refused(tmp_path):
    sketch = Sketch.of(["a"], ["00" * 16], [0])
    other = Sketch.of(["a"], ["00" * 16], [0], MinHashConfig(ngram=3))
    with pytest.raises(ValueError, match=r"ngram=3.*cannot be compared with.*ngram=5"):
        sketch.find(other)
    sketch.save(tmp_path)
    part = tmp_path / "part-00000.parquet"
    part.write_bytes(part.read_bytes()[:-9] + b"something")
    with pytest.raises(ValueError, match=r"part-00000.parquet is damaged"):
        Sketch.load(tmp_path)
    described = json.loads((tmp_path / "sketch.json").read_text())
    (tmp_path / "sketch.json").write_text(json.dumps({**described, "version": 1}))
    with pytest.raises(ValueError, match="is a sketch of version 1"):
        Sketch.load(tmp_path)
    (tmp_path / "sketch.json").write_text("{}")
    with pytest.raises(ValueError, match="is not a sketch"):
        Sketch.load(tmp_path)
