r"""Write the main text of a page as Markdown: that of CommonMark, with tables as GitHub has them.

>>> page = "<h2>Tea</h2><ol><li>Boil water.<li>Wait.</ol><pre class='lang-c'>\n  f();</pre>"
>>> page += "<table><tr><th>a<td><tr><td>b<td>c</table>"
>>> blocks = cut(page)
>>> print(markdown(blocks, range(len(blocks.blocks)), places(blocks), page.encode()))
## Tea
<BLANKLINE>
1. Boil water.
2. Wait.
<BLANKLINE>
```c
  f();
```
<BLANKLINE>
|  |  |
| --- | --- |
| a |  |
| b | c |

Without its marks it is the text form, line for line: what `curate.extract.main_text` joins. Only around what lies in
tables that lay out a page, in lists and in quotes are there other blank lines.
"""

from __future__ import annotations

import functools
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from html import unescape
from typing import TYPE_CHECKING, NamedTuple

from curate.extract.blocks import TAGS, Blocks, cut
from curate.extract.code_languages import code_language
from curate.extract.columns import (
    CELL_OF,
    CHARS,
    CODES,
    ELEMENT,
    FLAGS,
    IDEOGRAPHS,
    ITEM_OF,
    LIST_OF,
    PARENT,
    PRE,
    ROW_OF,
    SOURCE,
    SPACED,
    TAG,
    TAG_SOURCE,
    WORDS,
)
from curate.extract.embedded import is_markup
from curate.extract.main_text import places, separator
from curate.extract.markdown_escapes import escape_line, escape_paragraph
from curate.extract.region_kernels import LONGEST_CELL, MEAN_CELL

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["cut", "markdown", "places"]

# curate's own values, far from what pages have; what is beyond them is written as if it were not there.
MAX_NESTING = 12  # of lists and quotes
MAX_EMPTY = 1_000  # cells that column and row spans leave empty in a table, and as many as it has cells
MAX_SPAN = 1_000  # HTML's own limit of a column span
MAX_TAG = 1_000  # bytes of a start tag that are read
AROUND = 6  # elements that may name the language of code: Hexo has `figure`, `table`, `tbody`, `tr`, `td` and `pre`

_NUMBER = {tag: i for i, tag in enumerate(TAGS)}
_HEADINGS = {_NUMBER[f"h{level}"]: level for level in range(1, 7)}
_LISTS = frozenset(_NUMBER[tag] for tag in ("ul", "ol", "dl", "menu", "dir"))
_LI, _DT, _DD, _OL, _QUOTE, _TH = (_NUMBER[tag] for tag in ("li", "dt", "dd", "ol", "blockquote", "th"))
_WHOLES = frozenset(_NUMBER[tag] for tag in ("table", "td", "th", "pre", "listing"))
_PRES = frozenset(_NUMBER[tag] for tag in ("pre", "listing"))
_START = re.compile(rb"\sstart\s*=\s*[\"']?([0-9]{1,8})(?![0-9])", re.IGNORECASE)
_SPAN = re.compile(rb"\s(col|row)span\s*=\s*[\"']?([0-9]{1,4})(?![0-9])", re.IGNORECASE)
_INDENTED = re.compile(r"^(?: {2}|\t)", re.MULTILINE)
_OTHER_MARK = {"-": "*", "*": "-", ".": ")", ")": "."}
_TICKS = re.compile(r"`{3,}")


class Container(NamedTuple):
    """An item of a list (``number`` is 0 for one with a bullet), or a quote (``list`` is -1)."""

    element: int
    list: int
    number: int
    depth: int
    outer: Container | None


class Position(NamedTuple):
    """What an element stands in: the innermost container and list, and the level of its heading, 0 for none."""

    container: Container | None
    list: int
    level: int


class Unit(NamedTuple):
    """A piece of Markdown, without the marks of what it stands in."""

    text: str
    container: Container | None
    whole: bool  # code or a table


