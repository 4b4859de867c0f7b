"""The bad pages: everything on the web that no model should learn from, each for one reason."""

from __future__ import annotations

from dataclasses import replace

import frames
from good import Site
from grammar import TEXT, Article, Block, choose, read_kinds, write
from pages import KEPT, REJECTED, Page, crawled

LOREM = (
    "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor incididunt ut labore et dolore "
    "magna aliqua. Ut enim ad minim veniam, quis nostrud exercitation ullamco laboris nisi ut aliquip ex ea commodo "
    "consequat. Duis aute irure dolor in reprehenderit in voluptate velit esse cillum dolore eu fugiat nulla pariatur. "
    "Excepteur sint occaecat cupidatat non proident, sunt in culpa qui officia deserunt mollit anim id est laborum."
)


def bad_pages() -> list[tuple[str, Page]]:
    """Every bad page and the file it goes into."""
    makers = (
        blocked, spam, stubs, errors, empty, links, prices, logs, tables, code_dump, word_salad, letters, lorem,
        same_paragraph, same_words, mojibake, replacement, shouting, teasers, dirty,
    )  # fmt: skip
    return [("warc", page) for maker in makers for page in maker()]


def bad(
    host: str, category: str, number: int, article: Article, step: str, rule: str, why: str, html: str = "", path: str = ""
) -> Page:
    """A page that must be rejected."""
    return Page(
        url=f"https://{host}/{path or category}/{number + 1}",
        date=crawled(category, article.language, number),
        language=article.language,
        category=category,
        why=why,
        html=html or frames.page(article, Site(host), []),
        text=article.text,
        fate=REJECTED,
        step=step,
        rule=rule,
    )


def simple(language: str, title: str, *paragraphs: str, tag: str = "p") -> Article:
    """An article of plain paragraphs."""
    return Article(language, "junk", 0, title, tuple(Block(tag, (text,)) for text in paragraphs))


def blocked() -> list[Page]:
    """Adult and people-search pages, known by their address. Their text says nothing that needs hiding."""
    text = (
        "Welcome to our gallery for adults. You must be of legal age in your country to enter this site, and by entering "
        "you confirm that you are. New films are added every day, and members can download all of them without a limit. "
        "All models were of legal age when the pictures were taken, and the records are kept by the company at its seat. "
        "Parents can protect their children by adding this address to the list of blocked sites on their router."
    )
    places = (
        ("free-porn-films.example", "films", "blocked_word"),
        ("tube.example", "free-porn", "blocked_word"),
        ("hd.example", "watch/xxx-films", "blocked_word"),
        ("sex-webcam.example", "room", "blocked_soft_words"),
        ("gallery.example", "nude-babes", "blocked_soft_words"),
        ("gallery.xxx", "entry", "blocked_domain"),
    )
    adult = [
        bad(host, "adult", n, simple("en", f"Gallery {n + 1} for adults", text), "url_filter", rule,
            "The address names an adult site.", path=path)
        for n, (host, path, rule) in enumerate(places)
    ]  # fmt: skip
    people = (
        "Enter a name to see addresses, telephone numbers, relatives and court papers of anyone in the country. Our "
        "search covers four hundred million entries from public sources and is updated every night. The first result is "
        "free of charge, and a report with all addresses of the last twenty years can be bought for the price of a meal."
    )
    search = bad(
        "people-search.example", "people_search", 0, simple("en", "Find anyone", people), "url_filter", "blocked_word",
        "The address names a site that sells personal data.",
    )  # fmt: skip
    return [*adult, search]


def spam() -> list[Page]:
    """Fluent rubbish that no counting rule finds: a model must."""
    found = []
    for kind in read_kinds("en_junk").values():
        for article in write(kind, "en_junk"):
            article = replace(article, language="en")
            why = f"Readable, but worthless ({kind.name.replace('_', ' ')}): the quality model must score it low."
            found.append(
                bad(f"{kind.name.replace('_', '-')}.example", "spam", article.number, article, "quality_cut", "below_cut", why)
            )
    for n, line in enumerate((TEXT / "spam.txt").read_text(encoding="utf-8").splitlines()):
        language, title, *paragraphs = line.split(" | ")
        article = simple(language, title, *paragraphs)
        why = "Advertising in broken sentences; no counting rule finds it, and no quality model of ours reads its language yet."
        page = bad("super-deals.example", "spam", n, article, "", "", why)
        found.append(replace(page, fate=KEPT, may_be_cut=True))
    return found


