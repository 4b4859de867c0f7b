"""From a recipe to passes: neighbouring map steps share one reading of the text, a cut stands at each corpus step.

A pass reads documents, applies what the corpus steps before it decided, runs its map steps, and takes the keys of the
corpus steps behind it. Its folder is named by a digest of everything its result depends on, so that what is there and
whole is never done again, and a changed setting redoes just what depends on it.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from importlib import metadata, resources
from typing import Any

import xxhash

from curate.dedup.sketch_file import MANIFEST
from pipelines.io import files
from pipelines.io.sources import InputFile, Slice, cut_slices
from pipelines.recipe.recipe import Recipe, Step, digest
from pipelines.recipe.registry import STEPS, CorpusStep

#: Libraries whose version can change the bytes of a result; some come with an extra only.
LIBRARIES = (
    "fasttext-community",
    "fastwarc",
    "idna",
    "kenlm",
    "justext",
    "langdetect",
    "lxml",
    "numpy",
    "pyarrow",
    "resiliparse",
    "sentencepiece",
    "tiktoken",
    "tokenizers",
    "trafilatura",
)
#: Settings that name a file or a folder; the result depends on what is in it.
PATHS = frozenset({"benchmarks", "domains", "index", "model", "pieces", "tokenizer"})


#: Steps that look at the URL alone, and may stand before the text is extracted.
BEFORE_TEXT = ("url_filter", "url_dedup", "extract")


@dataclass(frozen=True, slots=True)
class Pass:
    """One reading of the documents.

    ``decided``: corpus steps of the pass before, whose decisions are applied first. ``steps``: map steps. ``keys``:
    corpus steps whose keys are taken last. ``writes``: large fields written because a step changed them.
    ``digest`` stands for all that the result depends on.
    """

    index: int
    decided: tuple[Step, ...]
    steps: tuple[Step, ...]
    keys: tuple[Step, ...]
    writes: tuple[str, ...]
    digest: str
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

    def shuffled(self, spec: Pass) -> list[tuple[str, str]]:
        """What each corpus step behind a pass sends through a shuffle, in words."""
        kinds = [(step.name, STEPS[step.kind]) for step in spec.keys]
        return [(name, kind.shuffles) for name, kind in kinds if isinstance(kind, CorpusStep)]


def code_version() -> str:
    """Return a digest of the source of `curate` and `pipelines`, the models, and the libraries that shape results."""
    hasher = xxhash.xxh3_64()
    for package in ("curate", "pipelines", "quality_models"):
        for path in sorted(_files(resources.files(package)), key=lambda p: p[0]):
            hasher.update(path[0].encode() + b"\0" + path[1].read_bytes())
    for name in LIBRARIES:
        with suppress(metadata.PackageNotFoundError):
            hasher.update(f"{name}={metadata.version(name)};".encode())
    hasher.update(platform.python_version().encode())
    return hasher.hexdigest()


def _files(folder, prefix: str = "") -> list:  # type: ignore[no-untyped-def]  # noqa: ANN001
    found = []
    for entry in folder.iterdir():
        name = f"{prefix}/{entry.name}"
        if entry.is_dir():
            if entry.name != "__pycache__":
                found += _files(entry, name)
        elif not entry.name.endswith(".pyc"):
            found.append((name, entry))
    return found


def make_plan(recipe: Recipe, inputs: list[InputFile]) -> Plan:
    """Cut a recipe into passes over the given input files.

    Raises:
        RecipeError: steps that cannot work in their order, or that name a source or preset which is not there.
    """
    _check_order(recipe)
    _check_sources(recipe)
    groups = _groups(recipe.steps)
    passes: list[Pass] = []
    extracts = any(step.kind == "extract" for step in recipe.steps)
    try:
        originals = recipe.originals
    except ValueError as e:  # a preset or rule that is not there
        heuristics = next(s.name for s in recipe.steps if s.kind == "heuristics")
        raise recipe.error(heuristics, f": {e}") from None
    depends = digest([code_version(), [digest(f) for f in inputs], extracts])
    decided: tuple[Step, ...] = ()
    for i, (steps, keys) in enumerate(groups):
        last = i == len(groups) - 1
        changed = {"html", "text"} if i == 0 else set()
        for step in (*decided, *steps):
            changed |= STEPS[step.kind].changes
        writes = tuple(name for name in ("html", "text", "tokens") if name in changed)
        shape = [recipe.name, recipe.output] if last else None
        named = [_named_files(recipe, step) for step in (*decided, *steps)]
        measured = originals if measures(steps) else ()
        keyed = [(k.kind, k.name, _key_settings(k)) for k in keys]
        depends = digest([depends, decided, steps, measured, named, keyed, shape])
        passes.append(Pass(i, decided, steps, keys, writes, depends, last))
        depends = digest([depends, keys])
        decided = keys
    return Plan(recipe, tuple(cut_slices(inputs)), tuple(passes))


def measures(steps: Sequence[Step]) -> bool:
    """Say whether the steps of a pass measure signals, those of others that the recipe asks for among them."""
    return any(step.kind == "heuristics" for step in steps)


def _named_files(recipe: Recipe, step: Step) -> list[str]:
    try:
        return named_files(step.config)
    except OSError as e:
        raise recipe.error(step.name, f": {files.reason(e)}") from None


def named_files(config: Any) -> list[str]:
    """Return digests of the files that a step's settings name: a model, a list of domains, a sketch."""
    found: list[str] = []
    for value in (getattr(config, f.name) for f in fields(config) if f.name in PATHS):
        for name in value if isinstance(value, tuple) else (value,):
            if name and os.path.exists(name) and not (os.path.isfile(name) or os.path.isdir(name)):
                raise OSError(f"{name} is a device or a pipe: name a file")  # which need not end
            # a sketch is a folder, and its manifest has the digests of all else that is in it
            for path in filter(files.is_file, (name, files.join(name, MANIFEST)) if name else ()):
                hasher = xxhash.xxh3_64()
                with files.open_read(path) as f:
                    while block := f.read(1 << 20):
                        hasher.update(block)
                found.append(hasher.hexdigest())
    return found


