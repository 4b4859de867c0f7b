"""A recipe: which sources, which steps in which order with which settings, and what to write.

YAML in, frozen typed values out; anything unknown is refused with its file, line and key, and the nearest right word.
"""

from __future__ import annotations

import difflib
import math
import os
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from importlib import resources
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import orjson
import xxhash
from pydantic import TypeAdapter, ValidationError

from curate.bounds import Positive
from curate.text.printable import printable, storable
from pipelines.bounded_yaml import MAX_CHARACTERS, MAX_DEPTH, MAX_INTEGER, Lines, NotYaml, YamlError, read_yaml
from pipelines.names import as_name, check_name
from pipelines.privacy import Privacy
from pipelines.registry import STEPS

SHIPPED = ("llama3", "fineweb")


MAX_MESSAGE = 1000  # characters of an error


class RecipeError(ValueError):
    """What is wrong with a recipe: file, line, key, and the fix, in one line that any terminal shows."""

    def __init__(self, message: str) -> None:
        message = printable(message)
        if len(message) > MAX_MESSAGE:  # it quotes a value that long
            message = f"{message[: MAX_MESSAGE // 2]} ... {message[-MAX_MESSAGE // 2 :]}"
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Source:
    """One input: a path, folder or glob, and the name that its documents carry.

    ``text`` names the column that holds the text, where rows are read. For the format ``datasets``, ``input`` is a data
    set of the Hugging Face hub, ``name``, ``name:split`` or ``name:config:split``, or a folder, and it is streamed.
    """

    input: str
    name: str = "input"
    format: Literal["auto", "warc", "jsonl", "parquet", "arrow", "html", "text", "datasets"] = "auto"
    text: str = "text"