def stubs() -> list[Page]:
    """Pages with hardly any text."""
    lines = (TEXT / "stubs.txt").read_text(encoding="utf-8").splitlines()
    found = []
    for n, line in enumerate(lines):
        language, title, text = line.split(" | ")
        if (TEXT / f"{language}.txt").exists():
            article = simple(language, title, text)
            found.append(bad("stubs.example", "short", n, article, "heuristics", "too_few_words", "Hardly any text."))
    return found


def errors() -> list[Page]:
    """Error messages sent with status 200."""
    lines = (TEXT / "errors.txt").read_text(encoding="utf-8").splitlines()
    why = "An error message that the server sends as if it were a page."
    return [
        bad(f"broken-{n}.example", "error_page", n, simple("en", *line.split(" | ")), "heuristics", "too_few_words", why)
        for n, line in enumerate(lines)
    ]


def empty() -> list[Page]:
    """Pages without any text."""
    head = "<!DOCTYPE html>\n<html><head><title>{}</title></head>\n<body>{}</body></html>\n"
    bodies = (
        "",
        '<div id="root"></div><script src="/app.js"></script>',
        '<img src="/1.jpg"><img src="/2.jpg"><img src="/3.jpg">',
        "<!-- nothing here yet --> &nbsp; \n\t <br><br>",
        '<script>window.location = "/other";</script><noscript></noscript>',
    )
    return [
        bad("empty.example", "empty", n, simple("en", ""), "extract", "empty_text", "No text at all.", head.format("", body))
        for n, body in enumerate(bodies)
    ]


def words() -> list[str]:
    """The nouns of text/words.txt."""
    return (TEXT / "words.txt").read_text(encoding="utf-8").split()


def picks(count: int, *key: object) -> list[str]:
    """Nouns in no order that means anything."""
    nouns = words()
    return [nouns[choose(len(nouns), *key, n)] for n in range(count)]


def links() -> list[Page]:
    """Directories: nothing but links."""
    found = []
    for n in range(4):
        items = [" ".join(picks(2 + choose(2, "len", n, i), "links", n, i)).capitalize() for i in range(70)]
        rows = "\n".join(f'<li><a href="/{i}">{item}</a></li>' for i, item in enumerate(items))
        html = frames.page(simple("en", f"Directory of sites, part {n + 1}", "@@"), Site("directory.example"), [])
        html = html.replace("<p>@@</p>", f"<ul>\n{rows}\n</ul>")
        found.append(
            bad("directory.example", "links", n, simple("en", ""), "heuristics", "bullets", "A list of links.", html)
        )
    return found


def prices() -> list[Page]:
    """Price lists: names and numbers."""
    found = []
    for n in range(3):
        lines = [
            f"{' '.join(picks(2, 'price', n, i)).capitalize()} {choose(900, n, i) + 5}.{choose(90, n, i, 'c') + 10} / "
            f"{choose(5000, n, i, 'd') + 100} pcs / {choose(99999, n, i, 'e'):05d}-{choose(99, n, i, 'f'):02d}"
            for i in range(60)
        ]
        article = simple("en", f"Price list {n + 1}", *lines)
        found.append(bad("pricelist.example", "prices", n, article, "heuristics", "alpha_words", "Item names and numbers."))
    return found


def logs() -> list[Page]:
    """What a server writes for itself."""
    found = []
    levels = ("INFO", "WARN", "DEBUG", "ERROR")
    for n in range(4):
        lines = [
            f"2025-04-{1 + n:02d} {i % 24:02d}:{choose(60, n, i):02d}:{choose(60, n, i, 's'):02d},{choose(1000, n, i, 'ms'):03d} "
            f"[{levels[choose(4, n, i, 'l')]}] pool-{choose(9, n, i, 'p')}-thread-{choose(40, n, i, 't')} "
            f"com.shop.cart.{picks(1, n, i)[0].capitalize()}Handler#{picks(1, n, i, 'm')[0]}:{choose(900, n, i, 'n')} "
            f"id=0x{choose(16**8, n, i, 'x'):08x} t={choose(5000, n, i, 'd')}ms"
            for i in range(80)
        ]
        article = simple("en", f"server.log.{n + 1}", "\n".join(lines), tag="pre")
        found.append(bad("paste.example", "log", n, article, "heuristics", "alpha_words", "A log file."))
    return found


