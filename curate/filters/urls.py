"""Normalize URLs to one form per page, and block them by lists of domains and words.

>>> normalize_url("HTTPS://www.Example.org:443/a/../b/?utm_source=x&b=2&a=1#top")
'http://example.org/b?a=1&b=2'
>>> blocked_url("https://free-porn.example/x").rule
'blocked_word'
"""

from __future__ import annotations

import io
import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache, partial
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from curate.bounds import File
from curate.document import Rejection
from curate.input.checked_file import open_regular
from curate.models.file_stamp import file_stamp
from curate.text.charset import as_text
from curate.text.hashing import stable_u64

if TYPE_CHECKING:
    import numpy as np

#: Most characters of a line in a list of domains. curate's own value: a host has 255, and lists also have comments and
#: paths.
MAX_LINE = 1 << 16
#: Scheme of the URL of a page that was read from a local file; the rest is the file's name, without its folder.
FILE_SCHEME = "file:"

_SPACE = "".join(map(chr, range(33)))  # control characters and the space, as browsers strip them
_BREAK, _SURROGATE = re.compile(r"[\t\r\n]"), re.compile("[\ud800-\udfff]")
_WEB = re.compile(r"https?:[/\\]*([^/\\?#]*)([^?#]*)(?:\?([^#]*))?(?:#([^#]*))?", re.IGNORECASE)
# A fragment that names a page of an application rather than a place in a page: it begins with "!" (Google's former AJAX
# crawling scheme) or "/", or is a path, "book/1/read/16". An anchor is a name, parameters have a "=".
_ROUTE = re.compile(r"[!/]|[A-Za-z0-9_-]+/[^/?=&]")
_NO_SCHEME = re.compile(r"(?:[a-z0-9_-]+\.)+[a-z][a-z0-9-]+(?::\d+)?(?=[/?#]|$)", re.IGNORECASE)
_OTHER = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)
_DIGITS = re.compile("[0-9]*")
_NOT_IN_HOST = re.compile(r"[^a-z0-9._:\[\]-]")
_WWW = re.compile(r"^(?:www\d{0,3}\.)+(?=[^.]+\.)")
_SESSION = re.compile(r";(?:jsessionid|phpsessid)=[^/;]*", re.IGNORECASE)
_CODED = re.compile(rb"%([0-9A-Fa-f]{2})|[^A-Za-z0-9._~!$&'()*+,;=:@/?-]")
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")

# Query parameters that identify the visitor or where they came from, not the page. Names from the documentation of the
# services: Google Analytics and Ads, Meta, Microsoft, Yandex, X, TikTok, LinkedIn, Mailchimp, HubSpot, Marketo, Adobe,
# Matomo, AT Internet, Vero, Eloqua, Alibaba; session ids of PHP, Java, ASP and ColdFusion.
_TRACKING = re.compile(
    r"utm_\w+|gclid|gclsrc|dclid|gbraid|wbraid|_ga|_gl|ga_(?:source|medium|term|content|campaign)"
    r"|fbclid|fb_(?:action_ids|action_types|source|ref)|igshid|igsh|msclkid|yclid|ysclid|_openstat|twclid|ttclid"
    r"|li_fat_id|mc_cid|mc_eid|_hsenc|_hsmi|__hstc|__hssc|__hsfp|hsctatracking|mkt_tok|s_cid|s_kwcid|ef_id"
    r"|(?:mtm|pk|piwik)_(?:campaign|kwd|keyword|source|medium|content|cid|group|placement)"
    r"|xtor|at_(?:medium|campaign|custom\d)|vero_id|vero_conv|elqtrackid|elqtrack|spm|scm|ref_src|ref_url"
    r"|phpsessid|jsessionid|aspsessionid\w*|cfid|cftoken"
)


