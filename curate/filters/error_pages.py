"""Recognize pages that hold a message of a server in place of content: errors, robot checks, cookie and login walls.

>>> error_score(code_points("Sorry, the page you requested could not be found.")) > 1
True
"""

from __future__ import annotations

import functools
from importlib import resources
from typing import TYPE_CHECKING

from curate.text.characters import character_table, code_points

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: The longest text that is searched, in characters. curate's own value: such messages seldom have more than 800, and an
#: article about cookies or errors, which may quote one, seldom has fewer.
LONGEST_MESSAGE = 1500
#: Characters that a point of the score speaks for, if a phrase of weight 2 is among them, and otherwise: a banner about
#: cookies above an article says nothing about the article. curate's own values.
CHARACTERS_PER_POINT, OF_WEAK_POINTS = 250, 60


def error_score(codes: NDArray[np.uint32]) -> int:
    """Return how strongly a text reads as an error page, robot check, cookie wall, login wall or parked domain.

    The sum of the weights of the different phrases of curate/filters/error_phrases.tsv that the text contains, of any
    language, because such pages are short and their language is often not known: 2 for a sentence that hardly anything
    else has, 1 for one that the frame of any page has. From 2 on a text is such a page. Of a text longer than
    `LONGEST_MESSAGE`, or than `CHARACTERS_PER_POINT` for each point, the score is 0.

    Args:
        codes: the code points of any text.

    Returns:
        The score, 0 or more.

    >>> error_score(code_points("Diese Seite konnte leider nicht gefunden werden.")) > 1
    True
    >>> error_score(code_points("The cat sat on the mat."))
    0
    """
    if len(codes) > LONGEST_MESSAGE:
        return 0
    from curate.filters.error_kernels import find_phrases
    from curate.text.words import lower_table

    score, strongest = find_phrases(codes, character_table(), lower_table(), *_phrases())
    room = score * (CHARACTERS_PER_POINT if strongest > 1 else OF_WEAK_POINTS)
    return int(score) if len(codes) <= room else 0


@functools.cache
def _phrases() -> tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.uint32], NDArray[np.int64]]:
    """Return the table of anchors, and the phrases: code points of all, and start, stop and weight of each.

    An entry of the table is the number of the first phrase with the anchor, times 2^16, plus how many have it.
    """
    import numpy as np

    from curate.filters.error_kernels import ANCHOR, anchor_key
    from curate.text.table_kernels import make_table

    lines = resources.files("curate.filters").joinpath("error_phrases.tsv").read_text("utf-8").splitlines()
    rows = [line.split("\t") for line in lines if line and not line.startswith("#")]
    weights = {phrase: int(weight) for _, weight, phrase in rows}
    ordered = sorted(weights)
    stops = np.cumsum([len(phrase) for phrase in ordered])
    spans = np.stack([stops - [len(phrase) for phrase in ordered], stops, [weights[each] for each in ordered]], 1)
    anchors: dict[str, list[int]] = {}
    for i, phrase in enumerate(ordered):
        anchors.setdefault(phrase[:ANCHOR], []).append(i)
    keys = np.array([anchor_key(code_points(anchor), 0) for anchor in anchors], np.uint64)
    entries = np.array([numbers[0] << 16 | len(numbers) for numbers in anchors.values()], np.int64)
    return *make_table(keys, entries), code_points("".join(ordered)), spans.astype(np.int64)
