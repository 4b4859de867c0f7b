"""A recipe: which sources, which steps in which order with which settings, and what to write.

YAML in, frozen typed values out; anything unknown is refused with its file, line and key, and the nearest right word.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from importlib import resources
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import orjson
import xxhash
import yaml
from pydantic import TypeAdapter, ValidationError

from curate.bounds import Positive
from pipelines.privacy import Privacy
from pipelines.registry import STEPS

SHIPPED = ("llama3", "fineweb")


class RecipeError(ValueError):
    """What is wrong with a recipe: file, line, key, and the fix."""


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

    @property
    def originals(self) -> tuple[str, ...]:
        """Whose quantities the rules of the recipe ask for, beside our own signals."""
        from curate.presets import originals_of, rules_of

        heuristics = [s.config for s in self.steps if s.kind == "heuristics"]
        return originals_of([rule for config in heuristics for rule in rules_of(config.presets, config.limits)])

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
    return value


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
        where = f"{name_or_path}.yaml"
    else:
        path = Path(name_or_path)
        if not path.is_file():
            raise RecipeError(
                f"no recipe {name_or_path!r}: give the path of a YAML file or one of {', '.join(SHIPPED)}"
            )
        try:
            text, where = path.read_text("utf-8"), name_or_path
        except UnicodeDecodeError as e:
            raise RecipeError(f"{name_or_path}: not UTF-8 ({e.reason} at byte {e.start}): save it as UTF-8") from None
    return parse_recipe(text, where, inputs, settings)


def parse_recipe(text: str, where: str, inputs: Sequence[str] = (), settings: Sequence[str] = ()) -> Recipe:
    """Build a recipe from YAML text; ``where`` is the file name that errors carry."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        raw = yaml.safe_load(text)
    except yaml.MarkedYAMLError as e:
        line = e.problem_mark.line + 1 if e.problem_mark else 1
        raise RecipeError(f"{where}:{line}: not YAML: {e.problem}") from None
    except yaml.reader.ReaderError as e:
        line = text.count("\n", 0, e.position) + 1
        raise RecipeError(f"{where}:{line}: not YAML: a control character, {chr(e.character)!r}: delete it") from None
    if not isinstance(raw, dict) or root is None:
        raise RecipeError(f"{where}:1: a recipe is a mapping with the keys name, sources, steps, output")
    lines = _lines(root, where)
    reader = _Reader(where, lines)
    reader.known(raw, ("name", "sources", "steps", "output"), ())
    for key in ("sources", "steps"):
        if not isinstance(raw.get(key) or [], list):
            raise reader.error((key,), key, "expected a list: one '- ' line each")
    steps = [reader.step(i, entry) for i, entry in enumerate(raw.get("steps") or [])]
    _apply(settings, raw, steps, reader.changed)
    if not any(options is not None for _, _, options in steps):
        raise RecipeError(f"{where}:{lines.get(('steps',), 1)}: steps: the recipe has no steps")
    built: list[Step] = []
    for i, (kind, name, options) in enumerate(steps):
        if options is None:
            continue
        config = reader.build(STEPS[kind].config, options, ("steps", i, kind))
        if any(s.name == name for s in built):
            raise reader.error(("steps", i), name, f"a second step {name!r}: give it a name of its own (name: ...)")
        built.append(Step(kind, name, config))
    sources = [reader.build(Source, s, ("sources", i)) for i, s in enumerate(raw.get("sources") or [])]
    if inputs:
        sources = [Source(input=pattern) for pattern in inputs]
    output = reader.build(Output, raw.get("output") or {}, ("output",))
    return Recipe(str(raw.get("name") or Path(where).stem), tuple(built), tuple(sources), output)


RawStep = tuple[str, str, dict[str, Any] | None]  # kind, name, settings; None where --set leaves the step out


