"""Recognize pages that hold a message of a server in place of content: errors, robot checks, cookie and login walls.

>>> error_score("Sorry, the page you requested could not be found.") > 1
True
"""

from __future__ import annotations

import functools
import re
from importlib import resources
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: The longest text that is searched, in characters. curate's own value: such messages seldom have more than 800, and an
#: article about cookies or errors, which may quote one, seldom has fewer.
LONGEST_MESSAGE = 1500
#: Leading characters by which phrases are looked up. curate's own value: the shortest phrase of the list.
_ANCHOR = 4
_DIGITS = re.compile(r"\d+")


def error_score(text: str) -> float:
    """Return how strongly a text reads as an error page, robot check, cookie wall, login wall or parked domain.

    The sum of the weights of the different phrases of curate/filters/error_phrases.tsv that the text contains, of any
    language, because such pages are short and their language is often not known: 2 for a sentence that nothing else
    has, 1 for one that articles have too. From 2 on a text is such a page. Of a text longer than `LONGEST_MESSAGE` it
    is 0.

    Args:
        text: any text.

    Returns:
        The score, 0 or more.

    >>> error_score("Die Seite wurde nicht gefunden. Zurück zur Startseite"), error_score("The cat sat on the mat.")
    (3.0, 0.0)
    """
    if len(text) > LONGEST_MESSAGE:
        return 0.0
    from curate.filters.error_kernels import find_phrases
    from curate.text.characters import code_points

    return float(find_phrases(code_points(normalized(text)), _ANCHOR, *_phrases()))


def normalized(text: str) -> str:
    """Return a text in lower case with single spaces, plain apostrophes, and 0 for every number.

    >>> normalized("We’ve  842\\npartners")
    "we've 0 partners"
    """
    return _DIGITS.sub("0", " ".join(text.lower().replace("’", "'").split()))


@functools.cache
def _phrases() -> tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.uint32], NDArray[np.int64]]:
    """Return the table of anchors, and the phrases: code points of all, and start, stop and weight of each.

    An entry of the table is the number of the first phrase with the anchor, times 2^16, plus how many have it.
    """
    import numpy as np

    from curate.text.characters import code_points
    from curate.text.hash_kernels import hash_codes
    from curate.text.table_kernels import make_table

    lines = resources.files("curate.filters").joinpath("error_phrases.tsv").read_text("utf-8").splitlines()
    rows = [line.split("\t") for line in lines if line and not line.startswith("#")]
    weights = {normalized(phrase): int(weight) for _, weight, phrase in rows}
    ordered = sorted(weights)
    codes = code_points("".join(ordered))
    stops = np.cumsum([len(phrase) for phrase in ordered])
    spans = np.stack([stops - [len(phrase) for phrase in ordered], stops, [weights[each] for each in ordered]], 1)
    anchors: dict[str, list[int]] = {}
    for i, phrase in enumerate(ordered):
        anchors.setdefault(phrase[:_ANCHOR], []).append(i)
    hashes = [hash_codes(code_points(anchor), 0, _ANCHOR) for anchor in anchors]
    entries = [numbers[0] << 16 | len(numbers) for numbers in anchors.values()]
    table = make_table(np.array(hashes, np.uint64), np.array(entries, np.int64))
    return *table, codes, spans.astype(np.int64)
