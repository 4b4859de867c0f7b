"""A finished output that is damaged or holds files of others: what verify says of it, and what the next run does."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from curate.tokens.megatron import index_lengths, megatron_index
from pipelines.cli import main
from pipelines.engine.run import run_recipe
from pipelines.engine.runners import RunError
from pipelines.io import files
from pipelines.io.tables import TABLES
from pipelines.recipe.model import Recipe
from pipelines.recipe.recipe import parse_recipe
from pipelines.result.output import Finding, Fix, NotAnOutputError, leftovers, sizes_agree
from pipelines.result.verify import verify

STEPS = """steps:
  - language: {min_score: 0.2}
  - heuristics: {presets: [c4@tfds]}
  - url_dedup
  - tokenize
output: {bytes_per_shard: 3000}
"""
ATTEMPT = ".host-17-140233.incomplete"


def recipe(folder: Path) -> Recipe:
    return parse_recipe(STEPS, "small.yaml", [str(folder / "pages.jsonl")])


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A folder with an input, and in ``out`` its finished run: several shards, rejections by two rules."""
    folder = tmp_path_factory.mktemp("verify")
    sentence = "The ferry to the island leaves at seven, and whoever misses it waits for the one that goes at noon. "
    pages = [{"text": f"{sentence * 3}That was day {i}.", "url": f"http://example.org/{i // 2}"} for i in range(60)]
    pages += [{"text": f"The ferry to the island leaves at {i}.", "url": f"http://example.net/{i}"} for i in range(5)]
    (folder / "pages.jsonl").write_text("".join(json.dumps(page) + "\n" for page in pages))
    run_recipe(recipe(folder), str(folder / "out"))
    assert sorted(p.parent.name for p in (folder / "out").glob("*/part*")).count("documents") > 1
    return folder


@pytest.fixture
def out(made: Path) -> Iterator[Path]:
    """A finished output, and the same again after the test."""
    kept = made / "kept"
    shutil.copytree(made / "out", kept)
    yield made / "out"
    shutil.rmtree(made / "out")
    kept.rename(made / "out")


def contents(out: Path) -> dict[str, bytes]:
    """Every file of a result."""
    found = [p for p in out.rglob("*") if p.is_file() and "_work" not in p.parts]
    return {str(p.relative_to(out)): p.read_bytes() for p in found}


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def become_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def run_again(made: Path) -> list[str]:
    """Run the recipe into the output again; returns what is said."""
    said: list[str] = []
    run_recipe(recipe(made), str(made / "out"), say=said.append)
    return said


def paths(findings: list[Finding]) -> list[str]:
    return [finding.path for finding in findings]


def test_an_output_verifies_wherever_it_is_moved_and_without_its_work(out, tmp_path):
    assert verify(str(out)) == []
    shutil.copytree(out, tmp_path / "moved", ignore=shutil.ignore_patterns("_work"))
    assert verify(str(tmp_path / "moved")) == []


def test_a_flipped_byte_in_any_file_is_found_and_made_again(out, made):
    whole = contents(out)
    assert {path.partition("/")[0] for path in whole} >= {*TABLES, "inputs.json", "manifest.json", "report.html"}
    for path in whole:
        flip(out / path)
        assert paths(verify(str(out))) == [path]
        said = run_again(made)
        assert [sentence.partition(": ")[0] for sentence in said] == [str(out / path), f"{out} has damaged files"]
        assert contents(out) == whole, path
        assert verify(str(out)) == []


@pytest.mark.parametrize("damage", [truncate, Path.unlink, flip])
def test_each_damaged_file_is_named_and_all_are_made_again_together(out, made, damage):
    whole = contents(out)
    for path in whole:
        saved = (out / path).read_bytes()
        damage(out / path)
        (finding,) = verify(str(out))
        assert (finding.path, finding.fix) == (path, Fix.REPAIR)
        (out / path).write_bytes(saved)
    for path in whole:
        damage(out / path)
    run_recipe(recipe(made), str(out))
    assert contents(out) == whole


def test_any_changed_byte_of_the_manifest_shows(out):
    data = (out / "manifest.json").read_bytes()
    lines = data.split(b"\n")
    by_hand = hashlib.sha256(b"\n".join(lines[:1] + lines[2:])).hexdigest()  # sed 2d manifest.json | sha256sum
    assert orjson.loads(data)["sha256"] == by_hand
    for i in [*range(100), *range(100, len(data), 17)]:
        (out / "manifest.json").write_bytes(data[:i] + bytes([data[i] ^ 1]) + data[i + 1 :])
        with pytest.raises(files.DamagedError):
            files.read_checked_json(str(out / "manifest.json"))