def tables() -> list[Page]:
    """Numbers in columns."""
    found = []
    for n in range(3):
        rows = "\n".join(
            "<tr>" + "".join(f"<td>{choose(10**6, n, i, j) / 100}</td>" for j in range(8)) + "</tr>" for i in range(60)
        )
        html = frames.page(simple("en", f"Measurements, sheet {n + 1}", "@@"), Site("numbers.example"), [])
        html = html.replace("<p>@@</p>", f"<table>\n{rows}\n</table>")
        found.append(
            bad("numbers.example", "table", n, simple("en", ""), "language", "language_unknown", "Nothing but numbers.", html)
        )
    return found


def code_dump() -> list[Page]:
    """Code that a machine wrote for a machine."""
    found = []
    for n in range(3):
        pieces = [
            f"function {chr(97 + choose(26, n, i))}{choose(99, n, i)}(e,t){{var n=e[{choose(999, n, i, 'a')}]||{{}};"
            f"return t?n.{picks(1, n, i)[0]}&&n.{picks(1, n, i, 'b')[0]}(t):(n.x={choose(99, n, i, 'c')},!0)}}"
            for i in range(90)
        ]
        article = simple("en", f"bundle-{n + 1}.min.js", ";".join(pieces), tag="pre")
        found.append(bad("cdn.example", "minified", n, article, "heuristics", "alpha_words", "Minified code, no prose."))
    return found


def word_salad() -> list[Page]:
    """Nouns in a row: words of a language, but no sentence of any."""
    found = []
    for n in range(5):
        paragraphs = []
        for p in range(6):
            drawn = picks(40, "salad", n, p)
            paragraphs.append(" ".join(drawn).capitalize() + ".")
        article = simple("en", f"{picks(1, 'title', n)[0].capitalize()} notes {n + 1}", *paragraphs)
        found.append(
            bad("salad.example", "word_salad", n, article, "heuristics", "stop_words", "Nouns in a row, not one sentence.")
        )
    return found


def letters() -> list[Page]:
    """Letters in no language."""
    found = []
    for n in range(4):
        consonants, paragraphs = "bcdfghjklmnpqrstvwxz", []
        for p in range(5):
            made = [
                "".join(consonants[choose(20, n, p, i, j)] for j in range(3 + choose(7, n, p, i))) for i in range(35)
            ]
            paragraphs.append(" ".join(made).capitalize() + ".")
        article = simple("xx", f"Qzx {n + 1}", *paragraphs)
        page = bad(
            "noise.example", "gibberish", n, replace(article, language="en"), "language", "language_unknown",
            "Letters that are no language.",
        )  # fmt: skip
        found.append(replace(page, language=""))
    return found


def lorem() -> list[Page]:
    """Filler of unfinished templates."""
    intros = (
        "Welcome to our new shop. This text will be replaced before we open in the spring, so please come back then.",
        "The texts of this section are being written by our editors at the moment, and the pictures will follow later.",
        "About our company: who we are, what we do and where you can find us will be told here in a few weeks' time.",
    )
    return [
        bad("template.example", "lorem_ipsum", n, simple("en", f"Shop {n + 1}", intro, LOREM), "heuristics", "lorem_ipsum",
            "Filler text of a template.")
        for n, intro in enumerate(intros)
    ]  # fmt: skip


def same_paragraph() -> list[Page]:
    """One paragraph over and over."""
    texts = (
        "Our company has been cleaning carpets in this city for twenty years, and every customer gets the same care.",
        "The best way to reach the airport is by bus, which leaves every ten minutes from the square behind the station.",
        "Ask your doctor before you start any diet, and remember that water is the best drink for the whole family.",
        "Our rooms have a view of the sea, a balcony and a bath, and breakfast is served until eleven every morning.",
    )
    return [
        bad("again.example", "repetition", n, simple("en", f"About us {n + 1}", *[text] * 12), "heuristics",
            "duplicate_paragraphs", "The same paragraph twelve times.")
        for n, text in enumerate(texts)
    ]  # fmt: skip


