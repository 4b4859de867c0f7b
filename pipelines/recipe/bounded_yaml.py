"""Read YAML of unknown origin in bounded time and memory: plain values, and the line of each.

PyYAML's own composer expands aliases without limit, recurses as deeply as the file demands, and turns words into
objects, dates and bytes. This one takes PyYAML's events, counts what it builds, and builds only mappings, lists, words
and numbers.
"""

from __future__ import annotations

import copy
import math
import re
from dataclasses import dataclass
from typing import Any

import yaml

#: curate's own values: the shipped recipes have 2,000 characters, 60 values and 5 levels. PyYAML needs 0.6 s for this
#: many characters.
MAX_CHARACTERS = 200_000
MAX_VALUES = 20_000  # an alias counts each time it is used
MAX_DEPTH = 20
MAX_INTEGER = 2**63 - 1  # the largest integer in JSON and Parquet

CORE = "tag:yaml.org,2002:"
#: The tags that a word or number may have, whether written or resolved by PyYAML.
SCALARS = frozenset(CORE + name for name in ("null", "bool", "int", "float", "str", "value", "merge"))
QUOTES = "put quotes around it to make it a word"
#: Control characters other than tab and newline, and surrogates.
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
#: The line of each value, by its path of keys and positions; without the values that an alias repeats.
Lines = dict[tuple, int]