def test_the_manifest_does_not_depend_on_how_the_input_is_split(out, made, tmp_path):
    lines = (made / "pages.jsonl").read_text().splitlines(keepends=True)
    for i in range(3):
        (tmp_path / f"{i}.jsonl").write_text("".join(lines[i::3]))
    split = parse_recipe(STEPS, "small.yaml", [str(tmp_path / "*.jsonl")])
    run_recipe(split, str(tmp_path / "out"))
    assert (tmp_path / "out" / "manifest.json").read_bytes() == (out / "manifest.json").read_bytes()
    assert verify(str(tmp_path / "out")) == []


def test_files_of_others_are_named_and_stay(out, made):
    whole = contents(out)
    (out / "documents" / "notes").mkdir()
    strange = [
        "documents/notes/part-00000-of-00001.parquet",
        "documents/part-00000-of-00001.parquet.bak",
        "tokens/thesis.incomplete",
    ]
    for path in strange:
        (out / path).write_text("Years of work")
    (out / "notes.txt").write_text("beside the tables, where everybody may write")
    findings = verify(str(out))
    assert sorted(paths(findings)) == strange
    assert {finding.fix for finding in findings} == {Fix.MOVE}
    said = run_again(made)
    assert all(any(str(out / path) in sentence for sentence in said) for path in strange)
    assert all((out / path).read_text() == "Years of work" for path in strange)
    assert {path: data for path, data in contents(out).items() if path in whole} == whole
    flip(out / "report.html")  # now it would have to be written again, over what others have there
    with pytest.raises(RunError, match="was not written by curate"):
        run_recipe(recipe(made), str(out))


def test_a_part_of_another_run_is_found_and_goes(out, made):
    whole = contents(out)
    shutil.copy(next((out / "documents").iterdir()), out / "documents" / "part-00007-of-00009.parquet")
    assert paths(verify(str(out))) == ["documents/part-00007-of-00009.parquet"]
    run_recipe(recipe(made), str(out))
    assert contents(out) == whole


def test_what_dead_attempts_left_is_deleted_by_the_next_run(out, made):
    (pass_,) = (out / "_work").glob("00-*")
    left = [
        out / f"manifest.json{ATTEMPT}",
        out / "documents" / f"part-00000-of-00001.parquet{ATTEMPT}",
        pass_ / f"state-00000.parquet{ATTEMPT}",
        out / "_work" / f"finished.json{ATTEMPT}",
    ]
    others = [out / f"thesis.txt{ATTEMPT}", out / "film.incomplete", pass_ / "film.incomplete"]
    for path in (*left, *others):
        path.write_text("half")
    findings = verify(str(out))
    assert sorted(paths(findings)) == sorted(str(path.relative_to(out)) for path in left)
    assert {finding.fix for finding in findings} == {Fix.SWEEP}
    with files.locked(str(out / "_work")), pytest.raises(BlockingIOError):  # they may be of the run that has the lock
        run_recipe(recipe(made), str(out))
    assert all(path.exists() for path in left)
    run_recipe(recipe(made), str(out))
    assert not any(path.exists() for path in left)
    assert all(path.exists() for path in others)
    for path in left:
        path.write_text("half")
    (out / "_work" / "finished.json").unlink()  # the run is not finished, and goes on
    run_recipe(recipe(made), str(out))
    assert leftovers(str(out)) == []


