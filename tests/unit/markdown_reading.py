"""Markdown as a library reads it (markdown-it-py): the text form, and tables, code and headings."""

from __future__ import annotations

from dataclasses import dataclass, field

from markdown_it import MarkdownIt

from curate.extract.markdown_escapes import FORMULA


@dataclass
class Reading:
    text: str = ""
    headings: list[tuple[int, str]] = field(default_factory=list)
    fences: list[tuple[str, str]] = field(default_factory=list)
    tables: list[list[list[str]]] = field(default_factory=list)
    items: list[tuple[str, str]] = field(default_factory=list)  # the mark of each, and its first text
    other: list[str] = field(default_factory=list)  # what `markdown` never writes


def _formula(state, silent):
    """Read a formula as it is, as the dialects of Markdown that have formulas do."""
    found = FORMULA.match(state.src, state.pos) if state.src[state.pos] in "$\\" else None
    if found and not silent:
        state.push("text", "", 0).content = found[0]
    state.pos = found.end() if found else state.pos
    return found is not None


PARSER = MarkdownIt("commonmark").enable("table")
PARSER.inline.ruler.before("escape", "formula", _formula)


def read(markdown):
    """Read Markdown; its text has the separators of the text form, and every list is one of the page's."""
    found = Reading()
    pieces = []  # text, whether it is code or a table, and the number of its outermost list, 0 for none
    depth = lists = 0
    row = None
    opened = ""
    for token in PARSER.parse(markdown):
        here = lists if depth else 0
        match token.type:
            case "bullet_list_open" | "ordered_list_open":
                depth += 1
                lists += depth == 1
            case "bullet_list_close" | "ordered_list_close":
                depth -= 1
            case "list_item_open":
                opened = token.info + token.markup
            case "heading_open":
                found.headings.append((int(token.tag[1]), ""))
            case "table_open":
                found.tables.append([])
            case "tr_open":
                row = []
            case "tr_close":
                found.tables[-1].append(row)
                row = None
            case "table_close":
                rows = ("\t".join(cell for cell in cells if cell) for cells in found.tables[-1])
                pieces.append(("\n".join(cells for cells in rows if cells), True, here))
            case "fence":
                found.fences.append((token.info, token.content.removesuffix("\n")))
                pieces.append((token.content.removesuffix("\n"), True, here))
            case "inline":
                text = _inline(token, found)
                if row is not None:
                    row.append(text)
                    continue
                pieces.append((text, False, here))
                if found.headings and not found.headings[-1][1]:
                    found.headings[-1] = (found.headings[-1][0], text)
                if opened:
                    found.items.append((opened, text))
            case "code_block" | "html_block" | "hr":
                found.other.append(token.type)
        if token.type in ("inline", "fence", "table_open"):
            opened = ""
    found.text = "".join(
        ("" if not i else "\n" if here and here == pieces[i - 1][2] and not whole and not pieces[i - 1][1] else "\n\n")
        + text
        for i, (text, whole, here) in enumerate(pieces)
    )
    return found


def _inline(token, found):
    parts = []
    for child in token.children or ():
        is_break = child.type in ("softbreak", "hardbreak") or (child.type == "html_inline" and child.content == "<br>")
        if not is_break and child.type not in ("text", "text_special"):
            found.other.append(child.type)
        parts.append("\n" if is_break else child.content)
    return "".join(parts)
