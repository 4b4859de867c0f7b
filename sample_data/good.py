"""The good pages: every article on a site of its own kind, sent in every way in which the web sends pages."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import quote

import frames
from grammar import TEXT, Article, Block, choose, read_kinds, write
from pages import Page, Site, crawled

WESTERN = ("windows-1252:header", "utf-8", "iso-8859-1:meta", "windows-1252:nowhere")
CYRILLIC = ("windows-1251:header", "utf-8", "koi8-r:header", "windows-1251:nowhere", "windows-1251:meta")
JAPANESE = ("shift_jis:header", "utf-8", "euc-jp:meta", "shift_jis:nowhere")
CHINESE = ("gb18030:header", "utf-8", "gbk:meta", "gb18030:nowhere")
ARABIC = ("windows-1256:header", "utf-8", "windows-1256:meta")

PRINT_IT = "This recipe first appeared in our weekly letter, and you are welcome to print it for your own kitchen."
SITES = {
    ("en", "town"): Site("wayfarer.example"),
    ("en", "animal"): Site("wildnotes.example"),
    ("en", "recipe"): Site("slowkitchen.example", boilerplate=PRINT_IT),
    ("en", "council"): Site("gazette.example"),
    ("en", "life"): Site("longlives.example", "jsonl"),
    ("en", "repair"): Site("fixit.example"),
    ("en", "results"): Site("results.example", "wet"),
    ("en", "hike"): Site("footpaths.example", "legacy", charsets=WESTERN),
    ("en", "bridge"): Site("bridges.example", "legacy", charsets=WESTERN),
    ("en", "experiment"): Site("smallscience.example"),
    ("en", "element"): Site("elements.example", "zst"),
    ("en", "question"): Site("askaround.example", "wet"),
    ("de", "wanderung"): Site("bergwege.example", "legacy", charsets=WESTERN),
    ("de", "werkstatt"): Site("handwerk.example", percent=True),
    ("de", "ratgeber"): Site(
        "haushalt.example", boilerplate="Dieser Ratgeber wird einmal im Jahr geprüft und bei Bedarf von uns ergänzt."
    ),
    ("fr", "village"): Site("villages.example", "legacy", charsets=WESTERN),
    ("fr", "metier"): Site("metiers.example", percent=True),
    ("fr", "conseil"): Site("bonsconseils.example", "wet"),
    ("es", "pueblo"): Site("pueblos.example", "legacy", charsets=WESTERN),
    ("es", "oficio"): Site("oficios.example", percent=True),
    ("es", "huerto"): Site("huerto.example", "jsonl"),
    ("ru", "gorod"): Site("goroda.example", "legacy", charsets=CYRILLIC),
    ("ru", "priroda"): Site("priroda.example", "wet"),
    ("ru", "kuhnya"): Site(
        "kuhnya.example",
        boilerplate="Этот рецепт впервые напечатан в нашей еженедельной рассылке, и его можно распечатать для себя.",
        percent=True,
    ),
    ("ar", "madina"): Site("mudun.example", "legacy", charsets=ARABIC),
    ("ar", "hirfa"): Site("hiraf.example", percent=True),
    ("ar", "sual"): Site("asila.example", "jsonl"),
    ("hi", "gaon"): Site("gaon.example", percent=True),
    ("hi", "pakvan"): Site("rasoi.example"),
    ("hi", "vigyan"): Site("vigyan.example", "zst"),
    ("zh", "guzhen"): Site("guzhen.example", "legacy", charsets=CHINESE),
    ("zh", "kexue"): Site("kexue.example", "wet"),
    ("zh", "caipu"): Site(
        "caipu.example", boilerplate="本菜谱最早刊登在我们的每周通讯上，欢迎打印出来贴在自家的厨房里。", percent=True
    ),
    ("ja", "machi"): Site("machi.example", "legacy", charsets=JAPANESE),
    ("ja", "ryori"): Site("daidokoro.example", percent=True),
    ("ja", "fushigi"): Site("fushigi.example", "jsonl"),
}
TRANSFERS = ("", "chunked", "gzip", "br", "gzip chunked", "")
# Numbers that nobody can have: reserved for films (Ofcom, BNetzA, ARCEP), or with a first digit that none has.
PHONES = {
    "en": "+44 20 7946 0{:03d}",
    "de": "030 23125 {:03d}",
    "fr": "01 99 00 4{:03d}",
    "es": "+34 200 555 {:03d}",
    "ru": "+7 499 000-4{:03d}",
    "ar": "+20 2 0123 4{:03d}",
    "hi": "+91 22 0123 4{:03d}",
    "zh": "010-0123-4{:03d}",
    "ja": "03-0123-4{:03d}",
}


def languages() -> list[str]:
    """Every language that has articles."""
    return [code for code in PHONES if (TEXT / f"{code}.txt").exists()]


def articles(language: str) -> dict[str, list[Article]]:
    """The articles of a language by kind."""
    return {name: write(kind, language) for name, kind in read_kinds(language).items()}


def address(site: Site, article: Article) -> str:
    """The URL of an article."""
    slug = quote(article.title.replace(" ", "-")) if site.percent else f"{article.kind}-{article.number + 1}.html"
    return f"https://{site.host}/{1 + article.number % 9}/{slug}"


def good_pages() -> list[tuple[str, Page]]:
    """Every good page and the file it goes into."""
    found = []
    for language in languages():
        for kind, written in articles(language).items():
            site = SITES[language, kind]
            found += [(site.file, article_page(article, site, written)) for article in written]
    for kind, site in (("en_code", Site("codebook.example")), ("en_maths", Site("mathsroom.example"))):
        written = [replace(a, language="en") for made in articles(kind).values() for a in made]
        written = [replace(a, number=n) for n, a in enumerate(written)]
        for article in written:
            page = article_page(article, site, written)
            what = "code keeps its lines" if kind == "en_code" else "formulas stay, those in alt texts too"
            extra = [text for block in article.blocks for text in block.sentences if block.tag in ("pre", "img")]
            longest = max(extra, key=lambda s: (len(s), s), default="").strip()
            marks = tuple(filter(None, (*page.contains, longest)))
            found.append((site.file, replace(page, category=kind[3:], why=f"A good page: {what}.", contains=marks)))
    return found


def article_page(article: Article, site: Site, written: list[Article]) -> Page:
    """The page of an article; every fifth one has somebody's address in it."""
    key = (article.language, article.kind, article.number)
    category, why, lacks = "article", "A good article of enough length in one language.", []
    marks = (article.own_sentence(written), *(item for b in article.blocks if b.tag == "li" for item in b.sentences))
    if article.number % 5 == 3:
        article, secrets = with_contact(article, site.host)
        category, why = "pii", "A good article; the address, telephone number or IP address in it must be replaced."
        lacks += secrets
    if site.boilerplate:
        lacks.append(site.boilerplate)
    charset, _, where = site.charsets[article.number % len(site.charsets)].partition(":")
    # Few enough that no title stands on more than six pages of the site.
    others = [other.title for other in (*written, *written) if other.number != article.number][article.number :][:4]
    meta = charset if where in ("", "meta") else ""
    html = frames.page(article, site, others, meta)
    html = html.encode(python_codec(charset), "xmlcharrefreplace").decode(python_codec(charset))
    return Page(
        url=address(site, article),
        date=crawled(*key),
        language=article.language,
        category=category,
        why=why,
        html=html,
        text=frames.plain(article, site, others),
        # The mix leaves out most of what is not English: 8 % of the tokens, against more than half of this crawl.
        may_be_cut=article.language != "en",
        contains=marks,
        lacks=(*lacks, *frames.read_frame(article.language, site.host)["cookie"].splitlines()),
        charset=python_codec(charset),
        named=charset if where in ("", "header") else "",
        transfer=TRANSFERS[choose(len(TRANSFERS), *key, "transfer")],
    )


def python_codec(charset: str) -> str:
    """The codec that browsers use for a name: iso-8859-1 means windows-1252 to them (WHATWG Encoding)."""
    return {"iso-8859-1": "windows-1252", "shift_jis": "cp932"}.get(charset, charset)


def with_contact(article: Article, host: str) -> tuple[Article, list[str]]:
    """The article with a last paragraph that gives away how to reach somebody, and what it gives away."""
    lines = dict(line.split(" | ", 1) for line in (TEXT / "contact.txt").read_text(encoding="utf-8").splitlines())
    options = lines[article.language].split(" | ")
    line = options[choose(len(options), "contact", article.language, article.kind, article.number)]
    who = ("m.lind", "redaktion", "anna.k", "office+web", "t_moreau")[choose(5, host, article.number)]
    facts = {
        "email": f"{who}@{host}",
        "phone": PHONES[article.language].format(choose(1000, host, article.number)),
        "ip": f"193.0.14.{1 + choose(250, host, article.number)}",
    }
    said = [value for name, value in facts.items() if f"{{{name}}}" in line]
    return replace(article, blocks=(*article.blocks, Block("p", (line.format(**facts),)))), said
