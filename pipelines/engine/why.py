"""Why a pass is not done although another one like it is: which setting, input, file, module or library differs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pipelines.engine.layout import RunLayout
from pipelines.engine.plan import Pass
from pipelines.engine.run import DEPENDS
from pipelines.io import files

SHOWN = 3  # differences of a kind


@dataclass(frozen=True, slots=True)
class OldWork:
    """Folders in `_work` of passes that the plan does not have, and their bytes."""

    folders: tuple[str, ...]
    bytes: int


def old_work(layout: RunLayout) -> OldWork | None:
    """Return what earlier settings left in `_work`."""
    mine = {pass_.folder for pass_ in layout.plan.passes}
    size: dict[str, int] = {}
    for found in files.within(layout.work, "*/**"):
        name = found.path[len(files.join(layout.work, "")) :].partition("/")[0]
        if name not in mine and _index(name) is not None:
            size[name] = size.get(name, 0) + found.size_in_bytes
    return OldWork(tuple(sorted(size)), sum(size.values())) if size else None


def why_undone(layout: RunLayout) -> Iterator[str]:
    """Yield, for the first pass that is not done, what differs from the pass of the same number that was begun last."""
    for pass_ in layout.plan.passes:
        if layout.pass_done(pass_) or layout.finished():
            continue
        before = _begun_before(layout, pass_)
        if before is not None:
            for sentence in _differences(before, pass_.facts):
                yield f"pass {pass_.index + 1} is not done: {sentence}"
        return


def _begun_before(layout: RunLayout, pass_: Pass) -> dict[str, Any] | None:
    """Return what the pass of this number depended on when it was begun last; None if it was not, or is being run."""
    found: list[tuple[float, dict[str, Any]]] = []
    for meta in files.within(layout.work, f"*/{DEPENDS}"):
        folder = meta.path.rpartition("/")[0].rpartition("/")[2]
        if folder == pass_.folder:
            return None
        if _index(folder) == pass_.index:
            try:
                found.append((meta.last_updated_in_seconds, files.read_json(meta.path)))
            except ValueError:
                continue
    return max(found, key=lambda f: f[0])[1] if found else None


def _index(folder: str) -> int | None:
    number, dash, _ = folder.partition("-")
    return int(number) if dash and number.isdigit() else None


def _differences(old: dict[str, Any], new: dict[str, Any]) -> Iterator[str]:
    """Yield what differs, a sentence per thing, the first few of each kind."""
    for kind in new:
        before, after = old.get(kind, {}), new[kind]
        names = [name for name in sorted({*before, *after}) if before.get(name) != after.get(name)]
        for name in names[:SHOWN]:
            yield f"{kind}: {_difference(name, before.get(name), after.get(name))}"
        if len(names) > SHOWN:
            yield f"{kind}: {len(names) - SHOWN:,} more"


def _difference(name: str, old: Any, new: Any) -> str:
    if old is None:
        return f"{name} is new"
    if new is None:
        return f"{name} is gone"
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new) == 2 and isinstance(new[1], dict):
        settings = [key for key in sorted({*old[1], *new[1]}) if old[1].get(key) != new[1].get(key)]
        return f"{name}{f'.{settings[0]}' if settings else ''} changed"
    return f"{name} changed"
