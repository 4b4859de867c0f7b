"""Pages that are in the crawl more than once: crawled again, at other URLs, a little changed; some only look so."""

from __future__ import annotations

import re
from dataclasses import replace

import frames
from good import SITES, Site, address, article_page, articles, languages
from grammar import Article, Block, choose, read_kinds, write
from pages import REJECTED, Page, crawled

EARLIER = {"year": 2024, "months": (2, 11)}
REMARKS = {
    "en": "This page was last looked at by hand in spring.",
    "de": "Diese Seite wurde im Frühjahr von Hand geprüft.",
    "fr": "Cette page a été relue à la main au printemps.",
    "es": "Esta página se revisó a mano en primavera.",
    "ru": "Эту страницу весной проверили вручную.",
    "ar": "راجعنا هذه الصفحة يدويا في الربيع.",
    "hi": "यह पन्ना वसंत में हाथ से जाँचा गया था।",
    "zh": "本页内容已于春天由人工核对。",
    "ja": "このページは春に手作業で確認されました。",
}


def copied_pages() -> list[tuple[str, Page]]:
    """Every page that is a copy, and those that look like copies and are none."""
    found: list[tuple[str, Page]] = []
    for language in languages():
        for place, (kind, written) in enumerate(articles(language).items()):
            site = SITES[language, kind]
            if site.file in ("wet", "zst") or not written:
                continue
            found += [(site.file, page) for page in recrawls(site, written)]
            found += [(site.file, page) for page in same_text(site, written)]
            found += [
                (site.file, page) for page in almost_same(site, written, 3 if language == "en" else 2 - place % 2)
            ]
    found += [("warc", page) for page in template_pages()]
    found += [("warc", page) for page in tag_pages()]
    return found


def recrawls(site: Site, written: list[Article]) -> list[Page]:
    """Older copies of a page: the same URL, or one that means the same, and a text that has grown since."""
    article = written[1]
    old = replace(article, blocks=article.blocks[:-1])
    url = address(site, article)
    variants = [
        (url, "the same URL"),
        (f"{url}?utm_source=letter&utm_medium=email", "the same URL but for tracking parameters"),
        (f"{url}#comments", "the same URL but for the fragment"),
        (url.replace(site.host, f"{site.host.upper()}:443"), "the same URL in capitals with the usual port"),
    ]
    pick = 1 + choose(len(variants) - 1, "variant", site.host)
    return [
        rejected(
            article_page(old, replace(site, boilerplate=""), written),
            ("url_dedup", "older_copy"),
            f"A newer copy of it was crawled under {how}.",
            url=other,
            date=crawled("recrawl", site.host, how, **EARLIER),
            category="recrawl",
        )
        for other, how in (variants[0], variants[pick])
    ]


def same_text(site: Site, written: list[Article]) -> list[Page]:
    """The same page under another URL: for printing, and on a mirror with its own navigation."""
    article = written[2]
    here = address(site, article)
    page = article_page(article, site, written)
    found = [replace(page, url=here.replace(".example/", ".example/print/"))]
    if site.file == "warc" and not site.boilerplate:
        host = f"mirror-{site.host}"
        mirrored = article_page(article, replace(site, host=host, layout=site.host), written)
        found.append(replace(mirrored, url=here.replace(site.host, host)))
    return [
        rejected(
            copy,
            ("exact_dedup", "exact_duplicate"),
            "The same text was crawled later under another URL.",
            date=crawled("same", copy.url, **EARLIER),
            category="exact_duplicate",
        )
        for copy in found
    ]


def almost_same(site: Site, written: list[Article], count: int) -> list[Page]:
    """Older versions of a text under other URLs: a number differs, and a short remark stands at the end."""
    found = []
    for turn in range(count):
        article = written[4 if turn < 2 else 5]
        # The third one stands on another site, in another layout.
        there = replace(site, host=f"copy-of-{site.host}") if turn == 2 else site
        page = article_page(slightly_changed(article, turn), there, written)
        found.append(
            rejected(
                page,
                ("minhash_dedup", "near_duplicate"),
                "All but a few words of it stand in a page that was crawled later.",
                url=address(there, article).replace(".example/", f".example/v{turn + 1}/"),
                date=crawled("almost", site.host, turn, **EARLIER),
                category="near_duplicate",
            )
        )
    return found