def markdown(page: Blocks, kept: Sequence[int] | NDArray[np.int64], where: NDArray[np.int64], source: bytes) -> str:
    """Return some blocks of a page as Markdown.

    Headings get ``#`` by their level, items of lists a bullet or their number, with the terms of definition lists as
    items; code a fence, longer than any in it, and its language as the page has it; quotes ``>``; tables of data
    pipes, without a row of heads an empty one. Emphasis and links leave no mark.

    Args:
        page: its blocks.
        kept: the blocks, in order.
        where: the `places` of its elements.
        source: the page that was cut, in UTF-8.
    """
    return _write(_Page(page, kept, where, source).units())


def body_markdown(body: str) -> str:
    r"""Return the ``articleBody`` of a page's data (`curate.extract.embedded`) as Markdown.

    >>> body_markdown("1. Go\n\n# 2"), body_markdown("<p>Go<ul><li>on")
    ('1\\. Go\n\n\\# 2', 'Go\n\n- on')
    """
    if not is_markup(body):
        return "\n\n".join(_paragraphs(unescape(body).strip()))
    blocks = cut(body)
    return markdown(blocks, range(len(blocks.blocks)), places(blocks), body.encode("utf-8", "replace"))


class _Page:
    """The kept blocks of a page, with what they stand in."""

    def __init__(
        self, page: Blocks, kept: Sequence[int] | NDArray[np.int64], where: NDArray[np.int64], source: bytes
    ) -> None:
        import numpy as np

        chosen = np.array(kept, np.int64)
        texts = [text.replace("\r\n", "\n").replace("\r", "\n") for text in page.texts(chosen)]
        chosen = chosen[[bool(text) for text in texts]] if len(texts) else chosen
        self.source = source
        self.no_table = 0  # up to which block there is no table of data
        self.texts = [text for text in texts if text]
        blocks = page.blocks[chosen]
        self.elements: list[int] = blocks[:, ELEMENT].tolist()
        self.begins: list[int] = blocks[:, SOURCE].tolist()
        self.words: list[int] = (blocks[:, WORDS] + blocks[:, IDEOGRAPHS] // 2).tolist()
        self.all_code: list[bool] = (blocks[:, CODES] == blocks[:, CHARS]).tolist()
        self.held: list[list[int]] = where[blocks[:, ELEMENT]].tolist()
        self.flags: list[int] = page.elements[blocks[:, ELEMENT], FLAGS].tolist()
        self.parent: list[int] = page.elements[:, PARENT].tolist()
        self.tag: list[int] = page.elements[:, TAG].tolist()
        self.tag_source: list[int] = page.elements[:, TAG_SOURCE].tolist()
        self.where = where
        self.positions: dict[int, Position] = {0: Position(None, -1, 0)}
        self.items = self._siblings(np.flatnonzero(np.isin(page.elements[:-1, TAG], (_LI, _DT))).tolist())
        self.outer_tables = self._outer_tables()

    @functools.cached_property
    def cells(self) -> dict[int, list[int]]:
        """The cells of each row."""
        import numpy as np

        cells = np.flatnonzero(self.where[:, CELL_OF] == np.arange(len(self.where)))
        rows: dict[int, list[int]] = {}
        for cell, row in zip(cells.tolist(), self.where[cells, ROW_OF].tolist(), strict=True):
            rows.setdefault(row, []).append(cell)
        return rows

    def _siblings(self, elements: Iterable[int]) -> dict[int, list[int]]:
        """Return the elements by their parent, in order."""
        groups: dict[int, list[int]] = {}
        for e in elements:
            groups.setdefault(self.parent[e], []).append(e)
        return groups

    def _last_before(self, parent: int, element: int) -> int:
        """Return the last item in an element before another one in it, -1 if there is none."""
        items = self.items.get(parent, [])
        i = bisect_left(items, element)
        return items[i - 1] if i else -1

    def position(self, element: int) -> Position:
        """Return what an element stands in."""
        path = []
        while element not in self.positions:
            path.append(element)
            element = self.parent[element]
        position = self.positions[element]
        for e in reversed(path):
            position = self.positions[e] = self._inside(e, position)
        return position

    def _inside(self, e: int, outside: Position) -> Position:
        container, list_, level = outside
        tag = self.tag[e]
        if tag in _HEADINGS:
            level = _HEADINGS[tag]
        elif tag in _WHOLES:
            list_ = -1
        elif tag in _LISTS:
            if list_ == self.parent[e] and (item := self._last_before(list_, e)) >= 0:
                container = self.position(item).container  # a list beside the items of another is part of the last
            list_ = e
        elif tag == _QUOTE:
            container = _open(e, -1, 0, container)
        elif tag == _LI and list_ >= 0:
            container = _open(e, list_, self._number(e, list_), container)
        elif tag in (_DT, _DD) and list_ >= 0:
            term = self._last_before(self.parent[e], e) if tag == _DD else -1
            container = self.position(term).container if term >= 0 else _open(e, list_, 0, container)
        return Position(container, list_, level)

    def _number(self, item: int, list_: int) -> int:
        """Return the number of an item, 0 if its list has bullets."""
        if self.tag[list_] != _OL:
            return 0
        start = _START.search(self._start_tag(list_))
        return max(1, int(start[1]) if start else 1) + bisect_left(self.items[self.parent[item]], item)

    def _start_tag(self, element: int) -> bytes:
        at = self.tag_source[element]
        stop = self.source.find(b">", at, at + MAX_TAG)
        return self.source[at : stop + 1] if stop >= 0 else b""

    def _outer_tables(self) -> set[int]:
        """Return the tables with another one in them, or code: they lay out a page."""
        outer = set()
        for table in {held[LIST_OF] for held in self.held if held[LIST_OF] >= 0}:
            e = self.parent[table]
            while e > 0 and self.where[e, ROW_OF] >= 0 and self.where[e, LIST_OF] not in outer:
                outer.add(int(self.where[e, LIST_OF]))
                e = self.parent[self.where[e, LIST_OF]]
        return outer

    def units(self) -> Iterator[Unit]:
        """Yield code, tables, headings and paragraphs in order."""
        i, n = 0, len(self.texts)
        while i < n:
            if (stop := self._code_until(i)) > i:
                yield Unit(self._fence(i, stop), self.position(self._code_element(i)).container, True)
            elif (stop := self._table_until(i)) > i:
                yield Unit(self._table(i, stop), self.position(self.held[i][LIST_OF]).container, True)
            else:
                stop = i + 1
                container, _, level = self.position(self.elements[i])
                if level:
                    yield Unit("#" * level + " " + escape_line(self.texts[i], heading=True), container, False)
                else:
                    for paragraph in _paragraphs(self.texts[i]):
                        yield Unit(paragraph, container, False)
            i = stop

    def _code_until(self, i: int) -> int:
        """Return the end of the code that begins with a block; ``i`` if it is none."""
        flags, held, text = self.flags[i], self.held[i], self.texts[i]
        stop = i + 1
        if flags & PRE:
            while stop < len(self.texts) and self.flags[stop] & PRE and self._between(stop) != "\n\n":
                stop += 1
            return stop
        if self.position(self.elements[i]).level:
            return i
        if flags & SPACED and held[ITEM_OF] >= 0:
            return self._lines_until(i)
        spaced = flags & SPACED and ("\n" in text or text[0].isspace())
        indented = "\n" in text and (self.all_code[i] or _INDENTED.search(text) is not None)
        return stop if spaced or (indented and held[ROW_OF] < 0) else i

    def _lines_until(self, i: int) -> int:
        """Return the end of the lines of code, each an item or alone in a row, that begin with a block."""
        if i and self.held[i - 1][ROW_OF] == self.held[i][ROW_OF] >= 0:
            return i
        stop = i + 1
        while stop < len(self.texts) and self.flags[stop] & SPACED and self._between(stop) == "\n":
            stop += 1
        if stop < len(self.texts) and self.held[stop][ROW_OF] == self.held[stop - 1][ROW_OF] >= 0:
            stop -= 1
        return stop if stop > i + 1 or (self.held[i][ROW_OF] < 0 and "\n" in self.texts[i]) else i

    def _between(self, i: int) -> str:
        """Return what separates a block from the one before in the text form."""
        return separator(self.held[i - 1], self.held[i])

    def _code_element(self, i: int) -> int:
        """Return the ``pre`` that a block of code is in, else the list or table whose items are its lines."""
        e = self.elements[i]
        while e > 0 and self.flags[i] & PRE:
            if self.tag[e] in _PRES:
                return e
            e = self.parent[e]
        held = self.held[i]
        return held[LIST_OF] if self.flags[i] & SPACED and held[ITEM_OF] >= 0 <= held[LIST_OF] else self.elements[i]

    def _fence(self, i: int, stop: int) -> str:
        pieces = [self.texts[i]]
        for k in range(i + 1, stop):
            pieces += [self._between(k), self.texts[k]]
        code = "".join(pieces)
        fence = "`" * max([3, *(len(ticks) + 1 for ticks in _TICKS.findall(code))])
        return f"{fence}{self._language(i)}\n{code}\n{fence}"

    def _language(self, i: int) -> str:
        """Return the language of code, "" if the page does not say."""
        inner = e = self._code_element(i)
        around: list[bytes] = []
        while e > 0 and len(around) < AROUND:
            around.append(self._start_tag(e))
            e = self.parent[e]
        if not around:
            return ""
        at = self.tag_source[inner] + len(around[0])
        return code_language(self.source[at : min(self.begins[i], at + MAX_TAG)], around)

    def _table_until(self, i: int) -> int:
        """Return the end of the table that begins with a block; ``i`` if it is no table of data."""
        table = self.held[i][LIST_OF]
        if i < self.no_table or table < 0 or table in self.outer_tables:
            return i
        stop = i
        words: dict[int, int] = {}
        columns: dict[int, set[int]] = {}
        plain = True
        while stop < len(self.texts) and self.held[stop][ROW_OF] >= 0 and self.held[stop][LIST_OF] == table:
            held = self.held[stop]
            words[held[CELL_OF]] = words.get(held[CELL_OF], 0) + self.words[stop]
            columns.setdefault(held[ROW_OF], set()).add(held[CELL_OF])
            plain &= not self.position(self.elements[stop]).level or self.tag[held[CELL_OF]] == _TH
            stop += 1
        plain &= stop > i and -1 not in words
        plain = plain and max(words.values()) <= LONGEST_CELL and sum(words.values()) <= MEAN_CELL * len(words)
        if plain and max(map(len, columns.values())) > 1:
            return stop
        self.no_table = stop  # found once for all blocks in it, or the time would be quadratic
        return i

    def _table(self, i: int, stop: int) -> str:
        """Return a table: its kept rows, each with all of its cells."""
        texts: dict[int, list[str]] = {}
        for k in range(i, stop):
            texts.setdefault(self.held[k][CELL_OF], []).append(self.texts[k])
        kept = sorted({held[ROW_OF] for held in self.held[i:stop]})
        rows = [self.cells[row] for row in kept]
        grid = self._grid(rows)
        lines = [[escape_line("\n".join(texts.get(cell, ()))) for cell in row] for row in grid]
        width = max(map(len, lines))
        if any(self.tag[cell] != _TH for cell in rows[0]):
            lines.insert(0, [""] * width)
        lines[0] += [""] * (width - len(lines[0]))
        lines.insert(1, ["---"] * width)
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)

    def _grid(self, rows: list[list[int]]) -> list[list[int]]:
        """Return the cells of each row with -1 where the span of another cell reaches."""
        spans = {cell: self._spans(cell) for row in rows for cell in row}
        left = MAX_EMPTY + len(spans)
        widest = max(map(len, rows))
        grid: list[list[int]] = []
        below: dict[int, int] = {}  # columns that a cell above still fills, and in how many rows
        for row in rows:
            line: list[int] = []
            reached: dict[int, int] = {}
            for cell in row:
                while below.get(len(line), 0) > 0:
                    line.append(-1)
                    left -= 1
                across, down = spans[cell]
                for k in range(min(across, max(widest - len(line), 1))):
                    if down > 1:
                        reached[len(line)] = down
                    line.append(-1 if k else cell)
                    left -= k > 0
                if left < 0:
                    return rows
            below = {column: n - 1 for column, n in below.items() if n > 1}
            below |= {column: n - 1 for column, n in reached.items()}
            grid.append(line)
        return grid

    def _spans(self, cell: int) -> tuple[int, int]:
        """Return how many columns and rows a cell fills."""
        found = {name.lower(): int(n) for name, n in _SPAN.findall(self._start_tag(cell))}
        return tuple(min(max(found.get(name, 1), 1), MAX_SPAN) for name in (b"col", b"row"))  # type: ignore[return-value]