class YamlError(ValueError):
    """A problem in a YAML text, and its line."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(problem)
        self.line, self.problem = line, problem


class NotYaml(YamlError):
    """The text is not valid YAML."""


def read_yaml(text: str) -> tuple[Any, Lines]:
    """Read one YAML document.

    Args:
        text: the document, of any origin.

    Returns:
        The value, built only of None, bool, int, float, str, list and dict, with no shared objects; and the line of
        each value in it.

    Raises:
        YamlError: the text is invalid or exceeds a limit; the message has the line and the fix.

    >>> read_yaml("a: {b: [1]}")
    ({'a': {'b': [1]}}, {(): 1, ('a',): 1, ('a', 'b'): 1, ('a', 'b', 0): 1})
    """
    if len(text) > MAX_CHARACTERS:
        raise YamlError(1, f"more than {MAX_CHARACTERS:,} characters; name inputs by globs rather than one by one")
    try:
        loader = yaml.SafeLoader(text)
    except yaml.reader.ReaderError as e:
        line = text.count("\n", 0, e.position) + 1
        raise NotYaml(line, f"not YAML: a control character, {chr(e.character)!a}; delete it") from None
    try:
        return _Composer(loader).document()
    except yaml.MarkedYAMLError as e:
        line = e.problem_mark.line + 1 if e.problem_mark else loader.line + 1
        raise NotYaml(line, f"not YAML: {e.problem}") from None
    except YamlError:
        raise
    except ValueError as e:  # from PyYAML, for an escape or a version that Python cannot represent
        raise NotYaml(loader.line + 1, f"not YAML: {e}") from None


@dataclass(slots=True)
class _Anchor:
    """A value with an anchor, and the number of values and levels in it, which are 0 while it is being read."""

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
        self.deepest = 0  # deepest level since it was last set
        self.line, self.key = 1, ""  # of the value being read

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
            raise self._wrong("a second document begins here; put it into another file")
        return value, self.lines

    def _begin(self, event: Any, path: tuple) -> None:
        """Count a value that begins, and check the limits."""
        self.line = event.start_mark.line + 1
        self.key = next((name for name in reversed(path) if isinstance(name, str)), "")
        self._count(1, len(path))

    def _count(self, values: int, depth: int) -> None:
        self.values += values
        self.deepest = max(self.deepest, depth)
        if self.values > MAX_VALUES:
            raise self._wrong(f"more than {MAX_VALUES:,} values, counting aliases with their content; shorten it")
        if depth > MAX_DEPTH:
            raise self._wrong(f"more than {MAX_DEPTH} nested levels; a recipe needs no more than 6")

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
                raise self._wrong(f"the tag {event.tag!r} is not supported; delete it")
            value = self._list(path) if is_list else self._mapping(path)
        anchor.value, anchor.values, anchor.depth = value, self.values - before + 1, self.deepest - len(path)
        self.deepest = max(outer, self.deepest)
        return value

    def _alias(self, event: yaml.AliasEvent, depth: int) -> Any:
        name = event.anchor
        anchor = self.anchors.get(name or "")
        if anchor is None:
            raise self._wrong(f"*{name} has no &{name} before it; add the anchor, or write the value out")
        if not anchor.values:
            raise self._wrong(f"*{name} is inside &{name} itself and would never end; write the value out")
        self._count(anchor.values, depth + anchor.depth)
        return copy.deepcopy(anchor.value)  # so that --set changes only one place

    def _list(self, path: tuple) -> list:
        values: list = []
        while not isinstance(self.loader.peek_event(), yaml.SequenceEndEvent):
            values.append(self._value((*path, len(values))))
        self.loader.get_event()
        return values

    def _mapping(self, path: tuple) -> dict:
        mapping: dict = {}
        merged: list[dict] = []
        while not isinstance(self.loader.peek_event(), yaml.MappingEndEvent):
            key, is_merge = self._key(path)
            line = self.line
            if is_merge:
                merged += self._mappings(self._value((*path, "<<")))
                continue
            if key in mapping:  # YAML forbids it, but PyYAML takes the last one
                first = self.lines[(*path, key)]
                raise YamlError(line, f"{_short(str(key))}: given twice, first in line {first}; delete one")
            self.lines[(*path, key)] = line
            mapping[key] = self._value((*path, key))
        self.loader.get_event()
        defaults: dict = {}
        for other in reversed(merged):  # explicit keys win, then the first merged mapping
            defaults |= other
        return defaults | mapping

    def _mappings(self, value: Any) -> list[dict]:
        mappings = value if isinstance(value, list) else [value]
        if not all(isinstance(one, dict) for one in mappings):
            raise self._wrong(f"<< merges a mapping, not {_short(repr(value))}; name one, as <<: *defaults")
        return mappings

    def _key(self, path: tuple) -> tuple[Any, bool]:
        """Return the next key, and whether it is the ``<<`` of a merge."""
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
            raise self._wrong("the key of a mapping is a list or mapping; write a word")
        return key, key == "<<" and isinstance(event, yaml.ScalarEvent) and event.implicit[0]

    def _scalar(self, event: yaml.ScalarEvent) -> Any:
        tag, value = event.tag, event.value
        if tag in (None, "!"):
            tag = self.loader.resolve(yaml.ScalarNode, value, event.implicit)
        if tag == f"{CORE}timestamp":
            raise self._wrong(f"YAML reads {_short(value)} as a date, which no setting takes; {QUOTES}")
        if tag not in SCALARS:
            raise self._wrong(f"the tag {tag!r} is not supported; delete it")
        name = tag.removeprefix(CORE)
        if name in ("int", "float"):
            return self._number(name, value)
        if name == "bool" and value.lower() in self.loader.bool_values:
            return self.loader.bool_values[value.lower()]
        if name == "null":
            return None
        if control := CONTROL.search(value):
            raise self._wrong(f"{control[0]!a} is not text; delete it")
        return value

    def _number(self, tag: str, value: str) -> int | float:
        if ":" in value:
            raise self._wrong(f"YAML reads {_short(value)} in base 60; write it in base 10, or {QUOTES}")
        try:
            node = yaml.ScalarNode(f"{CORE}{tag}", value)
            number = self.loader.construct_yaml_int(node) if tag == "int" else self.loader.construct_yaml_float(node)
        except ValueError:  # no digits, or more than Python converts
            raise self._wrong(f"{_short(value)} cannot be read as a number; {QUOTES}") from None
        if isinstance(number, int) and not -MAX_INTEGER <= number <= MAX_INTEGER:
            raise self._wrong(f"{_short(value)} exceeds the largest whole number, {MAX_INTEGER}; write a smaller one")
        if math.isnan(number):
            raise self._wrong(f"{_short(value)} is not a number; write one, or {QUOTES}")
        return number


def _short(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:77]}..."