def slightly_changed(article: Article, turn: int) -> Article:
    """One number changed, and one short sentence more."""
    blocks = list(article.blocks)
    at = [n for n, block in enumerate(blocks) if block.tag == "p"][turn % 2]
    changed = re.sub(r"\d+", lambda m: str(int(m[0]) + 1 + turn), " ".join(blocks[at].sentences), count=1)
    if "".join(changed) == " ".join(blocks[at].sentences):
        changed = changed.replace(",", " -", 1)
    blocks[at] = Block("p", (changed,))
    last = max(n for n, block in enumerate(blocks) if block.tag == "p")
    remark = Block("p", (*blocks[last].sentences, REMARKS[article.language]))
    return replace(article, blocks=(*blocks[:last], remark, *blocks[last + 1 :]))


def template_pages() -> list[Page]:
    """Pages of one template that share half their words and are not the same: they stay."""
    found = []
    for kind in read_kinds("en_template").values():
        site = Site(f"county-{kind.name}.example")
        written = [replace(article, language="en") for article in write(kind, "en_template")]
        for article in written:
            page = article_page(replace(article, number=0), site, [])
            found.append(
                replace(
                    page,
                    url=f"https://{site.host}/reports/{article.number + 1}.html",
                    date=crawled("template", kind.name, article.number),
                    category="template",
                    why="It shares its first and last sentences with four others, less than half of its text: no copy.",
                    contains=(article.own_sentence(written),),
                )
            )
    return found


TEASERS = (
    "Our walking guide to the old coast road has been printed again, with new maps and a list of wells.",
    "The readers of this site have chosen the best bakery between the river and the hills once more.",
    "A collection of travel letters from four decades can now be read in the reading room on weekdays.",
    "Volunteers are wanted for the autumn count of milestones, no experience or special boots required.",
    "The ferry timetable for the summer has arrived, and it differs from last year's in every line.",
    "We answer letters about lost villages, forgotten stations and the correct way to pack a rucksack.",
    "An exhibition of postcards opens in the old customs house with tea, cake and a short speech.",
    "For those who cannot travel this month there is a recording of the bells of eleven market towns.",
    "The editors are taking a week off, so that questions may wait a little longer than they deserve.",
)


def tag_pages() -> list[Page]:
    """Overview pages made of nothing but lines that stand on more than six others."""
    found = []
    for number in range(18):
        # Nine shifts of two patterns: each line on eight pages, and no two pages with more than three lines in common.
        steps = (0, 1, 3, 7) if number < 9 else (0, 2, 3, 4)
        picked = sorted((number + step) % 9 for step in steps)
        blocks = tuple(Block("p", (TEASERS[n],)) for n in picked)
        article = Article("en", "tag", number, "Latest notes from the editors", blocks)
        html = frames.page(article, Site("wayfarer.example"), [])
        found.append(
            Page(
                url=f"https://wayfarer.example/tag/{number + 1}",
                date=crawled("tag", number),
                language="en",
                category="repeated_lines",
                why="Every line of it stands on more than six pages, and is a teaser.",
                html=html,
                fate=REJECTED,
                step="quality",
                rule="low_quality",
            )
        )
    return found


def rejected(page: Page, by: tuple[str, str], why: str, *, url: str = "", date: str, category: str) -> Page:
    """A page that step and rule must reject."""
    return replace(
        page,
        url=url or page.url,
        date=date,
        category=category,
        why=why,
        fate=REJECTED,
        step=by[0],
        rule=by[1],
        may_be_cut=False,
        contains=(),
        lacks=(),
    )
