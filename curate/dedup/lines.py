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
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from curate.document import Edit
from curate.text.characters import code_points
from curate.text.charset import as_text

if TYPE_CHECKING:
    import numpy as np

#: ccNet's table of punctuation beyond ASCII (`text_normalizer.py`, UNICODE_PUNCT), which includes the fullwidth 1.
PUNCTUATION = "，。、„”“«»１」「《》´∶：？！（）；–—．～’…━〈〉【】％►"

#: Lines of source code: an end or a start that prose does not have (curate's own).
CODE = re.compile(
    r"[{};]\s*$|^\s*[)\]}]+[,;]?\s*$"
    r"|^\s*(?:def |class |import |from \S+ import |return\b|(?:if|for|while|with|except)\b.*:$|(?:else|try):$"
    r"|#include|#define|//|/\*|\*/|@\w+\s*$|<\?php|\$ |>>> )"
)


@dataclass(frozen=True, slots=True)
class LineDedupConfig:
    """Which lines are too common, and which are spared.

    A line in more than ``max_copies`` documents out of ``bucket_documents`` (6 and 30 million: Llama 3) is removed from
    all documents but the first ``keep_first`` (0: the paper's "remove"), in the order of a hash. ``min_characters``
    spares lines that are shorter after normalization; ``protect_code`` spares lines that look like source code, such as
    a closing brace.
    """

    max_copies: int = 6
    bucket_documents: int = 30_000_000
    keep_first: int = 0
    min_characters: int = 0
    protect_code: bool = False

    def __post_init__(self) -> None:
        for name, least in (("max_copies", 1), ("bucket_documents", 1), ("keep_first", 0), ("min_characters", 0)):
            if getattr(self, name) < least:
                raise ValueError(f"line dedup: {name} is {getattr(self, name)}: it must be at least {least}")


def line_hashes(text: str | bytes, config: LineDedupConfig = LineDedupConfig()) -> np.ndarray:
    r"""Hash the distinct lines of a document that line dedup may remove.

    A line counts once per document, however often it occurs; lines that are empty after normalization, too short or
    protected are left out.

    Args:
        text: the document; lines end at ``\n``.
        config: which lines are spared.

    Returns:
        uint64 [lines], sorted and distinct.

    >>> len(line_hashes("Page 1\n\npage 2\nother"))
    2
    """
    import numpy as np

    hashes, _ = _hash_lines(as_text(text), config)
    return np.unique(hashes[hashes != 0])


def remove_lines(
    text: str | bytes,
    hot: np.ndarray,
    config: LineDedupConfig = LineDedupConfig(),
    kept_until: np.ndarray | None = None,
    order: int = 0,
) -> Edit:
    """Remove the lines whose hash is in a table.

    Args:
        text: the document.
        hot: uint64 [hashes], sorted: hashes from ``line_hashes``.
        config: the settings the hashes were made with.
        kept_until: uint64 [hashes], the last position in the order of documents that keeps each line.
        order: the document's position in that order.

    Returns:
        The text without those lines, otherwise unchanged, and the number removed as ``repeated_line``.

    >>> import numpy as np
    >>> remove_lines("Menu\\nA page.", np.sort(line_hashes("menu"))).text
    'A page.'
    """
    import numpy as np

    text = as_text(text)
    if not len(hot):
        return Edit(text)
    hashes, starts = _hash_lines(text, config)
    place = np.minimum(np.searchsorted(hot, hashes), len(hot) - 1)
    gone = (hot[place] == hashes) & (hashes != 0)
    if kept_until is not None:
        gone &= kept_until[place] < np.uint64(order)
    if not gone.any():
        return Edit(text)
    kept = "\n".join(text[starts[i] : starts[i + 1] - 1] for i in np.flatnonzero(~gone))
    return Edit(kept, {"repeated_line": int(gone.sum())})


def find_lines(text: str, wanted: set[int], config: LineDedupConfig = LineDedupConfig()) -> dict[int, str]:
    """Find the lines with given hashes in a document; return the normalized text of each by its hash.

    >>> list(find_lines("Page 1\\nother", set(line_hashes("page 7").tolist())).values())
    ['page 0']
    """
    hashes, starts = _hash_lines(text, config)
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


def _hash_lines(text: str, config: LineDedupConfig) -> tuple[np.ndarray, np.ndarray]:
    """Return one hash per line, 0 for a spared line, and where lines start, with one more for the end."""
    import numpy as np

    from curate.dedup.line_kernels import hash_lines

    codes = code_points(text)
    hashes, starts = hash_lines(codes, _characters(), _spaces(), config.min_characters)
    if config.protect_code:
        for i in np.flatnonzero(hashes):
            if CODE.search(text[starts[i] : starts[i + 1] - 1]):
                hashes[i] = 0
    return hashes, starts


@lru_cache(maxsize=1)
def _characters() -> np.ndarray:
    """Return the normalized form of each code point, 0 if it is removed."""
    every = "".join(map(chr, range(sys.maxunicode + 1))).replace("\u0130", "i")
    lower = re.sub(r"\d", "0", every.lower())
    table = code_points(lower).copy()
    table[[ord(c) for c in PUNCTUATION]] = 0
    table[[*range(32), *range(127, 160)]] = 0
    return table


@lru_cache(maxsize=1)
def _spaces() -> np.ndarray:
    """Return whether ``str.strip`` strips each code point."""
    from curate.text.characters import SPACE, character_table

    return (character_table() & SPACE) != 0
