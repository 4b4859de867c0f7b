"""Models that kill their library: the process of the probe dies, and this one says of which model."""

from __future__ import annotations

import os
import struct
import subprocess
import sys

import pytest
from tokenizers import Tokenizer, models

from curate.models import probe as module
from curate.models.probe import probe
from tests.unit.test_fasttext_file import NGRAMS, train


@pytest.fixture(autouse=True)
def nothing_passed(monkeypatch):
    monkeypatch.setenv("CURATE_PROBED_MODELS", "")


@pytest.fixture
def model(tmp_path):
    data = train(tmp_path, **NGRAMS)
    (tmp_path / "good.bin").write_bytes(data)
    deadly = bytearray(data)
    struct.pack_into("<i", deadly, 40, 2**31 - 1)  # buckets that lie outside of the matrix
    (tmp_path / "deadly.bin").write_bytes(deadly)
    return tmp_path


def test_a_model_that_kills_its_library_is_named(model):
    with pytest.raises(ValueError, match=r"^theirs cannot be used with fasttext: it kills the process .*\(SIG[A-Z]+\)"):
        probe("fasttext", model / "deadly.bin", "theirs")


def test_a_model_that_works_is_tried_once(model, monkeypatch):
    probe("fasttext", model / "good.bin", "ours")
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    probe("fasttext", model / "good.bin", "ours")
    os.utime(model / "good.bin", (1, 1))  # another file of the same name
    with pytest.raises(FileNotFoundError):
        probe("fasttext", model / "good.bin", "ours")


def test_workers_know_what_has_passed(model):
    probe("fasttext", model / "good.bin", "ours")
    code = (
        "import sys; from curate.models.probe import probe; sys.executable = ''; probe('fasttext', sys.argv[1], 'ours')"
    )
    subprocess.run([sys.executable, "-c", code, str(model / "good.bin")], check=True, timeout=60)


def test_memory_and_time_are_limited(model, monkeypatch):
    monkeypatch.setattr(module, "MEMORY", 10_000)
    monkeypatch.setattr(module, "MEMORY_PER_BYTE", 0)
    with pytest.raises(ValueError, match=r"ours cannot be used with fasttext: "):
        probe("fasttext", model / "good.bin", "ours")
    monkeypatch.undo()
    monkeypatch.setenv("CURATE_PROBED_MODELS", "")
    monkeypatch.setattr(module, "PATIENCE", 0.01)
    with pytest.raises(ValueError, match=r"it did not finish within 0\.01 s"):
        probe("fasttext", model / "good.bin", "ours")


def test_a_tokenizer_may_have_no_ids_for_some_texts(tmp_path):
    tokenizer = Tokenizer(models.BPE(vocab={c: i for i, c in enumerate("abdhort")}, merges=[]))
    tokenizer.save(str(tmp_path / "small.json"))
    assert not tokenizer.encode("\U0001f300").ids
    probe("tokenizers", tmp_path / "small.json", "small")
