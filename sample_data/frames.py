"""Four web sites' worth of HTML around an article: navigation, cookie banner, sidebar, advertisements, footer."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from grammar import Article, choose, read_frame

if TYPE_CHECKING:
    from pages import Site


def body(article: Article, boilerplate: str) -> str:
    """The article's own HTML; ``boilerplate`` is a line that the site puts after the first paragraph."""
    parts, in_list = [], False
    paragraphs = 0
    for block in article.blocks:
        text = escape(article.block_text(block), quote=False)
        if in_list and block.tag != "li":
            parts.append("</ul>")
        if block.tag == "li" and not in_list:
            parts.append("<ul>")
        in_list = block.tag == "li"
        match block.tag:
            case "h":
                parts.append(f"<h2>{text}</h2>")
            case "p":
                parts.append(f"<p>{text}</p>")
                paragraphs += 1
                if paragraphs == 1 and boilerplate:
                    parts.append(f"<p>{escape(boilerplate, quote=False)}</p>")
            case "pre":
                parts.append(f"<pre><code>{text}</code></pre>")
            case "img":
                parts.append(f'<p><img src="/tex/{choose(10**6, text)}.png" alt="{text}"></p>')
            case "li":
                parts.append(f"<li>{text}</li>")
    return "\n".join([*parts, "</ul>"] if in_list else parts)


def page(article: Article, site: Site, others: list[str], meta: str = "utf-8") -> str:
    """The whole page as the site sends it, with links to ``others``; ``meta`` is the charset it names, "" for none."""
    host = site.host
    words = read_frame(article.language, host)
    frame = FRAMES[choose(len(FRAMES), "frame", site.layout or host)]
    title = escape(article.title, quote=False)
    links = "".join(f'<li><a href="/{n}">{escape(other, quote=False)}</a></li>' for n, other in enumerate(others))
    declared = f'<meta charset="{meta}">\n' if meta else ""
    head = (
        f'<!DOCTYPE html>\n<html lang="{article.language}">\n<head>\n{declared}<title>{title} | {host}</title>\n'
        '<meta name="viewport" content="width=device-width">\n<link rel="stylesheet" href="/style.css">\n'
        "<script>window.dataLayer = window.dataLayer || []; function gtag(){dataLayer.push(arguments);}</script>\n"
        "<style>.ad{float:right} nav li{display:inline}</style>\n</head>\n"
    )
    return head + frame(title, body(article, site.boilerplate), links, words, host) + "\n</html>\n"


def plain(article: Article, site: Site, others: list[str]) -> str:
    """The page as text: for a WET file with all that stands around the article, else the article alone."""
    paragraphs = [article.title]
    for block in article.blocks:
        paragraphs.append(article.block_text(block))
        if site.boilerplate and block.tag == "p" and site.boilerplate not in paragraphs:
            paragraphs.append(site.boilerplate)
    if site.file != "wet":
        return "\n\n".join(paragraphs)
    w = read_frame(article.language, site.host)
    before = [w["cookie"], w["accept"], site.host, w["home"], w["news"], w["about"], w["search"]]
    return "\n".join([*before, *paragraphs, w["related"], *others, w["contact"], w["footer"]])


def classic(title: str, article: str, links: str, w: dict[str, str], host: str) -> str:
    """A site with HTML5 landmarks."""
    return f"""<body>
<div id="cookie-banner" class="cookie-consent" role="dialog"><p>{w["cookie"]}</p><button>{w["accept"]}</button></div>
<header class="site-header"><a class="logo" href="/">{host}</a>
<nav><ul><li><a href="/">{w["home"]}</a></li><li><a href="/news">{w["news"]}</a></li>
<li><a href="/about">{w["about"]}</a></li><li><a href="/contact">{w["contact"]}</a></li></ul></nav></header>
<main><article>
<h1>{title}</h1>
{article}
</article></main>
<aside class="sidebar"><h3>{w["related"]}</h3><ul>{links}</ul></aside>
<footer><p>{w["footer"]}</p></footer>
</body>"""


def divs(title: str, article: str, links: str, w: dict[str, str], host: str) -> str:
    """A site from before HTML5: everything is a div with an id."""
    return f"""<body class="page">
<div id="header"><div id="logo">{host}</div>
<div id="search"><form action="/search">
<input name="q" placeholder="{w["search"]}"></form></div></div>
<div id="navigation" class="menu"><a href="/">{w["home"]}</a>
| <a href="/news">{w["news"]}</a> | <a href="/about">{w["about"]}</a></div>
<div id="content"><div class="post">
<h1 class="title">{title}</h1>
<div class="entry-content">
{article}
</div></div></div>
<div id="sidebar"><h4>{w["related"]}</h4><ul>{links}</ul><div class="widget ads">{w["ad"]}</div></div>
<div id="footer">{w["footer"]} <a href="/contact">{w["contact"]}</a></div>
<div class="cookie-notice">{w["cookie"]} <a href="#" class="btn">{w["accept"]}</a></div>
</body>"""


def magazine(title: str, article: str, links: str, w: dict[str, str], host: str) -> str:
    """A magazine: an advertisement before the text, a newsletter box after it."""
    return f"""<body>
<nav class="topnav" role="navigation"><a href="/">{host}</a>
<ul><li><a href="/news">{w["news"]}</a></li>
<li><a href="/about">{w["about"]}</a></li></ul></nav>
<div class="ad advertisement leaderboard"><a href="/ad">{w["ad"]}</a></div>
<main id="main"><article class="story">
<header><h1>{title}</h1></header>
<div class="article-body">
{article}
</div>
</article>
<section class="newsletter"><form><p>{w["subscribe"]}</p>
<input type="email"><button>{w["accept"]}</button></form></section>
</main>
<aside class="related-links"><h2>{w["related"]}</h2><ul>{links}</ul></aside>
<footer class="page-footer"><ul><li><a href="/contact">{w["contact"]}</a></li></ul><p>{w["footer"]}</p></footer>
<div id="gdpr-overlay" class="modal cookie" aria-hidden="true"><p>{w["cookie"]}</p><button>{w["accept"]}</button></div>
</body>"""


def handbook(title: str, article: str, links: str, w: dict[str, str], host: str) -> str:
    """Documentation: a menu on the left, a trail of links above the text."""
    return f"""<body>
<div class="cookie-banner" id="cookies">{w["cookie"]} <button>{w["accept"]}</button></div>
<div class="layout"><nav class="toc sidebar"><p>{w["search"]}</p><ul>{links}</ul></nav>
<main role="main"><div class="breadcrumbs"><a href="/">{w["home"]}</a> &raquo; <a href="/about">{w["about"]}</a></div>
<article class="markdown-body">
<h1>{title}</h1>
{article}
</article></main></div>
<footer class="footer">{w["footer"]}</footer>
</body>"""


FRAMES = [classic, divs, magazine, handbook]
