"""Bad pages that people make: blocked addresses, spam, stubs, error messages, empty shells."""

from __future__ import annotations

from dataclasses import replace

import frames
from good import Site
from grammar import TEXT, Article, Block, read_kinds, write
from pages import KEPT, REJECTED, Page, crawled

TOO_SHORT = ("heuristics", "gopher_too_few_words")
ADULT = (
    "Welcome to our gallery for adults. You must be of legal age in your country to enter this site, and by entering "
    "you confirm that you are. New films are added every day, and members can download all of them without limit. "
    "All models were of legal age when the pictures were taken, and the records are kept by the company at its seat. "
    "Parents can protect their children by adding this address to the list of blocked sites on their router."
)
PEOPLE_SEARCH = (
    "Enter a name to see addresses, telephone numbers, relatives and court papers of anyone in the country. Our search "
    "covers four hundred million entries from public sources and is updated every night. The first result is free of "
    "charge, and a report with all addresses of the last twenty years can be bought for the price of a meal."
)
MEMBERS_CLUB = (
    "This porn site and its sister sites offer porn for every taste. Porn is sorted by length, and xxx films can be "
    "seen free of charge by members of the porn club. The xxx archive holds porn from four decades. Every xxx film is "
    "checked before it is added, and members rate the porn on a scale from one to five. Free porn is added on Sundays, "
    "xxx pictures are added on Wednesdays, and the newest porn is always at the top of the xxx page. If a porn film "
    "does not play, close the other xxx windows and load the page again, or write to the club."
)
# The spam that the judge takes for good pages, or nearly.
PASS_FOR_GOOD = {("replica", n) for n in range(7)}
CAUGHT = {
    "chatter": ("heuristics", "no_sentences"),
    ("content_mill", 1): ("heuristics", "gopher_top_3gram"),
    ("content_mill", 2): ("heuristics", "gopher_top_3gram"),
    ("content_mill", 3): ("heuristics", "gopher_top_2gram"),
}


def junk_pages() -> list[Page]:
    """Every bad page of this module."""
    makers = (blocked, spam, foreign_spam, dirty, stubs, errors, empty)
    return [page for maker in makers for page in maker()]


def bad(
    host: str,
    category: str,
    number: int,
    article: Article,
    by: tuple[str, str],
    why: str,
    html: str = "",
    path: str = "",
) -> Page:
    """A page that step and rule must reject."""
    return Page(
        url=f"https://{host}/{path or category}/{number + 1}",
        date=crawled(category, article.language, number),
        language=article.language,
        category=category,
        why=why,
        html=html or frames.page(article, Site(host), []),
        text=article.text,
        fate=REJECTED,
        step=by[0],
        rule=by[1],
    )


def simple(language: str, title: str, *paragraphs: str, tag: str = "p") -> Article:
    """An article of plain paragraphs."""
    return Article(language, "junk", 0, title, tuple(Block(tag, (text,)) for text in paragraphs))


def blocked() -> list[Page]:
    """Adult and people-search pages, known by their address. Their text says nothing that needs hiding."""
    adult = "The address names an adult site."
    places = (
        ("free-porn-films.example", "films", "blocked_word", adult),
        ("tube.example", "free-porn", "blocked_word", adult),
        ("hd.example", "watch/xxx-films", "blocked_word", adult),
        ("sex-webcam.example", "room", "blocked_soft_words", adult),
        ("gallery.example", "nude-babes", "blocked_soft_words", adult),
        ("curate-sample-gallery.xxx", "entry", "blocked_domain", adult),
        ("people-search.example", "find", "blocked_word", "The address names a site that sells personal data."),
    )
    found = []
    for n, (host, path, rule, why) in enumerate(places):
        article = simple("en", f"Entrance {n + 1}", ADULT if why == adult else PEOPLE_SEARCH)
        found.append(bad(host, "blocked_url", n, article, ("url_filter", rule), why, path=path))
    return found


def spam() -> list[Page]:
    """Rubbish in English: some is caught by counting, the rest is for the judge."""
    found = []
    for kind in read_kinds("en_junk").values():
        for article in write(kind, "en_junk"):
            article = replace(article, language="en")
            by = CAUGHT.get((kind.name, article.number)) or CAUGHT.get(kind.name) or ("quality", "low_quality")
            name = kind.name.replace("_", "-")
            what = "the judge must score it low" if by[0] == "quality" else "it repeats itself or never ends"
            why = f"Readable, but worthless ({name}): {what}."
            page = bad(f"{name}.example", "spam", article.number, article, by, why)
            if (kind.name, article.number) in PASS_FOR_GOOD:
                why = f"Readable, but worthless ({name}), but so fluent that the judge may take it for good."
                page = replace(page, fate=KEPT, step="", rule="", may_be_cut=True, why=why)
            found.append(page)
    return found


def foreign_spam() -> list[Page]:
    """Rubbish in other languages, whose words no model reads."""
    found = []
    for n, line in enumerate((TEXT / "spam.txt").read_text(encoding="utf-8").splitlines()):
        language, title, *paragraphs = line.split(" | ")
        why = "Advertising in broken sentences; no rule counts it: the judge must score it low."
        article, by = simple(language, title, *paragraphs), ("quality", "low_quality")
        found.append(bad("super-deals.example", "spam", n, article, by, why))
    return found


def dirty() -> list[Page]:
    """An innocent address, an adult text. The words are those of warning labels."""
    why = "An adult text under an innocent address."
    article = simple("en", "The members' club", MEMBERS_CLUB)
    return [bad("members-club.example", "dirty_words", 0, article, ("heuristics", "dirty_words"), why)]


def stubs() -> list[Page]:
    """Pages with hardly any text."""
    found = []
    for n, line in enumerate((TEXT / "stubs.txt").read_text(encoding="utf-8").splitlines()):
        language, title, text = line.split(" | ")
        found.append(bad("stubs.example", "short", n, simple(language, title, text), TOO_SHORT, "Hardly any text."))
    return found


def errors() -> list[Page]:
    """Error messages sent with status 200."""
    why = "An error message that the server sends as if it were a page."
    found = []
    for n, line in enumerate((TEXT / "errors.txt").read_text(encoding="utf-8").splitlines()):
        by = ("heuristics", "error_page") if n == 6 else ("quality", "low_quality") if n == 1 else TOO_SHORT
        found.append(bad(f"broken-{n}.example", "error_page", n, simple("en", *line.split(" | ")), by, why))
    return found


def empty() -> list[Page]:
    """Pages without any text."""
    bodies = (
        "",
        '<div id="root"></div><script src="/app.js"></script>',
        '<img src="/1.jpg"><img src="/2.jpg"><img src="/3.jpg">',
        "<!-- nothing here yet --> &nbsp; \n\t <br><br>",
        '<script>window.location = "/other";</script><noscript></noscript>',
    )
    found = []
    for n, body in enumerate(bodies):
        html = f"<!DOCTYPE html>\n<html><head><title></title></head>\n<body>{body}</body></html>\n"
        by = ("extract", "empty_text")
        found.append(bad("empty.example", "empty", n, simple("en", ""), by, "No text at all.", html))
    return found
