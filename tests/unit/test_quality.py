"""The quality score: its range, its models and their files, and what it is worth on real documents."""

from __future__ import annotations

import functools
import json
import math
import os
import random
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from curate.filters.signals import measure
from curate.models.model_file import read_model_file, write_model_file
from curate.models.text_classifier import HEAD, load_classifier, prepare
from curate.quality.model import FORMAT, load_quality_model, save_quality_model
from curate.quality.scoring import ANY_LANGUAGE, ENGLISH, quality_score
from tests.unit.strange_texts import LANGUAGES, strange_text
from tests.unit.training_texts import bad_text, good_text

QUALITY = Path(os.environ.get("CURATE_SHARED_DATA", Path(__file__).parents[3] / "shared" / "data")) / "quality"
needs_data = pytest.mark.skipif(not QUALITY.is_dir(), reason="the evaluation data is not here (CURATE_SHARED_DATA)")

NATURAL = """The Romans built the first bridge here in the second century. Floods carried it away at least three times,
and each time the town rebuilt it a little higher. The present bridge, of 1786, has nine arches of grey stone.

Its keeper once lived in the small house at the northern end. He took a toll from every cart, but let the children of
the village cross without paying, because most of them went to the school on the other bank."""
MENU = "\n".join(["Home", "Shop", "Sale -50%", "Login / Register", "Cart (0)", "Share Tweet Pin", "Next »"] * 8)


@settings(max_examples=100, deadline=None)
@given(st.integers(min_value=0), st.sampled_from(LANGUAGES))
def test_strange_texts_get_a_score(seed, language):
    score = quality_score(strange_text(random.Random(seed)), language=language)
    assert 0 <= score <= 1


@pytest.mark.parametrize(
    "text", ["", " \n\t", "\x00" * 50, "\ud800\udfff", "a" * 200_000, "e\u0301" * 3000, "\n" * 10_000]
)
def test_extreme_texts_get_a_score(text):
    assert 0 <= quality_score(text) <= 1
    assert 0 <= quality_score(text, language="xx") <= 1


def test_sentences_beat_a_menu_in_every_language_model():
    assert quality_score(NATURAL) > 0.6 > 0.3 > quality_score(MENU)
    assert quality_score(NATURAL, language="xx") > quality_score(MENU, language="xx") + 0.1


def test_signals_already_measured_give_the_same_score():
    for text in (NATURAL, MENU):
        assert quality_score(text, signals=measure(text, "en")) == quality_score(text)
        assert quality_score(text, signals=measure(text, "de"), language="de") == quality_score(text, language="de")


def test_the_words_of_another_language_are_not_read():
    # The English model has a classifier of words; the other must not change when only words do.
    swapped = NATURAL.translate(str.maketrans("aeiou", "eioua"))
    assert quality_score(swapped, language="fr") == quality_score(NATURAL, language="fr")
    assert quality_score(swapped) != quality_score(NATURAL)


@pytest.mark.parametrize("path", [ENGLISH, ANY_LANGUAGE])
def test_shipped_models_are_small_whole_and_say_what_they_are(path):
    assert path.stat().st_size <= 5e6
    model = load_quality_model(path)  # checks every sha256
    assert path.with_name(path.name + ".sha256").is_file()
    assert model.language == ("en" if path == ENGLISH else "")
    assert model.facts["documents"]["used"] > 5000
    assert model.facts["held_out"]["auc"] > 0.85


def test_a_model_saved_and_loaded_scores_the_same(tmp_path):
    model = load_quality_model(ENGLISH)
    _, parts = read_model_file(ENGLISH, FORMAT, "")
    path = tmp_path / "copy.zip"
    digest = save_quality_model(path, model, parts["classifier.ftz"])
    assert (tmp_path / "copy.zip.sha256").read_text() == f"{digest}  copy.zip\n"
    assert quality_score(NATURAL, str(path)) == quality_score(NATURAL)
    assert path.read_bytes() == ENGLISH.read_bytes()


# --- bad models


@pytest.fixture
def copy(tmp_path):
    """A copy of the English model, without its sha256."""
    return Path(shutil.copy(ENGLISH, tmp_path / "model.zip"))


def rewrite(path, change):
    """Write the model again with its manifest and parts changed, and hashes that fit."""
    manifest, parts = read_model_file(path, FORMAT, "")
    change(manifest, parts)
    write_model_file(path, manifest.pop("format"), manifest, parts)


def test_no_model():
    message = r"no model at nowhere\.zip: give a file that `curate train quality` wrote"
    with pytest.raises(FileNotFoundError, match=message):
        quality_score("text", "nowhere.zip")


def test_a_file_that_is_no_model(tmp_path):
    path = tmp_path / "model.zip"
    path.write_bytes(b"fasttext, or so")
    with pytest.raises(ValueError, match="not a model that `curate train quality` wrote, or it is damaged"):
        quality_score("text", str(path))


def test_a_file_that_is_not_the_one_of_its_sha256(copy):
    copy.with_name("model.zip.sha256").write_text("0" * 64 + "  model.zip\n")
    with pytest.raises(ValueError, match="the file was changed or cut off; copy both again"):
        load_quality_model(copy)


@given(st.integers(min_value=0))
@settings(max_examples=25, deadline=None)
def test_any_byte_changed_is_noticed(tmp_path_factory, seed):
    data = bytearray(ENGLISH.read_bytes())
    data[seed % len(data)] ^= 0x10
    path = tmp_path_factory.mktemp("changed") / "quality-en.zip"
    path.write_bytes(data)
    shutil.copy(str(ENGLISH) + ".sha256", path.parent)
    with pytest.raises(ValueError, match="sha256"):
        load_quality_model(path)