def _open(element: int, list_: int, number: int, outer: Container | None) -> Container | None:
    """Return a container in another one, or that if it is nested too deeply."""
    depth = outer.depth + 1 if outer else 1
    return outer if depth > MAX_NESTING else Container(element, list_, number, depth, outer)


def _paragraphs(text: str) -> list[str]:
    whole = text.replace("\r\n", "\n").replace("\r", "\n")
    lines = "\n".join(line.strip(" \t") for line in whole.split("\n"))
    return [escape_paragraph(part) for part in re.split(r"\n{2,}", lines.strip("\n")) if part]


def _path(container: Container | None) -> list[Container]:
    """Return the containers from the outermost on."""
    path = []
    while container:
        path.append(container)
        container = container.outer
    return path[::-1]


def _write(units: Iterable[Unit]) -> str:
    """Return units as Markdown, each with the marks of what it stands in."""
    parts: list[str] = []
    marks: dict[tuple[int, bool], str] = {}  # of each list, by whether it has numbers: one next to another has others
    indents: dict[int, str] = {-1: ""}
    before: list[Container] = []
    whole = False
    for unit in units:
        path = _path(unit.container)
        common = 0
        while common < min(len(path), len(before)) and path[common].element == before[common].element:
            common += 1
        new = path[common:]
        for item, old in zip(new[:1], before[common:], strict=False):
            if item.list >= 0 <= old.list != item.list and bool(item.number) == bool(old.number):
                marks.setdefault(_list_of(item), _OTHER_MARK[marks[_list_of(old)]])
        outside = "".join(indents[item.element] for item in path[:common])
        prefix = outside
        for item in new:
            mark = marks.setdefault(_list_of(item), "." if item.number else "-")
            sign = "> " if item.list < 0 else f"{item.number}{mark} " if item.number else f"{mark} "
            indents[item.element] = sign if item.list < 0 else " " * len(sign)
            prefix += sign
        if parts:
            parts.append("\n" if _follows(new, before, common, whole or unit.whole) else f"\n{outside.rstrip()}\n")
        rest = "".join(indents[item.element] for item in path)
        parts.append(_prefixed(unit.text, prefix, rest))
        before, whole = path, unit.whole
    return "".join(parts)


def _list_of(item: Container) -> tuple[int, bool]:
    return item.list, item.number > 0


def _follows(new: list[Container], before: list[Container], common: int, whole: bool) -> bool:
    """Say whether a unit begins an item on the line after the one before: of the same list, or of one in its item."""
    if whole or not new or new[0].list < 0:
        return False
    if common < len(before):
        return _list_of(before[common]) == _list_of(new[0])
    return common > 0 and before[common - 1].list >= 0 and new[0].number <= 1


def _prefixed(text: str, first: str, rest: str) -> str:
    lines = text.split("\n")
    blank = rest.rstrip()
    return "\n".join([first + lines[0], *(rest + line if line else blank for line in lines[1:])])
