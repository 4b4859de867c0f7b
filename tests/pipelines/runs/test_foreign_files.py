"""Sketches and models of others in a run: an error of one sentence that names the file, and no traceback."""

from __future__ import annotations

import json
import struct

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xxhash

from curate.dedup.sketch import Sketch
from curate.models.model_file import read_model_file, write_model_file
from curate.quality.model import FORMAT
from curate.quality.scoring import ENGLISH
from curate.tokens.tokenizers import load_tokenizer
from tests.pipelines.conftest import curate

TEXTS = [f"Page {i} tells of the {i * i} ships that came into the harbour in that year." for i in range(5)]


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "in.jsonl"
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in TEXTS))
    return path


def fails(source, step, setting):
    """Run a recipe of one step and return the error it ends with."""
    recipe = source.with_name("recipe.yaml")
    recipe.write_text(f"name: r\nsteps:\n  - {step}\n")
    out = source.with_name("out")
    ended = curate("run", recipe, "--input", source, "--output", out, "--set", setting)
    assert ended.returncode == 1, ended.stdout
    assert "Traceback" not in ended.stderr
    assert not (out / "documents").exists()
    (error,) = [line for line in ended.stderr.splitlines() if line.startswith("curate: ")]
    return error


def test_an_index_with_keys_of_another_size(source, tmp_path):
    Sketch.of(TEXTS, [f"{i:032x}" for i in range(5)], [0] * 5).save(tmp_path / "theirs")
    part = tmp_path / "theirs" / "part-00000.parquet"
    table = pq.read_table(part)
    pq.write_table(table.set_column(3, "bands", pa.array([b"x" * 8] * 5, pa.binary())), part, use_dictionary=False)
    described = json.loads((tmp_path / "theirs" / "sketch.json").read_text())
    described["parts"][0]["xxh3"] = xxhash.xxh3_64_hexdigest(part.read_bytes())
    (tmp_path / "theirs" / "sketch.json").write_text(json.dumps(described))
    index = f"steps.minhash_dedup.index=[{tmp_path / 'theirs'}]"
    assert "part-00000.parquet is not a part of a sketch: its column bands has" in fails(source, "minhash_dedup", index)


def test_a_model_whose_digests_fit_and_whose_numbers_do_not(source, tmp_path):
    path = tmp_path / "theirs.zip"
    manifest, parts = read_model_file(ENGLISH, FORMAT, "")
    del manifest["format"]
    damaged = bytearray(parts["classifier.ftz"])
    struct.pack_into("<i", damaged, 40, 2**30)  # the number of buckets, by which the library finds rows
    write_model_file(path, FORMAT, manifest, {**parts, "classifier.ftz": bytes(damaged)})
    error = fails(source, "quality", f"steps.quality.model={path}")
    assert "quality: classifier.ftz in" in error
    assert "theirs.zip is damaged, or not a fastText classifier" in error


def test_a_tokenizer_that_kills_the_process(source, tmp_path):
    spec = json.loads(load_tokenizer().to_json())
    spec["normalizer"] = {"type": "Precompiled", "precompiled_charsmap": "//////////8="}
    (tmp_path / "theirs.json").write_text(json.dumps(spec))
    error = fails(source, "tokenize", f"steps.tokenize.tokenizer={tmp_path / 'theirs.json'}")
    assert "theirs.json cannot be used with tokenizers: it kills the process that scores texts with it" in error
