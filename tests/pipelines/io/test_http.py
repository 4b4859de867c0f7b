"""Inputs, lists and models by URL, from a web server on loopback that sends parts of files and fails now and then."""

from __future__ import annotations

import gzip
import os
import re
import shutil
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from pipelines.io import files, http
from pipelines.io.sources import list_inputs
from pipelines.recipe.errors import RecipeError
from pipelines.recipe.recipe import load_recipe
from tests.pipelines.conftest import CRAWL, ROOT, TABLES, curate, outputs


class Server(ThreadingHTTPServer):
    """Serves a folder; ``failures`` is how many requests are answered 503 first, ``asked`` what was asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.failures, self.asked = folder, 0, list[tuple[str, str, str]]()
        super().__init__(("localhost", 0), _Handler)


class _Handler(SimpleHTTPRequestHandler):
    server: Server

    def do_HEAD(self):
        self._answer(False)

    def do_GET(self):
        self._answer(True)

    def _answer(self, body: bool) -> None:
        wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range") or "")
        self.server.asked.append((self.command, self.path, self.headers.get("Range") or ""))
        path = self.server.folder / self.path.lstrip("/")
        if self.server.failures:
            self.server.failures -= 1
            return self.send_error(503)
        if not path.is_file():
            return self.send_error(404)
        data = path.read_bytes()
        part = data[int(wanted[1]) : int(wanted[2]) + 1] if wanted else data
        if wanted and not part:
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(data)}")
        else:
            self.send_response(206 if wanted else 200)
            if wanted:
                self.send_header("Content-Range", f"bytes {wanted[1]}-{int(wanted[1]) + len(part) - 1}/{len(data)}")
        self.send_header("Content-Length", str(len(part)))
        self.send_header("Last-Modified", self.date_time_string(int(path.stat().st_mtime)))
        self.end_headers()
        if body:
            self.wfile.write(part)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server(tmp_path):
    (tmp_path / "web").mkdir()
    running = Server(tmp_path / "web")
    threading.Thread(target=running.serve_forever, daemon=True).start()
    yield running
    running.shutdown()
    running.server_close()


@pytest.fixture
def url(server) -> str:
    return f"http://localhost:{server.server_port}"


def test_parts_of_a_file_are_read(server, url):
    data = os.urandom(12_000_000)
    (server.folder / "f").write_bytes(data)
    with files.open_read(f"{url}/f") as f:
        f.seek(5_000_000)
        assert f.read(10) == data[5_000_000:5_000_010]
        assert server.asked == [("GET", "/f", "bytes=5000000-6048575")]
        f.seek(0)
        assert f.read() == data
    assert files.size(f"{url}/f") == len(data)
    assert not files.exists(f"{url}/none")
    (server.folder / "empty").touch()
    assert files.read_bytes(f"{url}/empty") == b""
    with pytest.raises(OSError, match="nothing can be written to a web server"), files.atomic_write(f"{url}/f"):
        pass


def test_a_server_that_is_busy_is_asked_again(server, url, monkeypatch):
    monkeypatch.setattr(http, "WAIT_SECONDS", 0.01)
    (server.folder / "f").write_bytes(b"here")
    server.failures = 3
    assert files.read_bytes(f"{url}/f") == b"here"
    server.failures = 100
    with pytest.raises(OSError, match="the server answers 503"):
        files.exists(f"{url}/f")


def test_a_list_of_urls_gives_the_same_bytes_as_the_files(server, url, tmp_path):
    for path in CRAWL.iterdir():
        shutil.copy(path, server.folder)
    names = sorted(path.name for path in CRAWL.iterdir())
    (server.folder / "paths.gz").write_bytes(gzip.compress("".join(f"{name}\n" for name in names).encode()))
    (tmp_path / "r.yaml").write_text("steps: [extract, exact_dedup]\n")
    recipe = tmp_path / "r.yaml"
    listed = ["--input", f"@{url}/paths.gz", "--input-prefix", f"{url}/"]
    done = curate("run", recipe, *listed, "--output", tmp_path / "listed")
    assert done.returncode == 0, done.stderr
    local = curate("run", recipe, "--input", f"{CRAWL}/*", "--output", tmp_path / "local")
    assert local.returncode == 0, local.stderr

    def rows(folder):
        return {name: d for name, d in outputs(folder).items() if name.split("/")[0] in TABLES}

    assert rows(tmp_path / "listed") == rows(tmp_path / "local")


def test_what_is_wrong_with_a_list_is_said(server, url, tmp_path):
    (tmp_path / "list").write_text("# a comment\n\nnone.warc.gz\n")
    named = load_recipe("llama3", [f"@{tmp_path}/list"], prefix=f"{url}/")
    with pytest.raises(RecipeError, match=rf"names {url}/none.warc.gz, which matches no file$"):
        list_inputs(named.sources)
    with pytest.raises(RecipeError, match=r"none.warc.gz, which matches no file; give what comes before each line as"):
        list_inputs(load_recipe("llama3", [f"@{tmp_path}/list"]).sources)
    with pytest.raises(RecipeError, match="--input-prefix is for a list"):
        load_recipe("llama3", ["x"], prefix="y")
    with pytest.raises(OSError, match="does not list its files"):
        list_inputs(load_recipe("llama3", [f"{url}/*.warc.gz"]).sources)


def test_a_model_by_url_is_fetched_once(server, url, tmp_path):
    shutil.copy(ROOT / "quality_models" / "models" / "quality-en.zip", server.folder)
    (tmp_path / "pages.jsonl").write_text('{"text": "A page about the sea and the ships that sail on it."}\n' * 3)
    named = [f"--set=steps.quality.model={url}/quality-en.zip"]
    (tmp_path / "r.yaml").write_text("steps: [quality, exact_dedup]\n")
    run = ["run", tmp_path / "r.yaml", "--input", tmp_path / "pages.jsonl", *named]
    cache = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    done = curate(*run, "--output", tmp_path / "out", env=cache)
    assert done.returncode == 0, done.stderr
    (copy,) = (tmp_path / "cache").rglob("quality-en.zip")
    assert copy.read_bytes() == (server.folder / "quality-en.zip").read_bytes()
    gone = curate(*run[:-1], f"--set=steps.quality.model={url}/none.zip", "--output", tmp_path / "out2", env=cache)
    assert gone.returncode == 1
    assert gone.stderr.count("\n") == 1
    assert f"{url}/none.zip" in gone.stderr