def normalize_url(url: str | bytes) -> str:
    """Return one form for all URLs of the same page, for comparison; never fails.

    White space around the URL, line breaks, user name, default port, ``www.`` (``www2.``, ...), a dot at the end of the
    host, slashes at the end of the path, session ids, tracking parameters (``utm_source``, ``fbclid``, ...), empty
    pieces of the query, and the fragment are removed; but a fragment that is a route of an application (``#!/inbox``,
    ``#/item/1``, ``#book/1``) stays, in one form. https becomes http. The host is converted to lower case, and to
    ASCII by IDNA. In path and query, percent codes of letters, digits and ``-._~`` are decoded, other codes are written
    in upper case, and characters that need a code get one. Dot segments are resolved and the query is sorted. Path and
    query keep their case. A URL that starts like a host name gets the scheme http; a URL of another scheme only loses
    its fragment. Normalizing the result again does not change it.

    >>> normalize_url("http://Bücher.example/%7Euser/?q=%c3%a9&fbclid=1"), normalize_url("www.example.org")
    ('http://xn--bcher-kva.example/~user?q=%C3%A9', 'http://example.org/')
    >>> normalize_url("https://app.example/#/item/1?utm_source=x"), normalize_url("https://app.example/#top")
    ('http://app.example/#/item/1', 'http://app.example/')
    """
    url = as_text(url)
    url = _SURROGATE.sub("\ufffd", _BREAK.sub("", url)).strip(_SPACE)
    if _NO_SCHEME.match(url):
        url = f"http://{url}"
    web = _WEB.match(url)
    if not web:
        other = _OTHER.match(url)
        url = url.partition("#")[0].rstrip(_SPACE)
        return f"{other.group(1).lower()}{url[other.end() - 1 :]}" if other else url
    authority, path, query, fragment = (part or "" for part in web.groups())
    host = _normal_host(authority)
    if not host:
        return url
    path = _resolve(_recode(_SESSION.sub("", path.replace("\\", "/"))))
    query = _sorted_query(query)
    return f"http://{host}{path}{'?' if query else ''}{query}{_route(fragment)}"


def _normal_host(authority: str) -> str:
    host, port = unquote(authority.rpartition("@")[2]).lower().rstrip("."), ""
    end = len(host)
    while not port and (colon := host.rfind(":", 0, end)) >= 0 and _DIGITS.fullmatch(host, colon + 1, end):
        port = host[colon:end] if host[colon + 1 : end] not in ("", "80", "443") else ""
        end = colon
        while host.endswith(".", 0, end):
            end -= 1
    host = host[:end]
    if not host.isascii() and len(host) <= MAX_HOST:
        import idna

        try:
            host = idna.encode(host, uts46=True).decode("ascii").rstrip(".")
        except (idna.IDNAError, UnicodeError):
            host = unicodedata.normalize("NFC", host)
    host = _NOT_IN_HOST.sub(lambda c: "".join(f"%{b:02X}" for b in c.group().encode()), host)
    return _WWW.sub("", host) + port


def _recode(part: str) -> str:
    """Percent-code the characters that need it, and no others, as UTF-8."""

    def code(match: re.Match[bytes]) -> bytes:
        byte = int(match.group(1), 16) if match.group(1) else match.group()[0]
        return bytes([byte]) if byte in _UNRESERVED else b"%%%02X" % byte

    return _CODED.sub(code, part.encode()).decode("ascii")


def _resolve(path: str) -> str:
    """Resolve the segments ``.`` and ``..`` (RFC 3986, section 5.2.4), and remove slashes at the end."""
    if "/." in path:
        kept: list[str] = []
        for segment in path.split("/")[1:]:
            if segment == "..":
                del kept[-1:]
            elif segment != ".":
                kept.append(segment)
        path = "/" + "/".join(kept)
    return path.rstrip("/") or "/"


def _route(fragment: str) -> str:
    """Return the route in a fragment with a "#" before it, "" if it is an anchor or the route of the page itself."""
    fragment = fragment.partition(":~:")[0]  # a directive of the browser (WICG, Text Fragments)
    if not _ROUTE.match(fragment):
        return ""
    path, _, query = fragment.partition("?")
    path, query = _recode(path).rstrip("/"), _sorted_query(query)
    return f"#{path}{'?' if query else ''}{query}" if path.strip("!") or query else ""


def _sorted_query(query: str) -> str:
    if not query:
        return ""
    pieces = (_recode(piece.replace("+", "%20")) for piece in query.replace("&amp;", "&").split("&"))
    return "&".join(sorted(p for p in pieces if p and not _TRACKING.fullmatch(p.partition("=")[0].lower())))