def test_a_part_that_was_exchanged(copy):
    with zipfile.ZipFile(copy) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts["value.npy"] = parts["left.npy"]
    with zipfile.ZipFile(copy, "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    with pytest.raises(ValueError, match=r"value\.npy does not have the sha256 of the manifest"):
        load_quality_model(copy)


def test_a_manifest_that_lacks_something(copy):
    rewrite(copy, lambda manifest, parts: manifest.pop("signals"))
    with pytest.raises(ValueError, match="its manifest lacks signals"):
        load_quality_model(copy)


@pytest.mark.parametrize("digests", [None, {}])
def test_a_manifest_without_digests(copy, digests):
    with zipfile.ZipFile(copy) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts["manifest.json"] = json.dumps({**json.loads(parts["manifest.json"]), "sha256": digests}).encode()
    with zipfile.ZipFile(copy, "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    with pytest.raises(ValueError, match="does not list the sha256 of exactly its parts"):
        load_quality_model(copy)


def test_a_language_has_many_names():
    assert quality_score(NATURAL, language="eng_Latn") == quality_score(NATURAL)


def test_a_model_of_another_version(copy):
    with zipfile.ZipFile(copy) as archive:
        manifest = json.loads(archive.read("manifest.json"))
    manifest["format"] = "curate quality model 99"
    with zipfile.ZipFile(copy, "w") as archive:
        archive.writestr("manifest.json", json.dumps(manifest))
    with pytest.raises(ValueError, match="has the format 'curate quality model 99'; this version reads"):
        load_quality_model(copy)


def test_a_model_that_needs_a_signal_we_do_not_measure(copy):
    rewrite(copy, lambda manifest, parts: manifest["signals"].__setitem__(3, "sincerity"))
    with pytest.raises(ValueError, match="does not measure: sincerity: train it again"):
        load_quality_model(copy)


def test_a_forest_whose_nodes_lead_nowhere(copy):
    def change(manifest, parts):
        parts["left.npy"] = parts["left.npy"][:-4] + b"\xff\xff\xff\x7f"
        parts["feature.npy"] = parts["feature.npy"][:-2] + b"\x00\x00"

    rewrite(copy, change)
    with pytest.raises(ValueError, match="the arrays of the forest do not fit together"):
        load_quality_model(copy)


def test_a_classifier_of_another_fasttext_build(copy):
    def change(manifest, parts):
        data = parts["classifier.ftz"]
        parts["classifier.ftz"] = data[:4] + (13).to_bytes(4, "little") + data[8:]

    rewrite(copy, change)
    with pytest.raises(ValueError, match=r"another build of fastText \(file version 13; this one reads 11 and 12\)"):
        load_quality_model(copy)


def test_a_classifier_that_is_none(copy):
    rewrite(copy, lambda manifest, parts: parts.__setitem__("classifier.ftz", b"PK\x03\x04"))
    with pytest.raises(ValueError, match="is not a fastText model"):
        load_quality_model(copy)


def test_a_classifier_with_other_labels(copy):
    _, parts = read_model_file(copy, FORMAT, "")
    with pytest.raises(ValueError, match="has the labels high, low; expected are cc, hq"):
        load_classifier(parts["classifier.ftz"], "it", ("hq", "cc"))


# --- the text that the classifier reads


@given(st.text(), st.integers(0, 50))
def test_prepared_text_is_one_line_of_utf8_and_reads_only_the_head(text, head):
    prepared = prepare(text, head)
    prepared.encode()
    assert not {"\n", "\r"} & set(prepared)
    assert prepared == prepare(text[:head] + "tail", head) or len(text) < head


def test_only_the_head_of_a_text_is_read_for_words():
    assert prepare("word " * HEAD) == prepare("word " * 2 * HEAD)


# --- what it is worth


@functools.cache
def human_labels():
    from quality_models.examples import read_rows

    rows = list(read_rows(QUALITY / "human_labelled_dclm.jsonl.zst"))
    texts = [str(row["text"]) for row in rows]
    return np.array([bool(row["label"]) for row in rows]), texts


@needs_data
def test_human_judgement_is_met_far_better_than_by_length():
    from quality_models.measures import roc_auc

    labels, texts = human_labels()
    reached = roc_auc(labels, np.array([quality_score(text) for text in texts]))
    alone = roc_auc(labels, np.array([float(len(text)) for text in texts]))
    assert reached >= 0.87
    assert reached >= alone + 0.08


@needs_data
def test_scores_mean_what_they_say():
    labels, texts = human_labels()
    scores = np.array([quality_score(text) for text in texts])
    for low, high in ((0, 0.35), (0.65, 1)):
        inside = (scores >= low) & (scores <= high)
        error = 3 * math.sqrt(0.25 / inside.sum())
        assert abs(labels[inside].mean() - scores[inside].mean()) < 0.1 + error


def test_made_up_sides_are_told_apart():
    from quality_models.measures import roc_auc

    rng = random.Random(1)
    texts = [good_text(rng) for _ in range(40)] + [bad_text(rng) for _ in range(40)]
    scores = np.array([quality_score(text) for text in texts])
    assert roc_auc(np.arange(80) < 40, scores) > 0.95
