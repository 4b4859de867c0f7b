"""What strangers wrote reaches terminal, page and JSON as text alone; nonsense ends in one sentence and a status."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from curate.text.printable import printable, storable
from pipelines.cli import main
from tests.pipelines.conftest import PATIENCE, ROOT

#: A title, a cleared screen, a colour, a link, a C1 sequence, reversed text, a forged line, markup of Rich and HTML.
EVIL = (
    "\x1b]0;PWNED\x07\x1b[2J\x1b[31mred\x1b]8;;http://evil/\x07click\x1b]8;;\x07\x9b31m\x08\r\u202egnp\u2066"
    "\nwarning: forged\x7f[bold]x[/bold] :smile: <script>alert(1)</script>"
)
#: Bytes of it that no output may hold, a terminal's own colours aside.
COMMANDS = ["\x1b]", "\x1b[2J", "\x1b[31mred", "\x07", "\x08", "\x7f", "\x9b", "\u202e", "\u2066"]
WORDS = "Line {0} of page {1} tells of the man who walked to town {2} and saw the {3} people with whom he lived.\n"
NAMES = [b"\xff\xfe.jsonl", b"a\nb.jsonl", b"\x1b[31mred.jsonl", b"[red]x[].jsonl", b"-rf.jsonl", "\u202egnp".encode()]
NAMES += [b"x.\x1b]0;PWNED\x07", b"\xff.\xfe"]


def curate(*arguments: str | Path, **more) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "pipelines", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, timeout=PATIENCE, check=False, **more)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Hostile documents in files of hostile names, and the run of a recipe over them."""
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "in").mkdir()
    for i, name in enumerate(NAMES):
        page = "".join(WORDS.format(j, i, i + j, i * j) for j in range(12))
        rows = [
            {"url": f"http://a.org/{i}{EVIL}", "text": f"{EVIL} {i} too short", "date": EVIL},
            {"url": f"javascript:alert({i})", "text": page + EVIL, "date": "2020-01-01"},
            {"nottext": 1, EVIL: 2},
        ]
        with open(os.path.join(os.fsencode(folder / "in"), name), "wb") as f:
            f.write(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    (folder / "\x1b[31mred.yaml").write_text(
        "name: x\nsteps:\n  - exact_dedup\n  - language: {min_score: 0}\n  - heuristics: {presets: [c4@tfds]}\n"
    )
    done = curate("run", folder / "\x1b[31mred.yaml", "--input", folder / "in", "--output", folder / "out")
    assert done.returncode == 0, done.stderr
    _check(done.stdout + done.stderr)
    return folder


def _check(output: bytes) -> None:
    text = output.decode()  # is UTF-8
    assert not re.search("[\0-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", text), repr(text)
    assert not re.search("^warning: forged", text, re.MULTILINE)
    assert "Traceback" not in text


def _fates(folder: Path) -> dict[str, str]:
    """An id of each table."""
    return {name: pq.read_table(folder / "out" / name)["id"][0].as_py() for name in ("documents", "rejected")}


def test_no_command_prints_a_control_character(folder):
    recipe, out, fates = folder / "\x1b[31mred.yaml", folder / "out", _fates(folder)
    where = ("--input", folder / "in", "--output")
    page = folder / "\x1b[2J\u202e.html"
    page.write_text(f"<p>{EVIL}")
    commands = [
        (("plan", recipe, *where, folder / "fresh\x1b[31m"), "extracts keys for"),
        (("explain", fates["documents"], "--output", out), "in the corpus"),
        (("explain", fates["rejected"], "--output", out), r"\x1b]0;PWNED\x07"),
        (("explain", page, "--recipe", recipe), "by "),
        (("explain", f"http://none/{EVIL}", "--output", out), r"none/\x1b]0;PWNED\x07"),
        (("filter", "default", folder / "in"), r"\x1b]0;PWNED\x07"),
        (("report", out), "the funnel"),
        (("recut", out, "--preset", "default"), "documents gained"),
        (("recut", out, "--set", f"{EVIL}=3"), r"\x1b]0;PWNED\x07"),
        (("run", f"{recipe}{EVIL}", *where, out), r"\x1b]0;PWNED\x07"),
        (("run", recipe, *where, out, "--set", f"steps.{EVIL}.x=1"), r"\x1b]0;PWNED\x07"),
        (("run", recipe, "--input", EVIL, "--output", out), r"\x1b]0;PWNED\x07"),
        (("steps", EVIL), r"\x1b]0;PWNED\x07"),
        ((EVIL,), r"\x1b]0;PWNED\x07"),
        (("sketch", "export", recipe, *where, out, "--to", folder / "\x1b[31m"), "no step minhash_dedup"),
        (("sketch", "import", EVIL, "--into", folder / "\x1b[31m"), r"\x1b]0;PWNED\x07"),
    ]
    for arguments, said in commands:
        done = CliRunner().invoke(main, [*map(str, arguments)])
        _check(done.output_bytes)
        assert said in done.output, arguments


def test_a_terminal_gets_colours_and_no_foreign_sequence(folder):
    fates = _fates(folder)
    for arguments in (
        ("run", folder / "\x1b[31mred.yaml", "--input", folder / "in", "--output", folder / "again"),
        ("explain", fates["rejected"], "--output", folder / "out"),
    ):
        shown = _in_terminal(*arguments).decode()
        assert "\x1b[" in shown
        assert [command for command in COMMANDS if command in shown] == []


def _in_terminal(*arguments: str | Path) -> bytes:
    """Return what a terminal receives."""
    controller, terminal = pty.openpty()
    command = [sys.executable, "-m", "pipelines", *map(str, arguments)]
    environment = os.environ | {"TERM": "xterm-256color", "COLUMNS": "200"}
    process = subprocess.Popen(command, cwd=ROOT, stdin=terminal, stdout=terminal, stderr=terminal, env=environment)
    os.close(terminal)
    received = b""
    try:
        while block := os.read(controller, 65536):
            received += block
    except OSError:  # the other end was closed
        pass
    assert process.wait(PATIENCE) == 0, received
    os.close(controller)
    return received


def test_names_of_files_are_in_every_record_of_the_run_as_utf_8(folder):
    listed = orjson.loads((folder / "out" / "inputs.json").read_bytes())["files"]
    names = {Path(file["path"]).name for file in listed}
    assert {r"\xff\xfe.jsonl", "a\nb.jsonl", "\x1b[31mred.jsonl", r"\xff.\xfe"} <= names
    (warning,) = (w for w in orjson.loads((folder / "out" / "report.json").read_bytes())["warnings"] if "ending" in w)
    assert r".\xfe 1" in warning


def test_the_report_shows_markup_and_control_characters_as_text(folder):
    page = (folder / "out" / "report.html").read_bytes().decode()
    assert not re.search("[\0-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", page)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert r"\x1b]0;PWNED\x07" in page
    assert "<script" not in page
    assert not re.search(r"\b(href|src|on\w+)\s*=", page)  # no link at all, so none to javascript:


DAMAGE = [b"", b"{", b"[]", b"{}", b"null", b"\xff\x00\x1b[31m", b"[" * 100_000, b'{"recipe": {"steps": [1]}}']
DAMAGE += [b'{"recipe": "x", "steps": [{"name": 1}], "corpus": {}, "labels": {}, "warnings": []}']


@pytest.mark.parametrize("data", DAMAGE, ids=lambda data: ascii(data[:20]))
def test_a_damaged_result_is_named_in_one_sentence(data, folder, tmp_path):
    out = _copy(folder, tmp_path)
    for name, commands in {
        "report.json": (["report"], ["recut"]),
        "manifest.json": (["recut"], ["explain", "http://a.org/", "--output"]),
        "documents": (["explain", "http://a.org/", "--output"], ["recut"]),
        "rejected": (["explain", "http://a.org/", "--output"],),
        "signals": (["recut"], ["explain", _fates(folder)["rejected"], "--output"]),
    }.items():
        path = next((out / name).glob("*")) if (out / name).is_dir() else out / name
        whole = path.read_bytes()
        path.write_bytes(data)
        for command in commands:
            said = _refused([*command, str(out)], printable(str(path)))
            assert "run the recipe into this folder again" in said or "with the same arguments again" in said
        path.write_bytes(whole)


def test_a_table_of_another_kind_is_damage(folder, tmp_path):
    out = _copy(folder, tmp_path)
    for kind in ("documents", "rejected", "signals"):
        path = next((out / kind).glob("*"))
        whole = path.read_bytes()
        for columns in ({"a": [1]}, {"id": [1], "url": [2]}, {"id": [None], "url": [None]}):
            pq.write_table(pa.table(columns), path)
            command = ["recut"] if kind == "signals" else ["explain", "http://a.org/", "--output"]
            _refused([*command, str(out)], "is damaged; run the recipe")
        path.write_bytes(whole)


def _copy(folder: Path, to: Path) -> Path:
    for path in (folder / "out").glob("[!_]*/*"):
        (to / path.parent.name).mkdir(exist_ok=True)
        (to / path.parent.name / path.name).write_bytes(path.read_bytes())
    for path in (folder / "out").glob("*.json"):
        (to / path.name).write_bytes(path.read_bytes())
    return to


def _refused(arguments: list[str], said: str = "") -> str:
    done = CliRunner().invoke(main, arguments)
    assert isinstance(done.exception, SystemExit), (arguments, done.exception)
    assert done.exit_code != 0, arguments
    _check(done.output_bytes)
    assert said in done.output, (arguments, done.output)
    sentence = [line for line in done.output.splitlines() if line.strip()]
    assert len(sentence) == 1 or sentence[0].lower().startswith("usage:"), done.output
    return done.output


def test_nonsense_ends_in_one_sentence(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file, empty = tmp_path / "file", tmp_path / "empty"
    file.write_bytes(b"\xff\x00\x1b[31m" * 100)
    empty.mkdir()
    (tmp_path / "pages.jsonl").write_text('{"text": "A page."}\n')
    (tmp_path / "r.yaml").write_text("steps: [exact_dedup]\n")
    run = ["run", str(tmp_path / "r.yaml"), "--input", str(tmp_path / "pages.jsonl"), "--output"]
    for arguments in (
        ["run", str(file)],
        ["run", str(empty)],
        ["run", "llama3", "--input"],
        ["run", "llama3", "--input", str(empty)],
        ["run", "llama3", "--input", ""],
        ["run", "llama3", "--input", "x", "--set", "x" * 100_000],
        ["run", "llama3", "--input", "x", "--set", "steps.language.keep=" + "[" * 100_000],
        ["run", "llama3", "--workers", "0"],
        ["run", "llama3", "--workers", "x"],
        ["run", "llama3", "--memory", "nan"],
        ["run", "llama3", "--input", "foo://x"],
        [*run, str(file)],
        [*run, f"{file}/below"],
        [*run, ""],
        [*run, "/proc/none"],
        [*run, "x" * 5000],
        [*run, str(empty), "--", "--runner"],
        [*run, str(empty), "--", "nonsense"],
        ["plan", str(file)],
        [*["plan", *run[1:]], str(file)],
        ["steps", "nonsense"],
        ["explain", "x", "--output", str(empty)],
        ["explain", "x", "--output", str(file)],
        ["explain", "x", "--output", "foo://x"],
        ["explain", str(file), "--recipe", str(file)],
        ["recut", str(empty)],
        ["recut", str(file)],
        ["recut", str(empty), "--set", "x"],
        ["recut", str(empty), "--set", "x=nan"],
        ["report", str(empty)],
        ["report", str(file)],
        ["filter", "none", str(file)],
        ["filter", "default", str(empty)],
        ["filter", "default", str(file)],
        ["filter", "default", str(tmp_path / "pages.jsonl"), "--language", "\x1b[31m"],
        ["filter", "default", str(tmp_path / "pages.jsonl"), "--against", "none"],
        ["sketch", "import", str(file), "--into", str(empty / "into")],
        ["sketch", "import", str(empty), "--into", str(file)],
        ["sketch", "export", "llama3", "--input", str(tmp_path / "pages.jsonl"), "--to", str(file)],
        ["train", "nonsense\x1b[31m"],
        ["train", "evaluate", "\x1b[31m.zip", "--positive", str(file), "--negative", "\x1b[31m"],
        ["train", "quality", "--positive", str(file), "--negative", str(empty), "--output", str(tmp_path / "m.zip")],
        ["train", "score", str(empty), "--output", str(tmp_path / "m.zip")],
        ["train", "evaluate", str(file), "--positive", str(file), "--negative", str(file)],
    ):
        _refused(arguments)


def test_an_output_that_nobody_reads_ends_in_one_sentence():
    for command, said in (("| true", "standard output was closed"), ("> /dev/full", "No space left")):
        script = f"{sys.executable} -m pipelines.cli steps {command}; echo ${{PIPESTATUS[0]}} >&2"
        done = subprocess.run(["bash", "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)
        sentence, status = done.stderr.splitlines()
        assert said in sentence
        assert status == "1"
    script = f"{sys.executable} -m pipelines.cli steps >&-"
    done = subprocess.run(["bash", "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)
    assert "Traceback" not in done.stderr


def test_printable_and_storable_text():
    every = "".join(map(chr, range(sys.maxunicode + 1)))
    shown = printable(every)
    assert not re.search("[\0-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]", shown)
    assert printable("\udcff\ud800\u200d\u00a0\u3000é") == "\\xff\\ud800\u200d\u00a0\u3000é"
    assert storable(every).encode()
    assert storable("a\x1b\udcff") == "a\x1b\\xff"
