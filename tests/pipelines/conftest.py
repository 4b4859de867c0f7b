"""Runs of the sample crawl, made once and compared by the bytes they leave."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

ROOT = Path(__file__).parents[2]
CRAWL = ROOT / "sample_data" / "crawl"
TABLES = ("documents", "tokens", "megatron", "rejected", "signals")
#: A whole run: every process and the model loads in it, on a slow machine.
PATIENCE = 600


def curate(*arguments: str, **more) -> subprocess.CompletedProcess:
    """Run the command line in a process of its own."""
    command = [sys.executable, "-m", "pipelines", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False, **more)


def run(output: Path, *arguments: str, recipe: str = "llama3", inputs: str | None = None) -> Path:
    """Run a recipe to its end; returns the output folder."""
    done = curate("run", recipe, "--input", inputs or f"{CRAWL}/*", "--output", output, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return output


def outputs(folder: Path) -> dict[str, str]:
    """The digest of every file of a result but inputs.json, which says how the input was cut."""
    paths = [p for table in TABLES for p in (folder / table).glob("*")]
    paths += [folder / "report.json", folder / "manifest.json", folder / "report.html"]
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(paths)}


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample crawl through the llama3 recipe, in one process."""
    return run(tmp_path_factory.mktemp("corpus") / "out")


@pytest.fixture(scope="session")
def report(corpus: Path) -> dict:
    """Its report."""
    return orjson.loads((corpus / "report.json").read_bytes())


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The evaluation data beside the checkout; tests that use it are skipped where it is not."""
    folder = Path(os.environ.get("CURATE_SHARED_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("the evaluation data is not here (CURATE_SHARED_DATA names its folder)")
    return folder