@dataclass(frozen=True, slots=True)
class UrlFilterConfig:
    """Which URLs are refused.

    ``domains`` are text files of domains, one per line (also ``0.0.0.0 domain``, as in hosts files; ``#`` starts a
    comment); a domain includes its subdomains, ``domain/path`` all URLs that begin with it. ``lists`` are curate's own
    word lists, ``adult`` and ``pii`` (people search and the like), which `blocked_url` reads with care for headlines
    and names; empty uses none. A URL is refused if it has one of ``words`` as a whole word, one of ``parts`` anywhere,
    or ``soft_limit`` different ``soft_words`` of all lists together: the three kinds, and the limit of 2, are those of
    RefinedWeb (arXiv 2306.01116, appendix G.1) and FineWeb.
    """

    domains: tuple[File, ...] = ()
    lists: tuple[str, ...] = ("adult", "pii")
    words: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    soft_words: tuple[str, ...] = ()
    soft_limit: int = 2

    def __post_init__(self) -> None:
        for path in self.domains:
            if not Path(path).is_file():
                raise ValueError(f"no file of blocked domains at {path!r}: check the path, or remove it")
        for name in self.lists:
            if name not in LISTS:
                raise ValueError(f"unknown word list {name!r}: the lists are {', '.join(LISTS)}")
        if self.soft_limit < 1:
            raise ValueError(f"soft_limit is {self.soft_limit}: give 1 or more")


LISTS = ("adult", "pii")
MAX_HOST = 255  # characters of a domain name (RFC 1035, section 2.3.4)
MAX_LABELS = 127  # of a domain name, each with a dot before or after it
# Characters of a URL that are searched for words. curate's own value: about the limit of browsers and servers.
MAX_SEARCHED = 8192


def blocked_url(url: str, config: UrlFilterConfig = UrlFilterConfig()) -> Rejection | None:
    """Return why a URL is refused, or None if it is not.

    The comparison ignores case and percent codes; words are runs of letters. What the host says is true of the site. A
    path may be a headline: a word of curate's own lists counts there if its segment has no more than
    `HEADLINE_WORDS` words, or if the URL has another word of that list ("free-porn-videos", but not
    "minister-resigns-over-porn-on-his-phone"). Words with other meanings ("xxx", a numeral and a placeholder) refuse a
    registered name alone; three vague words, two in the host, or two soft ones of which one is not vague, refuse a URL.

    Args:
        url: of the page; an empty one is never refused.
        config: lists and limit. Its own words and parts count anywhere.

    Returns:
        A rejection by ``blocked_domain`` (a domain, or a top-level domain of a list), ``blocked_word`` (a word, or a
        part of one) or ``blocked_soft_words`` (value: their number; limit: the number that is too many).

    >>> blocked_url("https://en.wikipedia.org/wiki/Essex"), blocked_url("http://a.example/PORN/").detail
    (None, 'porn')
    """
    if not url:
        return None
    rules = _rules(config, tuple(map(file_stamp, config.domains)))
    address = normalize_url(url).partition("://")[2]
    host, _, path = address.partition("/")
    host = host.partition(":")[0]
    if rules.domains is not None and (entry := _listed(rules.domains, host, path)):
        return Rejection("blocked_domain", detail=entry)
    ending = host.rpartition(".")[2]
    if ending in rules.endings:
        return Rejection("blocked_domain", detail=f".{ending}")
    text = unicodedata.normalize("NFKC", unquote(address[:MAX_SEARCHED])).lower()
    if rules.own_parts and (match := rules.own_parts.search(text)):
        return Rejection("blocked_word", detail=match.group())
    words = _WORD.findall(text)
    if own := [word for word in words if word in rules.own_words]:
        return Rejection("blocked_word", detail=own[0])
    if hard := _hard_word(text, rules):
        return Rejection("blocked_word", detail=hard)
    soft = rules.soft.intersection(words)
    vague = rules.vague.intersection(words) - soft
    in_host = (rules.soft | rules.vague).intersection(_WORD.findall(text.partition("/")[0]))
    limit = config.soft_limit if soft or len(in_host) >= config.soft_limit else config.soft_limit + 1
    if len(soft) + len(vague) >= limit:
        return Rejection("blocked_soft_words", len(soft) + len(vague), limit, " ".join(sorted(soft | vague)))
    return None


_WORD = re.compile(r"[^\W\d_]+")
_SEGMENT = re.compile(r"[^/?&=#]+")
#: A segment of more words than this is a headline. curate's own value: those of categories and searches have fewer.
HEADLINE_WORDS = 3
_SECOND_LEVEL = re.compile(r"(?:com?|org|net|edu|gov|ac|or|ne|go|gob)\Z")


