r"""Read the Markdown that `curate.extract.markdown` writes as text, without its marks.

>>> markdown_to_text("## Tea\n\n1. Boil 2\\*water\n   - hot\n\n```c\nf();\n```\n\n| a | b |\n| --- | --- |\n| c | d |")
'Tea\n\nBoil 2*water\nhot\n\nf();\n\na\tb\nc\td'
"""

from __future__ import annotations

import functools
import re

from curate.extract.markdown_escapes import FORMULA

# What stands before a line: signs of quotes, indentation, and bullets or numbers of items.
_BEFORE = re.compile(r"(?: |>(?= |$)|[-*](?= )|[0-9]{1,9}[.)](?= ))*+")
_INDENTED = re.compile(r"(?:> )*+  ")  # what is part of an item
_ITEM = re.compile(r"[-*]|[0-9]")
_HEADING = re.compile(r"#{1,6} ")
_FENCE = re.compile(r"(`{3,})[^`]*$")
_RULE = re.compile(r"\|(?: --- \|)+$")
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])|<br>")
_CELL = re.compile(r"(?<!\\)\|")


@functools.lru_cache(maxsize=1)  # the steps of a recipe read the same text one after another
def markdown_to_text(markdown: str) -> str:
    """Return Markdown without its marks: the text form of the same page.

    Of Markdown by others it reads what `curate.extract.markdown` writes: headings with ``#``, items, quotes, fences of
    backticks, tables with a pipe at both ends, and backslashes; emphasis and links stay as they are.

    >>> markdown_to_text("- a\\n- b\\n\\n  c"), markdown_to_text("> 1\\\\. d")
    ('a\\nb\\nc', '1. d')
    """
    parts: list[str] = []
    lines = markdown.split("\n")
    blank = whole = in_list = False
    i = 0
    while i < len(lines):
        line = lines[i]
        i += 1
        before = _BEFORE.match(line)[0]  # type: ignore[index]
        body = line[len(before) :]
        if not body:
            blank = True
            continue
        was_whole, whole = whole, False
        starts, indented = _ITEM.search(before) is not None, _INDENTED.match(before) is not None
        if fence := _FENCE.match(body):
            whole = True
            start = i
            while i < len(lines) and lines[i][len(before) :] != fence[1]:
                i += 1
            body = "\n".join(code[len(before) :] for code in lines[start:i])
            i += 1
        elif body.startswith("|") and i < len(lines) and _RULE.match(lines[i][len(before) :]):
            whole = True
            rows = [body]
            while i < len(lines) and lines[i][len(before) :].startswith("|"):
                rows.append(lines[i][len(before) :])
                i += 1
            body = "\n".join(row for row in map(_row, (rows[0], *rows[2:])) if row)
        elif heading := _HEADING.match(body):
            body = _unescape(body[heading.end() :])
        else:
            paragraph = [body]
            while i < len(lines) and (rest := _continued(lines[i])):
                paragraph.append(rest)
                i += 1
            body = _unescape("\n".join(paragraph))
        joined = not blank or (in_list and indented and not whole and not was_whole)
        if parts:
            parts.append("\n" if joined and not (blank and (whole or was_whole)) else "\n\n")
        parts.append(body)
        in_list = starts or (in_list and (indented or not blank))
        blank = whole and i < len(lines) and bool(lines[i])  # code and tables stand alone
    return "".join(parts)


def fenced_lines(markdown: str) -> list[int]:
    """Return of each line of Markdown whether it is a fence, 2, or in fences, 1.

    >>> fenced_lines("a\\n```\\nb\\n```")
    [0, 2, 1, 2]
    """
    found, closing = [], ""
    for line in markdown.split("\n"):
        body = line[len(_BEFORE.match(line)[0]) :] or " "  # type: ignore[index]
        fence = _FENCE.match(body)
        found.append(2 if body == closing or (fence and not closing) else int(bool(closing)))
        if closing:
            closing = "" if body == closing else closing
        elif fence:
            closing = fence[1]
    return found


def _continued(line: str) -> str:
    """Return what a line of a paragraph says that is not its first, "" if it begins something else."""
    before = _BEFORE.match(line)[0]  # type: ignore[index]
    return "" if _ITEM.search(before) else line[len(before) :]


def _row(line: str) -> str:
    cells = (_unescape(cell.strip(" ").replace("\\|", "|")) for cell in _CELL.split(line)[1:-1])
    return "\t".join(cell for cell in cells if cell)


def _unescape(text: str) -> str:
    if "\\" not in text and "<br>" not in text:
        return text
    parts, at = [], 0
    for formula in FORMULA.finditer(text):
        parts += [_ESCAPED.sub(_character, text[at : formula.start()]), formula[0]]
        at = formula.end()
    return "".join(parts) + _ESCAPED.sub(_character, text[at:])


def _character(found: re.Match[str]) -> str:
    return found[1] or "\n"
