"""All counts of one text, in one compiled call."""

from __future__ import annotations

import numpy as np

from curate.compiled import kernel
from curate.kernels.ngrams import COLUMNS, COVERED, LATER, LONGEST, TOP, count_ngrams
from curate.kernels.scan import scan_characters, scan_lines
from curate.kernels.watch import KINDS, watch
from curate.kernels.words import find_words


@kernel
def measure_codes(codes, table, lower, keys, entries, characters, lines, words):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Write the counts of characters, of lines, and of words: these, how many characters they have, how many differ,
    watched words by kind, different stop words, then `repeated_ngrams`' ``top[0:11]`` and ``covered[0:11]``.
    """
    scan_characters(codes, table, characters)
    scan_lines(codes, table, lines)
    room = len(codes)
    starts, stops = np.empty(room, np.int32), np.empty(room, np.int32)
    hashes, folded = np.empty(room, np.uint64), np.empty(room, np.uint64)
    n = find_words(codes, table, lower, starts, stops, hashes, folded)
    lengths = stops[:n] - starts[:n]
    words[0] = n
    words[1] = lengths.sum()
    words[3 + KINDS] = watch(folded, n, keys, entries, words[3 : 3 + KINDS])
    ngrams = np.empty((LONGEST + 1, len(COLUMNS)), np.int64)
    words[2] = count_ngrams(hashes, lengths, n, ngrams)
    place = 4 + KINDS
    for k in range(2, 5):
        words[place] = ngrams[k, TOP]
        place += 1
    for k in range(5, LONGEST + 1):
        words[place] = ngrams[k, LATER]
        words[place + 6] = ngrams[k, COVERED]
        place += 1
