"""The same bytes from a real engine: Flink, embedded in Beam's job server (`make test-flink`)."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

import apache_beam as beam
import numpy as np
import pytest

from pipelines.engine.runners import Runner
from pipelines.io import files
from tests.pipelines.conftest import curate, outputs, run
from tests.pipelines.deadly import KILLED, arguments, deadly, killed
from tests.pipelines.portable import environment_of, other_version, worker_pool
from tests.runners.fetch import Absent, may_fetch
from tests.runners.flink_server import FlinkError, job_server

__all__ = ["arguments", "deadly"]  # fixtures
pytestmark = pytest.mark.flink


@pytest.fixture(scope="module")
def flink():
    """A job server; where there can be none, the reason without a traceback."""
    with ExitStack() as stack:
        why = ""
        try:
            server = stack.enter_context(job_server())
        except FlinkError as e:
            why = str(e)
            if isinstance(e, Absent) and not may_fetch():
                pytest.skip(why)
        if why:
            pytest.fail(why, pytrace=False)
        yield server


@dataclass(frozen=True, slots=True)
class Part:
    """An element of the kind that our pipelines begin with: which files to read, not what is in them."""

    index: int
    size: int
    groups: tuple[str, ...]


class WriteBlocks(beam.PTransform):
    """What a corpus step does: small facts and blocks of bytes per slice, a side input, groups, a file per group."""

    def __init__(self, folder: str) -> None:
        super().__init__()
        self.folder = folder

    def expand(self, parts):
        sizes = (
            parts
            | "Sizes" >> beam.FlatMap(_sizes).with_output_types(tuple[str, int])
            | "Sum" >> beam.CombinePerKey(sum)
        )
        _ = sizes | "OneTable" >> beam.combiners.ToList() | "WriteTable" >> beam.Map(_write_table, self.folder)
        return (
            parts
            | "Blocks" >> beam.FlatMap(_blocks, beam.pvalue.AsDict(sizes)).with_output_types(tuple[str, bytes])
            | "Groups" >> beam.GroupByKey()
            | "WriteGroups" >> beam.MapTuple(partial(_write_group, folder=self.folder))
        )


def _sizes(part: Part) -> Iterator[tuple[str, int]]:
    for group in part.groups:
        yield group, part.size


def _blocks(part: Part, sizes: dict[str, int]) -> Iterator[tuple[str, bytes]]:
    for group in part.groups:
        yield group, np.arange(part.index, part.index + sizes[group], dtype=np.uint64).tobytes()


def _write_group(group: str, blocks: Iterable[bytes], folder: str) -> None:
    with files.atomic_write(files.join(folder, f"{group}.bin")) as f:
        f.write(np.sort(np.frombuffer(b"".join(blocks), np.uint64)).tobytes())


def _write_table(sizes: list[tuple[str, int]], folder: str) -> None:
    files.write_json(files.join(folder, "sizes.json"), dict(sorted(sizes)))


def contents(folder):
    return {p.name: p.read_bytes() for p in folder.iterdir()}


def test_a_transform_that_shuffles_blocks_writes_the_same_files(flink, tmp_path):
    parts = [Part(i, 10 + i, ("en", "de") if i % 2 else ("en", "日本語")) for i in range(7)]
    for name, runner in {"memory": Runner(), "flink": Runner(beam_options=flink.options)}.items():
        (tmp_path / name).mkdir()
        with runner.pipeline() as p:
            _ = p | beam.Create(parts) | beam.Reshuffle() | WriteBlocks(str(tmp_path / name))
    expected = contents(tmp_path / "memory")
    assert sorted(expected) == ["de.bin", "en.bin", "sizes.json", "日本語.bin"]
    assert contents(tmp_path / "flink") == expected


def test_the_sample_recipe_gives_the_same_bytes_on_flink(flink, tmp_path):
    expected = outputs(run(tmp_path / "memory"))
    assert {name.split("/")[0] for name in expected} >= {"documents", "tokens", "rejected", "signals", "report.json"}
    jobs = flink.jobs()
    try:
        found = outputs(run(tmp_path / "flink", "--", *flink.options))
    except (AssertionError, subprocess.TimeoutExpired) as e:
        e.add_note(f"The job server's last words:\n{flink.last_words()}")
        raise
    assert found == expected
    assert jobs < flink.jobs() <= jobs + 5


def test_flink_without_parallelism_is_refused(flink, tmp_path):
    options = [option for option in flink.options if "parallelism" not in option]
    jobs = flink.jobs()
    done = curate("run", "llama3", "--input", __file__, "--output", tmp_path / "out", "--", *options)
    assert done.returncode == 1
    assert done.stderr.startswith("curate: without --parallelism, Flink runs one piece of work at a time")
    assert flink.jobs() == jobs


def test_a_worker_with_another_version_stops_the_run_with_a_sentence(flink, arguments, tmp_path):
    options = [option for option in flink.options if "environment" not in option]
    with worker_pool(environment_of(other_version(tmp_path / "other"))) as port:
        external = ["--environment_type=EXTERNAL", f"--environment_config=localhost:{port}"]
        done = curate(*arguments, "--output", tmp_path / "out", "--", *options, *external)
    assert done.returncode == 1
    assert "has another version of curate than" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_page_that_kills_its_worker_costs_that_page(flink, deadly, arguments, tmp_path):
    """Flink gives a job up whose worker died; the run sends it again, and the slice runs in a process that may die."""
    options = [option for option in flink.options if "environment" not in option]
    with worker_pool({**environment_of(), "PYTHONPATH": deadly["PYTHONPATH"]}) as port:
        external = ["--environment_type=EXTERNAL", f"--environment_config=localhost:{port}"]
        done = curate(*arguments, "--output", tmp_path / "out", "--", *options, *external)
    assert done.returncode == 0, done.stdout + done.stderr + flink.last_words()
    assert "a worker process died" in done.stderr
    assert killed(tmp_path / "out") == KILLED
