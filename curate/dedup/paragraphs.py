r"""What of a page is its own, and what stands in other pages of its site: listings have hardly anything of their own.

A *paragraph* is a line of at least `LEAST` characters. Within a site, it belongs to one of the pages that have it: the
one of which it is the largest share, and among about equal shares the one with the best address
(`curate.dedup.addresses.address_rank`). So an article owns its paragraphs, and not the tag page, month archive or front
page that shows ten articles.
An excerpt, a paragraph cut off with an ellipsis, belongs to the page that has the paragraph that it begins. A paragraph
that many pages of a site have, such as a licence, is part of its frame and counts for nothing.

>>> article = "The first kettle was made of bronze, and it stood in the temple of the old capital for a thousand years."
>>> other = "The second kettle was made of iron by a smith of the northern hills, who signed it with a single letter."
>>> post, another, listing = article, other, f"{article[:80]} …\n{other[:70]}..."
>>> pages = [page_paragraphs(text) for text in (post, another, listing)]
>>> listings(pages, [100, 100, 150], [1, 1, 1], [7, 8, 9]).round(1).tolist()
[0.0, 0.0, 1.0]
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from curate.dedup.addresses import LISTING_RANK
from curate.dedup.lines import paragraph_hashes

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LEAST = 64  # characters of a paragraph; curate's own value: a shorter line is a heading, an item or a cell
START = 48  # normalized characters at the start of a paragraph by which its excerpts are found; curate's own value
#: Share of a page's paragraphs that stands in other pages, at which it is a listing; and the same for the address of a
#: listing. These have to be a part of the text of `OF_TEXT` times the share. curate's own values.
SHARED, SHARED_BY_ADDRESS, OF_TEXT = 0.7, 0.5, 0.7
#: Pages of a site, and share of them, that have a paragraph of its frame; curate's own values.
FRAME_PAGES, FRAME_SHARE = 10, 0.3
#: An end that was cut off, perhaps with the invitation to read on.
_CUT_OFF = re.compile(r"(?:\.\.\.|…|\[\s*(?:\.\.\.|…|&hellip;)\s*\]|»)[^.!?。！？]{0,40}$")


def paragraph_dtype() -> np.dtype:
    """Return the type of a paragraph: hashes of its start and of the whole (0 for an excerpt), and its characters."""
    import numpy as np

    return np.dtype([("start", "u8"), ("text", "u8"), ("characters", "u4")])


def page_paragraphs(text: str) -> NDArray[np.void]:
    """Return the distinct paragraphs of a text, as `paragraph_dtype`."""
    import numpy as np

    rows: dict[tuple[int, int], int] = {}
    for start, end, beginning, whole in paragraph_hashes(text, LEAST, START):
        cut_off = _CUT_OFF.search(text[max(start, end - 60) : end].rstrip())
        rows[beginning, 0 if cut_off else whole | 1] = end - start
    return np.array([(*hashes, size) for hashes, size in rows.items()], paragraph_dtype())


def shared_characters(
    document: NDArray[np.int64],
    site: NDArray[np.uint64],
    paragraphs: NDArray[np.void],
    place: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Find the paragraphs that belong to another page of the same site.

    Args:
        document: int64 [paragraphs], the page of each.
        site: uint64 [paragraphs], the site of each.
        paragraphs: `paragraph_dtype` [paragraphs].
        place: int64 [paragraphs], of the page in the order of owners of this paragraph; distinct among equals.

    Returns:
        Three arrays, an element for each paragraph that belongs to another page: its page, its owner, its characters.
    """
    import numpy as np

    order = np.lexsort((place, paragraphs["text"], site))
    text, where = paragraphs["text"][order], site[order]
    first = np.append(True, (text[1:] != text[:-1]) | (where[1:] != where[:-1])) if len(order) else np.empty(0, bool)
    owner = document[order][np.flatnonzero(first)[np.cumsum(first) - 1]]
    copies = (owner != document[order]) & (text != 0)
    whole = order[copies], owner[copies]
    # An excerpt belongs to the first page, in the same order, that has a paragraph with its start.
    order = np.lexsort((place, paragraphs["text"] == 0, paragraphs["start"], site))
    start, where, cut = paragraphs["start"][order], site[order], paragraphs["text"][order] == 0
    first = np.append(True, (start[1:] != start[:-1]) | (where[1:] != where[:-1])) if len(order) else np.empty(0, bool)
    head = np.flatnonzero(first)[np.cumsum(first) - 1]
    excerpts = cut & ~cut[head] & (document[order][head] != document[order])
    of = document[order][head]
    rows = np.concatenate([whole[0], order[excerpts]])
    return document[rows], np.concatenate([whole[1], of[excerpts]]), paragraphs["characters"][rows].astype(np.int64)


