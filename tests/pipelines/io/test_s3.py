"""S3: a moto server on loopback, with real requests and real processes."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.io import files, s3, s3_lock
from tests.pipelines.conftest import ROOT, TABLES, curate, outputs
from tests.pipelines.portable import environment_of, free_port, job_service, listening, worker_pool
from tests.pipelines.small import english, write_rows

boto3 = pytest.importorskip("boto3")
pytest.importorskip("moto")
RECIPE = "name: tiny\nsteps: [exact_dedup, tokenize]\n"
#: Moto, with connections that stay open, as those of S3 do.
SERVER = """
import sys
from moto.server import main
from werkzeug.serving import WSGIRequestHandler
WSGIRequestHandler.protocol_version = "HTTP/1.1"
main(["-H", "127.0.0.1", "-p", sys.argv[1]])
"""


@pytest.fixture(scope="module")
def server() -> Iterator[dict[str, str]]:
    """The environment variables that lead to a server."""
    port = free_port()
    with listening([sys.executable, "-c", SERVER, str(port)], port, environment_of()):
        yield {
            "AWS_ACCESS_KEY_ID": "x",
            "AWS_SECRET_ACCESS_KEY": "x",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{port}",
        }


@pytest.fixture
def bucket(server, monkeypatch, request) -> Iterator[str]:
    """An empty bucket, for this process and those that it starts."""
    for name, value in server.items():
        monkeypatch.setenv(name, value)
    s3._client.cache_clear()
    s3._check_bucket.cache_clear()
    name = "b" + str(abs(hash(request.node.name)))
    s3.client().create_bucket(Bucket=name)
    yield f"s3://{name}"
    s3._client.cache_clear()
    s3._check_bucket.cache_clear()


def requests_of(monkeypatch) -> list[str]:
    """Return a list that grows with each request of this process: its operation."""
    made: list[str] = []
    s3.client().meta.events.register("before-call.s3", lambda model, **more: made.append(model.name))
    return made


def test_small_files(bucket):
    path = files.join(bucket, "a", "x.json")
    assert not files.exists(path)
    assert files.size(path) == -1
    with pytest.raises(FileNotFoundError):
        files.read_bytes(path)
    files.write_json(path, {"a": 1})
    assert files.read_json(path) == {"a": 1}
    assert files.size(path) == len(files.read_bytes(path))
    for name in ("a/y.json", "a/b/z.json", "ab/w.json"):
        files.write_json(files.join(bucket, name), {})
    assert files.names(files.join(bucket, "a")) == ["x.json", "y.json"]
    below = [f"{bucket}/a/{name}" for name in ("b/z.json", "x.json", "y.json")]
    assert [f.path for f in files.within(f"{bucket}/a", "**")] == below
    assert [f.path for f in files.match(f"{bucket}/a*/*.json")] == [
        f"{bucket}/{n}" for n in ("a/x.json", "a/y.json", "ab/w.json")
    ]
    assert [f.path for f in files.match(f"{bucket}/a")] == below
    files.delete([f"{bucket}/a", f"{bucket}/none"])
    assert [f.path for f in files.match(bucket)] == [f"{bucket}/ab/w.json"]


def test_an_empty_file_is_written_and_read(bucket):
    with files.atomic_write(f"{bucket}/empty"):
        pass
    assert files.size(f"{bucket}/empty") == 0
    assert files.read_bytes(f"{bucket}/empty") == b""
    with files.open_read(f"{bucket}/empty") as f:
        assert f.seek(0, 2) == 0


def test_parts_of_a_large_file_are_read_alone(bucket, monkeypatch):
    data = os.urandom(40_000_000)
    with files.atomic_write(f"{bucket}/large") as f:
        for start in range(0, len(data), 300_000):
            f.write(data[start : start + 300_000])
    made = requests_of(monkeypatch)
    with files.open_read(f"{bucket}/large") as f:
        f.seek(30_000_000)
        assert f.read(1000) == data[30_000_000:30_001_000]
        assert made == ["GetObject"]
        f.seek(-10, 2)
        assert f.read() == data[-10:]
        f.seek(0)
        assert f.read() == data
    assert len(made) < 12
    table = pa.table({"n": range(1000)})
    with files.atomic_write(f"{bucket}/t.parquet") as f:
        pq.write_table(table, f)
    made.clear()
    with files.open_read(f"{bucket}/t.parquet") as f:
        assert pq.read_table(f) == table
    assert made == ["GetObject"]  # a small file is read once


def test_a_file_that_changes_while_it_is_read_is_an_error(bucket):
    with files.atomic_write(f"{bucket}/f") as f:
        f.write(bytes(20_000_000))
    with files.open_read(f"{bucket}/f") as f:
        f.read(10)
        with files.atomic_write(f"{bucket}/f") as g:
            g.write(b"1" * 20_000_000)
        with pytest.raises(OSError, match="changed meanwhile"):
            f.read()


def test_an_upload_that_fails_leaves_nothing(bucket):
    def failing():
        with files.atomic_write(f"{bucket}/f") as f:
            f.write(bytes(30_000_000))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        failing()
    assert not files.exists(f"{bucket}/f")
    assert files.unfinished(bucket) == []


def fresh(*arguments, **environment) -> subprocess.CompletedProcess:
    return curate(*arguments, env={**environment_of(), **environment})


def test_problems_are_said_in_seconds(bucket, tmp_path):
    (tmp_path / "r.yaml").write_text(RECIPE)
    run = ["run", tmp_path / "r.yaml", "--output", tmp_path / "out", "--input"]
    begun = time.monotonic()
    none = fresh(*run, "s3://no-such-bucket/x/*")
    assert none.stderr == "curate: s3://no-such-bucket: there is no such bucket; create it or check the name\n"
    away = fresh(*run, f"{bucket}/x/*", AWS_ENDPOINT_URL_S3="http://127.0.0.1:1")
    assert away.stderr.startswith("curate: http://127.0.0.1:1: no answer from the object store")
    nobody = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_EC2_METADATA_DISABLED": "true"}
    unknown = fresh(*run, f"{bucket}/x/*", **nobody, HOME=str(tmp_path))
    assert unknown.stderr.startswith(f"curate: {bucket}: no credentials of AWS; set AWS_ACCESS_KEY_ID")
    assert {none.returncode, away.returncode, unknown.returncode} == {1}
    assert time.monotonic() - begun < 60


@pytest.fixture
def pages(bucket, tmp_path) -> str:
    rows = write_rows(tmp_path / "pages.jsonl", english(200))
    with files.atomic_write(f"{bucket}/in/pages.jsonl") as f:
        f.write(rows.read_bytes())
    (tmp_path / "r.yaml").write_text(RECIPE)
    return f"{bucket}/in/*"


def fetched(bucket, tmp_path) -> dict[str, str]:
    """The digests of a result on S3, without what names its inputs."""
    for found in files.match(f"{bucket}/out"):
        if "/_work/" not in found.path:
            copy = tmp_path / "fetched" / found.path.removeprefix(f"{bucket}/out/")
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(files.read_bytes(found.path))
    return {name: digest for name, digest in outputs(tmp_path / "fetched").items() if name.split("/")[0] in TABLES}


def test_a_killed_run_continues_to_the_same_bytes(bucket, pages, tmp_path):
    (tmp_path / "local").mkdir()
    local = curate("run", tmp_path / "r.yaml", "--input", tmp_path / "pages.jsonl", "--output", tmp_path / "local")
    assert local.returncode == 0, local.stderr
    arguments = ["run", str(tmp_path / "r.yaml"), "--input", pages, "--output", f"{bucket}/out"]
    killed = subprocess.Popen([sys.executable, "-m", "pipelines", *arguments], cwd=ROOT, stderr=subprocess.DEVNULL)
    while not files.exists(f"{bucket}/out/_work/lock"):
        time.sleep(0.01)
    killed.send_signal(signal.SIGSTOP)
    second = curate(*arguments)
    assert second.returncode == 1
    assert f"another run, process {killed.pid} on " in second.stderr
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    done = curate(*arguments)  # takes the lock of a process that is gone
    assert done.returncode == 0, done.stderr
    assert not files.exists(f"{bucket}/out/_work/lock")
    expected = {name: d for name, d in outputs(tmp_path / "local").items() if name.split("/")[0] in TABLES}
    assert fetched(bucket, tmp_path) == expected


def test_workers_on_an_object_store_need_no_shared_file_system(bucket, pages, tmp_path):
    with job_service() as service, worker_pool({**environment_of()}) as pool:
        options = service.options(pool)
        done = curate("run", tmp_path / "r.yaml", "--input", pages, "--output", f"{bucket}/out", "--", *options)
    assert done.returncode == 0, done.stderr
    assert fetched(bucket, tmp_path)


def test_a_lock_that_nobody_renews_is_taken_over(bucket, monkeypatch):
    s3.put(f"{bucket}/w/lock", b'{"host": "elsewhere", "process": 7}')
    with pytest.raises(BlockingIOError, match="process 7 on elsewhere"), files.locked(f"{bucket}/w"):
        pass
    monkeypatch.setattr(s3_lock, "STALE_SECONDS", 1.0)
    time.sleep(2.1)
    with files.locked(f"{bucket}/w"), pytest.raises(BlockingIOError), files.locked(f"{bucket}/w"):
        pass


def test_a_lock_is_renewed(bucket, monkeypatch):
    monkeypatch.setattr(s3_lock, "RENEW_SECONDS", 0.2)
    with files.locked(f"{bucket}/w"):
        time.sleep(2.5)
        assert s3.get(f"{bucket}/w/lock")[2] <= 1
    assert not files.exists(f"{bucket}/w/lock")


def test_clean_drops_the_uploads_of_killed_runs(bucket, pages, tmp_path):
    name = bucket.removeprefix("s3://")
    for key in ("out/_work/00-0123456789abcdef/text-00000.parquet", "other/f"):
        s3.client().create_multipart_upload(Bucket=name, Key=key)
    done = curate("clean", tmp_path / "r.yaml", "--input", pages, "--output", f"{bucket}/out")
    assert done.returncode == 0, done.stderr
    assert f"left unfinished: {bucket}/out/_work/00-0123456789abcdef/text-00000.parquet" in done.stdout
    assert [u.path for u in files.unfinished(bucket)] == [f"{bucket}/other/f"]


def test_a_process_of_another_machine_with_our_host_name_is_not_taken_for_dead(bucket):
    held = {"host": socket.gethostname(), "machine": "another boot", "process": 2**22 + 1}
    s3.put(f"{bucket}/w/lock", orjson.dumps(held))
    with pytest.raises(BlockingIOError, match="another run"), files.locked(f"{bucket}/w"):
        pass
    s3.put(f"{bucket}/w/lock", orjson.dumps({**held, "machine": s3_lock._machine()}))
    with files.locked(f"{bucket}/w"):
        pass


def test_a_lock_whose_answer_was_lost_is_our_own(bucket):
    first = s3_lock._take(f"{bucket}/w/lock", b'{"run": "a"}')
    assert s3_lock._take(f"{bucket}/w/lock", b'{"run": "a"}') == first
    with pytest.raises(BlockingIOError):
        s3_lock._take(f"{bucket}/w/lock", b'{"run": "b"}')


def test_a_run_that_lost_its_lock_says_so(bucket, monkeypatch):
    monkeypatch.setattr(s3_lock, "RENEW_SECONDS", 0.2)
    lock = files.locked(f"{bucket}/w")
    lock.__enter__()
    s3.put(f"{bucket}/w/lock", b'{"run": "another"}')
    time.sleep(1)
    with pytest.raises(BlockingIOError, match="took over"):
        lock.__exit__(None, None, None)
    assert s3.get(f"{bucket}/w/lock")[0] == b'{"run": "another"}'