def _key_settings(step: Step) -> object:
    """Return the part of a corpus step's settings that its keys depend on; the rest only changes its decision."""
    kind = STEPS[step.kind]
    assert isinstance(kind, CorpusStep)
    return {name: getattr(step.config, name) for name in kind.key_settings}


def _groups(steps: tuple[Step, ...]) -> list[tuple[tuple[Step, ...], tuple[Step, ...]]]:
    """Split steps into (map steps, corpus steps) runs; the last run has no corpus steps and changes nothing."""
    groups: list[tuple[list[Step], list[Step]]] = [([], [])]
    for step in steps:
        corpus = isinstance(STEPS[step.kind], CorpusStep)
        if not corpus and groups[-1][1]:
            groups.append(([], []))
        groups[-1][1 if corpus else 0].append(step)
    # The shards are counted before the last pass: nothing may change in it, and no key be taken.
    while len(groups) == 1 or _still_changes(groups):
        groups.append(([], []))
    return [(tuple(maps), tuple(keys)) for maps, keys in groups]


def _still_changes(groups: list[tuple[list[Step], list[Step]]]) -> bool:
    (_, decided), (maps, keys) = groups[-2:]
    return bool(keys) or any(STEPS[step.kind].changes for step in (*decided, *maps))


def _check_order(recipe: Recipe) -> None:
    """Refuse a recipe whose steps cannot work in their order.

    Raises:
        RecipeError: a corpus step without the map step that gives its keys, a step that looks at the text before there
            is one, a text changed behind its tokens, or a second set of tokens.
    """
    seen: dict[str, str] = {}
    extracts = any(step.kind == "extract" for step in recipe.steps)
    for step in recipe.steps:
        if extracts and "extract" not in seen and step.kind not in BEFORE_TEXT:
            raise recipe.error(step.name, " looks at the text, which extract finds: put extract before it")
        kind = STEPS[step.kind]
        missing = [n for n in kind.needs(step.config) if n not in seen] if isinstance(kind, CorpusStep) else []
        if missing:
            raise recipe.error(step.name, f" needs what {missing[0]} finds: put the step {missing[0]} before it")
        if step.kind == "tokenize" and "tokenize" in seen:
            raise recipe.error(step.name, " is a second tokenizer: a corpus has the ids of one")
        if "text" in kind.changes and "tokenize" in seen:
            raise recipe.error(step.name, f" changes the text behind {seen['tokenize']}: put it before")
        seen[step.kind] = step.name


def _check_sources(recipe: Recipe) -> None:
    """Refuse a mixture that names a source which the recipe does not have.

    Raises:
        RecipeError: naming the step and the source.
    """
    have = {source.name for source in recipe.sources}
    for step in recipe.steps:
        named = step.config.targets if getattr(step.config, "by", "") == "source" else ()
        if unknown := sorted(set(named) - have):
            raise recipe.error(
                step.name,
                f" names the source {unknown[0]!r}, but there are {', '.join(sorted(have))}: name it in the recipe, as "
                "sources: [{input: PATTERN, name: NAME}]",
            )
