"""fastText files: real ones of every kind pass; one with a changed number is refused before the library reads it."""

from __future__ import annotations

import random
import struct
import time

import fasttext
import pytest

from curate.models.fasttext_file import check_fasttext
from curate.models.fasttext_model import load_fasttext

SETTINGS = {
    "words alone": {"maxn": 0, "wordNgrams": 1},
    "no buckets": {"maxn": 0, "wordNgrams": 1, "bucket": 0},
    "n-grams": {"minn": 2, "maxn": 4, "bucket": 3000, "wordNgrams": 2},
}
NGRAMS = SETTINGS["n-grams"]


def train(folder, loss="softmax", labels=2, quantize=None, **settings):
    """Train a small classifier and return its file."""
    rng = random.Random(1)
    lines = [f"__label__{i % labels} " + " ".join(f"w{rng.randrange(300)}" for _ in range(9)) for i in range(700)]
    (folder / "train.txt").write_text("\n".join(lines))
    model = fasttext.train_supervised(str(folder / "train.txt"), loss=loss, dim=10, epoch=1, verbose=0, **settings)
    if quantize is not None:
        model.quantize(verbose=0, **quantize)
    path = folder / "model.bin"
    model.save_model(str(path))
    return path.read_bytes()


@pytest.mark.parametrize("loss", ["hs", "ns", "softmax", "ova"])
@pytest.mark.parametrize("kind", SETTINGS)
def test_what_the_library_writes_is_whole(tmp_path, loss, kind):
    check_fasttext(train(tmp_path, loss, **SETTINGS[kind]))


@pytest.mark.parametrize("quantize", [{}, {"cutoff": 260}, {"qnorm": True}, {"dsub": 3, "qnorm": True, "qout": True}])
def test_what_the_library_quantizes_is_whole(tmp_path, quantize):
    check_fasttext(train(tmp_path, labels=300, quantize=quantize, **NGRAMS))


# The offset of a number of 32 bits, what it is changed to, and what is said of it.
HEADER = {
    "dim": (8, 64, "matrix is 3301 x 10"),
    "dim 0": (8, 0, "vectors have 0 numbers"),
    "word n-grams": (28, 10**9, "n-grams of 1000000000 words"),
    "loss": (32, 9, "loss has the unknown type 9"),
    "unsupervised": (36, 1, "not a classifier"),
    "buckets 0": (40, 0, "no buckets"),
    "buckets": (40, 10**6, "input matrix"),
    "longest n-gram": (48, 2**31 - 1, "n-grams of 2 to 2147483647 characters"),
    "entries": (64, 10**6, "entries"),
    "words": (68, -1, "-1 words"),
    "labels 0": (72, 0, "0 labels"),
}


@pytest.mark.parametrize("name", HEADER)
def test_a_number_of_the_header_that_does_not_fit(tmp_path, name):
    at, value, said = HEADER[name]
    data = bytearray(train(tmp_path, **NGRAMS))
    struct.pack_into("<i", data, at, value)
    with pytest.raises(ValueError, match=said):
        check_fasttext(bytes(data))


def test_a_dictionary_without_an_end_is_refused_at_once(tmp_path):
    # The library reads such a word on and on: 22 s and 3.9 GB until it gave up.
    data = train(tmp_path, **NGRAMS)
    started = time.process_time()
    for damaged in (data[:100] + b"w" * 10_000_000, data[:92] + data[92:].replace(b"\0", b"\1"), data[:93]):
        with pytest.raises(ValueError, match="of its dictionary"):
            check_fasttext(damaged)
    assert time.process_time() - started < 1


def test_entries_that_the_library_would_take_for_something_else(tmp_path):
    data = train(tmp_path, "hs")
    label = data.index(b"__label__")
    end = data.index(b"\0", label)
    cases = {
        "has the type 0": data[: end + 9] + b"\0" + data[end + 10 :],
        "the count -1": data[: end + 1] + b"\xff" * 8 + data[end + 9 :],
        "the count 2305843009": data[: end + 8] + b"\x20" + data[end + 9 :],
        "the count 0 in a tree": data[: end + 1] + bytes(8) + data[end + 9 :],
        "is not UTF-8": data[:label] + b"\xff" + data[label + 1 :],
    }
    for said, damaged in cases.items():
        with pytest.raises(ValueError, match=said):
            check_fasttext(damaged)


def test_matrices_that_do_not_fill_the_file_or_are_not_numbers(tmp_path):
    data = train(tmp_path, **NGRAMS)
    for said, damaged in {
        "bytes follow": data + b"x",
        "bytes should follow byte": data[:-1],
        "output matrix has numbers that are not finite": data[:-4] + struct.pack("<f", float("nan")),
    }.items():
        with pytest.raises(ValueError, match=said):
            check_fasttext(damaged)


@pytest.mark.parametrize("quantize", [None, {"cutoff": 260, "qnorm": True}])
def test_no_changed_byte_gets_past_both_checks_and_kills(tmp_path, quantize):
    # Whatever passes the first check is loaded here, in the process of the tests.
    data = train(tmp_path, "hs" if quantize is None else "softmax", quantize=quantize, **NGRAMS)
    rng, passed = random.Random(7), 0
    for _ in range(400):
        changed = bytearray(data)
        head = rng.random() < 0.7
        for _ in range(rng.choice((1, 1, 2))):
            changed[rng.randrange(8, 400 if head else len(data))] = rng.choice((0, 255, 127, rng.randrange(256)))
        try:
            check_fasttext(bytes(changed))
        except ValueError:
            continue
        passed += 1
        if passed % 10 == 0:
            (tmp_path / "changed.bin").write_bytes(changed)
            model = load_fasttext(tmp_path / "changed.bin", trusted=True)
            model.f.predict("w1 w2 w3 unknown\n", -1, 0.0, "replace")
    assert 20 < passed < 380


def test_a_refusal_names_the_file_and_costs_little(tmp_path):
    path = tmp_path / "theirs.bin"
    data = bytearray(train(tmp_path, **NGRAMS))
    struct.pack_into("<i", data, 8, 64)
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"theirs\.bin is damaged, or not a fastText classifier: its input matrix"):
        load_fasttext(path)
    path.write_bytes(data[:4])
    with pytest.raises(ValueError, match=r"theirs\.bin was written by another build"):
        load_fasttext(path)
    with pytest.raises(ValueError, match="/dev/zero is not a regular file"):
        load_fasttext(type(path)("/dev/zero"))