def listing_shares(
    sites: NDArray[np.uint64],
    ranks: NDArray[np.int64],
    orders: NDArray[np.uint64],
    characters: NDArray[np.int64],
    document: NDArray[np.int64],
    paragraphs: NDArray[np.void],
) -> NDArray[np.float64]:
    """Return, for each page that is a listing, the share of its paragraphs that other pages keep; 0 for all others.

    What a page shares counts only if the page that keeps it is not itself a listing, so a paragraph that two listings
    have stays in one of them.

    Args:
        sites: uint64 [pages].
        ranks: int64 [pages], of their addresses, 0 the best.
        orders: uint64 [pages], the order among equals.
        characters: int64 [pages], of the whole text.
        document: int64 [paragraphs], the page of each paragraph.
        paragraphs: `paragraph_dtype` [paragraphs].

    Returns:
        float64 [pages].
    """
    import numpy as np

    content = ~_is_frame(sites, document, paragraphs)
    frame = np.bincount(document[~content], paragraphs["characters"][~content], len(sites)).astype(np.int64)
    document, paragraphs, characters = document[content], paragraphs[content], characters - frame
    size = paragraphs["characters"].astype(np.float64)
    share = size / np.maximum(characters[document], 1)
    coarse = np.round(np.log2(np.maximum(share, 1e-6))).astype(np.int64)  # about equal shares: the address decides
    by_place = np.lexsort((orders[document], -share, ranks[document], -coarse))
    place = np.empty(len(document), np.int64)
    place[by_place] = np.arange(len(document))
    page, owner, shared = shared_characters(document, sites[document], paragraphs, place)
    total, limits = np.bincount(document, size, len(sites)), limits_of(ranks)

    def shares(counted: NDArray[np.bool_]) -> NDArray[np.float64]:
        held = np.bincount(page[counted], shared[counted], len(sites))
        found = held / np.maximum(total, 1)
        return np.where((found >= limits) & (held >= OF_TEXT * limits * characters), found, 0.0)

    candidates = shares(np.ones(len(page), bool))
    return shares(candidates[owner] == 0) if len(page) else candidates


def limits_of(ranks: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the share from which a page is a listing, by the rank of its address."""
    import numpy as np

    return np.where(ranks >= LISTING_RANK, SHARED_BY_ADDRESS, SHARED)


def _is_frame(
    sites: NDArray[np.uint64], document: NDArray[np.int64], paragraphs: NDArray[np.void]
) -> NDArray[np.bool_]:
    """Return which paragraphs are part of the frame of their site."""
    import numpy as np

    _, of_site, pages = np.unique(sites, return_inverse=True, return_counts=True)
    site = of_site[document]
    order = np.lexsort((paragraphs["text"], site))
    text, where = paragraphs["text"][order], site[order]
    first = np.append(True, (text[1:] != text[:-1]) | (where[1:] != where[:-1]))[: len(order)]
    group = np.cumsum(first) - 1
    copies = np.empty(len(order), np.int64)
    copies[order] = np.bincount(group)[group] if len(group) else 0
    return (paragraphs["text"] != 0) & (copies > FRAME_PAGES) & (copies > FRAME_SHARE * pages[site])


def listings(
    pages: Sequence[NDArray[np.void]], characters: Sequence[int], ranks: Sequence[int], orders: Sequence[int]
) -> NDArray[np.float64]:
    """Return `listing_shares` of the pages of one site, given the paragraphs of each."""
    import numpy as np

    document = np.repeat(np.arange(len(pages)), [len(page) for page in pages])
    return listing_shares(
        np.zeros(len(pages), np.uint64),
        np.array(ranks, np.int64),
        np.array(orders, np.uint64),
        np.array(characters, np.int64),
        document,
        np.concatenate(pages) if pages else np.empty(0, paragraph_dtype()),
    )
