"""Extract the main text of an HTML page.

>>> page = extract_text("<title>Tea</title><body><nav>Home</nav><main><h1>Tea</h1><p>Tea is a drink.</p></main>")
>>> page.title, page.text
('Tea', 'Tea\\n\\nTea is a drink.')
"""

from __future__ import annotations

import logging
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

from curate.extract.blocks import Blocks, cut, most_attributes
from curate.extract.canonical import canonical_url
from curate.extract.embedded import longest_body
from curate.extract.formulas import formulas_to_text
from curate.extract.main_text import MainBlocks, join, main_blocks
from curate.extract.markup import plain_markup
from curate.extract.page_features import PageFeatures, page_features
from curate.extract.page_type import page_type
from curate.results import Result
from curate.text.charset import decode
from curate.text.mojibake import repair_mojibake

if TYPE_CHECKING:
    from resiliparse.parse.html import HTMLTree

# Limits of size and nesting, never a clock, bound the time per page, so that a page gives the same text on any machine.
# curate's own engine is linear in the size of any page. Resiliparse 2.0.1 is quadratic in the nesting (5,000 levels:
# 0.4 s; 100,000: minutes); browsers stop at 512 levels. Both parsers are quadratic in the attributes of a tag (40,000:
# 5 and 20 s). Trafilatura 2.3 takes about 30 ms for 100 KB, and is quadratic in the number of lists (4,000: 1.9 s;
# 50,000: four minutes).
MAX_CHARACTERS = 20_000_000  # of a page; the rest is cut off
MAX_DEPTH = 2_000
MAX_ATTRIBUTES = 5_000  # of one tag
MAX_TRAFILATURA_CHARACTERS = 2_000_000
MAX_TRAFILATURA_TAGS = 30_000  # curate's own value: the largest of 1,509 real pages has 21,646
# Characters of lists that are examined, as a multiple of the size of the page. curate's own value: a list of the
# content is in another one only if there is an article between them.
LIST_LEVELS = 4
# How many times as long as the text the article in a page's data must be to be taken instead, and the least text that
# this is compared with. curate's own values: on 33 pages of training that have both, the data are never that much
# longer, and where they are shorter they are a summary.
MUCH_MORE, LEAST_BODY = 2.0, 100

Engine = Literal["resiliparse", "trafilatura", "blocks"]

