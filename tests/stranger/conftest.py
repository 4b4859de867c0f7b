"""A stranger's machine: an installed wheel in an environment of its own, in another folder than the repository."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILTERS = """
from words import UNWANTED

def no_casino(text: str, limit: int = 1) -> bool:
    \"\"\"Reject texts with unwanted words.\"\"\"
    return sum(text.lower().count(word) for word in UNWANTED) <= limit
"""
READER = """
import csv, io

def table(stream):
    \"\"\"Yield each line of a table with a head.\"\"\"
    yield from csv.DictReader(io.TextIOWrapper(stream, "utf-8"), delimiter="|")
"""
RECIPE = """
sources:
  - {{input: "pages/*.csv", name: pages, format: tables.table, text: body, columns: [licence, votes], id: key}}
steps:
  - language: {{keep: [en], min_score: 0.3}}
  - my_filters.no_casino: {{limit: 2}}
  - exact_dedup
  - tokenize: {{tokenizer: {tokenizer}}}
  - mixture: {{by: licence, targets: {{CC0: 0.5, MIT: 0.5}}}}
output: {{formats: [parquet]}}
"""
WORDS = (
    "the old mill stands beside the river and for two hundred years the people of the valley have brought their corn "
    "to it because there is no other mill within a day of walking from here"
).split()


@pytest.fixture(scope="session")
def curate(tmp_path_factory) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Build and install the wheel; returns what runs its command in a folder.

    The libraries are those of the environment that runs the tests: nothing is fetched.
    """
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    source = folder / "source"
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    for name in filter(None, files):
        if (ROOT / name).is_file() and not name.startswith("tests/"):
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, source / name)
    build = [*pip, "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(folder)]
    subprocess.run([*build, str(source)], check=True, timeout=120)
    (wheel,) = folder.glob("*.whl")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder / "venv")], check=True, timeout=120)
    python = folder / "venv" / "bin" / "python"
    install = ["--python", str(python), "install", "--quiet", "--no-deps", "--no-index", str(wheel)]
    subprocess.run([*pip, *install], check=True, timeout=120)
    (packages,) = (folder / "venv" / "lib").glob("python*/site-packages")
    (packages / "libraries.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}

    def run(where: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        command = [str(folder / "venv" / "bin" / "curate"), *arguments]
        variables = environment | more
        return subprocess.run(command, cwd=where, env=variables, capture_output=True, text=True, timeout=300)

    run.python = str(python)  # type: ignore[attr-defined]
    return run


@pytest.fixture
def project(tmp_path) -> Path:
    """A folder with a recipe, a filter, a reader, data with two columns, and a SentencePiece model of one's own."""
    sentencepiece = pytest.importorskip("sentencepiece")
    (tmp_path / "my_filters.py").write_text(FILTERS)
    (tmp_path / "words.py").write_text('UNWANTED = ["casino"]\n')
    (tmp_path / "tables.py").write_text(READER)
    (tmp_path / "pages").mkdir()
    texts = [" ".join(WORDS[i % 9 :] + [f"door{i}"] + ["casino"] * (i % 6)).capitalize() + "." for i in range(60)]
    for part in range(3):
        rows = [
            f"{i}|{texts[i]}|{'CC0' if i % 2 else 'MIT'}|{i / 10}|https://example.org/{i}" for i in range(part, 60, 3)
        ]
        (tmp_path / "pages" / f"{part}.csv").write_text("\n".join(["key|body|licence|votes|url", *rows]) + "\n")
    (tmp_path / "corpus.txt").write_text("\n".join(texts))
    sentencepiece.SentencePieceTrainer.train(
        input=str(tmp_path / "corpus.txt"),
        model_prefix=str(tmp_path / "own"),
        vocab_size=100,
        minloglevel=2,
        hard_vocab_limit=False,
    )
    (tmp_path / "recipe.yaml").write_text(RECIPE.format(tokenizer="own.model"))
    (tmp_path / "expected.json").write_text(json.dumps(texts))
    return tmp_path
