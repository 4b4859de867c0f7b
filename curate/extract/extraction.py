"""Main text of an HTML page.

>>> found = extract_text("<title>Tea</title><body><nav>Home</nav><main><h1>Tea</h1><p>Tea is a drink.</p></main>")
>>> found.title, found.text
('Tea', 'Tea\\n\\nTea is a drink.')
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from curate.extract.blocks import cut
from curate.extract.formulas import formulas_to_text
from curate.extract.main_text import main_text
from curate.results import Result
from curate.text.charset import decode

if TYPE_CHECKING:
    from resiliparse.parse.html import HTMLTree

# The time for a page is bounded by its size and its nesting, never by a clock: the same page gives the same text on any
# machine. Our own engine is linear in the size, whatever the page. Resiliparse 2.0.1 is quadratic in the nesting (5,000
# levels: 0.4 s; 100,000: minutes); browsers stop at 512 levels. Both parsers are quadratic in the attributes of a tag
# (40,000: 5 and 20 s). Trafilatura 2.3 takes about 30 ms for 100 KB, and is quadratic in the number of lists (4,000:
# 1.9 s; 50,000: four minutes).
MAX_CHARACTERS = 20_000_000  # of a page; what follows is cut off
MAX_DEPTH = 2_000
MAX_ATTRIBUTES = 5_000  # of one tag
MAX_TRAFILATURA_CHARACTERS = 2_000_000
MAX_TRAFILATURA_TAGS = 30_000  # ours: the largest of 1,509 real pages has 21,646
# Times the size of a page, the text of its lists that is looked at. Ours: one list of the content stands in another
# only by way of an article.
LIST_LEVELS = 4

Engine = Literal["resiliparse", "trafilatura", "blocks"]

_CONTAINER = re.compile(
    r"<(/?)(?:div|span|section|article|main|header|footer|aside|nav|ul|ol|dl|table|tbody|tr|td|th|blockquote|center"
    r"|form|fieldset|figure|details|a|b|i|u|em|strong|font|small|big|sub|sup|code|pre|label|button)(?=[\s>/])",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class ExtractConfig:
    """How pages become text.

    ``engine``: ``blocks``, ours, the fastest, and the best on pages of every kind that have a main text
    (`curate.extract.main_text`); ``resiliparse``, which keeps less of the frame of a page that has hardly any;
    ``trafilatura``, slower by more than ten times, good on articles. ``alt_texts``: which alternative texts of pictures
    are text: those of ``formulas``, as pages of mathematics have them (Llama 3, arXiv 2407.21783, section 3.1.1), or
    ``all``. Formulas in MathML and MathJax become TeX between dollar signs with any engine (`curate.extract.formulas`).
    """

    engine: Engine = "blocks"
    alt_texts: Literal["formulas", "all"] = "formulas"

    def __post_init__(self) -> None:
        if self.engine not in get_args(Engine):
            raise ValueError(f"no engine {self.engine!r}: choose from {', '.join(get_args(Engine))}")


@dataclass(frozen=True, slots=True)
class Extraction(Result):
    """What was found in a page: main text, title, and the language that its ``lang`` names ("" for none).

    ``engine`` says which engine gave the text: that of the config, or ``blocks`` where that one failed, found nothing,
    or cannot take a page so large or so deep.
    """

    text: str
    title: str
    language: str
    engine: str


def extract_text(
    html: bytes | str, url: str | None = None, config: ExtractConfig = ExtractConfig(), charset: str = ""
) -> Extraction:
    """Return the main text of a page, without navigation, banners and markup; lines of code and of lists stay lines.

    Args:
        html: the page; bytes are decoded by `curate.text.charset.decode`.
        url: of the page, for trafilatura's metadata.
        config: engine and options.
        charset: that the server declared.

    Returns:
        The text and what is known of it; the text is empty where there is none. Never fails on a page.

    Raises:
        TypeError: neither bytes nor str, such as the None of an empty cell.

    >>> extract_text("<p>One<br>two").text
    'One\\ntwo'
    """
    if not isinstance(html, bytes | str):
        raise TypeError(f"HTML is str or bytes, not {type(html).__name__}")
    page = decode(html, charset)[0] if isinstance(html, bytes) else html.encode("utf-8", "replace").decode()
    page = formulas_to_text(page[:MAX_CHARACTERS])
    blocks = cut(page, config.alt_texts == "all")
    text = ""
    few = blocks.most_attributes <= MAX_ATTRIBUTES
    if config.engine == "trafilatura" and few and _fits_trafilatura(page):
        text = _trafilatura(page, url)
    elif config.engine == "resiliparse" and few and _depth(page) <= MAX_DEPTH:
        text = _resiliparse(page, config)
    engine = config.engine if text else "blocks"
    return Extraction(text or main_text(blocks), blocks.title, blocks.language, engine)


def _fits_trafilatura(page: str) -> bool:
    return len(page) <= MAX_TRAFILATURA_CHARACTERS and page.count("<") <= MAX_TRAFILATURA_TAGS


def _depth(page: str) -> int:
    """Return an upper bound of how deeply elements are nested: a tag that is never closed counts as a level."""
    if page.count("<") - page.count("</") <= MAX_DEPTH:
        return 0  # so few tags are opened in all
    depth = deepest = 0
    for tag in _CONTAINER.finditer(page):
        depth += -1 if tag[1] else 1
        depth = max(depth, 0)
        deepest = max(deepest, depth)
    return deepest


def _resiliparse(page: str, config: ExtractConfig) -> str:
    from resiliparse.extract.html2text import extract_plain_text
    from resiliparse.parse.html import HTMLTree

    tree = HTMLTree.parse(page)
    _keep_lists(tree, LIST_LEVELS * len(page))
    # every flag is set: the documented and the real defaults differ between versions
    return str(
        extract_plain_text(
            tree,
            preserve_formatting=True,
            main_content=True,
            list_bullets=False,
            alt_texts=config.alt_texts == "all",
            links=False,
            form_fields=False,
            noscript=False,
            comments=True,
            post_meta=False,
            hidden_elements=False,
            skip_elements=_DRAWN_FORMULAS,
        )
    )


# Drawn forms of formulas whose TeX is in the page already.
_DRAWN_FORMULAS = (".katex-html", ".MathJax", ".MathJax_Display", ".MathJax_Preview", ".MathJax_SVG", ".MathJax_CHTML")

_CONTENT_LISTS = ", ".join(
    f"{parent} > {kind}" for parent in ("main", "article", "main > div", "article > div") for kind in ("ul", "ol")
)


def _keep_lists(tree: HTMLTree, most: int) -> None:
    """Put each list of the content that is not mostly links into a ``div``: alone, resiliparse takes it for a menu.

    Args:
        tree: the page.
        most: characters that are looked at, of lists in lists more than once; the lists behind them stay as they are.
    """
    # ``values`` collects in one pass; iteration (resiliparse 2.0.1) walks the tree anew for each element.
    for item in tree.body.query_selector_all(_CONTENT_LISTS).values() if tree.body else ():
        size = len(item.text or "")
        if (most := most - size) < 0:
            return
        if size > 2 * sum(len(link.text or "") for link in item.query_selector_all("a").values()):
            wrapper: Any = tree.create_element("div")
            item.before(wrapper)
            wrapper.append_child(item)


def _trafilatura(page: str, url: str | None) -> str:
    import trafilatura

    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)  # it warns of every page that has no text
    try:
        found = trafilatura.extract(
            page,
            url=url or None,
            output_format="txt",
            include_comments=True,
            include_tables=True,
            include_images=False,
            include_formatting=False,
            include_links=False,
            deduplicate=False,  # it remembers the pages before, and the text would depend on their order
            favor_precision=False,
        )
    except Exception:  # its parser fails on some pages; ours takes over, and the result says so
        return ""
    return found or ""