def rewrite(out: Path, path: str, data: bytes, rows: int) -> None:
    """Change a file and the manifest with it, as no damage does."""
    (out / path).write_bytes(data)
    manifest = orjson.loads((out / "manifest.json").read_bytes())
    del manifest["sha256"]
    entry = next(e for e in manifest["files"] if e["path"] == path)
    entry |= {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    if "rows" in entry:
        entry["rows"] = rows
    files.write_checked_json(str(out / "manifest.json"), manifest)


def parquet(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    return sink.getvalue().to_pybytes()


def first(out: Path, table: str) -> tuple[str, pa.Table]:
    path = sorted((out / table).glob("*.parquet"))[0]
    return f"{table}/{path.name}", pq.read_table(path)


@pytest.mark.parametrize("table", ["rejected", "documents", "tokens"])
def test_a_row_too_few_is_found_though_every_digest_is_right(out, table):
    path, rows = first(out, table)
    rewrite(out, path, parquet(rows.slice(1)), len(rows) - 1)
    findings = verify(str(out))
    assert findings
    assert table in paths(findings)
    assert "manifest.json" not in paths(findings)


def test_rejections_by_another_rule_are_found(out):
    path, rows = first(out, "rejected")
    rules = pc.replace_substring(rows["rule"], "older_copy", "old_copy")
    rewrite(out, path, parquet(rows.set_column(rows.column_names.index("rule"), "rule", rules)), len(rows))
    assert [str(finding).partition(";")[0] for finding in verify(str(out))] == [
        "rejected: 30 rows of url_dedup/old_copy, but 0 in report.json",
        "rejected: 0 rows of url_dedup/older_copy, but 30 in report.json",
    ]


def test_a_funnel_that_does_not_add_up_is_found(out):
    report = orjson.loads((out / "report.json").read_bytes())
    report["steps"][1]["kept"] -= 1
    rewrite(out, "report.json", orjson.dumps(report), 0)
    assert "read 65 documents, but kept 64 and rejected 0" in str(verify(str(out))[0])


def test_an_index_that_is_not_of_its_tokens_is_found(out):
    (path,) = (out / "megatron").glob("*.idx")
    lengths = [1, *index_lengths(path.read_bytes())[0].tolist()[1:]]
    rewrite(out, f"megatron/{path.name}", megatron_index(lengths, "uint16"), len(lengths))
    assert paths(verify(str(out))) == [f"megatron/{path.stem}.bin"]
    rewrite(out, f"megatron/{path.name}", b"MMIDIDX", 1)
    assert paths(verify(str(out))) == [f"megatron/{path.name}"]


def test_a_table_that_is_not_one_is_found(out):
    path, _ = first(out, "rejected")
    for data in (b"PAR1 but no more", parquet(pa.table({"id": ["a"]}))):
        rewrite(out, path, data, 1)
        assert paths(verify(str(out))) == [path]


@pytest.mark.parametrize("path", ["../../pages.jsonl", "/etc/passwd", "documents/../../pages.jsonl", "documents/x"])
def test_a_manifest_that_lists_files_outside_is_not_believed(out, path):
    manifest = orjson.loads((out / "manifest.json").read_bytes())
    del manifest["sha256"]
    manifest["files"][0]["path"] = path
    files.write_checked_json(str(out / "manifest.json"), manifest)
    assert paths(verify(str(out))) == ["manifest.json"]


def test_a_folder_where_a_file_should_be_is_missing_it(out, made):
    path, _ = first(out, "documents")
    become_a_folder(out / path)
    become_a_folder(out / "report.html")
    assert sorted(paths(verify(str(out)))) == sorted([path, "report.html"])
    with pytest.raises(IsADirectoryError):  # it may be of anybody: it is not deleted
        run_recipe(recipe(made), str(out))
    assert (out / path).is_dir()


def test_what_no_run_wrote_is_no_output(tmp_path):
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(NotAnOutputError, match=r"it has no manifest\.json"):
            verify(str(folder))
    (tmp_path / "manifest.json").write_text('{"name": "my web app"}')
    with pytest.raises(NotAnOutputError, match="is not curate's"):
        verify(str(tmp_path))


def test_plan_looks_at_the_sizes(out):
    assert sizes_agree(str(out))
    (out / "report.html").write_text("")
    assert not sizes_agree(str(out))


def test_verify_on_the_command_line(out, tmp_path):
    done = CliRunner().invoke(main, ["verify", str(out)])
    assert (done.exit_code, done.output.count("\n")) == (0, 1)
    flip(out / "report.html")
    path, _ = first(out, "documents")
    truncate(out / path)
    done = CliRunner().invoke(main, ["verify", str(out)])
    assert done.exit_code == 1
    again = "run the same command again, which repairs it"
    assert done.output.splitlines()[1] == f"report.html: damaged, its SHA-256 is not the one in manifest.json; {again}"
    assert done.output.splitlines()[0].startswith(f"{path}: ")
    done = CliRunner().invoke(main, ["verify", str(tmp_path)])
    assert done.exit_code == 2
    assert "is not the output of a run" in done.output


@pytest.mark.parametrize("path", ["report.json", "manifest.json"])
def test_the_report_of_a_damaged_output_is_not_shown(out, path):
    """Not even where what was changed is a digit, and all of it can be read."""
    data = (out / path).read_bytes()
    (out / path).write_bytes(data.replace(b'"tokens": ', b'"tokens": 1'))
    done = CliRunner().invoke(main, ["report", str(out)])
    assert isinstance(done.exception, SystemExit), done.exception
    assert str(done.exception.code).startswith(f"curate: {out / path}: ")
    assert "with the same arguments again" in str(done.exception.code)


def test_a_damaged_note_that_the_run_ended_makes_it_end_again(out, made):
    whole = contents(out)
    flip(out / "_work" / "finished.json")
    run_recipe(recipe(made), str(out))
    assert contents(out) == whole


def test_a_run_over_a_whole_output_says_so(out, made):
    assert run_again(made) == [f"{out} is finished, and all of its files are intact"]
