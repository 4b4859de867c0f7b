"""Quality by models that others made: fastText classifiers, with the label of good texts, and functions."""

from __future__ import annotations

import hashlib
import math
import os
import shutil
from fractions import Fraction

import fasttext
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from curate.quality.fasttext_quality import one_line
from curate.quality.scoring import ENGLISH, quality_score

GOOD, BAD = "the bridge was built of grey stone in the second century", "buy now sale cart login share tweet next"


def train(path, labels=("__label__cc", "__label__hq"), quantize=False):
    lines = [
        f"{labels[i % len(labels)]} {GOOD if labels[i % len(labels)] == '__label__hq' else BAD}" for i in range(200)
    ]
    text = path.with_suffix(".txt")
    text.write_text("\n".join(lines) + "\n")
    model = fasttext.train_supervised(str(text), dim=4, epoch=20, wordNgrams=2, bucket=500, thread=1, verbose=0)
    if quantize:
        model.quantize(verbose=0)
    model.save_model(str(path))
    return path


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return train(tmp_path_factory.mktemp("quality") / "theirs.bin")


@settings(max_examples=150, deadline=None)
@given(
    text=st.text(max_size=100) | st.text("\n\r \u2028\0\ud800", max_size=20) | st.just(GOOD) | st.just(f"{BAD}\n{GOOD}")
)
def test_the_score_is_the_probability_that_the_library_gives(model, text):
    # as DCLM: " ".join(content.strip().splitlines())
    line = " ".join(text.strip().splitlines()).encode("utf-8", "replace").decode()
    found = {label: p for p, label in fasttext.load_model(str(model)).f.predict(line + "\n", -1, 0.0, "strict")}
    score = quality_score(text, str(model), label="__label__hq")
    assert score == min(found["__label__hq"], 1)
    assert score + quality_score(text, str(model), label="__label__cc") == pytest.approx(1, abs=1e-3)
    assert 0 <= score <= 1


def test_good_texts_are_those_of_the_label(model):
    assert quality_score(GOOD, model, label="__label__hq") > 0.9 > 0.1 > quality_score(BAD, model, label="__label__hq")
    assert quality_score(GOOD, model, label="hq") == quality_score(
        GOOD.encode(), model, label="__label__hq", language="fr"
    )


def test_all_of_a_text_is_read_as_one_line(model):
    assert one_line(f"  a\n{'b ' * 9000}\rc\n") == f"a {'b ' * 9000} c"
    assert quality_score(f"x {BAD}\n" * 100 + f"{GOOD} " * 10_000, model, label="hq") > 0.9


def test_any_name_of_the_file_and_a_quantized_one(tmp_path, model):
    shutil.copy(model, tmp_path / "model")
    assert quality_score(GOOD, tmp_path / "model", label="hq") == quality_score(GOOD, model, label="hq")
    assert quality_score(GOOD, train(tmp_path / "small.ftz", quantize=True), label="hq") > 0.9


@pytest.mark.parametrize(
    ("label", "said"), [(None, "does not say which of its labels"), ("good", "has no label 'good'")]
)
def test_the_label_is_never_guessed(model, label, said):
    with pytest.raises(ValueError, match=rf"theirs\.bin {said}.*: set label to one of __label__cc, __label__hq$"):
        quality_score(GOOD, str(model), label=label)


def test_many_labels_are_not_all_listed(tmp_path):
    path = train(tmp_path / "many.bin", [f"__label__{i:02d}" for i in range(50)])
    with pytest.raises(ValueError, match=r"one of __label__00, .*, __label__19 and 30 more$"):
        quality_score("", path)
    assert quality_score("unknown words", path, label="49") < 0.5


def test_files_that_cannot_be_used(tmp_path, model):
    path = tmp_path / "theirs.bin"
    with pytest.raises(FileNotFoundError, match=r"no model at .*theirs\.bin: give the path of a fastText classifier"):
        quality_score("", path, label="hq")
    data = model.read_bytes()
    for size, said in ((0, "is not a fastText model"), (100, "is damaged"), (len(data) - 1, "is damaged")):
        path.write_bytes(data[:size])
        with pytest.raises(ValueError, match=rf"theirs\.bin {said}"):
            quality_score("", path, label="hq")
    path.write_bytes(data)
    path.with_name("theirs.bin.sha256").write_text(hashlib.sha256(b"another").hexdigest() + "  theirs.bin\n")
    with pytest.raises(ValueError, match=r"does not have the sha256 in theirs\.bin\.sha256"):
        quality_score("", path, label="hq")


def test_it_is_loaded_once_and_again_where_it_changed(tmp_path, model, monkeypatch):
    path = shutil.copy(model, tmp_path / "model.bin")
    before = quality_score(GOOD, path, label="hq")
    with monkeypatch.context() as patch:
        patch.setattr("curate.quality.fasttext_quality.load_fasttext", None)
        assert quality_score(GOOD, path, label="hq") == before
    train(tmp_path / "model.bin", ("__label__hq", "__label__zz"))
    os.utime(path, ns=(0, 1))
    with pytest.raises(ValueError, match="__label__hq, __label__zz"):
        quality_score(GOOD, path, label="cc")


# --- functions


@pytest.mark.parametrize("score", [0, 0.25, -3, 1e300, True, np.float32(0.5), np.int64(7), Fraction(1, 4)])
def test_a_function_may_return_any_finite_number(score):
    found = quality_score("text", lambda text: score)
    assert (found, type(found)) == (float(score), float)


@pytest.mark.parametrize(
    "score", [math.nan, math.inf, -math.inf, None, "0.5", b"1", [0.5], 1j, 10**400, np.float64("nan")]
)
def test_what_cannot_be_ranked_is_refused_by_name(score):
    def my_judge(text):
        return score

    with pytest.raises(ValueError, match=r"the quality model \S*my_judge returned .*: it must return a finite number$"):
        quality_score("text", my_judge)


def test_a_function_gets_a_string_and_its_errors_are_its_own():
    assert quality_score("é".encode(), len) == 1
    with pytest.raises(KeyError, match="theirs"):
        quality_score("text", lambda text: {}["theirs"])


def test_a_label_for_a_model_that_has_none():
    for model in (None, len):
        with pytest.raises(ValueError, match="only a fastText classifier has a label: give its path as model"):
            quality_score("text", model, label="hq")
    with pytest.raises(ValueError, match=r"a label, and .*quality-en\.zip is not one: remove label"):
        quality_score("text", str(ENGLISH), label="hq")
