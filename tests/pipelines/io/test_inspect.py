"""Columns that no file of a source has are refused before anything runs, with those that are there."""

from __future__ import annotations

import gzip
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.io.inspect import check_columns
from pipelines.io.sources import list_inputs
from pipelines.recipe.errors import RecipeError
from pipelines.recipe.model import Source
from tests.pipelines.conftest import curate

ROW = {"body": "A page.", "meta_id": 3, "metadata": {"licence": "MIT"}}


def write_jsonl(path):
    path.write_text(json.dumps(ROW) + "\n")


FORMATS = {
    "a.jsonl": write_jsonl,
    "a.jsonl.gz": lambda path: path.write_bytes(gzip.compress(json.dumps(ROW).encode())),
    "a.parquet": lambda path: pq.write_table(pa.Table.from_pylist([ROW]), path),
}


def check(folder, **source):
    sources = [Source(str(folder), **source)]
    check_columns(sources, list_inputs(sources))


@pytest.fixture(params=FORMATS)
def folder(request, tmp_path):
    FORMATS[request.param](tmp_path / request.param)
    return tmp_path


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ({"text": "content"}, r"no file of '.*' has the column 'content' of text; known: body, .*meta_id, metadata"),
        ({}, "has the column 'text' of text"),
        ({"text": "bdy"}, "has the column 'bdy' of text; did you mean 'body'"),
    ],
)
def test_a_column_that_no_file_has_is_refused_with_those_that_are_there(folder, source, said):
    with pytest.raises(RecipeError, match=said):
        check(folder, name="web", **source)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ({"id": "metaid"}, "has the column 'metaid' of id; did you mean 'meta_id'"),
        ({"title": "head"}, "has the column 'head' of title"),
        ({"columns": ("licence", "stars")}, "has the column 'stars' of columns"),
    ],
)
def test_other_columns_are_refused_in_tables_and_may_be_rare_in_json_lines(tmp_path, source, said):
    FORMATS["a.jsonl"](tmp_path / "a.jsonl")
    check(tmp_path, name="web", text="body", **source)
    (tmp_path / "a.jsonl").unlink()
    FORMATS["a.parquet"](tmp_path / "a.parquet")
    with pytest.raises(RecipeError, match=said):
        check(tmp_path, name="web", text="body", **source)


def test_columns_that_are_there_are_taken_below_metadata_too(folder):
    check(folder, text="body", id="meta_id", columns=("licence",))


def test_one_file_of_a_source_that_has_a_column_is_enough(folder):
    (folder / "z.jsonl").write_text('{"content": "A page.", "stars": 5}\n')
    check(folder, text="content", columns=("licence", "stars"))


@pytest.mark.parametrize("content", ["", "{\n", "[1]\n", "\n\n", '{"html": "<p>A page."}\n'])
def test_what_cannot_be_read_or_has_html_is_not_refused(tmp_path, content):
    (tmp_path / "a.jsonl").write_text(content)
    check(tmp_path, text="content")


def test_a_later_row_may_have_the_column(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"none": 1}\nbroken\n' + json.dumps(ROW) + "\n")
    check(tmp_path, text="body")


@pytest.mark.parametrize("command", ["plan", "run"])
def test_plan_and_run_refuse_it_in_a_sentence_before_any_work(tmp_path, command):
    write_jsonl(tmp_path / "a.jsonl")
    (tmp_path / "r.yaml").write_text(f"sources: [{{input: {tmp_path}/a.jsonl, text: content}}]\nsteps: [pii]\n")
    done = curate(command, tmp_path / "r.yaml", "--output", tmp_path / "out")
    assert done.returncode == 1
    assert "source 'input': no file of" in done.stderr
    assert "body" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()
