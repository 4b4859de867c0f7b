"""Files of language models that others made: bombs, and arrays that lead the kernel outside of them."""

from __future__ import annotations

import io
import json
import time

import numpy as np
import pytest
import zstandard

from curate.language.detection import LanguageConfig, detect_language
from curate.language.model import LanguageModel, load_model, save_model

LABELS = ("de", "en", "und", "zxx", "code")


@pytest.fixture
def model(tmp_path):
    """A small model; the function writes it again with some arrays changed."""
    classes = np.zeros(0x110000, np.uint8)
    classes[97:123], classes[200:300] = 1, 2
    ones = np.ones((4, len(LABELS)), np.float32)
    save_model(LanguageModel(LABELS, classes, np.ones((64, 4), np.int8), ones, ones[0], (1.0, 0.0)), tmp_path / "m.zst")
    (tmp_path / "m.zst.sha256").unlink()
    path = tmp_path / "m.zst"
    arrays = dict(np.load(io.BytesIO(zstandard.decompress(path.read_bytes()))))

    def change(**changed):
        buffer = io.BytesIO()
        np.savez(buffer, **{name: array for name, array in {**arrays, **changed}.items() if array is not None})
        path.write_bytes(zstandard.compress(buffer.getvalue()))
        return path

    return change


def about(**changed):
    facts = {"format": "curate language model 1", "labels": LABELS, "sharpness": [1.0, 0.0], **changed}
    return {"about": np.array(json.dumps(facts))}


def test_a_model_is_read_as_it_was_written(model):
    assert 0 <= detect_language("some words", LanguageConfig(model=str(model()))).score <= 1


@pytest.mark.parametrize(
    "changed",
    [
        {"rows": np.ones((4, 63), np.int8)},  # not a power of two: hashes lead outside
        {"rows": np.ones((4, 0), np.int8)},
        {"rows": np.ones((5, 64), np.int8)},
        {"rows": np.ones((4, 64), np.int16)},
        {"weights": np.ones((4, 9), np.float32)},
        {"weights": np.full((4, 5), np.nan, np.float32)},
        {"weights": np.full((4, 5), 1e30, np.float32)},
        {"bias": np.ones(4, np.float32)},
        {"bias": None},
        {"class_edges": np.array([123, 97], np.int32), "class_values": np.zeros(3, np.uint8)},
        {"class_edges": np.array([0x110001], np.int32), "class_values": np.zeros(2, np.uint8)},
        {"class_values": np.zeros(2, np.uint8)},
        {"class_edges": np.array([97], np.int32), "class_values": np.array([0, 3], np.uint8)},
        about(format="another"),
        about(labels=["de", "en"]),
        about(labels=["de", "de", "und", "zxx", "code"]),
        about(labels=["x" * 5000, "en", "und", "zxx", "code"]),
        about(labels=["german", "en", "und", "zxx", "code"]),
        about(labels=[5, "en", "und", "zxx", "code"]),
        about(sharpness=[1.0]),
        about(sharpness=["1", 0]),
        about(sharpness=[float("nan"), 0]),
        {"about": np.array("[" * 100_000)},
        {"about": np.array("5")},
        {"about": np.array([1])},
    ],
)
def test_arrays_that_do_not_fit_are_refused(model, changed):
    with pytest.raises(ValueError, match=r"m\.zst is not a language model that this version reads"):
        load_model(model(**changed))


def test_a_file_that_is_no_frame_or_becomes_gigabytes_is_refused_at_once(model):
    path = model()
    bomb = zstandard.compress(b"\0" * (600 << 20))
    started = time.process_time()
    for data in (b"", b"PK\x03\x04", path.read_bytes()[:-9], path.read_bytes() * 2, bomb):
        path.write_bytes(data)
        with pytest.raises(ValueError, match=r"m\.zst is not a language model"):
            load_model(path)
    assert time.process_time() - started < 3
