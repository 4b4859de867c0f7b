"""What somebody does who installs curate and has a filter, a reader, columns and a tokenizer of their own."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tests.pipelines.conftest import outputs


def rows(folder: Path, table: str) -> list[dict]:
    return [row for path in sorted((folder / table).glob("*.parquet")) for row in pq.read_table(path).to_pylist()]


def test_a_recipe_with_modules_of_ones_own(curate, project):
    done = curate(project, "run", "recipe.yaml", "--output", "out", "--workers", "2")
    assert done.returncode == 0, done.stderr
    documents = rows(project / "out", "documents")
    texts = {text for text in json.loads((project / "expected.json").read_text()) if text.count("casino") <= 2}
    assert {row["text"] for row in documents} == texts
    schema = pq.read_table(project / "out" / "documents").schema
    assert [schema.field(name).type for name in ("licence", "votes", "source_id")] == [pa.string()] * 3
    assert {(row["source_id"], row["licence"]) for row in documents} <= {
        (str(i), "CC0" if i % 2 else "MIT") for i in range(60)
    }
    assert {row["rule"] for row in rows(project / "out", "rejected")} == {"no_casino"}
    import sentencepiece

    model = sentencepiece.SentencePieceProcessor(model_file=str(project / "own.model"))
    by_id = {row["id"]: row["text"] for row in documents}
    for row in rows(project / "out", "tokens"):
        assert row["input_ids"] == [*model.encode(by_id[row["id"]]), model.eos_id()]


def test_an_edited_module_is_run_again(curate, project):
    assert curate(project, "run", "recipe.yaml", "--output", "out").returncode == 0
    before = len(rows(project / "out", "documents"))
    (project / "words.py").write_text('UNWANTED = ["casino", "valley"]\n')
    planned = curate(project, "plan", "recipe.yaml", "--output", "out", "--no-estimate")
    assert "code: words changed" in planned.stdout
    assert curate(project, "run", "recipe.yaml", "--output", "out", "--workers", "2").returncode == 0
    after = rows(project / "out", "documents")
    assert 0 < len(after) < before
    assert all(row["text"].lower().count("valley") + row["text"].count("casino") <= 2 for row in after)


@contextmanager
def worker_pool(python: str, where: Path) -> Iterator[str]:
    """Start processes for Beam's workers, as on a cluster, in another folder; yields the options that use them."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    environment["PATH"] = f"{Path(python).parent}{os.pathsep}{environment['PATH']}"  # a worker is the `python` there
    command = [python, "-m", "apache_beam.runners.worker.worker_pool_main", f"--service_port={port}"]
    pool = subprocess.Popen(
        [*command, "--container_executable="], cwd=where, env=environment, stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 60
        while True:
            with suppress(OSError), socket.create_connection(("localhost", port), timeout=1):
                break
            assert time.monotonic() < deadline
            time.sleep(0.1)
        external = f"--environment_type=EXTERNAL --environment_config=localhost:{port}"
        yield f"--runner=PortableRunner --job_endpoint=embed {external}"
    finally:
        pool.terminate()
        pool.wait()


def test_workers_that_do_not_have_the_modules_get_them(curate, project, tmp_path_factory):
    assert curate(project, "run", "recipe.yaml", "--output", "out").returncode == 0
    with worker_pool(curate.python, tmp_path_factory.mktemp("elsewhere")) as options:
        done = curate(project, "run", "recipe.yaml", "--output", "portable", "--", *options.split())
    assert done.returncode == 0, done.stderr
    assert outputs(project / "portable") == outputs(project / "out")


def test_the_documentation_and_the_recipes_are_in_the_wheel(curate, tmp_path):
    assert "recipes" in curate(tmp_path, "docs").stdout
    assert curate(tmp_path, "docs", "extending").stdout.startswith("# Extending curate")
    (tmp_path / "mine.yaml").write_text(curate(tmp_path, "recipe", "llama3").stdout)
    (tmp_path / "a.txt").write_text("A page.")
    done = curate(tmp_path, "plan", "mine.yaml", "--input", "a.txt", "--no-estimate")
    assert done.returncode == 0, done.stderr


def test_another_package_of_the_same_name_is_named(curate, tmp_path):
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "pipelines" / "__init__.py").touch()
    done = curate(tmp_path, "--version", PYTHONPATH=".")
    assert done.returncode == 1
    assert "another package 'pipelines'" in done.stderr
    assert "Traceback" not in done.stderr