def same_words() -> list[Page]:
    """A phrase over and over inside one paragraph."""
    phrases = ("cheap flights to the islands", "the best hotel in the old town", "used cars near the station")
    found = []
    for n, phrase in enumerate(phrases):
        fillers = ("book", "compare", "find", "see", "get", "order", "choose", "look at")
        text = ", ".join(f"{fillers[i % 8]} {phrase} {picks(1, n, i)[0]}" for i in range(40)) + "."
        article = simple("en", phrase.capitalize(), f"This is the place for {phrase}. {text.capitalize()}")
        found.append(
            bad("keywords.example", "keywords", n, article, "heuristics", "top_ngram", "One phrase forty times, for search engines.")
        )
    return found


def mojibake() -> list[Page]:
    """UTF-8 read as something else, twice, and stored like that."""
    found = []
    for n, (language, codec) in enumerate((("ru", "cp1252"), ("zh", "cp1252"), ("ru", "latin-1"), ("zh", "latin-1"))):
        article = write(next(iter(read_kinds(language).values())), language)[n]

        def spoil(text: str, codec: str = codec) -> str:
            return text.encode("utf-8").decode(codec, "ignore")

        blocks = tuple(replace(b, sentences=tuple(map(spoil, b.sentences))) for b in article.blocks)
        spoiled = replace(article, language="en", title=spoil(article.title), blocks=blocks)
        page = bad(
            "encoding.example", "mojibake", n, spoiled, "language", "language_unknown",
            "UTF-8 that somebody once read as a Western encoding and saved.",
        )  # fmt: skip
        found.append(replace(page, language=""))
    return found


def replacement() -> list[Page]:
    """Text that has lost its accents to replacement characters."""
    found = []
    for n, language in enumerate(("de", "ru")):
        article = write(list(read_kinds(language).values())[1], language)[n]
        blocks = tuple(
            replace(b, sentences=tuple(s.encode("ascii", "replace").decode().replace("?", "\ufffd") for s in b.sentences))
            for b in article.blocks
        )
        spoiled = replace(article, blocks=blocks, title=f"Artikel {n + 1}")
        rule = ("heuristics", "replacement_characters") if language == "de" else ("language", "language_unknown")
        page = bad("lost.example", "replacement", n, spoiled, *rule, "Its letters were lost for question marks.")
        found.append(page)
    return found


def shouting() -> list[Page]:
    """Lines without an end: a forum of shouts."""
    found = []
    for n in range(2):
        lines = [f"{' '.join(picks(4, 'shout', n, i)).upper()} !!! >>> {choose(99, n, i)} <<< ### $$$ ***" for i in range(50)]
        article = simple("en", f"WANTED {n + 1}", *lines)
        found.append(bad("shouts.example", "symbols", n, article, "heuristics", "alpha_words", "Capitals and symbols."))
    return found


def teasers() -> list[Page]:
    """Overviews whose every line breaks off."""
    found = []
    for n in range(3):
        starts = ("The council will", "In the old mill", "When the ferry", "A woman from the", "Nobody in the", "It was the")
        lines = [f"{starts[(i + n) % 6]} {' and the '.join(picks(4, 'tease', n, i))} that was..." for i in range(24)]
        article = simple("en", f"Overview {n + 1}", *lines)
        found.append(bad("overview.example", "ellipsis", n, article, "heuristics", "ellipsis_lines", "Every line breaks off."))
    return found


def dirty() -> list[Page]:
    """An innocent address, an adult text. The words are those of warning labels."""
    text = (
        "This porn site and its sister sites offer porn for every taste. Porn is sorted by length, and xxx films can be "
        "seen free of charge by members of the porn club. The xxx archive holds porn from four decades. Every xxx film "
        "is checked before it is added, and members rate the porn on a scale from one to five. Free porn is added on "
        "Sundays, xxx pictures are added on Wednesdays, and the newest porn is always at the top of the xxx page. "
        "If a porn film does not play, close the other xxx windows and load the page again, or write to the club."
    )
    return [
        bad("members-club.example", "dirty_words", 0, simple("en", "The members' club", text), "heuristics", "dirty_words",
            "An adult text under an innocent address.")
    ]  # fmt: skip