def _hard_word(text: str, rules: _Rules) -> str:
    """Return the word of curate's own lists that refuses a URL by itself, or ""."""
    host, _, path = text.partition("/")
    host = host.partition(":")[0]
    labels = host.split(".")
    registered = labels[-3 if len(labels) > 2 and _SECOND_LEVEL.match(labels[-2]) else -2 :][0]
    for part in (rules.host_parts, rules.parts):
        if part and (match := part.search(host)):
            return match.group()
    found = [word for word in _WORD.findall(registered) if word in rules.host_words]
    found += [word for word in _WORD.findall(host) if word in rules.words]
    if found:
        return found[0]
    hits: list[tuple[str, int]] = []  # each with the number of words of its segment
    for segment in _SEGMENT.findall(path):
        words = _WORD.findall(segment)
        hits += [(word, len(words)) for word in words if word in rules.words]
        if rules.parts and (match := rules.parts.search(segment)):
            hits.append((match.group(), len(words)))
    if not hits:
        return ""
    others = {word for word in _WORD.findall(text) if word in rules.words | rules.soft | rules.vague}
    short = min(hits, key=lambda hit: hit[1])
    return short[0] if short[1] <= HEADLINE_WORDS or len(others - {short[0]}) else ""


@dataclass(frozen=True, slots=True)
class _Rules:
    """A config's words by kind; ``own`` are those of the user."""

    domains: np.ndarray | None
    endings: frozenset[str]
    own_words: frozenset[str]
    own_parts: re.Pattern[str] | None
    host_words: frozenset[str]
    host_parts: re.Pattern[str] | None
    words: frozenset[str]
    parts: re.Pattern[str] | None
    soft: frozenset[str]
    vague: frozenset[str]


@lru_cache(maxsize=4)
def _rules(config: UrlFilterConfig, stamps: tuple[tuple[int, int], ...]) -> _Rules:
    kinds: dict[str, set[str]] = {
        kind: set() for kind in ("ending", "host", "host_part", "part", "word", "soft", "vague")
    }
    text = resources.files("curate.filters").joinpath("url_words.tsv").read_text("utf-8")
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, kind, word = line.split("\t")
            if name in config.lists:
                kinds[kind].add(word)
    return _Rules(
        _load_domains(config.domains),
        frozenset(kinds["ending"]),
        frozenset(word.lower() for word in config.words),
        _any_of([re.escape(part.lower()) for part in config.parts]),
        frozenset(kinds["host"]),
        _any_of(kinds["host_part"]),
        frozenset(kinds["word"]),
        _any_of(kinds["part"]),
        frozenset(kinds["soft"]) | frozenset(word.lower() for word in config.soft_words),
        frozenset(kinds["vague"] | kinds["host"]),
    )


def _any_of(patterns: Collection[str]) -> re.Pattern[str] | None:
    """Return a pattern of all patterns, longer ones first."""
    return re.compile("|".join(sorted(patterns, key=lambda p: (-len(p), p)))) if patterns else None


def _load_domains(paths: tuple[str, ...]) -> np.ndarray | None:
    """Return the sorted hashes of all entries, 8 bytes each, so that lists may have millions of domains."""
    import numpy as np

    if not paths:
        return None
    hashes = []
    for path in paths:
        with io.TextIOWrapper(open_regular(path), "utf-8", "replace") as lines:
            for number, line in enumerate(iter(partial(lines.readline, MAX_LINE + 1), ""), 1):
                if len(line) > MAX_LINE:
                    raise ValueError(f"{path}:{number}: a line of more than {MAX_LINE:,} characters is not a domain")
                fields = line.partition("#")[0].split()
                if fields and "." in fields[-1]:
                    entry = fields[-1] if "://" in fields[-1] else f"http://{fields[-1]}"
                    hashes.append(stable_u64(normalize_url(entry).partition("://")[2].rstrip("/")))
    return np.unique(np.array(hashes, np.uint64))


def _listed(hashes: np.ndarray, host: str, path: str) -> str:
    """Return the entry that refuses a host or a path below it, or ""."""
    labels = host.split(".")[-MAX_LABELS:]
    candidates = [".".join(labels[i:]) for i in range(len(labels))]
    steps = [m.start() for m in re.finditer(r"/|\?|$", path)][:8]
    candidates += [f"{name}/{path[:end]}" for name in candidates for end in steps if end]
    keys = [stable_u64(c) for c in candidates]
    at = hashes.searchsorted(keys)
    hits = [c for c, k, i in zip(candidates, keys, at, strict=True) if i < len(hashes) and int(hashes[i]) == k]
    return hits[0] if hits else ""
