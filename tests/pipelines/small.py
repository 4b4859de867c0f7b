"""Small runs in this process, and documents for them."""

from __future__ import annotations

import json
from pathlib import Path

from pipelines.engine.run import run_recipe
from pipelines.recipe.model import Recipe
from pipelines.recipe.recipe import parse_recipe

ENGLISH = "The ferry to the island leaves at seven, and whoever misses it waits for the one that goes at noon. "
FRENCH = "Le bateau pour l'île part à sept heures, et celui qui le manque attend celui qui part à midi. "
GERMAN = "Die Fähre zur Insel fährt um sieben, und wer sie verpasst, wartet auf die, die am Mittag fährt. "


def write_rows(path: Path, rows: list[dict]) -> Path:
    """Write rows as JSON lines."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def small_recipe(folder: Path | str, steps: str, documents: list[dict], more: str = "") -> Recipe:
    """Write documents, and return a recipe over them."""
    path = write_rows(Path(folder) / "pages.jsonl", documents)
    return parse_recipe(f"steps:\n{steps}{more}", "small.yaml", [str(path)])


def small_run(folder: Path | str, steps: str, documents: list[dict], output: str = "", more: str = "") -> dict:
    """Run steps over documents; returns the report."""
    return run_recipe(small_recipe(folder, steps, documents, more), output or str(Path(folder) / "out"))


def english(count: int) -> list[dict]:
    """Return English pages that no default rule rejects."""
    return [{"text": f"{ENGLISH * 3}That was day {i}.", "url": f"http://example.org/{i}"} for i in range(count)]


def step_of(report: dict, name: str) -> dict:
    """Return what a report has of a step."""
    return next(s for s in report["steps"] if s["name"] == name)
