"""Help for recipes: the steps and their settings, from the same types that check a recipe."""

from __future__ import annotations

import inspect
from dataclasses import MISSING, dataclass, fields, is_dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import yaml

from curate.bounds import Names
from pipelines.recipe.functions import settings_type
from pipelines.recipe.model import plain
from pipelines.recipe.plugins import Plugins
from pipelines.recipe.recipe import load_recipe
from pipelines.recipe.registry import step_type, words
from pipelines.steps.base import CorpusStep


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting of a step: the values that it takes, and its default in YAML ("" if it is required)."""

    key: str
    takes: str
    default: str


@dataclass(frozen=True, slots=True)
class StepHelp:
    """The help text of a step: its word, whether it needs the whole corpus, its description, and its settings."""

    name: str
    corpus: bool
    summary: str
    more: str
    settings: tuple[Setting, ...]


def describe(word: str, plugins: Plugins | None = None) -> StepHelp:
    """Return the help text of a step.

    Raises:
        LookupError, ImportError, TypeError: there is no such step.
    """
    type_ = step_type(word, plugins)
    settings_of: Any = type_ if isinstance(type_, type) else settings_type(type_)
    summary, _, more = (inspect.getdoc(settings_of) or "").replace("``", "`").partition("\n\n")
    types = get_type_hints(settings_of, include_extras=True)
    settings = tuple(Setting(f.name, _takes(types[f.name]), _default(f)) for f in fields(settings_of))
    corpus = isinstance(type_, type) and issubclass(type_, CorpusStep)
    return StepHelp(word, corpus, " ".join(summary.split()), more, settings)


def ordered_words() -> list[str]:
    """Return all words of steps: first those of the llama3 recipe, in its order, then the others."""
    paper = [entry.word for entry in load_recipe("llama3").steps]
    return [*paper, *(word for word in words() if word not in paper)]


def _default(field: Any) -> str:
    if field.default is not MISSING:
        value = field.default
    elif field.default_factory is not MISSING:
        value = field.default_factory()
    else:
        return ""
    written = yaml.safe_dump(plain(value), default_flow_style=True, allow_unicode=True, width=10**6)
    return written.removesuffix("\n").removesuffix("\n...")


def _takes(type_: Any) -> str:
    """Describe the values of a type."""
    origin, inner = get_origin(type_), get_args(type_)
    if origin is Annotated:
        return inner[1].value if isinstance(inner[1], Names) else f"{_takes(inner[0])} {_bounds(inner[1])}"
    if origin is Literal:
        return " or ".join(inner)
    if origin in (UnionType, Union):
        return " or ".join(_takes(i) for i in inner)
    if origin is tuple:
        return f"list of {_takes(inner[0])}"
    if inner:
        return f"mapping of {_takes(inner[0])} to {_takes(inner[1])}"
    if type_ is NoneType:
        return "null"
    names = {Any: "any value", str: "text", int: "whole number", float: "number", bool: "true or false"}
    if type_ in names:
        return names[type_]
    return f"mapping of {', '.join(f.name for f in fields(type_))}" if is_dataclass(type_) else str(type_)


def _bounds(interval: Any) -> str:
    signs = ((">", interval.gt), (">=", interval.ge), ("<", interval.lt), ("<=", interval.le))
    return ", ".join(f"{sign} {limit}" for sign, limit in signs if limit is not None)
