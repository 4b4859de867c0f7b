r"""Hash and remove lines that many documents share: menus, cookie notices, share buttons.

The rule is Llama 3's (arXiv 2407.21783, section 3.1.1): within a language, a line that is in more than 6 documents of a
bucket of 30 million is removed. Two lines are the same if they are equal after ccNet's normalization (Wenzek et al.
2019, `text_normalizer.py`): stripped, in lower case, every digit as 0, without 34 punctuation marks beyond ASCII and
without control characters. ASCII punctuation counts.

>>> import numpy as np
>>> from curate.dedup.lines import line_hashes, remove_lines
>>> hot = line_hashes("Share on Facebook\n")
>>> remove_lines("A page.\n  share on facebook", np.sort(hot))
Edit(text='A page.', counts={'repeated_line': 1})
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from curate.document import Edit
from curate.extract.markdown_text import fenced_lines
from curate.text.characters import code_points
from curate.text.charset import as_text

if TYPE_CHECKING:
    import numpy as np

#: ccNet's table of punctuation beyond ASCII (`text_normalizer.py`, UNICODE_PUNCT), which includes the fullwidth 1.
PUNCTUATION = "，。、„”“«»１」「《》´∶：？！（）；–—．～’…━〈〉【】％►"

# Lines of source code or of another layout that counts, by an indent or by a start or an end that prose does not have
# (curate's own).
_CODE_START = re.compile(
    r"(?:[ ]{2,}|\t)[ \t]*\S"
    r"|[ \t]*(?:[)\]}]+[,;)]*|end|fi|done|esac|pass|break|continue|else|do|then|begin|try|finally:?)[,;]?[ \t]*$"
    r"|[ \t]*(?:def |class |import |from \S+ import |return\b|(?:if|for|while|with|except|elif)\b.*:[ \t]*$"
    r"|(?:else|try):[ \t]*$|#include|#define|//|/\*|\*/|@\w+[ \t]*$|<\?php|\$ |>>> |</?\w+[^<>]*>[ \t]*$)"
)
_CODE_ENDS = ("{", "}", ";")
_TAB = re.compile(r"\S[ ]?\t")  # between two cells of a row
_ROW = re.compile(r"^[> \t]*(?:[-*] |[0-9]{1,9}[.)] )*\|.*\|$", re.MULTILINE)  # of a table in Markdown
#: Normalized characters of a line that a heading may have, and that the text below it must have; curate's own values.
HEADING, BELOW_HEADING = 60, 60


@dataclass(frozen=True, slots=True)
class LineDedupConfig:
    """Which lines are too common, and which are spared.

    A line in more than ``max_copies`` documents out of ``bucket_documents`` (6 and 30 million: Llama 3) is removed from
    all documents but the first ``keep_first`` (0: the paper's "remove"), in the order that the documents are given.
    ``min_characters`` spares lines that are shorter after normalization; ``protect_code`` spares lines that look like
    source code, such as a closing brace, and blocks of which half are such lines; ``protect_structure`` spares rows of
    tables, and headings: short lines within the text, above a longer one. ``content_characters``: a line of that many
    characters is content, and its first copy always stays (0: no line is content).
    """

    max_copies: int = 6
    bucket_documents: int = 30_000_000
    keep_first: int = 0
    min_characters: int = 0
    protect_code: bool = False
    protect_structure: bool = False
    content_characters: int = 0

    def __post_init__(self) -> None:
        for name in ("max_copies", "bucket_documents", "keep_first", "min_characters", "content_characters"):
            least = int(name in ("max_copies", "bucket_documents"))
            if getattr(self, name) < least:
                raise ValueError(f"line dedup: {name} is {getattr(self, name)}: it must be at least {least}")

    def copies_kept(self, content: bool) -> int:
        """Return how many copies of a line stay, given whether it is content."""
        return max(self.keep_first, int(content))


def line_hashes(text: str | bytes, config: LineDedupConfig = LineDedupConfig(), markdown: bool = False) -> np.ndarray:
    r"""Hash the distinct lines of a document that line dedup may remove.

    A line counts once per document, however often it occurs; lines that are empty after normalization, too short or
    protected are left out.

    Args:
        text: the document; lines end at ``\n``.
        config: which lines are spared.
        markdown: whether the text is Markdown, in which code stands in fences, and rows of tables have pipes.

    Returns:
        uint64 [lines], sorted and distinct.

    >>> len(line_hashes("Page 1\n\npage 2\nother"))
    2
    """
    import numpy as np

    hashes, _ = _hash_lines(as_text(text), config, markdown)
    return np.unique(hashes[hashes != 0])


def remove_lines(
    text: str | bytes,
    hot: np.ndarray,
    config: LineDedupConfig = LineDedupConfig(),
    kept_until: np.ndarray | None = None,
    order: int = 0,
    markdown: bool = False,
) -> Edit:
    """Remove the lines whose hash is in a table, and blank lines that would be left behind.

    Args:
        text: the document.
        hot: uint64 [hashes], sorted: hashes from ``line_hashes``.
        config: the settings the hashes were made with.
        kept_until: uint64 [hashes], the last position in the order of documents that keeps each line.
        order: the document's position in that order.
        markdown: whether the text is Markdown.

    Returns:
        The text without those lines, otherwise unchanged, and the number removed as ``repeated_line`` and, of content,
        ``repeated_paragraph``.

    >>> import numpy as np
    >>> remove_lines("One page.\\n\\nMenu\\n\\nThe end.", np.sort(line_hashes("menu"))).text
    'One page.\\n\\nThe end.'
    """
    import numpy as np

    text = as_text(text)
    if not len(hot):
        return Edit(text)
    hashes, starts = _hash_lines(text, config, markdown)
    place = np.minimum(np.searchsorted(hot, hashes), len(hot) - 1)
    gone = (hot[place] == hashes) & (hashes != 0)
    if kept_until is not None:
        gone &= kept_until[place] < np.uint64(order)
    if not gone.any():
        return Edit(text)
    lines = (text[starts[i] : starts[i + 1] - 1] for i in range(len(gone)))
    content = int((gone & is_content(hashes)).sum())
    counts = {"repeated_line": int(gone.sum()) - content, "repeated_paragraph": content}
    return Edit(_without(lines, gone.tolist()), {name: n for name, n in counts.items() if n})


def is_content(hashes: np.ndarray) -> np.ndarray:
    """Return whether the line of each hash is content: uint64 [lines] to bool [lines]."""
    import numpy as np

    return (hashes & np.uint64(1)) == 1


def _without(lines: Iterable[str], gone: Iterable[bool]) -> str:
    """Return the lines that stay, without the blank lines on one side of what is removed."""
    kept: list[str] = []
    closed = False  # whether lines were removed since the last line that is not blank
    for line, goes in zip(lines, gone, strict=True):
        if goes:
            closed = True
        elif line.strip():
            kept.append(line)
            closed = False
        elif not closed or (kept and kept[-1].strip()):
            kept.append(line)
    while closed and kept and not kept[-1].strip():
        kept.pop()
    return "\n".join(kept)


def find_lines(text: str, wanted: set[int], config: LineDedupConfig = LineDedupConfig()) -> dict[int, str]:
    """Find the lines with given hashes in a document, spared or not; return the normalized text of each by its hash.

    >>> list(find_lines("Page 1\\nother", set(line_hashes("page 7").tolist())).values())
    ['page 0']
    """
    every = replace(config, protect_code=False, protect_structure=False)
    hashes, starts = _hash_lines(text, every, markdown=False)
    numbered = enumerate(hashes.tolist())
    return {h: normalize_line(text[starts[i] : starts[i + 1] - 1]) for i, h in numbered if h in wanted}


def normalize_line(line: str) -> str:
    """Normalize a line as ccNet does.

    >>> normalize_line(" Copyright © 2024 – All rights reserved ")
    'copyright © 0000  all rights reserved'
    """
    table = _characters()
    codes = table[code_points(line.strip())]
    return codes[codes != 0].astype("<u4").tobytes().decode("utf-32-le", "surrogatepass")


def _hash_lines(text: str, config: LineDedupConfig, markdown: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return one hash per line, 0 for a spared line, and where lines start, with one more for the end."""
    import numpy as np

    from curate.dedup.line_kernels import hash_lines

    codes = code_points(text)
    content = config.content_characters or len(codes) + 1
    hashes, starts, lengths = hash_lines(codes, _characters(), _spaces(), config.min_characters, content)
    spared = np.zeros(len(hashes), bool)
    if config.protect_code:
        code = _is_code(text, lengths)
        if markdown:  # what is indented may be part of a list
            fenced = np.array(fenced_lines(text))
            code = (code & (fenced > 0)) | (fenced == 2)
        spared |= code
    if config.protect_structure:
        spared |= _is_heading(lengths, spared)
        row = _ROW if markdown else _TAB
        tabs = [match.start() for match in row.finditer(text)] if ("|" if markdown else "\t") in text else []
        spared[np.searchsorted(starts, tabs, "right") - 1] = True
    hashes[spared] = 0
    return hashes, starts


def looks_like_code(line: str) -> bool:
    """Say whether a line looks like source code.

    >>> looks_like_code("    return x"), looks_like_code("});"), looks_like_code("Return it; then rest.")
    (True, True, False)
    """
    return line.rstrip(" \t").endswith(_CODE_ENDS) or _CODE_START.match(line) is not None


def _is_code(text: str, lengths: np.ndarray) -> np.ndarray:
    """Return which lines are source code: those that look like it, and blocks of lines half of which do."""
    import numpy as np

    looks = np.array([looks_like_code(line) for line in text.split("\n")])
    looks &= lengths > 0
    if not looks.any():
        return looks
    block = np.cumsum(lengths == 0)  # number of the block that each line is in, after the blank lines before it
    share = np.bincount(block, looks) / np.maximum(np.bincount(block, lengths > 0), 1)
    return looks | ((share >= 0.5) & (share > 0))[block]


def _is_heading(lengths: np.ndarray, code: np.ndarray) -> np.ndarray:
    """Return which lines are headings: short, with a text line somewhere before, and a longer one or code below."""
    import numpy as np

    out = np.zeros(len(lengths), bool)
    lines = np.flatnonzero(lengths)
    size = lengths[lines]
    text = (size >= BELOW_HEADING) | code[lines]
    after = np.append(text[1:], False)
    before = np.cumsum(text) - text > 0
    out[lines] = (size <= HEADING) & after & before
    return out


def paragraph_hashes(text: str, least: int, beginning: int) -> list[list[int]]:
    """Return start, end, hash of the beginning and hash of each long line, see `line_kernels.hash_paragraphs`."""
    from curate.dedup.line_kernels import hash_paragraphs

    rows: list[list[int]] = hash_paragraphs(code_points(text), _characters(), _spaces(), least, beginning).tolist()
    return rows


@lru_cache(maxsize=1)
def _characters() -> np.ndarray:
    """Return the normalized form of each code point, 0 if it is removed."""
    import numpy as np

    from curate.text.characters import DIGIT, character_table

    every = np.arange(sys.maxunicode + 1, dtype="<u4").tobytes().decode("utf-32-le", "surrogatepass")
    table = code_points(every.replace("\u0130", "i").lower()).copy()
    table[(character_table() & DIGIT) != 0] = ord("0")
    table[[ord(c) for c in PUNCTUATION]] = 0
    table[[*range(32), *range(127, 160)]] = 0
    return table


@lru_cache(maxsize=1)
def _spaces() -> np.ndarray:
    """Return whether ``str.strip`` strips each code point."""
    from curate.text.characters import SPACE, character_table

    return (character_table() & SPACE) != 0
