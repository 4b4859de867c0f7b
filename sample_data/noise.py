"""Bad pages that machines make: lists, logs, tables, repetition, and text that is no text."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import frames
from good import Site
from grammar import TEXT, choose, read_kinds, write
from junk import bad, simple
from pages import Page

LOREM = (
    "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor incididunt ut labore et dolore "
    "magna aliqua. Ut enim ad minim veniam, quis nostrud exercitation ullamco laboris nisi ut aliquip ex ea commodo "
    "consequat. Duis aute irure dolor in reprehenderit in voluptate velit esse cillum dolore eu fugiat nulla pariatur. "
    "Excepteur sint occaecat cupidatat non proident, sunt in culpa qui officia deserunt mollit anim id est laborum."
)
MORE_LOREM = (
    "Lorem ipsum nunc porta sollicitudin velit, vitae tempus risus luctus non. Praesent vulputate, magna vel dictum "
    "viverra, justo nulla faucibus erat, quis gravida tellus orci nec massa. Aenean ornare lectus at semper pretium."
)
UNKNOWN = ("language", "language_unknown")


def noise_pages() -> list[Page]:
    """Every bad page of this module."""
    makers = (
        *(links, prices, logs, tables, minified, word_salad, gibberish, lorem, repetition, keywords),
        *(mojibake, replacement, shouting, teasers),
    )
    return [page for maker in makers for page in maker()]


@cache
def nouns() -> list[str]:
    """The words of text/words.txt."""
    return (TEXT / "words.txt").read_text(encoding="utf-8").split()


def noun(*key: object) -> str:
    """A noun that depends on nothing but the key."""
    return nouns()[choose(len(nouns()), *key)]


def phrase(count: int, *key: object) -> str:
    """Nouns in a row, the first with a capital."""
    return " ".join(noun(*key, n) for n in range(count)).capitalize()


def around(content: str, title: str, host: str) -> str:
    """A page with any HTML for its article."""
    return frames.page(simple("en", title, "@@"), Site(host), []).replace("<p>@@</p>", content)


def links() -> list[Page]:
    """Directories: nothing but links, which the extraction takes for navigation."""
    found = []
    for n in range(4):
        items = [phrase(2 + choose(2, "length", n, i), "links", n, i) for i in range(70)]
        rows = "\n".join(f'<li><a href="/{i}">{item}</a></li>' for i, item in enumerate(items))
        html = around(f"<ul>\n{rows}\n</ul>", f"Directory of sites, part {n + 1}", "directory.example")
        by = ("heuristics", "gopher_too_few_words")
        found.append(bad("directory.example", "links", n, simple("en", ""), by, "Nothing but links.", html))
    return found


def prices() -> list[Page]:
    """Price lists: names and numbers."""
    found = []
    for n in range(3):
        lines = []
        for i in range(60):
            euros, cents, pieces = (choose(size, "price", n, i, size) for size in (900, 100, 5000))
            lines.append(f"{phrase(2, 'price', n, i)} {euros}.{cents:02d} / {pieces} pcs / {choose(10**7, n, i):07d}")
        article = simple("en", f"Price list {n + 1}", *lines)
        found.append(bad("pricelist.example", "prices", n, article, UNKNOWN, "Names and numbers, and no sentence."))
    return found


def logs() -> list[Page]:
    """What a server writes for itself."""
    found = []
    for n in range(4):
        lines = []
        for i in range(80):
            minute, second, part, pool, thread, line, took = (
                choose(size, "log", n, i, turn) for turn, size in enumerate((60, 60, 1000, 9, 40, 900, 5000))
            )
            level = ("INFO", "WARN", "DEBUG", "ERROR")[choose(4, "level", n, i)]
            lines.append(
                f"2025-04-{1 + n:02d} {i % 24:02d}:{minute:02d}:{second:02d},{part:03d} [{level}] pool-{pool}"
                f"-thread-{thread} com.shop.cart.{noun(n, i).capitalize()}Handler#{noun(n, i, 'm')}:{line} "
                f"id=0x{choose(16**8, 'id', n, i):08x} t={took}ms"
            )
        article = simple("en", f"server.log.{n + 1}", "\n".join(lines), tag="pre")
        found.append(bad("paste.example", "log", n, article, ("heuristics", "gopher_stop_words"), "A log file."))
    return found


def tables() -> list[Page]:
    """Numbers in columns."""
    found = []
    for n in range(3):
        rows = "\n".join(
            "<tr>" + "".join(f"<td>{choose(10**6, 'cell', n, i, j) / 100}</td>" for j in range(8)) + "</tr>"
            for i in range(60)
        )
        html = around(f"<table>\n{rows}\n</table>", f"Measurements, sheet {n + 1}", "numbers.example")
        by = ("heuristics", "gopher_alphabetic_words")
        found.append(bad("numbers.example", "table", n, simple("en", ""), by, "Nothing but numbers.", html))
    return found


def minified() -> list[Page]:
    """Code that a machine wrote for a machine."""
    found = []
    for n in range(3):
        pieces = []
        for i in range(90):
            name, a, b, c = (choose(size, "code", n, i, turn) for turn, size in enumerate((26, 99, 999, 99)))
            pieces.append(
                f"function {chr(97 + name)}{a}(e,t){{var n=e[{b}]||{{}};return t?n.{noun(n, i)}&&"
                f"n.{noun(n, i, 'b')}(t):(n.x={c},!0)}}"
            )
        article = simple("en", f"bundle-{n + 1}.min.js", ";".join(pieces), tag="pre")
        by, why = ("heuristics", "few_spaces"), "Minified code: one line that repeats itself, and no prose."
        found.append(bad("cdn.example", "minified", n, article, by, why))
    return found


def word_salad() -> list[Page]:
    """Nouns in a row: words of a language, but no sentence of any."""
    found = []
    for n in range(5):
        article = simple("en", f"Notes {n + 1}", *(f"{phrase(40, 'salad', n, p)}." for p in range(6)))
        by = UNKNOWN if n in (3, 4) else ("heuristics", "gopher_stop_words")
        found.append(bad("salad.example", "word_salad", n, article, by, "Nouns in a row, not one sentence."))
    return found


def gibberish() -> list[Page]:
    """Letters in no language."""
    consonants, found = "bcdfghjklmnpqrstvwxz", []
    for n in range(4):
        paragraphs = []
        for p in range(5):
            lengths = [3 + choose(7, "length", n, p, i) for i in range(35)]
            drawn = ["".join(consonants[choose(20, n, p, i, j)] for j in range(size)) for i, size in enumerate(lengths)]
            paragraphs.append(" ".join(drawn).capitalize() + ".")
        page = bad(
            "noise.example", "gibberish", n, simple("en", f"Qzx {n + 1}", *paragraphs), UNKNOWN, "It is no language."
        )
        found.append(replace(page, language=""))
    return found


def lorem() -> list[Page]:
    """Filler of unfinished templates."""
    intros = (
        "Welcome to our new shop. This text will be replaced before we open in the spring, so please come back then.",
        "The texts of this section are being written by our editors at the moment, and the pictures will follow later.",
        "About our company: who we are, what we do and where you can find us will be told here in a few weeks' time.",
    )
    found = []
    for n, intro in enumerate(intros):
        article = simple("en", f"Shop {n + 1}", intro, LOREM, *[MORE_LOREM] * (n > 0))
        by = ("heuristics", "lorem_ipsum")
        found.append(bad("template.example", "lorem_ipsum", n, article, by, "Filler text of a template."))
    return found


def repetition() -> list[Page]:
    """One paragraph over and over."""
    texts = (
        "Our company has been cleaning carpets in this city for twenty years, and every customer gets the same care.",
        "The best way to reach the airport is by bus, which leaves every ten minutes from the square by the station.",
        "Ask your doctor before you start any diet, and remember that water is the best drink for the whole family.",
        "Our rooms have a view of the sea, a balcony and a bath, and breakfast is served until eleven every morning.",
    )
    found = []
    for n, text in enumerate(texts):
        article = simple("en", f"About us {n + 1}", *[text] * 12)
        by = ("heuristics", "gopher_duplicate_line_characters")
        found.append(bad("again.example", "repetition", n, article, by, "The same paragraph twelve times."))
    return found


def keywords() -> list[Page]:
    """A phrase over and over inside one paragraph."""
    verbs = ("book", "compare", "find", "see", "get", "order", "choose", "look at")
    found = []
    for n, words in enumerate(("cheap flights to the islands", "the best hotel in the old town", "used cars near me")):
        text = ", ".join(f"{verbs[i % 8]} {words} {noun('keyword', n, i)}" for i in range(40)).capitalize()
        article = simple("en", words.capitalize(), f"This is the place for {words}. {text}.")
        by = ("heuristics", "gopher_too_few_words")
        why = "One phrase forty times: when the lines that repeat themselves are gone, little is left."
        found.append(bad("keywords.example", "keywords", n, article, by, why))
    return found


def mojibake() -> list[Page]:
    """UTF-8 read as something else and stored like that."""
    found = []
    for n, (language, codec) in enumerate((("ru", "cp1252"), ("zh", "cp1252"), ("ru", "latin-1"), ("zh", "latin-1"))):
        article = write(next(iter(read_kinds(language).values())), language)[n]
        blocks = tuple(replace(b, sentences=tuple(misread(s, codec) for s in b.sentences)) for b in article.blocks)
        spoiled = replace(article, language="en", title=misread(article.title, codec), blocks=blocks)
        by = ("heuristics", ("gopher_stop_words", "gopher_short_words", "gopher_short_words", "broken_characters")[n])
        why = "UTF-8 that somebody once read as a Western encoding and saved."
        found.append(replace(bad("encoding.example", "mojibake", n, spoiled, by, why), language=""))
    return found


def misread(text: str, codec: str) -> str:
    """UTF-8 as a program sees it that thinks it is something else."""
    return text.encode("utf-8").decode(codec, "ignore")


def replacement() -> list[Page]:
    """Text that has lost its letters to replacement characters."""
    found = []
    for n, language in enumerate(("de", "ru")):
        article = write(list(read_kinds(language).values())[1], language)[n]
        blocks = tuple(replace(b, sentences=tuple(map(to_ascii, b.sentences))) for b in article.blocks)
        spoiled = replace(article, blocks=blocks, title=f"Artikel {n + 1}")
        by = ("heuristics", "gopher_too_few_words" if language == "ru" else "broken_characters")
        why = "Its letters were lost for replacement characters."
        found.append(bad("lost.example", "replacement", n, spoiled, by, why))
    return found


def to_ascii(text: str) -> str:
    """What is left of a text after a program that knows only ASCII."""
    return "".join(c if c.isascii() else "\ufffd" for c in text)


def shouting() -> list[Page]:
    """A wall of capitals and symbols."""
    found = []
    for n in range(2):
        lines = [f"{phrase(4, 'shout', n, i).upper()} !!! >>> {choose(99, n, i)} <<< ### $$$ ***" for i in range(50)]
        by = ("heuristics", "gopher_hash_signs") if n else UNKNOWN
        found.append(bad("shouts.example", "symbols", n, simple("en", f"WANTED {n + 1}", *lines), by, "Symbols."))
    return found


def teasers() -> list[Page]:
    """Overviews whose every line breaks off."""
    starts = (
        "The council will",
        "In the old mill",
        "When the ferry",
        "A woman from the",
        "Nobody in the",
        "It was the",
    )
    found = []
    for n in range(3):
        lines = []
        for i in range(24):
            things = " and the ".join(noun("tease", n, i, turn) for turn in range(4))
            lines.append(f"{starts[(i + n) % 6]} {things} that was...")
        by = ("heuristics", "gopher_ellipsis_lines")
        article = simple("en", f"Overview {n + 1}", *lines)
        found.append(bad("overview.example", "ellipsis", n, article, by, "Every line breaks off."))
    return found
