"""Checks before a run starts: models, files, columns, and the output folder."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from pipelines.engine.layout import RunLayout
from pipelines.io import files
from pipelines.io.inspect import check_columns
from pipelines.io.tables import TABLES
from pipelines.result.output import is_foreign, is_part
from pipelines.steps.base import MapStep, RunError, with_local_files


def preflight(layout: RunLayout) -> None:
    """Build every remaining step up front, so that a missing model fails in seconds rather than hours.

    Raises:
        RecipeError: a step cannot be built; the message names it.
        RunError: the output folder has files that curate did not write.
    """
    check_output(layout.output)
    recipe = layout.plan.recipe
    check_columns(recipe.sources, [part.file for slice_ in layout.plan.slices for part in slice_.parts])
    for pass_ in layout.plan.passes:
        checks: list[tuple[str, Callable[[], Any]]] = []
        for entry in pass_.steps if not layout.pass_done(pass_) else ():
            checks.append((entry.name, partial(_make, entry.step)))
        for data in (d for d in layout.cut(pass_) if not d.decision.is_whole()):
            checks += [(data.name, data.step.check), (data.name, data.step.key)]
        for name, check in checks:
            try:
                check()
            except (ValueError, OSError, ImportError) as e:
                raise recipe.error(name, f": {e}") from e
            except RunError:
                raise
            except Exception as e:  # a user-defined step may raise anything
                raise recipe.error(name, f": {type(e).__name__}: {e}") from e


def _make(step: MapStep) -> None:
    local = with_local_files(step)
    local.check()
    local.make()


def check_output(output: str) -> None:
    """Check that the result will not mix with files of other programs.

    Raises:
        RunError: there are such files; the message names the first.
    """
    for table in TABLES:
        folder = files.join(output, table)
        for file in files.within(folder, "**"):
            if not is_part(file.path[len(files.join(folder, "")) :]):
                raise RunError(f"{file.path} was not written by curate; choose another --output")
    manifest = files.join(output, "manifest.json")
    if files.is_file(manifest) and is_foreign(manifest):
        raise RunError(f"{manifest} was not written by curate; choose another --output")
