r"""Escape what Markdown would take for marks, where it would and nowhere else.

>>> print(escape_paragraph("1. a_b * c and 2*x*y, see <b>\n# no heading"))
1\. a_b * c and 2\*x\*y, see \<b>
\# no heading

A CommonMark parser reads the text back as it was. LaTeX between its delimiters stays as it is, as all dialects of
Markdown with formulas have it.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

# Every repetition is possessive and stops at the next delimiter of its kind, so that no text costs more than linear
# time. That an opening "$" has no space after it, and a closing one no space before and no digit after it, is
# Pandoc's rule; what has ``<br>`` in it is none, because that is a line break in a heading or cell.
_INSIDE = r"<(?!br>)|\\(?!<br>)"
_ENVIRONMENTS = "equation|align|alignat|aligned|gather|multline|flalign|eqnarray|split|array|cases|[pbvBV]?matrix"
FORMULA = re.compile(
    r"(?<!\\)(?:"
    rf"\$\$(?:[^$\\<]|{_INSIDE}.|\$(?!\$))++\$\$"
    rf"|\$(?![\s$])(?:[^$\\<]|{_INSIDE}.)++(?<!\s)\$(?!\d)"
    rf"|\\\((?:[^\\<]|{_INSIDE}[^()])++\\\)"
    rf"|\\\[(?:[^\\<]|{_INSIDE}[^\[\]])++\\\]"
    rf"|\\begin\{{((?:{_ENVIRONMENTS})\*?)\}}(?:[^\\<]|{_INSIDE}(?!begin\{{\1\}}|end\{{\1\}}))++\\end\{{\1\}}"
    r")",
    re.DOTALL,
)
_FORMULA_START = re.compile(r"\$|\\[(\[]|\\begin\{")
_SPECIAL = re.compile(r"[\\`*_\]<&~]")
_BACKSLASH = re.compile(r"\\(?=[!-/:-@\[-`{-~\n]|\Z)")
_CODE, _STRUCK = re.compile(r"`+"), re.compile(r"~{2,}")
_EMPHASIS = re.compile(r"\*+|_+")
_LINK = re.compile(r"\](?=\()")
_HTML = re.compile(r"<(?=[A-Za-z/!?])")
_REFERENCE = re.compile(r"&(?=(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{0,40});)")
_CLOSING = re.compile(r"(?:^|(?<=[ \t]))#(?=#*[ \t]*$)")
# What begins a heading, quote, item, rule, fence or HTML; and, below a line of a paragraph, makes that a heading or
# the head of a table.
_LINE_START = re.compile(
    r"(?P<mark>#)(?=#{0,5}(?:[ \t]|$))|(?P<quote>>)|(?P<item>[-+*])(?=[ \t]|$)|[0-9]{1,9}(?P<number>[.)])(?=[ \t]|$)"
    r"|(?P<fence>`{3,}|~{3,})|(?P<html><)(?=[A-Za-z/!?])|(?P<rule>[-*])(?:[ \t]*(?P=rule))+[ \t]*$"
    r"|(?P<line>_)(?:[ \t]*_){2,}[ \t]*$"
    r"|(?P<below>[=|:-])(?=[-=|: \t]*$)",
    re.MULTILINE,
)
_LINE = re.compile(r"^", re.MULTILINE)


def escape_paragraph(text: str) -> str:
    r"""Escape a paragraph, whose lines do not begin with white space.

    >>> escape_paragraph("- no item"), escape_paragraph("-1 and -x"), escape_paragraph("[1]: not an address")
    ('\\- no item', '-1 and -x', '\\[1]: not an address')
    """
    masked = _mask(text)
    places = _inline(masked, text)
    for line in _LINE.finditer(masked):
        found = _LINE_START.match(masked, line.start())
        if not found or (found.lastgroup == "below" and not line.start()):
            continue
        start, stop = found.span(found.lastgroup or 0)
        places += range(start, stop)
    if masked.startswith("[") and "]:" in masked:
        places.append(0)
    return _escape(text, masked, places)


def escape_line(text: str, heading: bool = False) -> str:
    r"""Escape what stands in a heading or a cell of a table, where nothing begins a block; line breaks become ``<br>``.

    >>> escape_line("1. Learn C #", heading=True), escape_line("|x| is *not* <br>")
    ('1. Learn C \\#', '\\|x\\| is \\*not\\* \\<br>')
    """
    text = text.strip()
    masked = "|".join(map(_mask, text.split("\n")))  # a mark, as the "<" of "<br>" is
    places = _inline(masked, text.replace("\n", "|"))
    if heading:
        places += [found.start() for found in _CLOSING.finditer(masked)]
    text = _escape(text, masked, places)
    if not heading:
        text = text.replace("|", "\\|")
    if "\n" not in text:
        return text
    first, *others, last = (line.rstrip(" \t") for line in text.split("\n"))
    return "<br>".join((first, *filter(None, others), last))


def _mask(text: str) -> str:
    """Return a text with a letter for each character of its formulas."""
    if not _FORMULA_START.search(text):
        return text
    return FORMULA.sub(lambda formula: "x" * len(formula[0]) if _is_one(formula) else formula[0], text)


def _is_one(formula: re.Match[str]) -> bool:
    """Say whether no line of a formula begins as a block does, which no parser reads as part of a formula."""
    text = formula[0]
    return "\n" not in text or not any(
        line.start() and (_LINE_START.match(text, line.start()) or text.startswith("\n", line.start()))
        for line in _LINE.finditer(text)
    )


def _inline(text: str, unmasked: str) -> list[int]:
    """Return where a masked text needs a backslash, wherever on a line it stands."""
    if not _SPECIAL.search(text):
        return []
    places = [found.start() for found in _BACKSLASH.finditer(text)]
    places += [found.start() for found in _REFERENCE.finditer(text)]
    if "](" in text:
        first = text.find("[")
        places += [found.start() for found in _LINK.finditer(text) if 0 <= first < found.start()]
    if "<" in text:
        last = unmasked.rfind(">")
        places += [found.start() for found in _HTML.finditer(text) if found.start() < last]
    spans = [found.span() for found in _CODE.finditer(text)]
    sizes = Counter(len(ticks) for ticks in _CODE.findall(unmasked))
    struck = [found.span() for found in _STRUCK.finditer(text)]
    spans = [(start, stop) for start, stop in spans if sizes[stop - start] > 1]
    spans += struck if len(struck) > 1 else []
    for mark in "*_":
        spans += _emphasis(text, unmasked, mark) if text.count(mark) > 1 else []
    for start, stop in spans:
        places += range(start, stop)
    return places


def _emphasis(text: str, unmasked: str, mark: str) -> list[tuple[int, int]]:
    """Return the runs of a mark that open or close emphasis, if one that closes follows one that opens."""
    runs = []
    opened = pairs = False
    for found in _EMPHASIS.finditer(text):
        if found[0][0] != mark:
            continue
        before = unmasked[found.start() - 1] if found.start() else " "
        after = unmasked[found.end()] if found.end() < len(text) else " "
        left = not after.isspace() and (not _is_mark(after) or before.isspace() or _is_mark(before))
        right = not before.isspace() and (not _is_mark(before) or after.isspace() or _is_mark(after))
        if mark == "_":  # not within a word
            left, right = left and (not right or _is_mark(before)), right and (not left or _is_mark(after))
        if left or right:
            runs.append(found.span())
        pairs |= right and opened
        opened |= left
    return runs if pairs else []


def _is_mark(character: str) -> bool:
    return unicodedata.category(character)[0] in "PS"


def _escape(text: str, masked: str, places: list[int]) -> str:
    """Put a backslash before some characters, and before each dollar sign if that would make formulas of them."""
    written = _with_backslashes(text, places)
    if "$" in masked and [found[0] for found in FORMULA.finditer(written)] != _formulas(text):
        places += [i for i, character in enumerate(masked) if character == "$"]
        return _with_backslashes(text, places)
    return written


def _formulas(text: str) -> list[str]:
    return [found[0] for found in FORMULA.finditer(text) if _is_one(found)]


def _with_backslashes(text: str, places: list[int]) -> str:
    if not places:
        return text
    parts, at = [], 0
    for place in sorted(set(places)):
        parts.append(text[at:place])
        at = place
    parts.append(text[at:])
    return "\\".join(parts)
