"""Recipes as checked values: sources, steps with their settings, and output."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, Generic, TypeGuard, TypeVar

import orjson
import xxhash

from curate.bounds import Names, Positive
from curate.text.printable import storable
from pipelines.io.privacy import Privacy
from pipelines.recipe.errors import RecipeError
from pipelines.recipe.functions import FunctionStep
from pipelines.recipe.plugins import PackedPlugins, Plugins
from pipelines.steps.base import CorpusStep, MapStep, Step, names_in


@dataclass(frozen=True, slots=True)
class Source:
    """One input: a path, folder or glob, and the source name of its documents.

    ``input`` may be ``@`` and the path or URL of a list of paths or URLs, before each of which ``prefix`` is put.

    For formats with rows, ``text``, ``title`` and ``id`` name the columns that hold the text, the title and the
    record's id, and ``columns`` names more columns to copy to the result. For the format ``datasets``, ``input`` is a
    folder or a data set of the Hugging Face hub, ``name``, ``name:split`` or ``name:config:split``, which is streamed.
    ``format`` may also be the import path of a reader (docs/extending.md).
    """

    input: str
    name: str = "input"
    format: str = "auto"
    text: str = "text"
    columns: tuple[str, ...] = ()
    id: str = ""
    title: str = ""
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class Output:
    """What the run writes, in addition to documents, rejections and signals.

    ``formats`` lists ``parquet``, ``megatron``, or import paths of writers (docs/extending.md).
    """

    formats: tuple[str, ...] = ("parquet", "megatron")
    tokens_per_shard: Positive = 100_000_000
    bytes_per_shard: Positive = 256_000_000
    shuffle_seed: int = 0


StepT_co = TypeVar("StepT_co", bound=Step, covariant=True)


@dataclass(frozen=True, slots=True)
class RecipeStep(Generic[StepT_co]):
    """A step of a recipe.

    Attributes:
        word: the word or import path that names it in the recipe.
        name: its unique name in reports.
        step: the step, with its settings.
    """

    word: str
    name: str
    step: StepT_co

    def settings(self) -> dict[str, Any]:
        """Return the settings of the step as plain values."""
        if isinstance(self.step, FunctionStep):
            return plain(dict(self.step.settings))
        return plain(self.step)


def is_map_step(entry: RecipeStep[Step]) -> TypeGuard[RecipeStep[MapStep]]:
    """Return whether the step looks at one document at a time."""
    return isinstance(entry.step, MapStep)


def is_corpus_step(entry: RecipeStep[Step]) -> TypeGuard[RecipeStep[CorpusStep]]:
    """Return whether the step needs to see all documents."""
    return isinstance(entry.step, CorpusStep)


@dataclass(frozen=True, slots=True)
class Recipe:
    """A checked recipe."""

    name: str
    steps: tuple[RecipeStep[Step], ...]
    sources: tuple[Source, ...] = ()
    output: Output = field(default_factory=Output)
    places: Mapping[str, str] = field(default_factory=dict)  # file and line of each step, by its name
    plugins: Plugins = field(default_factory=Plugins)

    def error(self, step: str, problem: str) -> RecipeError:
        """Return an error with the file and line of a step, its name, and the problem."""
        return RecipeError(f"{self.places.get(step, 'steps')}: {step}{problem}")

    @property
    def measures(self) -> tuple[str, ...]:
        """Reference filters whose quantities are among the signals that the steps write.

        Raises:
            RecipeError: a preset or rule does not exist.
        """
        measures: set[str] = set()
        for entry in self.steps:
            try:
                measures.update(entry.step.measures)
            except ValueError as e:
                raise self.error(entry.name, f": {e}") from None
        return tuple(sorted(measures))

    @property
    def privacy(self) -> Privacy:
        """What the recipe scrubs in everything that it writes."""
        return Privacy.of(entry.step.privacy for entry in self.steps if entry.step.privacy)

    def pack(self) -> PackedPlugins:
        """Return the source files of all user modules, for workers."""
        things: list[Any] = [e.step.function if isinstance(e.step, FunctionStep) else type(e.step) for e in self.steps]
        names = [*(source.format for source in self.sources), *self.output.formats]
        names += [name for e in self.steps for name in names_in(e.step, Names.FILE)]
        return self.plugins.pack([*things, *filter(None, map(self.plugins.find, names))])

    def resolved(self) -> dict:
        """Return every setting, including defaults, as plain values for the manifest."""
        return {
            "name": self.name,
            "sources": [plain(s) for s in self.sources],
            "steps": [{"step": s.word, "name": s.name, **s.settings()} for s in self.steps],
            "output": plain(self.output),
        }


def plain(value: Any) -> Any:
    """Convert settings to lists, mappings, numbers and words, as in YAML and JSON."""
    if is_dataclass(value):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, tuple | list):
        return [plain(v) for v in value]
    if isinstance(value, Mapping):
        return {storable(str(k)): plain(v) for k, v in sorted(value.items())}
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)  # JSON has no infinity
    return storable(value) if isinstance(value, str) else value  # a path need not be UTF-8


def digest(value: Any) -> str:
    """Return a digest of a plain value, 16 hex digits."""
    return xxhash.xxh3_64_hexdigest(orjson.dumps(plain(value), option=orjson.OPT_SORT_KEYS))