@dataclass(frozen=True, slots=True)
class Output:
    """What the run writes beside documents, rejections and signals."""

    formats: tuple[Literal["parquet", "megatron"], ...] = ("parquet", "megatron")
    tokens_per_shard: Positive = 100_000_000
    bytes_per_shard: Positive = 256_000_000
    shuffle_seed: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the recipe: the registered kind, the name it has in reports, and its settings."""

    kind: str
    name: str
    config: Any


@dataclass(frozen=True, slots=True)
class Recipe:
    """A whole recipe, checked."""

    name: str
    steps: tuple[Step, ...]
    sources: tuple[Source, ...] = ()
    output: Output = field(default_factory=Output)
    places: Mapping[str, str] = field(default_factory=dict)  # file and line of each step

    def error(self, step: str, problem: str) -> RecipeError:
        """Return an error that says where the step stands, its name, and what is wrong with it."""
        return RecipeError(f"{self.places.get(step, 'steps')}: {step}{problem}")

    @property
    def originals(self) -> tuple[str, ...]:
        """Whose quantities the rules of the recipe ask for, beside our own signals."""
        from curate.filters.presets import reference_filters_of, rules_of

        heuristics = [s.config for s in self.steps if s.kind == "heuristics"]
        return reference_filters_of([rule for config in heuristics for rule in rules_of(config.presets, config.limits)])

    @property
    def privacy(self) -> Privacy:
        """What the recipe scrubs in all that it writes."""
        return Privacy.of(step.config for step in self.steps)

    def resolved(self) -> dict:
        """Return every setting, defaults too, as plain values for the manifest."""
        return {
            "name": self.name,
            "sources": [plain(s) for s in self.sources],
            "steps": [{"step": s.kind, "name": s.name, **plain(s.config)} for s in self.steps],
            "output": plain(self.output),
        }


def plain(value: Any) -> Any:
    """Return settings as lists, mappings, numbers and words alone, as YAML and JSON have them."""
    if is_dataclass(value):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, tuple | list):
        return [plain(v) for v in value]
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in sorted(value.items())}
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)  # JSON has no infinity
    return storable(value) if isinstance(value, str) else value  # a path need not be UTF-8


def digest(value: Any) -> str:
    """Return 16 hex digits that stand for a plain value."""
    return xxhash.xxh3_64_hexdigest(orjson.dumps(plain(value), option=orjson.OPT_SORT_KEYS))


def load_recipe(name_or_path: str, inputs: Sequence[str] = (), settings: Sequence[str] = ()) -> Recipe:
    """Read a recipe by shipped name or path.

    Args:
        name_or_path: ``llama3``, ``fineweb``, or the path of a YAML file.
        inputs: patterns that replace the recipe's sources.
        settings: ``path.to.key=value`` changes, the value in YAML; a step is addressed by its name
            (``steps.minhash_dedup.threshold=0.8``).

    Raises:
        RecipeError: with file, line, key and the fix.
    """
    if name_or_path in SHIPPED:
        text = resources.files("pipelines").joinpath(f"recipes/{name_or_path}.yaml").read_text("utf-8")
        return parse_recipe(text, f"{name_or_path}.yaml", inputs, settings)
    return parse_recipe(_read_file(name_or_path), name_or_path, inputs, settings)


def _read_file(path: str) -> str:
    if os.path.exists(path) and not os.path.isfile(path):
        raise RecipeError(f"{path} is not a file: give the path of a YAML file or one of {', '.join(SHIPPED)}")
    try:
        with open(path, "rb") as f:
            data = f.read(MAX_CHARACTERS + 1)
    except (FileNotFoundError, NotADirectoryError, ValueError):  # the last of a path with a null character
        raise RecipeError(
            f"no recipe {_shown(path)}: give the path of a YAML file or one of {', '.join(SHIPPED)}"
        ) from None
    except OSError as e:
        raise RecipeError(f"{_short(path)}: {e.strerror}: give the path of a YAML file that can be read") from None
    if len(data) > MAX_CHARACTERS:
        raise RecipeError(f"{path}:1: more than {MAX_CHARACTERS:,} bytes: name inputs by globs rather than one by one")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as e:
        line = data.count(b"\n", 0, e.start) + 1
        raise RecipeError(f"{path}:{line}: not UTF-8 ({e.reason} at byte {e.start}): save it as UTF-8") from None


def parse_recipe(text: str, where: str, inputs: Sequence[str] = (), settings: Sequence[str] = ()) -> Recipe:
    """Build a recipe from YAML text; ``where`` is the file name that errors carry.

    Raises:
        RecipeError: with file, line, key and the fix.
    """
    try:
        raw, lines = read_yaml(text)
    except YamlError as e:
        raise RecipeError(f"{where}:{e.line}: {e.problem}") from None
    if not isinstance(raw, dict):
        is_empty = "the file is empty: " if raw is None else ""
        raise RecipeError(f"{where}:1: {is_empty}a recipe is a mapping with the keys name, sources, steps, output")
    reader = _Reader(where, lines)
    reader.known(raw, ("name", "sources", "steps", "output"), ())
    for key in ("sources", "steps"):
        if not isinstance(raw.get(key) or [], list):
            raise reader.error((key,), key, "expected a list: one '- ' line each")
    name = reader.name(raw, ("name",), as_name(Path(storable(where)).stem) or "recipe")
    raw_steps = [reader.step(i, entry) for i, entry in enumerate(raw.get("steps") or [])]
    _apply(settings, raw, raw_steps, reader.changed)
    steps, places = reader.steps(raw_steps)
    sources = [reader.source(i, source) for i, source in enumerate(raw.get("sources") or [])]
    if not all(pattern.strip() for pattern in inputs):
        raise RecipeError("--input: it is empty: give a path, folder or glob")
    if inputs:
        sources = [Source(input=pattern) for pattern in inputs]
    output = reader.build(Output, raw.get("output") or {}, ("output",))
    return Recipe(name, steps, tuple(sources), output, places)


RawStep = tuple[str, str, dict[str, Any] | None]  # kind, name, settings; None where --set leaves the step out


class _Reader:
    """Turns raw YAML values into typed ones, and knows for the error the line of each, or what set it otherwise."""

    def __init__(self, where: str, lines: Lines) -> None:
        self.where, self.lines = where, lines
        self.changed: dict[tuple, str] = {}  # by the path of a value, the --set that it is from

    def error(self, path: tuple, key: str, problem: str) -> RecipeError:
        for end in range(len(path), 0, -1):
            if path[:end] in self.changed:
                return RecipeError(f"--set {_short(self.changed[path[:end]])}: {_short(key)}: {problem}")
        return RecipeError(f"{self.place(path)}: {_short(key)}: {problem}")

    def place(self, path: tuple) -> str:
        """Return the file, and the line of a value or else of what it stands in."""
        while path and path not in self.lines:
            path = path[:-1]
        return f"{self.where}:{self.lines.get(path, 1)}"

    def name(self, raw: dict, path: tuple, default: str) -> str:
        """Return the name that a recipe, step or source has, checked."""
        value = raw.get("name")
        value = default if value is None else value
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise self.error(path, "name", f"a word is expected, and YAML reads {value!r}: put quotes around it")
        try:
            return check_name(str(value))
        except ValueError as e:
            raise self.error(path, "name", f"{_shown(value)}: {e}") from None

    def known(self, raw: dict, names: Sequence[str], path: tuple) -> None:
        for key in raw:
            if key not in names:
                raise self.error((*path, key), str(key), f"unknown key{_did_you_mean(str(key), names)}")

    def _known_within(self, raw: Any, kind: Any, path: tuple) -> None:
        """Refuse unknown keys at any depth: in settings that are settings themselves, alone or in lists."""
        if get_origin(kind) in (UnionType, Union):
            for inner in get_args(kind):
                self._known_within(raw, inner, path)
        elif isinstance(kind, type) and is_dataclass(kind) and isinstance(raw, dict):
            self.known(raw, [f.name for f in fields(kind)], path)
            types = get_type_hints(kind)
            for key, value in raw.items():
                self._known_within(value, types[key], (*path, key))
        elif isinstance(raw, dict) and len(get_args(kind)) == 2:
            for key, value in raw.items():
                self._known_within(value, get_args(kind)[1], (*path, key))
        elif kind in (int, float) and isinstance(raw, bool):
            raise self.error(path, str(path[-1]), f"a number is expected, and YAML reads yes, no, on, off as {raw}")
        elif isinstance(raw, list):
            for i, value in enumerate(raw):
                for inner in get_args(kind):
                    self._known_within(value, inner, (*path, i))

    def step(self, i: int, entry: Any) -> RawStep:
        if isinstance(entry, str):
            entry = {entry: None}
        if not isinstance(entry, dict) or len(entry) != 1:
            raise self.error(("steps", i), f"steps[{i}]", "a step is a name, or one name with its settings below it")
        ((kind, options),) = entry.items()
        if kind not in STEPS:
            problem = f"unknown step {_shown(kind)}{_did_you_mean(str(kind), STEPS)}"
            raise self.error(("steps", i), f"steps[{i}]", problem)
        if options is not None and not isinstance(options, dict):
            raise self.error(("steps", i, kind), kind, f"expected settings as key: value, got {_shown(options)}")
        options = dict(options or {})
        name = self.name(options, ("steps", i, kind, "name"), kind)
        options.pop("name", None)
        if name.casefold() == "read":
            raise self.error(("steps", i, kind), "name", "in reports 'read' stands for the input: choose another")
        return kind, name, options

    def steps(self, raw_steps: Sequence[RawStep]) -> tuple[tuple[Step, ...], dict[str, str]]:
        """Return the steps that are not left out, and the place of each by its name."""
        built: list[Step] = []
        places: dict[str, str] = {}
        names: dict[str, str] = {}  # as a file system that ignores case and accents' form sees them
        for i, (kind, name, options) in enumerate(raw_steps):
            if options is None:
                continue
            config = self.build(STEPS[kind].config, options, ("steps", i, kind))
            same = unicodedata.normalize("NFC", name).casefold()
            if other := names.get(same):
                like = "" if other == name else f", which only case sets apart from {other!r}"
                raise self.error(("steps", i), name, f"a second step {name!r}{like}: give it a unique name (name: ...)")
            names[same] = name
            built.append(Step(kind, name, config))
            places[name] = self.place(("steps", i))
        if not built:
            raise RecipeError(f"{self.place(('steps',))}: steps: the recipe has no steps")
        return tuple(built), places

    def source(self, i: int, raw: Any) -> Source:
        """Return a source, its name checked."""
        source: Source = self.build(Source, raw, ("sources", i))
        if not source.input.strip():
            raise self.error(("sources", i, "input"), "input", "it is empty: give a path, folder or glob")
        self.name({"name": source.name}, ("sources", i, "name"), "")
        return source

    def build(self, cls: type, raw: Any, path: tuple) -> Any:
        if not isinstance(raw, dict):
            raise self.error(path, str(path[-1]), "expected a mapping of settings")
        self._known_within(raw, cls, path)
        try:
            config: Any = TypeAdapter(cls).validate_python(raw)
        except (OSError, ArithmeticError, TypeError) as e:  # from a check of the settings themselves
            raise self.error(path, str(path[-1]), str(e)) from None
        except ValidationError as e:
            first = e.errors()[0]
            key = ".".join(str(p) for p in first["loc"]) or str(path[-1])
            problem = first["msg"].removeprefix("Value error, ")  # of ours, which says what was given
            if first["type"] not in ("missing", "value_error"):
                problem += f", got {_shown(first['input'])}"
            if isinstance(first["input"], bool):
                problem += " (YAML reads yes, no, on and off so: put quotes around a word)"
            if first["type"] == "value_error":
                problem += "".join(f" (with --set {s})" for p, s in self.changed.items() if p[: len(path)] == path)
            raise self.error((*path, *first["loc"]), key, problem) from None
        self._check_numbers(config, path)
        return config

    def _check_numbers(self, value: Any, path: tuple) -> None:
        """Refuse numbers that nothing can be compared with or that JSON cannot hold; quoted ones come this far."""
        if is_dataclass(value):
            for f in fields(value):
                self._check_numbers(getattr(value, f.name), (*path, f.name))
        elif isinstance(value, dict):
            for key, inner in value.items():
                self._check_numbers(inner, (*path, key))
        elif isinstance(value, float) and math.isnan(value):
            raise self.error(path, str(path[-1]), "nan is not a number: write one")
        elif isinstance(value, int) and abs(value) > MAX_INTEGER:
            raise self.error(
                path, str(path[-1]), f"beyond the largest whole number, {MAX_INTEGER}: write a smaller one"
            )


def _apply(settings: Sequence[str], raw: dict, steps: list[RawStep], changed: dict[tuple, str]) -> None:
    """Change the raw recipe as ``--set`` says, and note which path was changed by which setting."""
    for setting in settings:
        path, equals, written = setting.partition("=")
        keys = path.strip().split(".")
        said = f"--set {_short(setting)}"
        if not equals or not 2 <= len(keys) <= MAX_DEPTH:
            raise RecipeError(f"{said}: expected path.to.key=value, as steps.minhash_dedup.threshold=0.8")
        value = _value(said, written)
        if keys[0] == "steps":
            at = {name: i for i, (_, name, options) in enumerate(steps) if options is not None}
            if keys[1] not in at:
                raise RecipeError(f"{said}: no step {_shown(keys[1])}{_did_you_mean(keys[1], at)}")
            i = at[keys[1]]
            kind, name, options = steps[i]
            if len(keys) == 2:
                if value is not None:
                    raise RecipeError(
                        f"{said}: which setting of {name}? Write steps.{name}.KEY=VALUE; none leaves it out"
                    )
                steps[i] = kind, name, None
                continue
            assert options is not None
            target: Any = options
            at_path: tuple = ("steps", i, kind)
            keys = keys[2:]
        elif keys[0] == "output":
            target = raw["output"] = raw.get("output") or {}
            at_path, keys = ("output",), keys[1:]
        else:
            raise RecipeError(f"{said}: the path begins with steps or output")
        for depth, key in enumerate(keys):
            if not isinstance(target, dict):
                raise RecipeError(f"{said}: {key!r} is to be set in a value that is not a mapping")
            if depth == len(keys) - 1 or key not in target:
                changed[(*at_path, *keys[: depth + 1])] = setting
            if depth < len(keys) - 1:
                target = target.setdefault(key, {})
        target[keys[-1]] = value


def _value(said: str, written: str) -> Any:
    """Return what ``--set`` gives, written in YAML."""
    if written.strip() == "none":
        return None
    try:
        return read_yaml(written)[0]
    except NotYaml:
        raise RecipeError(f"{said}: {_shown(written)} is no number, word, or list as [a, b]") from None
    except YamlError as e:
        raise RecipeError(f"{said}: {e.problem}") from None


def _shown(value: Any) -> str:
    return _short(repr(value))


def _short(text: str) -> str:
    return text if len(text) <= 100 else f"{text[:97]}..."


def _did_you_mean(word: str, known: Any) -> str:
    near = difflib.get_close_matches(word[:100], list(known), n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else f"; known: {', '.join(sorted(known))}"
