"""Explanations of why a pass must run again: which setting, input, file, module or library has changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pipelines.engine.layout import RunLayout
from pipelines.engine.plan import Pass
from pipelines.engine.run import DEPENDS
from pipelines.io import files

SHOWN = 3  # differences per category


@dataclass(frozen=True, slots=True)
class OldWork:
    """Folders in `_work` of passes that are not in the plan, and their total size in bytes."""

    folders: tuple[str, ...]
    bytes: int


def old_work(layout: RunLayout) -> OldWork | None:
    """Return what runs with other settings left in `_work`; None if nothing."""
    planned = {pass_.folder for pass_ in layout.plan.passes}
    size: dict[str, int] = {}
    for file in files.within(layout.work, "*/**"):
        name = file.path[len(files.join(layout.work, "")) :].partition("/")[0]
        if name not in planned and _index(name) is not None:
            size[name] = size.get(name, 0) + file.size_in_bytes
    return OldWork(tuple(sorted(size)), sum(size.values())) if size else None


def why_undone(layout: RunLayout) -> Iterator[str]:
    """Yield, for the first pass that is not done, how it differs from the last begun pass with the same number."""
    for pass_ in layout.plan.passes:
        if layout.pass_done(pass_) or layout.finished():
            continue
        before = _begun_before(layout, pass_)
        if before is not None:
            for sentence in _differences(before, pass_.facts):
                yield f"pass {pass_.index + 1} is not done: {sentence}"
        return


def _begun_before(layout: RunLayout, pass_: Pass) -> dict[str, Any] | None:
    """Return the facts of the last begun pass with the same number; None if there is none, or it is this very pass."""
    begun: list[tuple[float, dict[str, Any]]] = []
    for meta in files.within(layout.work, f"*/{DEPENDS}"):
        folder = meta.path.rpartition("/")[0].rpartition("/")[2]
        if folder == pass_.folder:
            return None
        if _index(folder) == pass_.index:
            try:
                begun.append((meta.last_updated_in_seconds, files.read_json(meta.path)))
            except ValueError:
                continue
    return max(begun, key=lambda pair: pair[0])[1] if begun else None


def _index(folder: str) -> int | None:
    number, dash, _ = folder.partition("-")
    return int(number) if dash and number.isdigit() else None


def _differences(old: dict[str, Any], new: dict[str, Any]) -> Iterator[str]:
    """Yield the differences in sentences, the first few of each category."""
    for category in new:
        before, after = old.get(category, {}), new[category]
        names = [name for name in sorted({*before, *after}) if before.get(name) != after.get(name)]
        for name in names[:SHOWN]:
            yield f"{category}: {_difference(name, before.get(name), after.get(name))}"
        if len(names) > SHOWN:
            yield f"{category}: {len(names) - SHOWN:,} more"


def _difference(name: str, old: Any, new: Any) -> str:
    if old is None:
        return f"{name} is new"
    if new is None:
        return f"{name} is gone"
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new) == 2 and isinstance(new[1], dict):
        settings = [key for key in sorted({*old[1], *new[1]}) if old[1].get(key) != new[1].get(key)]
        return f"{name}{f'.{settings[0]}' if settings else ''} changed"
    return f"{name} changed"