class _Reader:
    """Turns raw YAML values into typed ones, and knows for the error the line of each, or what set it otherwise."""

    def __init__(self, where: str, lines: dict[tuple, int]) -> None:
        self.where, self.lines = where, lines
        self.changed: dict[tuple, str] = {}  # by the path of a value, the --set that it is from

    def error(self, path: tuple, key: str, problem: str) -> RecipeError:
        for end in range(len(path), 0, -1):
            if path[:end] in self.changed:
                return RecipeError(f"--set {self.changed[path[:end]]}: {key}: {problem}")
        while path and path not in self.lines:
            path = path[:-1]
        return RecipeError(f"{self.where}:{self.lines.get(path, 1)}: {key}: {problem}")

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
            raise self.error(("steps", i), f"steps[{i}]", f"unknown step {kind!r}{_did_you_mean(str(kind), STEPS)}")
        if options is not None and not isinstance(options, dict):
            raise self.error(("steps", i, kind), kind, f"expected settings as key: value, got {options!r}")
        options = dict(options or {})
        name = str(options.pop("name", kind))
        if name == "read":
            raise self.error(("steps", i, kind), "name", "in reports 'read' stands for the input: choose another")
        return kind, name, options

    def build(self, cls: type, raw: Any, path: tuple) -> Any:
        if not isinstance(raw, dict):
            raise self.error(path, str(path[-1]), "expected a mapping of settings")
        self._known_within(raw, cls, path)
        try:
            return TypeAdapter(cls).validate_python(raw)
        except ValidationError as e:
            first = e.errors()[0]
            key = ".".join(str(p) for p in first["loc"]) or str(path[-1])
            problem = first["msg"].removeprefix("Value error, ")  # of ours, which says what was given
            if first["type"] not in ("missing", "value_error"):
                problem += f", got {first['input']!r}"
            if isinstance(first["input"], bool):
                problem += " (YAML reads yes, no, on and off so: put quotes around a word)"
            if first["type"] == "value_error":
                problem += "".join(f" (with --set {s})" for p, s in self.changed.items() if p[: len(path)] == path)
            raise self.error((*path, *first["loc"]), key, problem) from None


def _apply(settings: Sequence[str], raw: dict, steps: list[RawStep], changed: dict[tuple, str]) -> None:
    """Change the raw recipe as ``--set`` says, and note which path was changed by which setting."""
    for setting in settings:
        path, equals, written = setting.partition("=")
        keys = path.strip().split(".")
        if not equals or len(keys) < 2:
            raise RecipeError(f"--set {setting}: expected path.to.key=value, as steps.minhash_dedup.threshold=0.8")
        try:
            value = None if written.strip() == "none" else yaml.safe_load(written)
        except yaml.YAMLError:
            raise RecipeError(f"--set {setting}: {written!r} is no number, word, or list as [a, b]") from None
        if keys[0] == "steps":
            at = {name: i for i, (_, name, options) in enumerate(steps) if options is not None}
            if keys[1] not in at:
                raise RecipeError(f"--set {setting}: no step {keys[1]!r}{_did_you_mean(keys[1], at)}")
            i = at[keys[1]]
            kind, name, options = steps[i]
            if len(keys) == 2:
                if value is not None:
                    raise RecipeError(
                        f"--set {setting}: which setting of {name}? Write steps.{name}.KEY=VALUE; none leaves it out"
                    )
                steps[i] = kind, name, None
                continue
            assert options is not None
            target, keys = options, keys[2:]
            changed[("steps", i, kind, *keys)] = setting
        elif keys[0] == "output":
            raw["output"] = target = dict(raw.get("output") or {})
            keys = keys[1:]
            changed[("output", *keys)] = setting
        else:
            raise RecipeError(f"--set {setting}: the path begins with steps or output")
        for key in keys[:-1]:
            target = target.setdefault(key, {})
            if not isinstance(target, dict):
                raise RecipeError(f"--set {setting}: {key} is a value, not a mapping with {keys[-1]!r} in it")
        target[keys[-1]] = value


def _did_you_mean(word: str, known: Any) -> str:
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else f"; known: {', '.join(sorted(known))}"


def _lines(node: yaml.Node, where: str, path: tuple = ()) -> dict[tuple, int]:
    found = {path: node.start_mark.line + 1}
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            line = key.start_mark.line + 1
            if (*path, key.value) in found:  # YAML forbids it, PyYAML takes the last one
                first = found[(*path, key.value)]
                raise RecipeError(f"{where}:{line}: {key.value}: given twice, first in line {first}: delete one")
            found |= _lines(value, where, (*path, key.value))
            found[(*path, key.value)] = line
    elif isinstance(node, yaml.SequenceNode):
        for i, value in enumerate(node.value):
            found |= _lines(value, where, (*path, i))
    return found
