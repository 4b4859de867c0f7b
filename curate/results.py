"""Results of functions: dataclasses that are mappings too, so that each converts to a dict.

>>> from curate.document import Decision, Edit
>>> dict(Edit("a text", {"lines": 2}))
{'text': 'a text', 'counts': {'lines': 2}}
>>> {"id": 7, **Edit("a text")}["text"]
'a text'
"""

from __future__ import annotations

import functools
from collections.abc import Collection, ItemsView, Iterator, KeysView, Mapping, ValuesView
from dataclasses import fields
from typing import Any


class Result:
    """A dataclass whose fields are the keys of a mapping, so that ``dict`` and ``datasets.Dataset.map`` accept it.

    It is registered as a `Mapping` rather than derived from it, so that results compare as dataclasses do and a field
    may have the name of a mapping's method.
    """

    __slots__ = ()

    def __init_subclass__(cls) -> None:
        Mapping.register(cls)

    def _names(self) -> Collection[str]:
        return _names_of(type(self))  # type: ignore[arg-type]

    def __getitem__(self, name: str) -> Any:
        if name not in self._names():
            raise KeyError(name)
        return getattr(self, name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names())

    def __len__(self) -> int:
        return len(self._names())

    def __contains__(self, name: object) -> bool:
        return name in self._names()

    def get(self, name: str, default: Any = None) -> Any:
        """Return the value of a field, or the default if there is no such field."""
        try:
            return self[name]
        except KeyError:
            return default

    def keys(self) -> KeysView[str]:
        """Return the names of the fields."""
        return KeysView(self)

    def items(self) -> ItemsView[str, Any]:
        """Return the names and values of the fields."""
        return ItemsView(self)

    def values(self) -> ValuesView[Any]:
        """Return the values of the fields."""
        return ValuesView(self)


@functools.cache
def _names_of(cls: type) -> dict[str, None]:
    """Return the names of a dataclass's fields, in order."""
    return dict.fromkeys(field.name for field in fields(cls))