_CONTAINER = re.compile(
    r"<(/?)(?:div|span|section|article|main|header|footer|aside|nav|ul|ol|dl|table|tbody|tr|td|th|blockquote|center"
    r"|form|fieldset|figure|details|a|b|i|u|em|strong|font|small|big|sub|sup|code|pre|label|button)(?=[\s>/])",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class ExtractConfig:
    """How pages become text.

    ``engine``: ``blocks``, curate's own, the fastest, and the best on pages of every kind (`curate.extract.main_text`);
    ``resiliparse``; or ``trafilatura``, more than ten times slower, good on articles. ``alt_texts``: which alternative
    texts of pictures to keep: those of ``formulas``, as on pages of mathematics (Llama 3, arXiv 2407.21783, section
    3.1.1), or ``all``. ``format``: ``text``, or ``markdown`` (`curate.extract.markdown`), which only ``blocks`` writes.
    Formulas in MathML and MathJax become TeX between dollar signs with every engine (`curate.extract.formulas`).
    """

    engine: Engine = "blocks"
    alt_texts: Literal["formulas", "all"] = "formulas"
    format: Literal["text", "markdown"] = "text"

    def __post_init__(self) -> None:
        if self.engine not in get_args(Engine):
            raise ValueError(f"unknown engine {self.engine!r}: use one of {', '.join(get_args(Engine))}")
        if self.format not in ("text", "markdown"):
            raise ValueError(f"unknown format {self.format!r}: use text or markdown")
        if self.format == "markdown" and self.engine != "blocks":
            raise ValueError(f"the engine {self.engine!r} writes text only: use engine: blocks for format: markdown")


@dataclass(frozen=True, slots=True)
class Extraction(Result):
    """The extracted main text, the title, and the language in the page's ``lang`` ("" for none).

    ``canonical`` is the address that the page calls its own (`curate.extract.canonical`), "" if it names none;
    ``engine`` is the engine that extracted the text: that of the config, or ``blocks`` if it failed, found nothing, or
    cannot handle a page that is so large or so deeply nested; or ``data`` if the page shows little of an article
    that its data hold (`curate.extract.embedded`). ``confidence`` is the F1 of words that ``blocks`` expects of its
    text, 0 to 1 (`curate.extract.main_text`), or NaN if the text is not from there. ``page_type`` is the kind of page
    (`curate.extract.page_type`), and ``page_features`` describe the whole page.
    """

    text: str
    title: str
    language: str
    engine: str
    canonical: str
    confidence: float
    page_type: str
    page_features: PageFeatures


def extract_text(
    html: bytes | str, url: str | None = None, config: ExtractConfig = ExtractConfig(), charset: str = ""
) -> Extraction:
    """Return the main text of a page, without navigation, banners and markup; lines of code and of lists stay lines.

    Text whose UTF-8 was encoded twice is repaired (`curate.text.mojibake`).

    Args:
        html: the page; bytes are decoded by `curate.text.charset.decode`.
        url: of the page, for its features and trafilatura's metadata.
        config: engine and options.
        charset: declared by the server.

    Returns:
        The extraction, with an empty text if the page has none. No page makes it fail.

    Raises:
        TypeError: ``html`` is neither bytes nor str, such as the None of an empty cell.

    >>> extract_text("<p>One<br>two").text
    'One\\ntwo'
    """
    if not isinstance(html, bytes | str):
        raise TypeError(f"HTML is str or bytes, not {type(html).__name__}")
    page = decode(html, charset)[0] if isinstance(html, bytes) else html.encode("utf-8", "replace").decode()
    page = formulas_to_text(page[:MAX_CHARACTERS])
    blocks = cut(page, config.alt_texts == "all")
    found = _find_text(page, blocks, url, config)
    features = page_features(page, blocks, found.text, url)
    return Extraction(
        _markdown(page, blocks, found) if config.format == "markdown" else found.text,
        repair_mojibake(blocks.title),
        blocks.language,
        found.engine,
        canonical_url(page, url or ""),
        found.confidence,
        page_type(features, blocks),
        features,
    )


class _Found(NamedTuple):
    """The text of a page, what found it, how sure that is, and what it was made of: blocks, or a page's data."""

    text: str
    engine: str
    confidence: float
    source: MainBlocks | str


def _find_text(page: str, blocks: Blocks, url: str | None, config: ExtractConfig) -> _Found:
    text = ""
    few = config.engine != "blocks" and most_attributes(page, blocks) <= MAX_ATTRIBUTES
    if config.engine == "trafilatura" and few and _fits_trafilatura(page):
        text = _trafilatura(page, url)
    elif config.engine == "resiliparse" and few and _depth(page) <= MAX_DEPTH:
        text = _resiliparse(page, config)
    chosen = None if text else main_blocks(blocks)
    if chosen:
        text = join(blocks, chosen.kept, chosen.where)
    body, body_source = longest_body(page)
    if len(body) >= MUCH_MORE * max(len(text), LEAST_BODY):
        return _Found(repair_mojibake(body), "data", math.nan, body_source)
    text = repair_mojibake(text)
    return _Found(text, "blocks", chosen.confidence, chosen) if chosen else _Found(text, config.engine, math.nan, "")


def _markdown(page: str, blocks: Blocks, found: _Found) -> str:
    from curate.extract.markdown import body_markdown, markdown

    if isinstance(found.source, str):
        return repair_mojibake(body_markdown(found.source))
    return repair_mojibake(markdown(blocks, found.source.kept, found.source.where, page.encode("utf-8", "replace")))


def _fits_trafilatura(page: str) -> bool:
    return len(page) <= MAX_TRAFILATURA_CHARACTERS and page.count("<") <= MAX_TRAFILATURA_TAGS


def _depth(page: str) -> int:
    """Return an upper bound of the nesting of elements: a tag that is never closed counts as a level."""
    if page.count("<") - page.count("</") <= MAX_DEPTH:
        return 0  # too few tags are opened in all
    depth = deepest = 0
    for tag in _CONTAINER.finditer(page):
        depth += -1 if tag[1] else 1
        depth = max(depth, 0)
        deepest = max(deepest, depth)
    return deepest


def _resiliparse(page: str, config: ExtractConfig) -> str:
    from resiliparse.extract.html2text import extract_plain_text
    from resiliparse.parse.html import HTMLTree

    tree = HTMLTree.parse(plain_markup(page))
    _keep_lists(tree, LIST_LEVELS * len(page))
    _keep_lines(tree)
    # set every flag, because the documented and the actual defaults differ between versions
    text = str(
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
    return text.replace("\xa0", " ").replace("\xad", "")  # spaces for layout, and where a word may be cut


# Rendered forms of formulas whose TeX is already in the page.
_DRAWN_FORMULAS = (".katex-html", ".MathJax", ".MathJax_Display", ".MathJax_Preview", ".MathJax_SVG", ".MathJax_CHTML")

_CONTENT_LISTS = ", ".join(
    f"{parent} > ul" for parent in ("body", "main", "article", "section", "div", "td", "blockquote")
)
_SPACED = re.compile(r"white-space\s*+:\s*+pre(?![\w-])", re.IGNORECASE)


def _keep_lists(tree: HTMLTree, most: int) -> None:
    """Make each list that is not mostly links a ``menu``, because resiliparse takes any ``ul`` of content for a menu.

    Args:
        tree: the page.
        most: characters of lists to examine, nested ones repeatedly; the lists after that stay as they are.
    """
    # ``values`` collects in one pass; iteration (resiliparse 2.0.1) walks the tree again for each element.
    for item in tree.body.query_selector_all(_CONTENT_LISTS).values() if tree.body else ():
        size = len(item.text or "")
        if (most := most - size) < 0:
            return
        if size > 2 * sum(len(link.text or "") for link in item.query_selector_all("a").values()):
            kept: Any = tree.create_element("menu")
            kept["class"] = item.getattr("class", "")
            item.before(kept)
            while (child := item.first_child) is not None:
                kept.append_child(child)
            item.remove()


def _keep_lines(tree: HTMLTree) -> None:
    """Put each element whose style keeps white space as it is, ``white-space: pre``, in a ``pre``."""
    for item in tree.body.query_selector_all('[style*="white-space"]').values() if tree.body else ():
        if _SPACED.search(item.getattr("style", "") or ""):
            lines: Any = tree.create_element("pre")
            item.before(lines)
            lines.append_child(item)


def _trafilatura(page: str, url: str | None) -> str:
    import trafilatura

    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)  # it warns about every page without text
    try:
        text = trafilatura.extract(
            page,
            url=url or None,
            output_format="txt",
            include_comments=True,
            include_tables=True,
            include_images=False,
            include_formatting=False,
            include_links=False,
            deduplicate=False,  # it remembers earlier pages, so that the text would depend on their order
            favor_precision=False,
        )
    except Exception:  # its parser fails on some pages; the engine `blocks` takes over, and the result says so
        return ""
    return text or ""
