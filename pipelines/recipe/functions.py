"""User-defined functions as steps: functions of a text, or of a document."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass, field, make_dataclass
from functools import partial
from typing import Any, get_type_hints

from curate.document import Decision, Document, Edit, Rejection
from pipelines.steps.base import MapFunction, MapStep, edited, from_settings

#: Return types of functions that change a document (docs/extending.md describes all return types).
CHANGING = (Document, Edit)


@dataclass(frozen=True, slots=True)
class FunctionStep(MapStep):
    """A user-defined function as a step, with its settings.

    The function takes a text (``def f(text: str, ...)``) or a document (``def f(document: Document, ...)``) and returns
    True or False, a ``Decision``, an ``Edit``, a ``Rejection``, or a ``Document``. A function that changes a document
    needs the return annotation ``-> Edit`` or ``-> Document``. Its optional attributes ``reads`` and ``writes`` name
    the fields that it reads and changes.

    >>> def short(text: str, limit: int = 3) -> bool:
    ...     "Keep texts of at most this many words."
    ...     return len(text.split()) <= limit
    >>> step = FunctionStep(short, {"limit": 2})
    >>> step.make()(Document(id="0", text="one two three"))
    Rejection(rule='short', value=None, limit=None, detail='', signals=None)
    """

    function: Callable[..., Any]
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def of_document(self) -> bool:
        """Whether the function takes a document rather than a text."""
        return takes_document(self.function)

    @from_settings
    def reads(self) -> frozenset[str]:
        """The function's attribute ``reads``; by default, the text of a function that takes a text."""
        default = () if self.of_document else ("text",)
        return frozenset(getattr(self.function, "reads", default))

    @from_settings
    def writes(self) -> frozenset[str]:
        """The function's attribute ``writes``; by default, the text of a function that changes documents."""
        returned = _annotation(self.function, "return")
        changes = any(type_ in _types_in(returned) for type_ in CHANGING)
        return frozenset(getattr(self.function, "writes", ("text",) if changes else ()))

    def make(self) -> MapFunction:
        """Build the function that processes a document."""
        function, settings, of_document, changes = self.function, dict(self.settings), self.of_document, self.writes
        name = function.__name__

        def step(document: Document) -> Document | Rejection:
            result = function(document if of_document else document.text, **settings)
            if isinstance(result, bool):
                return document if result else Rejection(name)
            if isinstance(result, Decision):
                return document if result.keep else Rejection(result.reason or name, result.value, result.limit)
            if isinstance(result, Rejection):
                return result
            if isinstance(result, CHANGING) and not changes:
                returned = type(result).__name__
                raise TypeError(f"it returned {returned}; annotate it, as def {name}(...) -> {returned}")
            if isinstance(result, Edit):
                return edited(document, result)
            if isinstance(result, Document):
                return result
            raise TypeError(f"it returned {result!r:.100}; return True, False, Decision, Edit, Document or Rejection")

        step.__name__ = step.__qualname__ = name
        step.__code__ = step.__code__.replace(co_name=name)  # shown in stack traces and profiles
        return step


def takes_document(function: Callable[..., Any]) -> bool:
    """Return whether a function's first parameter is a document, by its annotation, or by its name if it has none."""
    first = next(iter(inspect.signature(function).parameters.values()), None)
    if first is None:
        raise TypeError(f"{function.__name__} takes no parameters; its first one must be a text or a document")
    if first.annotation is inspect.Parameter.empty:
        return first.name == "document"
    return Document in _types_in(_annotation(function, first.name))


def settings_type(function: Callable[..., Any]) -> type:
    """Return a dataclass of a function's settings: its parameters except the first, with their types and defaults."""
    fields: list[Any] = []
    for parameter in list(inspect.signature(function).parameters.values())[1:]:
        if parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
            continue
        annotation = _annotation(function, parameter.name)
        type_ = Any if annotation is inspect.Parameter.empty else annotation
        if parameter.default is inspect.Parameter.empty:
            fields.insert(0, (parameter.name, type_))
        else:
            fields.append((parameter.name, type_, field(default_factory=partial(copy, parameter.default))))
    settings = make_dataclass(function.__name__, fields, frozen=True)
    settings.__doc__ = inspect.getdoc(function) or f"The function {function.__module__}.{function.__name__}."
    return settings


def _annotation(function: Callable[..., Any], name: str) -> Any:
    try:
        return get_type_hints(function, include_extras=True).get(name, inspect.Parameter.empty)
    except Exception:  # a name that is only defined for type checkers
        annotation = function.__annotations__.get(name, inspect.Parameter.empty)
        known = {"Document": Document, "Edit": Edit, "Decision": Decision, "bool": bool, "str": str}
        return known.get(annotation, annotation) if isinstance(annotation, str) else annotation


def _types_in(annotation: Any) -> tuple[Any, ...]:
    return getattr(annotation, "__args__", None) or (annotation,)
