"""The steps that a recipe can name: those of `pipelines.steps`, those of entry points, and those in user modules.

A built-in step is the step class in the module ``pipelines.steps.WORD``. An installed package adds words by entry
points of the group ``curate.steps``. Anything else is an import path, such as ``my_filters.no_casino``.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import pkgutil
from collections.abc import Callable
from importlib import metadata
from typing import Any

import pipelines.steps
from curate.document import Document
from pipelines.recipe.plugins import Plugins
from pipelines.steps.base import CorpusStep, MapStep, Step

#: A step class, or a function of a text or of a document.
StepType = type[Step] | Callable[..., Any]
NOT_WORDS = ("base",)


@functools.cache
def words() -> tuple[str, ...]:
    """Return the words of the built-in steps and of entry points, in alphabetical order.

    >>> "minhash_dedup" in words()
    True
    """
    built_in = {module.name for module in pkgutil.iter_modules(pipelines.steps.__path__)}.difference(NOT_WORDS)
    return tuple(sorted(built_in | _installed().keys()))


@functools.cache
def _installed() -> dict[str, metadata.EntryPoint]:
    """Return the entry points of installed packages; cached, because the search takes a millisecond."""
    return {entry.name: entry for entry in metadata.entry_points(group="curate.steps")}


def step_type(word: str, plugins: Plugins | None = None) -> StepType:
    """Return the class or function that a word of a recipe names.

    Raises:
        LookupError: there is no such word.
        ImportError: the import path cannot be imported.
        TypeError: the object is not a step.
    """
    if "." in word:
        return _checked(word, (plugins or Plugins()).load(word))
    if word in _installed():
        return _checked(word, _installed()[word].load())
    if word not in words():
        raise LookupError(word)
    return _built_in(word)


@functools.cache
def _built_in(word: str) -> type[Step]:
    module = importlib.import_module(f"pipelines.steps.{word}")
    (type_,) = (
        value
        for value in vars(module).values()
        if inspect.isclass(value) and issubclass(value, Step) and value.__module__ == module.__name__
    )
    return type_


def _checked(word: str, thing: Any) -> StepType:
    if inspect.isclass(thing):
        if not issubclass(thing, MapStep | CorpusStep):
            raise TypeError(f"{word} is a class, but not a MapStep or a CorpusStep of pipelines.steps.base")
        return thing
    if not inspect.isroutine(thing):
        raise TypeError(f"{word} is neither a function nor a step class")
    return thing


def word_of(step: Step) -> str:
    """Return the word or import path by which a recipe names the class of a step."""
    package, _, module = type(step).__module__.rpartition(".")
    return module if package == "pipelines.steps" else f"{type(step).__module__}.{type(step).__qualname__}"


def own_words(plugins: Plugins) -> list[str]:
    """Return the import paths of the steps in the folders of user modules.

    Raises:
        ImportError: a module cannot be imported.
    """
    return [name for name in plugins.words() if _is_step(plugins.load(name))]


def _is_step(thing: Any) -> bool:
    if inspect.isclass(thing):
        return issubclass(thing, MapStep | CorpusStep)
    first = next(iter(inspect.signature(thing).parameters.values()), None)
    return first is not None and (
        first.name in ("text", "document") or first.annotation in (str, Document, "str", "Document")
    )
