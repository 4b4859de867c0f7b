"""YAML of unknown origin, read in bounded time and memory: plain values, and the line of each.

PyYAML's own composer follows aliases without end, recurses as deeply as the file says, and makes objects, dates and
bytes of words. This one takes PyYAML's events, counts what it builds, and makes only mappings, lists, words and
numbers.
"""

from __future__ import annotations

import copy
import math
import re
from dataclasses import dataclass
from typing import Any

import yaml

#: Ours: the shipped recipes have 2,000 characters, 60 values, 5 levels. PyYAML reads this much in 0.6 s.
MAX_CHARACTERS = 200_000
MAX_VALUES = 20_000  # an alias counts as often as it is used
MAX_DEPTH = 20
MAX_INTEGER = 2**63 - 1  # JSON and Parquet hold no larger one

CORE = "tag:yaml.org,2002:"
#: The tags that a word or number may have, written or as PyYAML finds them.
SCALARS = frozenset(CORE + kind for kind in ("null", "bool", "int", "float", "str", "value", "merge"))
QUOTES = "put quotes around it to make it a word"
#: Control characters other than tab and newline, and halves of a character.
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
#: By the path of keys and positions, the line of a value; not of those that an alias repeats.
Lines = dict[tuple, int]


class YamlError(ValueError):
    """What is wrong with a YAML text, and the line."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(problem)
        self.line, self.problem = line, problem


class NotYaml(YamlError):
    """The text breaks the grammar of YAML."""


def read_yaml(text: str) -> tuple[Any, Lines]:
    """Read one YAML document.

    Args:
        text: of any origin.

    Returns:
        The value: None, bool, int, float, str, list and dict alone, no object in two places; and the line of each.

    Raises:
        YamlError: with the line, what is wrong and the fix.

    >>> read_yaml("a: {b: [1]}")
    ({'a': {'b': [1]}}, {(): 1, ('a',): 1, ('a', 'b'): 1, ('a', 'b', 0): 1})
    """
    if len(text) > MAX_CHARACTERS:
        raise YamlError(1, f"more than {MAX_CHARACTERS:,} characters: name inputs by globs rather than one by one")
    try:
        loader = yaml.SafeLoader(text)
    except yaml.reader.ReaderError as e:
        line = text.count("\n", 0, e.position) + 1
        raise NotYaml(line, f"not YAML: a control character, {chr(e.character)!a}: delete it") from None
    try:
        return _Composer(loader).document()
    except yaml.MarkedYAMLError as e:
        line = e.problem_mark.line + 1 if e.problem_mark else loader.line + 1
        raise NotYaml(line, f"not YAML: {e.problem}") from None
    except YamlError:
        raise
    except ValueError as e:  # PyYAML's own, of an escape or a version beyond what Python can hold
        raise NotYaml(loader.line + 1, f"not YAML: {e}") from None


@dataclass(slots=True)
class _Anchor:
    """A value that has a name: how many values are in it and how many levels; none of it while it is being read."""

    value: Any = None
    values: int = 0
    depth: int = 0


class _Composer:
    """Builds a value from PyYAML's events, within the limits."""

    def __init__(self, loader: yaml.SafeLoader) -> None:
        self.loader = loader
        self.lines: Lines = {}
        self.anchors: dict[str, _Anchor] = {}
        self.values = 0
        self.deepest = 0  # level reached since it was last set
        self.line, self.key = 1, ""  # of the value that is being read

    def document(self) -> tuple[Any, Lines]:
        self.loader.get_event()  # the stream begins
        if isinstance(self.loader.peek_event(), yaml.StreamEndEvent):
            return None, {(): 1}
        self.loader.get_event()  # the document begins
        value = self._value(())
        self.loader.get_event()  # the document ends
        after = self.loader.peek_event()
        if not isinstance(after, yaml.StreamEndEvent):
            self._begin(after, ())
            raise self._wrong("a second document begins here: put it into a file of its own")
        return value, self.lines

    def _begin(self, event: Any, path: tuple) -> None:
        """Count a value that begins, and refuse it beyond the limits."""
        self.line = event.start_mark.line + 1
        self.key = next((name for name in reversed(path) if isinstance(name, str)), "")
        self._count(1, len(path))

    def _count(self, values: int, depth: int) -> None:
        self.values += values
        self.deepest = max(self.deepest, depth)
        if self.values > MAX_VALUES:
            raise self._wrong(f"more than {MAX_VALUES:,} values, each alias counted with all it stands for: shorten it")
        if depth > MAX_DEPTH:
            raise self._wrong(f"more than {MAX_DEPTH} levels, one within the other: a recipe needs no more than 6")

    def _wrong(self, problem: str) -> YamlError:
        return YamlError(self.line, f"{_short(self.key)}: {problem}" if self.key else problem)

    def _value(self, path: tuple) -> Any:
        event = self.loader.get_event()
        self._begin(event, path)
        self.lines.setdefault(path, self.line)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, len(path))
        anchor = _Anchor()
        if event.anchor:
            self.anchors[event.anchor] = anchor
        before, outer, self.deepest = self.values, self.deepest, len(path)
        if isinstance(event, yaml.ScalarEvent):
            value: Any = self._scalar(event)
        else:
            is_list = isinstance(event, yaml.SequenceStartEvent)
            if event.tag not in (None, "!", f"{CORE}{'seq' if is_list else 'map'}"):
                raise self._wrong(f"the tag {event.tag!r} is not taken: delete it")
            value = self._list(path) if is_list else self._mapping(path)
        anchor.value, anchor.values, anchor.depth = value, self.values - before + 1, self.deepest - len(path)
        self.deepest = max(outer, self.deepest)
        return value

    def _alias(self, event: yaml.AliasEvent, depth: int) -> Any:
        name = event.anchor
        anchor = self.anchors.get(name or "")
        if anchor is None:
            raise self._wrong(f"*{name}: no &{name} comes before it")
        if not anchor.values:
            raise self._wrong(f"*{name} is within &{name}, so that it would never end: write it out")
        self._count(anchor.values, depth + anchor.depth)
        return copy.deepcopy(anchor.value)  # --set changes one place

    def _list(self, path: tuple) -> list:
        found: list = []
        while not isinstance(self.loader.peek_event(), yaml.SequenceEndEvent):
            found.append(self._value((*path, len(found))))
        self.loader.get_event()
        return found

    def _mapping(self, path: tuple) -> dict:
        found: dict = {}
        merged: list[dict] = []
        while not isinstance(self.loader.peek_event(), yaml.MappingEndEvent):
            key, is_merge = self._key(path)
            line = self.line
            if is_merge:
                merged += self._mappings(self._value((*path, "<<")))
                continue
            if key in found:  # YAML forbids it, PyYAML takes the last one
                first = self.lines[(*path, key)]
                raise YamlError(line, f"{_short(str(key))}: given twice, first in line {first}: delete one")
            self.lines[(*path, key)] = line
            found[key] = self._value((*path, key))
        self.loader.get_event()
        defaults: dict = {}
        for other in reversed(merged):  # the first that is merged counts most, after what is written here
            defaults |= other
        return defaults | found

    def _mappings(self, value: Any) -> list[dict]:
        found = value if isinstance(value, list) else [value]
        if not all(isinstance(one, dict) for one in found):
            raise self._wrong(f"it merges a mapping, not {_short(repr(value))}: name one, as <<: *defaults")
        return found

    def _key(self, path: tuple) -> tuple[Any, bool]:
        """Return the key that follows, and whether it is the ``<<`` of a merge."""
        event = self.loader.get_event()
        self._begin(event, path)
        key: Any = None
        if isinstance(event, yaml.ScalarEvent):
            key = self._scalar(event)
            if event.anchor:
                self.anchors[event.anchor] = _Anchor(key, 1)
        elif isinstance(event, yaml.AliasEvent):
            key = self._alias(event, len(path))
        if isinstance(event, yaml.CollectionStartEvent) or isinstance(key, list | dict):
            raise self._wrong("a list or mapping is the key of a mapping: write a word")
        return key, key == "<<" and isinstance(event, yaml.ScalarEvent) and event.implicit[0]

    def _scalar(self, event: yaml.ScalarEvent) -> Any:
        tag, value = event.tag, event.value
        if tag in (None, "!"):
            tag = self.loader.resolve(yaml.ScalarNode, value, event.implicit)
        if tag == f"{CORE}timestamp":
            raise self._wrong(f"YAML reads {_short(value)} as a date, and no setting takes one: {QUOTES}")
        if tag not in SCALARS:
            raise self._wrong(f"the tag {tag!r} is not taken: delete it")
        kind = tag.removeprefix(CORE)
        if kind in ("int", "float"):
            return self._number(kind, value)
        if kind == "bool" and value.lower() in self.loader.bool_values:
            return self.loader.bool_values[value.lower()]
        if kind == "null":
            return None
        if control := CONTROL.search(value):
            raise self._wrong(f"{control[0]!a} is not text: delete it")
        return value

    def _number(self, kind: str, value: str) -> int | float:
        if ":" in value:
            raise self._wrong(f"YAML reads {_short(value)} in base 60: write it in base 10, or {QUOTES}")
        try:
            node = yaml.ScalarNode(f"{CORE}{kind}", value)
            number = self.loader.construct_yaml_int(node) if kind == "int" else self.loader.construct_yaml_float(node)
        except ValueError:  # more digits than Python converts, or none
            raise self._wrong(f"{_short(value)} is not a number that can be read: {QUOTES}") from None
        if isinstance(number, int) and not -MAX_INTEGER <= number <= MAX_INTEGER:
            raise self._wrong(f"{_short(value)} is beyond the largest whole number, {MAX_INTEGER}: write a smaller one")
        if math.isnan(number):
            raise self._wrong(f"{_short(value)} is not a number: write one, or {QUOTES}")
        return number


def _short(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:77]}..."
