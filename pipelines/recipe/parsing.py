"""Parsing of YAML values into a checked recipe: types, bounds and names; errors have the file, line, key and fix."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from pydantic import TypeAdapter, ValidationError

from curate.bounds import Names
from pipelines.io.columns import RESERVED
from pipelines.io.formats import OUTPUT_FORMATS, input_format, input_formats, output_format
from pipelines.recipe.bounded_yaml import MAX_INTEGER, Lines
from pipelines.recipe.changes import RawStep
from pipelines.recipe.errors import RecipeError, did_you_mean, short, shown
from pipelines.recipe.functions import FunctionStep, settings_type
from pipelines.recipe.model import Output, RecipeStep, Source
from pipelines.recipe.names import check_name
from pipelines.recipe.plugins import Plugins
from pipelines.recipe.registry import StepType, step_type, words
from pipelines.steps.base import Step, names_in


class RecipeParser:
    """Turns raw YAML values into typed ones, and knows the line of each, or the ``--set`` that changed it, for errors.

    Args:
        where: the file name that errors have.
        lines: the line of each value, by its path.
        plugins: user modules that the recipe may name.
    """

    def __init__(self, where: str, lines: Lines, plugins: Plugins) -> None:
        self.where, self.lines, self.plugins = where, lines, plugins
        self.types: dict[str, StepType] = {}
        self.changed: dict[tuple, str] = {}  # the --set that changed a value, by the path of the value

    def error(self, path: tuple, key: str, problem: str) -> RecipeError:
        """Return an error about a value, with its file and line, or the ``--set`` that changed it."""
        for end in range(len(path), 0, -1):
            if path[:end] in self.changed:
                return RecipeError(f"--set {short(self.changed[path[:end]])}: {short(key)}: {problem}")
        return RecipeError(f"{self.place(path)}: {short(key)}: {problem}")

    def place(self, path: tuple) -> str:
        """Return the file, and the line of a value or of the innermost value around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return f"{self.where}:{self.lines.get(path, 1)}"

    def name(self, raw: dict, path: tuple, default: str) -> str:
        """Return the checked name of a recipe, step or source."""
        value = raw.get("name")
        value = default if value is None else value
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise self.error(path, "name", f"expected a word, but YAML reads {value!r}; put quotes around it")
        try:
            return check_name(str(value))
        except ValueError as e:
            raise self.error(path, "name", f"{shown(value)}: {e}") from None

    def known(self, raw: dict, names: Sequence[str], path: tuple) -> None:
        """Check that all keys are known."""
        for key in raw:
            if key not in names:
                raise self.error((*path, key), str(key), f"unknown key{did_you_mean(str(key), names)}")

    def _known_within(self, raw: Any, type_: Any, path: tuple) -> None:
        """Check that all keys are known at any depth: in nested settings, alone or in lists."""
        if get_origin(type_) in (UnionType, Union):
            for inner in get_args(type_):
                self._known_within(raw, inner, path)
        elif isinstance(type_, type) and is_dataclass(type_) and isinstance(raw, dict):
            self.known(raw, [f.name for f in fields(type_)], path)
            types = get_type_hints(type_)
            for key, value in raw.items():
                self._known_within(value, types[key], (*path, key))
        elif isinstance(raw, dict) and len(get_args(type_)) == 2:
            for key, value in raw.items():
                self._known_within(value, get_args(type_)[1], (*path, key))
        elif type_ in (int, float) and isinstance(raw, bool):
            raise self.error(path, str(path[-1]), f"expected a number, but YAML reads yes, no, on and off as {raw}")
        elif isinstance(raw, list):
            for i, value in enumerate(raw):
                for inner in get_args(type_):
                    self._known_within(value, inner, (*path, i))

    def step(self, i: int, entry: Any) -> RawStep:
        """Return an entry of the list of steps, with its word and name checked."""
        if isinstance(entry, str):
            entry = {entry: None}
        if not isinstance(entry, dict) or len(entry) != 1:
            raise self.error(("steps", i), f"steps[{i}]", "expected a step, or one step with its settings below it")
        ((word, options),) = entry.items()
        self._load(word, ("steps", i))
        if options is not None and not isinstance(options, dict):
            raise self.error(("steps", i, word), word, f"expected settings as key: value, got {shown(options)}")
        options = dict(options or {})
        name = self.name(options, ("steps", i, word, "name"), word.rpartition(".")[2])
        options.pop("name", None)
        if name.casefold() == "read":
            raise self.error(("steps", i, word), "name", "'read' means the input in reports; choose another name")
        return word, name, options

    def _load(self, word: Any, path: tuple) -> None:
        """Load the class or function that a word in the list of steps names."""
        try:
            if not isinstance(word, str):
                raise LookupError
            self.types[word] = step_type(word, self.plugins)
        except LookupError:
            problem = f"unknown step {shown(word)}{did_you_mean(str(word), words())}"
            raise self.error(path, f"steps[{path[1]}]", problem) from None
        except (ImportError, TypeError) as e:
            raise self.error(path, word, str(e)) from None

    def _step(self, word: str, options: dict[str, Any], path: tuple) -> Step:
        """Return a step with checked settings."""
        type_ = self.types[word]
        if isinstance(type_, type):
            step: Step = self.build(type_, options, path)
            try:
                for name in names_in(step, Names.FILE):
                    self.plugins.find(name)
            except ImportError as e:
                raise self.error(path, word, str(e)) from None
            return step
        settings = self.build(settings_type(type_), options, path)
        return FunctionStep(type_, {f.name: getattr(settings, f.name) for f in fields(settings)})

    def check_formats(self, output: Output) -> None:
        """Check the formats of tokens and documents.

        Raises:
            RecipeError: a format does not exist.
        """
        for i, name in enumerate(output.formats):
            try:
                output_format(name, self.plugins)
            except LookupError:
                problem = f"unknown format {shown(name)}{did_you_mean(name, OUTPUT_FORMATS)}"
                raise self.error(("output", "formats", i), "formats", problem) from None
            except (ImportError, TypeError) as e:
                raise self.error(("output", "formats", i), "formats", str(e)) from None

    def steps(self, raw_steps: Sequence[RawStep]) -> tuple[tuple[RecipeStep, ...], dict[str, str]]:
        """Return the steps that ``--set`` does not remove, and the file and line of each by its name."""
        built: list[RecipeStep] = []
        places: dict[str, str] = {}
        names: dict[str, str] = {}  # by their form on a file system that ignores case and Unicode normalisation
        for i, (word, name, options) in enumerate(raw_steps):
            if options is None:
                continue
            step = self._step(word, options, ("steps", i, word))
            same = unicodedata.normalize("NFC", name).casefold()
            if other := names.get(same):
                like = "" if other == name else f", which differs from {other!r} only in case"
                raise self.error(("steps", i), name, f"a second step {name!r}{like}; give it a unique name (name: ...)")
            names[same] = name
            built.append(RecipeStep(word, name, step))
            places[name] = self.place(("steps", i))
        if not built:
            raise RecipeError(f"{self.place(('steps',))}: steps: the recipe has no steps; add some")
        return tuple(built), places

    def source(self, i: int, raw: Any) -> Source:
        """Return a checked source."""
        source: Source = self.build(Source, raw, ("sources", i))
        if not source.input.strip():
            raise self.error(("sources", i, "input"), "input", "it is empty; give a path, folder or glob")
        self.name({"name": source.name}, ("sources", i, "name"), "")
        if source.format not in ("auto", "datasets"):
            try:
                input_format(source.format, self.plugins)
            except LookupError:
                problem = f"unknown format {shown(source.format)}{did_you_mean(source.format, input_formats())}"
                raise self.error(("sources", i, "format"), "format", problem) from None
            except (ImportError, TypeError) as e:
                raise self.error(("sources", i, "format"), "format", str(e)) from None
        if repeated := next((c for c in source.columns if source.columns.count(c) > 1 or c in RESERVED), None):
            problem = f"{shown(repeated)} is repeated, or a column that curate writes; remove it"
            raise self.error(("sources", i, "columns"), "columns", problem)
        return source

    def build(self, cls: type, raw: Any, path: tuple) -> Any:
        """Return settings as a dataclass with checked values."""
        if not isinstance(raw, dict):
            raise self.error(path, str(path[-1]), "expected a mapping of settings")
        self._known_within(raw, cls, path)
        try:
            config: Any = TypeAdapter(cls).validate_python(raw)
        except (OSError, ArithmeticError, TypeError) as e:  # from the settings' own checks
            raise self.error(path, str(path[-1]), str(e)) from None
        except ValidationError as e:
            first = e.errors()[0]
            key = ".".join(str(p) for p in first["loc"]) or str(path[-1])
            problem = first["msg"].removeprefix("Value error, ")  # curate's own messages quote the value themselves
            if first["type"] not in ("missing", "value_error"):
                problem += f", got {shown(first['input'])}"
            if isinstance(first["input"], bool):
                problem += " (YAML reads yes, no, on and off as booleans; put quotes around a word)"
            if first["type"] == "value_error":
                problem += "".join(f" (with --set {s})" for p, s in self.changed.items() if p[: len(path)] == path)
            raise self.error((*path, *first["loc"]), key, problem) from None
        self._check_numbers(config, path)
        return config

    def _check_numbers(self, value: Any, path: tuple) -> None:
        """Reject NaN, and numbers that JSON cannot hold; quoted numbers get past the YAML reader."""
        if is_dataclass(value):
            for f in fields(value):
                self._check_numbers(getattr(value, f.name), (*path, f.name))
        elif isinstance(value, dict):
            for key, inner in value.items():
                self._check_numbers(inner, (*path, key))
        elif isinstance(value, float) and math.isnan(value):
            raise self.error(path, str(path[-1]), "nan is not a number; write one")
        elif isinstance(value, int) and abs(value) > MAX_INTEGER:
            raise self.error(
                path, str(path[-1]), f"exceeds the largest whole number, {MAX_INTEGER}; write a smaller one"
            )
