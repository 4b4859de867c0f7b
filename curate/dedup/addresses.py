"""Which of several addresses of the same content is the one to keep.

>>> address_rank("https://a.example/post", "https://a.example/post")
0
>>> address_rank("https://a.example/tag/tea/"), address_rank("https://a.example/post?utm_source=x")
(2, 1)
"""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import unquote

from curate.filters.urls import normalize_url

# Segments of paths below which blogs, wikis and forums list their pages, or under which they show them in another form:
# the defaults of WordPress, Blogger, Hugo, Jekyll, Hexo, Drupal, Movable Type, Discourse and MediaWiki, and "tag",
# "category", "archive" and "author" in other languages.
_LISTS_BELOW = frozenset(
    [
        "tag",
        "tags",
        "label",
        "labels",
        "category",
        "categories",
        "author",
        "authors",
        "search",
        "categoria",
        "categorias",
        "categoría",
        "categorías",
        "categorie",
        "catégorie",
        "catégories",
        "kategorie",
        "kategorien",
        "kategori",
        "kategoria",
        "etiqueta",
        "etiquetas",
        "schlagwort",
        "autor",
        "autore",
        "auteur",
    ]
)
_LAST = _LISTS_BELOW | frozenset(
    [
        "archive",
        "archives",
        "archivo",
        "archivos",
        "archiv",
        "archiwum",
        "arquivo",
        "topics",
        "feed",
        "rss",
        "amp",
        "print",
        "printable",
        "comments",
        "trackback",
        "latest",
    ]
)
_NUMBERED = re.compile(r"(?:page|comment-page|pagina|seite|strona|sayfa)[-/]?\d+", re.IGNORECASE)
_DATE = re.compile(r"/(?:19|20)\d\d(?:/\d\d?){0,2}$")
_HOST_END = re.compile(r"[/\\?#]")
_INDEX = re.compile(r"/(?:(?:index|default|home)\.\w+)?$", re.IGNORECASE)
#: Parameters that choose a form or a part of a page, or a page by its number in the data base.
_FORM = re.compile(
    r"(?:^|[?&])(?:p|page_id|m|cat|tag|author|paged?|s|q|replytocom|share|amp|print|printable|output|view|sort|order"
    r"|showcomment|oldid|action|do|lang)(?:=|&|$)",
    re.IGNORECASE,
)


LISTING_RANK = 2  # `address_rank` of a listing


def site_of(url: str) -> str:
    """Return the host of a URL in lower case, without user name, port and ``www.``; "" if it has none.

    >>> site_of("https://www.News.example.org:443?a=ann@example.org"), site_of("")
    ('news.example.org', '')
    """
    host = _HOST_END.split(url.partition("://")[2], maxsplit=1)[0].rpartition("@")[2].partition(":")[0].lower()
    return host.removeprefix("www.")


@lru_cache(maxsize=64)  # several steps of one cut ask for the same page one after the other
def address_rank(url: str, canonical: str = "") -> int:
    """Return how well an address stands for its content: 0 is the best.

    Args:
        url: address of the page.
        canonical: the address that the page itself calls the right one (``rel=canonical``, RFC 6596); "" if none.

    Returns:
        0 for a page that names itself, 1 for one that names none, 2 for the address of a listing, of a form of a page
        (print, feed, comments) or of a page by its number, and 3 for a page that names another one. A page that names
        the front page of its site, a common mistake, names none.

    >>> address_rank("http://a.example/?p=7"), address_rank("http://a.example/2010/12/")
    (2, 2)
    >>> address_rank("http://a.example/post?replytocom=7", "http://a.example/post")
    3
    """
    own = normalize_url(url)
    named = normalize_url(canonical) if canonical else ""
    if named != own and not _path_of(named)[0]:
        named = ""
    if named and named != own:
        return 3
    if _is_listing(own):
        return LISTING_RANK
    return 0 if named else 1


def listing_address(url: str) -> bool:
    """Return whether an address has the shape of a listing, or of another form of a page.

    >>> listing_address("https://a.example/category/tea"), listing_address("https://a.example/the-category-of-teas")
    (True, False)
    """
    return _is_listing(normalize_url(url))


def _is_listing(url: str) -> bool:
    path, query = _path_of(url)
    *above, last = path.split("/")
    return bool(
        not path
        or last in _LAST
        or not _LISTS_BELOW.isdisjoint(above)
        or _NUMBERED.fullmatch("/".join(path.split("/")[-2:]))
        or _NUMBERED.fullmatch(last)
        or _DATE.search(path)
        or _FORM.search(query)
    )


def _path_of(url: str) -> tuple[str, str]:
    """Return the path of a normalized URL in lower case, "" for the front page and without the name of an index."""
    path, _, query = url.partition("://")[2].partition("?")
    path = "/" + unquote(path.partition("/")[2], errors="replace").lower()
    return _INDEX.sub("", path), query
