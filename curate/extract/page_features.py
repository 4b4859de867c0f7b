"""What a whole page says of its text: links, teasers, prices, the shape of its URL.

A text alone does not show whether it is an article or the beginnings of ten; the page does.

>>> page = "<title>Tea</title><article><h2><a href='/tea'>Tea</a></h2><p>Tea is a drink that ...</p></article>"
>>> features = page_features(page, cut(page), "Tea\\n\\nTea is a drink that ...", "https://example.org/tag/tea/page/2")
>>> features.articles, features.linked_headings, features.cut_off_lines, features.url_list_words
(1.0, 1.0, 1.0, 2.0)
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from curate.extract.blocks import Blocks, cut
from curate.results import Result

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["PAGE_FEATURES", "PageFeatures", "cut", "page_features", "page_values"]


@dataclass(frozen=True, slots=True)
class PageFeatures(Result):
    """Features of a page, none of them negative; each is a number that a float32 holds exactly.

    Shares of the page are relative to the characters of its blocks; ``text_share`` is the length of the main text
    relative to them, ``link_line_share`` the share of the main text's letters in lines that are one link. Words of
    ``rel`` and ``class`` attributes are those of HTML, microformats, WordPress and its like, not of a language.
    """

    # markup
    links: float
    outbound_share: float
    paid_links: float  # rel: nofollow, sponsored, ugc
    tag_links: float  # rel: tag, category
    next_links: float  # rel: next, prev
    bookmarks: float  # rel: bookmark, the title of a teaser in many themes
    excerpt_words: float
    pager_words: float
    shop_words: float
    post_words: float
    comment_words: float
    ad_words: float
    list_page_words: float
    single_page_words: float
    article_type: float
    no_index: float
    articles: float
    times: float
    forms: float
    inputs: float
    images: float
    frames: float
    h1: float
    h2: float
    list_items: float
    cells: float
    paragraph_tags: float
    scripts: float
    repeated_anchors: float
    most_repeated_anchor: float
    # blocks
    page_characters: float
    page_link_share: float
    page_prose_share: float
    prose_blocks: float
    longest_prose: float
    headings: float
    linked_headings: float
    # main text
    text_share: float
    link_line_share: float
    link_lines: float
    cut_off_lines: float
    cut_off_share: float
    question_line_share: float
    prices: float
    price_share: float  # per long word
    percents: float
    skeleton_share: float  # of sentences that occur again with other names and numbers
    title_word_share: float
    title_words: float
    # address
    url_depth: float
    url_digits: float
    url_parameters: float
    url_slug_words: float
    url_slug_characters: float
    url_list_words: float
    url_number: float
    url_date: float
    url_file: float
    host_characters: float
    host_labels: float
    host_hyphens: float
    host_digits: float


#: The names of the features, in order.
PAGE_FEATURES = tuple(field.name for field in fields(PageFeatures))
#: Returns the values of the features, in the same order.
page_values = attrgetter(*PAGE_FEATURES)

# Words of attributes by what they say: those of HTML (rel), of Open Graph (og:type), of microformats (hentry), of
# WordPress, WooCommerce, Jekyll, Hugo, Ghost, Drupal and Bootstrap.
_WORDS = {
    "IS_PAID": "nofollow sponsored ugc",
    "IS_TAG": "tag category",
    "IS_NEXT": "next prev previous",
    "IS_BOOKMARK": "bookmark",
    "IS_EXCERPT": "excerpt entry-summary post-excerpt post-summary summary teaser preview post-preview card-text "
    "readmore read-more more-link more moretag continue-reading post-card post-item views-row archive-item "
    "entry-title-link list-group-item",
    "IS_PAGER": "pagination pager paging pagenavi wp-pagenavi nav-links page-numbers paginate paginator page-link "
    "page-item older newer older-posts newer-posts page-navigation",
    "IS_SHOP": "price prices product products add-to-cart add_to_cart_button cart basket woocommerce amount buy "
    "buy-now buybox checkout sku stock wishlist quantity",
    "IS_POST": "post hentry entry card item article blog-post type-post",
    "IS_COMMENT": "comment comments comment-body comment-content reply comment-reply-link",
    "IS_AD": "adsbygoogle ad ads advert advertisement sponsored affiliate banner promo coupon",
    "IS_LIST_PAGE": "archive category tag home blog search author paged date front-page home-template tag-template "
    "error404 no-results",
    "IS_SINGLE_PAGE": "single single-post page post-template page-template-default post item-view",
    "IS_ARTICLE_TYPE": "article",
    "IS_NO_INDEX": "noindex",
}

# Words of paths under which sites list their pages. curate's own list: those of the common blog engines and wikis.
_LISTS = frozenset({
    "tag", "tags", "category", "categories", "cat", "cats", "archive", "archives", "archiv", "author",
    "authors", "page", "pages", "topic", "topics", "label", "labels", "search", "feed", "blog", "news", "posts",
    "index", "users", "user", "members", "list", "lists", "forum", "section", "sections", "series",
    "collections", "collection", "c", "t",
})  # fmt: skip
_HOST = re.compile(r"(?:[a-z][a-z0-9+.-]*:)?//([^/?#]*)|", re.IGNORECASE)
_DATE = re.compile(r"/(?:19|20)\d\d/\d{1,2}(?:/|$)|(?:19|20)\d\d-\d\d(?:-\d\d)?")
_SPLIT = re.compile(r"[-_.+ ]+")


#: The tags that are features, in order.
_COUNTED_TAGS = ("article", "time", "form", "input", "img", "iframe", "h1", "h2", "li", "td", "p", "script")


def page_features(page: str, blocks: Blocks, text: str, url: str | None = None) -> PageFeatures:
    """Measure a page, in time linear in its size.

    Args:
        page: HTML.
        blocks: its blocks, of `curate.extract.blocks.cut`.
        text: its main text.
        url: its address, if known.
    """
    import numpy as np

    from curate.extract.page_kernels import BLOCK, COUNT, LINE, TAG_NAMES, count_page

    address = _address(url or "")
    parts = (
        np.frombuffer(part.encode("utf-8", "replace"), np.uint8) for part in (page, address[0], text, blocks.title)
    )
    counts, tags, found, sums, repeated, most, title_words = count_page(
        *parts, blocks.blocks, blocks.elements, *_tables()
    )
    characters = max(int(sums[BLOCK.characters]), 1)
    size, lines, words = np.maximum(found[[LINE.size, LINE.lines, LINE.words]], 1)
    tag = dict(zip(TAG_NAMES, tags[1:].tolist(), strict=False))
    values = [
        counts[COUNT.links],
        counts[COUNT.outbound] / max(int(counts[COUNT.links]), 1),
        *(counts[COUNT.paid :].tolist()),
        *(tag[name] for name in _COUNTED_TAGS),
        repeated,
        most,
        sums[BLOCK.characters],
        sums[BLOCK.linked] / characters,
        sums[BLOCK.prose] / characters,
        sums[BLOCK.prose_blocks],
        sums[BLOCK.longest],
        sums[BLOCK.headings],
        sums[BLOCK.linked_headings],
        len(text) / characters,
        found[LINE.link_size] / size,
        found[LINE.link_lines],
        found[LINE.cut_off],
        found[LINE.cut_off] / lines,
        found[LINE.questions] / lines,
        found[LINE.prices],
        found[LINE.prices] / words,
        found[LINE.percents],
        found[LINE.skeletons] / max(int(found[LINE.sentences]), 1),
        found[LINE.title_words] / words,
        title_words,
        *address[1],
    ]
    return PageFeatures(*np.array(values, np.float32).tolist())


def _address(url: str) -> tuple[str, tuple[float, ...]]:
    """Return the host without ``www.``, and the features of the shape of a URL."""
    url = url[:2048]
    match = _HOST.match(url)
    host = (match[1] or "") if match else ""
    rest = url[match.end() :] if match else url
    path, _, query = rest.partition("#")[0].partition("?")
    host = host.rpartition("@")[2].partition(":")[0].lower().encode("ascii", "replace").decode().removeprefix("www.")
    parts = [part for part in path.split("/") if part]
    slug = unquote(parts[-1]) if parts else ""
    stem, _, ending = slug.rpartition(".") if re.search(r"\.[a-z]{2,5}$", slug) else (slug, "", "")
    return host, (
        len(parts),
        sum(c.isdigit() for c in path),
        len([p for p in query.split("&") if p]),
        len([word for word in _SPLIT.split(stem) if word]),
        len(stem),
        sum(part.lower() in _LISTS for part in parts),
        float(stem.isdigit()),
        float(_DATE.search(path) is not None),
        float(bool(ending)),
        len(host),
        host.count(".") + 1,
        host.count("-"),
        sum(c.isdigit() for c in host),
    )


@functools.cache
def _tables() -> tuple[Any, ...]:
    """Return the tables of tags, attributes and words that `scan_markup` reads."""
    from curate.extract import page_kernels as kernel

    words: dict[str, int] = {}
    for name, group in _WORDS.items():
        for word in group.split():
            words[word] = words.get(word, 0) | getattr(kernel, name)
    return (
        _table({name: i for i, name in enumerate(kernel.TAG_NAMES, 1)}),
        _table({name: i for i, name in enumerate(kernel.ATTRIBUTE_NAMES, 1)}),
        _table(words),
    )


def _table(entries: Mapping[str, int]) -> tuple[Any, Any]:
    import numpy as np

    from curate.extract.tag_kernels import name_hash
    from curate.text.table_kernels import make_table

    names = [np.frombuffer(name.encode(), np.uint8) for name in entries]
    hashes = np.array([name_hash(name, 0, len(name)) for name in names], np.uint64)
    return make_table(hashes, np.array(list(entries.values()), np.int64))
