"""Plans: a recipe is divided into passes over the documents, separated by cuts at which corpus steps decide.

A pass reads documents, applies the decisions of the corpus steps before it, runs its map steps, and extracts the keys
of the corpus steps that follow. Consecutive map steps share one pass. The folder of a pass is named after a digest of
everything that its result depends on, so that finished work is never repeated, and a changed setting repeats only what
depends on it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from curate.bounds import Names
from curate.dedup.sketch_file import MANIFEST
from pipelines.engine.code import code_digests, library_versions, own_sources
from pipelines.engine.order import FIELDS, check_order
from pipelines.io import files
from pipelines.io.sources import InputFile, Slice, cut_slices
from pipelines.io.tables import LARGE
from pipelines.recipe.model import Recipe, RecipeStep, digest, is_corpus_step, is_map_step, plain
from pipelines.recipe.plugins import source_digests
from pipelines.steps.base import CorpusStep, MapStep, Step, names_in

Facts = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Pass:
    """One pass over the documents.

    Attributes:
        index: number of the pass, from 0.
        decided: corpus steps whose decisions are applied first.
        steps: map steps.
        keys: corpus steps whose keys are extracted last.
        writes: large fields that are written because a step changed them.
        digest: digest of everything that the result depends on.
        facts: what the result depends on besides earlier passes: inputs, settings, files, code, libraries.
        last: whether the pass writes the rows of the result.
    """

    index: int
    decided: tuple[RecipeStep[CorpusStep], ...]
    steps: tuple[RecipeStep[MapStep], ...]
    keys: tuple[RecipeStep[CorpusStep], ...]
    writes: tuple[str, ...]
    digest: str
    facts: Facts = field(compare=False, repr=False)
    last: bool = False

    @property
    def folder(self) -> str:
        """Name of the pass's folder in the work folder."""
        return f"{self.index:02d}-{self.digest}"


@dataclass(frozen=True, slots=True)
class Plan:
    """The passes of a recipe over its inputs."""

    recipe: Recipe
    slices: tuple[Slice, ...]
    passes: tuple[Pass, ...]


def make_plan(recipe: Recipe, inputs: list[InputFile]) -> Plan:
    """Divide a recipe into passes over the given input files.

    Raises:
        RecipeError: steps are in the wrong order, or name something that does not exist.
    """
    measures = recipe.measures  # first, because invalid settings of a step would break the properties read below
    check_order(recipe)
    _check_sources(recipe)
    groups = _groups(recipe.steps)
    passes: list[Pass] = []
    depends = ""
    decided: tuple[RecipeStep[CorpusStep], ...] = ()
    for i, (steps, keys) in enumerate(groups):
        last = i == len(groups) - 1
        changed = {"html", "text"} if i == 0 else set[str]()
        for entry in (*decided, *steps):
            changed |= entry.step.writes
        facts = _facts(recipe, decided, steps, keys, measures)
        if i == 0:
            facts["input"] = {file.path: digest(file) for file in inputs}
            facts["code"] |= code_digests() | _sources(recipe, {file.format for file in inputs})
            facts["recipe"]["extracts"] = extracts(recipe)
        if last:
            facts["recipe"] |= {"name": recipe.name, "output": plain(recipe.output)}
            facts["code"] |= _sources(recipe, recipe.output.formats)
        facts = {category: plain(named) for category, named in facts.items()}
        depends = digest([depends, facts])
        writes = tuple(name for name in LARGE if name in changed)
        passes.append(Pass(i, decided, tuple(steps), tuple(keys), writes, depends, facts, last))
        depends = digest([depends, [_described(entry) for entry in keys]])
        decided = tuple(keys)
    return Plan(recipe, tuple(cut_slices(inputs)), tuple(passes))


def extracts(recipe: Recipe) -> bool:
    """Return whether a step turns HTML into text."""
    return any("html" in entry.step.reads and "text" in entry.step.writes for entry in recipe.steps)


def measures_signals(steps: Iterable[RecipeStep]) -> bool:
    """Return whether any of the steps measures signals."""
    return any("signals" in entry.step.writes for entry in steps)


