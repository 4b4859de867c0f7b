"""From a recipe to passes: neighbouring map steps share one reading of the text, a cut is where corpus steps decide.

A pass reads documents, applies what the corpus steps before it decided, runs its map steps, and extracts the keys of
the corpus steps that follow. Its folder is named by a digest of everything its result depends on, so that what is there
and whole is never done again, and a changed setting redoes only what depends on it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import xxhash

from curate.bounds import Names
from curate.dedup.sketch_file import MANIFEST
from pipelines.engine.code import code_digests, library_versions, own_sources
from pipelines.engine.order import FIELDS, check_order
from pipelines.io import files
from pipelines.io.sources import InputFile, Slice, cut_slices
from pipelines.io.tables import LARGE
from pipelines.recipe.model import Recipe, RecipeStep, digest, plain
from pipelines.recipe.plugins import source_digests
from pipelines.steps.base import CorpusStep, MapStep, Step, names_in

Facts = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Pass:
    """One reading of the documents.

    Attributes:
        index: number of the pass, from 0.
        decided: corpus steps of the pass before, whose decisions are applied first.
        steps: map steps.
        keys: corpus steps whose keys are extracted last.
        writes: large fields that are written because a step changed them.
        digest: stands for all that the result depends on.
        facts: what that is, beside the passes before: inputs, settings, files, code, libraries.
        last: whether it writes the rows of the result.
    """

    index: int
    decided: tuple[RecipeStep, ...]
    steps: tuple[RecipeStep, ...]
    keys: tuple[RecipeStep, ...]
    writes: tuple[str, ...]
    digest: str
    facts: Facts = field(compare=False, repr=False)
    last: bool = False

    @property
    def folder(self) -> str:
        """Name of the pass's folder below the work folder."""
        return f"{self.index:02d}-{self.digest}"


@dataclass(frozen=True, slots=True)
class Plan:
    """The passes of a recipe over given inputs."""

    recipe: Recipe
    slices: tuple[Slice, ...]
    passes: tuple[Pass, ...]


def make_plan(recipe: Recipe, inputs: list[InputFile]) -> Plan:
    """Cut a recipe into passes over the given input files.

    Raises:
        RecipeError: steps that cannot work in their order, or that name something that is not there.
    """
    measures = recipe.measures  # first: settings that make no sense have no fields that a step reads
    check_order(recipe)
    _check_sources(recipe)
    groups = _groups(recipe.steps)
    passes: list[Pass] = []
    depends = ""
    decided: tuple[RecipeStep, ...] = ()
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
        facts = {kind: plain(named) for kind, named in facts.items()}
        depends = digest([depends, facts])
        writes = tuple(name for name in LARGE if name in changed)
        passes.append(Pass(i, decided, steps, keys, writes, depends, facts, last))
        depends = digest([depends, [_described(entry) for entry in keys]])
        decided = keys
    return Plan(recipe, tuple(cut_slices(inputs)), tuple(passes))


def extracts(recipe: Recipe) -> bool:
    """Say whether a step makes text of HTML."""
    return any("html" in entry.step.reads and "text" in entry.step.writes for entry in recipe.steps)


def measures_signals(steps: Iterable[RecipeStep]) -> bool:
    """Say whether some steps measure signals."""
    return any("signals" in entry.step.writes for entry in steps)


def _facts(
    recipe: Recipe,
    decided: Sequence[RecipeStep],
    steps: Sequence[RecipeStep],
    keys: Sequence[RecipeStep],
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
        "file": {path: found for e in applied for path, found in named_files(recipe, e).items()},
        "code": dict(sources),
        "library": library_versions(e.step for e in (*applied, *keys)),
    }


def _described(entry: RecipeStep) -> list[Any]:
    return [entry.word, entry.settings()]


def _key_settings(entry: RecipeStep) -> list[Any]:
    """Return the part of a corpus step's settings that its keys depend on; the rest only changes its decision."""
    assert isinstance(entry.step, CorpusStep)
    return [entry.word, {name: plain(getattr(entry.step, name)) for name in entry.step.key_settings}]


def _sources(recipe: Recipe, names: Iterable[str]) -> dict[str, str]:
    """Return the digests of the sources of what some names stand for, where they are import paths."""
    found: dict[str, str] = {}
    for own in filter(None, map(recipe.plugins.find, sorted(names))):
        found |= source_digests(own)
    return found


def named_files(recipe: Recipe, entry: RecipeStep) -> dict[str, str]:
    """Return digests of the files that a step's settings name: a model, a list of domains, a sketch.

    Raises:
        RecipeError: a file that cannot be read.
    """
    try:
        return _files_named(entry.step)
    except OSError as e:
        raise recipe.error(entry.name, f": {files.reason(e)}") from None


def _files_named(step: Step) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in names_in(step, Names.FILE):
        if os.path.exists(name) and not (os.path.isfile(name) or os.path.isdir(name)):
            raise OSError(f"{name} is a device or a pipe: name a file")  # which need not end
        # a sketch is a folder, and its manifest has the digests of all else that is in it
        paths = [path for path in (name, files.join(name, MANIFEST)) if files.is_file(path)]
        for path in paths:
            found[path] = _digest_of(path)
        if os.path.isdir(name) and not paths:  # a folder of a tokenizer
            inside = (os.path.join(name, entry) for entry in sorted(os.listdir(name)))
            found |= {path: _digest_of(path) for path in inside if os.path.isfile(path)}
    return found


def _digest_of(path: str) -> str:
    hasher = xxhash.xxh3_64()
    with files.open_read(path) as f:
        while block := f.read(1 << 20):
            hasher.update(block)
    return hasher.hexdigest()


def _groups(steps: tuple[RecipeStep, ...]) -> list[tuple[tuple[RecipeStep, ...], tuple[RecipeStep, ...]]]:
    """Split steps into (map steps, corpus steps) runs; the last run has no corpus steps and changes nothing."""
    groups: list[tuple[list[RecipeStep], list[RecipeStep]]] = [([], [])]
    for entry in steps:
        maps = isinstance(entry.step, MapStep)
        if maps and groups[-1][1]:
            groups.append(([], []))
        groups[-1][0 if maps else 1].append(entry)
    # The shards are counted before the last pass: nothing may change in it, and no key be taken.
    while len(groups) == 1 or _still_changes(groups):
        groups.append(([], []))
    return [(tuple(maps), tuple(keys)) for maps, keys in groups]


def _still_changes(groups: list[tuple[list[RecipeStep], list[RecipeStep]]]) -> bool:
    (_, decided), (maps, keys) = groups[-2:]
    return bool(keys) or any(_changes(entry.step) for entry in (*decided, *maps))


def _changes(step: Step) -> bool:
    """Say whether a step changes a large field, or a column, whose type is settled before the last pass."""
    return any(name in LARGE or name not in FIELDS for name in step.writes)


def _check_sources(recipe: Recipe) -> None:
    """Refuse settings that name a source which the recipe does not have.

    Raises:
        RecipeError: naming the step and the source.
    """
    have = {source.name for source in recipe.sources}
    for entry in recipe.steps:
        try:
            entry.step.check_sources(have)
        except ValueError as e:
            raise recipe.error(entry.name, f" {e}") from None
