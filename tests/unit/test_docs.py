"""What the documents and docstrings name is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("curate", "pipelines", "quality_models", "tests", "docs", "sample_data")
NAMED = re.compile(
    rf"(?<![\w/.-])(?:{'|'.join(FOLDERS)})/[\w/.-]+\.(?:py|md|yaml|tsv|txt|png|sh|zip|jsonl|json|zst)\b(?!\.?\w)"
)
WRITTEN = [ROOT / "README.md", *(p for f in FOLDERS for p in (ROOT / f).rglob("*") if p.suffix in (".py", ".md"))]


@pytest.mark.parametrize("path", WRITTEN, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_file_that_is_named_exists(path):
    missing = {name for name in NAMED.findall(path.read_text(encoding="utf-8")) if not (ROOT / name).exists()}
    assert not missing


def test_every_shipped_model_has_a_card():
    cards = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "quality_models" / "cards").glob("*.md"))
    models = [path.name for path in (ROOT / "quality_models" / "models").iterdir() if path.suffix != ".sha256"]
    assert len(models) >= 5
    assert [name for name in models if name not in cards] == []