def _facts(
    recipe: Recipe,
    decided: Sequence[RecipeStep[CorpusStep]],
    steps: Sequence[RecipeStep[MapStep]],
    keys: Sequence[RecipeStep[CorpusStep]],
    measures: tuple[str, ...],
) -> Facts:
    """Return what a pass depends on through its steps."""
    applied = [*decided, *steps]
    settings = {f"steps.{e.name}": _described(e) for e in applied}
    settings |= {f"steps.{e.name} (keys)": _key_settings(e) for e in keys}
    settings |= {"signals": list(measures)} if measures_signals(steps) else {}
    settings["order"] = [e.name for e in (*applied, *keys)]
    sources: dict[str, str] = {}
    for entry in (*applied, *keys):
        sources |= own_sources(entry.step) | _sources(recipe, names_in(entry.step, Names.FILE))
    return {
        "recipe": settings,
        "file": {path: content for e in applied for path, content in named_files(recipe, e).items()},
        "code": dict(sources),
        "library": library_versions(e.step for e in (*applied, *keys)),
    }


def _described(entry: RecipeStep) -> list[Any]:
    return [entry.word, entry.settings()]


def _key_settings(entry: RecipeStep[CorpusStep]) -> list[Any]:
    """Return the settings of a corpus step that its keys depend on; the others only change its decision."""
    return [entry.word, {name: plain(getattr(entry.step, name)) for name in entry.step.key_settings}]


def _sources(recipe: Recipe, names: Iterable[str]) -> dict[str, str]:
    """Return the digests of the source files of user-defined objects, for those names that are import paths."""
    sources: dict[str, str] = {}
    for thing in filter(None, map(recipe.plugins.find, sorted(names))):
        sources |= source_digests(thing)
    return sources


def named_files(recipe: Recipe, entry: RecipeStep) -> dict[str, str]:
    """Return digests of the files that a step's settings name, by path: a model, a list of domains, a sketch.

    Raises:
        RecipeError: a file cannot be read.
    """
    try:
        return _files_named(entry.step)
    except OSError as e:
        raise recipe.error(entry.name, f": {files.reason(e)}") from None


def _files_named(step: Step) -> dict[str, str]:
    digests: dict[str, str] = {}
    for name in names_in(step, Names.FILE):
        if os.path.exists(name) and not (os.path.isfile(name) or os.path.isdir(name)):
            raise OSError(f"{name} is a device or a pipe; name a file")  # a device may be endless
        # A sketch is a folder whose manifest has the digests of its other files.
        paths = [path for path in (name, files.join(name, MANIFEST)) if files.is_file(path)]
        for path in paths:
            digests[path] = files.digest(path)
        if os.path.isdir(name) and not paths:  # the folder of a tokenizer
            inside = (os.path.join(name, entry) for entry in sorted(os.listdir(name)))
            digests |= {path: files.digest(path) for path in inside if os.path.isfile(path)}
    return digests


#: The map steps of a pass, and the corpus steps that follow them.
Group = tuple[list[RecipeStep[MapStep]], list[RecipeStep[CorpusStep]]]


def _groups(steps: tuple[RecipeStep[Step], ...]) -> list[Group]:
    """Split steps into groups, one per pass; the last one has no corpus steps and changes nothing."""
    groups: list[Group] = [([], [])]
    for entry in steps:
        if is_map_step(entry):
            if groups[-1][1]:
                groups.append(([], []))
            groups[-1][0].append(entry)
        elif is_corpus_step(entry):
            groups[-1][1].append(entry)
    # Shards are counted before the last pass, which must therefore change nothing and extract no keys.
    while len(groups) == 1 or _still_changes(groups):
        groups.append(([], []))
    return groups


def _still_changes(groups: list[Group]) -> bool:
    (_, decided), (maps, keys) = groups[-2:]
    return bool(keys) or any(_changes(entry.step) for entry in (*decided, *maps))


def _changes(step: Step) -> bool:
    """Return whether a step changes a large field, or a column, whose type must be known before the last pass."""
    return any(name in LARGE or name not in FIELDS for name in step.writes)


def _check_sources(recipe: Recipe) -> None:
    """Check the settings that name sources.

    Raises:
        RecipeError: the recipe has no such source.
    """
    names = {source.name for source in recipe.sources}
    for entry in recipe.steps:
        try:
            entry.step.check_sources(names)
        except ValueError as e:
            raise recipe.error(entry.name, f" {e}") from None
