"""A file of `_work` that was damaged between two passes is found when it is read, and made again."""

from __future__ import annotations

from pathlib import Path

import orjson
import pyarrow as pa
import pytest

from pipelines.engine.progress import Task
from pipelines.engine.run import run_recipe
from pipelines.io import sealed, sources
from pipelines.io.tables import TableWriter, read_table
from pipelines.recipe.recipe import load_recipe
from pipelines.steps.base import RunError
from tests.pipelines.conftest import outputs

RECIPE = """
name: sealed
steps:
- extract
- exact_dedup
- minhash_dedup
- line_dedup
- tokenize
- kl_divergence: {min_documents: 5}
- mixture: {by: source, targets: {input: 1.0}, total_tokens: 9000}
"""


class Stopped(Exception):
    """A run that ends before a piece of work."""


def stop(*arguments: object) -> None:
    """Stand in for a function of a step."""
    raise Stopped


def run(arguments: tuple[str, str], output: Path, before: str = "") -> list[str]:
    """Run the recipe, up to a piece of work if one is named; returns what the run said."""
    said: list[str] = []

    def watch(work: Task, function) -> None:
        if before and work.title.startswith(before):
            raise Stopped
        function()

    recipe, pattern = arguments
    run_recipe(load_recipe(recipe, [pattern]), str(output), None, watch, said.append)
    return said


@pytest.fixture(scope="module")
def arguments(tmp_path_factory) -> tuple[str, str]:
    """A recipe, and sixty short texts in four slices with copies and repeated lines among them."""
    folder = tmp_path_factory.mktemp("input")
    (folder / "r.yaml").write_text(RECIPE)
    words = [
        "it",
        "was",
        "the",
        "best",
        "of",
        "times",
        "and",
        "the",
        "worst",
        "of",
        "them",
        "an",
        "age",
        "of",
        "wisdom",
        "or",
        "of",
        "foolishness",
        "as",
        "all",
        "said",
    ]
    for part in range(4):
        rows = []
        for i in range(15):
            n = part * 15 + i - (i == 3) * 15  # the fourth text of a file is that of the file before
            own = " ".join(words[(n * k + k) % len(words)] for k in range(1, 40))
            text = f"{own}\nRead more about this in our newsletter of today"
            rows.append(orjson.dumps({"url": f"http://a.example/{part}/{i}", "text": text, "date": "2026-01-01"}))
        (folder / f"{part}.jsonl").write_bytes(b"\n".join(rows))
    return str(folder / "r.yaml"), f"{folder}/*.jsonl"


@pytest.fixture(autouse=True)
def small_slices(monkeypatch):
    monkeypatch.setattr(sources, "MIN_SLICE_BYTES", 4000)


@pytest.fixture(scope="module")
def undisturbed(arguments, tmp_path_factory) -> dict[str, str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sources, "MIN_SLICE_BYTES", 4000)
        output = tmp_path_factory.mktemp("undisturbed")
        assert run(arguments, output) == []
    return outputs(output)


@pytest.mark.parametrize("before", ["decide exact", "decide line", "pass 2", "decide kl", "pass 3", "shards"])
def test_damaged_files_are_made_again(before, arguments, undisturbed, tmp_path, monkeypatch):
    if before == "decide line":  # in the job that decides exact_dedup and minhash_dedup, too
        with monkeypatch.context() as patch:
            patch.setattr("pipelines.steps.line_dedup._lines", stop)
            with pytest.raises(RunError, match="Stopped"):
                run(arguments, tmp_path)
        assert len(list(tmp_path.glob("_work/00-*/decide-*/manifest.json"))) == 2
    else:
        with pytest.raises(Stopped):
            run(arguments, tmp_path, before)
    work = tmp_path / sealed.WORK
    present = [path for path in sorted(work.rglob("*")) if path.is_file() and path.name != "lock"]
    assert len(present) > 10
    for path in present:
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 0x41
        path.write_bytes(data)
    said = run(arguments, tmp_path)
    assert outputs(tmp_path) == undisturbed
    # a file that is not read again, or is made again together with another one, is not reported
    assert said
    assert all(any(str(path) in sentence for path in present) for sentence in said)


@pytest.mark.parametrize("change", ["cut", "deleted", "emptied", "of another run"])
def test_other_damage(change, arguments, undisturbed, tmp_path):
    with pytest.raises(Stopped):
        run(arguments, tmp_path / "out", "pass 2")
    work = tmp_path / "out" / sealed.WORK
    for path in [*work.glob("00-*/state-00001.parquet"), *work.glob("00-*/slice-00002.json"), *work.rglob("block-*")]:
        data = path.read_bytes()
        if change == "deleted":
            path.unlink()
        else:
            path.write_bytes({"cut": data[:-30], "emptied": b"", "of another run": data.replace(b"0", b"1")}[change])
    assert run(arguments, tmp_path / "out")
    assert outputs(tmp_path / "out") == undisturbed
    (said,) = run(arguments, tmp_path / "out")
    assert said.endswith("is finished, and all of its files are intact")


def test_a_sealed_table_reads_as_it_was_written(tmp_path):
    path, rows = str(tmp_path / "table.parquet"), list(range(10_000))
    with TableWriter(path, pa.schema([("n", pa.int64())])) as table:
        for n in rows:
            table.append([n])
    assert read_table(path)["n"].to_pylist() == rows
    whole = Path(path).read_bytes()
    for at in (0, len(whole) // 2, len(whole) - 30, len(whole) - 10, len(whole) - 1):
        Path(path).write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(sealed.DamagedFile, match=r"table.parquet has changed since it was written"):
            read_table(path)
    Path(path).unlink()
    with pytest.raises(sealed.DamagedFile, match=r"table.parquet is missing"):
        read_table(path)


def test_what_is_read_of_a_sealed_file_ends_before_the_seal(tmp_path):
    path = str(tmp_path / "f")
    with sealed.write(path) as f:
        f.write(b"0123456789")
    with sealed.open_read(path) as f:
        assert (f.read(3), f.read(100), f.read(), f.seek(-4, 2), f.read(2), f.seek(1, 1), f.read()) == (
            *(b"012", b"3456789", b"", 6, b"67", 9, b"9"),
        )
